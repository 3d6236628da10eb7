/*
 * client/http.h - HTTP for client/connection.h, in the version that the server speaks: creates the machine,
 * makes requests, and explains how the connection ended.
 *
 * TLS decides by ALPN. In clear text the owner does.
 */
#ifndef WEIR_TOOLS_CLIENT_HTTP_H
#define WEIR_TOOLS_CLIENT_HTTP_H

#include "engine/http/stream.h"
#include "tools/client/connection.h"
#include "tools/client/tls.h"

struct engine;
struct h1;
struct h2;

/* Every member may be NULL. */
struct client_http_events {
  void (*room)(void *ctx); /* requests may be made now, or more of them */
  /* No more requests are taken, though responses may still come: GOAWAY. `error_code` is its own. */
  void (*goaway)(void *ctx, uint32_t error_code);
  /* The connection ends. Whether client_blame() is to say why; NULL: yes. `peaceful`: neither side had to
   * complain. */
  bool (*reports)(void *ctx, bool peaceful);
  /* After that: no more responses will be completed. The remaining streams end after this. */
  void (*ended)(void *ctx);
};

struct client_http {
  struct client_connection *connection;
  const struct client_http_events *events;
  void *ctx;
  struct h2 *h2; /* at most one of the two; none: it has not begun, or has ended */
  struct h1 *h1;
  bool http1;   /* what the connection speaks or spoke */
  bool closing; /* after GOAWAY */
};

/* For client_ops.create: creates the machine. Keeps its arguments. In clear text it is HTTP/2, with prior
 * knowledge, unless `versions` is CLIENT_HTTP1. False when TLS selected something else (reported by
 * client_blame()), or when the engine is full. */
__attribute__((warn_unused_result)) bool
client_http_create(struct client_http *http, struct client_connection *connection,
                   struct engine *engine, enum client_versions versions,
                   const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns,
                   struct machine *out);

static inline bool client_http_is_up(const struct client_http *http) {
  return http->h2 || http->h1;
}

/* How many requests can be made now. */
uint32_t client_http_room(const struct client_http *http);

/* Whether the server has shown that it speaks the protocol: over HTTP/2 by its SETTINGS. */
bool client_http_is_ready(const struct client_http *http);

/* As h2_request() and h1_request(). */
struct stream *client_http_request(const struct client_http *http, const struct header *fields,
                                   size_t count, struct body body,
                                   const struct stream_events *events, void *user);

#endif
