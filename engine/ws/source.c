/*
 * ws/source.c - see ws/source.h.
 */
#include "engine/ws/source.h"

#include <assert.h>
#include <string.h>

#include "engine/ws/mask.h"
#include "engine/ws/queue.h"

/* Spans of one message: a frame's header and its bytes, a few times. And by how many bytes a machine may exceed what it is
 * asked for: a frame's header. Such a rest would make a message of its own. */
enum { SPANS = 16, SLACK = 64 };

void ws_source_set(struct ws *ws, const struct ws_source *source) {
  ws->source = source;
}

bool ws_source_waits(const struct ws *ws) {
  return ws->source && ws->state == WS_OPEN && ws->source->waits((struct ws *)(uintptr_t)ws);
}

/* Cuts the spans off at `max` bytes; returns how many bytes are left. */
static size_t cut(struct span *spans, size_t count, size_t max) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    if (spans[i].len > max - total) spans[i].len = max - total;
    total += spans[i].len;
  }
  return total;
}

static void put(const struct ws_frame *frame, uint8_t *out, const struct span *spans,
                size_t count) {
  uint64_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    if (spans[i].len == 0) continue;
    if (frame->masked)
      ws_mask(out + offset, spans[i].base, spans[i].len, frame->key, offset);
    else
      memcpy(out + offset, spans[i].base, spans[i].len);
    offset += spans[i].len;
  }
}

size_t ws_source_read(struct ws *ws, uint8_t *out, size_t max) {
  struct span spans[SPANS];
  const size_t most = max - WS_HEADER_BYTES_MAX;
  assert(max > WS_HEADER_BYTES_MAX);
  size_t count = ws->source->peek(ws, spans, SPANS, most > 2 * SLACK ? most - SLACK : most);
  struct ws_frame frame = {.opcode = WS_OPCODE_BINARY, .fin = true, .masked = ws->client};
  frame.len = cut(spans, count, most);
  size_t header = 0;
  if (frame.len > 0) {
    frame.key = ws_new_key(ws);
    header = ws_frame_encode(out, &frame);
    put(&frame, out + header, spans, count);
    WS_COUNT(ws, messages_sent);
  }
  ws->source->sent(ws, (size_t)frame.len);
  return header + (size_t)frame.len;
}
