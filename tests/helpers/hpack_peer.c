/*
 * helpers/hpack_peer.c - our HPACK behind a pipe, for tests/e2e/test_hpack_peer.py.
 *
 * Commands come on stdin, one per line. Strings are in hexadecimal, after a '-', so that an empty
 * one is a word, too. `encode` is answered with one line, `decode` with a line per field and a last
 * one.
 *
 *     limit BYTES               the table limit of both directions
 *     field FLAGS -NAME -VALUE  one more field of the next block
 *     encode                    -> -BLOCK
 *     decode -BLOCK             -> FLAGS -NAME -VALUE ... "ok", or "error REASON"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
#include "tools/common/process.h"

enum { LINE_BYTES = 256 * 1024, FIELDS_MAX = 1024, ARENA_BYTES = 256 * 1024 };

/* The fields of the next block. Their strings are in `strings`. */
static struct header fields[FIELDS_MAX];
static size_t field_count;
static uint8_t strings[ARENA_BYTES];
static size_t strings_used;

static void die(const char *what) {
  fprintf(stderr, "hpack_peer: %s\n", what);
  exit(2);
}

/* Decodes "-6162" to bytes, which stay until the next block. */
static struct span parse_string(const char *word) {
  if (!word || *word != '-') die("a string is missing");
  const size_t len = strlen(++word) / 2;
  if (len > sizeof strings - strings_used) die("strings are too long");
  uint8_t *at = strings + strings_used;
  for (size_t i = 0; i < len; i++) {
    const char digits[3] = {word[2 * i], word[2 * i + 1], '\0'};
    at[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  strings_used += len;
  return span_of(at, len);
}

static void print_string(struct span string, char end) {
  putchar('-');
  for (size_t i = 0; i < string.len; i++)
    printf("%02x", string.base[i]);
  putchar(end);
}

static void add_field(void) {
  if (field_count == FIELDS_MAX) die("too many fields");
  const char *flags = strtok(NULL, " ");
  if (!flags) die("flags are missing");
  struct header field = {.flags = (uint8_t)strtoul(flags, NULL, 10)};
  field.name = parse_string(strtok(NULL, " "));
  field.value = parse_string(strtok(NULL, " "));
  field.token = (uint16_t)header_token_of(field.name);
  fields[field_count++] = field;
}

static void encode(struct hpack_encoder *encoder) {
  uint8_t *block = malloc(hpack_encode_bound(fields, field_count));
  if (!block) die("no memory");
  print_string(span_of(block, hpack_encode(encoder, fields, field_count, block)), '\n');
  free(block);
}

static void decode(struct hpack_decoder *decoder) {
  static struct header received[FIELDS_MAX];
  static uint8_t arena[ARENA_BYTES];
  struct headers headers;
  headers_init(&headers, received, FIELDS_MAX, arena, sizeof arena, 1 << 20);
  const char *reason = NULL;
  const struct span block = parse_string(strtok(NULL, " "));
  if (hpack_decode(decoder, block, &headers, &reason) != HPACK_OK) {
    printf("error %s\n", reason);
    return;
  }
  for (uint32_t i = 0; i < headers.count; i++) {
    printf("%d ", headers.at[i].flags);
    print_string(headers.at[i].name, ' ');
    print_string(headers.at[i].value, '\n');
  }
  puts(headers.overflowed ? "error overflowed" : "ok");
}

int main(void) {
  static char line[LINE_BYTES];
  struct hpack_encoder encoder;
  struct hpack_decoder decoder;
  hpack_encoder_init(&encoder, &process_memory);
  hpack_decoder_init(&decoder, &process_memory);
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = '\0';
    const char *command = strtok(line, " ");
    if (command && strcmp(command, "field") == 0) {
      add_field();
      continue;
    }
    if (command && strcmp(command, "limit") == 0) {
      const char *bytes = strtok(NULL, " ");
      hpack_encoder_set_limit(&encoder, bytes ? (uint32_t)strtoul(bytes, NULL, 10) : 0);
      hpack_decoder_set_limit(&decoder, bytes ? (uint32_t)strtoul(bytes, NULL, 10) : 0);
      continue;
    }
    if (command && strcmp(command, "encode") == 0)
      encode(&encoder);
    else if (command && strcmp(command, "decode") == 0)
      decode(&decoder);
    else
      die("unknown command");
    field_count = strings_used = 0;
    fflush(stdout);
  }
  hpack_encoder_destroy(&encoder);
  hpack_decoder_destroy(&decoder);
  return 0;
}
