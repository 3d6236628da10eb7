/*
 * ws/test_frame.c - headers of frames: what each octet allows, read back and written.
 */
#include <string.h>

#include "engine/ws/frame.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

enum { C = 1, S = 2, Z = 4 }; /* from a client, from a server; Z: with permessage-deflate */

/* `octets`: how many of them decide; with fewer the answer is WS_FRAME_MORE. */
static const struct row {
  const char *name, *hex;
  int from;
  size_t octets;
  const char *fault; /* NULL: a whole header */
  uint64_t len;
} rows[] = {
    {"text, unmasked", "81 05", S, 2, NULL, 5},
    {"text, masked", "81 85 37fa213d", C, 6, NULL, 5},
    {"first fragment", "01 03", S, 2, NULL, 3},
    {"last fragment", "80 02", S, 2, NULL, 2},
    {"ping", "89 05", S, 2, NULL, 5},
    {"pong, masked", "8a 85 37fa213d", C, 6, NULL, 5},
    {"close", "88 02", S, 2, NULL, 2},
    {"256 octets", "82 7e 0100", S, 4, NULL, 256},
    {"64 KiB", "82 7f 0000000000010000", S, 10, NULL, 65536},
    {"empty", "82 00", S, 2, NULL, 0},
    {"125 octets", "82 7d", S, 2, NULL, 125},
    {"126 octets", "82 7e 007e", S, 4, NULL, 126},
    {"127 octets", "82 fe 007f 01020304", C, 8, NULL, 127},
    {"65535 octets", "82 7e ffff", S, 4, NULL, 65535},
    {"65535 octets, masked", "82 fe ffff 01020304", C, 8, NULL, 65535},
    {"65536 octets, masked", "82 ff 0000000000010000 01020304", C, 14, NULL, 65536},
    {"the longest", "82 7f 7fffffffffffffff", S, 10, NULL, INT64_MAX},
    {"ping of 125", "89 7d", S, 2, NULL, 125},
    {"compressed text", "c1 07", S | Z, 2, NULL, 7},
    {"compressed, first fragment", "41 03", S | Z, 2, NULL, 3},
    {"compressed binary, masked", "c2 87 01020304", C | Z, 6, NULL, 7},
    {"not compressed though it could be", "81 05", S | Z, 2, NULL, 5},

    {"RSV1", "c1 05", S, 1, "reserved bit set", 0},
    {"RSV2", "a1 05", S, 1, "reserved bit set", 0},
    {"RSV3", "91 05", S, 1, "reserved bit set", 0},
    {"RSV1 and RSV2", "e1 05", S | Z, 1, "reserved bit set", 0},
    {"all RSV", "f1 05", S | Z, 1, "reserved bit set", 0},
    {"RSV2 with deflate", "a1 05", S | Z, 1, "reserved bit set", 0},
    {"RSV3 with deflate", "91 05", S | Z, 1, "reserved bit set", 0},
    {"RSV1 on a continuation", "c0 05", S | Z, 1, "reserved bit set", 0},
    {"RSV1 on a ping", "c9 05", S | Z, 1, "reserved bit set", 0},
    {"RSV1 on a pong", "ca 05", S | Z, 1, "reserved bit set", 0},
    {"RSV1 on a close", "c8 02", S | Z, 1, "reserved bit set", 0},
    {"opcode 3", "83 05", S, 1, "reserved opcode", 0},
    {"opcode 4", "84 05", S, 1, "reserved opcode", 0},
    {"opcode 5", "85 85", C, 1, "reserved opcode", 0},
    {"opcode 6", "86 85", C, 1, "reserved opcode", 0},
    {"opcode 7", "07 05", S, 1, "reserved opcode", 0},
    {"opcode 11", "8b 05", S, 1, "reserved opcode", 0},
    {"opcode 12", "8c 05", S, 1, "reserved opcode", 0},
    {"opcode 13", "8d 85", C, 1, "reserved opcode", 0},
    {"opcode 14", "8e 85", C, 1, "reserved opcode", 0},
    {"opcode 15", "8f 05", S, 1, "reserved opcode", 0},
    {"fragmented close", "08 02", S, 1, "fragmented control frame", 0},
    {"fragmented ping", "09 05", S, 1, "fragmented control frame", 0},
    {"fragmented pong", "0a 85", C, 1, "fragmented control frame", 0},
    {"a client without mask", "81 05", C, 2, "frame without mask", 0},
    {"a client's ping without mask", "89 00", C, 2, "frame without mask", 0},
    {"a server with mask", "81 85", S, 2, "masked frame", 0},
    {"a server's close with mask", "88 82", S, 2, "masked frame", 0},
    {"ping of 126", "89 7e", S, 2, "control frame is too long", 0},
    {"close of 126", "88 fe", C, 2, "control frame is too long", 0},
    {"pong of 64-bit length", "8a 7f", S, 2, "control frame is too long", 0},
    {"16-bit length of 0", "82 7e 0000", S, 4, "length is not in its shortest form", 0},
    {"16-bit length of 125", "82 7e 007d", S, 4, "length is not in its shortest form", 0},
    {"64-bit length of 125", "82 7f 000000000000007d", S, 10, "length is not in its shortest form",
     0},
    {"64-bit length of 65535", "82 ff 000000000000ffff", C, 10,
     "length is not in its shortest form", 0},
    {"64-bit length with its highest bit", "82 7f 8000000000000000", S, 10,
     "length has its highest bit set", 0},
    {"64-bit length of all bits", "82 ff ffffffffffffffff", C, 10, "length has its highest bit set",
     0},
};

static struct guard guard;

static struct ws_frame_rules rules_of(const struct row *row) {
  return (struct ws_frame_rules){.masked = row->from & C, .rsv1 = row->from & Z};
}

static void check(const struct row *row, const uint8_t *bytes, size_t len) {
  struct ws_frame frame;
  size_t used = 0;
  const char *reason;
  enum ws_frame_result result = ws_frame_decode(guard_put(&guard, span_of(bytes, len)),
                                                rules_of(row), &frame, &used, &reason);
  enum ws_frame_result decided = row->fault ? WS_FRAME_BAD : WS_FRAME_READY;
  if (result != (len < row->octets ? WS_FRAME_MORE : decided))
    fail_msg("%s: %zu octets: %d", row->name, len, result);
  if (result == WS_FRAME_BAD) assert_string_equal(reason, row->fault);
  if (result != WS_FRAME_READY) return;
  assert_int_equal(used, row->octets);
  assert_int_equal(frame.len, row->len);
  assert_int_equal(frame.opcode, bytes[0] & 15);
  assert_int_equal(frame.fin, bytes[0] >> 7);
  assert_int_equal(frame.rsv1, bytes[0] >> 6 & 1);
  uint8_t again[WS_HEADER_BYTES_MAX];
  assert_int_equal(ws_frame_encode(again, &frame), used);
  assert_memory_equal(again, bytes, used);
}

/* Each row at every length, with and without payload behind it, against a page that may not be read. */
static void rows_of_every_length(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t bytes[WS_HEADER_BYTES_MAX + 3] = {0};
    size_t len = hex_decode(rows[i].hex, bytes, WS_HEADER_BYTES_MAX);
    for (size_t part = 0; part <= len + 3; part++)
      check(&rows[i], bytes, part);
  }
}

/* Every first two octets have an answer, and it is the same for a client's and a server's but for the
 * mask. */
static void every_first_two_octets(void **state) {
  (void)state;
  unsigned ready = 0;
  for (unsigned first = 0; first < 256; first++)
    for (unsigned second = 0; second < 128; second++) {
      uint8_t plain[14] = {(uint8_t)first, (uint8_t)second, [7] = 1};
      uint8_t masked[14] = {(uint8_t)first, (uint8_t)(second | 0x80), [7] = 1};
      struct ws_frame a, b;
      size_t used_a = 0, used_b = 0;
      const char *reason;
      int from_server = ws_frame_decode(span_of(plain, 14), (struct ws_frame_rules){false, false},
                                        &a, &used_a, &reason);
      int from_client = ws_frame_decode(span_of(masked, 14), (struct ws_frame_rules){true, false},
                                        &b, &used_b, &reason);
      assert_int_equal(from_server, from_client);
      if (from_server != WS_FRAME_READY) continue;
      ready++;
      assert_int_equal(used_a + 4, used_b);
      assert_int_equal(a.len, b.len);
    }
  /* 6 first octets of data: every length but the 16-bit one, which is 0 here; 3 of control: 0 .. 125. */
  assert_int_equal(ready, 6 * 127 + 3 * 126);
}

static void codes(void **state) {
  (void)state;
  static const struct {
    unsigned first, last;
    bool may;
  } ranges[] = {{0, 999, false},     {1000, 1003, true}, {1004, 1006, false}, {1007, 1014, true},
                {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    for (unsigned code = ranges[i].first; code <= ranges[i].last; code++)
      if (ws_code_may_be_sent(code) != ranges[i].may) fail_msg("code %u", code);
}

static int set_up(void **state) {
  (void)state;
  guard_init(&guard, 64);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  guard_destroy(&guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_of_every_length),
      cmocka_unit_test(every_first_two_octets),
      cmocka_unit_test(codes),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
