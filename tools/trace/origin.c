/*
 * trace/origin.c - see trace/origin.h.
 */
#include "tools/trace/origin.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/h2/h2.h"
#include "io/tls/context.h"
#include "tools/client/h2.h"
#include "tools/client/lookup.h"
#include "tools/client/tls.h"
#include "tools/trace/interrupt.h"

static const struct trace_run *run_of(const struct trace_origin *origin) {
  return origin->all->run;
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
  origins->tls = client_tls_create(options->insecure, options->ca_path, failure);
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

static void on_settings(void *ctx, struct h2 *h2) {
  (void)h2;
  changed(ctx);
}

static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code) {
  struct trace_origin *origin = ctx;
  (void)h2;
  (void)last_stream_id;
  if (error_code != H2_NO_ERROR) client_h2_blame_goaway(&origin->client, error_code);
  changed(origin); /* its queued requests will not be made */
}

static bool is_peaceful(const struct h2_end *end) {
  if (end->reason == H2_END_BROKEN || end->reason == H2_END_HTTP1) return false;
  return end->reason != H2_END_GOAWAY || end->code == H2_NO_ERROR;
}

/* A peaceful end is not reported once the run is over. The remaining streams end after this. */
static void on_ended(void *ctx, struct h2 *h2, const struct h2_end *end) {
  struct trace_origin *origin = ctx;
  bool peaceful = is_peaceful(end);
  if (peaceful && trace_interrupted()) client_blame(&origin->client, "interrupted");
  if (!peaceful || !run_of(origin)->over) client_h2_blame(&origin->client, h2, end);
  origin->h2 = NULL;
  origin->closed = true;
  changed(origin);
}

static const struct h2_client_events h2_events = {
    .settings = on_settings, .goaway = on_goaway, .ended = on_ended};

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

/* Creates h2 with the tap around it. */
static bool create(struct client_connection *client, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct trace_origin *origin = owner_of(client);
  struct trace_record *record = run_of(origin)->record;
  origin->h2 = client_h2_create(client, &origin->all->run->engine, &h2_events, origin, peer, host,
                                now_ns, out);
  if (!origin->h2) return false;
  origin->tap.since_ns = &origin->outside.records.since_ns;
  trace_cutter_init(&origin->tap.in, record, origin->index, false);
  trace_cutter_init(&origin->tap.out, record, origin->index, true);
  origin->tap.out.on_frame = on_frame_sent;
  origin->tap.out.ctx = origin;
  trace_tap_around(&origin->tap, out);
  connection_of(origin)->ready_ns = trace_run_now_ns(run_of(origin));
  changed(origin);
  return true;
}

static void around(struct client_connection *client, struct machine *machine) {
  trace_outside_around(&owner_of(client)->outside, machine);
}

static void on_gone(struct client_connection *client) {
  struct trace_origin *origin = owner_of(client);
  connection_of(origin)->end_ns = trace_run_now_ns(run_of(origin));
  origin->closed = true;
  changed(origin);
}

static const struct client_ops client_ops = {.prepare = on_prepare,
                                             .connected = on_connected,
                                             .create = create,
                                             .around = around,
                                             .blamed = on_blamed,
                                             .gone = on_gone};

void trace_origin_open(struct trace_origin *origin) {
  struct tls_context *tls = origin->url.secure ? origin->all->tls : NULL;
  if (origin->opened) return;
  origin->opened = true;
  connection_of(origin)->begin_ns = trace_run_now_ns(run_of(origin));
  client_connection_init(&origin->client, &origin->server, run_of(origin)->worker, &client_ops);
  if (client_server_init(&origin->server, tls, origin->url.host, 1)) {
    client_connection_open(&origin->client);
    return;
  }
  client_blame(&origin->client, "out of memory");
  origin->closed = true;
}

/* ---- requests -------------------------------------------------------------------------------- */

bool trace_origin_is_closing(const struct trace_origin *origin) {
  if (origin->closed) return true;
  return origin->h2 && h2_client_status(origin->h2).goaway_received;
}

bool trace_origin_has_room(const struct trace_origin *origin) {
  if (!origin->h2 || h2_request_room(origin->h2) == 0) return false;
  struct h2_client_status status = h2_client_status(origin->h2);
  return status.settings_received || status.streams < TRACE_STREAMS_ASSUMED;
}
