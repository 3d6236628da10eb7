/*
 * trace/image.h - finds the width and height of an image in its first bytes. Formats: PNG (W3C PNG
 * section 11.2.1), GIF (89a section 18), JPEG (ITU T.81 annex B.2.2), WebP (RFC 9649), AVIF
 * (ISO/IEC 23008-12 section 6.5.3: the `ispe` property), BMP.
 *
 * Borrows the bytes and keeps nothing. Accepts any bytes, and never reads beyond `len`.
 */
#ifndef WEIR_TRACE_IMAGE_H
#define WEIR_TRACE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/trace/limits.h"

enum trace_image_result {
  TRACE_IMAGE_FOUND,
  TRACE_IMAGE_MORE, /* may be an image: call again with more bytes */
  TRACE_IMAGE_NONE, /* an unknown format, or a broken image */
};

struct trace_image {
  const char *format; /* "png", ... */
  uint32_t width, height;
};

/* `bytes` starts with the image's first byte. `out` is written only with TRACE_IMAGE_FOUND. */
__attribute__((warn_unused_result)) enum trace_image_result
trace_image_size(const uint8_t *bytes, size_t len, struct trace_image *out);

#endif
