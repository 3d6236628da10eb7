/*
 * h2/client.h - client role: what the owner of a connection hears, and what it may ask.
 * Spec: RFC 9113 sections 5.4.1 and 6.8.
 *
 * Requests are made by h2/request.h, PING and priorities by h2/control.h.
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
  H2_END_CLOSED, /* neither: the transport failed, or the connection's owner closed it */
};

struct h2_end {
  enum h2_end_reason reason;
  uint32_t code;     /* of the GOAWAY, ours or the server's; H2_NO_ERROR where there is none */
  struct span debug; /* of ours: what was wrong, static text; else empty */
};

/* Every member may be NULL. */
struct h2_client_events {
  void (*settings)(void *ctx, struct h2 *h2); /* the server's SETTINGS were applied */
  /* The server sent GOAWAY. Before the streams that it refuses end. */
  void (*goaway)(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code);
  void (*ping_acked)(void *ctx, struct h2 *h2, const uint8_t opaque[8]);
  /* Whether the server may also promise what is of another origin than the request it promises on,
   * by the names in its certificate, say (RFC 9113 section 8.4). NULL: never. */
  bool (*authoritative)(void *ctx, struct h2 *h2, struct span scheme, struct span authority);
  /* No response will be complete from now on. Once, before the streams that are left end; at the
   * latest in the machine's close(). Borrows `end`. No request may be made from within. */
  void (*ended)(void *ctx, struct h2 *h2, const struct h2_end *end);
};

/* For a machine of h2_client() that has not been called yet. Keeps `events` and `ctx`. */
void h2_client_listen(struct h2 *h2, const struct h2_client_events *events, void *ctx);

/* ---- what its owner may ask ------------------------------------------------------------------ */

struct h2_client_status {
  bool settings_received; /* the server's first SETTINGS have come */
  bool settings_acked;    /* it has acknowledged all of ours */
  bool broken;            /* a connection error: nothing is read any more */
  bool eof;               /* the server sends no more */
  bool goaway_received;
  uint32_t streams; /* of ours that are open */
};

struct h2_client_status h2_client_status(const struct h2 *h2);

/* Bytes of the header block in hand, as compressed. For use in stream_events.response, promise and
 * trailers. */
size_t h2_client_block_bytes(const struct h2 *h2);

/* Bytes of the response's body that have arrived, padding included: what stream_cap() counts. */
uint64_t h2_client_arrived(const struct stream *stream);

/* In stream_events.closed: the server reset the stream, rather than we. */
__attribute__((warn_unused_result)) bool h2_client_was_reset(const struct stream *stream);

/* ---- for the other modules of the connection ------------------------------------------------- */

/* The connection ends: tells the owner, if nobody has yet. `debug` is a static text, or NULL. */
void h2_client_end(struct h2 *h2, enum h2_end_reason reason, uint32_t code, const char *debug);

#endif
