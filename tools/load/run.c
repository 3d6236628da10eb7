/*
 * load/run.c - what all workers share, and the thread that waits for them.
 */
#include "tools/load/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/tls/context.h"
#include "tools/client/lookup.h"
#include "tools/client/tls.h"
#include "tools/common/process.h"
#include "tools/load/parts.h"

/* Progress is told after so many seconds, then each ten times as seldom. */
enum { PROGRESS_EVERY_SECOND = 5, PROGRESS_SECONDS = 10 };

struct failure {
  char *error;
  size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct failure *failure,
                                                       const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->error, failure->error_size, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- what is asked --------------------------------------------------------------------------- */

static void add(struct load_target *target, enum header_token token, const char *value) {
  target->fields[target->field_count++] = header_of(token, span_text(value));
}

/* Pseudo-header fields first; what is given replaces what is there. */
static bool make_fields(const struct load_run *run, struct load_target *target) {
  const struct load_options *options = run->options;
  add(target, TOKEN_METHOD, run->data ? "POST" : "GET");
  add(target, TOKEN_SCHEME, target->url.secure ? "https" : "http");
  add(target, TOKEN_AUTHORITY, target->url.authority);
  add(target, TOKEN_PATH, target->url.target);
  add(target, TOKEN_USER_AGENT, "weir-load");
  if (run->data) add(target, TOKEN_CONTENT_LENGTH, run->data_length);
  for (unsigned i = 0; i < options->field_count; i++) {
    const char *text = options->fields[i];
    enum header_token token;
    const char *value = load_options_pseudo(text, &token);
    struct header field;
    if (value)
      field = header_of(token, span_text(value));
    else if (!option_field_read(text, target->names[i], &field))
      return false;
    option_field_set(target->fields, &target->field_count, field);
  }
  for (size_t i = 0; i < target->field_count; i++)
    target->fields[i].hash = hpack_field_hash(&target->fields[i]);
  return true;
}

static bool read_targets(struct load_run *run, const struct failure *failure) {
  const struct load_options *options = run->options;
  for (unsigned i = 0; i < options->url_count; i++) {
    struct load_target *target = &run->targets[i];
    const char *text = options->urls[i];
    if (!url_parse(&target->url, text))
      return fail(failure, "%s: expected http://HOST/PATH or https://HOST/PATH", text);
    if (!url_same_origin(&target->url, &run->targets[0].url))
      return fail(failure, "%s and %s: all URLs need the same scheme, host and port",
                  options->urls[0], text);
    if (!make_fields(run, target)) return fail(failure, "--header: a name is too long");
    target->cap = load_caps_find(&options->caps, target->url.target);
  }
  run->target_count = (unsigned)options->url_count;
  return true;
}

/* ---- what has to be there -------------------------------------------------------------------- */

static bool map_data(struct load_run *run, const struct failure *failure) {
  const char *path = run->options->data_path;
  struct stat facts;
  if (!path) return true;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && fstat(fd, &facts) == 0;
  if (good && !S_ISREG(facts.st_mode)) {
    close(fd);
    return fail(failure, "cannot send %s: not a regular file", path);
  }
  if (good) {
    run->data_bytes = (size_t)facts.st_size;
    run->data = run->data_bytes
                    ? mmap(NULL, run->data_bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
                    : (uint8_t *)""; /* an empty body is one as well */
    good = run->data != MAP_FAILED;
  }
  int why = errno;
  if (fd >= 0) close(fd);
  if (!good) {
    run->data = NULL;
    return fail(failure, "cannot read %s: %s", path, strerror(why));
  }
  snprintf(run->data_length, sizeof run->data_length, "%zu", run->data_bytes);
  return true;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT, as in a URL. */
static bool look_up(struct load_run *run, const struct failure *failure) {
  struct url there = run->targets[0].url;
  const char *other = run->options->connect_to;
  if (other) {
    char text[300];
    int len = snprintf(text, sizeof text, "%s://%s", there.secure ? "https" : "http", other);
    uint16_t port = there.port;
    if (len >= (int)sizeof text || strpbrk(other, "/?#") || !url_parse(&there, text))
      return fail(failure, "--connect-to %s: expected HOST or HOST:PORT", other);
    bool has_port =
        strrchr(other, ':') && strrchr(other, ':')[1] && !strchr(strrchr(other, ':'), ']');
    if (!has_port) there.port = port;
  }
  run->address_count = lookup_host(there.host, there.port, run->addresses, LOAD_ADDRESSES_MAX,
                                   failure->error, failure->error_size);
  return run->address_count > 0;
}

static bool open_tls(struct load_run *run, const struct failure *failure) {
  if (!run->targets[0].url.secure) return true;
  run->tls = client_tls_create(run->options->insecure, run->options->ca_path, failure->error,
                               failure->error_size);
  return run->tls;
}

/* Each connection is a descriptor, and one that is being replaced two; some are the program's. */
static bool find_descriptors(const struct load_run *run, const struct failure *failure) {
  uint64_t most = process_raise_descriptors(), own = 32 + 8 * (uint64_t)run->options->threads;
  if (run->options->connections + own <= most) return true;
  return fail(failure, "cannot open %u connections: %llu descriptors are allowed (ulimit -n)",
              run->options->connections, (unsigned long long)most);
}

static bool make_workers(struct load_run *run, const struct failure *failure) {
  const struct load_options *options = run->options;
  size_t bytes = options->threads * sizeof *run->workers;
  run->workers = aligned_alloc(_Alignof(struct load_worker), bytes);
  if (!run->workers) return fail(failure, "out of memory");
  memset(run->workers, 0, bytes);
  for (unsigned i = 0; i < options->threads; i++) {
    struct load_worker *worker = &run->workers[i];
    worker->run = run;
    worker->index = i;
    worker->count =
        options->connections / options->threads + (i < options->connections % options->threads);
  }
  return true;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static sigset_t signals_of_interest(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, LOAD_SIGNAL_ENDED);
  return set;
}

static void interrupt(struct worker *io, void *object) {
  struct load_worker *worker = object;
  (void)io;
  if (!worker->over) worker->stats.interrupted = true;
  load_worker_finish(worker);
}

/* The first signal ends politely, the second at once. */
static void stop(struct load_run *run, struct worker_group *group, unsigned asked) {
  for (unsigned i = 0; i < run->options->threads && asked == 1; i++)
    if (!worker_group_post(group, i, interrupt, &run->workers[i])) asked = 2;
  if (asked > 1) worker_group_stop(group);
}

static void print_progress(const struct load_run *run, unsigned seconds, uint64_t *done_before) {
  uint64_t started = 0, done = 0, failed = 0, bytes = 0;
  for (unsigned i = 0; i < run->options->threads; i++) {
    const struct load_requests *counts = &run->workers[i].stats.requests;
    started += counter_get(&counts->started);
    done += counter_get(&counts->done);
    failed += counter_get(&counts->failed);
    bytes += counter_get(&counts->data_bytes);
  }
  unsigned span = seconds <= PROGRESS_EVERY_SECOND ? 1 : PROGRESS_SECONDS;
  if (seconds == PROGRESS_SECONDS) span = PROGRESS_SECONDS - PROGRESS_EVERY_SECOND;
  uint64_t recent = done > *done_before ? done - *done_before : 0; /* a warm-up ended: less */
  fprintf(stderr,
          "%4u s: %llu requests done, %llu failed, %llu in flight, %.0f requests/s, %.1f MB\n",
          seconds, (unsigned long long)done, (unsigned long long)failed,
          (unsigned long long)(started > done ? started - done : 0), (double)recent / span,
          (double)bytes / 1e6);
  *done_before = done;
}

static void wait_for_end(struct load_run *run, struct worker_group *group) {
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
    if (seconds <= PROGRESS_EVERY_SECOND || seconds % PROGRESS_SECONDS == 0)
      print_progress(run, seconds, &done);
  }
}

static bool run_workers(struct load_run *run, const struct failure *failure) {
  const struct load_options *options = run->options;
  unsigned links = (options->connections + options->threads - 1) / options->threads;
  const struct worker_config config = {
      .count = options->threads,
      /* One that is being replaced may still wait for the server's FIN. */
      .links_max = 2 * links + 16,
      .hooks = {.ctx = run,
                .setup = load_worker_setup,
                .second = load_worker_second,
                .stopped = load_worker_stopped},
  };
  struct worker_group group = {0};
  struct io_error why = {0};
  sigset_t set = signals_of_interest();
  run->main_thread = pthread_self();
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* the workers inherit it */
  signal(SIGPIPE, SIG_IGN);
  if (!worker_group_start(&group, &config, &why)) return fail(failure, "%s", why.text);
  wait_for_end(run, &group);
  worker_group_join(&group);
  return true;
}

/* ---- adding up ------------------------------------------------------------------------------- */

static void find_fairness(const struct load_run *run, struct load_fairness *fairness) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < run->options->threads; i++) {
    const struct load_worker *worker = &run->workers[i];
    for (unsigned k = 0; k < worker->count; k++) {
      uint64_t done = worker->connections[k].done;
      if (fairness->connections == 0 || done < fairness->min) fairness->min = done;
      if (done > fairness->max) fairness->max = done;
      sum += done;
      fairness->connections++;
    }
  }
  fairness->mean = fairness->connections ? (double)sum / fairness->connections : 0;
}

static void add_up(const struct load_run *run, struct load_report *report) {
  const struct url *url = &run->targets[0].url;
  snprintf(report->origin, sizeof report->origin, "%s://%s", url->secure ? "https" : "http",
           url->authority);
  report->workers = run->options->threads;
  for (unsigned i = 0; i < report->workers; i++) {
    const struct load_stats *stats = &run->workers[i].stats;
    uint64_t span_ns = stats->end_ns - stats->begin_ns;
    report->busy[i] = span_ns ? (double)stats->cpu_ns / (double)span_ns : 0;
    load_stats_merge(&report->sum, stats);
  }
  report->total = run->options->requests ? run->options->requests : report->sum.requests.started;
  find_fairness(run, &report->fairness);
}

static void release(struct load_run *run) {
  for (unsigned i = 0; run->workers && i < run->options->threads; i++)
    free(run->workers[i].connections);
  free(run->workers);
  free(run->targets);
  tls_context_free(run->tls);
  if (run->data_bytes) munmap(run->data, run->data_bytes);
}

static uint64_t ns_of(double seconds) {
  return (uint64_t)(seconds * 1e9);
}

enum load_run_result load_run(const struct load_options *options, struct load_report *report,
                              char *error, size_t error_size) {
  const struct failure failure = {.error = error, .error_size = error_size};
  struct load_run run = {.options = options,
                         .timeout_ns = ns_of(options->timeout_seconds),
                         .duration_ns = ns_of(options->duration_seconds),
                         .warm_up_ns = ns_of(options->warm_up_seconds)};
  enum load_run_result result = LOAD_RUN_FAILED;
  report->options = options;
  run.targets = calloc(options->url_count, sizeof *run.targets);
  if (!run.targets)
    (void)fail(&failure, "out of memory");
  else if (!map_data(&run, &failure))
    result = LOAD_RUN_FAILED;
  else if (!read_targets(&run, &failure))
    result = LOAD_RUN_WRONG;
  else if (find_descriptors(&run, &failure) && look_up(&run, &failure) &&
           open_tls(&run, &failure) && make_workers(&run, &failure) &&
           run_workers(&run, &failure)) {
    add_up(&run, report);
    result = LOAD_RUN_DONE;
  }
  release(&run);
  return result;
}
