/*
 * h2/message.h - is a decoded header section a valid HTTP message? And what does it say?
 * Spec: RFC 9113 section 8, RFC 8441 section 4.
 *
 * A malformed message is a stream error PROTOCOL_ERROR (section 8.1.1) and never reaches a handler.
 */
#ifndef WEIR_H2_MESSAGE_H
#define WEIR_H2_MESSAGE_H

#include "engine/h2/frame.h"
#include "engine/http/stream.h"

/* Checks a request's header section. Cookie crumbs are joined into one field (section 8.2.3), for
 * which `fields` and its arena change. `connect_protocol`: we offered extended CONNECT. On
 * H2_ACCEPT fills `out`, all but `end`; its spans are those of `fields`. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_message_request(struct headers *fields, bool connect_protocol, struct request *out);

/* A response's header section: `*status` is 100 .. 999 but not 101 (what is above 599 is to be
 * taken for a 5xx: RFC 9110 section 15); `*content_length` is -1 without the field. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_message_response(const struct headers *fields, unsigned *status, int64_t *content_length);

/* What a request's `expect` fields ask for (RFC 9110 section 10.1.1). */
enum h2_expectation { H2_EXPECT_NOTHING, H2_EXPECT_CONTINUE, H2_EXPECT_UNKNOWN };
enum h2_expectation h2_message_expectation(const struct headers *fields);

/* A trailer section: no pseudo-header fields (section 8.1). */
__attribute__((warn_unused_result)) struct h2_verdict
h2_message_trailers(const struct headers *fields);

/* Fields about an HTTP/1.1 connection, which no HTTP/2 message has (section 8.2.2); te, of which
 * one value is allowed, is not among them. */
static inline bool h2_message_connection_specific(unsigned token) {
  return token == TOKEN_CONNECTION || token == TOKEN_KEEP_ALIVE || token == TOKEN_UPGRADE ||
         token == TOKEN_PROXY_CONNECTION || token == TOKEN_TRANSFER_ENCODING;
}

/* A promised request must be safe, cacheable and without a body (section 8.4). */
bool h2_message_pushable(const struct request *request);

#endif
