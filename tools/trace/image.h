/*
 * trace/image.h - width and height of an image, from as few of its first bytes as hold them.
 * Formats: PNG (W3C PNG section 11.2.1), GIF (89a section 18), JPEG (ITU T.81 annex B.2.2), WebP
 * (RFC 9649), AVIF (ISO/IEC 23008-12 section 6.5.3: the `ispe` property), BMP.
 *
 * Borrows the bytes, keeps nothing. Any bytes give an answer; none of them is read beyond `len`.
 */
#ifndef WEIR_TRACE_IMAGE_H
#define WEIR_TRACE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/trace/limits.h"

enum trace_image_result {
  TRACE_IMAGE_FOUND,
  TRACE_IMAGE_MORE, /* so far it may be an image: come back with more bytes */
  TRACE_IMAGE_NONE, /* not an image that is known here, or a broken one */
};

struct trace_image {
  const char *format; /* "png", ... */
  uint32_t width, height;
};

/* `out` is written only when found. `bytes` begin with the image's first. */
__attribute__((warn_unused_result)) enum trace_image_result
trace_image_size(const uint8_t *bytes, size_t len, struct trace_image *out);

#endif
