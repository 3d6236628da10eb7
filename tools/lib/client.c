/*
 * lib/client.c - one worker with one link, and the queue of fetches that other threads wait for.
 *
 *     caller's thread                             worker's thread
 *     struct fetch, on its stack    --post-> begin: the request, or into the queue
 *            waits                                events fill the response
 *            returns                    <-signal- settle: closed, and the body no longer in use
 *
 * The connection is DIALING until the server has shown that it speaks the protocol, then READY, and finally
 * LOST; fetches fail at once when it is LOST. A server of HTTP/1.1 may end its connection between
 * exchanges: then the client is READY without one, and opens it again for the next fetch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/base/clock.h"
#include "io/tls/context.h"
#include "tools/client/h2.h"
#include "tools/client/tls.h"
#include "tools/common/process.h"
#include "tools/lib/fetch.h"

/* ---- the connection's state ------------------------------------------------------------------ */

/* Only the first reason counts. Queued fetches fail. A connection of HTTP/1.1 takes one fetch with it: the
 * others get a new one. */
static void on_blamed(struct client_connection *connection, const char *reason) {
  struct weir_client *client = LIST_OWNER(connection, struct weir_client, connection);
  if (connection->created && client->http.http1) return;
  pthread_mutex_lock(&client->lock);
  if (client->state != LOST) {
    snprintf(client->reason, sizeof client->reason, "%s", reason);
    client->state = LOST;
    pthread_cond_broadcast(&client->changed);
  }
  pthread_mutex_unlock(&client->lock);
  fetch_flush_soon(client);
}

/* There is room for requests, and now at the latest the server is known to speak the protocol. */
static void on_room(void *ctx) {
  struct weir_client *client = ctx;
  pthread_mutex_lock(&client->lock);
  if (client->state == DIALING) client->state = READY;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
  fetch_flush_soon(client);
}

/* Requests that the server accepted continue. New ones fail. */
static void on_goaway(void *ctx, uint32_t error_code, struct span debug) {
  struct weir_client *client = ctx;
  client_h2_blame_goaway(&client->connection, error_code, debug);
}

static const struct client_http_events http_events = {.room = on_room, .goaway = on_goaway};

/* ---- the queue, on the worker's thread -------------------------------------------------------- */

static struct fetch *take_first(struct weir_client *client) {
  struct fetch *fetch = client->queue;
  client->queue = fetch->next;
  if (!client->queue) client->end = &client->queue;
  return fetch;
}

/* A server of HTTP/1.1 has ended its connection after an exchange, as it may. */
static void reopen(struct weir_client *client) {
  if (client->state == READY && client->connection.state == CLIENT_AWAY)
    client_connection_open(&client->connection);
}

/* Sends what waits, as far as there is room; fails it when there will never be, or when its time is
 * over. The first in the queue is the one whose time ends first. */
static void flush(struct timer *timer, uint64_t now_ns) {
  struct weir_client *client = LIST_OWNER(timer, struct weir_client, flush);
  while (client->queue) {
    bool lost = client->state == LOST;
    bool late = client->queue->deadline_ns <= now_ns;
    if (!lost && !late) reopen(client);
    if (!lost && !late && client_http_room(&client->http) == 0) {
      timer_arm(&client->worker->loop.timers, timer, client->queue->deadline_ns);
      return;
    }
    struct fetch *fetch = take_first(client);
    if (late)
      fetch_fail_late(fetch);
    else if (lost)
      fetch_fail(fetch, client->reason);
    else
      fetch_ask(fetch);
  }
}

static void begin(struct worker *worker, void *object) {
  struct fetch *fetch = object;
  struct weir_client *client = fetch->client;
  fetch->deadline_ns = worker->loop.now_ns + client->timeout_ns;
  *client->end = fetch;
  client->end = &fetch->next;
  flush(&client->flush, worker->loop.now_ns);
}

/* ---- the connection -------------------------------------------------------------------------- */

static bool create(struct client_connection *connection, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct weir_client *client = LIST_OWNER(connection, struct weir_client, connection);
  client->http.events = &http_events;
  client->http.ctx = client;
  bool created = client_http_create(&client->http, connection, &client->engine, client->versions,
                                    peer, host, now_ns, out);
  if (client->http.h1) on_room(client);
  return created;
}

static void on_gone(struct client_connection *connection) {
  struct weir_client *client = LIST_OWNER(connection, struct weir_client, connection);
  if (client->http.http1) /* of HTTP/1.1: for the next fetch it is opened again */
    fetch_flush_soon(client);
  else
    client_blame(connection, "the connection is closed"); /* if nothing else is known */
}

static const struct client_ops client_ops = {
    .create = create, .blamed = on_blamed, .gone = on_gone};

static void worker_stopped(struct worker *worker, void *ctx) {
  struct weir_client *client = ctx;
  (void)worker;
  client_server_free(&client->server);
  if (client->has_engine) engine_destroy(&client->engine);
}

static bool make_parts(struct weir_client *client) {
  struct engine_config config = engine_config_default();
  config.h2.push = false;
  config.clock_ns = &client->worker->loop.now_ns;
  client->has_engine = engine_init(&client->engine, &process_memory, &config, NULL);
  return client->has_engine &&
         client_server_init(&client->server, client->tls, client->url.host, LIB_CLIENT_LINKS_MAX);
}

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct weir_client *client = ctx;
  client->worker = worker;
  timer_init(&client->flush, flush);
  if (!make_parts(client)) {
    worker_stopped(worker, ctx);
    return io_error_set(error, 0, "out of memory");
  }
  client_connection_init(&client->connection, &client->server, worker, &client_ops);
  client_connection_open(&client->connection);
  return true;
}

/* ---- for other threads ----------------------------------------------------------------------- */

static bool prepare(struct weir_client *client, const struct weir_client_settings *settings,
                    const struct failure *failure) {
  struct client_server *server = &client->server;
  if (!settings->origin) return failure_set(failure, "no origin given");
  if (!url_parse(&client->url, settings->origin))
    return failure_set(failure, "%s: expected http://HOST or https://HOST", settings->origin);
  if (strcmp(client->url.target, "/") != 0)
    return failure_set(failure, "%s: an origin has no path; each request has", settings->origin);
  server->authority = client->url.authority;
  server->addresses = client->addresses;
  server->connect_ns = client->timeout_ns;
  server->address_count = lookup_host(client->url.host, client->url.port, client->addresses,
                                      CLIENT_ADDRESSES_MAX, failure);
  if (server->address_count == 0) return false;
  if (!client->url.secure) return true;
  const struct client_tls_settings tls = {
      .versions = client->versions, .insecure = settings->insecure, .ca_path = settings->ca_file};
  client->tls = client_tls_create(&tls, failure);
  return client->tls;
}

static struct weir_client *make_client(const struct weir_client_settings *settings) {
  struct weir_client *client = calloc(1, sizeof *client);
  if (!client) return NULL;
  unsigned seconds = settings->timeout_seconds;
  client->timeout_ns = (seconds ? seconds : LIB_TIMEOUT_SECONDS_DEFAULT) * SECOND_NS;
  client->body_bytes_max =
      settings->body_bytes_max ? settings->body_bytes_max : LIB_BODY_BYTES_DEFAULT;
  client->versions = settings->http1 ? CLIENT_HTTP1 : CLIENT_HTTP2_OR_1;
  client->end = &client->queue;
  pthread_mutex_init(&client->lock, NULL);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&client->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  return client;
}

static void free_client(struct weir_client *client) {
  tls_context_free(client->tls);
  pthread_cond_destroy(&client->changed);
  pthread_mutex_destroy(&client->lock);
  free(client);
}

void weir_client_close(struct weir_client *client) {
  worker_group_drain(&client->group, clock_now_ns() + LIB_FAREWELL_NS);
  worker_group_join(&client->group);
  free_client(client);
}

static struct timespec timespec_of(uint64_t time_ns) {
  return (struct timespec){.tv_sec = (time_t)(time_ns / SECOND_NS),
                           .tv_nsec = (long)(time_ns % SECOND_NS)};
}

/* Until the server speaks the protocol, it is clear that they will not, or the time is over. */
static bool wait_until_ready(struct weir_client *client, char *error, size_t error_bytes) {
  const struct timespec end = timespec_of(clock_now_ns() + client->timeout_ns);
  int late = 0;
  pthread_mutex_lock(&client->lock);
  while (client->state == DIALING && !late)
    late = pthread_cond_timedwait(&client->changed, &client->lock, &end);
  bool ready = client->state == READY;
  if (client->state == LOST) snprintf(error, error_bytes, "%s", client->reason);
  if (client->state == DIALING)
    snprintf(error, error_bytes, "%s did not answer within %llu s", client->url.authority,
             (unsigned long long)(client->timeout_ns / SECOND_NS));
  pthread_mutex_unlock(&client->lock);
  return ready;
}

struct weir_client *weir_client_open(const struct weir_client_settings *settings, char *error,
                                     size_t error_bytes) {
  struct weir_client *client = make_client(settings);
  if (!client) {
    snprintf(error, error_bytes, "out of memory");
    return NULL;
  }
  struct worker_config config = {
      .count = 1,
      .links_max = LIB_CLIENT_LINKS_MAX,
      .hooks = {.ctx = client, .setup = worker_setup, .stopped = worker_stopped}};
  const struct failure failure = {.text = error, .size = error_bytes};
  struct io_error why = {.text = ""};
  if (!prepare(client, settings, &failure)) {
    free_client(client);
    return NULL;
  }
  if (!weir_group_start(&client->group, &config, settings->ring, &why)) {
    failure_set(&failure, "%s", why.text);
    free_client(client);
    return NULL;
  }
  if (wait_until_ready(client, error, error_bytes)) return client;
  weir_client_close(client);
  return NULL;
}

bool weir_client_fetch(struct weir_client *client, const struct weir_request *request,
                       struct weir_response *response) {
  const struct timespec pause = {.tv_nsec = LIB_FULL_WAIT_NS};
  struct fetch fetch = {.client = client, .request = request, .response = response};
  *response = (struct weir_response){.status = 0};
  if (request->field_count > LIB_FIELDS_MAX) {
    snprintf(response->error, sizeof response->error, "more than %d fields", LIB_FIELDS_MAX);
    return false;
  }
  const char *fault = fetch_fault_of(request);
  if (fault) {
    snprintf(response->error, sizeof response->error, "%s", fault);
    return false;
  }
  /* The lock makes one sender of all threads, as the mailbox wants it. */
  pthread_mutex_lock(&client->lock);
  while (!worker_group_post(&client->group, 0, begin, &fetch)) {
    pthread_mutex_unlock(&client->lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&client->lock);
  }
  while (!fetch.done)
    pthread_cond_wait(&client->changed, &client->lock);
  pthread_mutex_unlock(&client->lock);
  return response->error[0] == 0;
}
