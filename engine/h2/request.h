/*
 * h2/request.h - client role: requests.
 * Spec: RFC 9113 sections 5.1.2 and 8.3.1, RFC 8441 section 4, RFC 7540 section 5.3.
 */
#ifndef WEIR_H2_REQUEST_H
#define WEIR_H2_REQUEST_H

#include "engine/h2/frame.h"
#include "engine/http/stream.h"

struct h2;

/* How many requests h2_request() would take now. */
uint32_t h2_request_room(const struct h2 *h2);

/* Opens a stream with a request. `fields` are copied, and begin with the pseudo-header fields;
 * `body` is always taken. NULL when the request cannot be made now: because of the peer's limits on
 * streams or header sections, a GOAWAY, a lack of identifiers or resources, or because it is an
 * extended CONNECT that the server has not offered. */
struct stream *h2_request(struct h2 *h2, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user);

/* The same with fields that are sent again and again. Keeps the set, and what it refers to, until
 * events.closed(), or until this returns NULL; of fields flagged HEADER_VARIES, only borrows name and value.
 * Cheaper, because the engine remembers what it worked out about the fields, and what they were encoded to. */
struct stream *h2_request_set(struct h2 *h2, struct header_set *set, struct body body,
                              const struct stream_events *events, void *user);

/* Sets the priority in the HEADERS frame of a request (RFC 7540 section 5.3), if that has not left:
 * to be called right after h2_request(). */
void h2_request_depend(struct stream *stream, struct h2_dependency dependency);

#endif
