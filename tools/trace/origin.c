/*
 * trace/origin.c - see trace/origin.h.
 */
#include "tools/trace/origin.h"

#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tls/context.h"
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

/* The first reason is the one that is told. */
__attribute__((format(printf, 2, 3))) static void blame(struct trace_origin *origin,
                                                        const char *format, ...) {
  struct trace_connection *connection = connection_of(origin);
  if (connection->error[0]) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(connection->error, sizeof connection->error, format, arguments);
  va_end(arguments);
  for (char *byte = connection->error; *byte; byte++)
    if (*byte < ' ' || *byte >= 0x7f) *byte = '?'; /* a peer's words may be anything */
}

/* ---- before the run -------------------------------------------------------------------------- */

static void describe(struct trace_origin *origin) {
  struct trace_connection *connection = connection_of(origin);
  *connection = (struct trace_connection){.secure = origin->url.secure,
                                          .begin_ns = TRACE_NEVER,
                                          .connected_ns = TRACE_NEVER,
                                          .ready_ns = TRACE_NEVER,
                                          .end_ns = TRACE_NEVER};
  snprintf(connection->origin, sizeof connection->origin, "%s://%s",
           origin->url.secure ? "https" : "http", origin->url.authority);
}

static struct trace_origin *make_origin(struct trace_origins *origins, const struct url *url) {
  struct trace_record *record = origins->run->record;
  struct trace_origin *origin = calloc(1, sizeof *origin);
  if (!origin) return NULL;
  origin->all = origins;
  origin->url = *url;
  origin->index = (uint8_t)record->connection_count;
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
  origin->address_count = lookup_host(url->host, url->port, origin->addresses, TRACE_ADDRESSES_MAX,
                                      failure->text, failure->size);
  return origin->address_count > 0 ? origin : NULL;
}

bool trace_origins_prepare(struct trace_origins *origins, const struct failure *failure) {
  const struct trace_options *options = origins->run->options;
  bool secure = false;
  for (unsigned i = 0; i < origins->run->record->connection_count; i++)
    secure = secure || origins->at[i]->url.secure;
  if (!secure) return true;
  origins->tls =
      client_tls_create(options->insecure, options->ca_path, failure->text, failure->size);
  return origins->tls;
}

void trace_origins_free(struct trace_origins *origins) {
  for (unsigned i = 0; i < origins->run->record->connection_count; i++) {
    if (origins->at[i]->has_tls) tls_factory_destroy(&origins->at[i]->tls);
    free(origins->at[i]);
  }
  tls_context_free(origins->tls);
}

void trace_origins_leave(struct trace_origins *origins) {
  for (unsigned i = 0; i < origins->run->record->connection_count; i++)
    if (origins->at[i]->state == ORIGIN_DIALING) dial_cancel(&origins->at[i]->dial);
}

/* ---- what the connection says ---------------------------------------------------------------- */

static void on_settings(void *ctx, struct h2 *h2) {
  (void)h2;
  changed(ctx);
}

static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code) {
  struct trace_origin *origin = ctx;
  (void)h2;
  (void)last_stream_id;
  if (error_code != H2_NO_ERROR)
    blame(origin, "the server ended the connection with GOAWAY (%s)", h2_error_name(error_code));
  changed(origin); /* what is queued for it will never be asked */
}

static const struct h2_client_events client_events = {.settings = on_settings, .goaway = on_goaway};

static void on_frame_sent(void *ctx, const struct trace_frame *frame, const uint8_t *payload) {
  struct trace_origin *origin = ctx;
  if (frame->type == H2_HEADERS) trace_record_sent(run_of(origin)->record, frame);
  if (frame->type != H2_GOAWAY || frame->payload_bytes < 8 || frame->length < 8) return;
  uint32_t code = (uint32_t)payload[4] << 24 | (uint32_t)payload[5] << 16 |
                  (uint32_t)payload[6] << 8 | payload[7];
  if (code == H2_NO_ERROR) return;
  int debug = (int)frame->payload_bytes - 8;
  blame(origin, "protocol error of the server: %s (%.*s)", h2_error_name(code), debug,
        (const char *)payload + 8);
}

/* ---- machines -------------------------------------------------------------------------------- */

/* What a server that does not speak HTTP/2 answers to the preface. */
static bool speaks_http1(const struct trace_origin *origin) {
  static const uint8_t words[H2_FRAME_HEADER_BYTES] = "HTTP/1.1 ";
  return memcmp(origin->tap.in.header, words, 7) == 0;
}

static void on_closed(void *ctx) {
  struct trace_origin *origin = ctx;
  struct trace_connection *connection = connection_of(origin);
  bool ready = connection->ready_ns != TRACE_NEVER;
  connection->end_ns = trace_run_now_ns(run_of(origin));
  origin->state = ORIGIN_CLOSED;
  origin->h2 = NULL;
  if (!ready && origin->has_tls) {
    const char *reason = tls_machine_error(&origin->outside.inner);
    blame(origin, "TLS with %s failed: %s", origin->url.authority,
          *reason ? reason : "the server closed the connection");
  }
  if (speaks_http1(origin)) {
    connection->error[0] = 0; /* that it is a protocol error says less */
    blame(origin, "the server answers in HTTP/1.1, not HTTP/2");
  }
  if (trace_interrupted()) blame(origin, "interrupted");
  if (!run_of(origin)->over || origin->broken) blame(origin, "the server closed the connection");
  changed(origin);
}

/* tap around h2; the inner one when there is TLS. */
static bool make_tap(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                     uint64_t now_ns, struct machine *out) {
  struct trace_origin *origin = ctx;
  struct trace_record *record = run_of(origin)->record;
  if (peer->secure && strcmp(peer->application_protocol, "h2") != 0) {
    blame(origin, "the server did not agree on h2 by ALPN");
    return false;
  }
  struct machine h2;
  if (!h2_client(&origin->all->run->engine, peer, host, now_ns, &h2)) return false;
  origin->h2 = h2_of(&h2);
  origin->h2->client = &client_events;
  origin->h2->client_ctx = origin;
  origin->tap.inner = h2;
  origin->tap.since_ns = &origin->outside.records.since_ns;
  trace_cutter_init(&origin->tap.in, record, origin->index, false);
  trace_cutter_init(&origin->tap.out, record, origin->index, true);
  origin->tap.out.on_frame = on_frame_sent;
  origin->tap.out.ctx = origin;
  *out = trace_tap_machine(&origin->tap);
  connection_of(origin)->ready_ns = trace_run_now_ns(run_of(origin));
  changed(origin);
  return true;
}

/* The machine of a new connection: outside of everything. */
static bool make_machine(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                         uint64_t now_ns, struct machine *out) {
  struct trace_origin *origin = ctx;
  struct trace_outside *outside = &origin->outside;
  const struct machine_factory tap = {.ctx = origin, .create = make_tap};
  struct machine_factory inner = tap;
  connection_of(origin)->connected_ns = trace_run_now_ns(run_of(origin));
  origin->state = ORIGIN_OPEN;
  if (origin->has_tls) inner = tls_factory_machines(&origin->tls);
  if (!inner.create(inner.ctx, peer, host, now_ns, &outside->inner)) return false;
  outside->host = host;
  outside->bucket = &origin->all->run->bucket;
  outside->bytes_in = &run_of(origin)->record->bytes_in;
  outside->records.on = origin->has_tls;
  outside->closed = on_closed;
  outside->ctx = origin;
  *out = trace_outside_machine(outside);
  return true;
}

/* ---- dialling -------------------------------------------------------------------------------- */

/* A slow link behind a short queue: what fits is what the link carries in 50 ms, sixteen segments
 * at least (with fewer, TCP is now and then left to its timers), and segments have Ethernet's size.
 * The kernel doubles the number for its own books. */
static void shape(struct dial *dial, int fd) {
  const struct trace_origin *origin = LIST_OWNER(dial, struct trace_origin, dial);
  uint64_t rate = run_of(origin)->options->rate_limit;
  if (rate == 0) return;
  const int segment = TRACE_SEGMENT_BYTES + 12; /* with the time stamp option */
  int bytes = rate / 20 > 1 << 20 ? 1 << 20 : (int)(rate / 20);
  if (bytes < 16 * (int)TRACE_SEGMENT_BYTES) bytes = 16 * (int)TRACE_SEGMENT_BYTES;
  setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static void dial_next(struct trace_origin *origin);

static void on_dialed(struct dial *dial, int error) {
  struct trace_origin *origin = LIST_OWNER(dial, struct trace_origin, dial);
  if (error == 0) return;
  if (origin->state == ORIGIN_DIALING && origin->address_tried < origin->address_count &&
      !run_of(origin)->over) {
    dial_next(origin);
    return;
  }
  char text[ADDRESS_TEXT_BYTES];
  blame(origin, "cannot connect to %s: %s", address_format(&dial->address, text), strerror(error));
  origin->state = ORIGIN_CLOSED;
  connection_of(origin)->end_ns = trace_run_now_ns(run_of(origin));
  changed(origin);
}

static void dial_next(struct trace_origin *origin) {
  struct dial *dial = &origin->dial;
  *dial = (struct dial){
      .address = origin->addresses[origin->address_tried++],
      .factory = {.ctx = origin, .create = make_machine},
      .timeout_ns = 10 * SECOND_NS,
      .prepare = shape,
      .done = on_dialed,
  };
  address_format(&dial->address, connection_of(origin)->address);
  dial_start(dial, &run_of(origin)->worker->links);
}

void trace_origin_open(struct trace_origin *origin) {
  if (origin->state != ORIGIN_UNUSED) return;
  const struct machine_factory tap = {.ctx = origin, .create = make_tap};
  connection_of(origin)->begin_ns = trace_run_now_ns(run_of(origin));
  origin->state = ORIGIN_DIALING;
  if (origin->url.secure) {
    origin->has_tls = tls_factory_init(&origin->tls, origin->all->tls, &tap, 1, origin->url.host);
    if (!origin->has_tls) {
      blame(origin, "out of memory");
      origin->state = ORIGIN_CLOSED;
      return;
    }
  }
  dial_next(origin);
}

/* ---- requests -------------------------------------------------------------------------------- */

bool trace_origin_is_closing(const struct trace_origin *origin) {
  const struct h2 *h2 = origin->h2;
  if (origin->state == ORIGIN_CLOSED) return true;
  return h2 && (h2->goaway_received || h2->dead || h2->eof);
}

bool trace_origin_has_room(const struct trace_origin *origin) {
  const struct h2 *h2 = origin->h2;
  if (!h2 || h2_request_room(h2) == 0) return false;
  return h2->settings_received || h2->active_own < TRACE_STREAMS_ASSUMED;
}
