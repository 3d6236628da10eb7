/*
 * base/pause.h - a connection that has used up a budget is read more slowly, before it is ended.
 * Bounds: base/limits.h. Owner: embedded in its connection.
 *
 * Pauses are added up, less the time in between: a burst is over when it has been read, and a flood
 * never is. So in the long run a connection is read for half of the time at least, and deadlines are
 * at most twice as long as without pauses.
 */
#ifndef WEIR_BASE_PAUSE_H
#define WEIR_BASE_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

struct pause {
  bool on;            /* nothing is read until until_ns */
  uint64_t since_ns;  /* when this pause began, or the last one */
  uint64_t until_ns;  /* when it ends, or the last one ended; 0: there was none */
  uint64_t slowed_ns; /* pauses until then, less the time in which it was read */
};

/* Stops reading for PEER_PAUSE_NS, unless it is stopped. Counts the pause in `*pauses`, and in `*slowed` if it
 * is the first of a row. False, and it goes on: the pauses have come to PEER_SLOWED_NS, which is enough. */
__attribute__((warn_unused_result)) bool pause_begin(struct pause *pause, uint64_t now_ns,
                                                     uint64_t *slowed, uint64_t *pauses);

/* The same for a peer that does nothing wrong, and is only read at a pace: the pause does not add up. */
void pause_rest(struct pause *pause, uint64_t now_ns, uint64_t *pauses);

/* Moves the beginning of a span by the pause that is about to end, which does not count. What began during
 * the pause begins now. 0 stays: no span has begun. */
void pause_move(const struct pause *pause, uint64_t now_ns, uint64_t *since_ns);

/* Reading goes on; to be called at until_ns or later (asserted). */
void pause_end(struct pause *pause, uint64_t now_ns);

#endif
