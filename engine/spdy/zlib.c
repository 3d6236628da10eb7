/*
 * spdy/zlib.c - see spdy/zlib.h.
 */
#include "engine/spdy/zlib.h"

#include <assert.h>
#include <limits.h>
#include <zlib.h>

#include "engine/base/sized.h"
#include "engine/spdy/dictionary.h"
#include "engine/spdy/limits.h"

struct spdy_deflate {
  z_stream zlib;
  const struct memory *memory;
};

struct spdy_inflate {
  z_stream zlib;
  const struct memory *memory;
};

/* zlib asks for a pointer that is not const, and only hands it to those two functions. */
static z_stream empty_stream(const struct memory *memory) {
  return (z_stream){
      .zalloc = sized_alloc, .zfree = sized_free, .opaque = (void *)(uintptr_t)memory};
}

/* ---- compressing ----------------------------------------------------------------------------- */

struct spdy_deflate *spdy_deflate_new(const struct memory *memory) {
  struct spdy_deflate *state = memory_alloc(memory, sizeof *state);
  if (!state) return NULL;
  *state = (struct spdy_deflate){.zlib = empty_stream(memory), .memory = memory};
  if (deflateInit2(&state->zlib, SPDY_DEFLATE_LEVEL, Z_DEFLATED, SPDY_DEFLATE_WINDOW_BITS,
                   SPDY_DEFLATE_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
    memory_free(memory, state, sizeof *state);
    return NULL;
  }
  int result =
      deflateSetDictionary(&state->zlib, spdy_dictionary.base, (unsigned)spdy_dictionary.len);
  assert(result == Z_OK); /* it fails only in the middle of a stream */
  (void)result;
  return state;
}

/* zlib's bound without a stream is the one for any settings. The rest is the empty block of a flush. */
size_t spdy_deflate_bound(size_t len) {
  return deflateBound(NULL, len) + 16;
}

static uint8_t *run(z_stream *zlib, struct span text, int flush, uint8_t *out, size_t room) {
  assert(text.len <= UINT_MAX && room <= UINT_MAX);
  zlib->next_in = (uint8_t *)(uintptr_t)text.base; /* zlib only reads it */
  zlib->avail_in = (unsigned)text.len;
  zlib->next_out = out;
  zlib->avail_out = (unsigned)room;
  int result = deflate(zlib, flush);
  assert(result == Z_OK && zlib->avail_in == 0 && zlib->avail_out > 0);
  (void)result;
  return zlib->next_out;
}

uint8_t *spdy_deflate(struct spdy_deflate *state, struct span text, uint8_t *out, size_t room) {
  return text.len ? run(&state->zlib, text, Z_NO_FLUSH, out, room) : out;
}

uint8_t *spdy_deflate_flush(struct spdy_deflate *state, bool forget, uint8_t *out, size_t room) {
  return run(&state->zlib, (struct span){0}, forget ? Z_FULL_FLUSH : Z_SYNC_FLUSH, out, room);
}

void spdy_deflate_free(struct spdy_deflate *state) {
  if (!state) return;
  (void)deflateEnd(&state->zlib);
  memory_free(state->memory, state, sizeof *state);
}

/* ---- inflating ------------------------------------------------------------------------------- */

struct spdy_inflate *spdy_inflate_new(const struct memory *memory) {
  struct spdy_inflate *state = memory_alloc(memory, sizeof *state);
  if (!state) return NULL;
  *state = (struct spdy_inflate){.zlib = empty_stream(memory), .memory = memory};
  /* 0: the window that the peer's stream asks for. */
  if (inflateInit2(&state->zlib, 0) == Z_OK) return state;
  memory_free(memory, state, sizeof *state);
  return NULL;
}

enum spdy_inflate_result spdy_inflate(struct spdy_inflate *state, struct span *in, uint8_t *out,
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
    if (result == Z_NEED_DICT) /* Z_DATA_ERROR when it is another one */
      result = inflateSetDictionary(zlib, spdy_dictionary.base, (unsigned)spdy_dictionary.len);
  } while (result == Z_OK && zlib->avail_in > 0 && zlib->avail_out > 0);
  *in = span_of(zlib->next_in, zlib->avail_in);
  *made = room - zlib->avail_out;
  if (result == Z_MEM_ERROR) return SPDY_INFLATE_POOR;
  if (result != Z_OK && result != Z_BUF_ERROR) return SPDY_INFLATE_BAD;
  return zlib->avail_out == 0 ? SPDY_INFLATE_FULL : SPDY_INFLATE_MORE;
}

void spdy_inflate_free(struct spdy_inflate *state) {
  if (!state) return;
  (void)inflateEnd(&state->zlib);
  memory_free(state->memory, state, sizeof *state);
}
