/*
 * ws/deflate.c - permessage-deflate; see ws/deflate.h.
 */
#include "engine/ws/deflate.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

#include "engine/base/sized.h"
#include "engine/ws/limits.h"

struct ws_deflate {
  z_stream zlib;
  const struct memory *memory;
};

struct ws_inflate {
  z_stream zlib;
  const struct memory *memory;
};

static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
const struct span ws_inflate_tail = {tail, sizeof tail};

/* zlib asks for a pointer that is not const, and only hands it to those two functions. */
static z_stream empty_stream(const struct memory *memory) {
  return (z_stream){
      .zalloc = sized_alloc, .zfree = sized_free, .opaque = (void *)(uintptr_t)memory};
}

/* ---- compressing ----------------------------------------------------------------------------- */

struct ws_deflate *ws_deflate_new(const struct memory *memory, uint8_t bits) {
  struct ws_deflate *state = memory_alloc(memory, sizeof *state);
  if (!state) return NULL;
  *state = (struct ws_deflate){.zlib = empty_stream(memory), .memory = memory};
  if (deflateInit2(&state->zlib, WS_DEFLATE_LEVEL, Z_DEFLATED, -(int)bits, WS_DEFLATE_MEM_LEVEL,
                   Z_DEFAULT_STRATEGY) == Z_OK)
    return state;
  memory_free(memory, state, sizeof *state);
  return NULL;
}

/* zlib's bound is that of one flush at the end; ours adds an empty block, five bytes with the bits before
 * it, and one more for a message that is empty. */
size_t ws_deflate_bound(struct ws_deflate *state, size_t len) {
  return deflateBound(&state->zlib, len) + 16;
}

size_t ws_deflate_message(struct ws_deflate *state, struct span message, uint8_t *out) {
  z_stream *zlib = &state->zlib;
  size_t bound = ws_deflate_bound(state, message.len);
  assert(bound <= UINT_MAX);
  if (message.len ==
      0) { /* zlib does not flush twice without input: an empty block (section 7.2.3.6) */
    out[0] = 0;
    return 1;
  }
  zlib->next_in = (uint8_t *)(uintptr_t)message.base; /* zlib only reads it */
  zlib->avail_in = (unsigned)message.len;
  zlib->next_out = out;
  zlib->avail_out = (unsigned)bound;
  int result = deflate(zlib, Z_SYNC_FLUSH);
  assert(result == Z_OK && zlib->avail_in == 0 && zlib->avail_out > 0);
  (void)result;
  return bound - zlib->avail_out - sizeof tail;
}

void ws_deflate_free(struct ws_deflate *state) {
  if (!state) return;
  (void)deflateEnd(&state->zlib);
  memory_free(state->memory, state, sizeof *state);
}

/* ---- inflating ------------------------------------------------------------------------------- */

struct ws_inflate *ws_inflate_new(const struct memory *memory, uint8_t bits) {
  struct ws_inflate *state = memory_alloc(memory, sizeof *state);
  if (!state) return NULL;
  *state = (struct ws_inflate){.zlib = empty_stream(memory), .memory = memory};
  /* Some versions of zlib compress with 2^9 when they are asked for 2^8. */
  int window = bits < 9 ? 9 : bits;
  if (inflateInit2(&state->zlib, -window) == Z_OK) return state;
  memory_free(memory, state, sizeof *state);
  return NULL;
}

enum ws_inflate_result ws_inflate(struct ws_inflate *state, struct span *in, uint8_t *out,
                                  size_t room, size_t *made) {
  z_stream *zlib = &state->zlib;
  assert(in->len <= UINT_MAX && room > 0 && room <= UINT_MAX);
  zlib->next_in = (uint8_t *)(uintptr_t)in->base;
  zlib->avail_in = (unsigned)in->len;
  zlib->next_out = out;
  zlib->avail_out = (unsigned)room;
  int result;
  do {
    result = inflate(zlib, Z_SYNC_FLUSH);
    /* A block that says it is the last one: another may follow (section 7.2.3.4). */
    if (result == Z_STREAM_END) result = inflateReset(zlib);
  } while (result == Z_OK && zlib->avail_in > 0 && zlib->avail_out > 0);
  *in = span_of(zlib->next_in, zlib->avail_in);
  *made = room - zlib->avail_out;
  if (result == Z_MEM_ERROR) return WS_INFLATE_POOR;
  if (result != Z_OK && result != Z_BUF_ERROR) return WS_INFLATE_BAD;
  return zlib->avail_out == 0 ? WS_INFLATE_FULL : WS_INFLATE_MORE;
}

/* zlib.h: data_type has 128 at the end of a block, and the number of bits left over below 64. */
bool ws_inflate_is_whole(const struct ws_inflate *state) {
  return (state->zlib.data_type & 128) && (state->zlib.data_type & 63) == 0;
}

void ws_inflate_free(struct ws_inflate *state) {
  if (!state) return;
  (void)inflateEnd(&state->zlib);
  memory_free(state->memory, state, sizeof *state);
}
