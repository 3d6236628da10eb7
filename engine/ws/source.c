/*
 * ws/source.c - see ws/source.h.
 */
#include "engine/ws/source.h"

#include <assert.h>

#include "engine/ws/mask.h"
#include "engine/ws/queue.h"

/* By how many bytes a machine may exceed what it is asked for: a frame's header. Such a rest would make a message of
 * its own. */
enum { SLACK = 64 };

void ws_source_set(struct ws *ws, const struct ws_source *source) {
  ws->source = source;
}

bool ws_source_waits(const struct ws *ws) {
  return ws->source && ws->state == WS_OPEN && ws->source->waits((struct ws *)(uintptr_t)ws);
}

static void put(const struct ws_frame *frame, uint8_t *out, const struct nested_gift *gift) {
  uint64_t offset = 0;
  if (!frame->masked) {
    nested_copy(gift, out);
    return;
  }
  for (size_t i = 0; i < gift->count; i++) {
    if (gift->spans[i].len > 0)
      ws_mask(out + offset, gift->spans[i].base, gift->spans[i].len, frame->key, offset);
    offset += gift->spans[i].len;
  }
}

static size_t to_ask_for(size_t max) {
  return max > 2 * SLACK ? max - SLACK : max;
}

/* Asks the source. Only what needs no mask can be lent. */
static void look(struct ws *ws, struct nested_gift *gift, size_t room, size_t lend_max) {
  if (ws->client || lend_max <= WS_HEADER_BYTES_MAX)
    lend_max = 0;
  else
    lend_max -= WS_HEADER_BYTES_MAX;
  ws->source->look(ws, gift, to_ask_for(room > lend_max ? room : lend_max), room, lend_max);
}

void ws_source_read(struct ws *ws, struct body_chunk *chunk) {
  struct nested_gift gift;
  const size_t before = chunk->bytes.len, left = chunk->max - before;
  uint8_t *out = chunk->room + before;
  assert(left > WS_HEADER_BYTES_MAX);
  look(ws, &gift, left - WS_HEADER_BYTES_MAX,
       chunk->lend_max > before ? chunk->lend_max - before : 0);
  struct ws_frame frame = {.opcode = WS_OPCODE_BINARY,
                           .fin = true,
                           .masked = ws->client,
                           .len = gift.copied + gift.lent.len};
  if (frame.len > 0) {
    frame.key = ws_new_key(ws);
    size_t header = ws_frame_encode(out, &frame);
    put(&frame, out + header, &gift);
    chunk->bytes.len += header + gift.copied;
    chunk->lent = gift.lent;
    if (gift.loans) chunk->loans = gift.loans;
    WS_COUNT(ws, messages_sent);
  }
  ws->source->gave(ws, &gift);
}
