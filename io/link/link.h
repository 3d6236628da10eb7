/*
 * link/link.h - one connection: a socket and the machine that speaks on it.
 *
 *     multishot receive -> machine.recv -> buffer back to the ring
 *     machine.send_peek -> send -> machine.send_ack       one send under way, the next coalesced
 *
 * States: OPEN -> LINGER -> CLOSING -> freed.
 *   OPEN     the machine runs.
 *   LINGER   MACHINE_DONE: the machine is gone, our half is shut down, what the peer still sends is
 *            thrown away until its FIN, IO_LINGER_IDLE_NS of silence or IO_LINGER_TOTAL_NS. Closing
 *            with unread input would make the kernel send RST and destroy our last bytes.
 *   CLOSING  requests under way are being cancelled; freed when none is left.
 *
 * Work is queued: completions and host->wake() mark the link dirty; links_flush(), once a turn,
 * gives every dirty link one send (round robin) and asks its wants and its deadline. Links in the
 * midst of a long send have a list of their own, which comes second and gets IO_TURN_BUSY_BYTES a
 * turn: a download does not hold up what has little to say. Before either, a link that has had more
 * than its weight allows is held (link/share.h): it neither sends nor takes input until it is due.
 *
 * Bounds: IO_TURN_RECV_BYTES of input a turn; a send budget between IO_SEND_BUDGET_MIN and _MAX;
 * IO_SEND_STALL_NS without a byte acknowledged; input that the machine does not want is kept in a
 * copy, and receiving stops. A link that was paused once, or took more than its part of the buffer
 * ring, receives one buffer at a time from then on.
 */
#ifndef WEIR_IO_LINK_H
#define WEIR_IO_LINK_H

#include "engine/base/machine.h"
#include "io/base/list.h"
#include "io/base/timer.h"
#include "io/link/share.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct worker;
struct io_uring_cqe;

enum link_state { LINK_FREE, LINK_OPEN, LINK_LINGER, LINK_CLOSING };

/* How a link receives. Chosen from the ring's features; forced by WEIR_URING_DISABLE. */
enum link_receive {
  LINK_RECV_MULTISHOT, /* one request, many buffers of the ring */
  LINK_RECV_SINGLE,    /* one request, one buffer of the ring */
  LINK_RECV_POLL,      /* no buffer ring: readiness, then recv(2) into the worker's scratch */
};

/* A copy of bytes that the machine did not want when they arrived. */
struct link_kept {
  uint8_t *base;
  size_t begin, end, capacity;
};

#define LINK_NO_BUFFER UINT16_MAX

struct link {
  struct machine machine;
  struct machine_host host; /* lent to the machine */
  struct worker *worker;
  int fd;
  uint32_t slot;
  uint32_t generation;

  uint8_t state;        /* enum link_state */
  uint8_t receive_mode; /* enum link_receive */
  bool has_machine;
  bool receiving;        /* a receive request is under way */
  bool receive_stopping; /* and its cancellation was asked for */
  bool emptied;          /* the last receive left nothing in the socket */
  bool sending;          /* a send request, or the wait for room, is under way */
  bool waiting_for_room; /* it is the wait */
  bool send_stopping;
  bool eof;      /* the peer's FIN was read */
  bool eof_told; /* and the machine knows */
  bool reset;    /* to be closed with RST */
  bool shed;     /* drained to make room for others: its end waits for nobody */
  bool has_room; /* the socket was seen to have room, and nothing was sent since */
  bool refused;  /* it took nothing all the same */
  bool full;     /* the socket took less than offered */

  uint16_t in_flight;                     /* completions that are still to come */
  uint16_t deferred_first, deferred_last; /* ring buffers that wait for another turn, chained */
  uint16_t stall_checks;                  /* in a row, without a byte acknowledged */
  struct link_kept kept;

  uint64_t turn;         /* in which turn_bytes was counted */
  uint32_t turn_bytes;   /* received input that the machine got in that turn */
  uint32_t budget_bytes; /* of the next send_peek */
  size_t send_bytes;     /* of the send under way */
  uint64_t ahead_bytes;  /* taken by the socket since it was last seen to have room */
  uint64_t burst_bytes;  /* sent since the machine last had nothing to send */
  uint64_t room_ns;      /* when it took the first of them */
  uint64_t wait_ns;      /* when the wait for room began */
  uint64_t wait_turn;    /* and in which turn */
  uint64_t stall_check_ns;
  uint64_t stall_acked;    /* bytes that the peer's TCP had acknowledged at the last check */
  uint64_t linger_idle_ns; /* LINGER ends at the earlier of these */
  uint64_t linger_until_ns;
  struct timer timer;
  struct share share; /* of the worker's time */

  struct list_node dirty;   /* to be settled by the next flush, or held */
  struct list_node waiting; /* has deferred input */
  struct list_node starved; /* found the buffer ring empty */
};

/* Links of one worker: slots that never move, made in chunks as they are needed. */
struct links {
  struct link **chunks;
  uint32_t made;         /* slots in all chunks */
  uint32_t max;          /* slots that may be in use at once */
  uint32_t open;         /* slots in use */
  struct list_node free; /* through link.dirty */
  struct list_node dirty;
  struct list_node busy; /* the same for those in the midst of a long send; also by link.dirty */
  struct list_node waiting, starved;
  uint32_t shedding;   /* links that are being drained to make room */
  uint32_t shed_hand;  /* the slot that was looked at last */
  uint64_t kept_bytes; /* a counter: capacity of all copies, at most IO_KEEP_BYTES_MAX */
  uint64_t turn_sent_bytes;
  struct shares shares; /* who is held; through link.dirty */
};

__attribute__((warn_unused_result)) bool links_open(struct links *links, uint32_t max);
/* Every link must be gone (asserted). */
void links_close(struct links *links);

/* The link in `slot`, or NULL when `generation` is not its own. */
struct link *links_find(const struct links *links, uint32_t slot, uint32_t generation);

/* Before the batch of completions: links with deferred input get this turn's share, and held ones
 * that are due go on. */
void links_feed(struct worker *worker);

/* After the batch: every dirty link is settled (round robin, one send each), then starved links
 * receive again. Returns true when work is left, so that the worker must not sleep. */
bool links_flush(struct worker *worker);

/* Settles each link that is dirty, once; what still has to send is dirty again. For the few that a
 * handful of completions touched: the rest of the turn is links_flush()'s. Stops at
 * IO_TURN_SEND_BYTES, counted since links_feed(). */
void links_settle(struct worker *worker);

/* Drains some links on which nothing is under way, so that others find room. */
void links_shed(struct worker *worker);
void links_drain(struct worker *worker);
void links_cut(struct worker *worker);

/* Whether another link may be made. */
static inline bool links_have_room(const struct links *links) {
  return links->open < links->max;
}

/* Makes a link of a connected socket and starts it. Takes `fd`: on failure (the worker's cap, no
 * memory, the factory refuses) it has been closed and NULL is returned. */
struct link *link_create(struct worker *worker, int fd, const struct machine_factory *factory);

/* The machine is to finish; the link closes itself when the machine is done. */
void link_drain(struct link *link);

/* Drains the link if nothing has been under way for IO_SHED_IDLE_NS; whether it did. */
bool link_shed(struct link *link);

/* Ends the link now, with RST. */
void link_cut(struct link *link);

/* Completions; called by the worker's dispatch with the link already looked up. */
void link_on_recv(struct link *link, const struct io_uring_cqe *cqe);
void link_on_send(struct link *link, const struct io_uring_cqe *cqe);
void link_on_cancel(struct link *link, const struct io_uring_cqe *cqe);

#endif
