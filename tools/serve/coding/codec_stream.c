/*
 * serve/coding/codec_stream.c - see serve/coding/codec_stream.h.
 */
#include "tools/serve/coding/codec_stream.h"

#include <brotli/encode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "tools/serve/limits.h"

enum { GZIP_WRAPPER = 16 }; /* fixed by zlib.h: added to the window's bits for a gzip header */

/* ---- gzip ------------------------------------------------------------------------------------ */

static void *gzip_open(void) {
  z_stream *state = calloc(1, sizeof *state);
  if (state && deflateInit2(state, CODEC_GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER,
                            CODEC_STREAM_GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK)
    return state;
  free(state);
  return NULL;
}

static enum codec_step gzip_run(void *opaque, enum codec_op op, struct span *in, uint8_t *out,
                                size_t *len) {
  static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
  z_stream *state = opaque;
  state->next_in = (Bytef *)in->base;
  state->avail_in = (uInt)in->len;
  state->next_out = out;
  state->avail_out = (uInt)*len;
  int result = deflate(state, flushes[op]);
  *len -= state->avail_out;
  *in = span_of(state->next_in, state->avail_in);
  if (result == Z_STREAM_ERROR) return CODEC_STEP_FAILED;
  bool done = op == CODEC_FINISH ? result == Z_STREAM_END : state->avail_out > 0;
  return done ? CODEC_STEP_DONE : CODEC_STEP_ROOM;
}

static void gzip_close(void *state) {
  deflateEnd(state);
  free(state);
}

/* ---- zstd ------------------------------------------------------------------------------------ */

static void *zstd_open(void) {
  ZSTD_CCtx *state = ZSTD_createCCtx();
  if (!state) return NULL;
  ZSTD_CCtx_setParameter(state, ZSTD_c_compressionLevel, CODEC_STREAM_LEVEL);
  ZSTD_CCtx_setParameter(state, ZSTD_c_windowLog, CODEC_STREAM_WINDOW_BITS);
  return state;
}

static enum codec_step zstd_run(void *state, enum codec_op op, struct span *in, uint8_t *out,
                                size_t *len) {
  static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
  ZSTD_inBuffer input = {.src = in->base, .size = in->len};
  ZSTD_outBuffer output = {.dst = out, .size = *len};
  size_t left = ZSTD_compressStream2(state, &output, &input, directives[op]);
  *len = output.pos;
  *in = span_of(in->base + input.pos, in->len - input.pos);
  if (ZSTD_isError(left)) return CODEC_STEP_FAILED;
  bool done = op == CODEC_TAKE ? in->len == 0 : left == 0;
  return done ? CODEC_STEP_DONE : CODEC_STEP_ROOM;
}

static void zstd_close(void *state) {
  ZSTD_freeCCtx(state);
}

/* ---- brotli ---------------------------------------------------------------------------------- */

static void *brotli_open(void) {
  BrotliEncoderState *state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
  if (!state) return NULL;
  BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, CODEC_STREAM_LEVEL);
  BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, CODEC_STREAM_WINDOW_BITS);
  return state;
}

static enum codec_step brotli_run(void *state, enum codec_op op, struct span *in, uint8_t *out,
                                  size_t *len) {
  static const BrotliEncoderOperation operations[] = {
      BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
  size_t left = in->len, room = *len;
  const uint8_t *from = in->base;
  BROTLI_BOOL good =
      BrotliEncoderCompressStream(state, operations[op], &left, &from, &room, &out, NULL);
  *len -= room;
  *in = span_of(from, left);
  if (!good) return CODEC_STEP_FAILED;
  bool done = left == 0 && !BrotliEncoderHasMoreOutput(state);
  return done ? CODEC_STEP_DONE : CODEC_STEP_ROOM;
}

static void brotli_close(void *state) {
  BrotliEncoderDestroyInstance(state);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct {
  void *(*open)(void);
  enum codec_step (*run)(void *state, enum codec_op op, struct span *in, uint8_t *out, size_t *len);
  void (*close)(void *state);
} codecs[CODING_COUNT] = {
    [CODING_GZIP] = {gzip_open, gzip_run, gzip_close},
    [CODING_ZSTD] = {zstd_open, zstd_run, zstd_close},
    [CODING_BR] = {brotli_open, brotli_run, brotli_close},
};

bool codec_stream_open(struct codec_stream *stream, enum coding coding) {
  *stream = (struct codec_stream){.coding = coding, .state = codecs[coding].open()};
  if (!stream->state) stream->coding = CODING_IDENTITY;
  return stream->state;
}

enum codec_step codec_stream_run(struct codec_stream *stream, enum codec_op op, struct span *in,
                                 uint8_t *out, size_t *len) {
  return codecs[stream->coding].run(stream->state, op, in, out, len);
}

void codec_stream_close(struct codec_stream *stream) {
  if (stream->coding) codecs[stream->coding].close(stream->state);
  *stream = (struct codec_stream){.coding = CODING_IDENTITY};
}
