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

/* How a connection ended, in whatever version. */
enum client_http_reason {
  CLIENT_END_BROKEN, /* the server broke the protocol, or let a deadline pass */
  CLIENT_END_LIMIT,  /* HTTP/2: it exceeded a limit of ours */
  CLIENT_END_GOAWAY, /* HTTP/2: the server sent GOAWAY, and then the connection closed */
  CLIENT_END_EOF,    /* the server closed its direction */
  CLIENT_END_CLOSED, /* neither: the transport failed, or the owner closed the connection */
};

struct client_http_end {
  enum client_http_reason reason;
  uint32_t code; /* of HTTP/2's GOAWAY, ours or the server's; of HTTP/1.1 the like of it */
};

/* Every member may be NULL. */
struct client_http_events {
  void (*room)(void *ctx); /* requests may be made now, or more of them */
  /* No more requests are taken, though responses may still come: GOAWAY. `error_code` and `debug`
   * are its own. */
  void (*goaway)(void *ctx, uint32_t error_code, struct span debug);
  /* The connection ends. Whether client_blame() is to say why; NULL: yes. `peaceful`: neither side had to
   * complain. */
  bool (*reports)(void *ctx, bool peaceful);
  /* After that: no more responses will be completed; `end` of struct client_http says why. The
   * remaining streams end after this. */
  void (*ended)(void *ctx);
};

struct client_http {
  struct client_connection *connection;
  const struct client_http_events *events;
  void *ctx;
  uint32_t pipeline; /* HTTP/1.1: set before client_http_create(). Requests at once; 0 is 1 */
  /* HTTP/2 in clear text: set before client_http_create(); kept. By Upgrade: h2c of this target;
   * NULL: with prior knowledge. */
  const char *upgrade;
  struct h2 *h2; /* at most one of the two; none: it has not begun, or has ended */
  struct h1 *h1;
  bool http1;                 /* what the connection speaks or spoke */
  bool closing;               /* after GOAWAY */
  struct client_http_end end; /* once it has ended */
};

/* For client_ops.create: creates the machine. Keeps its arguments. In clear text it is HTTP/2, unless
 * `versions` is CLIENT_HTTP1. False when TLS selected something else (reported by
 * client_blame()), or when the engine is full. */
__attribute__((warn_unused_result)) bool
client_http_create(struct client_http *http, struct client_connection *connection,
                   struct engine *engine, enum client_versions versions,
                   const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns,
                   struct machine *out);

static inline bool client_http_is_up(const struct client_http *http) {
  return http->h2 || http->h1;
}

/* To be called a little before the machine is: see h2_client_fetch(). */
void client_http_fetch(const struct client_http *http);

/* How many requests can be made now. */
uint32_t client_http_room(const struct client_http *http);

/* Whether the server has shown that it speaks the protocol: over HTTP/2 by its SETTINGS. */
bool client_http_is_ready(const struct client_http *http);

/* Whether the server keeps to our limits: over HTTP/2 it has acknowledged our SETTINGS. */
bool client_http_is_bound(const struct client_http *http);

/* Whether the server takes requests for other protocols, by extended CONNECT (RFC 8441). Over HTTP/1.1 only
 * asking tells. */
__attribute__((warn_unused_result)) bool client_http_offers_connect(const struct client_http *http);

/* Requests that have not ended. The connection must be up. */
uint32_t client_http_streams(const struct client_http *http);

/* As h2_request() and h1_request(). */
struct stream *client_http_request(const struct client_http *http, const struct header *fields,
                                   size_t count, struct body body,
                                   const struct stream_events *events, void *user);

/* As h2_request_set(): with fields that are sent again and again. */
struct stream *client_http_request_set(const struct client_http *http, struct header_set *set,
                                       struct body body, const struct stream_events *events,
                                       void *user);

/* Bytes of the current header section as they came, compressed over HTTP/2. For use in
 * stream_events.response and trailers. */
size_t client_http_head_bytes(const struct client_http *http);

/* For use in stream_events.closed, over HTTP/1.1: whether something of the response had come. */
__attribute__((warn_unused_result)) bool client_http_was_answered(const struct client_http *http,
                                                                  const struct stream *stream);

/* For use in stream_events.closed: whether the server reset the stream, not we. HTTP/1.1 has no such
 * thing. */
__attribute__((warn_unused_result)) bool client_http_was_reset(const struct client_http *http,
                                                               const struct stream *stream);

/* With which code then, as it came. */
uint32_t client_http_reset_code(const struct client_http *http);

#endif
