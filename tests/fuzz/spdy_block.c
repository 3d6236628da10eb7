/*
 * fuzz/spdy_block.c - header blocks of a peer, and blocks of our own.
 *
 * Input: an octet that says how bytes are cut, then blocks, each behind an octet: its low seven bits times four
 * bytes of the wire follow; with the high bit they are text that is compressed first, so that mutations reach
 * what is behind zlib.
 *
 * Beyond not crashing: a list keeps its bounds; its names are good and none comes twice apart; strings lie where they
 * may; memory is bounded; what was read and is written again reads the same.
 */
#include "engine/spdy/block.h"
#include "engine/spdy/limits.h"
#include "engine/spdy/zlib.h"
#include "tests/support/counted.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) abort();
}

enum { LIST_BYTES = 2048, FIELDS = 40, ARENA_BYTES = 8 };

struct side {
  struct spdy_block_reader reader;
  struct header fields[FIELDS];
  struct headers list;
};

struct run {
  struct counted_memory memory;
  struct spdy_scratch scratch, again_scratch;
  struct spdy_deflate *peer; /* compresses the input's text */
  struct spdy_block_writer writer;
  struct side first, again; /* reads the input; reads what the writer makes of that */
  uint8_t arena[ARENA_BYTES];
  size_t cut; /* bytes at once */
};

static enum spdy_block_result read_piece(struct run *run, struct side *side, struct span bytes,
                                         bool last) {
  uint8_t *copy = malloc(bytes.len ? bytes.len : 1); /* of its exact size */
  if (bytes.len) memcpy(copy, bytes.base, bytes.len);
  headers_init(&side->list, side->fields, FIELDS, run->arena, sizeof run->arena, LIST_BYTES);
  const char *reason = NULL;
  enum spdy_block_result result =
      spdy_block_read(&side->reader, span_of(copy, bytes.len), last, &side->list, &reason);
  free(copy);
  check((result >= SPDY_BLOCK_MALFORMED) == (reason != NULL));
  check((result == SPDY_BLOCK_MORE) == (!last && !reason));
  return result;
}

static enum spdy_block_result read_block(struct run *run, struct side *side, struct span bytes) {
  while (bytes.len > run->cut) {
    enum spdy_block_result result = read_piece(run, side, span_of(bytes.base, run->cut), false);
    if (result != SPDY_BLOCK_MORE) return result;
    bytes = span_skip(bytes, run->cut);
  }
  return read_piece(run, side, bytes, true);
}

static void check_list(const struct headers *list) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < list->count; i++) {
    const struct header *field = &list->at[i];
    bytes += field->name.len + field->value.len + HEADER_OVERHEAD_BYTES;
    check(header_name_flags(field->name) == 0);
    check(field->token == header_token_of(field->name));
    check(field->value.len == 0 || !memchr(field->value.base, 0, field->value.len));
    /* Fields of one name are neighbours. */
    for (uint32_t j = i + 1; j < list->count; j++)
      if (span_equal(field->name, list->at[j].name))
        check(span_equal(list->at[j - 1].name, field->name));
  }
  check(bytes <= LIST_BYTES);
}

/* Whether a field is written behind those that are no secrets. */
static bool moves(const struct header *field) {
  return field->token == TOKEN_COOKIE || field->token == TOKEN_SET_COOKIE ||
         field->token == TOKEN_AUTHORIZATION || field->token == TOKEN_PROXY_AUTHORIZATION;
}

static void check_same(const struct headers *sent, const struct headers *received) {
  uint32_t at = 0;
  check(received->count == sent->count);
  for (int secrets = 0; secrets < 2; secrets++)
    for (uint32_t i = 0; i < sent->count; i++) {
      if (moves(&sent->at[i]) != secrets) continue;
      check(span_equal(sent->at[i].name, received->at[at].name));
      check(span_equal(sent->at[i].value, received->at[at++].value));
    }
}

static void write_again(struct run *run) {
  const struct headers *list = &run->first.list;
  size_t bound = spdy_block_bound(list->at, list->count);
  uint8_t *out = malloc(bound);
  const uint8_t *end = spdy_block_write(&run->writer, list->at, list->count, out);
  check(end <= out + bound);
  check(read_block(run, &run->again, span_of(out, (size_t)(end - out))) == SPDY_BLOCK_DONE);
  check(!run->again.list.overflowed);
  check_same(list, &run->again.list);
  free(out);
}

/* Reads a block; false when the stream is lost. */
static bool take_block(struct run *run, struct span bytes) {
  enum spdy_block_result result = read_block(run, &run->first, bytes);
  if (result == SPDY_BLOCK_DONE && !run->first.list.overflowed) {
    check_list(&run->first.list);
    write_again(run);
  }
  return result <= SPDY_BLOCK_MALFORMED;
}

static bool take_text(struct run *run, struct span text) {
  size_t room = spdy_deflate_bound(text.len + 1);
  uint8_t *out = malloc(room), *end = out;
  if (text.len == 0) text = span_of((const uint8_t *)"", 1); /* zlib does not flush nothing */
  end = spdy_deflate(run->peer, text, end, room);
  end = spdy_deflate_flush(run->peer, false, end, room - (size_t)(end - out));
  bool goes_on = take_block(run, span_of(out, (size_t)(end - out)));
  free(out);
  return goes_on;
}

static void begin(struct run *run, const uint8_t octet) {
  const struct memory *memory = counted_init(&run->memory);
  run->cut = octet ? octet : 1 << 20;
  run->scratch = (struct spdy_scratch){malloc(LIST_BYTES + 4), LIST_BYTES + 4};
  run->again_scratch = (struct spdy_scratch){malloc(100), 100}; /* most blocks move out of it */
  spdy_block_reader_init(&run->first.reader, memory, &run->scratch, LIST_BYTES);
  spdy_block_reader_init(&run->again.reader, memory, &run->again_scratch, LIST_BYTES);
  spdy_block_writer_init(&run->writer, memory);
  run->peer = spdy_deflate_new(memory);
  check(run->peer && spdy_block_writer_ready(&run->writer));
}

static void end(struct run *run) {
  spdy_block_reader_destroy(&run->first.reader);
  spdy_block_reader_destroy(&run->again.reader);
  spdy_block_writer_destroy(&run->writer);
  spdy_deflate_free(run->peer);
  free(run->scratch.base);
  free(run->again_scratch.base);
  check(run->memory.count == 0);
  check(run->memory.bytes_max < 192 * KIB);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct run run;
  if (size == 0) return 0;
  begin(&run, data[0]);
  const uint8_t *at = data + 1, *stop = data + size;
  bool goes_on = true;
  while (goes_on && at < stop) {
    const uint8_t octet = *at++;
    size_t len = 4 * (size_t)(octet & 0x7f);
    if (len > (size_t)(stop - at)) len = (size_t)(stop - at);
    struct span bytes = span_of(at, len);
    goes_on = octet & 0x80 ? take_text(&run, bytes) : take_block(&run, bytes);
    at += len;
  }
  end(&run);
  return 0;
}
