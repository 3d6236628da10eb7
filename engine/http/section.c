/*
 * http/section.c - see http/section.h.
 */
#include "engine/http/section.h"

struct section_size section_size_of(const struct headers *fields, size_t wire_bytes) {
  size_t plain_bytes = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    plain_bytes += fields->at[i].name.len + fields->at[i].value.len;
  return (struct section_size){.wire_bytes = (uint32_t)wire_bytes,
                               .plain_bytes = (uint32_t)plain_bytes};
}

void stream_tell_response(struct stream *stream, unsigned status, const struct headers *fields,
                          size_t wire_bytes, bool end) {
  const struct stream_events *events = stream->events;
  if (events && events->status)
    events->status(stream, status, section_size_of(fields, wire_bytes), end);
  else if (events && events->response)
    events->response(stream, status, fields, end);
}
