/*
 * ws/source.h - bytes that wait outside of an end, and that become binary messages when the stream sends: they are
 * masked or copied once, into the stream's own room.
 * Spec: RFC 6455 section 5.6.
 *
 * They go behind what ws_send() has queued, and only while the end is open. An owner uses the one or the other.
 */
#ifndef WEIR_WS_SOURCE_H
#define WEIR_WS_SOURCE_H

#include "engine/ws/endpoint.h"

struct ws_source {
  /* Whether there is something to send. */
  bool (*waits)(struct ws *ws);
  /* The next bytes, about `bytes_max`, in at most `max` spans; returns the number of spans. They stay until sent(),
   * which follows in every case. */
  size_t (*peek)(struct ws *ws, struct span *spans, size_t max, size_t bytes_max);
  /* The first `bytes` of them are in a message; 0: there were none. */
  void (*sent)(struct ws *ws, size_t bytes);
};

/* From now on. Keeps `source`, until closed(). After this, stream_resume() says that there is something. */
void ws_source_set(struct ws *ws, const struct ws_source *source);

/* Whether ws_source_read() would make a message, given room. */
__attribute__((warn_unused_result)) bool ws_source_waits(const struct ws *ws);

/* Writes one message to `out`, which has room for `max` bytes, more than WS_HEADER_BYTES_MAX. Returns its length; 0: the
 * source gave nothing. */
size_t ws_source_read(struct ws *ws, uint8_t *out, size_t max);

#endif
