/*
 * serve/worker.c - see serve/worker.h.
 *
 * Each worker has its own engine, site and TLS factory, created in the setup hook on its own thread.
 */
#include "tools/serve/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/conn.h"
#include "io/tls/tls.h"
#include "tools/common/process.h"
#include "tools/serve/config/hints.h"
#include "tools/serve/rules/rules.h"

/* A connection's window fits sixteen streams, as by default, within its bounds. */
static void set_window(struct engine_config *out, uint32_t stream_bytes) {
  uint64_t connection_bytes = UINT64_C(16) * stream_bytes;
  out->h1.window_bytes = out->h2.stream_window_bytes = stream_bytes;
  if (connection_bytes > out->h2.connection_window_bytes_max)
    connection_bytes = out->h2.connection_window_bytes_max;
  out->h2.connection_window_bytes = (uint32_t)connection_bytes;
}

/* SPDY's limits are those of HTTP/2. */
static void set_spdy(struct engine_config *out, const struct serve_config *config) {
  out->spdy.server = config->spdy;
  out->spdy.push = out->h2.push;
  out->spdy.streams_max = out->h2.streams_max;
  out->spdy.concurrent_streams = out->h2.concurrent_streams;
  out->spdy.window_budget_bytes = out->h2.window_budget_bytes;
  if (!config->window_bytes) return;
  out->spdy.stream_window_bytes = out->h2.stream_window_bytes;
  out->spdy.session_window_bytes = out->h2.connection_window_bytes;
}

static struct engine_config engine_config_of(const struct server *server) {
  const struct serve_config *config = server->config;
  struct engine_config out = engine_config_default();
  out.h2.push = config->push || server->file; /* a reload may bring it: each site follows its own */
  out.h2.no_rfc7540_priorities = !config->rfc7540_priorities;
  if (server->links_max) out.connections_max = server->links_max;
  out.h2.streams_max = server->memory.streams;
  out.h2.window_budget_bytes = server->memory.window_bytes;
  out.h1.streams_max = server->memory.streams;
  out.h1.window_budget_bytes = server->memory.window_bytes;
  if (config->concurrent_streams) out.h2.concurrent_streams = config->concurrent_streams;
  if (config->flow != FLOW_DEFAULT) out.h1.flow = out.h2.flow = config->flow;
  if (config->window_bytes) set_window(&out, config->window_bytes);
  out.h2.head_start = &config->head_starts;
  set_spdy(&out, config);
  if (config->idle_seconds) out.idle_ns = config->idle_seconds * SECOND_NS;
  return out;
}

static bool make_demo(struct serve_worker *mine, uint32_t exchanges_max, struct io_error *error) {
  mine->demo = demo_create(&process_memory, exchanges_max);
  return mine->demo || io_error_set(error, 0, "out of memory");
}

/* A handler without routes: of the directory, or of the built-in site. */
static const struct handler *make_only(struct server *server, struct serve_worker *mine,
                                       struct worker *worker, const struct serve_route *route,
                                       uint32_t exchanges_max, struct io_error *error) {
  if (route->action == SERVE_DEMO) {
    if (!make_demo(mine, exchanges_max, error)) return NULL;
    const struct handler *demo = demo_handler(mine->demo);
    return route->compress ? compress_handler_init(&mine->compress, &mine->compressor, demo) : demo;
  }
  struct serve_site_settings settings = {
      .directory = route->directory,
      .loop = &worker->loop,
      .desk = &mine->desk,
      .recoded = &mine->recoded,
      .compress = route->compress,
      .memory = &process_memory,
      .hints = route->hints ? serve_hints_table(route->hints) : NULL,
      .rules = &route->rules->site,
      .cache_control = route->cache_control,
      .wall_seconds = &mine->wall_seconds,
      .exchanges_max = exchanges_max,
      .cache_bytes_max = server->memory.cache_bytes,
      .reads_max = server->memory.reads,
      .workers = server->workers,
      .push = server->config->push,
      .explain = server->config->verbose,
  };
  mine->site = serve_site_create(&settings, &mine->note, error);
  return mine->site ? serve_site_handler(mine->site) : NULL;
}

static struct router *make_router(struct server *server, struct serve_worker *mine,
                                  struct worker *worker, struct serve_config *config,
                                  uint32_t exchanges_max, struct io_error *error) {
  const struct router_settings settings = {
      .config = config,
      .memory = &process_memory,
      .loop = &worker->loop,
      .wall_seconds = &mine->wall_seconds,
      .demo = demo_handler(mine->demo),
      .counters = &mine->files,
      .desk = &mine->desk,
      .recoded = &mine->recoded,
      .rates = &mine->rates,
      .compressor = &mine->compressor,
      .exchanges_max = exchanges_max,
      .cache_bytes_max = server->memory.cache_bytes,
      .reads_max = server->memory.reads,
      .workers = server->workers,
      .https_port = server->https_port,
      .head_starts = config == server->first ? NULL : &config->head_starts,
  };
  return router_create(&settings, &mine->note, error);
}

/* Creates the handler. NULL with error->text. */
static const struct handler *make_handler(struct server *server, struct serve_worker *mine,
                                          struct worker *worker, uint32_t exchanges_max,
                                          struct io_error *error) {
  const struct serve_route *only = server->file ? NULL : config_only_route(server->config);
  if (only && only->action <= SERVE_DIRECTORY && !serve_rules_are_asked(only->rules) &&
      !only->listing && !only->head_starts && server->config->connection_rate.interval_ns == 0 &&
      server->config->connections_per_client == 0 && server->config->certificate_count < 2)
    return make_only(server, mine, worker, only, exchanges_max, error);
  if (!make_demo(mine, exchanges_max, error)) return NULL;
  struct router *router = make_router(server, mine, worker, server->config, exchanges_max, error);
  if (!router) return NULL;
  front_init(&mine->front, router, demo_handler(mine->demo)->protocols);
  mine->has_front = true;
  return &mine->front.handler;
}

static void set_clock(struct serve_worker *mine) {
  mine->wall_seconds = (int64_t)time(NULL);
  engine_set_date(&mine->engine, mine->wall_seconds);
  serve_worker_logs_second(&mine->logs, clock_now_ns());
}

/* What makes the connections of a slot: clear text, or TLS around it. With weights, a factory that sets them. With
 * routes, one that refuses clients that are too fast around that: another configuration may bring both. */
static struct machine_factory factory_of(const struct server *server, struct serve_worker *mine,
                                         unsigned slot) {
  const struct serve_config *config = server->config;
  const struct serve_listener *listener = &server->slots[slot];
  struct machine_factory machines =
      listener->secure ? tls_factory_machines(&mine->tls) : conn_factory(&mine->engine);
  if (!mine->has_front && listener->weight == 0 && config->weights.count == 0) return machines;
  mine->weighings[slot] = (struct serve_weighing){
      .weights = &config->weights, .listener_weight = listener->weight, .inner = machines};
  machines = serve_weighing_machines(&mine->weighings[slot]);
  if (!mine->has_front) return machines;
  mine->gates[slot] = (struct rate_gate){.rates = &mine->rates, .inner = machines};
  return rate_gate_machines(&mine->gates[slot]);
}

/* Once there is TLS in the server, the worker has it, too. */
static bool open_tls(const struct server *server, struct serve_worker *mine) {
  struct machine_factory plain = conn_factory(&mine->engine);
  if (!server->tls.context || mine->has_tls) return true;
  mine->has_tls = tls_factory_init(&mine->tls, server->tls.context, &plain,
                                   mine->engine.config.connections_max, NULL);
  return mine->has_tls;
}

static bool serve_listeners(struct server *server, struct serve_worker *mine,
                            struct worker *worker) {
  if (!open_tls(server, mine)) return false;
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++)
    if (server->listening[i] &&
        !worker_listen(worker, &server->listeners[i], factory_of(server, mine, i)))
      return false;
  return true;
}

static void show_counters(struct server *server, const struct serve_worker *mine, unsigned index) {
  const struct tally_parts parts = {.engine = &mine->engine,
                                    .requests = server->metrics ? &mine->requests.counts : NULL,
                                    .gauges = &mine->gauges,
                                    .tls = mine->has_tls ? &mine->tls.counters : NULL,
                                    .files =
                                        mine->site ? serve_site_counters(mine->site) : &mine->files,
                                    .recode = &mine->recoded,
                                    .compress = &mine->compressor.counters,
                                    .rate = &mine->rates.table.counters};
  tally_show(&server->tally, index, &parts);
}

struct serve_counts serve_worker_counts(struct server *server, const struct worker_group *group) {
  struct serve_counts counts = tally_sum(&server->tally);
  counts.loop = worker_group_counters(group);
  counts.access_log = serve_logs_access_counts(&server->logs);
  counts.record = serve_logs_record_counts(&server->logs);
  counts.lines_dropped = output_dropped();
  return counts;
}

static void worker_stopped(struct worker *worker, void *ctx) {
  struct server *server = ctx;
  struct serve_worker *mine = worker->user;
  worker->user = NULL;
  tally_take_back(&server->tally, worker->index);
  jobs_close(&mine->desk);
  if (mine->has_tls) tls_factory_destroy(&mine->tls);
  if (mine->has_engine) engine_destroy(&mine->engine);
  if (mine->has_front) front_destroy(&mine->front);
  rates_close(&mine->rates);
  serve_site_destroy(mine->site);
  demo_destroy(mine->demo);
  serve_worker_logs_destroy(&mine->logs);
  free(mine);
  if (__atomic_sub_fetch(&server->running, 1, __ATOMIC_ACQ_REL) == 0)
    pthread_kill(server->main_thread, SIGUSR2);
}

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct server *server = ctx;
  struct serve_worker *mine = calloc(1, sizeof *mine);
  if (!mine) return io_error_set(error, ENOMEM, "out of memory");
  worker->user = mine;
  jobs_open(&mine->desk, server->jobs, &worker->loop);
  mine->compressor = (struct compressor){.desk = &mine->desk};
  __atomic_add_fetch(&server->running, 1, __ATOMIC_ACQ_REL);

  struct engine_config config = engine_config_of(server);
  config.clock_ns = &worker->loop.now_ns;
  const struct handler *handler = make_handler(server, mine, worker, config.h2.streams_max, error);
  if (handler)
    handler = serve_logs_wrap(&server->logs, &mine->logs, worker->index, handler,
                              config.h2.streams_max, error);
  if (handler && server->metrics) handler = request_counter_init(&mine->requests, handler);
  if (handler) {
    mine->has_engine = engine_init(&mine->engine, &process_memory, &config, handler);
    if (mine->has_engine) {
      if (mine->demo) demo_count(mine->demo, &mine->engine.ws);
      set_clock(mine);
      if (serve_listeners(server, mine, worker)) {
        show_counters(server, mine, worker->index);
        return true;
      }
    }
    io_error_set(error, ENOMEM, "out of memory");
  }
  worker_stopped(worker, ctx);
  return false;
}

/* Nothing can be ended in order: its connections cannot even be closed. */
static void worker_refused(struct worker *worker, void *ctx, const struct io_error *why) {
  (void)worker;
  (void)ctx;
  _exit(complain(EXIT_FAILED, "%s", why->text));
}

static void set_gauges(struct serve_worker *mine) {
  const struct engine *engine = &mine->engine;
  struct serve_gauges now = {.connections_h1 = engine->h1.connections.taken,
                             .connections_h2 = h2_shared_connections(&engine->h2),
                             .connections_spdy = engine->spdy.sessions.taken};
  if (mine->site) now.files = serve_site_gauges(mine->site);
  if (mine->has_front) now.files = router_gauges(mine->front.current);
  tally_set_gauges(&mine->gauges, &now);
}

static void worker_second(struct worker *worker, void *ctx) {
  struct server *server = ctx;
  struct serve_worker *mine = worker->user;
  set_clock(mine);
  engine_trim(&mine->engine);
  if (mine->has_tls) tls_factory_trim(&mine->tls);
  if (mine->demo) {
    struct serve_counts all = tally_sum(&server->tally);
    demo_second(mine->demo, &all.engine.http);
  }
  if (mine->site) serve_site_trim(mine->site, worker->loop.now_ns);
  if (mine->has_front) front_second(&mine->front, worker->loop.now_ns);
  set_gauges(mine);
}

/* ---- another configuration ------------------------------------------------------------------- */

bool serve_worker_prepare(struct server *server, struct worker *worker, struct serve_config *config,
                          struct io_error *error) {
  struct serve_worker *mine = worker->user;
  struct router *router =
      make_router(server, mine, worker, config, mine->engine.config.h2.streams_max, error);
  if (!router) return false;
  bool had_tls = mine->has_tls,
       good = front_prepare(&mine->front, router) && open_tls(server, mine);
  mine->tls_is_new = mine->has_tls && !had_tls;
  return good || io_error_set(error, ENOMEM, "out of memory");
}

void serve_worker_forget(struct worker *worker) {
  struct serve_worker *mine = worker->user;
  front_forget(&mine->front);
  if (mine->tls_is_new) tls_factory_destroy(&mine->tls);
  mine->has_tls &= !mine->tls_is_new;
  mine->tls_is_new = false;
}

bool serve_worker_swap(struct server *server, struct worker *worker, const bool *added,
                       const bool *removed) {
  struct serve_worker *mine = worker->user;
  bool good = true;
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++) {
    if (removed[i]) worker_unlisten(worker, &mine->gates[i]);
    if (!server->listening[i] || removed[i]) continue;
    struct machine_factory factory = factory_of(server, mine, i);
    if (added[i]) good &= worker_listen(worker, &server->listeners[i], factory);
  }
  front_swap(&mine->front);
  mine->tls_is_new = false;
  show_counters(server, mine, worker->index);
  return good;
}

struct worker_hooks serve_worker_hooks(struct server *server) {
  return (struct worker_hooks){.ctx = server,
                               .setup = worker_setup,
                               .second = worker_second,
                               .refused = worker_refused,
                               .stopped = worker_stopped};
}
