/*
 * link.h - one connection: a socket and the machine that speaks on it.
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
 * gives every dirty link one send (round robin) and asks its wants and its deadline.
 *
 * Bounds: IO_TURN_RECV_BYTES of input a turn; a send budget between IO_SEND_BUDGET_MIN and _MAX;
 * IO_SEND_STALL_NS without a byte acknowledged; input that the machine does not want is kept in a
 * copy, and receiving stops. A link that was paused once receives one buffer at a time from then
 * on, so that it keeps no more than one buffer.
 */
#ifndef WEIR_IO_LINK_H
#define WEIR_IO_LINK_H

#include "engine/machine.h"
#include "io/timer.h"

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

/* Bytes received and not yet taken by the machine: buffers of the ring (deferred to another turn)
 * or a copy (the machine does not want them). */
struct link_kept {
  uint8_t *base;
  uint32_t begin, end, capacity;
};

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
  bool sending;          /* a send request is under way */
  bool send_stopping;
  bool starved; /* on the starved list: no buffer was left */
  bool dirty;   /* on the dirty list */
  bool waiting; /* on the input list: has deferred input */
  bool eof;     /* the peer's FIN was read */
  bool eof_told;
  bool reset; /* close with RST: the peer is not to be waited for */
  bool paused_once;
  bool pushed_back; /* the last send was short: the socket is full */

  uint16_t in_flight;                     /* completions that are still to come */
  uint16_t deferred_first, deferred_last; /* ring buffers of deferred input; LINK_NO_BUFFER */
  struct link_kept kept;

  uint32_t turn_bytes;   /* received in the turn `turn` */
  uint32_t budget_bytes; /* next send_peek */
  uint64_t turn;
  uint64_t stall_ns;    /* when the send under way counts as stalled */
  uint64_t stall_acked; /* bytes the peer's TCP had acknowledged when that was last set */
  uint64_t linger_until_ns;
  struct timer timer;

  struct link *dirty_next;
  struct link *waiting_next;
  struct link *starved_next;
};

#define LINK_NO_BUFFER UINT16_MAX

/* Links of one worker: slots that never move, made in chunks as they are needed. */
struct links {
  struct link **chunks;
  uint32_t chunk_count;
  uint32_t max;
  uint32_t open;     /* slots in use */
  struct link *free; /* chained by dirty_next */
  struct link *dirty_first, *dirty_last;
  struct link *waiting_first, *waiting_last;
  struct link *starved_first, *starved_last;
  uint64_t kept_bytes; /* of all links, at most IO_KEEP_BYTES_MAX */
};

__attribute__((warn_unused_result)) bool links_open(struct links *links, uint32_t max);
/* Every link must be gone (asserted). */
void links_close(struct links *links);

/* Makes a link of a connected socket and starts it. Takes `fd`: on failure (the worker's cap, no
 * memory, the factory refuses) it has been closed and NULL is returned. */
struct link *link_create(struct worker *worker, int fd, const struct machine_factory *factory);

/* The machine is to finish; the link closes itself when the machine is done. */
void link_drain(struct link *link);

/* Ends the link now, with RST. */
void link_cut(struct link *link);

/* Completions; called by the worker's dispatch with the link already looked up. */
void link_on_recv(struct link *link, const struct io_uring_cqe *cqe);
void link_on_send(struct link *link, const struct io_uring_cqe *cqe);
void link_on_cancel(struct link *link, const struct io_uring_cqe *cqe);

/* The link in `slot`, or NULL when `generation` is not its own. */
struct link *links_find(struct links *links, uint32_t slot, uint32_t generation);

/* After the batch of completions: deferred input, one send a dirty link, starved links re-armed.
 * Returns true when work is left, so that the worker must not sleep. */
bool links_flush(struct worker *worker);

void links_drain(struct worker *worker);
void links_cut(struct worker *worker);

#endif
