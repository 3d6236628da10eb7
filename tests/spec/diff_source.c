/*
 * spec/diff_source.c - the peer of both engines of the differential test.
 */
#include "tests/spec/diff_source.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/wire.h"
#include "tests/support/cmocka.h"

enum { BLOCK_BYTES = 4096, PAYLOAD_BYTES = 8192, CONTINUATIONS = 5 };

void diff_source_describe(struct diff_source *source, const char *format, ...) {
  va_list list;
  va_start(list, format);
  size_t len = strlen(source->what);
  vsnprintf(source->what + len, sizeof source->what - len, format, list);
  va_end(list);
}

void diff_source_pump(struct diff_source *source) {
  diff_weir_pump(&source->weir);
  diff_nghttp2_pump(&source->other);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static size_t piece_of(struct diff_source *source, size_t left) {
  size_t piece = random_one_in(&source->random, 3) ? 1 + random_below(&source->random, 20) : left;
  return piece < left ? piece : left;
}

static void give_both(struct diff_source *source, const uint8_t *bytes, size_t len) {
  for (size_t at = 0, piece; at < len; at += piece) {
    piece = piece_of(source, len - at);
    diff_weir_give(&source->weir, bytes + at, piece);
  }
  for (size_t at = 0, piece; at < len; at += piece) {
    piece = piece_of(source, len - at);
    diff_nghttp2_give(&source->other, bytes + at, piece);
  }
  diff_source_pump(source);
}

void diff_source_put(struct diff_source *source, uint8_t type, uint8_t flags, uint32_t id,
                     const uint8_t *payload, size_t len) {
  static uint8_t frame[H2_FRAME_HEADER_BYTES + DIFF_SOURCE_FRAME_BYTES];
  assert_true(len <= DIFF_SOURCE_FRAME_BYTES);
  h2_frame_header_encode(frame, (struct h2_frame_header){(uint32_t)len, id, type, flags});
  if (len) memcpy(frame + H2_FRAME_HEADER_BYTES, payload, len);
  give_both(source, frame, H2_FRAME_HEADER_BYTES + len);
}

/* ---- header blocks --------------------------------------------------------------------------- */

static size_t encode(struct diff_source *source, const struct diff_section *section, uint8_t *out,
                     size_t size) {
  if (!source->deflater) {
    assert_true(hpack_encode_bound(section->fields, section->count) <= size);
    return hpack_encode(&source->encoder, section->fields, section->count, out);
  }
  nghttp2_nv nv[DIFF_SECTION_FIELDS];
  diff_nghttp2_fields(section->fields, section->count, nv);
  for (size_t i = 0; i < section->count; i++)
    if (random_one_in(&source->random, 8)) nv[i].flags = NGHTTP2_NV_FLAG_NO_INDEX;
  ssize_t len = nghttp2_hd_deflate_hd(source->deflater, out, size, nv, section->count);
  assert_true(len >= 0);
  return (size_t)len;
}

static void put_continuations(struct diff_source *source, uint32_t id, const uint8_t *rest,
                              size_t len) {
  struct random *random = &source->random;
  for (unsigned frames = 0;; frames++) {
    size_t next = len;
    if (frames < CONTINUATIONS && len > 0 && random_one_in(random, 3))
      next = random_below(random, (uint32_t)len) + 1;
    bool last = next == len;
    diff_source_put(source, H2_CONTINUATION, last ? H2_FLAG_END_HEADERS : 0, id, rest, next);
    if (last) return;
    rest += next;
    len -= next;
  }
}

void diff_source_put_section(struct diff_source *source, uint8_t type, uint32_t id,
                             uint32_t promised_id, const struct diff_section *section, bool end) {
  struct random *random = &source->random;
  uint8_t payload[PAYLOAD_BYTES], block[BLOCK_BYTES], *at = payload;
  uint8_t flags = end ? H2_FLAG_END_STREAM : 0;
  uint8_t padding = random_one_in(random, 5) ? (uint8_t)random_below(random, 40) : 0;
  if (padding || random_one_in(random, 20)) {
    flags |= H2_FLAG_PADDED;
    *at++ = padding;
  }
  if (type == H2_HEADERS && random_one_in(random, 5)) {
    flags |= H2_FLAG_PRIORITY;
    at = wire_put8(wire_put32(at, id + 2), (uint8_t)random_below(random, 256));
  }
  if (type == H2_PUSH_PROMISE) at = wire_put32(at, promised_id);
  size_t len = encode(source, section, block, sizeof block);
  bool cut = len > 2 && random_one_in(random, 4);
  size_t first = cut ? random_below(random, (uint32_t)len) : len;
  memcpy(at, block, first);
  at += first;
  memset(at, 0, padding);
  at += padding;
  if (!cut) flags |= H2_FLAG_END_HEADERS;
  diff_source_put(source, type, flags, id, payload, (size_t)(at - payload));
  if (cut) put_continuations(source, id, block + first, len - first);
}

/* ---- life ------------------------------------------------------------------------------------ */

void diff_source_begin(struct diff_source *source, enum h2_role role, uint64_t seed) {
  source->random.state = seed;
  source->role = role;
  source->id_next = 1;
  source->promise_next = 2;
  source->requests = 0;
  source->deflater = NULL;
  source->what[0] = '\0';
  memset(source->answered, 0, sizeof source->answered);
  hpack_encoder_init(&source->encoder, counted_init(&source->memory));
  if (random_one_in(&source->random, 2))
    assert_int_equal(nghttp2_hd_deflate_new(&source->deflater, 4096), 0);
  diff_weir_begin(&source->weir, role);
  diff_nghttp2_begin(&source->other, role);
  if (role == H2_SERVER) give_both(source, (const uint8_t *)H2_PREFACE, H2_PREFACE_BYTES);
  diff_source_put(source, H2_SETTINGS, 0, 0, NULL, 0);
  diff_source_put(source, H2_SETTINGS, H2_FLAG_ACK, 0, NULL, 0);
}

void diff_source_end(struct diff_source *source) {
  diff_weir_end(&source->weir);
  diff_nghttp2_end(&source->other);
  if (source->deflater) nghttp2_hd_deflate_del(source->deflater);
  hpack_encoder_destroy(&source->encoder);
  assert_int_equal(source->memory.count, 0);
}
