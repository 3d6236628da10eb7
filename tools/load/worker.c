/*
 * load/worker.c - one thread of a run: its phases, its clocks, and the open loop.
 *
 *     setup --dial all--> [warm-up] --> measuring --last request, or the time is up--> over --> end
 *
 * An open loop begins when each connection's first attempt is over: making connections is not the
 * server's latency. Its clock is a timeout of io_uring, since the worker's own timers count
 * milliseconds; each time it fires, all that is due is started on the connections in turn. What
 * finds no room is started by the connection that has room first, and measured from when it was
 * due.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/worker/cpus.h"
#include "tools/common/process.h"
#include "tools/load/parts.h"

/* The open loop looks again so often when nothing has room. */
#define PACE_BUSY_NS MILLISECOND_NS

enum {
  EXPIRED_AT_ONCE = 64 /* resets of one turn: what a connection's control frames have room for */
};

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void read_clock(struct load_worker *worker) {
  worker->now_ns = clock_now_ns();
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void begin_measuring(struct load_worker *worker) {
  worker->measuring = true;
  worker->stats.begin_ns = worker->now_ns;
  worker->cpu_begin_ns = cpu_ns();
  load_requests_forget(&worker->stats.requests);
  for (unsigned i = 0; i < worker->count; i++)
    worker->connections[i].done = 0;
  if (worker->run->duration_ns)
    timer_arm(&worker->io->timers, &worker->phase_timer,
              worker->io->now_ns + worker->run->duration_ns);
}

static void begin(struct load_worker *worker) {
  if (worker->run->warm_up_ns == 0) {
    begin_measuring(worker);
    return;
  }
  timer_arm(&worker->io->timers, &worker->phase_timer,
            worker->io->now_ns + worker->run->warm_up_ns);
}

/* The oldest that is under way, of those that count. */
static uint64_t oldest_age_ns(const struct load_worker *worker) {
  for (const struct list_node *at = worker->timeline.next; at != &worker->timeline; at = at->next) {
    const struct load_request *request = LIST_OWNER(at, struct load_request, timeline);
    if (request->measured) return worker->now_ns - request->due_ns;
  }
  return 0;
}

/* What would have been a latency, had the run gone on; see load/stats.h. */
static void count_waiting(struct load_worker *worker, uint64_t due_ns, uint64_t median_ns) {
  struct load_requests *counts = &worker->stats.requests;
  uint64_t age_ns = worker->now_ns - due_ns;
  if (age_ns <= median_ns) return;
  counts->waiting++;
  load_histogram_add(&counts->latency, age_ns);
}

static void count_all_waiting(struct load_worker *worker) {
  uint64_t median_ns = load_histogram_percentile(&worker->stats.requests.latency, 50);
  for (const struct list_node *at = worker->timeline.next; at != &worker->timeline; at = at->next) {
    const struct load_request *request = LIST_OWNER(at, struct load_request, timeline);
    if (request->measured) count_waiting(worker, request->due_ns, median_ns);
  }
  struct load_schedule schedule = worker->schedule;
  for (uint64_t i = 0; i < worker->stats.requests.unsent; i++, load_schedule_next(&schedule))
    count_waiting(worker, load_schedule_due_ns(&schedule), median_ns);
}

static void close_books(struct load_worker *worker) {
  struct load_requests *counts = &worker->stats.requests;
  if (!worker->measuring) worker->stats.begin_ns = worker->now_ns;
  worker->stats.end_ns = worker->now_ns;
  worker->stats.cpu_ns = worker->measuring ? cpu_ns() - worker->cpu_begin_ns : 0;
  counts->oldest_ns = oldest_age_ns(worker);
  if (worker->scheduled) {
    counts->unsent = load_schedule_backlog(&worker->schedule, worker->now_ns);
    if (!worker->endless && counts->unsent > worker->left) counts->unsent = worker->left;
  }
  count_all_waiting(worker);
}

/* May be called from within a machine, which must not be told to drain there: the timer does. */
void load_worker_check(struct load_worker *worker) {
  bool all = !worker->endless && worker->left == 0;
  if (worker->over || worker->in_flight > 0 || !(all || worker->alive == 0)) return;
  close_books(worker);
  worker->over = true;
  timer_arm(&worker->io->timers, &worker->phase_timer, worker->io->now_ns);
}

void load_worker_finish(struct load_worker *worker) {
  if (!worker->over) {
    read_clock(worker);
    close_books(worker);
    worker->over = true;
  }
  worker->leaving = true;
  worker_op_cancel(&worker->pace);
  for (unsigned i = 0; i < worker->count; i++)
    if (worker->connections[i].state == LOAD_DIALING) dial_cancel(&worker->connections[i].dial);
  worker_drain(worker->io, worker->io->now_ns + LOAD_FAREWELL_NS);
}

static void on_phase(struct timer *timer, uint64_t now_ns) {
  struct load_worker *worker = LIST_OWNER(timer, struct load_worker, phase_timer);
  (void)now_ns;
  read_clock(worker);
  if (worker->over || worker->measuring)
    load_worker_finish(worker);
  else
    begin_measuring(worker);
}

/* ---- what is due ----------------------------------------------------------------------------- */

bool load_worker_take(struct load_connection *connection, uint64_t *due_ns) {
  struct load_worker *worker = connection->worker;
  if (!worker->endless && worker->left == 0) return false;
  if (worker->run->options->rate) {
    if (!worker->scheduled || load_schedule_due_ns(&worker->schedule) > worker->now_ns)
      return false;
    *due_ns = load_schedule_due_ns(&worker->schedule);
    load_schedule_next(&worker->schedule);
  } else {
    if (!worker->endless && connection->share == 0) return false;
    connection->share -= !worker->endless;
    *due_ns = worker->now_ns;
  }
  worker->left -= !worker->endless;
  return true;
}

static bool is_due(const struct load_worker *worker) {
  return (worker->endless || worker->left > 0) &&
         load_schedule_due_ns(&worker->schedule) <= worker->now_ns;
}

/* One request: the next connection that has room for it. */
static bool start_one(struct load_worker *worker) {
  for (unsigned tries = 0; tries < worker->count; tries++) {
    struct load_connection *connection = &worker->connections[worker->hand];
    worker->hand = (worker->hand + 1) % worker->count;
    uint64_t due_ns;
    if (connection->state != LOAD_OPEN || list_is_empty(&connection->free)) continue;
    if (h2_request_room(connection->h2) == 0) continue;
    if (!load_worker_take(connection, &due_ns)) return false;
    load_request_start(connection, due_ns);
    return true;
  }
  return false;
}

/* What has waited longer than a request may take has failed, sent or not. */
static void expire_unsent(struct load_worker *worker) {
  struct load_requests *counts = &worker->stats.requests;
  while (is_due(worker)) {
    uint64_t age_ns = worker->now_ns - load_schedule_due_ns(&worker->schedule);
    if (age_ns < worker->run->timeout_ns) return;
    load_schedule_next(&worker->schedule);
    worker->left -= !worker->endless;
    if (!worker->measuring) continue;
    counter_add(&counts->started, 1);
    counter_add(&counts->done, 1);
    counter_add(&counts->failed, 1);
    counts->errored++;
    counts->timeouts++;
    counts->errors[LOAD_TIMEOUT][0]++;
    load_histogram_add(&counts->latency, age_ns);
  }
}

static void arm_pace(struct load_worker *worker) {
  if (worker->over || worker->pace.under_way || (!worker->endless && worker->left == 0)) return;
  uint64_t at_ns = load_schedule_due_ns(&worker->schedule);
  if (at_ns <= worker->now_ns) at_ns = worker->now_ns + PACE_BUSY_NS;
  struct io_uring_sqe *sqe = worker_sqe(worker->io, &worker->pace);
  if (!sqe) return; /* the worker is ending */
  worker->pace_at.tv_sec = (long long)(at_ns / SECOND_NS);
  worker->pace_at.tv_nsec = (long long)(at_ns % SECOND_NS);
  io_uring_prep_timeout(sqe, &worker->pace_at, 0, IORING_TIMEOUT_ABS);
}

static void on_pace(struct worker_op *op, int result, unsigned flags) {
  struct load_worker *worker = LIST_OWNER(op, struct load_worker, pace);
  (void)result;
  (void)flags;
  if (worker->over) return;
  read_clock(worker);
  expire_unsent(worker);
  while (is_due(worker) && start_one(worker))
    continue;
  load_worker_check(worker);
  arm_pace(worker);
}

void load_worker_settle(struct load_worker *worker) {
  worker->settled++;
  if (worker->settled < worker->count || worker->run->options->rate == 0 || worker->over) return;
  worker->scheduled = true;
  load_schedule_begin(&worker->schedule, worker->run->options->rate, worker->index,
                      worker->run->options->threads, worker->now_ns);
  begin(worker);
  arm_pace(worker);
}

/* ---- timeouts -------------------------------------------------------------------------------- */

static const struct load_request *oldest(const struct load_worker *worker) {
  if (list_is_empty(&worker->timeline)) return NULL;
  return LIST_OWNER(worker->timeline.next, struct load_request, timeline);
}

/* Requests begin in the order in which they are due, so the first is the first to time out. */
void load_worker_watch(struct load_worker *worker, struct load_request *request) {
  list_append(&worker->timeline, &request->timeline);
  if (timer_is_armed(&worker->timeout_timer)) return;
  timer_arm(&worker->io->timers, &worker->timeout_timer, request->due_ns + worker->run->timeout_ns);
}

static void on_timeout(struct timer *timer, uint64_t now_ns) {
  struct load_worker *worker = LIST_OWNER(timer, struct load_worker, timeout_timer);
  uint64_t timeout_ns = worker->run->timeout_ns, next_ns = now_ns + MILLISECOND_NS;
  read_clock(worker);
  for (unsigned i = 0; i < EXPIRED_AT_ONCE && !worker->over; i++) {
    const struct load_request *request = oldest(worker);
    if (!request || request->due_ns + timeout_ns > worker->now_ns) break;
    load_request_expire((struct load_request *)(uintptr_t)request);
  }
  load_worker_check(worker);
  const struct load_request *request = oldest(worker);
  if (worker->over || !request) return;
  if (request->due_ns + timeout_ns > next_ns) next_ns = request->due_ns + timeout_ns;
  timer_arm(&worker->io->timers, timer, next_ns);
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* Receive windows as asked for; no budget binds them, since what arrives is used at once. */
static struct engine_config config_of(const struct load_worker *worker) {
  const struct load_options *options = worker->run->options;
  struct engine_config config = engine_config_default();
  /* Those that have ended are freed when the machine's call returns, or their bodies have left: by
   * then others may have begun. */
  uint64_t streams = 2 * (uint64_t)worker->count * options->streams;
  config.push = false;
  config.flow = options->flow;
  config.connections_max = worker->count;
  config.streams_max = streams < UINT32_MAX ? (uint32_t)streams : UINT32_MAX;
  config.stream_window_bytes = load_options_stream_window(options);
  config.connection_window_bytes = load_options_connection_window(options);
  if (config.connection_window_bytes_max < config.connection_window_bytes)
    config.connection_window_bytes_max = config.connection_window_bytes;
  config.window_budget_bytes = UINT64_MAX / 2;
  return config;
}

/* Part `index` of `whole` that is cut into `parts`: the first ones get one more. */
static uint64_t part_of(uint64_t whole, unsigned index, unsigned parts) {
  return whole / parts + (index < whole % parts);
}

static bool make_connections(struct load_worker *worker) {
  const struct load_options *options = worker->run->options;
  unsigned first = 0;
  for (unsigned i = 0; i < worker->index; i++)
    first += (unsigned)part_of(options->connections, i, options->threads);
  worker->connections = calloc(worker->count, sizeof *worker->connections);
  if (!worker->connections) return false;
  for (unsigned i = 0; i < worker->count; i++) {
    bool shared = !worker->endless && options->rate == 0;
    uint64_t share = shared ? part_of(options->requests, first + i, options->connections) : 0;
    load_connection_init(&worker->connections[i], worker, share);
    worker->left += share;
  }
  if (!worker->endless && options->rate)
    worker->left = part_of(options->requests, worker->index, options->threads);
  return true;
}

static bool make_parts(struct load_worker *worker) {
  const struct load_run *run = worker->run;
  const struct machine_factory inner = {.ctx = worker, .create = load_connection_make_h2};
  const struct engine_config config = config_of(worker);
  if (!make_connections(worker)) return false;
  worker->has_engine = engine_init(&worker->engine, &process_memory, &config, NULL);
  if (!worker->has_engine || !run->tls) return worker->has_engine;
  worker->has_tls =
      tls_factory_init(&worker->tls, run->tls, &inner, worker->count, run->targets[0].url.host);
  return worker->has_tls;
}

static void release_parts(struct load_worker *worker) {
  if (worker->has_tls) tls_factory_destroy(&worker->tls);
  if (worker->has_engine) engine_destroy(&worker->engine);
  for (unsigned i = 0; worker->connections && i < worker->count; i++)
    free(worker->connections[i].requests);
}

bool load_worker_setup(struct worker *io, void *ctx, struct io_error *error) {
  struct load_run *run = ctx;
  struct load_worker *worker = &run->workers[io->index];
  /* From the last core on: a server on the same machine has the first ones. */
  struct cpus cpus = cpus_find("/sys/fs/cgroup", "/proc/self/cgroup");
  cpus_pin(cpus.affinity - 1 - io->index % cpus.affinity);
  worker->io = io;
  worker->alive = worker->count;
  worker->endless = run->options->requests == 0;
  worker->pace.done = on_pace;
  list_init(&worker->timeline);
  timer_init(&worker->timeout_timer, on_timeout);
  timer_init(&worker->phase_timer, on_phase);
  if (!make_parts(worker)) {
    release_parts(worker);
    return io_error_set(error, 0, "out of memory");
  }
  read_clock(worker);
  io->now_ns = worker->now_ns; /* the turn's own is as old as the thread's start */
  __atomic_add_fetch(&run->running, 1, __ATOMIC_ACQ_REL);
  if (run->options->rate == 0) begin(worker);
  for (unsigned i = 0; i < worker->count; i++)
    load_connection_open(&worker->connections[i]);
  return true;
}

void load_worker_second(struct worker *io, void *ctx) {
  struct load_run *run = ctx;
  struct load_worker *worker = &run->workers[io->index];
  if (worker->over) return;
  read_clock(worker);
  for (unsigned i = 0; i < worker->count; i++)
    load_connection_look(&worker->connections[i]);
}

/* The connections stay: their counts are read when all have ended. */
void load_worker_stopped(struct worker *io, void *ctx) {
  struct load_run *run = ctx;
  struct load_worker *worker = &run->workers[io->index];
  if (!worker->over) {
    read_clock(worker);
    close_books(worker);
    worker->over = true;
  }
  release_parts(worker);
  if (__atomic_sub_fetch(&run->running, 1, __ATOMIC_ACQ_REL) == 0)
    pthread_kill(run->main_thread, LOAD_SIGNAL_ENDED);
}
