/*
 * h2/test_frame.c - every demand of the constraint table, every payload rule, and frames of all
 * types encoded and decoded. Payloads end at a page without access.
 */
#include "engine/http/headers.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

#include "engine/base/wire.h"
#include "engine/h2/frame.h"

static struct guard guard;

/* ---- frame headers: sections 4.1, 4.2 and 6.1 to 6.10 ---------------------------------------- */

enum { CLIENT_SENDS = 1, SERVER_SENDS = 2, BOTH_SEND = 3 };

/* The RFC's demands on a type, written independently of the engine's table. */
struct demand {
  const char *section;
  uint8_t type;
  bool on_zero, on_streams;
  uint8_t senders;
  uint32_t least, most; /* bytes of payload */
  enum h2_scope scope;  /* of a wrong length */
};

enum { FRAME_MAX = 20000 };

static const struct demand demands[] = {
    {"6.1", H2_DATA, false, true, BOTH_SEND, 0, FRAME_MAX, H2_CONNECTION_ERROR},
    {"6.2", H2_HEADERS, false, true, BOTH_SEND, 0, FRAME_MAX, H2_CONNECTION_ERROR},
    {"6.3", H2_PRIORITY, false, true, BOTH_SEND, 5, 5, H2_STREAM_ERROR},
    {"6.4", H2_RST_STREAM, false, true, BOTH_SEND, 4, 4, H2_CONNECTION_ERROR},
    {"6.5", H2_SETTINGS, true, false, BOTH_SEND, 0, FRAME_MAX, H2_CONNECTION_ERROR},
    {"6.6", H2_PUSH_PROMISE, false, true, SERVER_SENDS, 4, FRAME_MAX, H2_CONNECTION_ERROR},
    {"6.7", H2_PING, true, false, BOTH_SEND, 8, 8, H2_CONNECTION_ERROR},
    {"6.8", H2_GOAWAY, true, false, BOTH_SEND, 8, FRAME_MAX, H2_CONNECTION_ERROR},
    {"6.9", H2_WINDOW_UPDATE, true, true, BOTH_SEND, 4, 4, H2_CONNECTION_ERROR},
    {"6.10", H2_CONTINUATION, false, true, BOTH_SEND, 0, FRAME_MAX, H2_CONNECTION_ERROR},
    {"9218 7.1", H2_PRIORITY_UPDATE, true, false, CLIENT_SENDS, 4, FRAME_MAX, H2_CONNECTION_ERROR},
};

static const struct demand *demand_of(unsigned type) {
  for (size_t i = 0; i < sizeof demands / sizeof *demands; i++)
    if (demands[i].type == type) return &demands[i];
  return NULL;
}

static void expect(const struct h2_frame_header *header, enum h2_role role, enum h2_scope scope,
                   enum h2_error code) {
  struct h2_verdict verdict = h2_frame_check(header, role, FRAME_MAX);
  if (verdict.scope != scope || (scope > H2_IGNORE && verdict.code != code))
    fail_msg("type %u flags %x stream %u length %u to %s: %d %s", header->type, header->flags,
             header->stream_id, header->length, role == H2_SERVER ? "server" : "client",
             (int)verdict.scope, h2_error_name(verdict.code));
  if (scope > H2_IGNORE) assert_non_null(verdict.reason);
}

static bool length_ok(const struct demand *demand, const struct h2_frame_header *header) {
  if (header->length < demand->least || header->length > demand->most) return false;
  if (demand->type != H2_SETTINGS) return true;
  return header->flags & H2_FLAG_ACK ? header->length == 0 : header->length % 6 == 0;
}

static void check_one(const struct h2_frame_header *header, enum h2_role role) {
  const struct demand *demand = demand_of(header->type);
  uint8_t sender = role == H2_SERVER ? CLIENT_SENDS : SERVER_SENDS;
  if (!demand) /* section 5.5; 4.2 still bounds it */
    expect(header, role, header->length > FRAME_MAX ? H2_CONNECTION_ERROR : H2_ACCEPT,
           H2_FRAME_SIZE_ERROR);
  else if (!(demand->senders & sender) ||
           !(header->stream_id ? demand->on_streams : demand->on_zero))
    expect(header, role, H2_CONNECTION_ERROR, H2_PROTOCOL_ERROR);
  else if (header->length > FRAME_MAX)
    expect(header, role, H2_CONNECTION_ERROR, H2_FRAME_SIZE_ERROR);
  else if (!length_ok(demand, header))
    expect(header, role, demand->scope, H2_FRAME_SIZE_ERROR);
  else
    expect(header, role, H2_ACCEPT, H2_NO_ERROR);
}

/* All types, both receivers, streams, flags and lengths about the bounds. */
static void test_constraints(void **state) {
  (void)state;
  static const uint32_t ids[] = {0, 1, 2, H2_STREAM_ID_MAX};
  static const uint32_t lengths[] = {
      0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 16384, 19998, FRAME_MAX, FRAME_MAX + 1, H2_FRAME_BYTES_MAX};
  static const uint8_t flags[] = {0, H2_FLAG_ACK, H2_FLAG_PADDED, 0xff};
  for (unsigned type = 0; type < 256; type++)
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
      for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t f = 0; f < sizeof flags; f++) {
          struct h2_frame_header header = {lengths[l], ids[i], (uint8_t)type, flags[f]};
          check_one(&header, H2_SERVER);
          check_one(&header, H2_CLIENT);
        }
}

/* Section 4.1: 24, 8, 8, 1 and 31 bits. The single bit is ignored. */
static void test_header(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xff, 0xff, 0xff, 0xfe};
  struct h2_frame_header header =
      h2_frame_header_decode(guard_put(&guard, span_of(bytes, sizeof bytes)).base);
  assert_int_equal(header.length, 0x123456);
  assert_int_equal(header.type, 0x78);
  assert_int_equal(header.flags, 0x9a);
  assert_int_equal(header.stream_id, 0x7ffffffe);
  uint8_t *room = guard_room(&guard, sizeof bytes);
  assert_ptr_equal(h2_frame_header_encode(room, header), room + sizeof bytes);
  assert_memory_equal(room, "\x12\x34\x56\x78\x9a\x7f\xff\xff\xfe", sizeof bytes);
}

static void test_names(void **state) {
  (void)state;
  assert_string_equal(h2_frame_name(H2_WINDOW_UPDATE), "WINDOW_UPDATE");
  assert_string_equal(h2_frame_name(0xa), "unknown");
  assert_string_equal(h2_frame_name(0xff), "unknown");
  assert_string_equal(h2_error_name(0xd), "HTTP_1_1_REQUIRED");
  assert_string_equal(h2_error_name(0xe), "unknown");
  for (unsigned type = 0; type < 256; type++)
    assert_int_equal(h2_frame_known((uint8_t)type), demand_of(type) != NULL);
}

/* ---- payloads -------------------------------------------------------------------------------- */

struct payload_row {
  const char *section, *name;
  uint8_t type, flags;
  uint32_t stream_id;
  const char *hex;
  enum h2_scope scope;
  enum h2_error code;
};

#define ERROR_PE  H2_CONNECTION_ERROR, H2_PROTOCOL_ERROR
#define ERROR_FSE H2_CONNECTION_ERROR, H2_FRAME_SIZE_ERROR
#define STREAM_PE H2_STREAM_ERROR, H2_PROTOCOL_ERROR
#define GOOD      H2_ACCEPT, H2_NO_ERROR

static const struct payload_row payloads[] = {
    {"6.1", "no Pad Length", H2_DATA, H2_FLAG_PADDED, 1, "", ERROR_FSE},
    {"6.1", "only Pad Length", H2_DATA, H2_FLAG_PADDED, 1, "00", GOOD},
    {"6.1", "padding as long as the payload", H2_DATA, H2_FLAG_PADDED, 1, "01", ERROR_PE},
    {"6.1", "padding fills the rest", H2_DATA, H2_FLAG_PADDED, 1, "02 0000", GOOD},
    {"6.1", "one too many", H2_DATA, H2_FLAG_PADDED, 1, "03 0000", ERROR_PE},
    {"6.1", "padding need not be zero", H2_DATA, H2_FLAG_PADDED, 1, "02 aa ffff", GOOD},
    {"6.1", "without the flag it is data", H2_DATA, 0, 1, "ff", GOOD},
    {"6.2", "no Pad Length", H2_HEADERS, H2_FLAG_PADDED, 1, "", ERROR_FSE},
    {"6.2", "padding as long as the payload", H2_HEADERS, H2_FLAG_PADDED, 1, "05 01020304",
     ERROR_PE},
    {"6.2", "short priority", H2_HEADERS, H2_FLAG_PRIORITY, 1, "00000000", ERROR_FSE},
    {"6.2", "priority alone", H2_HEADERS, H2_FLAG_PRIORITY, 1, "00000000 0f", GOOD},
    {"6.2", "padding eats the priority", H2_HEADERS, H2_FLAG_PADDED | H2_FLAG_PRIORITY, 1,
     "01 00000000 00", ERROR_FSE},
    {"7540 5.3.1", "depends on itself", H2_HEADERS, H2_FLAG_PRIORITY, 5, "00000005 0f", STREAM_PE},
    {"7540 5.3.1", "exclusively", H2_HEADERS, H2_FLAG_PRIORITY, 5, "80000005 0f", STREAM_PE},
    {"7540 5.3.1", "depends on another", H2_PRIORITY, 0, 5, "80000003 ff", GOOD},
    {"7540 5.3.1", "depends on itself", H2_PRIORITY, 0, 5, "00000005 00", STREAM_PE},
    {"6.6", "no Pad Length", H2_PUSH_PROMISE, H2_FLAG_PADDED, 1, "", ERROR_FSE},
    {"6.6", "padding eats the identifier", H2_PUSH_PROMISE, H2_FLAG_PADDED, 1, "02 00000002 00",
     ERROR_FSE},
    {"6.6", "short identifier", H2_PUSH_PROMISE, H2_FLAG_PADDED, 1, "01 000002 00", ERROR_FSE},
    {"6.6", "stream 0", H2_PUSH_PROMISE, 0, 1, "00000000", ERROR_PE},
    {"6.6", "an odd stream", H2_PUSH_PROMISE, 0, 1, "00000003", ERROR_PE},
    {"4.1", "the reserved bit", H2_PUSH_PROMISE, 0, 1, "80000002", GOOD},
    {"6.9", "0 on a stream", H2_WINDOW_UPDATE, 0, 1, "00000000", STREAM_PE},
    {"6.9", "0 on the connection", H2_WINDOW_UPDATE, 0, 0, "00000000", ERROR_PE},
    {"4.1", "0 beside the reserved bit", H2_WINDOW_UPDATE, 0, 1, "80000000", STREAM_PE},
    {"4.1", "1 beside the reserved bit", H2_WINDOW_UPDATE, 0, 0, "80000001", GOOD},
    {"9218 7.1", "stream 0", H2_PRIORITY_UPDATE, 0, 0, "00000000", ERROR_PE},
    {"9218 7.1", "no field value", H2_PRIORITY_UPDATE, 0, 0, "00000001", GOOD},
};

static void test_payloads(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
    const struct payload_row *row = &payloads[i];
    uint8_t bytes[64];
    size_t len = hex_decode(row->hex, bytes, sizeof bytes);
    struct h2_frame_header header = {(uint32_t)len, row->stream_id, row->type, row->flags};
    struct h2_frame frame;
    struct h2_verdict verdict =
        h2_frame_decode(&header, guard_put(&guard, span_of(bytes, len)), &frame);
    if (verdict.scope != row->scope || verdict.code != row->code)
      fail_msg("%s %s: %d %s", row->section, row->name, (int)verdict.scope,
               h2_error_name(verdict.code));
  }
}

/* Every byte that may be a padding length, against payloads of every length about it. */
static void test_padding(void **state) {
  (void)state;
  static const uint8_t types[] = {H2_DATA, H2_HEADERS};
  uint8_t bytes[300] = {0};
  for (size_t t = 0; t < sizeof types; t++)
    for (unsigned padding = 0; padding < 256; padding++)
      for (uint32_t length = padding ? padding : 1; length < padding + 4; length++) {
        bytes[0] = (uint8_t)padding;
        struct h2_frame_header header = {length, 1, types[t], H2_FLAG_PADDED};
        struct h2_frame frame;
        struct h2_verdict verdict =
            h2_frame_decode(&header, guard_put(&guard, span_of(bytes, length)), &frame);
        bool fits = padding < length;
        assert_int_equal(verdict.scope, fits ? H2_ACCEPT : H2_CONNECTION_ERROR);
        if (!fits) continue;
        struct span content = types[t] == H2_DATA ? frame.data : frame.headers.fragment;
        assert_int_equal(content.len, length - 1 - padding);
        assert_int_equal(frame.padding_bytes, padding + 1);
      }
}

/* An unknown type is ignored, whatever it contains. */
static void test_unknown(void **state) {
  (void)state;
  struct h2_frame_header header = {0, 7, 0x77, 0xff};
  struct h2_frame frame;
  assert_int_equal(h2_frame_decode(&header, (struct span){0}, &frame).scope, H2_IGNORE);
}

/* ---- encoding and decoding
 * -------------------------------------------------------------------------- */

static const struct payload_row frames[] = {
    {"6.1", "", H2_DATA, H2_FLAG_END_STREAM, 1, "", GOOD},
    {"6.1", "", H2_DATA, H2_FLAG_PADDED, 3, "03 0102 000000", GOOD},
    {"6.2", "", H2_HEADERS, H2_FLAG_END_HEADERS, 1, "82 84", GOOD},
    {"6.2", "", H2_HEADERS, H2_FLAG_PADDED | H2_FLAG_PRIORITY | H2_FLAG_END_HEADERS, 5,
     "02 80000003 ff 82 0000", GOOD},
    {"6.3", "", H2_PRIORITY, 0, 9, "00000003 00", GOOD},
    {"6.3", "", H2_PRIORITY, 0, 9, "7ffffffe 00", GOOD},
    {"6.4", "", H2_RST_STREAM, 0, 9, "0000000b", GOOD},
    {"6.5", "", H2_SETTINGS, 0, 0, "0001 00000001 ffff 12345678", GOOD},
    {"6.5", "", H2_SETTINGS, H2_FLAG_ACK, 0, "", GOOD},
    {"6.6", "", H2_PUSH_PROMISE, H2_FLAG_PADDED | H2_FLAG_END_HEADERS, 7, "01 00000008 82 00",
     GOOD},
    {"6.7", "", H2_PING, H2_FLAG_ACK, 0, "0102030405060708", GOOD},
    {"6.8", "", H2_GOAWAY, 0, 0, "7fffffff 00000002 646f6e65", GOOD},
    {"6.9", "", H2_WINDOW_UPDATE, 0, 3, "7fffffff", GOOD},
    {"6.10", "", H2_CONTINUATION, H2_FLAG_END_HEADERS, 3, "00016101 62", GOOD},
    {"9218 7.1", "", H2_PRIORITY_UPDATE, 0, 0, "00000005 753d312c69", GOOD},
};

static void test_round_trip(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    const struct payload_row *row = &frames[i];
    uint8_t bytes[64];
    size_t len = hex_decode(row->hex, bytes, sizeof bytes);
    struct h2_frame_header header = {(uint32_t)len, row->stream_id, row->type, row->flags};
    struct h2_frame frame;
    assert_int_equal(h2_frame_decode(&header, span_of(bytes, len), &frame).scope, H2_ACCEPT);
    uint8_t *room = guard_room(&guard, H2_FRAME_HEADER_BYTES + len);
    assert_ptr_equal(h2_frame_encode(room, &frame), room + H2_FRAME_HEADER_BYTES + len);
    assert_memory_equal(room + H2_FRAME_HEADER_BYTES, bytes, len);
    struct h2_frame_header again = h2_frame_header_decode(room);
    assert_int_equal(again.length, header.length);
    assert_int_equal(again.stream_id, header.stream_id);
    assert_int_equal(again.type, header.type);
    assert_int_equal(again.flags, header.flags);
  }
}

/* Flags without a meaning for the type are ignored (section 4.1). */
static void test_flags(void **state) {
  (void)state;
  enum {
    UNDEFINED =
        0xff & ~(H2_FLAG_END_STREAM | H2_FLAG_END_HEADERS | H2_FLAG_PADDED | H2_FLAG_PRIORITY)
  };
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    const struct payload_row *row = &frames[i];
    uint8_t bytes[64];
    size_t len = hex_decode(row->hex, bytes, sizeof bytes);
    struct h2_frame_header header = {(uint32_t)len, row->stream_id, row->type,
                                     row->flags | UNDEFINED};
    struct h2_frame frame;
    assert_int_equal(h2_frame_decode(&header, span_of(bytes, len), &frame).scope, H2_ACCEPT);
    assert_int_equal(frame.header.flags, row->flags);
  }
}

/* The encoders of the hot path write the same as the general one. */
static void test_encoders(void **state) {
  (void)state;
  static const uint8_t opaque[8] = "12345678";
  uint8_t a[64], b[64];
  struct h2_frame frame = {.header = {8, 0, H2_PING, H2_FLAG_ACK}, .ping = opaque};
  assert_int_equal(h2_frame_ping_encode(a, true, opaque) - a, h2_frame_encode(b, &frame) - b);
  assert_memory_equal(a, b, 17);
  frame = (struct h2_frame){.header = {4, 3, H2_RST_STREAM, 0}, .error_code = 0xfffffffe};
  assert_int_equal(h2_frame_rst_stream_encode(a, 3, 0xfffffffe) - a,
                   h2_frame_encode(b, &frame) - b);
  assert_memory_equal(a, b, 13);
  frame = (struct h2_frame){.header = {4, 0, H2_WINDOW_UPDATE, 0}, .increment = 0x7fffffff};
  assert_int_equal(h2_frame_window_update_encode(a, 0, 0x7fffffff) - a,
                   h2_frame_encode(b, &frame) - b);
  assert_memory_equal(a, b, 13);
  frame = (struct h2_frame){.header = {5, 9, H2_PRIORITY, 0}, .priority = {7, 256, true}};
  assert_int_equal(h2_frame_priority_encode(a, 9, frame.priority) - a,
                   h2_frame_encode(b, &frame) - b);
  assert_memory_equal(a, b, 14);
  frame = (struct h2_frame){.header = {12, 0, H2_GOAWAY, 0},
                            .goaway = {5, H2_ENHANCE_YOUR_CALM, span_text("calm")}};
  assert_int_equal(h2_frame_goaway_encode(a, 5, H2_ENHANCE_YOUR_CALM, span_text("calm")) - a,
                   h2_frame_encode(b, &frame) - b);
  assert_memory_equal(a, b, 21);
  frame = (struct h2_frame){.header = {7, 0, H2_PRIORITY_UPDATE, 0},
                            .priority_update = {5, span_text("u=1")}};
  assert_int_equal(h2_frame_priority_update_encode(a, 5, span_text("u=1")) - a,
                   h2_frame_encode(b, &frame) - b);
  assert_memory_equal(a, b, 16);
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
      cmocka_unit_test(test_constraints), cmocka_unit_test(test_header),
      cmocka_unit_test(test_names),       cmocka_unit_test(test_payloads),
      cmocka_unit_test(test_padding),     cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_flags),
      cmocka_unit_test(test_encoders),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
