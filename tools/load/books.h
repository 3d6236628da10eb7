/*
 * load/books.h - one worker's accounts: requests still to be started, in flight, and done.
 *
 *     left --take--> in flight --end--> done
 *
 * Measuring starts when the warm-up ends (load_books_measure()) and stops with load_books_close().
 * The books decide when a phase ends; the worker acts on it when one of the two timers fires.
 *
 * Owner: embedded in the worker; one thread.
 */
#ifndef WEIR_LOAD_BOOKS_H
#define WEIR_LOAD_BOOKS_H

#include "io/worker/worker.h"
#include "tools/load/dialer.h"
#include "tools/load/due.h"
#include "tools/load/log_queue.h"
#include "tools/load/self.h"
#include "tools/load/sets.h"
#include "tools/load/source.h"
#include "tools/load/start.h"
#include "tools/load/stats.h"

/* Embedded in each request, in use while it is in flight. */
struct load_entry {
  struct list_node node;
  uint64_t due_ns;
};

struct load_books {
  const struct load_plan *plan;
  bool open;   /* an open loop: load_options_are_open() */
  bool capped; /* some requests have caps */
  struct load_source source;
  struct load_sets sets;
  struct worker *io;
  uint64_t now_ns;      /* updated whenever bytes arrive or a timer fires */
  unsigned connections; /* of this worker */
  unsigned alive;       /* those that have not ended for good */
  unsigned settled;     /* those whose first attempt is over */

  bool endless;               /* requests are started until the duration is over */
  uint64_t left;              /* requests to be started; 0 when endless */
  uint64_t in_flight;         /* requests started and not done, measured or not */
  struct list_node timeline;  /* the entries of requests in flight, the first due first */
  struct timer timeout_timer; /* armed while the timeline is not empty */
  struct timer phase_timer;   /* armed for the next phase change */
  struct timer input_timer;   /* armed while the source has no request yet */

  struct load_dialer dialer; /* opens the connections */
  struct load_start *start;  /* open loop: when it begins, for all workers */
  struct load_due due;       /* open loop: when the next request is due */
  bool scheduled;            /* the time when the open loop begins is known */
  uint64_t begin_ns;         /* of the run, warm-up included */
  /* Crowded: requests that are due wait for room. `ahead` is the first one that has not been noticed,
   * while `due` is the first one that has not been sent. */
  bool crowded;
  struct load_due ahead;
  uint64_t wake_ns; /* while crowded, the worker has no reason to look before; else 0 */
  /* No request has been read from the file since then; 0: there are some. */
  uint64_t input_since_ns;
  bool measuring;
  bool over;    /* nothing is counted any more except why connections ended */
  bool leaving; /* and not even that: we are closing them */
  uint64_t cpu_begin_ns;

  struct load_stats stats;
  struct load_self self;
  struct load_log_queue *log; /* finished requests for --log-file, or NULL */
};

/* The caller acts on timers, outside of any machine's call. */
struct load_books_timers {
  /* The first request of the timeline has timed out. */
  void (*timeout)(struct timer *timer, uint64_t now_ns);
  /* Every connection's first attempt is over, so an open loop may start; or the warm-up, the
   * duration or the run is over. */
  void (*phase)(struct timer *timer, uint64_t now_ns);
  /* A request could not start because the source had none yet. It may have some now. */
  void (*input)(struct timer *timer, uint64_t now_ns);
};

void load_books_init(struct load_books *books, const struct load_plan *plan, struct worker *io,
                     struct load_start *start, unsigned connections,
                     const struct load_books_timers *timers);

void load_books_read_clock(struct load_books *books);

/* ---- phases ---------------------------------------------------------------------------------- */

/* A connection's first attempt is over. */
void load_books_settle(struct load_books *books);

/* The connection at `turn` has ended for good. Its `share` of requests fails; and with the last connection,
 * so do all that are left. Returns how many of its own have failed. */
uint64_t load_books_lose(struct load_books *books, const struct load_turn *turn, uint64_t share);

/* Starts the warm-up, or measuring if there is none. The run begins at `begin_ns`, which may lie a
 * little ahead. */
void load_books_begin(struct load_books *books, uint64_t begin_ns);

/* The warm-up is over: starts measuring, unless it has begun. */
void load_books_measure(struct load_books *books);

/* Starts measuring if it is time. To be called before requests start, so that they count even if
 * the phase timer is late. */
void load_books_look_at_phase(struct load_books *books);

/* To be called when a request or connection has ended. Closes the books after the last one. */
void load_books_check(struct load_books *books);

/* Stops measuring. Does nothing if the books are already closed. */
void load_books_close(struct load_books *books);

/* ---- requests -------------------------------------------------------------------------------- */

/* Open loop: starts the schedule, and the run. Returns false, and arms the phase
 * timer to try again, while other workers are still connecting. */
__attribute__((warn_unused_result)) bool load_books_schedule(struct load_books *books);

/* Open loop: whether a request is due now. */
bool load_books_is_due(const struct load_books *books);

/* Whether no more requests will be started: -n is reached, or the source has ended. */
bool load_books_are_spent(const struct load_books *books);

/* Open loop: how many requests are due and not started. */
uint64_t load_books_backlog(const struct load_books *books, uint64_t now_ns);

/* Open loop: notes that the requests that are due cannot be sent for want of room. */
void load_books_crowd(struct load_books *books);

/* Closed loop: the beat of `due_ns` is noticed now. */
void load_books_beat(struct load_books *books, uint64_t due_ns);

/* A request could be sent, if the source had one: whether it has none yet. */
void load_books_note_input(struct load_books *books, bool waits);

/* Open loop: counts requests as failed that were never started and have been due for longer than
 * the timeout. */
void load_books_expire_unsent(struct load_books *books);

/* Takes a request to start now on the connection at `turn`. False when there is none. `*share` is how many
 * the connection may still start; it is not used in endless runs and open loops. `*due_ns` is set to when
 * the request was due. */
__attribute__((warn_unused_result)) bool load_books_take(struct load_books *books,
                                                         const struct load_turn *turn,
                                                         uint64_t *share, uint64_t *due_ns);

/* How many requests a connection with `share` left may start in a row, without a look at each: of a closed
 * loop whose source never ends. 0: load_books_take() says it one by one. */
uint64_t load_books_row(const struct load_books *books, uint64_t share);

/* Takes one of a row. It is due now. */
static inline void load_books_take_of_row(struct load_books *books, uint64_t *share) {
  books->left -= !books->endless;
  *share -= !books->endless;
}

/* A request has started. Its timeout runs. */
void load_books_enter(struct load_books *books, struct load_entry *entry, uint64_t due_ns);

/* The request is done. */
void load_books_leave(struct load_books *books, struct load_entry *entry);

/* The first entry, if it has timed out; else NULL. */
struct load_entry *load_books_timed_out(struct load_books *books);

/* Arms the timeout of the first entry. It does not fire before `not_before_ns`. */
void load_books_watch(struct load_books *books, uint64_t not_before_ns);

#endif
