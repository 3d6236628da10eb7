/*
 * h2/message.h - whether a decoded header section is a valid HTTP message, and what it says.
 * Spec: RFC 9113 section 8, RFC 8441 section 4.
 *
 * A malformed message is a stream error PROTOCOL_ERROR (section 8.1.1), and never reaches a
 * handler.
 */
#ifndef WEIR_H2_MESSAGE_H
#define WEIR_H2_MESSAGE_H

#include "engine/h2/frame.h"
#include "engine/http/stream.h"

/* Checks a request's header section. Joins cookie fields into one (section 8.2.3), which changes
 * `fields` and its arena. `connect_protocol`: we have offered extended CONNECT. On H2_ACCEPT fills
 * in `out`, except for `end`; its spans are those of `fields`. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_message_request(struct headers *fields, bool connect_protocol, struct request *out);

/* Checks a response's header section. `*status` is 100 .. 999, but not 101; one above 599 counts as
 * 5xx (RFC 9110 section 15). `*content_length` is -1 without that field. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_message_response(const struct headers *fields, unsigned *status, int64_t *content_length);

/* Checks a trailer section, which has no pseudo-header fields (section 8.1). */
__attribute__((warn_unused_result)) struct h2_verdict
h2_message_trailers(const struct headers *fields);

/* Whether a request may be promised: it must be safe, cacheable and without a body (section 8.4). */
bool h2_message_pushable(const struct request *request);

#endif
