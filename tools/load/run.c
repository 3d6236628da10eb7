/*
 * load/run.c - starts the workers, waits for them, and adds up what they counted.
 */
#include "tools/load/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/base/clock.h"
#include "io/worker/group.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/load/worker.h"

/* Sent to the main thread when all workers have ended. */
enum { SIGNAL_ENDED = SIGUSR2 };

struct run {
  const struct load_options *options;
  struct load_plan plan;
  struct load_worker *workers; /* options->threads of them */
  pthread_t main_thread;
  unsigned running; /* workers; the last one to end signals main_thread */
};

/* Each connection needs a descriptor, or two while it is being replaced. The program needs some,
 * too. */
static bool find_descriptors(const struct load_options *options, const struct failure *failure) {
  uint64_t most = process_raise_descriptors(), own = 32 + 8 * (uint64_t)options->threads;
  if (options->connections + own <= most) return true;
  return failure_set(failure,
                     "cannot open %u connections: %llu descriptors are allowed (ulimit -n)",
                     options->connections, (unsigned long long)most);
}

/* ---- workers --------------------------------------------------------------------------------- */

static bool make_workers(struct run *run, const struct failure *failure) {
  size_t bytes = run->options->threads * sizeof *run->workers;
  run->workers = aligned_alloc(_Alignof(struct load_worker), bytes);
  if (!run->workers) return failure_set(failure, "out of memory");
  memset(run->workers, 0, bytes);
  return true;
}

static bool worker_setup(struct worker *io, void *ctx, struct io_error *error) {
  struct run *run = ctx;
  __atomic_add_fetch(&run->running, 1, __ATOMIC_ACQ_REL);
  if (load_worker_begin(&run->workers[io->index], &run->plan, io, error)) return true;
  __atomic_sub_fetch(&run->running, 1, __ATOMIC_ACQ_REL);
  return false;
}

static void worker_second(struct worker *io, void *ctx) {
  struct run *run = ctx;
  load_worker_second(&run->workers[io->index]);
}

static void worker_stopped(struct worker *io, void *ctx) {
  struct run *run = ctx;
  load_worker_end(&run->workers[io->index]);
  if (__atomic_sub_fetch(&run->running, 1, __ATOMIC_ACQ_REL) == 0)
    pthread_kill(run->main_thread, SIGNAL_ENDED);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static sigset_t signals_of_interest(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGNAL_ENDED);
  return set;
}

static void interrupt(struct worker *io, void *object) {
  struct load_worker *worker = object;
  (void)io;
  if (!worker->books.over) worker->books.stats.interrupted = true;
  load_worker_finish(worker);
}

/* The first signal ends the run gracefully, the second at once. */
static void stop(struct run *run, struct worker_group *group, unsigned asked) {
  for (unsigned i = 0; i < run->options->threads && asked == 1; i++)
    if (!worker_group_post(group, i, interrupt, &run->workers[i])) asked = 2;
  if (asked > 1) worker_group_stop(group);
}

static void print_progress(const struct run *run, unsigned seconds, uint64_t *done_before) {
  uint64_t started = 0, done = 0, failed = 0, bytes = 0;
  for (unsigned i = 0; i < run->options->threads; i++) {
    const struct load_requests *counts = &run->workers[i].books.stats.requests;
    started += counter_get(&counts->started);
    done += counter_get(&counts->done);
    failed += counter_get(&counts->failed);
    bytes += counter_get(&counts->data_bytes);
  }
  unsigned span = seconds <= LOAD_PROGRESS_EVERY_SECOND ? 1 : LOAD_PROGRESS_SECONDS;
  if (seconds == LOAD_PROGRESS_SECONDS) span = LOAD_PROGRESS_SECONDS - LOAD_PROGRESS_EVERY_SECOND;
  uint64_t recent =
      done > *done_before ? done - *done_before : 0; /* less after the end of the warm-up */
  output_say(STDERR_FILENO,
             "%4u s: %llu requests done, %llu failed, %llu in flight, %.0f requests/s, %.1f MB",
             seconds, (unsigned long long)done, (unsigned long long)failed,
             (unsigned long long)(started > done ? started - done : 0), (double)recent / span,
             (double)bytes / 1e6);
  *done_before = done;
}

static void wait_for_end(struct run *run, struct worker_group *group) {
  sigset_t set = signals_of_interest();
  unsigned asked = 0, seconds = 0;
  uint64_t done = 0, next_ns = clock_now_ns() + SECOND_NS;
  while (__atomic_load_n(&run->running, __ATOMIC_ACQUIRE) > 0) {
    uint64_t now_ns = clock_now_ns();
    uint64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    const struct timespec wait = {.tv_sec = (time_t)(wait_ns / SECOND_NS),
                                  .tv_nsec = (long)(wait_ns % SECOND_NS)};
    int number = sigtimedwait(&set, NULL, &wait);
    if (number == SIGTERM || number == SIGINT) stop(run, group, ++asked);
    if (number != -1 || clock_now_ns() < next_ns) continue;
    next_ns += SECOND_NS;
    seconds++;
    if (run->options->quiet) continue;
    if (seconds <= LOAD_PROGRESS_EVERY_SECOND || seconds % LOAD_PROGRESS_SECONDS == 0)
      print_progress(run, seconds, &done);
  }
}

static bool run_workers(struct run *run, const struct failure *failure) {
  const struct load_options *options = run->options;
  unsigned links = (options->connections + options->threads - 1) / options->threads;
  const struct worker_config config = {
      .count = options->threads,
      /* A connection that is being replaced may still wait for the server's FIN. */
      .links_max = 2 * links + 16,
      .hooks = {.ctx = run,
                .setup = worker_setup,
                .second = worker_second,
                .stopped = worker_stopped},
  };
  struct worker_group group = {0};
  struct io_error why = {0};
  sigset_t set = signals_of_interest();
  run->main_thread = pthread_self();
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* the workers inherit it */
  signal(SIGPIPE, SIG_IGN);
  if (!worker_group_start(&group, &config, &why)) return failure_set(failure, "%s", why.text);
  wait_for_end(run, &group);
  worker_group_join(&group);
  return true;
}

/* ---- adding up ------------------------------------------------------------------------------- */

static void find_fairness(const struct run *run, struct load_fairness *fairness) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < run->options->threads; i++) {
    const struct load_worker *worker = &run->workers[i];
    for (unsigned k = 0; k < worker->books.connections; k++) {
      uint64_t done = worker->connections[k].slots.done;
      if (fairness->connections == 0 || done < fairness->min) fairness->min = done;
      if (done > fairness->max) fairness->max = done;
      sum += done;
      fairness->connections++;
    }
  }
  fairness->mean = fairness->connections ? (double)sum / fairness->connections : 0;
}

/* The wall clock at `then_ns` of clock_now_ns(). */
static int64_t wall_clock_at(uint64_t then_ns) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * (int64_t)SECOND_NS + now.tv_nsec -
         (int64_t)(clock_now_ns() - then_ns);
}

static void add_up(const struct run *run, struct load_report *report) {
  url_origin(&run->plan.base, report->origin);
  report->workers = run->options->threads;
  for (unsigned i = 0; i < report->workers; i++) {
    const struct load_stats *stats = &run->workers[i].books.stats;
    uint64_t span_ns = stats->end_ns - stats->begin_ns;
    report->busy[i] = span_ns ? (double)stats->cpu_ns / (double)span_ns : 0;
    load_stats_merge(&report->sum, stats);
  }
  load_requests_wait(&report->sum.requests);
  report->total = run->options->requests ? run->options->requests : report->sum.requests.started;
  report->begin_unix_ns = wall_clock_at(report->sum.begin_ns);
  find_fairness(run, &report->fairness);
}

static void release(struct run *run) {
  for (unsigned i = 0; run->workers && i < run->options->threads; i++)
    load_worker_free(&run->workers[i]);
  free(run->workers);
  load_plan_free(&run->plan);
}

enum load_run_result load_run(const struct load_options *options, struct load_report *report,
                              const struct failure *failure) {
  struct run run = {.options = options};
  enum load_run_result result = LOAD_RUN_FAILED;
  report->options = options;
  if (!load_plan_init(&run.plan, options, failure)) {
    result = LOAD_RUN_FAILED;
  } else if (!load_plan_targets(&run.plan, failure)) {
    result = LOAD_RUN_WRONG;
  } else if (find_descriptors(options, failure) && load_plan_look_up(&run.plan, failure) &&
             make_workers(&run, failure) && run_workers(&run, failure)) {
    add_up(&run, report);
    result = LOAD_RUN_DONE;
  }
  release(&run);
  return result;
}
