/*
 * load/books.h - one worker's books: which requests are still to be started, which are under way,
 * and what became of the others.
 *
 *     left --take--> in flight --end--> done
 *
 * Counting begins when the warm-up ends (load_books_measure()) and ends with load_books_close().
 * The books decide when the run is over; the worker acts on it: see the two timers.
 *
 * Owner: embedded in the worker; one thread.
 */
#ifndef WEIR_LOAD_BOOKS_H
#define WEIR_LOAD_BOOKS_H

#include "io/worker/worker.h"
#include "tools/load/plan.h"
#include "tools/load/schedule.h"
#include "tools/load/stats.h"

/* A request under way: embedded in it. */
struct load_entry {
  struct list_node node;
  uint64_t due_ns;
  bool measured; /* it was started after the warm-up, and counts */
};

struct load_books {
  const struct load_plan *plan;
  struct worker *io;
  uint64_t now_ns;      /* read anew whenever bytes arrive or a timer fires */
  unsigned connections; /* of this worker */
  unsigned alive;       /* of them, those that have not ended for good */
  unsigned settled;     /* of them, those whose first attempt is over */

  bool endless;               /* requests are started until the duration is over */
  uint64_t left;              /* requests to be started; 0 when endless */
  uint64_t in_flight;         /* requests started and not done, measured or not */
  struct list_node timeline;  /* their entries, the first due first */
  struct timer timeout_timer; /* armed while the timeline is not empty */
  struct timer phase_timer;   /* armed for the next change of phase */

  struct load_schedule schedule; /* open loop: when the next request is due */
  bool scheduled;                /* the open loop has begun */
  bool measuring;
  bool over;    /* nothing is counted any more, but why connections ended */
  bool leaving; /* nor that: we end them */
  uint64_t cpu_begin_ns;

  struct load_stats stats;
};

/* Two timers are the caller's to act on, outside of any machine's call:
 * `on_timeout`: the first request of the timeline has waited for as long as one may;
 * `on_phase`: all connections are settled, so an open loop may begin; or the warm-up, the duration
 * or the whole run is over. */
void load_books_init(struct load_books *books, const struct load_plan *plan, struct worker *io,
                     unsigned connections, void (*on_timeout)(struct timer *timer, uint64_t now_ns),
                     void (*on_phase)(struct timer *timer, uint64_t now_ns));

void load_books_read_clock(struct load_books *books);

/* ---- phases ---------------------------------------------------------------------------------- */

/* A connection's first attempt is over. */
void load_books_settle(struct load_books *books);

/* A connection has ended for good; it will not start the `share` of requests that were its own. */
void load_books_lose(struct load_books *books, uint64_t share);

/* Begins the warm-up, or measuring when there is none. */
void load_books_begin(struct load_books *books);
void load_books_measure(struct load_books *books);

/* Something has ended: closes the books if it was the last. */
void load_books_check(struct load_books *books);

/* Ends what is measured. Does nothing when the books are closed. */
void load_books_close(struct load_books *books);

/* ---- requests -------------------------------------------------------------------------------- */

/* Open loop: begins the schedule of worker `index`. */
void load_books_schedule(struct load_books *books, unsigned index);

/* Open loop: whether a request is due now. */
bool load_books_is_due(const struct load_books *books);

/* Open loop: counts those as failed that have been due for longer than a request may take and were
 * never started. */
void load_books_expire_unsent(struct load_books *books);

/* Whether a request may be started now; it then counts as taken. `*share` is what its connection
 * may still start, unless endless or in an open loop. `*due_ns` is since when it has been due. */
__attribute__((warn_unused_result)) bool load_books_take(struct load_books *books, uint64_t *share,
                                                         uint64_t *due_ns);

/* A request is under way: its timeout runs. */
void load_books_enter(struct load_books *books, struct load_entry *entry, uint64_t due_ns);

/* It is done. */
void load_books_leave(struct load_books *books, struct load_entry *entry);

/* The first entry if it has timed out, else NULL. */
struct load_entry *load_books_timed_out(struct load_books *books);

/* Arms the timeout for the first entry; it fires at `not_before_ns` at the earliest. */
void load_books_watch(struct load_books *books, uint64_t not_before_ns);

#endif
