/*
 * base/text.h - spans as text: made, compared, cut. Case is that of ASCII letters; all else is
 * bytes.
 */
#ifndef WEIR_TEXT_H
#define WEIR_TEXT_H

#include "engine/base/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline struct span span_text(const char *text) {
  return span_of(text, __builtin_strlen(text));
}

/* memcmp() == 0 without a call, for short text. Loads may overlap. */
static inline bool text_same(const uint8_t *a, const uint8_t *b, size_t len) {
  if (len >= 8) {
    for (size_t i = 0; i + 8 < len; i += 8)
      if (__builtin_memcmp(a + i, b + i, 8) != 0) return false;
    return __builtin_memcmp(a + len - 8, b + len - 8, 8) == 0;
  }
  if (len >= 4)
    return __builtin_memcmp(a, b, 4) == 0 && __builtin_memcmp(a + len - 4, b + len - 4, 4) == 0;
  return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

static inline bool span_equal(struct span a, struct span b) {
  return a.len == b.len && (a.len == 0 || __builtin_memcmp(a.base, b.base, a.len) == 0);
}

static inline bool span_is(struct span a, const char *text) {
  return span_equal(a, span_text(text));
}

/* What follows the first `count` bytes. */
static inline struct span span_skip(struct span text, size_t count) {
  return count == 0 ? text : span_of(text.base + count, text.len - count);
}

static inline uint8_t text_lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static inline bool span_equal_ignoring_case(struct span a, struct span b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    uint8_t x = a.base[i], y = b.base[i];
    if (x != y && text_lower(x) != text_lower(y)) return false; /* most bytes are the same */
  }
  return true;
}

static inline bool span_is_ignoring_case(struct span a, const char *text) {
  return span_equal_ignoring_case(a, span_text(text));
}

/* The value of a hexadecimal digit, in either case; 16 of another byte. */
static inline unsigned text_hex_digit(uint8_t byte) {
  const unsigned digit = (unsigned)byte - '0', letter = (unsigned)(byte | 0x20) - 'a';
  if (digit < 10) return digit;
  return letter < 6 ? letter + 10 : 16;
}

/* The byte that "%41" at `at` stands for (RFC 3986 section 2.1), or -1: it is not of that form. */
static inline int text_escaped_byte(struct span text, size_t at) {
  if (text.len - at < 3 || text.base[at] != '%') return -1;
  const unsigned high = text_hex_digit(text.base[at + 1]), low = text_hex_digit(text.base[at + 2]);
  return high > 15 || low > 15 ? -1 : (int)(high << 4 | low);
}

/* Cuts the text at `at`, and drops the byte there. */
static inline void span_cut_at(struct span text, size_t at, struct span *before,
                               struct span *after) {
  *before = span_of(text.base, at);
  *after = span_of(text.base + at + 1, text.len - at - 1);
}

/* Cuts the text at the first `mark`, and drops that. False, and nothing set, when it has none. */
__attribute__((warn_unused_result)) static inline bool
span_cut(struct span text, uint8_t mark, struct span *before, struct span *after) {
  const uint8_t *at =
      (const uint8_t *)(text.len ? __builtin_memchr(text.base, mark, text.len) : NULL);
  if (at) span_cut_at(text, (size_t)(at - text.base), before, after);
  return at != NULL;
}

/* The same at the last `mark`. */
__attribute__((warn_unused_result)) static inline bool
span_cut_last(struct span text, uint8_t mark, struct span *before, struct span *after) {
  for (size_t i = text.len; i-- > 0;) {
    if (text.base[i] != mark) continue;
    span_cut_at(text, i, before, after);
    return true;
  }
  return false;
}

#ifdef __cplusplus
}
#endif

#endif
