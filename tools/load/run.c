/*
 * load/run.c - starts the workers, waits for them, and adds up what they counted.
 */
#include "tools/load/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/base/clock.h"
#include "io/worker/cgroup.h"
#include "io/worker/group.h"
#include "io/worker/idle.h"
#include "tools/common/process.h"
#include "tools/common/ring.h"
#include "tools/load/log_file.h"
#include "tools/load/start_at.h"
#include "tools/load/units.h"
#include "tools/load/watch.h"

struct run {
  const struct load_options *options;
  const char *command;
  struct load_plan plan;
  struct load_worker *workers; /* options->threads of them */
  struct load_watch watch;
  struct load_log_file log;
  struct load_start start;
  struct cgroup_throttling throttling; /* before the run */
  enum ring_choice ring;               /* of all workers, once they have begun */
};

/* Each connection needs a descriptor, or two while it is being replaced. The program needs some,
 * too. */
static bool find_descriptors(const struct load_options *options, const struct failure *failure) {
  const unsigned long long most = process_raise_descriptors();
  const unsigned long long needed = options->connections + 32ull + 8ull * options->threads;
  if (needed <= most) return true;
  return failure_set(failure,
                     "cannot open %u connection%s: %llu descriptors are needed, and %llu allowed "
                     "(ulimit -n)",
                     options->connections, load_plural(options->connections), needed, most);
}

/* ---- workers --------------------------------------------------------------------------------- */

static bool make_workers(struct run *run, const struct failure *failure) {
  size_t bytes = run->options->threads * sizeof *run->workers;
  run->workers = aligned_alloc(_Alignof(struct load_worker), bytes);
  if (!run->workers) return failure_set(failure, "out of memory");
  memset(run->workers, 0, bytes);
  return true;
}

/* Watches all cores for a moment, and gives each worker one that nobody keeps busy, as far as there
 * are any. From the last one down, since a server on the same machine uses the first ones. */
static void choose_cores(struct run *run) {
  static struct idle_reading before, after;
  const struct timespec watch = {.tv_nsec = LOAD_WATCH_NS};
  int cores[IO_WORKERS_MAX];
  unsigned count = 0, threads = run->options->threads;
  if (!run->options->no_pin) {
    idle_read(&before, "/proc/stat");
    nanosleep(&watch, NULL);
    idle_read(&after, "/proc/stat");
    count = idle_cores(&before, &after, threads, cores);
  }
  for (unsigned i = 0; i < threads; i++)
    run->workers[i].core = i < count ? cores[i] : -1;
}

static bool worker_setup(struct worker *io, void *ctx, struct io_error *error) {
  struct run *run = ctx;
  load_watch_enter(&run->watch);
  struct load_worker *worker = &run->workers[io->index];
  if (load_worker_begin(worker, &run->plan, &run->start, io, error)) {
    worker->books.log = load_log_file_queue(&run->log, io->index);
    return true;
  }
  load_watch_leave(&run->watch);
  return false;
}

static void worker_second(struct worker *io, void *ctx) {
  struct run *run = ctx;
  load_worker_second(&run->workers[io->index]);
}

static void worker_stopped(struct worker *io, void *ctx) {
  struct run *run = ctx;
  load_worker_end(&run->workers[io->index]);
  load_watch_leave(&run->watch);
}

/* Two for each connection: the buffers are used in turn, and all of them should stay in the core's
 * cache. */
static uint32_t receive_buffers(unsigned links) {
  uint32_t count = LOAD_BUFFERS_MIN;
  while (count < LOAD_BUFFERS_MAX && count < 2 * links)
    count *= 2;
  return count;
}

static bool run_workers(struct run *run, const struct failure *failure) {
  const struct load_options *options = run->options;
  unsigned links = (options->connections + options->threads - 1) / options->threads;
  const struct worker_config config = {
      .count = options->threads,
      .ring = options->ring,
      /* A connection that is being replaced may still wait for the server's FIN. */
      .links_max = 2 * links + 16,
      .buffer_count = receive_buffers(links),
      .hooks = {.ctx = run,
                .setup = worker_setup,
                .second = worker_second,
                .stopped = worker_stopped},
  };
  struct worker_group group = {0};
  struct io_error why = {0};
  choose_cores(run);
  run->throttling = cgroup_throttling(&cgroup_files);
  if (!load_watch_begin(&run->watch, options, run->command, run->workers, &group))
    return failure_set(failure, "out of memory");
  if (!load_log_file_begin(&run->log, options->log, options->threads, failure)) return false;
  if (!worker_group_start(&group, &config, &why)) return failure_set(failure, "%s", why.text);
  ring_warn(&group.chosen);
  run->ring = group.chosen.engine;
  load_watch_wait(&run->watch);
  worker_group_join(&group);
  load_watch_end(&run->watch);
  load_log_file_end(&run->log);
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

/* Connection by connection, of several origins. */
static void add_origins(const struct run *run, struct load_report *report) {
  const struct load_origins *origins = &run->plan.origins;
  if (origins->count < 2) return;
  report->origins = calloc(origins->count, sizeof *report->origins);
  report->origin_count = report->origins ? origins->count : 0;
  for (unsigned i = 0; i < report->origin_count; i++)
    url_origin(&origins->at[i].url, report->origins[i].origin);
  for (unsigned i = 0; report->origins && i < report->workers; i++) {
    const struct load_worker *worker = &run->workers[i];
    for (unsigned k = 0; k < worker->books.connections; k++) {
      const struct load_slots *slots = &worker->connections[k].slots;
      struct load_origin_counts *counts = &report->origins[slots->turn.origin - origins->at];
      counts->connections++;
      counts->done += slots->done + slots->stranded;
      counts->failed += slots->failed + slots->stranded;
    }
  }
}

/* The wall clock at `then_ns` of clock_now_ns(). */
static int64_t wall_clock_at(uint64_t then_ns) {
  return load_start_at_now() - (int64_t)(clock_now_ns() - then_ns);
}

static void add_stages(const struct run *run, struct load_report *report) {
  report->stages = load_stage_reports(&run->plan);
  for (unsigned i = 0; report->stages && i < report->workers; i++) {
    unsigned begun = load_stage_reports_add(report->stages, &run->workers[i].marks);
    if (begun > report->stage_count) report->stage_count = begun;
  }
}

/* The report takes the series. */
static void add_up(const struct run *run, struct load_report *report) {
  struct cgroup_throttling now = cgroup_throttling(&cgroup_files);
  url_origin(&run->plan.rules.base, report->origin);
  for (unsigned i = 0; i < run->options->threads; i++)
    load_report_add(report, &run->workers[i].books.stats, &run->workers[i].books.self);
  report->self.throttled = now.periods - run->throttling.periods;
  report->self.throttled_ns = now.ns - run->throttling.ns;
  load_requests_wait(&report->sum.requests);
  report->total = run->options->requests ? run->options->requests : report->sum.requests.started;
  report->series = run->watch.series;
  report->ring = run->ring;
  report->log_lost = run->log.lost;
  report->log_error = run->log.error;
  report->begin_unix_ns = wall_clock_at(report->sum.begin_ns);
  find_fairness(run, &report->fairness);
  add_origins(run, report);
  if (run->options->stage_count > 0) add_stages(run, report);
}

/* A mistake in a file that is read while the run goes on. */
static void find_mistake(const struct run *run, struct load_report *report) {
  struct load_reader *reader = run->plan.reader;
  if (!reader) return;
  load_reader_stop(reader);
  const char *mistake = load_reader_mistake(reader);
  if (mistake) snprintf(report->mistake, sizeof report->mistake, "%s", mistake);
}

static void release(struct run *run) {
  for (unsigned i = 0; run->workers && i < run->options->threads; i++)
    load_worker_free(&run->workers[i]);
  free(run->workers);
  load_watch_free(&run->watch);
  load_log_file_end(&run->log);
  load_plan_free(&run->plan);
}

/* Always true, so that it can stand between the steps. */
static bool wait_for_start(const struct load_options *options) {
  if (options->start_unix_ns) load_start_at_wait(options->start_unix_ns);
  return true;
}

enum load_run_result load_run(const struct load_options *options, struct load_report *report,
                              const struct failure *failure) {
  struct run run = {
      .options = options, .command = report->command, .start = {.missing = options->threads}};
  enum load_run_result result = LOAD_RUN_FAILED;
  report->options = options;
  if (!load_plan_init(&run.plan, options, failure)) {
    result = LOAD_RUN_FAILED;
  } else if (!load_plan_targets(&run.plan, failure)) {
    result = LOAD_RUN_WRONG;
  } else if (find_descriptors(options, failure) && load_plan_read(&run.plan, failure) &&
             load_plan_look_up(&run.plan, failure) && make_workers(&run, failure) &&
             wait_for_start(options) && run_workers(&run, failure)) {
    add_up(&run, report);
    find_mistake(&run, report);
    result = LOAD_RUN_DONE;
  }
  release(&run);
  return result;
}
