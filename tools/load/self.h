/*
 * load/self.h - what the generator itself was like: whether it woke in time, and what it waited for.
 *
 * Three things make a request late, and only one of them is the server:
 *
 *     due ------> noticed ----------> sent -----------> answered
 *          late            crowded           latency of the server
 *          (weir woke late) (no free stream or connection)
 *
 * A fourth is a file of -i that is read too slowly. That is no lateness.
 *
 * Lateness has one sample for each request of an open loop. In a closed loop requests are due when an
 * answer has come, so there it has one for each beat of a clock that the worker keeps; beats that
 * were missed count, too.
 *
 * Owner: one worker writes its own. They are added up after all have ended.
 */
#ifndef WEIR_LOAD_SELF_H
#define WEIR_LOAD_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/load/histogram.h"

struct load_self {
  struct load_histogram lateness;
  uint64_t late;    /* of its samples: more than LOAD_LATE_NS */
  uint64_t crowded; /* open loop: requests that found no free stream or connection */
  /* A request could have been sent, and none had been read from the file of -i. */
  uint64_t input_ns;
  uint64_t run_delay_ns; /* the worker threads could run and had no core (schedstat) */
  uint64_t throttled;    /* of the whole process: how often the cgroup's quota was used up, */
  uint64_t throttled_ns; /* and for how long it then waited */
};

/* Notes that what was due at `due_ns` was noticed at `now_ns`. The worker had no reason to look
 * before `wake_ns`. */
void load_self_notice(struct load_self *self, uint64_t due_ns, uint64_t wake_ns, uint64_t now_ns);

/* Forgets everything, and begins to count the calling thread's run-queue delay. */
void load_self_begin(struct load_self *self);

/* Ends that. On the same thread. */
void load_self_end(struct load_self *self);

void load_self_merge(struct load_self *sum, const struct load_self *from);

/* Whether so many were late that what was measured is partly the generator's own: more than 1% of
 * the requests. */
bool load_self_is_late(const struct load_self *self);

/* Why, as far as the kernel tells: "its cgroup's CPU quota was used up 40 times, for 1.20 s". An
 * empty text when it does not. Returns `text`. */
const char *load_self_cause(const struct load_self *self, char *text, size_t size);

#endif
