/*
 * client/http.c - see client/http.h.
 */
#include "tools/client/http.h"

#include <string.h>

#include "engine/engine.h"
#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "tools/client/h2.h"
#include "tools/client/h2c.h"

static bool reports(const struct client_http *http, bool peaceful) {
  return !http->events->reports || http->events->reports(http->ctx, peaceful);
}

/* ---- HTTP/2 ---------------------------------------------------------------------------------- */

static void on_settings(void *ctx, struct h2 *h2) {
  const struct client_http *http = ctx;
  (void)h2;
  if (http->events->room) http->events->room(http->ctx);
}

static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code,
                      struct span debug) {
  struct client_http *http = ctx;
  (void)h2;
  (void)last_stream_id;
  http->closing = true;
  if (http->events->goaway) http->events->goaway(http->ctx, error_code, debug);
}

static bool is_peaceful(const struct h2_end *end) {
  if (end->reason == H2_END_BROKEN || end->reason == H2_END_HTTP1) return false;
  return end->reason != H2_END_GOAWAY || end->code == H2_NO_ERROR;
}

static enum client_http_reason reason_of(const struct h2_end *end, bool eof) {
  switch (end->reason) {
  case H2_END_BROKEN:
    return client_h2_is_own_limit(end->code) ? CLIENT_END_LIMIT : CLIENT_END_BROKEN;
  case H2_END_HTTP1: return CLIENT_END_BROKEN;
  case H2_END_GOAWAY: return CLIENT_END_GOAWAY;
  case H2_END_EOF: return CLIENT_END_EOF;
  case H2_END_CLOSED: break;
  }
  return eof ? CLIENT_END_EOF : CLIENT_END_CLOSED;
}

static void on_h2_ended(void *ctx, struct h2 *h2, const struct h2_end *end) {
  struct client_http *http = ctx;
  http->h2 = NULL;
  http->end = (struct client_http_end){reason_of(end, http->connection->eof), end->code};
  if (reports(http, is_peaceful(end))) client_h2_blame(http->connection, h2, end);
  if (http->events->ended) http->events->ended(http->ctx);
}

static const struct h2_client_events h2_events = {
    .settings = on_settings, .goaway = on_goaway, .ended = on_h2_ended};

/* ---- HTTP/1.1 -------------------------------------------------------------------------------- */

static void on_ready(void *ctx, struct h1 *h1) {
  const struct client_http *http = ctx;
  (void)h1;
  if (http->events->room) http->events->room(http->ctx);
}

/* An orderly end has a `what` when bytes came that answer no request: 408 at an idle connection, or the rest of a body
 * that is longer than its Content-Length. */
static bool is_unasked(enum h1_end_reason reason, const char *what) {
  return reason == H1_END_DONE && what;
}

static void blame_h1(struct client_connection *connection, enum h1_end_reason reason,
                     const char *what) {
  if (is_unasked(reason, what)) {
    client_blame(connection, "the server sent %s", what);
    return;
  }
  switch (reason) {
  case H1_END_BROKEN:
    client_blame(connection, "the server's response is not valid: %s", what ? what : "");
    break;
  case H1_END_EOF:
    client_blame(connection, "the server closed the connection in the middle of an exchange");
    break;
  case H1_END_DONE:
    client_blame(connection, connection->eof ? "the server closed the connection"
                                             : "the server ends connections after a response");
    break;
  case H1_END_CLOSED:
    client_blame(connection,
                 connection->eof ? "the server closed the connection" : "the connection was reset");
    break;
  }
}

static struct client_http_end end_of(enum h1_end_reason reason, const char *what, bool eof) {
  if (is_unasked(reason, what))
    return (struct client_http_end){CLIENT_END_BROKEN, H1_PROTOCOL_ERROR};
  switch (reason) {
  case H1_END_BROKEN: return (struct client_http_end){CLIENT_END_BROKEN, H1_PROTOCOL_ERROR};
  case H1_END_DONE:
  case H1_END_EOF: return (struct client_http_end){CLIENT_END_EOF, H1_NO_ERROR};
  case H1_END_CLOSED: break;
  }
  return (struct client_http_end){eof ? CLIENT_END_EOF : CLIENT_END_CLOSED, H1_NO_ERROR};
}

static void on_h1_ended(void *ctx, struct h1 *h1, enum h1_end_reason reason, const char *what) {
  struct client_http *http = ctx;
  bool peaceful = reason == H1_END_DONE || reason == H1_END_CLOSED;
  (void)h1;
  http->h1 = NULL;
  http->end = end_of(reason, what, http->connection->eof);
  if (reports(http, peaceful)) blame_h1(http->connection, reason, what);
  if (http->events->ended) http->events->ended(http->ctx);
}

static const struct h1_client_events h1_events = {.ready = on_ready, .ended = on_h1_ended};

/* ---- both ------------------------------------------------------------------------------------ */

static bool create_h1(struct client_http *http, struct engine *engine,
                      const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns,
                      struct machine *out) {
  if (!h1_client(&engine->h1, peer, host, now_ns, out)) return false;
  http->h1 = h1_of(out);
  h1_client_listen(http->h1, &h1_events, http);
  if (http->pipeline) h1_client_pipeline(http->h1, http->pipeline);
  return true;
}

bool client_http_create(struct client_http *http, struct client_connection *connection,
                        struct engine *engine, enum client_versions versions,
                        const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns,
                        struct machine *out) {
  http->connection = connection;
  http->closing = false;
  bool selected = strcmp(peer->application_protocol, "h2") == 0;
  bool http1 = peer->secure ? versions != CLIENT_HTTP2 && !selected : versions == CLIENT_HTTP1;
  http->http1 = http1;
  if (http1) return create_h1(http, engine, peer, host, now_ns, out);
  http->h2 = client_h2_create(connection, engine, &h2_events, http, peer, host, now_ns, out);
  if (!http->h2 || peer->secure || !http->upgrade) return http->h2;
  if (client_h2c_around(connection, engine, http->upgrade, out)) return true;
  client_blame(connection, "out of memory");
  out->ops->close(out->self);
  return false;
}

void client_http_fetch(const struct client_http *http) {
  if (http->h2) h2_client_fetch(http->h2);
}

uint32_t client_http_room(const struct client_http *http) {
  if (http->h1) return h1_request_room(http->h1);
  return http->h2 ? h2_request_room(http->h2) : 0;
}

bool client_http_is_ready(const struct client_http *http) {
  return http->h1 || (http->h2 && h2_client_status(http->h2).settings_received);
}

bool client_http_is_bound(const struct client_http *http) {
  return http->h1 || (http->h2 && h2_client_status(http->h2).settings_acked);
}

bool client_http_offers_connect(const struct client_http *http) {
  return http->h1 || (http->h2 && http->h2->theirs.enable_connect_protocol);
}

uint32_t client_http_streams(const struct client_http *http) {
  return http->h1 ? h1_client_streams(http->h1) : h2_client_status(http->h2).streams;
}

struct stream *client_http_request(const struct client_http *http, const struct header *fields,
                                   size_t count, struct body body,
                                   const struct stream_events *events, void *user) {
  return http->h1 ? h1_request(http->h1, fields, count, body, events, user)
                  : h2_request(http->h2, fields, count, body, events, user);
}

struct stream *client_http_request_set(const struct client_http *http, struct header_set *set,
                                       struct body body, const struct stream_events *events,
                                       void *user) {
  return http->h1 ? h1_request_set(http->h1, set, body, events, user)
                  : h2_request_set(http->h2, set, body, events, user);
}

size_t client_http_head_bytes(const struct client_http *http) {
  return http->h1 ? h1_client_head_bytes(http->h1) : h2_client_block_bytes(http->h2);
}

bool client_http_was_answered(const struct client_http *http, const struct stream *stream) {
  return !http->http1 || h1_client_was_answered(stream);
}

bool client_http_was_reset(const struct client_http *http, const struct stream *stream) {
  return !http->http1 && h2_client_was_reset(stream);
}

uint32_t client_http_reset_code(const struct client_http *http) {
  return http->h2 ? h2_client_reset_code(http->h2) : 0;
}
