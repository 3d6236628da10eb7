/*
 * helpers/spdy_peer.c - SPDY frames between bytes and lines of text, by weir's codec. Its counterpart on Go's
 * spdystream is tests/peers/framer.
 *
 *     spdy_peer read [PIECE] < frames > lines     feeds header blocks in pieces of PIECE bytes
 *     spdy_peer write < lines > frames
 *
 * A line is one of these, numbers in decimal, the rest in hexadecimal. Fields of one name are neighbours.
 *
 *     DATA FLAGS STREAM -BYTES                    SYN_REPLY FLAGS STREAM [NAME=VALUE]...
 *     SYN_STREAM FLAGS STREAM ASSOCIATED PRIORITY [NAME=VALUE]...
 *     HEADERS FLAGS STREAM [NAME=VALUE]...        RST_STREAM FLAGS STREAM STATUS
 *     SETTINGS FLAGS [FLAG:ID:VALUE]...           PING FLAGS ID
 *     GOAWAY FLAGS LAST STATUS                    WINDOW_UPDATE FLAGS STREAM DELTA
 */
#include "engine/spdy/block.h"
#include "engine/spdy/frame.h"
#include "engine/spdy/limits.h"
#include "tests/support/counted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 1000, LINE_BYTES = 1 << 22, LIST_BYTES = 1 << 20 };

static struct counted_memory memory;
static char line[LINE_BYTES];

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "spdy_peer: %s\n", what);
  exit(1);
}

/* ---- bytes to lines -------------------------------------------------------------------------- */

static void print_hex(struct span bytes) {
  for (size_t i = 0; i < bytes.len; i++)
    printf("%02x", bytes.base[i]);
}

static struct spdy_block_reader reader;
static struct header fields[FIELDS];
static uint8_t arena[64];

static void print_block(struct span block, size_t piece) {
  struct headers list;
  const char *reason = NULL;
  enum spdy_block_result result = SPDY_BLOCK_MORE;
  headers_init(&list, fields, FIELDS, arena, sizeof arena, LIST_BYTES);
  while (result == SPDY_BLOCK_MORE) {
    size_t len = block.len < piece ? block.len : piece;
    struct span bytes = span_of(block.base, len);
    block = span_of(block.base + len, block.len - len);
    result = spdy_block_read(&reader, bytes, block.len == 0, &list, &reason);
  }
  if (result != SPDY_BLOCK_DONE) fail(reason);
  if (list.overflowed) fail("list is too large");
  for (uint32_t i = 0; i < list.count; i++) {
    printf(" ");
    print_hex(list.at[i].name);
    printf("=");
    print_hex(list.at[i].value);
  }
}

static void print_settings(const struct spdy_frame *frame, struct span entries) {
  for (uint32_t i = 0; i < frame->settings_entries; i++) {
    struct spdy_setting setting =
        spdy_setting_decode(entries.base + (size_t)SPDY_SETTING_BYTES * i);
    printf(" %u:%u:%u", setting.flags, setting.id, setting.value);
  }
}

static void print_frame(const struct spdy_frame *frame, struct span rest, size_t piece) {
  printf("%s %u", spdy_frame_name(frame->header.type), frame->header.flags);
  switch (frame->header.type) {
  case SPDY_DATA:
    printf(" %u -", frame->stream_id);
    print_hex(rest);
    break;
  case SPDY_SYN_STREAM:
    printf(" %u %u %u", frame->stream_id, frame->syn_stream.associated_id,
           frame->syn_stream.priority);
    print_block(rest, piece);
    break;
  case SPDY_SYN_REPLY:
  case SPDY_HEADERS:
    printf(" %u", frame->stream_id);
    print_block(rest, piece);
    break;
  case SPDY_RST_STREAM: printf(" %u %u", frame->stream_id, frame->status); break;
  case SPDY_SETTINGS: print_settings(frame, rest); break;
  case SPDY_PING: printf(" %u", frame->ping_id); break;
  case SPDY_GOAWAY: printf(" %u %u", frame->goaway.last_good_id, frame->goaway.status); break;
  case SPDY_WINDOW_UPDATE: printf(" %u %u", frame->stream_id, frame->delta); break;
  }
  printf("\n");
}

static void read_frames(size_t piece) {
  static uint8_t scratch_bytes[SPDY_SCRATCH_BYTES(LIST_BYTES)];
  static uint8_t payload[SPDY_FRAME_LENGTH_MAX];
  const struct spdy_scratch scratch = {scratch_bytes, sizeof scratch_bytes};
  uint8_t head[SPDY_FRAME_HEADER_BYTES];
  spdy_block_reader_init(&reader, &memory.memory, &scratch, LIST_BYTES);
  while (fread(head, 1, sizeof head, stdin) == sizeof head) {
    struct spdy_frame_header header = spdy_frame_header_decode(head);
    struct spdy_frame frame;
    struct spdy_verdict verdict = spdy_frame_check(&header);
    if (verdict.scope != SPDY_ACCEPT) fail(verdict.reason ? verdict.reason : "unknown frame");
    if (fread(payload, 1, header.length, stdin) != header.length) fail("frame is cut short");
    verdict = spdy_frame_decode(&header, payload, &frame);
    if (verdict.scope != SPDY_ACCEPT) fail(verdict.reason);
    uint32_t fixed = spdy_frame_fixed_bytes(&header);
    print_frame(&frame, span_of(payload + fixed, header.length - fixed), piece);
  }
  spdy_block_reader_destroy(&reader);
}

/* ---- lines to bytes -------------------------------------------------------------------------- */

static struct spdy_block_writer writer;
static uint8_t *text_at; /* where the next bytes from hexadecimal go */
static char *words;      /* what is left of the line */

static char *next_word(void) {
  char *word = strsep(&words, " \n");
  return word && *word ? word : NULL;
}

static uint32_t next_number(void) {
  const char *word = next_word();
  if (!word) fail("number expected");
  return (uint32_t)strtoul(word, NULL, 10);
}

static struct span bytes_of(const char *hex) {
  struct span bytes = span_of(text_at, strlen(hex) / 2);
  for (; *hex; hex += 2) {
    char octet[3] = {hex[0], hex[1], 0};
    *text_at++ = (uint8_t)strtoul(octet, NULL, 16);
  }
  return bytes;
}

/* Reads the fields that follow, and makes a block of them. */
static struct span next_block(void) {
  size_t count = 0;
  for (char *word; (word = next_word());) {
    char *value = strchr(word, '=');
    if (!value || count == FIELDS) fail("field expected");
    *value = 0;
    fields[count] = (struct header){.name = bytes_of(word)};
    fields[count++].value = bytes_of(value + 1);
  }
  uint8_t *block = malloc(spdy_block_bound(fields, count));
  if (!block || !spdy_block_writer_ready(&writer)) fail("no memory");
  return span_of(block, (size_t)(spdy_block_write(&writer, fields, count, block) - block));
}

static uint8_t *settings_frame(uint8_t *out, uint8_t flags) {
  struct spdy_setting settings[SPDY_SETTINGS_ENTRIES_MAX];
  uint32_t count = 0;
  for (char *word; count < SPDY_SETTINGS_ENTRIES_MAX && (word = next_word()); count++) {
    char *end;
    settings[count].flags = (uint8_t)strtoul(word, &end, 10);
    settings[count].id = (uint32_t)strtoul(end + 1, &end, 10);
    settings[count].value = (uint32_t)strtoul(end + 1, NULL, 10);
  }
  return spdy_frame_settings_encode(out, flags, settings, count);
}

/* Writes the frame of a line, whose first two words are taken, and the bytes that follow it. */
static uint8_t *frame_of(const char *name, uint8_t flags, uint8_t *out, struct span *rest) {
  if (strcmp(name, "SETTINGS") == 0) return settings_frame(out, flags);
  uint32_t first = next_number();
  if (strcmp(name, "PING") == 0) return spdy_frame_ping_encode(out, first);
  if (strcmp(name, "DATA") == 0) {
    *rest = bytes_of(next_word() + 1);
    return spdy_frame_data_encode(out, first, flags, (uint32_t)rest->len);
  }
  if (strcmp(name, "SYN_STREAM") == 0) {
    uint32_t associated = next_number();
    uint8_t priority = (uint8_t)next_number();
    *rest = next_block();
    return spdy_frame_syn_stream_encode(out, flags, first, associated, priority,
                                        (uint32_t)rest->len);
  }
  if (strcmp(name, "SYN_REPLY") == 0 || strcmp(name, "HEADERS") == 0) {
    *rest = next_block();
    return name[0] == 'S' ? spdy_frame_syn_reply_encode(out, flags, first, (uint32_t)rest->len)
                          : spdy_frame_headers_encode(out, flags, first, (uint32_t)rest->len);
  }
  uint32_t second = next_number();
  if (strcmp(name, "RST_STREAM") == 0) return spdy_frame_rst_stream_encode(out, first, second);
  if (strcmp(name, "GOAWAY") == 0) return spdy_frame_goaway_encode(out, first, second);
  if (strcmp(name, "WINDOW_UPDATE") == 0)
    return spdy_frame_window_update_encode(out, first, second);
  fail("no such frame");
}

static void write_frames(void) {
  static uint8_t text[LINE_BYTES], out[SPDY_SETTINGS_BYTES(SPDY_SETTINGS_ENTRIES_MAX)];
  spdy_block_writer_init(&writer, &memory.memory);
  while (fgets(line, sizeof line, stdin)) {
    struct span rest = {0};
    words = line;
    text_at = text;
    const char *name = next_word();
    if (!name) fail("empty line");
    uint8_t flags = (uint8_t)next_number();
    const uint8_t *end = frame_of(name, flags, out, &rest);
    fwrite(out, 1, (size_t)(end - out), stdout);
    if (rest.len) fwrite(rest.base, 1, rest.len, stdout);
    if (strcmp(name, "DATA") != 0) free((void *)(uintptr_t)rest.base);
  }
  spdy_block_writer_destroy(&writer);
}

int main(int argc, char **argv) {
  counted_init(&memory);
  if (argc >= 2 && strcmp(argv[1], "read") == 0)
    read_frames(argc > 2 ? strtoul(argv[2], NULL, 10) : SIZE_MAX);
  else if (argc == 2 && strcmp(argv[1], "write") == 0)
    write_frames();
  else
    fail("usage: spdy_peer read [PIECE] | write");
  if (memory.count != 0) fail("memory is left");
  return 0;
}
