/*
 * ws/test_deflate.c - messages are compressed and inflated, including the examples of RFC 7692.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/ws/deflate.h"
#include "engine/ws/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/hex.h"

enum { ROOM = 1 << 16 };

static struct counted_memory memory;

/* Inflates one message, in pieces of `piece` bytes, into room for `room` at a time. Returns the bytes, or -1
 * when it is bad. */
static long inflate_all(struct ws_inflate *inflate, struct span message, size_t piece, size_t room,
                        uint8_t *out) {
  size_t total = 0;
  bool tail = false;
  for (;;) {
    size_t len = message.len < piece ? message.len : piece;
    struct span in = span_of(message.base, len);
    enum ws_inflate_result result;
    do {
      size_t made = 0;
      assert_true(total + room <= ROOM);
      result = ws_inflate(inflate, &in, out + total, room, &made);
      total += made;
    } while (result == WS_INFLATE_FULL);
    if (result == WS_INFLATE_BAD) return -1;
    assert_int_equal(result, WS_INFLATE_MORE);
    assert_int_equal(in.len, 0);
    message = span_of(message.base + len, message.len - len);
    if (message.len > 0) continue;
    if (tail) return ws_inflate_is_whole(inflate) ? (long)total : -1;
    tail = true;
    message = ws_inflate_tail;
  }
}

/* RFC 7692 sections 7.2.3.1 to 7.2.3.6; and what is no compressed data. */
static const struct {
  const char *name, *hex;
  const char *text; /* NULL: bad */
} rows[] = {
    {"7.2.3.1 one block", "f2 48 cd c9 c9 07 00", "Hello"},
    {"7.2.3.3 a block without compression", "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello"},
    {"7.2.3.4 BFINAL is set", "f3 48 cd c9 c9 07 00 00", "Hello"},
    {"7.2.3.5 two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello"},
    {"7.2.3.6 an empty message", "00", ""},
    {"two final blocks", "f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00", "HelloHello"},
    {"empty blocks", "00 00 00 ff ff 00 00 00 ff ff 00", ""},
    {"a block of a reserved type", "ff ff ff", NULL},
    {"a stored block with wrong lengths", "00 05 00 fa fe 48 65 6c 6c 6f 00", NULL},
    {"cut within a block", "f2 48 cd c9", NULL},
    {"cut within a stored block", "00 05 00 fa ff 48 65", NULL},
    {"BFINAL without the empty block", "f3 48 cd c9 c9 07 00", NULL},
    {"a distance beyond the beginning", "f2 00 11 00 00", NULL},
    {"nothing at all", "", NULL},
};

static void rows_in_pieces(void **state) {
  (void)state;
  uint8_t bytes[64], out[ROOM];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t len = hex_decode(rows[i].hex, bytes, sizeof bytes);
    for (size_t piece = 1; piece <= len + 1; piece++)
      for (size_t room = 1; room <= 12; room++) {
        struct ws_inflate *inflate = ws_inflate_new(&memory.memory, 15);
        long made = inflate_all(inflate, span_of(bytes, len), piece, room, out);
        long expected = rows[i].text ? (long)strlen(rows[i].text) : -1;
        if (made != expected || (made > 0 && memcmp(out, rows[i].text, (size_t)made) != 0))
          fail_msg("%s: %ld bytes, in pieces of %zu, room for %zu", rows[i].name, made, piece,
                   room);
        ws_inflate_free(inflate);
      }
  }
}

/* Section 7.2.3.2: the second "Hello" refers to the first. */
static void a_shared_window(void **state) {
  (void)state;
  static const uint8_t first[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};
  static const uint8_t second[] = {0xf2, 0x00, 0x11, 0x00, 0x00};
  uint8_t out[ROOM];
  struct ws_inflate *inflate = ws_inflate_new(&memory.memory, 15);
  for (int i = 0; i < 3; i++) {
    struct span message = i == 0 ? span_of(first, sizeof first) : span_of(second, sizeof second);
    assert_int_equal(inflate_all(inflate, message, 100, 100, out), 5);
    assert_memory_equal(out, "Hello", 5);
  }
  ws_inflate_free(inflate);
}

static void fill(uint8_t *bytes, size_t len, unsigned kind) {
  uint32_t seed = kind + 1;
  for (size_t i = 0; i < len; i++) {
    seed = seed * 1664525 + 1013904223;
    bytes[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)("abcdefgh"[i / 7 % 8]) : (uint8_t)(seed >> 24);
  }
}

/* What is compressed inflates to the same, at every window, for zeros, text and noise. */
static void round_trips(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 2, 5, 100, 4095, 4096, 4097, 40000};
  static uint8_t in[ROOM], packed[2 * ROOM], out[ROOM];
  for (uint8_t bits = 9; bits <= 15; bits++) {
    struct ws_deflate *deflate = ws_deflate_new(&memory.memory, bits);
    struct ws_inflate *inflate = ws_inflate_new(&memory.memory, bits);
    for (unsigned kind = 0; kind < 3; kind++)
      for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t len = lengths[i];
        fill(in, len, kind);
        assert_true(ws_deflate_bound(deflate, len) <= sizeof packed);
        size_t made = ws_deflate_message(deflate, span_of(in, len), packed);
        assert_true(made >= 1 && made <= ws_deflate_bound(deflate, len));
        if (len == 40000 && kind < 2) assert_true(made < 4000);
        assert_int_equal(inflate_all(inflate, span_of(packed, made), 1000, 1000, out), len);
        assert_memory_equal(in, out, len);
      }
    ws_deflate_free(deflate);
    ws_inflate_free(inflate);
  }
}

/* Inflating never writes beyond its room: a bomb stops where its reader stops. */
static void a_bomb_stops(void **state) {
  (void)state;
  static uint8_t zeros[1 << 20], out[WS_PIECE_BYTES];
  struct ws_deflate *deflate = ws_deflate_new(&memory.memory, 15);
  uint8_t *large = malloc(ws_deflate_bound(deflate, sizeof zeros));
  size_t len = ws_deflate_message(deflate, span_of(zeros, sizeof zeros), large);
  assert_true(len < sizeof zeros / 200);
  struct ws_inflate *inflate = ws_inflate_new(&memory.memory, 15);
  struct span in = span_of(large, len);
  for (int i = 0; i < 3; i++) {
    size_t made = 0;
    assert_int_equal(ws_inflate(inflate, &in, out, sizeof out, &made), WS_INFLATE_FULL);
    assert_int_equal(made, sizeof out);
  }
  ws_inflate_free(inflate);
  ws_deflate_free(deflate);
  free(large);
}

/* The memory that ws/limits.h states for WS_DEFLATE_WINDOW_BITS_DEFAULT. */
static void memory_of_a_state(void **state) {
  (void)state;
  static uint8_t in[ROOM], packed[2 * ROOM], out[ROOM];
  size_t before = memory.bytes;
  fill(in, 40000, 2);
  struct ws_deflate *deflate = ws_deflate_new(&memory.memory, WS_DEFLATE_WINDOW_BITS_DEFAULT);
  size_t len = ws_deflate_message(deflate, span_of(in, 40000), packed);
  assert_in_range(memory.bytes - before, 30 * KIB, 40 * KIB);
  ws_deflate_free(deflate);
  for (uint8_t bits = WS_DEFLATE_WINDOW_BITS_DEFAULT; bits <= 15; bits += 3) {
    struct ws_inflate *inflate = ws_inflate_new(&memory.memory, bits);
    assert_int_equal(inflate_all(inflate, span_of(packed, len), 500, 500, out), 40000);
    assert_in_range(memory.bytes - before, bits == 15 ? 36 * KIB : 8 * KIB,
                    bits == 15 ? 44 * KIB : 12 * KIB);
    ws_inflate_free(inflate);
  }
  assert_int_equal(memory.bytes, before);
}

/* Each allocation is refused in turn: there is an answer, and nothing is left. */
static void without_memory(void **state) {
  (void)state;
  uint8_t out[ROOM], one[] = {0xf2, 0x48, 0xcd};
  for (uint64_t refused = 1; refused <= 8; refused++) {
    size_t count = memory.count;
    memory.refuse_at = memory.calls + refused;
    struct ws_deflate *deflate = ws_deflate_new(&memory.memory, 12);
    if (refused <= 2) assert_null(deflate);
    ws_deflate_free(deflate);
    memory.refuse_at = memory.calls + refused;
    struct ws_inflate *inflate = ws_inflate_new(&memory.memory, 12);
    if (refused <= 2) assert_null(inflate);
    struct span in = span_of(one, sizeof one);
    size_t made = 0;
    if (inflate) { /* the window is allocated when output stays */
      enum ws_inflate_result result = ws_inflate(inflate, &in, out, 100, &made);
      assert_int_equal(result, refused == 3 ? WS_INFLATE_POOR : WS_INFLATE_MORE);
    }
    ws_inflate_free(inflate);
    memory.refuse_at = 0;
    assert_int_equal(memory.count, count);
  }
}

static int set_up(void **state) {
  (void)state;
  (void)counted_init(&memory);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  return memory.bytes != 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_in_pieces),    cmocka_unit_test(a_shared_window),
      cmocka_unit_test(round_trips),       cmocka_unit_test(a_bomb_stops),
      cmocka_unit_test(memory_of_a_state), cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
