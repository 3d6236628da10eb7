/*
 * link/parts.h - what the parts of a link tell each other; nobody else includes this.
 *
 *   link/links.c      slots, lists, and what is done to all links of a worker
 *   link/link.c       birth, settling, timer, linger, end
 *   link/recv.c  bytes in: requests, buffers, what the machine does not want yet
 *   link/send.c  bytes out: inline and through the ring, budget, stall
 */
#ifndef WEIR_IO_LINK_PARTS_H
#define WEIR_IO_LINK_PARTS_H

#include "io/link/link.h"
#include "io/ring/op.h"
#include "io/worker/worker.h"

/* link/links.c */
struct link *links_take(struct links *links);
void links_give(struct links *links, struct link *link);

/* link/link.c */

/* The next flush settles it. Idempotent. */
static inline void link_mark_dirty(struct link *link) {
  if (!list_is_linked(&link->dirty)) list_append(&link->worker->links.dirty, &link->dirty);
}

/* The same for more of the same: after those to which something happened. */
static inline void link_mark_busy(struct link *link) {
  if (!list_is_linked(&link->dirty)) list_append(&link->worker->links.busy, &link->dirty);
}

/* The one or the other, for a link that may be in the midst of a long send. */
static inline void link_mark_more(struct link *link) {
  if (link->burst_bytes < IO_BURST_BYTES)
    link_mark_dirty(link);
  else
    link_mark_busy(link);
}

static inline unsigned link_weight(const struct link *link) {
  unsigned weight = link->host.weight;
  if (weight == 0) return MACHINE_WEIGHT_DEFAULT;
  return weight < MACHINE_WEIGHT_MAX ? weight : MACHINE_WEIGHT_MAX;
}

/* The link has sent or taken so many bytes, in one piece. */
static inline void link_charge(struct link *link, uint64_t bytes) {
  shares_charge(&link->worker->links.shares, &link->share, link_weight(link), bytes);
}

static inline bool link_is_ahead(const struct link *link) {
  return share_is_ahead(&link->worker->links.shares, &link->share, link_weight(link));
}

static inline bool link_wants(const struct link *link, unsigned bits) {
  return link->has_machine && link->machine.ops->wants(link->machine.self) & bits;
}

/* A request of `kind` for this link; counts as in flight until its last completion. */
struct io_uring_sqe *link_sqe(struct link *link, enum op_kind kind);

/* Called for the last completion of any request of this link. */
static inline void link_landed(struct link *link) {
  link->in_flight--;
}

/* Gives a dirty link its share of the turn. */
void link_settle(struct link *link);

/* link/recv.c */

/* No input is kept or deferred. */
static inline bool link_input_is_empty(const struct link *link) {
  return link->kept.begin == link->kept.end && link->deferred_first == LINK_NO_BUFFER;
}

/* Offers kept and deferred input, up to this turn's share. */
void link_recv_feed(struct link *link);
/* Starts or stops receiving, as the machine wants. */
void link_recv_settle(struct link *link);
void link_recv_stop(struct link *link);
/* Gives back every buffer and copy. */
void link_recv_release(struct link *link);

/* link/send.c */

/* One send, if the machine has something and none is under way. */
void link_send_settle(struct link *link);
void link_send_stop(struct link *link);
/* Cuts a link whose peer has acknowledged nothing for too long. */
void link_send_check_stall(struct link *link);

/* Headers and spans of sends between their preparation and their submission. */
struct send_arena;
struct send_arena *send_arena_open(void);

#endif
