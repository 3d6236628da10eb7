/*
 * lib/server.c - one engine per worker, and the listeners.
 *
 * It has the same parts as tools/serve/serve.c, but no files, counters and command line.
 */
#include "tools/lib/weir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/limits.h"
#include "engine/conn.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "io/worker/cpus.h"
#include "io/worker/group.h"
#include "tools/common/clear_text.h"
#include "tools/common/process.h"
#include "tools/lib/group.h"

enum { HTTP, HTTPS, LISTENERS };

const struct memory *weir_memory(void) {
  return &process_memory;
}

struct weir_server {
  const struct handler *handler;
  struct engine_config config;
  struct certificate certificate;
  struct tls_context *tls;
  struct listener listeners[LISTENERS];
  bool listening[LISTENERS];
  struct worker_group group;
};

/* The parts of one worker. */
struct server_worker {
  struct engine engine;
  struct tls_factory tls;
  bool has_engine, has_tls;
};

/* ---- one worker ------------------------------------------------------------------------------ */

static void worker_stopped(struct worker *worker, void *ctx) {
  struct server_worker *mine = worker->user;
  (void)ctx;
  if (mine->has_tls) tls_factory_destroy(&mine->tls);
  if (mine->has_engine) engine_destroy(&mine->engine);
  free(mine);
}

static bool serve(struct weir_server *server, struct server_worker *mine, struct worker *worker) {
  struct machine_factory plain = conn_factory(&mine->engine);
  if (server->listening[HTTP] && !worker_listen(worker, &server->listeners[HTTP], plain))
    return false;
  if (!server->listening[HTTPS]) return true;
  mine->has_tls =
      tls_factory_init(&mine->tls, server->tls, &plain, mine->engine.config.connections_max, NULL);
  return mine->has_tls &&
         worker_listen(worker, &server->listeners[HTTPS], tls_factory_machines(&mine->tls));
}

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct weir_server *server = ctx;
  struct engine_config config = server->config;
  struct server_worker *mine = calloc(1, sizeof *mine);
  if (!mine) return io_error_set(error, 0, "out of memory");
  worker->user = mine;
  config.clock_ns = &worker->loop.now_ns;
  mine->has_engine = engine_init(&mine->engine, &process_memory, &config, server->handler);
  if (mine->has_engine) engine_set_date(&mine->engine, (int64_t)time(NULL));
  if (mine->has_engine && serve(server, mine, worker)) return true;
  worker_stopped(worker, ctx);
  return io_error_set(error, 0, "out of memory");
}

static void worker_second(struct worker *worker, void *ctx) {
  struct server_worker *mine = worker->user;
  (void)ctx;
  engine_set_date(&mine->engine, (int64_t)time(NULL));
  engine_trim(&mine->engine);
  if (mine->has_tls) tls_factory_trim(&mine->tls);
}

static struct engine_config config_of(const struct weir_server_settings *settings) {
  struct engine_config config = engine_config_default();
  struct h2_config *h2 = &config.h2;
  if (settings->body_rate_min) h2->body_bytes_per_second_min = settings->body_rate_min;
  if (settings->body_rate_min == WEIR_NO_RATE) h2->body_bytes_per_second_min = 0;
  if (settings->body_idle_seconds) h2->body_idle_ns = settings->body_idle_seconds * SECOND_NS;
  if (settings->conversation_idle_seconds)
    h2->conversation_idle_ns = settings->conversation_idle_seconds * SECOND_NS;
  config.h1.body_bytes_per_second_min = h2->body_bytes_per_second_min;
  config.h1.body_idle_ns = h2->body_idle_ns;
  config.h1.conversation_idle_ns = h2->conversation_idle_ns;
  return config;
}

/* ---- what is shared -------------------------------------------------------------------------- */

static bool listen_on(struct weir_server *server, int which, const char *text, unsigned workers,
                      struct io_error *error) {
  struct address address;
  if (!text) return true;
  if (!address_parse(&address, text)) return io_error_set(error, 0, "%s: not an address", text);
  server->listening[which] = listener_open(&server->listeners[which], &address, workers, error);
  return server->listening[which];
}

static bool open_tls(struct weir_server *server, const struct weir_server_settings *settings,
                     struct io_error *error) {
  if (!settings->https) return true;
  if (!settings->certificate != !settings->key)
    return io_error_set(error, 0, "certificate and key must be given together");
  bool have = settings->certificate ? certificate_load(&server->certificate, settings->certificate,
                                                       settings->key, error)
                                    : certificate_self_signed(&server->certificate, error);
  if (!have) return false;
  struct tls_settings tls = {.certificate = &server->certificate,
                             .protocols = conn_protocols,
                             .answer_clear_text = clear_text_answer};
  while (conn_protocols[tls.protocol_count])
    tls.protocol_count++;
  server->tls = tls_context_create(&tls, error);
  return server->tls;
}

static void close_all(struct weir_server *server) {
  for (int i = 0; i < LISTENERS; i++)
    if (server->listening[i]) listener_close(&server->listeners[i]);
  tls_context_free(server->tls);
  certificate_free(&server->certificate);
  free(server);
}

/* Counted from 0. Servers that do not say where they want to be follow one another. */
static unsigned first_core(const struct weir_server_settings *settings, unsigned workers) {
  static _Atomic unsigned next;
  if (settings->first_core > 0) return (unsigned)settings->first_core - 1;
  return settings->first_core == 0 ? atomic_fetch_add(&next, workers) : 0;
}

struct weir_server *weir_server_start(const struct weir_server_settings *settings, char *error,
                                      size_t error_bytes) {
  struct io_error why = {.text = "out of memory"};
  struct weir_server *server = calloc(1, sizeof *server);
  if (server) {
    unsigned workers = settings->workers ? settings->workers : cpus_default_workers();
    struct worker_config config = {.count = workers,
                                   .pin = settings->first_core != WEIR_NOT_PINNED,
                                   .pin_first = first_core(settings, workers),
                                   .hooks = {.ctx = server,
                                             .setup = worker_setup,
                                             .second = worker_second,
                                             .stopped = worker_stopped}};
    server->handler = settings->handler;
    server->config = config_of(settings);
    if (workers > IO_WORKERS_MAX)
      io_error_set(&why, 0, "%u workers: the maximum is %u", workers, IO_WORKERS_MAX);
    else if (settings->first_core < WEIR_NOT_PINNED)
      io_error_set(&why, 0, "first_core %d: cores are counted from 1", settings->first_core);
    else if (!settings->handler || !settings->handler->request)
      io_error_set(&why, 0, "no handler given, or one without request()");
    else if (!settings->http && !settings->https)
      io_error_set(&why, 0, "no address given: set http or https");
    else if (open_tls(server, settings, &why) &&
             listen_on(server, HTTP, settings->http, workers, &why) &&
             listen_on(server, HTTPS, settings->https, workers, &why) &&
             weir_group_start(&server->group, &config, settings->ring, &why))
      return server;
    close_all(server);
  }
  snprintf(error, error_bytes, "%s", why.text);
  return NULL;
}

uint16_t weir_server_http_port(const struct weir_server *server) {
  return server->listening[HTTP] ? address_port(&server->listeners[HTTP].address) : 0;
}

uint16_t weir_server_https_port(const struct weir_server *server) {
  return server->listening[HTTPS] ? address_port(&server->listeners[HTTPS].address) : 0;
}

const char *weir_server_fingerprint(const struct weir_server *server) {
  return server->certificate.fingerprint;
}

bool weir_server_stop(struct weir_server *server, unsigned drain_seconds) {
  if (weir_group_is_own_thread(&server->group)) return false;
  worker_group_drain(&server->group, clock_now_ns() + drain_seconds * SECOND_NS);
  worker_group_join(&server->group);
  close_all(server);
  return true;
}
