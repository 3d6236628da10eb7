/*
 * serve/log/text.c - see serve/log/text.h.
 */
#include "tools/serve/log/text.h"

#include <string.h>

/* Every put_*() returns the end of what it wrote. PUT() is for literals, whose length is known. */
#define PUT(at, literal) put_bytes(at, literal, sizeof(literal) - 1)

static inline char *put_bytes(char *at, const void *bytes, size_t len) {
  return (char *)memcpy(at, bytes, len) + len;
}

/* ---- the client's text ----------------------------------------------------------------------- */

static char *put_hex(char *at, uint8_t byte) {
  static const char digits[] = "0123456789abcdef";
  *at++ = digits[byte >> 4];
  *at++ = digits[byte & 15];
  return at;
}

static bool is_plain(uint8_t byte) {
  return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

#define EACH_BYTE(value) ((value)*UINT64_C(0x0101010101010101))

/* Whether eight bytes are plain. A byte that is not sets the highest bit of one of the five terms; the
 * carry of such a byte may set others, which does not matter any more. */
static bool are_plain(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  uint64_t wrong = word | (word - EACH_BYTE(' ')) | (word + EACH_BYTE(0x01)) |
                   ((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
                   ((word ^ EACH_BYTE('\\')) - EACH_BYTE(1));
  return (wrong & EACH_BYTE(0x80)) == 0;
}

/* Copies the plain bytes at the beginning of the text, and takes them from it. */
static char *put_plain(char *at, struct span *text) {
  size_t len = 0;
  while (len + 8 <= text->len && are_plain(text->base + len))
    len += 8;
  while (len < text->len && is_plain(text->base[len]))
    len++;
  at = put_bytes(at, text->base, len);
  *text = span_of(text->base + len, text->len - len);
  return at;
}

char *log_text_combined(char *at, struct span text) {
  for (; text.len > 0; text = span_of(text.base + 1, text.len - 1)) {
    at = put_plain(at, &text);
    if (text.len == 0) break;
    at = put_hex(PUT(at, "\\x"), text.base[0]);
  }
  return at;
}

/* Bytes of the UTF-8 character that begins there (RFC 3629 section 4); 0 if none does, or if it is a
 * control character (U+0080 to U+009F). */
static size_t utf8_character(struct span text) {
  const uint8_t *at = text.base;
  size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4 || text.len < len) return 0;
  for (size_t i = 1; i < len; i++)
    if (at[i] < 0x80 || at[i] > 0xbf) return 0;
  bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
  bool surrogate = at[0] == 0xed && at[1] > 0x9f, beyond = at[0] == 0xf4 && at[1] > 0x8f;
  bool control = at[0] == 0xc2 && at[1] < 0xa0;
  return overlong || surrogate || beyond || control ? 0 : len;
}

char *log_text_json(char *at, struct span text) {
  for (;;) {
    at = put_plain(at, &text);
    if (text.len == 0) return at;
    uint8_t byte = text.base[0];
    size_t len = utf8_character(text);
    if (len > 0) {
      at = put_bytes(at, text.base, len);
    } else if (byte == '"' || byte == '\\') {
      *at++ = '\\';
      *at++ = (char)byte;
    } else {
      at = put_hex(PUT(at, "\\u00"), byte);
    }
    len = len ? len : 1;
    text = span_of(text.base + len, text.len - len);
  }
}
