/*
 * link/link.h - one connection: a socket and the machine that speaks on it.
 *
 *     multishot receive -> machine.recv -> buffer back to the ring
 *     machine.send_peek -> send -> machine.send_ack       one send under way, the next coalesced
 *
 * States: OPEN -> LINGER -> CLOSING -> freed, and from the first two also CUT -> CLOSING. LINGER is skipped when the
 * peer has nothing more to say: after its FIN, or when the machine knows so (MACHINE_SILENT).
 *   OPEN     the machine runs. Once it says MACHINE_ENDED, our half is shut down.
 *   LINGER   MACHINE_DONE: the machine is gone, our half is shut down, what the peer still sends is
 *            discarded until its FIN, IO_LINGER_IDLE_NS of silence, IO_LINGER_TOTAL_NS or
 *            IO_LINGER_BYTES_MAX. Closing
 *            with unread input would make the kernel send RST and destroy our last bytes.
 *   CUT      to be closed with RST; the next settling begins with that.
 *   CLOSING  requests under way are being cancelled; freed when none is left.
 *
 * The modules of a link, lowest first:
 *   link/share.h   how a worker's time is divided among its links
 *   link/link.h    the struct, and its requests to the ring
 *   link/links.h   all links of one worker: slots, lists, marks
 *   link/recv.h    bytes in: requests, buffers, what the machine does not want yet
 *   link/splicer.h sends by reference, without a copy
 *   link/vault.h   bytes that go from one link to another and stay in the kernel
 *   link/send.h    bytes out: inline and through the ring, budget, stall
 *   link/life.h    birth, settling, timer, linger, end
 *   link/pass.h    what a turn does to all links
 *   link/socket.h  the TCP options of every socket
 *   link/accept.h, link/dial.h   where links come from
 *
 * Bounds: IO_TURN_RECV_BYTES of input a turn, and less in one that lasts; a send budget between
 * IO_SEND_BUDGET_MIN and _MAX; IO_SEND_STALL_NS without a byte acknowledged; input that the machine
 * does not want is kept in a copy, and receiving stops. A link receives one buffer at a time, and then
 * what a full one left behind, until its machine has taken IO_WHOLES receives in a row and its socket is
 * empty; after a pause, or having taken more than its part of the buffer ring, until IO_WHOLES_AGAIN.
 */
#ifndef WEIR_IO_LINK_H
#define WEIR_IO_LINK_H

#include "engine/base/machine.h"
#include "io/base/list.h"
#include "io/base/timer.h"
#include "io/link/share.h"
#include "io/ring/loop.h"
#include "io/ring/op.h"

struct links;

enum link_state { LINK_FREE, LINK_OPEN, LINK_LINGER, LINK_CUT, LINK_CLOSING };

/* How a link receives. Chosen from the ring's features; forced by WEIR_URING_DISABLE. */
enum link_receive {
  LINK_RECV_MULTISHOT, /* one request, many buffers of the ring */
  LINK_RECV_SINGLE,    /* one request, one buffer of the ring */
  LINK_RECV_POLL,      /* no buffer ring: readiness, then recv(2) into links.scratch */
};

/* A copy of bytes that the machine did not want when they arrived. */
struct link_kept {
  uint8_t *base;
  uint32_t begin, end, capacity;
};

#define LINK_NO_BUFFER UINT16_MAX

/* Receives, the last of them long, after which a link counts as one that receives in bulk. Derived from what a reader
 * that is as fast as its peer sees: a short receive now and then. */
enum { LINK_BULK = 2 };

/* Each group fills a cache line or less: with many connections each line of a link is fetched from memory, and a
 * request takes the first four. */
struct link {
  struct machine machine;
  struct loop *loop;
  struct links *links;
  int fd;
  uint32_t slot;
  uint32_t generation;
  uint8_t state;        /* enum link_state */
  uint8_t receive_mode; /* enum link_receive */
  bool has_machine;
  bool receiving;        /* a receive request is under way */
  bool receive_stopping; /* and its cancellation was asked for */
  uint8_t wholes;        /* receives in a row that the machine took whole, up to IO_WHOLES_AGAIN */
  bool sending;          /* a send request, or the wait for room, is under way */
  bool waiting_for_room; /* it is the wait */
  bool send_stopping;
  bool eof;      /* the peer's FIN was read */
  bool eof_told; /* and the machine knows */
  bool ended;    /* our half is shut down, though the machine runs */
  bool reset;    /* to be closed with RST */
  bool shed;     /* drained to make room for others: it does not linger */
  bool has_room; /* the socket was seen to have room, and nothing was sent since */
  bool refused;  /* it took nothing all the same */
  bool full;     /* the socket took less than offered */
  uint8_t bulk;  /* not 0: one of the last LINK_BULK receives was long */
  bool polling;  /* the receive request asks whether there is something */
  bool vaulted;  /* receives are vaulted, but for what is between them */

  struct list_node dirty;                 /* to be settled by the next flush, or held */
  uint64_t turn;                          /* in which turn_bytes was counted */
  uint32_t turn_bytes;                    /* received input that the machine got in that turn */
  uint32_t budget_bytes;                  /* of the next send_peek */
  uint16_t in_flight;                     /* completions that are still to come */
  uint16_t deferred_first, deferred_last; /* ring buffers that wait for another turn, chained */
  uint8_t stall_checks;                   /* in a row, without a byte acknowledged */
  bool emptied;                           /* the last receive left nothing in the socket */
  struct link_kept kept;

  struct share share; /* of the worker's time */
  struct timer timer;

  uint32_t send_bytes;  /* of the send under way */
  uint32_t wait_turn;   /* in which the wait for room began, modulo 2^32 */
  uint64_t ahead_bytes; /* taken by the socket since it was last seen to have room */
  uint64_t burst_bytes; /* sent since the machine last had nothing to send */
  uint64_t room_ns;     /* when it took the first of them */
  uint64_t wait_ns;     /* when the wait for room began */
  uint64_t stall_check_ns;
  union {
    uint64_t stall_acked;  /* OPEN: bytes that the peer's TCP had acknowledged at the last check */
    uint64_t linger_bytes; /* LINGER: what was discarded */
  };

  struct machine_host host; /* lent to the machine */
  struct list_node waiting; /* has deferred input */
  struct list_node starved; /* found the buffer ring empty */
  uint64_t linger_idle_ns;  /* LINGER ends at the earlier of these */
  uint64_t linger_until_ns;
};
_Static_assert(sizeof(struct link) == 5 * 64,
               "links fill their cache lines, and their chunks the allocator's pages");

/* Nothing has ended it yet. */
static inline bool link_is_alive(const struct link *link) {
  return link->state == LINK_OPEN || link->state == LINK_LINGER;
}

/* MACHINE_* bits; 0 when the machine is gone. */
static inline unsigned link_wanted(const struct link *link) {
  return link->has_machine ? link->machine.ops->wants(link->machine.self) : 0;
}

static inline bool link_wants(const struct link *link, unsigned bits) {
  return link_wanted(link) & bits;
}

static inline unsigned link_weight(const struct link *link) {
  unsigned weight = link->host.weight;
  if (weight == 0) return MACHINE_WEIGHT_DEFAULT;
  return weight < MACHINE_WEIGHT_MAX ? weight : MACHINE_WEIGHT_MAX;
}

/* The user_data of a request of `kind` that begins now; it is in flight until its last completion. */
static inline uint64_t link_request(struct link *link, enum op_kind kind) {
  link->in_flight++;
  return op_pack(kind, link->slot, link->generation);
}

/* Called for the last completion of any request of this link. */
static inline void link_landed(struct link *link) {
  link->in_flight--;
}

/* Asks the ring to end the request of `kind`. The cancellation is in flight, too. */
static inline void link_cancel(struct link *link, enum op_kind kind) {
  ring_cancel(&link->loop->ring, link->fd, op_pack(kind, link->slot, link->generation),
              link_request(link, OP_LINK_CANCEL));
}

#endif
