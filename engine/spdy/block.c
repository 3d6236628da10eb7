/*
 * spdy/block.c - see spdy/block.h.
 *
 * Reading: bytes are inflated to the scratch that all sessions share. A block that has not ended when its
 * bytes have is moved to memory of its own, which grows by doubling, and back once it is whole. When it is larger
 * than any list may be, that memory is freed, and the rest is inflated and thrown away. The list is made of a whole
 * block.
 */
#include "engine/spdy/block.h"

#include <assert.h>
#include <string.h>

#include "engine/base/wire.h"
#include "engine/spdy/limits.h"
#include "engine/spdy/zlib.h"

/* ---- reading: bytes -------------------------------------------------------------------------- */

void spdy_block_reader_init(struct spdy_block_reader *reader, const struct memory *memory,
                            const struct spdy_scratch *scratch, size_t list_bytes_max) {
  assert(scratch->bytes > 0);
  *reader = (struct spdy_block_reader){
      .memory = memory, .scratch = scratch, .list_bytes_max = list_bytes_max};
}

/* Ends the block under way, and frees its memory. */
static void forget(struct spdy_block_reader *reader) {
  if (reader->bytes != reader->scratch->base)
    memory_free(reader->memory, reader->bytes, reader->size);
  reader->bytes = NULL;
  reader->used = reader->size = reader->dropped = 0;
}

void spdy_block_reader_destroy(struct spdy_block_reader *reader) {
  forget(reader);
  spdy_inflate_free(reader->zlib);
  reader->zlib = NULL;
}

/* Inflated bytes that a list of the largest size has at most. */
static size_t block_bytes_max(const struct spdy_block_reader *reader) {
  return reader->list_bytes_max + 4;
}

/* Moves what there is of the block to memory of `size` bytes. */
__attribute__((warn_unused_result)) static bool move(struct spdy_block_reader *reader,
                                                     size_t size) {
  uint8_t *bytes = memory_alloc(reader->memory, size);
  if (!bytes) return false;
  memcpy(bytes, reader->bytes, reader->used);
  if (reader->bytes != reader->scratch->base)
    memory_free(reader->memory, reader->bytes, reader->size);
  reader->bytes = bytes;
  reader->size = size;
  return true;
}

/* Makes room for one byte at least. A block that may have no more of it is thrown away from then on: its
 * `size` is 0. */
__attribute__((warn_unused_result)) static bool make_room(struct spdy_block_reader *reader) {
  size_t most = block_bytes_max(reader);
  if (reader->used < reader->size) return true;
  if (reader->used < most) {
    size_t size =
        reader->size < SPDY_BLOCK_BYTES_FIRST / 2 ? SPDY_BLOCK_BYTES_FIRST : 2 * reader->size;
    return move(reader, size < most ? size : most);
  }
  size_t used = reader->used;
  forget(reader);
  reader->bytes = reader->scratch->base; /* a block is under way, but not kept */
  reader->dropped = used;
  return true;
}

static bool is_kept(const struct spdy_block_reader *reader) {
  return reader->dropped == 0;
}

/* Inflates what fits at once. Takes it off *in. */
static enum spdy_inflate_result inflate_some(struct spdy_block_reader *reader, struct span *in) {
  uint8_t piece[SPDY_BLOCK_PIECE_BYTES];
  size_t made;
  enum spdy_inflate_result result;
  if (is_kept(reader)) {
    result = spdy_inflate(reader->zlib, in, reader->bytes + reader->used,
                          reader->size - reader->used, &made);
    reader->used += made;
  } else {
    result = spdy_inflate(reader->zlib, in, piece, sizeof piece, &made);
    reader->dropped += made;
  }
  return result;
}

static enum spdy_block_result no_memory(const char **reason) {
  *reason = "no memory for a header block";
  return SPDY_BLOCK_NO_MEMORY;
}

static enum spdy_block_result inflate_all(struct spdy_block_reader *reader, struct span in,
                                          const char **reason) {
  size_t stop = SPDY_BLOCK_STOP_FACTOR * block_bytes_max(reader);
  enum spdy_inflate_result result = SPDY_INFLATE_FULL;
  while (in.len > 0 || result == SPDY_INFLATE_FULL) {
    if (is_kept(reader) && !make_room(reader)) return no_memory(reason);
    result = inflate_some(reader, &in);
    if (result == SPDY_INFLATE_POOR) return no_memory(reason);
    if (result == SPDY_INFLATE_BAD) {
      *reason = "corrupt header compression";
      return SPDY_BLOCK_CORRUPT;
    }
    if (reader->dropped > stop) {
      *reason = "header block is far too large";
      return SPDY_BLOCK_TOO_LARGE;
    }
  }
  return SPDY_BLOCK_MORE;
}

/* ---- reading: fields ------------------------------------------------------------------------- */

/* What is left of an inflated block. */
struct cursor {
  struct span rest;
  const char *reason; /* of what is malformed; NULL so far */
};

static uint32_t take_number(struct cursor *cursor) {
  if (cursor->rest.len < 4) {
    cursor->reason = "header block is cut short";
    return 0;
  }
  uint32_t number = wire_get32(cursor->rest.base);
  cursor->rest = span_skip(cursor->rest, 4);
  return number;
}

static struct span take_text(struct cursor *cursor) {
  uint32_t len = take_number(cursor);
  if (len > cursor->rest.len) {
    cursor->reason = "length in a header block is too large";
    return (struct span){0};
  }
  struct span text = span_of(cursor->rest.base, len);
  cursor->rest = span_skip(cursor->rest, len);
  return text;
}

static void add_field(struct headers *out, struct header *field, struct span value) {
  field->value = value;
  field->flags = header_value_flags(value);
  headers_add(out, *field);
}

/* Adds a field for each of the values, which a NUL separates. */
static void add_values(struct cursor *cursor, struct span name, struct span values,
                       struct headers *out) {
  struct header field = {.name = name, .token = (uint16_t)header_token_of(name)};
  struct span value;
  bool several = false;
  while (span_cut(values, 0, &value, &values)) {
    several = true;
    if (value.len == 0) cursor->reason = "empty value among several";
    add_field(out, &field, value);
  }
  if (several && values.len == 0) cursor->reason = "empty value among several";
  add_field(out, &field, values);
}

static bool is_known(const struct span *names, uint32_t count, struct span name) {
  for (uint32_t i = 0; i < count; i++)
    if (span_equal(names[i], name)) return true;
  return false;
}

static void parse(struct cursor *cursor, uint32_t count, struct headers *out) {
  struct span names[SPDY_BLOCK_NAMES_MAX];
  for (uint32_t i = 0; i < count; i++) {
    names[i] = take_text(cursor);
    struct span values = take_text(cursor);
    if (cursor->reason) return;
    if (header_name_flags(names[i]))
      cursor->reason = "bad name in a header block";
    else if (is_known(names, i, names[i]))
      cursor->reason = "name is given twice in a header block";
    else
      add_values(cursor, names[i], values, out);
    if (cursor->reason) return;
  }
  if (cursor->rest.len > 0) cursor->reason = "bytes behind a header block";
}

static enum spdy_block_result make_list(struct span block, struct headers *out,
                                        const char **reason) {
  struct cursor cursor = {.rest = block};
  uint32_t count = take_number(&cursor);
  if (count > SPDY_BLOCK_NAMES_MAX)
    out->overflowed = true;
  else if (!cursor.reason)
    parse(&cursor, count, out);
  if (!cursor.reason) return SPDY_BLOCK_DONE;
  *reason = cursor.reason;
  return SPDY_BLOCK_MALFORMED;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Moves a whole block back to the scratch, if it fits, so that a session that is idle holds nothing. */
static void return_to_scratch(struct spdy_block_reader *reader) {
  const struct spdy_scratch *scratch = reader->scratch;
  if (reader->bytes == scratch->base || reader->used > scratch->bytes) return;
  memcpy(scratch->base, reader->bytes, reader->used);
  memory_free(reader->memory, reader->bytes, reader->size);
  reader->bytes = scratch->base;
  reader->size = scratch->bytes;
}

/* The block has ended. Its bytes stay until the next call. */
static enum spdy_block_result finish(struct spdy_block_reader *reader, struct headers *out,
                                     const char **reason) {
  assert(out->count == 0 && !out->overflowed);
  return_to_scratch(reader);
  if (is_kept(reader)) return make_list(span_of(reader->bytes, reader->used), out, reason);
  out->overflowed = true;
  return SPDY_BLOCK_DONE;
}

/* More of the block is to come: the scratch is needed by others. */
__attribute__((warn_unused_result)) static bool leave_scratch(struct spdy_block_reader *reader) {
  if (!is_kept(reader) || reader->bytes != reader->scratch->base) return true;
  size_t size = reader->used > SPDY_BLOCK_BYTES_FIRST ? reader->used : SPDY_BLOCK_BYTES_FIRST;
  return move(reader, size);
}

enum spdy_block_result spdy_block_read(struct spdy_block_reader *reader, struct span in, bool last,
                                       struct headers *out, const char **reason) {
  if (!reader->zlib) reader->zlib = spdy_inflate_new(reader->memory);
  if (!reader->zlib) return no_memory(reason);
  if (reader->ended) forget(reader);
  reader->ended = last;
  if (!reader->bytes) {
    reader->bytes = reader->scratch->base;
    reader->size = reader->scratch->bytes;
  }
  enum spdy_block_result result = inflate_all(reader, in, reason);
  if (result != SPDY_BLOCK_MORE) return result;
  if (last) return finish(reader, out, reason);
  return leave_scratch(reader) ? SPDY_BLOCK_MORE : no_memory(reason);
}

/* ---- writing --------------------------------------------------------------------------------- */

void spdy_block_writer_init(struct spdy_block_writer *writer, const struct memory *memory) {
  *writer = (struct spdy_block_writer){.memory = memory};
}

void spdy_block_writer_destroy(struct spdy_block_writer *writer) {
  spdy_deflate_free(writer->zlib);
  writer->zlib = NULL;
}

bool spdy_block_writer_ready(struct spdy_block_writer *writer) {
  if (!writer->zlib) writer->zlib = spdy_deflate_new(writer->memory);
  return writer->zlib;
}

/* Where text goes: to zlib, or to stored blocks (RFC 1951 section 3.2.4). */
struct output {
  struct spdy_deflate *zlib; /* NULL: stored blocks */
  uint8_t *at, *end;
  uint8_t *stored; /* the header of the stored block under way; NULL: none */
};

enum { STORED_HEADER_BYTES = 5, STORED_BYTES_MAX = UINT16_MAX }; /* fixed by that section */

static void begin_stored(struct output *output) {
  output->stored = output->at;
  output->at += STORED_HEADER_BYTES;
}

/* Writes the header of a stored block that ends here: not the stream's last, its length and that inverted,
 * both little-endian. */
static void end_stored(struct output *output) {
  if (!output->stored) return;
  uint16_t len = (uint16_t)(output->at - output->stored - STORED_HEADER_BYTES);
  uint8_t *at = output->stored;
  *at++ = 0;
  *at++ = (uint8_t)len;
  *at++ = (uint8_t)(len >> 8);
  *at++ = (uint8_t)~len;
  *at++ = (uint8_t)(~len >> 8);
  output->stored = NULL;
}

static void put_stored(struct output *output, struct span text) {
  while (text.len > 0) {
    if (!output->stored) begin_stored(output);
    size_t room = STORED_BYTES_MAX - (size_t)(output->at - output->stored - STORED_HEADER_BYTES);
    size_t len = text.len < room ? text.len : room;
    memcpy(output->at, text.base, len);
    output->at += len;
    text = span_skip(text, len);
    if (len == room) end_stored(output);
  }
}

static void put(struct output *output, struct span text) {
  if (output->zlib)
    output->at = spdy_deflate(output->zlib, text, output->at, (size_t)(output->end - output->at));
  else
    put_stored(output, text);
}

static void put_number(struct output *output, size_t number) {
  uint8_t bytes[4];
  wire_put32(bytes, (uint32_t)number);
  put(output, span_of(bytes, sizeof bytes));
}

static bool same_name(const struct header *a, const struct header *b) {
  return span_equal(a->name, b->name);
}

static bool is_secret(const struct header *field) {
  if (field->flags & HEADER_NEVER_INDEX) return true;
  switch (header_token_by_name(field)) {
  case TOKEN_AUTHORIZATION:
  case TOKEN_PROXY_AUTHORIZATION:
  case TOKEN_COOKIE:
  case TOKEN_SET_COOKIE: return true;
  default: return false;
  }
}

/* Whether the field at `index` is the first of its name. */
static bool is_first(const struct header *fields, size_t index) {
  for (size_t i = 0; i < index; i++)
    if (same_name(&fields[i], &fields[index])) return false;
  return true;
}

static bool any_is_secret(const struct header *fields, size_t count, size_t index) {
  for (size_t i = index; i < count; i++)
    if (same_name(&fields[i], &fields[index]) && is_secret(&fields[i])) return true;
  return false;
}

/* Writes the name at `index` with the values of all fields of that name. */
static void put_field(struct output *output, const struct header *fields, size_t count,
                      size_t index) {
  size_t len = 0, values = 0;
  for (size_t i = index; i < count; i++) {
    if (fields[i].value.len == 0 || !same_name(&fields[i], &fields[index])) continue;
    len += fields[i].value.len;
    values++;
  }
  put_number(output, fields[index].name.len);
  put(output, fields[index].name);
  put_number(output, len + (values > 0 ? values - 1 : 0));
  for (size_t i = index; i < count; i++) {
    if (fields[i].value.len == 0 || !same_name(&fields[i], &fields[index])) continue;
    put(output, fields[i].value);
    if (--values > 0) put(output, span_of((const uint8_t *)"", 1));
  }
}

/* Writes the names that are secret, or those that are not. */
static void put_fields(struct output *output, const struct header *fields, size_t count,
                       bool secret) {
  for (size_t i = 0; i < count; i++)
    if (is_first(fields, i) && any_is_secret(fields, count, i) == secret)
      put_field(output, fields, count, i);
}

size_t spdy_block_bound(const struct header *fields, size_t count) {
  size_t bytes = 4;
  for (size_t i = 0; i < count; i++)
    bytes += 8 + fields[i].name.len + fields[i].value.len;
  return spdy_deflate_bound(bytes) + STORED_HEADER_BYTES * (2 + bytes / STORED_BYTES_MAX);
}

uint8_t *spdy_block_write(struct spdy_block_writer *writer, const struct header *fields,
                          size_t count, uint8_t *out) {
  assert(writer->zlib);
  struct output output = {
      .zlib = writer->zlib, .at = out, .end = out + spdy_block_bound(fields, count)};
  size_t names = 0;
  bool secrets = false;
  for (size_t i = 0; i < count; i++) {
    names += is_first(fields, i);
    secrets |= is_secret(&fields[i]);
  }
  put_number(&output, names);
  put_fields(&output, fields, count, false);
  output.at =
      spdy_deflate_flush(writer->zlib, secrets, output.at, (size_t)(output.end - output.at));
  if (!secrets) return output.at;
  output.zlib = NULL;
  put_fields(&output, fields, count, true);
  end_stored(&output);
  begin_stored(&output); /* empty, as a flush ends: Go's inflate hands over nothing before it */
  end_stored(&output);
  return output.at;
}
