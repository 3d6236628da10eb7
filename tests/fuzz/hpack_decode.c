/*
 * fuzz/hpack_decode.c - any bytes as a connection's header blocks.
 *
 * Input: a first octet that chooses the limits, then blocks. Each has two octets of length before
 * it. Beyond not crashing: a second decoder, whose list has no room at all, decodes each block,
 * too. Both must return the same verdict and counts, and have the same table afterwards, since a
 * list that overflows must not change what is read (CVE-2023-32731).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/hpack/decode.h"
#include "tools/common/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) abort();
}

enum { FIELDS_MAX = 64, LIST_BYTES_MAX = 16 * 1024 };

struct party {
  struct hpack_decoder decoder;
  struct headers headers;
  struct header fields[FIELDS_MAX];
};

static void party_init(struct party *party, uint32_t fields_max, size_t arena_bytes) {
  hpack_decoder_init(&party->decoder, &process_memory);
  /* Allocated, so that the sanitizer sees a byte too many. Never NULL. */
  headers_init(&party->headers, party->fields, fields_max, malloc(arena_bytes + 1), arena_bytes,
               LIST_BYTES_MAX);
}

static void party_destroy(struct party *party) {
  hpack_decoder_destroy(&party->decoder);
  free(party->headers.arena);
}

/* Checks what is promised for every list. */
static void check_list(const struct headers *headers) {
  check(headers->count <= headers->max);
  check(headers->arena_used <= headers->arena_max);
  for (uint32_t i = 0; i < headers->count; i++) {
    const struct header *field = &headers->at[i];
    check(field->token == header_token_of(field->name));
    check((field->flags & ~HEADER_NEVER_INDEX) ==
          (header_name_flags(field->name) | header_value_flags(field->value) |
           header_pseudo_flags(field->token, field->value)));
  }
}

static void check_tables(const struct hpack_table *a, const struct hpack_table *b) {
  check(a->count == b->count && a->bytes == b->bytes && a->bytes_max == b->bytes_max);
  for (uint32_t age = 0; age < a->count; age++) {
    uint8_t strings[2][HPACK_TABLE_BYTES_MAX];
    const struct hpack_entry *of_a = hpack_table_at(a, age), *of_b = hpack_table_at(b, age);
    check(of_a->name_len == of_b->name_len && of_a->value_len == of_b->value_len);
    check(of_a->token == of_b->token && of_a->flags == of_b->flags);
    hpack_table_copy(a, of_a, strings[0]);
    hpack_table_copy(b, of_b, strings[1]);
    check(memcmp(strings[0], strings[1], hpack_entry_stored_len(of_a)) == 0);
  }
}

/* Returns false when the connection is over. */
static bool decode_block(struct party *kept, struct party *dropped, struct span block) {
  const char *reason[2] = {NULL, NULL};
  headers_clear(&kept->headers);
  headers_clear(&dropped->headers);
  const enum hpack_result of_kept = hpack_decode(&kept->decoder, block, &kept->headers, &reason[0]);
  const enum hpack_result of_dropped =
      hpack_decode(&dropped->decoder, block, &dropped->headers, &reason[1]);
  check(of_kept == of_dropped && of_kept != HPACK_NO_MEMORY);
  check((of_kept == HPACK_OK) == (reason[0] == NULL) && (reason[0] == reason[1]));
  check_list(&kept->headers);
  if (of_kept != HPACK_OK) return false;
  check(kept->headers.list_bytes == dropped->headers.list_bytes);
  check(dropped->headers.count == 0);
  check_tables(&kept->decoder.table, &dropped->decoder.table);
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct party kept, dropped;
  party_init(&kept, FIELDS_MAX, (size_t)(data[0] & 0x0f) * 512);
  party_init(&dropped, 0, 0);
  if (data[0] & 0x10) {
    const uint32_t limit = (uint32_t)(data[0] >> 5) * 64;
    hpack_decoder_set_limit(&kept.decoder, limit);
    hpack_decoder_set_limit(&dropped.decoder, limit);
  }
  const uint8_t *at = data + 1, *end = data + size;
  while (end - at >= 2) {
    size_t len = (size_t)at[0] << 8 | at[1];
    at += 2;
    if (len > (size_t)(end - at)) len = (size_t)(end - at);
    /* A copy of exact size, so that the sanitizer sees reads beyond it. */
    uint8_t *block = malloc(len + 1);
    memcpy(block + 1, at, len);
    const bool goes_on = decode_block(&kept, &dropped, span_of(block + 1, len));
    free(block);
    if (!goes_on) break;
    at += len;
  }
  party_destroy(&kept);
  party_destroy(&dropped);
  return 0;
}
