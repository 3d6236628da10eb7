/*
 * spdy/message.h - HTTP over SPDY: from header blocks to the messages that handlers see, which look as they do over
 * HTTP/2, and back.
 * Spec: SPDY Protocol - Draft 3.1, section 3.2; RFC 9110.
 *
 *     SPDY                        handlers
 *     :method :scheme :path       the same
 *     :host                       :authority
 *     :version HTTP/1.1           left out
 *     :status "200 OK"            :status "200"
 */
#ifndef WEIR_SPDY_MESSAGE_H
#define WEIR_SPDY_MESSAGE_H

#include "engine/http/stream.h"
#include "engine/spdy/frame.h"

/* ---- received -------------------------------------------------------------------------------- */

/* Checks a request's header list, and rewrites it as handlers see it, pseudo-header fields first; joins cookie
 * fields into one. On SPDY_ACCEPT fills in `out`, except for `end`; its spans are those of `fields`. Otherwise a
 * stream error PROTOCOL_ERROR, which a server answers with 400 (section 3.2.1). The list is overflowed
 * where the joined cookies do not fit. */
__attribute__((warn_unused_result)) struct spdy_verdict spdy_message_request(struct headers *fields,
                                                                             struct request *out);

/* The same for the SYN_STREAM of a push (section 3.3.1): a GET, whose response begins in the same list or in a
 * HEADERS frame that follows. `*status` is the response's, or 0 where it has not begun. */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_message_push(struct headers *fields, struct request *out, unsigned *status);

/* Checks a response's header list, and rewrites it as handlers see it. `*status` is 100 .. 999, but not 101.
 * `*content_length` is -1 without that field. */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_message_response(struct headers *fields, unsigned *status, int64_t *content_length);

/* Checks the list of a HEADERS frame that follows a response, or a request: trailers. */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_message_trailers(const struct headers *fields);

/* ---- sent ------------------------------------------------------------------------------------ */

/* Turns a request as h2_request() takes it into what goes into SYN_STREAM: writes at most `count` + 1 fields to
 * `out`, and returns how many. Their spans are those of `fields`, and static text. */
size_t spdy_message_put_request(const struct header *fields, size_t count, struct header *out);

/* The same for a response of `status` (100 .. 999), whose digits go to `digits`: at most `count` + 2 fields. */
size_t spdy_message_put_response(unsigned status, const struct header *fields, size_t count,
                                 uint8_t digits[3], struct header *out);

#endif
