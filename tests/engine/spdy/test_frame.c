/*
 * spdy/test_frame.c - every demand of the constraint table, every fixed part, and frames of all types encoded
 * and decoded. Bytes end at a page without access.
 */
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

#include "engine/spdy/frame.h"
#include "engine/spdy/limits.h"

static struct guard guard;

/* ---- frame headers: sections 2.2.1, 2.2.2 and 2.6 -------------------------------------------- */

/* The draft's demands on a type, written independently of the engine's table. */
struct demand {
  const char *section;
  uint16_t type;
  uint32_t least, most; /* bytes of payload */
};

static const struct demand demands[] = {
    {"2.6.1", SPDY_SYN_STREAM, 10, 10 + SPDY_BLOCK_BYTES_MAX},
    {"2.6.2", SPDY_SYN_REPLY, 4, 4 + SPDY_BLOCK_BYTES_MAX},
    {"2.6.3", SPDY_RST_STREAM, 8, 8},
    {"2.6.4", SPDY_SETTINGS, 4, 4 + 8 * SPDY_SETTINGS_ENTRIES_MAX},
    {"2.6.5", SPDY_PING, 4, 4},
    {"2.6.6", SPDY_GOAWAY, 8, 8},
    {"2.6.7", SPDY_HEADERS, 4, 4 + SPDY_BLOCK_BYTES_MAX},
    {"2.6.8", SPDY_WINDOW_UPDATE, 8, 8},
};

static const struct demand *demand_of(unsigned type) {
  for (size_t i = 0; i < sizeof demands / sizeof *demands; i++)
    if (demands[i].type == type) return &demands[i];
  return NULL;
}

static void expect(const struct spdy_frame_header *header, enum spdy_scope scope, uint32_t code) {
  struct spdy_verdict verdict = spdy_frame_check(header);
  if (verdict.scope != scope || (scope > SPDY_IGNORE && verdict.code != code))
    fail_msg("type %u version %u flags %x length %u: %d %u", header->type, header->version,
             header->flags, header->length, (int)verdict.scope, verdict.code);
  if (scope > SPDY_IGNORE) assert_non_null(verdict.reason);
}

static void check_one(const struct spdy_frame_header *header) {
  const struct demand *demand = demand_of(header->type);
  if (header->version != SPDY_VERSION) {
    bool stream = header->type == SPDY_SYN_STREAM && header->length >= 10;
    if (stream)
      expect(header, SPDY_STREAM_ERROR, SPDY_UNSUPPORTED_VERSION);
    else
      expect(header, SPDY_SESSION_ERROR, SPDY_GOAWAY_PROTOCOL_ERROR);
  } else if (!demand) {
    expect(header, SPDY_IGNORE, 0);
  } else if (header->length < demand->least || header->length > demand->most) {
    expect(header, SPDY_SESSION_ERROR, SPDY_GOAWAY_PROTOCOL_ERROR);
  } else {
    expect(header, SPDY_ACCEPT, 0);
  }
}

/* Types about the known ones, versions, flags, and lengths about the bounds. */
static void test_constraints(void **state) {
  (void)state;
  static const uint16_t versions[] = {3, 2, 4, 0, 0x7fff};
  static const uint8_t flags[] = {0, SPDY_FLAG_FIN, SPDY_FLAG_UNIDIRECTIONAL, 0xff};
  static const uint32_t about[] = {0,
                                   4,
                                   8,
                                   10,
                                   4 + 8 * SPDY_SETTINGS_ENTRIES_MAX,
                                   4 + SPDY_BLOCK_BYTES_MAX,
                                   10 + SPDY_BLOCK_BYTES_MAX,
                                   SPDY_FRAME_LENGTH_MAX - 1};
  for (unsigned type = 1; type < 300; type++)
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++)
      for (size_t f = 0; f < sizeof flags; f++)
        for (size_t l = 0; l < sizeof about / sizeof *about; l++)
          for (uint32_t more = 0; more < 3; more++) {
            uint32_t length = about[l] + more > 0 ? about[l] + more - 1 : 0;
            struct spdy_frame_header header = {true,           flags[f], versions[v],
                                               (uint16_t)type, 0,        length};
            check_one(&header);
          }
}

/* Section 2.2.2: DATA has any length, and a stream. */
static void test_data(void **state) {
  (void)state;
  struct spdy_frame_header header = {.version = SPDY_VERSION, .stream_id = 1};
  expect(&header, SPDY_ACCEPT, 0);
  header.length = SPDY_FRAME_LENGTH_MAX;
  header.flags = 0xff;
  expect(&header, SPDY_ACCEPT, 0);
  header.stream_id = 0;
  expect(&header, SPDY_SESSION_ERROR, SPDY_GOAWAY_PROTOCOL_ERROR);
}

/* Section 2.2: the bits of both kinds of headers; and back. */
static const struct {
  const char *hex;
  struct spdy_frame_header header;
} headers[] = {
    {"80030001 01000014", {true, 1, 3, SPDY_SYN_STREAM, 0, 20}},
    {"80030009 00ffffff", {true, 0, 3, SPDY_WINDOW_UPDATE, 0, 0xffffff}},
    {"ffffffff ff000000", {true, 0xff, 0x7fff, 0xffff, 0, 0}},
    {"80020002 00000100", {true, 0, 2, SPDY_SYN_REPLY, 0, 256}},
    {"00000001 00000000", {false, 0, 3, SPDY_DATA, 1, 0}},
    {"7fffffff 01123456", {false, 1, 3, SPDY_DATA, 0x7fffffff, 0x123456}},
};

static void test_header(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    uint8_t bytes[SPDY_FRAME_HEADER_BYTES];
    assert_int_equal(hex_decode(headers[i].hex, bytes, sizeof bytes), sizeof bytes);
    const struct spdy_frame_header *want = &headers[i].header;
    struct spdy_frame_header header =
        spdy_frame_header_decode(guard_put(&guard, span_of(bytes, sizeof bytes)).base);
    assert_int_equal(header.control, want->control);
    assert_int_equal(header.flags, want->flags);
    assert_int_equal(header.version, want->version);
    assert_int_equal(header.type, want->type);
    assert_int_equal(header.stream_id, want->stream_id);
    assert_int_equal(header.length, want->length);
    uint8_t *room = guard_room(&guard, sizeof bytes);
    assert_ptr_equal(spdy_frame_header_encode(room, header), room + sizeof bytes);
    assert_memory_equal(room, bytes, sizeof bytes);
  }
}

/* A control frame of type 0 is not taken for DATA. */
static void test_type_zero(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 0x03, 0, 0, 0, 0, 0, 4};
  struct spdy_frame_header header = spdy_frame_header_decode(bytes);
  assert_int_not_equal(header.type, SPDY_DATA);
  expect(&header, SPDY_IGNORE, 0);
}

static void test_names(void **state) {
  (void)state;
  assert_string_equal(spdy_frame_name(SPDY_WINDOW_UPDATE), "WINDOW_UPDATE");
  assert_string_equal(spdy_frame_name(SPDY_DATA), "DATA");
  assert_string_equal(spdy_frame_name(5), "unknown");
  assert_string_equal(spdy_frame_name(10), "unknown");
  assert_string_equal(spdy_frame_name(0xffff), "unknown");
  assert_string_equal(spdy_status_name(SPDY_STREAM_ALREADY_CLOSED), "STREAM_ALREADY_CLOSED");
  assert_string_equal(spdy_status_name(SPDY_FRAME_TOO_LARGE), "FRAME_TOO_LARGE");
  assert_string_equal(spdy_status_name(0), "unknown");
  assert_string_equal(spdy_status_name(12), "unknown");
  assert_string_equal(spdy_goaway_name(SPDY_GOAWAY_INTERNAL_ERROR), "INTERNAL_ERROR");
  assert_string_equal(spdy_goaway_name(3), "unknown");
  assert_string_equal(spdy_goaway_name(7), "FLOW_CONTROL_ERROR");
}

/* ---- fixed parts ----------------------------------------------------------------------------- */

static struct spdy_verdict decode(uint16_t type, uint32_t length, const char *hex,
                                  struct spdy_frame *frame) {
  uint8_t bytes[SPDY_FRAME_FIXED_BYTES_MAX];
  size_t len = hex_decode(hex, bytes, sizeof bytes);
  struct spdy_frame_header header = {true, 0, SPDY_VERSION, type, 0, length};
  assert_int_equal(spdy_frame_fixed_bytes(&header), len);
  return spdy_frame_decode(&header, guard_put(&guard, span_of(bytes, len)).base, frame);
}

static const struct {
  const char *section, *name;
  uint16_t type;
  uint32_t length;
  const char *hex;
  enum spdy_scope scope;
  uint32_t code;
} fixed[] = {
    {"2.6.1", "stream 0", SPDY_SYN_STREAM, 10, "00000000 00000000 0000", SPDY_SESSION_ERROR, 1},
    {"2.2", "the reserved bit alone", SPDY_SYN_STREAM, 10, "80000000 00000000 0000",
     SPDY_SESSION_ERROR, 1},
    {"2.6.2", "stream 0", SPDY_SYN_REPLY, 4, "00000000", SPDY_SESSION_ERROR, 1},
    {"2.6.3", "stream 0", SPDY_RST_STREAM, 8, "00000000 00000001", SPDY_SESSION_ERROR, 1},
    {"2.6.3", "any status", SPDY_RST_STREAM, 8, "00000001 ffffffff", SPDY_ACCEPT, 0},
    {"2.6.4", "none", SPDY_SETTINGS, 4, "00000000", SPDY_ACCEPT, 0},
    {"2.6.4", "one", SPDY_SETTINGS, 12, "00000001", SPDY_ACCEPT, 0},
    {"2.6.4", "more than there are", SPDY_SETTINGS, 12, "00000002", SPDY_SESSION_ERROR, 1},
    {"2.6.4", "fewer than there are", SPDY_SETTINGS, 12, "00000000", SPDY_SESSION_ERROR, 1},
    {"2.6.4", "a piece of one", SPDY_SETTINGS, 11, "00000001", SPDY_SESSION_ERROR, 1},
    {"2.6.4", "2^29, which wraps in 32 bits", SPDY_SETTINGS, 4, "20000000", SPDY_SESSION_ERROR, 1},
    {"2.6.4", "2^32 - 1", SPDY_SETTINGS, 4, "ffffffff", SPDY_SESSION_ERROR, 1},
    {"2.6.5", "any identifier", SPDY_PING, 4, "ffffffff", SPDY_ACCEPT, 0},
    {"2.6.6", "no stream was good", SPDY_GOAWAY, 8, "00000000 00000000", SPDY_ACCEPT, 0},
    {"2.6.7", "stream 0", SPDY_HEADERS, 4, "00000000", SPDY_SESSION_ERROR, 1},
    {"2.6.8", "of the session", SPDY_WINDOW_UPDATE, 8, "00000000 00000001", SPDY_ACCEPT, 0},
    {"2.6.8", "0 of the session", SPDY_WINDOW_UPDATE, 8, "00000000 00000000", SPDY_SESSION_ERROR,
     1},
    {"2.6.8", "0 of a stream", SPDY_WINDOW_UPDATE, 8, "00000001 00000000", SPDY_STREAM_ERROR,
     SPDY_PROTOCOL_ERROR},
    {"2.6.8", "0 beside the reserved bit", SPDY_WINDOW_UPDATE, 8, "00000001 80000000",
     SPDY_STREAM_ERROR, SPDY_PROTOCOL_ERROR},
};

static void test_fixed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    struct spdy_frame frame;
    struct spdy_verdict verdict = decode(fixed[i].type, fixed[i].length, fixed[i].hex, &frame);
    if (verdict.scope != fixed[i].scope || verdict.code != fixed[i].code)
      fail_msg("%s %s: %d %u", fixed[i].section, fixed[i].name, (int)verdict.scope, verdict.code);
    if (verdict.scope > SPDY_IGNORE) assert_non_null(verdict.reason);
  }
}

/* ---- whole frames ---------------------------------------------------------------------------- */

static struct spdy_frame decode_frame(struct span bytes) {
  struct spdy_frame frame;
  struct spdy_frame_header header = spdy_frame_header_decode(bytes.base);
  assert_int_equal(spdy_frame_check(&header).scope, SPDY_ACCEPT);
  struct span put = guard_put(
      &guard, span_of(bytes.base + SPDY_FRAME_HEADER_BYTES, spdy_frame_fixed_bytes(&header)));
  assert_int_equal(spdy_frame_decode(&header, put.base, &frame).scope, SPDY_ACCEPT);
  return frame;
}

/* The bytes from `out` to `end` are those of `hex`. */
static struct span expect_bytes(const uint8_t *out, const uint8_t *end, const char *hex) {
  uint8_t want[64];
  size_t len = hex_decode(hex, want, sizeof want);
  assert_int_equal(end - out, len);
  assert_memory_equal(out, want, len);
  return span_of(out, len);
}

static void test_streams(void **state) {
  (void)state;
  uint8_t out[64], *end;
  end = spdy_frame_syn_stream_encode(out, SPDY_FLAG_UNIDIRECTIONAL, 2, 0x7fffffff, 5, 3);
  assert_int_equal(end - out, SPDY_SYN_STREAM_BYTES);
  struct spdy_frame frame =
      decode_frame(expect_bytes(out, end, "80030001 0200000d 00000002 7fffffff a000"));
  assert_int_equal(frame.stream_id, 2);
  assert_int_equal(frame.syn_stream.associated_id, 0x7fffffff);
  assert_int_equal(frame.syn_stream.priority, 5);
  assert_true(spdy_frame_has_block(&frame.header));
  end = spdy_frame_syn_reply_encode(out, SPDY_FLAG_FIN, 1, 2);
  assert_int_equal(end - out, SPDY_SYN_REPLY_BYTES);
  frame = decode_frame(expect_bytes(out, end, "80030002 01000006 00000001"));
  assert_int_equal(frame.stream_id, 1);
  assert_true(spdy_frame_has_block(&frame.header));
  end = spdy_frame_headers_encode(out, 0, 0x7fffffff, 0);
  assert_int_equal(end - out, SPDY_HEADERS_BYTES);
  frame = decode_frame(expect_bytes(out, end, "80030008 00000004 7fffffff"));
  assert_int_equal(frame.stream_id, 0x7fffffff);
  assert_true(spdy_frame_has_block(&frame.header));
  end = spdy_frame_data_encode(out, 3, SPDY_FLAG_FIN, 0x123456);
  frame = decode_frame(expect_bytes(out, end, "00000003 01123456"));
  assert_int_equal(frame.stream_id, 3);
  assert_false(spdy_frame_has_block(&frame.header));
}

/* SYN_STREAM's priority is the three high bits, its slot the last octet (section 2.6.1). */
static void test_priority(void **state) {
  (void)state;
  struct spdy_frame frame;
  assert_int_equal(decode(SPDY_SYN_STREAM, 10, "80000001 80000003 ffaa", &frame).scope,
                   SPDY_ACCEPT);
  assert_int_equal(frame.stream_id, 1);
  assert_int_equal(frame.syn_stream.associated_id, 3);
  assert_int_equal(frame.syn_stream.priority, 7);
  assert_int_equal(frame.syn_stream.slot, 0xaa);
}

static void test_control(void **state) {
  (void)state;
  uint8_t out[64], *end;
  end = spdy_frame_rst_stream_encode(out, 7, SPDY_CANCEL);
  assert_int_equal(end - out, SPDY_RST_STREAM_BYTES);
  struct spdy_frame frame =
      decode_frame(expect_bytes(out, end, "80030003 00000008 00000007 00000005"));
  assert_int_equal(frame.stream_id, 7);
  assert_int_equal(frame.status, SPDY_CANCEL);
  end = spdy_frame_goaway_encode(out, 9, SPDY_GOAWAY_INTERNAL_ERROR);
  assert_int_equal(end - out, SPDY_GOAWAY_BYTES);
  frame = decode_frame(expect_bytes(out, end, "80030007 00000008 00000009 00000002"));
  assert_int_equal(frame.goaway.last_good_id, 9);
  assert_int_equal(frame.goaway.status, SPDY_GOAWAY_INTERNAL_ERROR);
  assert_int_equal(frame.stream_id, 0);
  end = spdy_frame_window_update_encode(out, 0, 0x7fffffff);
  assert_int_equal(end - out, SPDY_WINDOW_UPDATE_BYTES);
  frame = decode_frame(expect_bytes(out, end, "80030009 00000008 00000000 7fffffff"));
  assert_int_equal(frame.delta, 0x7fffffff);
  end = spdy_frame_ping_encode(out, 0xfffffffe);
  assert_int_equal(end - out, SPDY_PING_BYTES);
  frame = decode_frame(expect_bytes(out, end, "80030006 00000004 fffffffe"));
  assert_int_equal(frame.ping_id, 0xfffffffe);
}

static void test_settings(void **state) {
  (void)state;
  static const struct spdy_setting settings[] = {
      {SPDY_SETTING_PERSIST_VALUE, SPDY_SETTINGS_MAX_CONCURRENT_STREAMS, 100},
      {0, 0xffffff, 0xffffffff},
  };
  uint8_t out[64];
  uint8_t *end = spdy_frame_settings_encode(out, SPDY_FLAG_CLEAR_SETTINGS, settings, 2);
  assert_int_equal(end - out, SPDY_SETTINGS_BYTES(2));
  struct spdy_frame frame = decode_frame(
      expect_bytes(out, end, "80030004 01000014 00000002 01000004 00000064 00ffffff ffffffff"));
  assert_int_equal(frame.settings_entries, 2);
  for (size_t i = 0; i < 2; i++) {
    struct span entry = guard_put(&guard, span_of(out + 12 + 8 * i, SPDY_SETTING_BYTES));
    struct spdy_setting setting = spdy_setting_decode(entry.base);
    assert_int_equal(setting.flags, settings[i].flags);
    assert_int_equal(setting.id, settings[i].id);
    assert_int_equal(setting.value, settings[i].value);
  }
}

static int set_up(void **state) {
  (void)state;
  guard_init(&guard, 4096);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  guard_destroy(&guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_constraints), cmocka_unit_test(test_data),
      cmocka_unit_test(test_header),      cmocka_unit_test(test_type_zero),
      cmocka_unit_test(test_names),       cmocka_unit_test(test_fixed),
      cmocka_unit_test(test_streams),     cmocka_unit_test(test_priority),
      cmocka_unit_test(test_control),     cmocka_unit_test(test_settings),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
