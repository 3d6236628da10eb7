/*
 * trace/image.c - one row per format: its signature, and the function that reads on.
 */
#include "tools/trace/image.h"

#include <stdbool.h>
#include <string.h>

struct view {
  const uint8_t *at;
  size_t len;
};

static uint32_t big(const uint8_t *at, unsigned bytes) {
  uint32_t value = 0;
  for (unsigned i = 0; i < bytes; i++)
    value = value << 8 | at[i];
  return value;
}

static uint32_t little(const uint8_t *at, unsigned bytes) {
  uint32_t value = 0;
  for (unsigned i = bytes; i-- > 0;)
    value = value << 8 | at[i];
  return value;
}

static enum trace_image_result found(struct trace_image *out, const char *format, uint32_t width,
                                     uint32_t height) {
  if (width == 0 || height == 0) return TRACE_IMAGE_NONE;
  *out = (struct trace_image){.format = format, .width = width, .height = height};
  return TRACE_IMAGE_FOUND;
}

/* ---- formats with a fixed place -------------------------------------------------------------- */

/* IHDR is always the first chunk. */
static enum trace_image_result read_png(struct view in, struct trace_image *out) {
  if (in.len < 24) return TRACE_IMAGE_MORE;
  if (memcmp(in.at + 12, "IHDR", 4) != 0) return TRACE_IMAGE_NONE;
  return found(out, "png", big(in.at + 16, 4), big(in.at + 20, 4));
}

static enum trace_image_result read_gif(struct view in, struct trace_image *out) {
  if (in.len < 10) return TRACE_IMAGE_MORE;
  return found(out, "gif", little(in.at + 6, 2), little(in.at + 8, 2));
}

static enum trace_image_result read_bmp(struct view in, struct trace_image *out) {
  if (in.len < 26) return TRACE_IMAGE_MORE;
  if (little(in.at + 14, 4) < 40) return TRACE_IMAGE_NONE; /* OS/2's format, not used on the web */
  int32_t height = (int32_t)little(in.at + 22, 4);         /* negative: from the top */
  uint32_t rows = height < 0 ? 0u - (uint32_t)height : (uint32_t)height;
  return found(out, "bmp", little(in.at + 18, 4), rows);
}

/* ---- WebP: one of three first chunks --------------------------------------------------------- */

static enum trace_image_result read_webp(struct view in, struct trace_image *out) {
  if (in.len < 16) return TRACE_IMAGE_MORE;
  if (memcmp(in.at + 8, "WEBP", 4) != 0) return TRACE_IMAGE_NONE;
  const uint8_t *data = in.at + 20;
  if (memcmp(in.at + 12, "VP8X", 4) == 0) {
    if (in.len < 30) return TRACE_IMAGE_MORE;
    return found(out, "webp", little(data + 4, 3) + 1, little(data + 7, 3) + 1);
  }
  if (memcmp(in.at + 12, "VP8L", 4) == 0) {
    if (in.len < 25) return TRACE_IMAGE_MORE;
    if (data[0] != 0x2f) return TRACE_IMAGE_NONE;
    uint32_t bits = little(data + 1, 4); /* 14 bits each, less one */
    return found(out, "webp", (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
  }
  if (memcmp(in.at + 12, "VP8 ", 4) != 0) return TRACE_IMAGE_NONE;
  if (in.len < 30) return TRACE_IMAGE_MORE;
  if (memcmp(data + 3, "\x9d\x01\x2a", 3) != 0) return TRACE_IMAGE_NONE;
  return found(out, "webp", little(data + 6, 2) & 0x3fff, little(data + 8, 2) & 0x3fff);
}

/* ---- JPEG: segments up to the frame header --------------------------------------------------- */

/* SOF0 .. SOF15, except three markers with other meanings (DHT, JPG, DAC). */
static bool is_frame_header(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool stands_alone(uint8_t marker) {
  return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

static enum trace_image_result read_jpeg(struct view in, struct trace_image *out) {
  size_t at = 2;
  while (at + 2 <= in.len) {
    if (in.at[at] != 0xff) return TRACE_IMAGE_NONE;
    uint8_t marker = in.at[at + 1];
    if (marker == 0xff) { /* a fill byte */
      at++;
      continue;
    }
    at += 2;
    if (stands_alone(marker)) continue;
    if (marker == 0xda || marker == 0xd9) return TRACE_IMAGE_NONE; /* pixels, or the end */
    if (at + 2 > in.len) return TRACE_IMAGE_MORE;
    uint32_t segment = big(in.at + at, 2);
    if (segment < 2) return TRACE_IMAGE_NONE;
    if (!is_frame_header(marker)) {
      at += segment;
      continue;
    }
    if (at + 7 > in.len) return TRACE_IMAGE_MORE;
    return found(out, "jpeg", big(in.at + at + 5, 2), big(in.at + at + 3, 2));
  }
  return TRACE_IMAGE_MORE;
}

/* ---- AVIF: boxes within boxes ---------------------------------------------------------------- */

struct box {
  struct view body;
  uint8_t type[4];
  bool whole; /* its body is complete */
};

enum box_result { BOX_FOUND, BOX_MORE, BOX_BROKEN };

/* Reads the box at in->at. `in` moves past it, or to its own end if the box is longer. */
static enum box_result next_box(struct view *in, struct box *box) {
  if (in->len < 8) return BOX_MORE;
  uint64_t size = big(in->at, 4);
  size_t header = 8;
  if (size == 1) { /* 64 bits after the type */
    if (in->len < 16) return BOX_MORE;
    size = (uint64_t)big(in->at + 8, 4) << 32 | big(in->at + 12, 4);
    header = 16;
  } else if (size == 0) { /* to the end of the file */
    size = UINT64_MAX;
  }
  if (size < header) return BOX_BROKEN;
  memcpy(box->type, in->at + 4, 4);
  box->whole = size <= in->len;
  size_t here = box->whole ? (size_t)size : in->len;
  if (here < header) return BOX_MORE;
  box->body = (struct view){in->at + header, here - header};
  *in = (struct view){in->at + here, in->len - here};
  return BOX_FOUND;
}

/* Looks for `type` among the boxes that have arrived. */
static enum box_result find_box(struct view in, const char *type, struct box *box) {
  for (;;) {
    enum box_result result = next_box(&in, box);
    if (result != BOX_FOUND) return result;
    if (memcmp(box->type, type, 4) == 0) return BOX_FOUND;
    if (!box->whole) return BOX_MORE;
  }
}

/* Tiled images have one `ispe` for the tile and one for the whole image. The largest is the
 * image's, so the property container must be complete. */
static enum trace_image_result read_properties(struct box properties, struct trace_image *out) {
  struct view in = properties.body;
  struct box box;
  uint32_t width = 0, height = 0;
  if (!properties.whole) return TRACE_IMAGE_MORE;
  while (next_box(&in, &box) == BOX_FOUND) {
    if (memcmp(box.type, "ispe", 4) != 0 || box.body.len < 12) continue;
    uint32_t w = big(box.body.at + 4, 4), h = big(box.body.at + 8, 4);
    if ((uint64_t)w * h > (uint64_t)width * height) {
      width = w;
      height = h;
    }
  }
  return found(out, "avif", width, height);
}

static enum trace_image_result answer(enum box_result result) {
  return result == BOX_MORE ? TRACE_IMAGE_MORE : TRACE_IMAGE_NONE;
}

static enum trace_image_result read_avif(struct view in, struct trace_image *out) {
  struct box box;
  enum box_result result = find_box(in, "meta", &box);
  if (result != BOX_FOUND) return answer(result);
  if (box.body.len < 4) return TRACE_IMAGE_MORE;
  struct view meta = {box.body.at + 4, box.body.len - 4}; /* after version and flags */
  result = find_box(meta, "iprp", &box);
  if (result == BOX_FOUND) result = find_box(box.body, "ipco", &box);
  if (result != BOX_FOUND) return answer(result);
  return read_properties(box, out);
}

/* ---- which format ---------------------------------------------------------------------------- */

enum trace_image_result trace_image_size(const uint8_t *bytes, size_t len,
                                         struct trace_image *out) {
  static const struct {
    const char *signature;
    size_t at, len;
    enum trace_image_result (*read)(struct view in, struct trace_image *out);
  } formats[] = {
      {"\x89PNG\r\n\x1a\n", 0, 8, read_png},
      {"GIF87a", 0, 6, read_gif},
      {"GIF89a", 0, 6, read_gif},
      {"\xff\xd8\xff", 0, 3, read_jpeg},
      {"RIFF", 0, 4, read_webp},
      {"ftypavif", 4, 8, read_avif},
      {"ftypavis", 4, 8, read_avif},
      {"ftypmif1", 4, 8, read_avif},
      {"BM", 0, 2, read_bmp},
  };
  bool open = false; /* some format may still match */
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    size_t at = formats[i].at, whole = at + formats[i].len;
    if (len <= at) {
      open = true;
      continue;
    }
    size_t here = (len < whole ? len : whole) - at;
    if (memcmp(bytes + at, formats[i].signature, here) != 0) continue;
    if (len >= whole) return formats[i].read((struct view){bytes, len}, out);
    open = true;
  }
  return open ? TRACE_IMAGE_MORE : TRACE_IMAGE_NONE;
}
