/*
 * h1/ask.h - client role: requests.
 * Spec: RFC 9112 section 3, RFC 9110 sections 7.8 and 8.6.
 */
#ifndef WEIR_H1_ASK_H
#define WEIR_H1_ASK_H

#include "engine/http/stream.h"

struct h1;

/* How many requests h1_request() would take now: 0 or 1, or more with h1_client_pipeline(). */
uint32_t h1_request_room(const struct h1 *h1);

/* Makes a request. `fields` are copied, and begin with the pseudo-header fields, as over HTTP/2: the
 * request line and Host are made of them. With :protocol the request is a GET, or a POST without content
 * if that is its method, that asks for an upgrade to it: at most H1_PROTOCOL_BYTES_MAX bytes. A response with
 * status 101 that names exactly this protocol then makes the tunnel, and `body` is sent only there. `body` is
 * always taken; it goes out in chunks unless the fields have a content-length. NULL when the request cannot be
 * made now, or could not be written as text. */
struct stream *h1_request(struct h1 *h1, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user);

/* The same with fields that are sent again and again: keeps the text of the head, as long as few sets are sent.
 * Borrows the set, which belongs to this engine. */
struct stream *h1_request_set(struct h1 *h1, struct header_set *set, struct body body,
                              const struct stream_events *events, void *user);

#endif
