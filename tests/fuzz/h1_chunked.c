/*
 * fuzz/h1_chunked.c - chunked bodies in pieces, beside a decoder that has all bytes at once and reads them by
 * searching.
 *
 * An input is a seed for the cuts, then the bytes of a body. Both decoders must end at the same byte, with the same
 * body; where one refuses, so must the other.
 */
#include "engine/h1/chunked.h"
#include "engine/h1/limits.h"
#include "engine/http/syntax.h"
#include "tests/support/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 1 << 16 };

/* How far a body was read. */
struct read {
  enum h1_chunked_result result;
  size_t used; /* of H1_CHUNKED_END and _TRAILERS */
  size_t len;
  uint8_t body[BYTES_MAX];
};

static struct read expected, got;

/* ---- at once --------------------------------------------------------------------------------- */

static bool is_hex(uint8_t byte) {
  return byte && strchr("0123456789abcdefABCDEF", byte);
}

/* The length of a token at the front. */
static size_t token_len(struct span text) {
  size_t len = 0;
  while (len < text.len && syntax_is_token(span_of(text.base + len, 1)))
    len++;
  return len;
}

/* The length of a quoted string at the front; 0 if there is none. */
static size_t quoted_len(struct span text) {
  for (size_t i = 1; i < text.len; i++) {
    const uint8_t byte = text.base[i];
    if ((byte < ' ' && byte != '\t') || byte == 0x7f) return 0;
    if (byte == '"') return i + 1;
    if (byte == '\\') {
      i++;
      if (i < text.len && ((text.base[i] < ' ' && text.base[i] != '\t') || text.base[i] == 0x7f))
        return 0;
    }
  }
  return 0;
}

static struct span skip(struct span text, size_t len) {
  return span_of(text.base + len, text.len - len);
}

/* Whether a line without its end is a size and valid extensions. */
static bool read_size_line(struct span line, uint64_t *size) {
  size_t digits = 0;
  for (*size = 0; digits < line.len && is_hex(line.base[digits]); digits++) {
    const char text[2] = {(char)line.base[digits], 0};
    if (digits == H1_CHUNK_DIGITS_MAX) return false;
    *size = *size * 16 + strtoul(text, NULL, 16);
  }
  if (digits == 0 || *size > INT64_MAX) return false;
  for (line = skip(line, digits); line.len > 0;) {
    if (line.base[0] != ';') return false;
    line = skip(line, 1);
    const size_t name = token_len(line);
    if (name == 0) return false;
    line = skip(line, name);
    if (line.len == 0 || line.base[0] != '=') continue;
    line = skip(line, 1);
    const size_t value = line.len && line.base[0] == '"' ? quoted_len(line) : token_len(line);
    if (value == 0) return false;
    line = skip(line, value);
  }
  return true;
}

static void end_at(enum h1_chunked_result result, size_t used) {
  expected.result = result;
  expected.used = used;
}

/* After a last chunk. */
static void read_end(struct span all, struct span rest) {
  const size_t at = all.len - rest.len;
  if (rest.len == 0)
    end_at(H1_CHUNKED_MORE, 0);
  else if (rest.base[0] == '\n')
    end_at(H1_CHUNKED_REFUSED, 0);
  else if (rest.base[0] != '\r')
    end_at(H1_CHUNKED_TRAILERS, at);
  else if (rest.len == 1)
    end_at(H1_CHUNKED_MORE, 0);
  else if (rest.base[1] == '\n')
    end_at(H1_CHUNKED_END, at + 2);
  else
    end_at(H1_CHUNKED_REFUSED, 0);
}

/* Reads until a chunk is malformed or incomplete. What is incomplete may be malformed, too: that is
 * H1_CHUNKED_MORE here. */
static void read_at_once(struct span all) {
  expected.len = 0;
  end_at(H1_CHUNKED_MORE, 0);
  for (struct span rest = all;;) {
    uint64_t size;
    const uint8_t *lf = rest.len ? memchr(rest.base, '\n', rest.len) : NULL;
    if (!lf) return;
    const size_t len = (size_t)(lf - rest.base);
    if (len == 0 || lf[-1] != '\r' || !read_size_line(span_of(rest.base, len - 1), &size)) {
      end_at(H1_CHUNKED_REFUSED, 0);
      return;
    }
    rest = skip(rest, len + 1);
    if (size == 0) {
      read_end(all, rest);
      return;
    }
    const size_t take = rest.len < size ? rest.len : (size_t)size;
    memcpy(expected.body + expected.len, rest.base, take);
    expected.len += take;
    rest = skip(rest, take);
    if (rest.len < 2) return;
    if (memcmp(rest.base, "\r\n", 2) != 0) {
      end_at(H1_CHUNKED_REFUSED, 0);
      return;
    }
    rest = skip(rest, 2);
  }
}

/* ---- in pieces ------------------------------------------------------------------------------- */

static struct h1_chunked chunked;

/* Reads all of a piece that may be read. Returns how much that is. */
static size_t read_piece(const uint8_t *bytes, size_t len) {
  uint8_t *copy = malloc(len);
  assert(copy);
  memcpy(copy, bytes, len);
  struct span left = span_of(copy, len), data;
  do {
    got.result = h1_chunked_read(&chunked, &left, &data);
    assert(data.len == 0 || (data.base >= copy && data.base + data.len <= copy + len));
    if (data.len) memcpy(got.body + got.len, data.base, data.len);
    got.len += data.len;
  } while (got.result == H1_CHUNKED_DATA);
  free(copy);
  return len - left.len;
}

static void read_in_pieces(struct span all, uint8_t seed) {
  struct random random = {.state = seed};
  got.len = got.used = 0;
  got.result = H1_CHUNKED_MORE;
  h1_chunked_begin(&chunked);
  while (got.used < all.len && got.result == H1_CHUNKED_MORE) {
    const size_t piece = random_size(&random, (uint32_t)(all.len - got.used));
    got.used += read_piece(all.base + got.used, piece);
  }
  assert(chunked.data_bytes == got.len);
  if (got.result != H1_CHUNKED_REFUSED)
    assert(chunked.data_bytes + chunked.extra_bytes == got.used);
}

/* The bound on extensions, which the other decoder does not know. */
static bool has_too_many_extensions(void) {
  return chunked.extension_bytes > H1_CHUNK_EXTENSION_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2 || size > BYTES_MAX) return 0;
  const struct span all = span_of(data + 1, size - 1);
  read_at_once(all);
  read_in_pieces(all, data[0]);
  if (has_too_many_extensions()) return 0;
  /* It refuses within a line that the other still waits for. */
  const bool early = got.result == H1_CHUNKED_REFUSED && expected.result == H1_CHUNKED_MORE;
  assert(early || got.result == expected.result);
  assert(got.len == expected.len && memcmp(got.body, expected.body, got.len) == 0);
  if (got.result == H1_CHUNKED_END || got.result == H1_CHUNKED_TRAILERS)
    assert(got.used == expected.used);
  return 0;
}
