/*
 * lib/client.c - one worker with one link, and fetches that other threads wait for.
 *
 *     caller's thread                             worker's thread
 *     fetch: the exchange, on its stack  --post-> begin: h2_request(), or into the queue
 *            waits                                events fill the response
 *            returns                    <-signal- settle: closed, and the body no longer in use
 *
 * The connection is DIALING until the server's SETTINGS have come, then READY, and LOST once and
 * for all; exchanges that find it LOST fail at once. Everything in struct weir_client that is not
 * said to be under its lock belongs to the worker.
 */
#include "tools/lib/weir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/limits.h"
#include "engine/h2/h2.h"
#include "io/link/dial.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "tools/client/lookup.h"
#include "tools/client/url.h"
#include "tools/common/process.h"
#include "tools/lib/guard.h"
#include "tools/lib/parts.h"

enum {
  ADDRESSES_MAX = 8, /* of one name; the resolver puts the best first */
  FIELDS_MAX = 100,  /* of one request; servers take about as many */
  TIMEOUT_SECONDS_DEFAULT = 60,
  BODY_BYTES_DEFAULT = 64 << 20,
};

/* For GOAWAY to leave; nothing else is under way when a client is closed. */
#define FAREWELL_NS (1 * SECOND_NS)

/* How long a fetch waits before it posts again to a mailbox that is full. */
#define FULL_WAIT_NS (1 * MILLISECOND_NS)

enum client_state { CLIENT_DIALING, CLIENT_READY, CLIENT_LOST };

struct exchange {
  struct weir_client *client;
  const struct weir_request *request;
  struct weir_response *response;
  struct exchange *next; /* in the queue */
  struct body_bytes body;
  size_t body_max; /* allocated for the response's */
  uint64_t deadline_ns;
  bool closed;
  bool lent;  /* the request's body is still in use */
  bool ended; /* the response is complete */
  bool done;  /* under the lock: its fetch may return */
};

struct weir_client {
  struct url url;
  struct address addresses[ADDRESSES_MAX];
  unsigned address_count, address_tried;
  struct tls_context *tls;
  size_t body_bytes_max;
  uint64_t timeout_ns;

  struct worker_group group;
  struct worker *worker;
  struct engine engine;
  struct tls_factory factory;
  bool has_engine, has_factory;
  struct dial dial;
  struct weir_guard outside, inside; /* around TLS, if there is any, and around HTTP/2 */
  struct h2 *h2;                     /* NULL: not made yet, or gone */
  struct timer flush;                /* to look at the queue again */
  struct exchange *queue, **end;     /* waiting for room on the connection */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum client_state state; /* written under the lock; the worker may read it without */
  char reason[WEIR_ERROR_BYTES];
};

/* ---- the connection's state ------------------------------------------------------------------ */

/* The first reason is the one that is told. */
__attribute__((format(printf, 2, 3))) static void lose(struct weir_client *client,
                                                       const char *format, ...) {
  va_list arguments;
  pthread_mutex_lock(&client->lock);
  if (client->state != CLIENT_LOST) {
    va_start(arguments, format);
    vsnprintf(client->reason, sizeof client->reason, format, arguments);
    va_end(arguments);
    client->state = CLIENT_LOST;
    pthread_cond_broadcast(&client->changed);
  }
  pthread_mutex_unlock(&client->lock);
  timer_arm(&client->worker->loop.timers, &client->flush, client->worker->loop.now_ns);
}

static void on_settings(void *ctx, struct h2 *h2) {
  struct weir_client *client = ctx;
  (void)h2;
  pthread_mutex_lock(&client->lock);
  if (client->state == CLIENT_DIALING) client->state = CLIENT_READY;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
}

/* Requests that were answered go on; no new ones are taken. */
static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code) {
  (void)h2;
  (void)last_stream_id;
  lose(ctx, "the server sent GOAWAY (%s)", h2_error_name(error_code));
}

static const struct h2_client_events connection_events = {.settings = on_settings,
                                                          .goaway = on_goaway};

/* ---- an exchange, on the worker's thread ----------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void blame(struct exchange *exchange,
                                                        const char *format, ...) {
  va_list arguments;
  if (exchange->response->error[0]) return;
  va_start(arguments, format);
  vsnprintf(exchange->response->error, sizeof exchange->response->error, format, arguments);
  va_end(arguments);
}

/* Lets the fetch return, once nothing of it is in use. */
static void settle(struct exchange *exchange) {
  struct weir_client *client = exchange->client;
  if (!exchange->closed || exchange->lent) return;
  pthread_mutex_lock(&client->lock);
  exchange->done = true;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
}

static void body_released(void *ctx) {
  struct exchange *exchange = ctx;
  exchange->lent = false;
  settle(exchange);
}

/* "name\0value\0", one after the other. */
static bool keep_fields(struct weir_response *response, const struct headers *fields) {
  size_t len = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    len += fields->at[i].name.len + fields->at[i].value.len + 2;
  free(response->fields);
  response->fields_len = len;
  char *at = response->fields = malloc(len + 1);
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
  struct exchange *exchange = stream->user;
  if (status < 200) return;
  exchange->response->status = status;
  exchange->ended = end;
  if (keep_fields(exchange->response, fields)) return;
  exchange->response->fields_len = 0;
  blame(exchange, "out of memory");
  stream_reset(stream, H2_CANCEL);
}

/* Room for `len` more bytes of body; false with the exchange's error. */
static bool make_room(struct exchange *exchange, size_t len) {
  struct weir_response *response = exchange->response;
  size_t most = exchange->client->body_bytes_max, needed = response->body_len + len;
  if (len > most - response->body_len) {
    blame(exchange, "the response is longer than %zu bytes", most);
    return false;
  }
  if (needed <= exchange->body_max) return true;
  size_t bytes = 2 * needed < most ? 2 * needed : most;
  uint8_t *body = realloc(response->body, bytes);
  if (!body) {
    blame(exchange, "out of memory");
    return false;
  }
  response->body = body;
  exchange->body_max = bytes;
  return true;
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct exchange *exchange = stream->user;
  struct weir_response *response = exchange->response;
  exchange->ended = end;
  if (bytes.len == 0) return;
  if (!make_room(exchange, bytes.len)) {
    stream_reset(stream, H2_CANCEL);
    return;
  }
  memcpy(response->body + response->body_len, bytes.base, bytes.len);
  response->body_len += bytes.len;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  ((struct exchange *)stream->user)->ended = true;
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  struct exchange *exchange = stream->user;
  (void)now_ns;
  blame(exchange, "it took longer than %llu seconds",
        (unsigned long long)(exchange->client->timeout_ns / SECOND_NS));
  stream_reset(stream, H2_CANCEL);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct exchange *exchange = stream->user;
  struct weir_client *client = exchange->client;
  if (error_code != H2_NO_ERROR)
    blame(exchange, "the exchange was ended: %s", h2_error_name(error_code));
  else if (!exchange->ended)
    blame(exchange, "the connection has ended");
  timer_arm(&client->worker->loop.timers, &client->flush,
            client->worker->loop.now_ns); /* room for others */
  exchange->closed = true;
  settle(exchange);
}

static const struct stream_events exchange_events = {.response = on_response,
                                                     .data = on_data,
                                                     .trailers = on_trailers,
                                                     .timer = on_timer,
                                                     .closed = on_closed};

static void fail(struct exchange *exchange, const char *reason) {
  blame(exchange, "%s", reason);
  exchange->closed = true;
  settle(exchange);
}

static void ask(struct exchange *exchange) {
  struct weir_client *client = exchange->client;
  const struct weir_request *request = exchange->request;
  struct header fields[4 + FIELDS_MAX] = {
      header_of(TOKEN_METHOD, span_text(request->method ? request->method : "GET")),
      header_of(TOKEN_SCHEME, span_text(client->url.secure ? "https" : "http")),
      header_of(TOKEN_AUTHORITY, span_text(client->url.authority)),
      header_of(TOKEN_PATH, span_text(request->path))};
  for (size_t i = 0; i < request->field_count; i++)
    fields[4 + i] = request->fields[i];
  struct body body = BODY_NONE;
  exchange->lent = request->body.len > 0;
  if (exchange->lent) body = body_bytes(&exchange->body, request->body, body_released, exchange);
  struct stream *stream =
      h2_request(client->h2, fields, 4 + request->field_count, body, &exchange_events, exchange);
  if (stream)
    stream_timer(stream, exchange->deadline_ns);
  else
    fail(exchange, "the request cannot be sent");
}

/* Sends what waits, as far as there is room; fails it when there will never be. */
static void flush(struct timer *timer, uint64_t now_ns) {
  struct weir_client *client = LIST_OWNER(timer, struct weir_client, flush);
  (void)now_ns;
  while (client->queue) {
    bool lost = client->state == CLIENT_LOST || !client->h2;
    if (!lost && h2_request_room(client->h2) == 0) return;
    struct exchange *exchange = client->queue;
    client->queue = exchange->next;
    if (!client->queue) client->end = &client->queue;
    if (lost)
      fail(exchange, client->reason);
    else
      ask(exchange);
  }
}

static void begin(struct worker *worker, void *object) {
  struct exchange *exchange = object;
  struct weir_client *client = exchange->client;
  exchange->deadline_ns = worker->loop.now_ns + client->timeout_ns;
  *client->end = exchange;
  client->end = &exchange->next;
  flush(&client->flush, worker->loop.now_ns);
}

/* ---- machines and dialling ------------------------------------------------------------------- */

/* Exchanges end in the machine's close(), after this. */
static void h2_closed(struct weir_guard *guard) {
  struct weir_client *client = LIST_OWNER(guard, struct weir_client, inside);
  client->h2 = NULL;
  lose(client, "the connection has ended");
}

/* Around TLS, which may end before there is an HTTP/2 machine. */
static void tls_closed(struct weir_guard *guard) {
  struct weir_client *client = LIST_OWNER(guard, struct weir_client, outside);
  const char *reason = tls_machine_error(&guard->inner);
  lose(client, "TLS with %s failed: %s", client->url.authority,
       *reason ? reason : "the server closed the connection");
}

static bool create_h2(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                      uint64_t now_ns, struct machine *out) {
  struct weir_client *client = ctx;
  if (peer->secure && strcmp(peer->application_protocol, "h2") != 0) {
    lose(client, "the server did not agree on h2 by ALPN");
    return false;
  }
  if (!h2_client(&client->engine, peer, host, now_ns, out)) return false;
  client->h2 = h2_of(out);
  client->h2->client = &connection_events;
  client->h2->client_ctx = client;
  client->inside.closed = h2_closed;
  weir_guard_around(&client->inside, out);
  return true;
}

static bool create_tls(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                       uint64_t now_ns, struct machine *out) {
  struct weir_client *client = ctx;
  struct machine_factory tls = tls_factory_machines(&client->factory);
  if (!tls.create(tls.ctx, peer, host, now_ns, out)) return false;
  client->outside.closed = tls_closed;
  weir_guard_around(&client->outside, out);
  return true;
}

static void dial_next(struct weir_client *client);

static void on_dialed(struct dial *dial, int error) {
  struct weir_client *client = LIST_OWNER(dial, struct weir_client, dial);
  char text[ADDRESS_TEXT_BYTES];
  if (error == 0) return;
  if (client->address_tried < client->address_count && !client->worker->draining)
    dial_next(client);
  else
    lose(client, "cannot connect to %s: %s", address_format(&dial->address, text), strerror(error));
}

static void dial_next(struct weir_client *client) {
  client->dial = (struct dial){.address = client->addresses[client->address_tried++],
                               .factory = {client, client->url.secure ? create_tls : create_h2},
                               .timeout_ns = client->timeout_ns,
                               .done = on_dialed};
  dial_start(&client->dial, &client->worker->links);
}

static void worker_stopped(struct worker *worker, void *ctx) {
  struct weir_client *client = ctx;
  (void)worker;
  if (client->has_factory) tls_factory_destroy(&client->factory);
  if (client->has_engine) engine_destroy(&client->engine);
}

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct weir_client *client = ctx;
  const struct machine_factory inner = {.ctx = client, .create = create_h2};
  struct engine_config config = engine_config_default();
  config.push = false;
  client->worker = worker;
  timer_init(&client->flush, flush);
  client->has_engine = engine_init(&client->engine, &process_memory, &config, NULL);
  client->has_factory =
      client->has_engine && client->tls &&
      tls_factory_init(&client->factory, client->tls, &inner, 1, client->url.host);
  if (client->has_engine && client->has_factory == client->url.secure) {
    dial_next(client);
    return true;
  }
  worker_stopped(worker, ctx);
  return io_error_set(error, 0, "out of memory");
}

/* ---- for other threads ----------------------------------------------------------------------- */

static bool prepare(struct weir_client *client, const struct weir_client_settings *settings,
                    char *error, size_t error_bytes) {
  static const char *const protocols[] = {"h2"};
  if (!url_parse(&client->url, settings->origin)) {
    snprintf(error, error_bytes, "%s: expected http://HOST or https://HOST", settings->origin);
    return false;
  }
  client->address_count = lookup_host(client->url.host, client->url.port, client->addresses,
                                      ADDRESSES_MAX, error, error_bytes);
  if (client->address_count == 0) return false;
  if (!client->url.secure) return true;
  struct io_error why = {.text = ""};
  struct tls_settings tls = {.client = true,
                             .protocols = protocols,
                             .protocol_count = 1,
                             .verify = !settings->insecure,
                             .ca_path = settings->ca_file};
  client->tls = tls_context_create(&tls, &why);
  if (!client->tls) snprintf(error, error_bytes, "%s", why.text);
  return client->tls;
}

static struct weir_client *make_client(const struct weir_client_settings *settings) {
  struct weir_client *client = calloc(1, sizeof *client);
  if (!client) return NULL;
  unsigned seconds = settings->timeout_seconds;
  client->timeout_ns = (seconds ? seconds : TIMEOUT_SECONDS_DEFAULT) * SECOND_NS;
  client->body_bytes_max = settings->body_bytes_max ? settings->body_bytes_max : BODY_BYTES_DEFAULT;
  client->end = &client->queue;
  pthread_mutex_init(&client->lock, NULL);
  pthread_cond_init(&client->changed, NULL);
  return client;
}

static void free_client(struct weir_client *client) {
  tls_context_free(client->tls);
  pthread_cond_destroy(&client->changed);
  pthread_mutex_destroy(&client->lock);
  free(client);
}

void weir_client_close(struct weir_client *client) {
  worker_group_drain(&client->group, clock_now_ns() + FAREWELL_NS);
  worker_group_join(&client->group);
  free_client(client);
}

/* Until the server's SETTINGS have come, or it is clear that they will not. */
static bool wait_until_ready(struct weir_client *client, char *error, size_t error_bytes) {
  pthread_mutex_lock(&client->lock);
  while (client->state == CLIENT_DIALING)
    pthread_cond_wait(&client->changed, &client->lock);
  bool ready = client->state == CLIENT_READY;
  if (!ready) snprintf(error, error_bytes, "%s", client->reason);
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
  const struct worker_config config = {
      .count = 1,
      .links_max = 1,
      .hooks = {.ctx = client, .setup = worker_setup, .stopped = worker_stopped}};
  struct io_error why = {.text = ""};
  if (!prepare(client, settings, error, error_bytes)) {
    free_client(client);
    return NULL;
  }
  if (!weir_group_start(&client->group, &config, &why)) {
    snprintf(error, error_bytes, "%s", why.text);
    free_client(client);
    return NULL;
  }
  if (wait_until_ready(client, error, error_bytes)) return client;
  weir_client_close(client);
  return NULL;
}

bool weir_client_fetch(struct weir_client *client, const struct weir_request *request,
                       struct weir_response *response) {
  const struct timespec pause = {.tv_nsec = FULL_WAIT_NS};
  struct exchange exchange = {.client = client, .request = request, .response = response};
  *response = (struct weir_response){.status = 0};
  if (request->field_count > FIELDS_MAX) {
    snprintf(response->error, sizeof response->error, "more than %d fields", FIELDS_MAX);
    return false;
  }
  /* The lock makes one sender of all threads, as the mailbox wants it. */
  pthread_mutex_lock(&client->lock);
  while (!worker_group_post(&client->group, 0, begin, &exchange)) {
    pthread_mutex_unlock(&client->lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&client->lock);
  }
  while (!exchange.done)
    pthread_cond_wait(&client->changed, &client->lock);
  pthread_mutex_unlock(&client->lock);
  return response->error[0] == 0;
}

const char *weir_response_field(const struct weir_response *response, const char *name) {
  const char *at = response->fields, *end = at + response->fields_len;
  while (at && at < end) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return NULL;
}

void weir_response_free(struct weir_response *response) {
  free(response->body);
  free(response->fields);
  *response = (struct weir_response){.status = 0};
}
