/*
 * link/links.h - all links of one worker: the slots they live in, the lists they wait on, and the
 * marks that put them there.
 *
 * Work is queued: completions mark a link dirty, and a pass over the dirty links (link/pass.h) settles each. There are
 * three lists, through link.dirty, and a link is on one of them at most:
 *   dirty  something happened to it.
 *   woken  others gave it something (host->wake()). Settled at the end of the turn: the link that carries all
 *          connections of a tunnel, say, sends what the whole turn brought at once, and not a piece for every few
 *          completions.
 *   busy   in the midst of a long send. Comes last and gets IO_TURN_BUSY_BYTES a turn, so that a download does not hold
 *          up links that have little to say.
 * A link that has had more than its weight allows is held instead (link/share.h): it neither sends nor takes input
 * until it is due.
 *
 * Owner: the worker. Slots never move; they are made in chunks as they are needed, and only
 * links_open() and links_take() allocate.
 */
#ifndef WEIR_IO_LINKS_H
#define WEIR_IO_LINKS_H

#include "io/base/clock.h"
#include "io/link/link.h"
#include "io/link/splicer.h"
#include "io/link/vault.h"

struct links {
  struct loop *loop;
  struct link **chunks;
  uint32_t made;         /* slots in all chunks */
  uint32_t max;          /* slots that may be in use at once */
  uint32_t open;         /* slots in use */
  struct list_node free; /* slots, through link.dirty */
  struct list_node dirty, busy, woken;
  struct list_node waiting; /* links with deferred input */
  struct list_node starved; /* links that found the buffer ring empty */
  uint32_t shedding;        /* links that are being drained to make room */
  uint32_t shed_hand;       /* the slot that was looked at last */
  uint64_t kept_bytes;      /* a counter: capacity of all copies, at most */
  uint64_t keep_bytes_max;
  uint64_t turn_sent_bytes;
  uint64_t spent_ns;      /* that the turn had lasted at the last look at the clock */
  uint64_t spent_cost;    /* shares.turn_cost at that look */
  uint64_t send_stall_ns; /* a link whose peer acknowledges nothing for so long is cut */
  uint64_t yield_ns;      /* see struct links_settings */
  uint64_t *born_ns;      /* by slot; NULL: links do not yield */
  uint8_t *scratch;       /* IO_TURN_RECV_BYTES, for receiving without a buffer ring */
  struct splicer splicer; /* for sends by reference */
  struct vault vault;     /* for bytes that links pass to each other unread */
  struct shares shares;   /* with the links that are held, through link.dirty */
};

struct links_settings {
  uint32_t links_max;      /* at once */
  uint64_t keep_bytes_max; /* see IO_KEEP_BYTES_MAX */
  uint64_t send_stall_ns;  /* see IO_SEND_STALL_NS */
  /* For few links that are served in an instant: when there are as many as there may be, the oldest is cut to make
   * room, once it is so old. 0: only idle ones make room. */
  uint64_t yield_ns;
};

/* Prepares for links that are all on `loop`. False when memory is refused; what was allocated until
 * then is left to links_close(). */
__attribute__((warn_unused_result)) bool links_open(struct links *links, struct loop *loop,
                                                    const struct links_settings *settings);

/* Every link must be gone (asserted). Links that were never opened, all zero, are allowed. */
void links_close(struct links *links);

/* A slot that is blank but for its number, its generation and its owners; NULL at the cap or without
 * memory. */
__attribute__((warn_unused_result)) struct link *links_take(struct links *links);

/* Gives the slot back. Completions that still carry the old generation find no link. */
void links_give(struct links *links, struct link *link);

/* The link in `slot`, or NULL when `generation` is not its own. */
struct link *links_find(const struct links *links, uint32_t slot, uint32_t generation);

/* The slot itself, in use or not; 0 .. made - 1. */
struct link *links_at(const struct links *links, uint32_t slot);

/* Has the processor fetch a link, and once that is there, its machine, before they are used. `slot` is any. */
enum links_part { LINKS_LINK, LINKS_MACHINE };
void links_prefetch(const struct links *links, uint32_t slot, enum links_part part);

/* Ends the link, with RST: marks it CUT, for the next settling to see. Its machine lives until then.
 * Nothing happens to a link that is ending already. */
void link_cut(struct link *link);

/* How long the turn has lasted: looks at the clock. */
static inline uint64_t links_look(struct links *links) {
  links->spent_cost = links->shares.turn_cost;
  links->spent_ns = clock_now_ns() - links->loop->now_ns;
  return links->spent_ns;
}

/* The same, looking only when IO_TURN_LOOK_BYTES have passed since the last look. */
static inline uint64_t links_spent_ns(struct links *links) {
  if (links->shares.turn_cost - links->spent_cost < IO_TURN_LOOK_BYTES) return links->spent_ns;
  return links_look(links);
}

/* Whether another link may be made. */
static inline bool links_have_room(const struct links *links) {
  return links->open < links->max;
}

/* The next flush settles it. Idempotent. */
static inline void link_mark_dirty(struct link *link) {
  if (!list_is_linked(&link->dirty)) list_append(&link->links->dirty, &link->dirty);
}

/* The same, but at the end of the turn: until then others may give it more. */
static inline void link_mark_woken(struct link *link) {
  if (!list_is_linked(&link->dirty)) list_append(&link->links->woken, &link->dirty);
}

/* The same for more of the same: after those to which something happened. */
static inline void link_mark_busy(struct link *link) {
  if (!list_is_linked(&link->dirty)) list_append(&link->links->busy, &link->dirty);
}

/* The one or the other, for a link that may be in the midst of a long send. */
static inline void link_mark_more(struct link *link) {
  if (link->burst_bytes < IO_BURST_BYTES)
    link_mark_dirty(link);
  else
    link_mark_busy(link);
}

/* It has deferred input, for the next turn. Idempotent. */
static inline void link_mark_waiting(struct link *link) {
  if (!list_is_linked(&link->waiting)) list_append(&link->links->waiting, &link->waiting);
}

/* The link has sent or taken `bytes`, in one piece. */
static inline void link_charge(struct link *link, uint64_t bytes) {
  shares_charge(&link->links->shares, &link->share, link_weight(link), bytes);
}

static inline bool link_is_ahead(const struct link *link) {
  return share_is_ahead(&link->links->shares, &link->share, link_weight(link));
}

#endif
