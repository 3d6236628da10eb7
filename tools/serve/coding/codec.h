/*
 * serve/coding/codec.h - compresses and decompresses whole contents, by the libraries of each coding.
 * Spec: RFC 1952 (gzip), RFC 7932 (br), RFC 8878 (zstd). Levels and windows: CODEC_* in serve/limits.h.
 *
 * Any thread. Nothing is kept between calls.
 */
#ifndef WEIR_TOOLS_SERVE_CODING_CODEC_H
#define WEIR_TOOLS_SERVE_CODING_CODEC_H

#include "engine/http/negotiate.h"

enum codec_result {
  CODEC_DONE,
  CODEC_USELESS, /* it would take more than the bound: compressed, the bytes are no fewer */
  CODEC_BAD,     /* what is to be decompressed is damaged or cut short */
  CODEC_FAILED,  /* memory was refused */
};

/* Compresses `in`, or with CODING_IDENTITY as `to` decompresses it, to at most `max` bytes: *out, which the caller
 * frees with free(). Only one of `from` and `to` is a coding other than identity. */
__attribute__((warn_unused_result)) enum codec_result codec_run(enum coding from, enum coding to,
                                                                struct span in, size_t max,
                                                                uint8_t **out, size_t *out_len);

#endif
