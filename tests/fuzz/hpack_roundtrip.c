/*
 * fuzz/hpack_roundtrip.c - any field lists, through our encoder and back through our decoder.
 *
 * Input: a program of octets. Each chooses a field of the block (a known or unknown name; the
 * input's next octets or an earlier value as its value), the end of the block, one of the latest lists
 * to be sent again, as a kept block where that is still right, a new table size, or that memory is refused from
 * now on. The decoder must return the same fields, hold the same table, and find no credential in it;
 * the block must fit its bound.
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

enum { LISTS = 4 };

struct list {
  struct header fields[FIELDS_MAX];
  size_t count;
  uint64_t number; /* no other has it */
};

struct exchange {
  struct hpack_encoder encoder;
  struct hpack_decoder decoder;
  struct list lists[LISTS];
  uint64_t lists_sent; /* the next one is made at the place that its number has */
  struct header received[FIELDS_MAX];
};

static struct list *place_of(struct exchange *x, uint64_t number) {
  return &x->lists[number % LISTS];
}

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

/* As responses are sent: a block that was kept takes the place of its fields. */
static size_t encode(struct exchange *x, const struct list *list, uint8_t *out) {
  const struct hpack_block_key key = {.list = list->number};
  uint8_t *at = hpack_encode_again(&x->encoder, key, out);
  if (at) return (size_t)(at - out);
  uint8_t *begin = at = hpack_encode_begin(&x->encoder, out);
  for (size_t i = 0; i < list->count; i++)
    at = hpack_encode_field(&x->encoder, &list->fields[i], at);
  hpack_encode_keep(&x->encoder, key, begin, at);
  return (size_t)(at - out);
}

static void send_list(struct exchange *x, const struct list *list) {
  const size_t bound = hpack_encode_bound(list->fields, list->count);
  uint8_t *out = malloc(bound);
  const size_t len = encode(x, list, out);
  check(len <= bound);
  struct headers headers;
  uint8_t *arena = malloc(ARENA_BYTES);
  headers_init(&headers, x->received, FIELDS_MAX, arena, ARENA_BYTES, LIST_BYTES_MAX);
  const char *reason = NULL;
  check(hpack_decode(&x->decoder, span_of(out, len), &headers, &reason) == HPACK_OK);
  check(headers.count == list->count && !headers.overflowed);
  for (size_t i = 0; i < list->count; i++) {
    const struct header *sent = &list->fields[i];
    check(span_equal(sent->name, x->received[i].name));
    check(span_equal(sent->value, x->received[i].value));
    if (sent->flags & HEADER_NEVER_INDEX) check(x->received[i].flags & HEADER_NEVER_INDEX);
  }
  check_tables(&x->encoder.table, &x->decoder.table);
  free(arena);
  free(out);
}

/* Sends the list that is being made, and begins the next. */
static void send_block(struct exchange *x) {
  send_list(x, place_of(x, x->lists_sent));
  const uint64_t number = ++x->lists_sent;
  *place_of(x, number) = (struct list){.number = number};
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
  struct list *list = place_of(x, x->lists_sent);
  if (code == 0xef) refuses = true;
  if (code >= 0xec && code < 0xef) {
    const uint64_t before = code - 0xebu; /* 1 .. LISTS - 1 */
    if (before <= x->lists_sent) send_list(x, place_of(x, x->lists_sent - before));
    return;
  }
  if (code >= 0xe0 || list->count == FIELDS_MAX) {
    send_block(x);
    return;
  }
  struct header field = {.flags = code & 0x80 && code & 1 ? HEADER_NEVER_INDEX : 0};
  if ((code & 0x7f) < TOKEN_COUNT) field.token = code & 0x7f;
  field.name = field.token ? header_token_name((enum header_token)field.token) : take(at, end);
  field.token = (uint16_t)header_token_of(field.name);
  field.value = take(at, end);
  if (code & 0x80) field.token = TOKEN_UNKNOWN; /* the encoder looks it up */
  list->fields[list->count++] = field;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct exchange x = {.lists_sent = 0};
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
