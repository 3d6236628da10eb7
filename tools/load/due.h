/*
 * load/due.h - when the requests of one worker's open loop are due, in turn: by the schedule of a
 * rate, or by a recording's times (--replay).
 *
 * A position. It can be copied, to look ahead. Requests of a recording that is not in the order of
 * time are due in the order of the file, none before the one before it.
 *
 * Owner: the worker's books; one thread.
 */
#ifndef WEIR_LOAD_DUE_H
#define WEIR_LOAD_DUE_H

#include "tools/load/schedule.h"
#include "tools/load/source.h"

struct load_due {
  const struct load_source *source; /* of --replay; else NULL */
  struct load_schedule schedule;    /* without a source */
  struct load_spot spot;            /* with one */
  uint64_t begin_ns, least_ns;      /* with one: of the run; of the next request */
  uint64_t number;                  /* of requests before this one */
};

/* Begins with the worker's next request. Keeps the plan and the source. */
void load_due_begin(struct load_due *due, const struct load_plan *plan,
                    const struct load_source *source, uint64_t begin_ns);

/* For load_due_ns(). */
uint64_t load_due_of_recording(const struct load_due *due);

/* When the next request is due. UINT64_MAX: there is none, or it has not been read yet. */
static inline uint64_t load_due_ns(const struct load_due *due) {
  return due->source ? load_due_of_recording(due) : load_schedule_due_ns(&due->schedule);
}

/* There must be a next request (asserted for a recording). */
void load_due_next(struct load_due *due);

/* How many requests are due at `now_ns`. */
uint64_t load_due_backlog(const struct load_due *due, uint64_t now_ns);

#endif
