/*
 * fuzz/hpack_roundtrip.c - any field lists, through our encoder and back through our decoder.
 *
 * Input: a program of octets. Each chooses a field of the block (a known or unknown name; the
 * input's next octets or an earlier value as its value), the end of the block, a new table size, or
 * that memory is refused from now on. The decoder must return the same fields, hold the same table,
 * and find no credential in it; the block must fit its bound.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool refuses;

static void *allocate(void *ctx, size_t bytes) {
  (void)ctx;
  return malloc(bytes);
}

static void *allocate_or_refuse(void *ctx, size_t bytes) {
  return refuses ? NULL : allocate(ctx, bytes);
}

static void release(void *ctx, void *object, size_t bytes) {
  (void)ctx;
  (void)bytes;
  free(object);
}

static const struct memory plentiful = {NULL, allocate, release};
static const struct memory scarce = {NULL, allocate_or_refuse, release};

static void check(bool holds) {
  if (!holds) abort();
}

enum { FIELDS_MAX = 32, ARENA_BYTES = 256 * 1024, LIST_BYTES_MAX = 1 << 20 };

struct exchange {
  struct hpack_encoder encoder;
  struct hpack_decoder decoder;
  struct header sent[FIELDS_MAX];
  size_t count;
  struct header received[FIELDS_MAX];
};

static void check_tables(const struct hpack_table *a, const struct hpack_table *b) {
  check(a->count == b->count && a->bytes == b->bytes);
  for (uint32_t age = 0; age < a->count; age++) {
    uint8_t strings[2][HPACK_TABLE_BYTES_MAX];
    const struct hpack_entry *of_a = hpack_table_at(a, age), *of_b = hpack_table_at(b, age);
    check(of_a->name_len == of_b->name_len && of_a->value_len == of_b->value_len);
    check(of_a->token == of_b->token);
    check(of_a->token != TOKEN_AUTHORIZATION && of_a->token != TOKEN_SET_COOKIE &&
          of_a->token != TOKEN_PROXY_AUTHORIZATION);
    check(of_a->token != TOKEN_COOKIE || of_a->value_len >= 20);
    hpack_table_copy(a, of_a, strings[0]);
    hpack_table_copy(b, of_b, strings[1]);
    check(memcmp(strings[0], strings[1], hpack_entry_stored_len(of_a)) == 0);
  }
}

static void send_block(struct exchange *x) {
  const size_t bound = hpack_encode_bound(x->sent, x->count);
  uint8_t *out = malloc(bound);
  const size_t len = hpack_encode(&x->encoder, x->sent, x->count, out);
  check(len <= bound);
  struct headers headers;
  uint8_t *arena = malloc(ARENA_BYTES);
  headers_init(&headers, x->received, FIELDS_MAX, arena, ARENA_BYTES, LIST_BYTES_MAX);
  const char *reason = NULL;
  check(hpack_decode(&x->decoder, span_of(out, len), &headers, &reason) == HPACK_OK);
  check(headers.count == x->count && !headers.overflowed);
  for (size_t i = 0; i < x->count; i++) {
    check(span_equal(x->sent[i].name, x->received[i].name));
    check(span_equal(x->sent[i].value, x->received[i].value));
    if (x->sent[i].flags & HEADER_NEVER_INDEX) check(x->received[i].flags & HEADER_NEVER_INDEX);
  }
  check_tables(&x->encoder.table, &x->decoder.table);
  x->count = 0;
  free(arena);
  free(out);
}

/* The next octets of the program. The first of them is their number. */
static struct span take(const uint8_t **at, const uint8_t *end) {
  if (*at == end) return span_of("", 0);
  size_t len = *(*at)++;
  if (len > 200) len = (len - 200) * 64; /* sometimes close to the table's size */
  if (len > (size_t)(end - *at)) len = (size_t)(end - *at);
  *at += len;
  return span_of(*at - len, len);
}

/* One field or one event; `code` chooses. */
static void step(struct exchange *x, uint8_t code, const uint8_t **at, const uint8_t *end) {
  if (code >= 0xf0) {
    const uint32_t limit = (uint32_t)(code & 7) * 585;
    hpack_encoder_set_limit(&x->encoder, limit);
    hpack_decoder_set_limit(&x->decoder, limit);
    return;
  }
  if (code == 0xef) refuses = true;
  if (code >= 0xe0 || x->count == FIELDS_MAX) {
    send_block(x);
    return;
  }
  struct header field = {.flags = code & 0x80 && code & 1 ? HEADER_NEVER_INDEX : 0};
  if ((code & 0x7f) < TOKEN_COUNT) field.token = code & 0x7f;
  field.name = field.token ? header_token_name((enum header_token)field.token) : take(at, end);
  field.token = (uint16_t)header_token_of(field.name);
  field.value = take(at, end);
  if (code & 0x80) field.token = TOKEN_UNKNOWN; /* the encoder looks it up */
  x->sent[x->count++] = field;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct exchange x = {.count = 0};
  refuses = false;
  hpack_encoder_init(&x.encoder, &scarce);
  hpack_decoder_init(&x.decoder, &plentiful);
  const uint8_t *at = data, *end = data + size;
  while (at < end) {
    const uint8_t code = *at++;
    step(&x, code, &at, end);
  }
  send_block(&x);
  hpack_encoder_destroy(&x.encoder);
  hpack_decoder_destroy(&x.decoder);
  return 0;
}
