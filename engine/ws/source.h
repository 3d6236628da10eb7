/*
 * ws/source.h - bytes that wait outside of an end, and that become binary messages when the stream sends: they are
 * masked or copied once, into the stream's own room, or lent to it.
 * Spec: RFC 6455 section 5.6.
 *
 * They go behind what ws_send() has queued, and only while the end is open. An owner uses the one or the other.
 */
#ifndef WEIR_WS_SOURCE_H
#define WEIR_WS_SOURCE_H

#include "engine/http/nested.h"
#include "engine/ws/endpoint.h"

struct ws_source {
  /* Whether there is something to send. */
  bool (*waits)(struct ws *ws);
  /* As nested_look(); gave() follows in every case. */
  void (*look)(struct ws *ws, struct nested_gift *gift, size_t bytes_max, size_t room,
               size_t lend_max);
  /* All of it is in a message; it may be nothing. */
  void (*gave)(struct ws *ws, const struct nested_gift *gift);
};

/* From now on. Keeps `source`, until closed(). After this, stream_resume() says that there is something. */
void ws_source_set(struct ws *ws, const struct ws_source *source);

/* Whether ws_source_read() would make a message, given room. */
__attribute__((warn_unused_result)) bool ws_source_waits(const struct ws *ws);

/* Makes one message, behind what is in chunk->bytes: in the chunk's room, of which more than WS_HEADER_BYTES_MAX is
 * left, and of what it may be lent. Nothing happens if the source gives nothing. */
void ws_source_read(struct ws *ws, struct body_chunk *chunk);

#endif
