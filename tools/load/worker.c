/*
 * load/worker.c - see load/worker.h.
 */
#include "tools/load/worker.h"

#include <stdlib.h>

#include "io/worker/cpus.h"
#include "io/worker/group.h"
#include "tools/common/process.h"
#include "tools/load/life.h"

/* ---- phases ---------------------------------------------------------------------------------- */

void load_worker_finish(struct load_worker *worker) {
  struct load_books *books = &worker->books;
  load_books_read_clock(books);
  load_books_close(books);
  load_marks_end(&worker->marks);
  books->leaving = true;
  loop_op_cancel(&worker->pace);
  load_dialer_stop(&books->dialer);
  for (unsigned i = 0; i < books->connections; i++)
    load_life_leave(&worker->connections[i]);
  worker_drain(books->io, books->io->loop.now_ns + CLIENT_FAREWELL_NS);
}

/* ---- the open loop --------------------------------------------------------------------------- */

/* Starts one request, on the next connection that has room for it. */
static bool start_one(struct load_worker *worker) {
  const unsigned count = worker->books.connections;
  for (unsigned tries = 0; tries < count; tries++) {
    struct load_connection *connection = &worker->connections[worker->turn];
    worker->turn = (worker->turn + 1) % count;
    if (load_connection_start_one(connection)) return true;
  }
  return false;
}

static void wake_at(struct load_worker *worker, uint64_t at_ns) {
  struct load_books *books = &worker->books;
  worker->pace_ns = at_ns;
  bool waits = loop_timeout(&books->io->loop, &worker->pace, at_ns);
  (void)waits; /* if not, the worker is ending */
}

static void arm_pace(struct load_worker *worker) {
  struct load_books *books = &worker->books;
  if (books->over || worker->pace.under_way || load_books_are_spent(books)) return;
  uint64_t at_ns = load_due_ns(&books->due);
  bool unread = at_ns == UINT64_MAX && books->plan->options->replay;
  if (at_ns == UINT64_MAX && !unread) return; /* that was the last one */
  if (unread) at_ns = books->now_ns;
  if (at_ns <= books->now_ns) at_ns = books->now_ns + LOAD_PACE_BUSY_NS;
  books->wake_ns = books->crowded ? at_ns : 0;
  wake_at(worker, at_ns);
}

/* All requests that are due are started, or have no room. */
static void keep_pace(struct load_worker *worker) {
  struct load_books *books = &worker->books;
  load_books_look_at_phase(books);
  if (books->plan->options->replay)
    load_books_note_input(books, load_source_state(&books->source, NULL) == LOAD_SOURCE_WAITS);
  load_books_expire_unsent(books);
  while (load_books_is_due(books) && start_one(worker))
    continue;
  bool ready = load_source_state(&books->source, NULL) == LOAD_SOURCE_READY;
  if (load_books_is_due(books) && ready) load_books_crowd(books);
  load_books_check(books);
  arm_pace(worker);
}

/* Each beat that was missed counts, or a worker that stood still would have been late once. */
static void keep_beat(struct load_worker *worker) {
  struct load_books *books = &worker->books;
  uint64_t due_ns = worker->pace_ns;
  for (; due_ns <= books->now_ns; due_ns += LOAD_BEAT_NS)
    load_books_beat(books, due_ns);
  load_batch_follow(&worker->batch, books);
  wake_at(worker, due_ns);
}

static void on_pace(struct loop_op *op, int result, unsigned flags) {
  struct load_worker *worker = LIST_OWNER(op, struct load_worker, pace);
  struct load_books *books = &worker->books;
  (void)result;
  (void)flags;
  if (books->over) return;
  load_books_read_clock(books);
  if (books->scheduled)
    keep_pace(worker);
  else
    keep_beat(worker);
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void on_phase(struct timer *timer, uint64_t now_ns) {
  struct load_worker *worker = LIST_OWNER(timer, struct load_worker, books.phase_timer);
  struct load_books *books = &worker->books;
  (void)now_ns;
  load_books_read_clock(books);
  if (books->over || books->measuring) {
    load_worker_finish(worker);
  } else if (load_options_are_open(books->plan->options) && !books->scheduled) {
    if (!load_books_schedule(books)) return;
    load_marks_begin(&worker->marks);
    arm_pace(worker);
    load_books_check(books); /* the source may have no request for this worker */
  } else {
    load_books_measure(books);
  }
}

static void on_timeout(struct timer *timer, uint64_t now_ns) {
  struct load_worker *worker = LIST_OWNER(timer, struct load_worker, books.timeout_timer);
  struct load_books *books = &worker->books;
  struct load_entry *entry;
  load_books_read_clock(books);
  for (unsigned i = 0; i < LOAD_EXPIRED_AT_ONCE && !books->over; i++) {
    if (!(entry = load_books_timed_out(books))) break;
    load_connection_expire(load_request_of(entry));
  }
  load_books_check(books);
  load_books_watch(books, now_ns + MILLISECOND_NS);
}

static void on_input(struct timer *timer, uint64_t now_ns) {
  struct load_worker *worker = LIST_OWNER(timer, struct load_worker, books.input_timer);
  struct load_books *books = &worker->books;
  (void)now_ns;
  load_books_read_clock(books);
  for (unsigned i = 0; i < books->connections && !books->over; i++)
    load_connection_fill(&worker->connections[i]);
  load_books_check(books);
}

static const struct load_books_timers timers = {
    .timeout = on_timeout, .phase = on_phase, .input = on_input};

/* ---- begin and end --------------------------------------------------------------------------- */

/* Receive windows as requested. No budget limits them, since data is consumed at once. */
static struct engine_config config_of(const struct load_books *books) {
  const struct load_options *options = books->plan->options;
  struct engine_config config = engine_config_default();
  /* Ended streams are freed when the machine's call returns, or when their bodies have been sent.
   * New ones may have started by then. */
  uint64_t streams = 2 * (uint64_t)books->connections * options->streams;
  config.h2.push = false;
  config.h2.flow = options->flow;
  config.h2.preface_ns = books->plan->timeout_ns; /* the connection's own clock began earlier */
  config.h2.frame_bytes_max = options->frame_bytes;
  config.h2.header_table_bytes = options->decoder_table_bytes;
  config.h2.encoder_table_bytes = options->encoder_table_bytes;
  config.connections_max = books->connections;
  config.idle_ns = UINT64_MAX / 2; /* connections between requests are the server's to end */
  config.h1.streams_max = streams < UINT32_MAX ? (uint32_t)streams : UINT32_MAX;
  config.h1.flow = FLOW_ECHO; /* what has come is consumed */
  config.h1.window_budget_bytes = UINT64_MAX;
  config.h2.streams_max = streams < UINT32_MAX ? (uint32_t)streams : UINT32_MAX;
  config.h2.stream_window_bytes = load_options_stream_window(options);
  config.h2.connection_window_bytes = load_options_connection_window(options);
  if (config.h2.connection_window_bytes_max < config.h2.connection_window_bytes)
    config.h2.connection_window_bytes_max = config.h2.connection_window_bytes;
  config.h2.window_budget_bytes = H2_WINDOW_BUDGET_NONE;
  return config;
}

/* Divides `whole` into `parts` and returns the size of part `index`. The first parts get the
 * remainder. */
static uint64_t part_of(uint64_t whole, unsigned index, unsigned parts) {
  return whole / parts + (index < whole % parts);
}

static bool make_servers(struct load_worker *worker) {
  const struct load_plan *plan = worker->books.plan;
  uint64_t connect_ns = plan->timeout_ns < CLIENT_CONNECT_NS ? plan->timeout_ns : CLIENT_CONNECT_NS;
  worker->servers = calloc(plan->origins.count, sizeof *worker->servers);
  for (unsigned i = 0; worker->servers && i < plan->origins.count; i++) {
    const struct load_origin *origin = &plan->origins.at[i];
    worker->servers[i] = (struct client_server){.authority = origin->url.authority,
                                                .addresses = origin->addresses,
                                                .address_count = origin->address_count,
                                                .connect_ns = connect_ns};
    if (!client_server_init(&worker->servers[i], origin->url.secure ? plan->tls : NULL,
                            origin->tls_name, worker->books.connections))
      return false;
  }
  return worker->servers;
}

static bool make_connections(struct load_worker *worker) {
  struct load_books *books = &worker->books;
  const struct load_options *options = books->plan->options;
  bool shared = !books->endless && !load_options_are_open(options);
  unsigned first;
  (void)load_plan_connections(books->plan, books->io->index, &first);
  worker->connections = calloc(books->connections, sizeof *worker->connections);
  if (!worker->connections) return false;
  for (unsigned i = 0; i < books->connections; i++) {
    uint64_t share = shared ? part_of(options->requests, first + i, options->connections) : 0;
    unsigned origin = (first + i) % books->plan->origins.count;
    load_life_init(&worker->connections[i], books, &worker->engine, &worker->servers[origin],
                   options->ws ? &worker->ws_kit : NULL, share);
    worker->connections[i].slots.turn.origin = &books->plan->origins.at[origin];
    books->left += share;
  }
  if (!books->endless && load_options_are_open(options))
    books->left = part_of(options->requests, books->io->index, options->threads);
  return true;
}

static bool make_parts(struct load_worker *worker) {
  struct engine_config config = config_of(&worker->books);
  config.clock_ns = &worker->books.io->loop.now_ns;
  if (worker->books.plan->options->ws && !load_ws_kit_init(&worker->ws_kit, &worker->books))
    return false;
  if (!make_servers(worker) || !make_connections(worker)) return false;
  worker->has_engine = engine_init(&worker->engine, &process_memory, &config, NULL);
  return worker->has_engine;
}

static void release_parts(struct load_worker *worker) {
  for (unsigned i = 0; worker->servers && i < worker->books.plan->origins.count; i++)
    client_server_free(&worker->servers[i]);
  free(worker->servers);
  worker->servers = NULL;
  load_ws_kit_free(&worker->ws_kit);
  if (worker->has_engine) engine_destroy(&worker->engine);
  worker->has_engine = false;
}

bool load_worker_begin(struct load_worker *worker, const struct load_plan *plan,
                       struct load_start *start, struct worker *io, struct io_error *error) {
  const struct load_options *options = plan->options;
  struct load_books *books = &worker->books;
  worker->pace.done = on_pace;
  if (worker->core >= 0) cpus_pin_to(worker->core);
  unsigned first;
  load_books_init(books, plan, io, start, load_plan_connections(plan, io->index, &first), &timers);
  if (!load_marks_init(&worker->marks, books) || !make_parts(worker)) {
    release_parts(worker);
    return io_error_set(error, 0, "out of memory");
  }
  if (!load_batch_begin(&worker->batch, books, error)) {
    release_parts(worker);
    return false;
  }
  load_books_read_clock(books);
  io->loop.now_ns = books->now_ns; /* the turn's time dates from the thread's start */
  if (!load_options_are_open(options)) {
    load_books_begin(books, books->now_ns);
    wake_at(worker, books->now_ns + LOAD_BEAT_NS);
  }
  for (unsigned i = 0; i < books->connections; i++)
    load_life_open(&worker->connections[i]);
  return true;
}

void load_worker_second(struct load_worker *worker) {
  struct load_books *books = &worker->books;
  if (books->over) return;
  load_books_read_clock(books);
  for (unsigned i = 0; i < books->connections; i++)
    load_connection_look(&worker->connections[i]);
}

void load_worker_end(struct load_worker *worker) {
  load_books_read_clock(&worker->books);
  load_books_close(&worker->books);
  load_marks_end(&worker->marks);
  release_parts(worker);
  for (unsigned i = 0; i < worker->books.connections; i++)
    load_life_free(&worker->connections[i]);
}

void load_worker_free(struct load_worker *worker) {
  load_sets_free(&worker->books.sets);
  load_marks_free(&worker->marks);
  load_source_free(&worker->books.source);
  free(worker->connections);
}
