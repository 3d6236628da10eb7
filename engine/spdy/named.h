/*
 * spdy/named.h - the two fields by which a page's response names other resources, as SPDY's white paper has them.
 *
 *     x-associated-content: 1??https://a/x.css||1??https://a/y.js    pushed, each with its priority
 *     x-subresource: text/css!!https://a/z.css                       for the client to ask for, each with its type
 *
 * What is pushed on a stream before its response goes into the first. What its link fields preload goes into the
 * second. Clients that do not know these fields ignore them.
 */
#ifndef WEIR_SPDY_NAMED_H
#define WEIR_SPDY_NAMED_H

#include "engine/spdy/limits.h"
#include "engine/spdy/stream.h"

/* Notes that `pushed` is pushed for the page of `page`. Without memory, or beyond SPDY_NAMED_BYTES_MAX, it goes
 * unnamed. */
void spdy_named_note(struct spdy_stream *page, const struct spdy_stream *pushed,
                     const struct request *request);

void spdy_named_free(struct spdy_stream *stream);

struct spdy_named_text {
  size_t len;
  uint8_t text[SPDY_NAMED_BYTES_MAX];
};

/* The fields for the response of `stream`, none to two of them. `text` is lent for as long as they are used. */
enum { SPDY_NAMED_FIELDS_MAX = 2 }; /* derived from the fields above */
size_t spdy_named_fields(const struct spdy_stream *stream, const struct header *fields,
                         size_t count, struct spdy_named_text *text, struct header *out);

#endif
