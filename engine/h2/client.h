/*
 * h2/client.h - client role: what the owner of a connection hears, and what it can ask.
 * Spec: RFC 9113 sections 5.4.1 and 6.8.
 *
 * h2/request.h makes requests; h2/control.h sends PING and priorities.
 */
#ifndef WEIR_H2_CLIENT_H
#define WEIR_H2_CLIENT_H

#include "engine/base/machine.h"
#include "engine/http/stream.h"

struct h2;

/* ---- how a connection ends ------------------------------------------------------------------- */

enum h2_end_reason {
  H2_END_BROKEN, /* the server broke the protocol or let a deadline pass: we sent GOAWAY */
  H2_END_HTTP1,  /* the same, because it answered the preface in HTTP/1 */
  H2_END_GOAWAY, /* the server sent GOAWAY, and then the connection closed */
  H2_END_EOF,    /* the server closed its direction without a GOAWAY */
  H2_END_CLOSED, /* neither: the transport failed, or the owner closed the connection */
};

struct h2_end {
  enum h2_end_reason reason;
  uint32_t code;     /* of our or the server's GOAWAY; H2_NO_ERROR without one */
  struct span debug; /* of our GOAWAY: what was wrong, a static text; else empty */
};

/* Every member may be NULL. */
struct h2_client_events {
  void (*settings)(void *ctx, struct h2 *h2); /* the server's SETTINGS were applied */
  /* The server sent GOAWAY; the streams that it refuses end after this call. Borrows `debug`. */
  void (*goaway)(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code,
                 struct span debug);
  void (*ping_acked)(void *ctx, struct h2 *h2, const uint8_t opaque[8]);
  /* Whether the server may also promise resources of this origin, which is not that of the parent
   * request: the names in its certificate may tell (RFC 9113 section 8.4). NULL: it may not. */
  bool (*authoritative)(void *ctx, struct h2 *h2, struct span scheme, struct span authority);
  /* No more responses will be completed. Called once, before the remaining streams end, and in the
   * machine's close() at the latest. Borrows `end`. Must not make a request. */
  void (*ended)(void *ctx, struct h2 *h2, const struct h2_end *end);
};

/* To be called before the machine of h2_client() is. Keeps `events` and `ctx`. */
void h2_client_listen(struct h2 *h2, const struct h2_client_events *events, void *ctx);

/* ---- what its owner may ask ------------------------------------------------------------------ */

struct h2_client_status {
  bool settings_received; /* the server's first SETTINGS have arrived */
  bool settings_acked;    /* the server has acknowledged all of ours */
  bool broken;            /* after a connection error: nothing more is read */
  bool eof;               /* the server has closed its direction */
  bool goaway_received;
  uint32_t streams; /* our open streams */
};

struct h2_client_status h2_client_status(const struct h2 *h2);

/* Begins to fetch into the cache what the next call of the machine reads of the connection. */
void h2_client_fetch(const struct h2 *h2);

/* Compressed bytes of the current header block. For use in stream_events.response, promise and
 * trailers. */
size_t h2_client_block_bytes(const struct h2 *h2);

/* Bytes of the response's body that have arrived, with padding; stream_cap() counts the same. */
uint64_t h2_client_arrived(const struct stream *stream);

/* For use in stream_events.closed: whether the server reset the stream, not we. */
__attribute__((warn_unused_result)) bool h2_client_was_reset(const struct stream *stream);

/* With which code then, as it came: closed() hears CANCEL instead of NO_ERROR when the response is
 * not complete. */
uint32_t h2_client_reset_code(const struct h2 *h2);

/* ---- for the other modules of the connection ------------------------------------------------- */

/* The connection ends: tells its owner, once. `debug` is a static text or NULL. */
void h2_client_end(struct h2 *h2, enum h2_end_reason reason, uint32_t code, const char *debug);

#endif
