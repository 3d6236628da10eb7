/*
 * serve/coding/codec.c - see serve/coding/codec.h.
 */
#include "tools/serve/coding/codec.h"

#include <assert.h>
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "tools/serve/limits.h"

enum {
  GZIP_WRAPPER = 16
}; /* zlib's: added to the window's bits for a gzip header. Fixed by zlib.h */

/* Each gets room for at most *len bytes, and sets *len to what it wrote. */
typedef enum codec_result codec(struct span in, uint8_t *out, size_t *len);

/* ---- compress -------------------------------------------------------------------------------- */

static codec gzip_encode, zstd_encode, brotli_encode, gzip_decode, zstd_decode, brotli_decode;

static enum codec_result gzip_encode(struct span in, uint8_t *out, size_t *len) {
  z_stream stream = {.next_in = (Bytef *)in.base,
                     .avail_in = (uInt)in.len,
                     .next_out = out,
                     .avail_out = (uInt)*len};
  if (deflateInit2(&stream, CODEC_GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, MAX_MEM_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return CODEC_FAILED;
  int result = deflate(&stream, Z_FINISH);
  *len = stream.total_out;
  deflateEnd(&stream);
  return result == Z_STREAM_END ? CODEC_DONE : CODEC_USELESS;
}

static enum codec_result zstd_encode(struct span in, uint8_t *out, size_t *len) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  if (!context) return CODEC_FAILED;
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, CODEC_ZSTD_LEVEL);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, CODEC_ZSTD_WINDOW_BITS);
  size_t written = ZSTD_compress2(context, out, *len, in.base, in.len);
  ZSTD_freeCCtx(context);
  if (ZSTD_isError(written))
    return ZSTD_getErrorCode(written) == ZSTD_error_dstSize_tooSmall ? CODEC_USELESS : CODEC_FAILED;
  *len = written;
  return CODEC_DONE;
}

static enum codec_result brotli_encode(struct span in, uint8_t *out, size_t *len) {
  BROTLI_BOOL fits = BrotliEncoderCompress(CODEC_BROTLI_LEVEL, BROTLI_DEFAULT_WINDOW,
                                           BROTLI_MODE_TEXT, in.len, in.base, len, out);
  return fits ? CODEC_DONE : CODEC_USELESS;
}

/* ---- decompress ------------------------------------------------------------------------------ */

/* A file may be several gzip members, one after the other (RFC 1952 section 2.2). */
static enum codec_result gzip_decode(struct span in, uint8_t *out, size_t *len) {
  z_stream stream = {.next_in = (Bytef *)in.base,
                     .avail_in = (uInt)in.len,
                     .next_out = out,
                     .avail_out = (uInt)*len};
  if (inflateInit2(&stream, MAX_WBITS + GZIP_WRAPPER) != Z_OK) return CODEC_FAILED;
  int result = inflate(&stream, Z_FINISH);
  while (result == Z_STREAM_END && stream.avail_in > 0 && inflateReset(&stream) == Z_OK)
    result = inflate(&stream, Z_FINISH);
  size_t room = stream.avail_out;
  *len -= room;
  inflateEnd(&stream);
  if (result == Z_STREAM_END) return CODEC_DONE;
  return result == Z_BUF_ERROR && room == 0 ? CODEC_USELESS : CODEC_BAD;
}

static enum codec_result zstd_decode(struct span in, uint8_t *out, size_t *len) {
  size_t written = ZSTD_decompress(out, *len, in.base, in.len);
  if (ZSTD_isError(written))
    return ZSTD_getErrorCode(written) == ZSTD_error_dstSize_tooSmall ? CODEC_USELESS : CODEC_BAD;
  *len = written;
  return CODEC_DONE;
}

static enum codec_result brotli_decode(struct span in, uint8_t *out, size_t *len) {
  BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
  size_t left = in.len, room = *len;
  const uint8_t *from = in.base;
  if (!state) return CODEC_FAILED;
  BrotliDecoderResult result =
      BrotliDecoderDecompressStream(state, &left, &from, &room, &out, NULL);
  BrotliDecoderDestroyInstance(state);
  *len -= room;
  if (result == BROTLI_DECODER_RESULT_SUCCESS) return left == 0 ? CODEC_DONE : CODEC_BAD;
  return result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT ? CODEC_USELESS : CODEC_BAD;
}

/* ---- whole contents -------------------------------------------------------------------------- */

enum codec_result codec_run(enum coding from, enum coding to, struct span in, size_t max,
                            uint8_t **out, size_t *out_len) {
  static codec *const encoders[CODING_COUNT] = {
      [CODING_GZIP] = gzip_encode, [CODING_ZSTD] = zstd_encode, [CODING_BR] = brotli_encode};
  static codec *const decoders[CODING_COUNT] = {
      [CODING_GZIP] = gzip_decode, [CODING_ZSTD] = zstd_decode, [CODING_BR] = brotli_decode};
  assert((from == CODING_IDENTITY) != (to == CODING_IDENTITY));
  assert(in.len <= UINT_MAX && max <= UINT_MAX);
  *out = malloc(max ? max : 1);
  if (!*out) return CODEC_FAILED;
  *out_len = max;
  enum codec_result result = (to ? encoders[to] : decoders[from])(in, *out, out_len);
  if (result == CODEC_DONE) {
    uint8_t *fitting = realloc(*out, *out_len ? *out_len : 1);
    if (fitting) *out = fitting;
    return result;
  }
  free(*out);
  *out = NULL;
  return result;
}
