/*
 * lib/client.c - one worker with one link, and fetches that other threads wait for.
 *
 *     caller's thread                             worker's thread
 *     struct fetch, on its stack    --post-> begin: the request, or into the queue
 *            waits                                events fill the response
 *            returns                    <-signal- settle: closed, and the body no longer in use
 *
 * The connection is DIALING until the server has shown that it speaks the protocol, then READY, and finally
 * LOST; fetches fail at once when it is LOST. A server of HTTP/1.1 may end its connection between
 * exchanges: then the client is READY without one, and opens it again for the next fetch. Members of struct weir_client belong to the worker, except
 * those under the lock.
 */
#include "tools/lib/weir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/decimal.h"
#include "engine/engine.h"
#include "engine/h2/frame.h"
#include "io/base/clock.h"
#include "io/tls/context.h"
#include "tools/client/h2.h"
#include "tools/client/http.h"
#include "tools/client/lookup.h"
#include "tools/client/tls.h"
#include "tools/client/url.h"
#include "tools/common/process.h"
#include "tools/lib/group.h"
#include "tools/lib/limits.h"

enum state { DIALING, READY, LOST };

struct fetch {
  struct weir_client *client;
  const struct weir_request *request;
  struct weir_response *response;
  struct fetch *next; /* in the queue */
  struct body_bytes body;
  size_t body_max; /* allocated for the response's */
  uint64_t deadline_ns;
  bool closed;
  bool repeated; /* see ask_again() */
  bool lent;     /* the request's body is still in use */
  bool ended;    /* the response is complete */
  bool done;     /* under the lock: its fetch may return */
};

struct weir_client {
  struct url url;
  struct address addresses[CLIENT_ADDRESSES_MAX];
  struct tls_context *tls;
  size_t body_bytes_max;
  uint64_t timeout_ns;

  struct worker_group group;
  struct worker *worker;
  struct engine engine;
  bool has_engine;
  struct client_server server;
  struct client_connection connection;
  struct client_http http;
  enum client_versions versions;
  struct timer flush;         /* to look at the queue again */
  struct fetch *queue, **end; /* waiting for room on the connection */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum state state; /* written under the lock; the worker may read it without */
  char reason[WEIR_ERROR_BYTES];
};

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
  timer_arm(&client->worker->loop.timers, &client->flush, client->worker->loop.now_ns);
}

/* There is room for requests, and now at the latest the server is known to speak the protocol. */
static void on_room(void *ctx) {
  struct weir_client *client = ctx;
  pthread_mutex_lock(&client->lock);
  if (client->state == DIALING) client->state = READY;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
  timer_arm(&client->worker->loop.timers, &client->flush, client->worker->loop.now_ns);
}

/* Requests that the server accepted continue. New ones fail. */
static void on_goaway(void *ctx, uint32_t error_code, struct span debug) {
  struct weir_client *client = ctx;
  client_h2_blame_goaway(&client->connection, error_code, debug);
}

static const struct client_http_events http_events = {.room = on_room, .goaway = on_goaway};

/* ---- a fetch, on the worker's thread ----------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void blame(struct fetch *fetch, const char *format,
                                                        ...) {
  va_list arguments;
  if (fetch->response->error[0]) return;
  va_start(arguments, format);
  vsnprintf(fetch->response->error, sizeof fetch->response->error, format, arguments);
  va_end(arguments);
}

/* Lets the fetch return once nothing of it is in use. */
static void settle(struct fetch *fetch) {
  struct weir_client *client = fetch->client;
  if (!fetch->closed || fetch->lent) return;
  pthread_mutex_lock(&client->lock);
  fetch->done = true;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
}

static void body_released(void *ctx) {
  struct fetch *fetch = ctx;
  fetch->lent = false;
  settle(fetch);
}

/* "name\0value\0", one after the other. */
static bool keep_fields(struct weir_fields *kept, const struct headers *fields) {
  size_t len = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    len += fields->at[i].name.len + fields->at[i].value.len + 2;
  free(kept->text);
  char *at = kept->text = malloc(len + 1);
  kept->len = at ? len : 0;
  if (!at) return false;
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct span parts[] = {fields->at[i].name, fields->at[i].value};
    for (int k = 0; k < 2; k++) {
      if (parts[k].len) memcpy(at, parts[k].base, parts[k].len);
      at[parts[k].len] = 0;
      at += parts[k].len + 1;
    }
  }
  return true;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct fetch *fetch = stream->user;
  if (status < 200) return;
  fetch->response->status = status;
  fetch->ended = end;
  if (keep_fields(&fetch->response->fields, fields)) return;
  blame(fetch, "out of memory");
  stream_reset(stream, H2_CANCEL);
}

/* Makes room for `len` more bytes of the body. False with the fetch's error. */
static bool make_room(struct fetch *fetch, size_t len) {
  struct weir_response *response = fetch->response;
  size_t most = fetch->client->body_bytes_max, needed = response->body_len + len;
  if (len > most - response->body_len) {
    blame(fetch, "the response is longer than %zu bytes", most);
    return false;
  }
  if (needed <= fetch->body_max) return true;
  size_t bytes = 2 * needed < most ? 2 * needed : most;
  uint8_t *body = realloc(response->body, bytes);
  if (!body) {
    blame(fetch, "out of memory");
    return false;
  }
  response->body = body;
  fetch->body_max = bytes;
  return true;
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct fetch *fetch = stream->user;
  struct weir_response *response = fetch->response;
  fetch->ended = end;
  if (bytes.len == 0) return;
  if (!make_room(fetch, bytes.len)) {
    stream_reset(stream, H2_CANCEL);
    return;
  }
  memcpy(response->body + response->body_len, bytes.base, bytes.len);
  response->body_len += bytes.len;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct fetch *fetch = stream->user;
  fetch->ended = true;
  if (keep_fields(&fetch->response->trailers, fields)) return;
  blame(fetch, "out of memory");
  stream_reset(stream, H2_CANCEL);
}

static void blame_time(struct fetch *fetch) {
  blame(fetch, "timed out after %llu s",
        (unsigned long long)(fetch->client->timeout_ns / SECOND_NS));
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  struct fetch *fetch = stream->user;
  (void)now_ns;
  blame_time(fetch);
  stream_reset(stream, H2_CANCEL);
}

static bool is_safe(const char *method) {
  return !method || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A server of HTTP/1.1 may end an idle connection while a request is on its way. One that was not the first
 * on its connection, got no answer, and does no harm when repeated, is asked again, once (RFC 9110 section
 * 9.2.2). */
static bool ask_again(struct fetch *fetch, const struct stream *stream) {
  struct weir_client *client = fetch->client;
  const struct weir_response *response = fetch->response;
  bool idle = client->http.http1 && stream->id > 1 && response->status == 0 && !response->error[0];
  bool safe = is_safe(fetch->request->method) && fetch->request->body.len == 0;
  if (!idle || !safe || fetch->repeated) return false;
  fetch->repeated = true;
  fetch->next = client->queue;
  if (!client->queue) client->end = &fetch->next;
  client->queue = fetch;
  timer_arm(&client->worker->loop.timers, &client->flush, client->worker->loop.now_ns);
  return true;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct fetch *fetch = stream->user;
  struct weir_client *client = fetch->client;
  if (error_code == H2_CONNECT_ERROR && ask_again(fetch, stream)) return;
  if (error_code != H2_NO_ERROR)
    blame(fetch, "the stream ended with %s", h2_error_name(error_code));
  else if (!fetch->ended)
    blame(fetch, "the connection is closed");
  fetch->response->error_code = error_code;
  fetch->response->unprocessed = error_code == H2_REFUSED_STREAM;
  timer_arm(&client->worker->loop.timers, &client->flush,
            client->worker->loop.now_ns); /* room for others */
  fetch->closed = true;
  settle(fetch);
}

static const struct stream_events fetch_events = {.response = on_response,
                                                  .data = on_data,
                                                  .trailers = on_trailers,
                                                  .timer = on_timer,
                                                  .closed = on_closed};

/* Of a request that was never sent. */
static void fail(struct fetch *fetch, const char *reason) {
  blame(fetch, "%s", reason);
  fetch->response->unprocessed = true;
  fetch->closed = true;
  settle(fetch);
}

static bool has_content_length(const struct weir_request *request) {
  for (size_t i = 0; i < request->field_count; i++)
    if (span_is_ignoring_case(request->fields[i].name, "content-length")) return true;
  return false;
}

static void ask(struct fetch *fetch) {
  struct weir_client *client = fetch->client;
  const struct weir_request *request = fetch->request;
  uint8_t length[DECIMAL_BYTES_MAX];
  size_t count = 4 + request->field_count;
  struct header fields[4 + LIB_FIELDS_MAX + 1] = {
      header_of(TOKEN_METHOD, span_text(request->method ? request->method : "GET")),
      header_of(TOKEN_SCHEME, span_text(client->url.secure ? "https" : "http")),
      header_of(TOKEN_AUTHORITY, span_text(client->url.authority)),
      header_of(TOKEN_PATH, span_text(request->path))};
  for (size_t i = 0; i < request->field_count; i++)
    fields[4 + i] = request->fields[i];
  if (request->body.len > 0 && !has_content_length(request))
    fields[count++] =
        header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, request->body.len)));
  struct body body = BODY_NONE;
  fetch->lent = request->body.len > 0;
  if (fetch->lent) body = body_bytes(&fetch->body, request->body, body_released, fetch);
  struct stream *stream =
      client_http_request(&client->http, fields, count, body, &fetch_events, fetch);
  if (stream)
    stream_timer(stream, fetch->deadline_ns);
  else
    fail(fetch, "the request could not be sent");
}

static struct fetch *take_first(struct weir_client *client) {
  struct fetch *fetch = client->queue;
  client->queue = fetch->next;
  if (!client->queue) client->end = &client->queue;
  return fetch;
}

/* A server of HTTP/1.1 has ended its connection after an exchange, which is its good right. */
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
    if (late) blame_time(fetch);
    if (lost || late)
      fail(fetch, client->reason);
    else
      ask(fetch);
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
    timer_arm(&client->worker->loop.timers, &client->flush, client->worker->loop.now_ns);
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

/* What is wrong with a request, whatever the server; NULL: nothing. */
static const char *fault_of(const struct weir_request *request) {
  static const char *const faults[] = {
      [HEADER_NAME_BAD] = "a field has a name that is none in lower case",
      [HEADER_VALUE_BAD] = "a field has a value that none may have"};
  const char *path = request->path;
  if (!path) return "no path is given";
  if (request->field_count > 0 && !request->fields) return "fields are given by their count alone";
  if (request->body.len > 0 && !request->body.base) return "the body's bytes are missing";
  bool asterisk =
      strcmp(path, "*") == 0 && request->method && strcmp(request->method, "OPTIONS") == 0;
  if (path[0] != '/' && !asterisk) return "the path does not begin with a slash";
  if (request->method && !request->method[0]) return "the method is empty";
  for (size_t i = 0; i < request->field_count; i++) {
    const struct header *field = &request->fields[i];
    unsigned bad = header_name_flags(field->name);
    if (!bad) bad = header_value_flags(field->value);
    if (bad || field->name.base[0] == ':') return faults[bad ? bad : HEADER_NAME_BAD];
  }
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
  const char *fault = fault_of(request);
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

static const char *find(const struct weir_fields *fields, const char *name) {
  const char *at = fields->text, *end = at + fields->len;
  while (at && at < end) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

const char *weir_response_field(const struct weir_response *response, const char *name) {
  return find(&response->fields, name);
}

const char *weir_response_trailer(const struct weir_response *response, const char *name) {
  return find(&response->trailers, name);
}

void weir_response_free(struct weir_response *response) {
  free(response->body);
  free(response->fields.text);
  free(response->trailers.text);
  *response = (struct weir_response){.status = 0};
}
