/*
 * link/pass.h - what a turn of the worker does to all of its links, one list after another.
 */
#ifndef WEIR_IO_LINK_PASS_H
#define WEIR_IO_LINK_PASS_H

#include "io/link/links.h"

/* Before the completions of a turn: held links that are due go on, and links with deferred input get this turn's
 * share, one after the other until IO_TURN_INPUT_NS. The rest come first in the next turn. */
void links_feed(struct links *links);

/* Settles each link that is dirty, once; what still has to send is dirty again. For the few that a handful
 * of completions touched: the rest of the turn is links_flush()'s. Stops at IO_TURN_SEND_BYTES, counted
 * since links_feed(), and at IO_TURN_FLUSH_NS. The kernel gets their buffers back: more may come in this
 * turn than the ring holds. */
void links_settle_dirty(struct links *links);

/* After the completions, and with starved links that may receive again: settles dirty and woken links, then busy
 * ones, round robin, with one send each. Of each of the two: IO_TURN_LINKS links at most, IO_TURN_SEND_BYTES (busy
 * ones: IO_TURN_BUSY_BYTES), and no more after IO_TURN_FLUSH_NS. The rest come first in the next turn. */
void links_flush(struct links *links);

/* Whether the next turn has something to do at once, so that the worker must not sleep. */
bool links_have_work(const struct links *links);

/* Drains some links on which nothing is under way, so that others find room. */
void links_shed_some(struct links *links);

/* Of links that yield: cuts the oldest, when it is old enough and none ends already. */
void links_yield_one(struct links *links);

/* link_drain() and link_cut() of every link. */
void links_drain_all(struct links *links);
void links_cut_all(struct links *links);

#endif
