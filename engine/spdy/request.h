/*
 * spdy/request.h - client role: requests.
 * Spec: SPDY/3.1 sections 2.3.2, 2.6.1 and 3.2.1.
 */
#ifndef WEIR_SPDY_REQUEST_H
#define WEIR_SPDY_REQUEST_H

#include "engine/http/stream.h"

struct spdy;

/* How many requests spdy_request() would take now. */
uint32_t spdy_request_room(const struct spdy *spdy);

/* Opens a stream: sends SYN_STREAM with `fields`, then `body`, which is our direction. Without a body
 * SYN_STREAM has FLAG_FIN. HTTP: fields as for h2_request(), pseudo-header fields first; `priority` says how
 * urgent it is. Raw: fields go as they are, names in lower case. Copies the fields; takes the body in every
 * case. Streams are announced in the order of the calls.
 *
 * events.response() hears SYN_REPLY (raw: with status 200), then data() the peer's direction, with `end` at
 * its FLAG_FIN; closed() when both have ended or the stream was reset. The body may send from the first
 * moment on; its BODY_END sends FLAG_FIN.
 *
 * NULL when the stream cannot be opened now: the peer's limit, a GOAWAY, no identifiers or memory. */
struct stream *spdy_request(struct spdy *spdy, const struct header *fields, size_t count,
                            struct body body, const struct stream_events *events, void *user);

#endif
