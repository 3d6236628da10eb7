/*
 * trace/origin.c - see trace/origin.h.
 */
#include "tools/trace/origin.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/h2/h2.h"
#include "io/tls/context.h"
#include "tools/client/h2.h"
#include "tools/client/lookup.h"
#include "tools/client/tls.h"
#include "tools/trace/interrupt.h"

static const struct trace_run *run_of(const struct trace_origin *origin) {
  return origin->all->run;
}

static enum client_versions versions_of(const struct trace_run *run) {
  return run->options->http1 ? CLIENT_HTTP1 : CLIENT_HTTP2;
}

static struct trace_connection *connection_of(const struct trace_origin *origin) {
  return &run_of(origin)->record->connections[origin->index];
}

static void changed(struct trace_origin *origin) {
  origin->all->changed(origin->all);
}

static struct trace_origin *owner_of(struct client_connection *client) {
  return LIST_OWNER(client, struct trace_origin, client);
}

/* ---- before the run -------------------------------------------------------------------------- */

static void describe(struct trace_origin *origin) {
  struct trace_connection *connection = connection_of(origin);
  *connection = (struct trace_connection){.secure = origin->url.secure,
                                          .begin_ns = TRACE_NEVER,
                                          .connected_ns = TRACE_NEVER,
                                          .ready_ns = TRACE_NEVER,
                                          .end_ns = TRACE_NEVER};
  url_origin(&origin->url, connection->origin);
}

static struct trace_origin *make_origin(struct trace_origins *origins, const struct url *url) {
  struct trace_record *record = origins->run->record;
  struct trace_origin *origin = calloc(1, sizeof *origin);
  if (!origin) return NULL;
  origin->all = origins;
  origin->url = *url;
  origin->index = (uint8_t)record->connection_count;
  origin->server = (struct client_server){.authority = origin->url.authority,
                                          .addresses = origin->addresses,
                                          .connect_ns = CLIENT_CONNECT_NS};
  origins->at[record->connection_count++] = origin;
  describe(origin);
  return origin;
}

struct trace_origin *trace_origin_find(struct trace_origins *origins, const struct url *url,
                                       const struct failure *failure) {
  const unsigned count = origins->run->record->connection_count;
  for (unsigned i = 0; i < count; i++)
    if (url_same_origin(&origins->at[i]->url, url)) return origins->at[i];
  struct trace_origin *origin = NULL;
  if (count < TRACE_CONNECTIONS_MAX) origin = make_origin(origins, url);
  if (!origin) {
    failure_set(failure, "more than %d origins", TRACE_CONNECTIONS_MAX);
    return NULL;
  }
  origin->server.address_count =
      lookup_host(url->host, url->port, origin->addresses, CLIENT_ADDRESSES_MAX, failure);
  return origin->server.address_count > 0 ? origin : NULL;
}

bool trace_origins_prepare(struct trace_origins *origins, const struct failure *failure) {
  const struct trace_options *options = origins->run->options;
  bool secure = false;
  for (unsigned i = 0; i < origins->run->record->connection_count; i++)
    secure = secure || origins->at[i]->url.secure;
  if (!secure) return true;
  origins->tls =
      client_tls_create(&(struct client_tls_settings){.versions = versions_of(origins->run),
                                                      .insecure = options->insecure,
                                                      .ca_path = options->ca_path,
                                                      .key_log = options->key_log},
                        failure);
  return origins->tls;
}

void trace_origins_free(struct trace_origins *origins) {
  for (unsigned i = 0; i < origins->run->record->connection_count; i++) {
    client_server_free(&origins->at[i]->server);
    free(origins->at[i]);
  }
  tls_context_free(origins->tls);
}

void trace_origins_leave(struct trace_origins *origins) {
  for (unsigned i = 0; i < origins->run->record->connection_count; i++)
    client_connection_cancel(&origins->at[i]->client);
}

/* ---- what the connection says ---------------------------------------------------------------- */

static void on_blamed(struct client_connection *client, const char *reason) {
  struct trace_connection *connection = connection_of(owner_of(client));
  snprintf(connection->error, sizeof connection->error, "%s", reason);
}

static void on_room(void *ctx) {
  changed(ctx);
}

static void on_goaway(void *ctx, uint32_t error_code, struct span debug) {
  struct trace_origin *origin = ctx;
  if (error_code != H2_NO_ERROR) client_h2_blame_goaway(&origin->client, error_code, debug);
  changed(origin); /* its queued requests will not be made */
}

/* A peaceful end is not reported once the run is over; nor one of HTTP/1.1, since another connection can take
 * its place. */
static bool reports(void *ctx, bool peaceful) {
  struct trace_origin *origin = ctx;
  if (peaceful && trace_interrupted()) client_blame(&origin->client, "interrupted");
  return !peaceful || !(run_of(origin)->over || origin->http.http1);
}

/* A connection of HTTP/1.1 that ended in peace may be opened again. */
static bool may_reopen(const struct trace_origin *origin) {
  return origin->http.http1 && !connection_of(origin)->error[0] && !run_of(origin)->over;
}

static void on_ended(void *ctx) {
  struct trace_origin *origin = ctx;
  origin->closed = !may_reopen(origin);
  changed(origin);
}

static const struct client_http_events http_events = {
    .room = on_room, .goaway = on_goaway, .reports = reports, .ended = on_ended};

static void on_frame_sent(void *ctx, const struct trace_frame *frame, const uint8_t *payload) {
  const struct trace_origin *origin = ctx;
  (void)payload;
  if (frame->type == H2_HEADERS) trace_record_sent(run_of(origin)->record, frame);
}

/* ---- making the connection ------------------------------------------------------------------- */

/* Emulates a slow link with a short queue. The receive buffer holds what the link carries in 50 ms,
 * and at least sixteen segments: with fewer, TCP sometimes waits for its timers. Segments have
 * Ethernet's size. The kernel doubles the buffer's size for its own bookkeeping. */
static void shape(uint64_t rate, int fd) {
  const int segment = TRACE_SEGMENT_BYTES + 12; /* with the time stamp option */
  int bytes = rate / 20 > 1 << 20 ? 1 << 20 : (int)(rate / 20);
  if (bytes < 16 * TRACE_SEGMENT_BYTES) bytes = 16 * TRACE_SEGMENT_BYTES;
  setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static void on_prepare(struct client_connection *client, int fd) {
  const struct trace_origin *origin = owner_of(client);
  uint64_t rate = run_of(origin)->options->rate_limit;
  address_format(&client->dial.address, connection_of(origin)->address);
  if (rate) shape(rate, fd);
}

static void on_connected(struct client_connection *client) {
  struct trace_origin *origin = owner_of(client);
  connection_of(origin)->connected_ns = trace_run_now_ns(run_of(origin));
  origin->outside.bucket = &origin->all->run->bucket;
  origin->outside.bytes_in = &run_of(origin)->record->bytes_in;
  origin->outside.records.on = origin->url.secure;
}

/* HTTP/2's frames pass through the tap. */
static void tap(struct trace_origin *origin, struct machine *machine) {
  struct trace_record *record = run_of(origin)->record;
  origin->tap.since_ns = &origin->outside.records.since_ns;
  trace_cutter_init(&origin->tap.in, record, origin->index, false);
  trace_cutter_init(&origin->tap.out, record, origin->index, true);
  origin->tap.out.on_frame = on_frame_sent;
  origin->tap.out.ctx = origin;
  trace_tap_around(&origin->tap, machine);
}

static bool create(struct client_connection *client, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct trace_origin *origin = owner_of(client);
  struct trace_connection *connection = connection_of(origin);
  origin->http.events = &http_events;
  origin->http.ctx = origin;
  if (!client_http_create(&origin->http, client, &origin->all->run->engine,
                          versions_of(run_of(origin)), peer, host, now_ns, out))
    return false;
  connection->http1 = origin->http.http1;
  if (!connection->http1) tap(origin, out);
  connection->ready_ns = trace_run_now_ns(run_of(origin));
  changed(origin);
  return true;
}

static void around(struct client_connection *client, struct machine *machine) {
  trace_outside_around(&owner_of(client)->outside, machine);
}

static void on_gone(struct client_connection *client) {
  struct trace_origin *origin = owner_of(client);
  struct trace_connection *connection = connection_of(origin);
  connection->end_ns = trace_run_now_ns(run_of(origin));
  origin->opened = origin->closed = !may_reopen(origin);
  client_server_free(&origin->server);
  changed(origin);
}

static const struct client_ops client_ops = {.prepare = on_prepare,
                                             .connected = on_connected,
                                             .create = create,
                                             .around = around,
                                             .blamed = on_blamed,
                                             .gone = on_gone};

static void connect_to(struct trace_origin *origin) {
  struct tls_context *tls = origin->url.secure ? origin->all->tls : NULL;
  struct trace_connection *connection = connection_of(origin);
  origin->opened = true;
  if (connection->begin_ns == TRACE_NEVER) connection->begin_ns = trace_run_now_ns(run_of(origin));
  client_connection_init(&origin->client, &origin->server, run_of(origin)->worker, &client_ops);
  if (client_server_init(&origin->server, tls, origin->url.host, 1)) {
    client_connection_open(&origin->client);
    return;
  }
  client_blame(&origin->client, "out of memory");
  origin->closed = true;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool has_room(const struct trace_origin *origin) {
  const struct client_http *http = &origin->http;
  if (http->closing || client_http_room(http) == 0) return false;
  return client_http_is_ready(http) || h2_client_status(http->h2).streams < TRACE_STREAMS_ASSUMED;
}

/* One more connection to the same origin. NULL when there are enough, or memory was refused. */
static struct trace_origin *add_connection(struct trace_origin *origin) {
  unsigned count = 1;
  for (; origin->next; origin = origin->next)
    count++;
  bool may = run_of(origin)->options->http1 && count < TRACE_HTTP1_CONNECTIONS &&
             run_of(origin)->record->connection_count < TRACE_CONNECTIONS_MAX;
  struct trace_origin *added = may ? make_origin(origin->all, &origin->url) : NULL;
  if (!added) return NULL;
  memcpy(added->addresses, origin->addresses, sizeof added->addresses);
  added->server.address_count = origin->server.address_count;
  origin->next = added;
  return added;
}

struct trace_origin *trace_origin_with_room(struct trace_origin *origin, size_t waiting) {
  struct trace_origin *unopened = NULL;
  size_t opening = 0;
  for (struct trace_origin *at = origin; at; at = at->next) {
    if (has_room(at)) return at;
    opening += at->opened && !at->closed && !client_http_is_up(&at->http);
    if (!at->opened && !unopened) unopened = at;
  }
  if (opening > waiting) return NULL;
  if (!unopened) unopened = add_connection(origin);
  if (unopened) connect_to(unopened);
  return NULL;
}

const char *trace_origin_closed_why(const struct trace_origin *origin) {
  const char *why = "the server accepts no more requests";
  for (const struct trace_origin *at = origin; at; at = at->next) {
    if (!at->closed && !at->http.closing) return NULL;
    const char *error = connection_of(at)->error;
    if (*error) why = error;
  }
  return why;
}

/* ---- HTTP/1.1 -------------------------------------------------------------------------------- */

void trace_origin_note(const struct trace_origin *origin, uint8_t type, uint32_t stream_id,
                       size_t bytes, bool sent) {
  const struct trace_run *run = run_of(origin);
  uint64_t now_ns = trace_run_now_ns(run), since_ns = origin->outside.records.since_ns;
  struct trace_frame frame = {.begin_ns = now_ns,
                              .end_ns = now_ns,
                              .stream_id = stream_id,
                              .length = (uint32_t)bytes,
                              .connection = origin->index,
                              .type = type,
                              .sent = sent};
  if (!sent && since_ns > run->record->origin_ns)
    frame.begin_ns = since_ns - run->record->origin_ns;
  if (frame.begin_ns > now_ns) frame.begin_ns = now_ns;
  trace_record_frame(run->record, frame, NULL, 0);
  if (sent) trace_record_sent(run->record, &frame);
}
