/*
 * spec/diff_source.h - where the bytes of tests/spec/test_diff_nghttp2.c come from: chance, header blocks by either
 * of two encoders, frames cut into pieces that both engines get.
 */
#ifndef WEIR_TESTS_DIFF_SOURCE_H
#define WEIR_TESTS_DIFF_SOURCE_H

#include "tests/spec/diff_peers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- chance ---------------------------------------------------------------------------------- */

static uint64_t state64;

static inline uint32_t below(uint32_t bound) {
  state64 ^= state64 << 13;
  state64 ^= state64 >> 7;
  state64 ^= state64 << 17;
  return (uint32_t)(state64 >> 16) % bound;
}

static inline bool one_in(uint32_t n) {
  return below(n) == 0;
}

#define PICK(list) (list)[below(sizeof(list) / sizeof *(list))]

/* ---- the other end of both ------------------------------------------------------------------- */

struct source {
  enum h2_role role; /* of the engines that are compared */
  bool loud;
  struct hpack_encoder encoder;
  struct counted_memory memory;
  nghttp2_hd_deflater *deflater; /* every second connection: nghttp2's encoder instead of ours */
  uint32_t id_next, promise_next;
  uint32_t requests;               /* client role: how many were made */
  bool answered[DIFF_STREAMS * 2]; /* client role: the final response's header section was sent */
  char what[256]; /* the frame in hand, for people and for the list of differences */
};

static struct source source;

static inline void both(const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    size_t piece = one_in(3) ? 1 + below(20) : len - at;
    if (piece > len - at) piece = len - at;
    diff_weir_give(bytes + at, piece);
    at += piece;
  }
  for (size_t at = 0; at < len;) {
    size_t piece = one_in(3) ? 1 + below(20) : len - at;
    if (piece > len - at) piece = len - at;
    diff_peer_give(bytes + at, piece);
    at += piece;
  }
  diff_weir_pump();
  diff_peer_pump();
}

static inline void put_frame(uint8_t type, uint8_t flags, uint32_t id, const uint8_t *payload,
                             size_t len) {
  static uint8_t frame[H2_FRAME_HEADER_BYTES + 20000];
  h2_frame_header_encode(frame, (struct h2_frame_header){(uint32_t)len, id, type, flags});
  if (len) memcpy(frame + H2_FRAME_HEADER_BYTES, payload, len);
  both(frame, H2_FRAME_HEADER_BYTES + len);
}

__attribute__((format(printf, 1, 2))) static void describe(const char *format, ...) {
  va_list list;
  va_start(list, format);
  size_t len = strlen(source.what);
  vsnprintf(source.what + len, sizeof source.what - len, format, list);
  va_end(list);
}

/* ---- header blocks --------------------------------------------------------------------------- */

struct section {
  struct header fields[32];
  char text[2048];
  size_t count, used;
};

static inline void add(struct section *section, const char *name, const char *value) {
  assert_true(section->count < 32);
  struct header *field = &section->fields[section->count++];
  size_t name_len = strlen(name), value_len = strlen(value);
  char *at = section->text + section->used;
  section->used += name_len + value_len;
  assert_true(section->used <= sizeof section->text);
  memcpy(at, name, name_len);
  memcpy(at + name_len, value, value_len);
  *field =
      (struct header){.name = span_of(at, name_len), .value = span_of(at + name_len, value_len)};
  field->token = (uint16_t)header_token_of(field->name);
}

static inline void add_regular(struct section *section) {
  static const char *const names[] = {"accept",        "user-agent", "x-a", "cookie", "etag",
                                      "x-longer-name", "date",       "via", "te",     "range"};
  char value[64];
  const char *name = PICK(names);
  if (strcmp(name, "te") == 0) {
    for (size_t i = 0; i < section->count; i++)
      if (span_is(section->fields[i].name, "te")) return;
    if (source.role == H2_SERVER) add(section, "te", "trailers");
    return;
  }
  size_t len = below(sizeof value - 1);
  for (size_t i = 0; i < len; i++)
    value[i] = (char)(0x21 + below(0x7e - 0x21));
  value[len] = '\0';
  if (len > 4 && one_in(3)) value[len / 2] = ' ';
  add(section, name, value);
}

/* What makes a section malformed: RFC 9113 section 8. */
static inline void spoil(struct section *section) {
  static const char *const fields[][2] = {
      {"connection", "close"},
      {"transfer-encoding", "chunked"},
      {"upgrade", "h2c"},
      {"keep-alive", "1"},
      {"proxy-connection", "x"},
      {"Upper", "x"},
      {"", "x"},
      {"a b", "x"},
      {"x", "a\rb"},
      {"x", "a\nb"},
      {":path", "/late"},
      {":status", "200"},
      {":unknown", "x"},
      {"te", "gzip"},
      {"content-length", "x"},
      {"content-length", ""},
      {"x-\x7f", "x"},
      {"x\xc3\xa9", "x"},
  };
  const char *const *field = PICK(fields);
  describe("spoilt by %s, ", field[0]);
  add(section, field[0], field[1]);
}

static inline size_t encode(const struct section *section, uint8_t *out, size_t size) {
  if (!source.deflater) {
    assert_true(hpack_encode_bound(section->fields, section->count) <= size);
    return hpack_encode(&source.encoder, section->fields, section->count, out);
  }
  nghttp2_nv nv[32];
  for (size_t i = 0; i < section->count; i++) {
    const struct header *field = &section->fields[i];
    nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)field->name.base,
                         (uint8_t *)(uintptr_t)field->value.base, field->name.len, field->value.len,
                         one_in(8) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
  }
  ssize_t len = nghttp2_hd_deflate_hd(source.deflater, out, size, nv, section->count);
  assert_true(len >= 0);
  return (size_t)len;
}

/* HEADERS or PUSH_PROMISE, sometimes padded, with priority, and cut into CONTINUATION. */
static inline void put_section(uint8_t type, uint32_t id, uint32_t promised_id,
                               const struct section *section, bool end) {
  uint8_t payload[8192], *at = payload;
  uint8_t flags = end ? H2_FLAG_END_STREAM : 0;
  uint8_t padding = one_in(5) ? (uint8_t)below(40) : 0;
  bool padded = padding || one_in(20);
  if (padded) {
    flags |= H2_FLAG_PADDED;
    *at++ = padding;
  }
  if (type == H2_HEADERS && one_in(5)) {
    flags |= H2_FLAG_PRIORITY;
    at = wire_put8(wire_put32(at, id + 2), (unsigned char)below(256));
  }
  if (type == H2_PUSH_PROMISE) at = wire_put32(at, promised_id);
  uint8_t block[4096];
  size_t len = encode(section, block, sizeof block), first = len;
  bool cut = len > 2 && one_in(4);
  if (cut) first = below((uint32_t)len);
  memcpy(at, block, first);
  at += first;
  memset(at, 0, padding);
  at += padding;
  put_frame(type, flags | (cut ? 0 : H2_FLAG_END_HEADERS), id, payload, (size_t)(at - payload));
  for (unsigned frames = 0; cut; frames++) {
    size_t next = frames < 5 && one_in(3) ? below((uint32_t)(len - first)) + 1 : len - first;
    if (next > len - first) next = len - first;
    bool last = first + next == len;
    put_frame(H2_CONTINUATION, last ? H2_FLAG_END_HEADERS : 0, id, block + first, next);
    first += next;
    cut = !last;
  }
}

#endif
