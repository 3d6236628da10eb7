/*
 * http/section.h - for protocols: the event of a response's header section, and its size.
 */
#ifndef WEIR_SECTION_H
#define WEIR_SECTION_H

#include "engine/http/stream.h"

/* The size of a section with these fields that took `wire_bytes` on the wire. */
struct section_size section_size_of(const struct headers *fields, size_t wire_bytes);

/* Calls events.status() or events.response(), whichever the client set. */
void stream_tell_response(struct stream *stream, unsigned status, const struct headers *fields,
                          size_t wire_bytes, bool end);

#endif
