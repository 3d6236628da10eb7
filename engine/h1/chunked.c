/*
 * h1/chunked.c - a state machine over the bytes between the data, which are few; see h1/chunked.h.
 *
 *     size --> [extension] --> LF --> data --> CR --> LF --> size
 *                               |
 *                               +--> the last chunk's: CR --> LF --> end, or trailers
 */
#include "engine/h1/chunked.h"

#include "engine/h1/limits.h"
#include "engine/http/syntax.h"

/* What the next byte is. */
enum step {
  STEP_SIZE,       /* of a size */
  STEP_NAME_FIRST, /* the first of an extension's name */
  STEP_NAME,       /* a further one, or what follows the name */
  STEP_VALUE,      /* the first of an extension's value */
  STEP_TOKEN,      /* a further one of a value that is a token, or what follows it */
  STEP_QUOTED,     /* of a quoted string */
  STEP_ESCAPED,    /* after a backslash in one */
  STEP_AFTER,      /* after a quoted string */
  STEP_SIZE_LF,    /* the second of the line end after a size */
  STEP_DATA,
  STEP_DATA_CR, /* the line end after data */
  STEP_DATA_LF,
  STEP_LAST,    /* the first after the last chunk: of the line end, or of trailers */
  STEP_LAST_LF, /* the second of the line end that ends the body */
  STEP_END,
};

void h1_chunked_begin(struct h1_chunked *chunked) {
  *chunked = (struct h1_chunked){.step = STEP_SIZE};
}

bool h1_chunked_in_data(const struct h1_chunked *chunked) {
  return chunked->step == STEP_DATA;
}

static bool refuse(struct h1_chunked *chunked, const char *reason) {
  chunked->reason = reason;
  return false;
}

static bool is_token_byte(uint8_t byte) {
  return syntax_is_token(span_of(&byte, 1));
}

/* Text within quotes: HTAB, SP, visible characters, and bytes above 0x7f (RFC 9110 section 5.6.4). */
static bool is_quoted_byte(uint8_t byte) {
  return (byte >= ' ' || byte == '\t') && byte != 0x7f;
}

static bool go(struct h1_chunked *chunked, enum step step) {
  chunked->step = (uint8_t)step;
  return true;
}

static bool expect(struct h1_chunked *chunked, uint8_t byte, uint8_t expected, enum step next,
                   const char *reason) {
  return byte == expected ? go(chunked, next) : refuse(chunked, reason);
}

/* What may follow a size, or a whole extension. */
static bool size_ended(struct h1_chunked *chunked, uint8_t byte) {
  if (byte == '\r') return go(chunked, STEP_SIZE_LF);
  if (byte == ';') return go(chunked, STEP_NAME_FIRST);
  return refuse(chunked, "bad byte after a chunk's size");
}

static bool size_byte(struct h1_chunked *chunked, uint8_t byte) {
  const unsigned digit = text_hex_digit(byte);
  if (digit > 15)
    return chunked->digits ? size_ended(chunked, byte) : refuse(chunked, "no chunk size");
  if (chunked->digits == H1_CHUNK_DIGITS_MAX) return refuse(chunked, "chunk size is too long");
  chunked->digits++;
  chunked->left = chunked->left << 4 | digit;
  if (chunked->left > INT64_MAX) return refuse(chunked, "chunk size is too large");
  return true;
}

/* The size line has ended. */
static bool size_line_end(struct h1_chunked *chunked, uint8_t byte) {
  chunked->digits = 0;
  chunked->chunks += chunked->left > 0;
  return expect(chunked, byte, '\n', chunked->left ? STEP_DATA : STEP_LAST, "CR without LF");
}

static bool extension_byte(struct h1_chunked *chunked, uint8_t byte) {
  const uint64_t allowed =
      H1_CHUNK_EXTENSION_BYTES / H1_CHUNK_EXTENSION_BYTES_PER_BYTE + chunked->data_bytes;
  if (++chunked->extension_bytes / H1_CHUNK_EXTENSION_BYTES_PER_BYTE > allowed)
    return refuse(chunked, "chunk extensions are too large");
  switch ((enum step)chunked->step) {
  case STEP_NAME_FIRST:
    return is_token_byte(byte) ? go(chunked, STEP_NAME) : refuse(chunked, "bad chunk extension");
  case STEP_NAME:
    if (is_token_byte(byte)) return true;
    return byte == '=' ? go(chunked, STEP_VALUE) : size_ended(chunked, byte);
  case STEP_VALUE:
    if (byte == '"') return go(chunked, STEP_QUOTED);
    return is_token_byte(byte) ? go(chunked, STEP_TOKEN) : refuse(chunked, "bad chunk extension");
  case STEP_TOKEN: return is_token_byte(byte) || size_ended(chunked, byte);
  case STEP_QUOTED:
    if (byte == '"') return go(chunked, STEP_AFTER);
    if (byte == '\\') return go(chunked, STEP_ESCAPED);
    return is_quoted_byte(byte) || refuse(chunked, "bad chunk extension");
  case STEP_ESCAPED:
    return is_quoted_byte(byte) ? go(chunked, STEP_QUOTED) : refuse(chunked, "bad chunk extension");
  default: return size_ended(chunked, byte);
  }
}

/* Reads a byte that is not data. */
static bool read_byte(struct h1_chunked *chunked, uint8_t byte) {
  chunked->extra_bytes++;
  switch ((enum step)chunked->step) {
  case STEP_SIZE: return size_byte(chunked, byte);
  case STEP_SIZE_LF: return size_line_end(chunked, byte);
  case STEP_DATA_CR:
    return expect(chunked, byte, '\r', STEP_DATA_LF, "chunk is longer than its size");
  case STEP_DATA_LF: return expect(chunked, byte, '\n', STEP_SIZE, "CR without LF");
  case STEP_LAST: return expect(chunked, byte, '\r', STEP_LAST_LF, "LF without CR");
  case STEP_LAST_LF: return expect(chunked, byte, '\n', STEP_END, "CR without LF");
  default: return extension_byte(chunked, byte);
  }
}

static struct span take(struct span *bytes, size_t len) {
  const struct span taken = span_of(bytes->base, len);
  *bytes = span_of(bytes->base + len, bytes->len - len);
  return taken;
}

static enum h1_chunked_result read_data(struct h1_chunked *chunked, struct span *bytes,
                                        struct span *data) {
  *data = take(bytes, bytes->len < chunked->left ? bytes->len : (size_t)chunked->left);
  chunked->left -= data->len;
  chunked->data_bytes += data->len;
  if (chunked->left == 0) chunked->step = STEP_DATA_CR;
#ifdef WEIR_CANARY_H1_LOST_BYTE /* a bug on demand, which the simulation must find */
  if (chunked->left > 0 && data->len > 1) data->len--;
#endif
  return H1_CHUNKED_DATA;
}

enum h1_chunked_result h1_chunked_read(struct h1_chunked *chunked, struct span *bytes,
                                       struct span *data) {
  *data = (struct span){0};
  while (!chunked->reason && chunked->step != STEP_END && bytes->len > 0) {
    const uint8_t byte = bytes->base[0];
    if (chunked->step == STEP_DATA) return read_data(chunked, bytes, data);
    if (chunked->step == STEP_LAST && byte != '\r' && byte != '\n') return H1_CHUNKED_TRAILERS;
    if (read_byte(chunked, byte)) (void)take(bytes, 1);
  }
  if (chunked->reason) return H1_CHUNKED_REFUSED;
  return chunked->step == STEP_END ? H1_CHUNKED_END : H1_CHUNKED_MORE;
}
