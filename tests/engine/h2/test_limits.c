/*
 * h2/test_limits.c - the bounds of h2/limits.h and base/limits.h on what a peer may send, and on what it can
 * make us hold: the maximum is accepted, and one more gets the answer that is promised there.
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct script script;

static void begin(const struct engine_config *config, const char *text) {
  script_begin(&script, H2_SERVER, config, false);
  script_run(&script, text);
  script.log[script.log_len = 0] = '\0';
}

static void expect(const char *text, const char *log) {
  script.log[script.log_len = 0] = '\0';
  script_run(&script, text);
  assert_string_equal(script.log, log);
}

/* Sends frames of DATA, `bytes` in total. */
static void data(unsigned id, unsigned bytes) {
  char step[64];
  for (unsigned part; bytes > 0; bytes -= part) {
    part = bytes < H2_FRAME_BYTES_DEFAULT ? bytes : H2_FRAME_BYTES_DEFAULT;
    snprintf(step, sizeof step, "DATA %u *%u", id, part);
    script_run(&script, step);
  }
}

/* ---- what we announce ------------------------------------------------------------------------ */

static void test_stream_window(void **state) {
  (void)state;
  struct engine_config config = engine_config_default();
  config.h2.flow = FLOW_CONSUME; /* no PING to learn the round trip */
  begin(&config, "HEADERS/H 1 [@post]; !mute");
  data(1, PEER_STREAM_WINDOW_BYTES_DEFAULT);
  assert_null(strstr(script.log, "closed"));
  expect("DATA 1 *1; !listen", "closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR");
  script_close(&script);
}

/* With more streams than one can fill. */
static void test_connection_window(void **state) {
  (void)state;
  const struct engine_config config = engine_config_default();
  unsigned left = PEER_CONNECTION_WINDOW_BYTES_DEFAULT;
  begin(&config, "HEADERS/H 1 [@post]; !mute");
  for (unsigned id = 1; left > 0; id += 2) {
    unsigned part =
        left < PEER_STREAM_WINDOW_BYTES_DEFAULT ? left : PEER_STREAM_WINDOW_BYTES_DEFAULT;
    char step[64];
    snprintf(step, sizeof step, "HEADERS/H %u [@post]", id + 2);
    data(id, part);
    script_run(&script, step);
    left -= part;
  }
  assert_false(h2_of(&script.machine)->dead);
  script_run(&script, "DATA 3 *1; !listen");
  assert_true(script.goaway);
  assert_non_null(strstr(script.log, "FLOW_CONTROL_ERROR"));
  script_close(&script);
}

static void test_frame_bytes(void **state) {
  (void)state;
  char step[64];
  begin(NULL, "HEADERS/H 1 [@post]");
  snprintf(step, sizeof step, "DATA 1 *%u", H2_FRAME_BYTES_DEFAULT);
  script_run(&script, step);
  assert_false(script.goaway);
  snprintf(step, sizeof step, "DATA 1 *%u", H2_FRAME_BYTES_DEFAULT + 1);
  expect(step, "closed 1 FRAME_SIZE_ERROR, GOAWAY 1 FRAME_SIZE_ERROR");
  script_close(&script);
}

/* ---- header sections ------------------------------------------------------------------------- */

static struct {
  uint8_t bytes[2 * PEER_HEADER_BLOCK_BYTES_MAX];
  size_t len;
  size_t list_bytes; /* as RFC 9113 section 6.5.2 counts them */
} block;

static void put8(unsigned octet) {
  assert_true(block.len < sizeof block.bytes);
  block.bytes[block.len++] = (uint8_t)octet;
}

/* A string of that many equal characters (RFC 7541 section 5.2). */
static void put_string(char character, size_t len) {
  size_t rest = len - 127;
  put8(len < 127 ? (unsigned)len : 127);
  if (len >= 127) {
    for (; rest >= 128; rest >>= 7)
      put8((rest & 127) | 128);
    put8((unsigned)rest);
  }
  for (; len > 0; len--)
    put8((unsigned)character);
}

/* GET https://a/, from the static table except for the authority. */
static void block_begin(void) {
  static const uint8_t request[] = {0x82, 0x87, 0x84, 0x01, 1, 'a'};
  memcpy(block.bytes, request, sizeof request);
  block.len = sizeof request;
  block.list_bytes = 7 + 3 + 7 + 5 + 5 + 1 + 10 + 1 + 4 * HEADER_OVERHEAD_BYTES;
}

/* A field "x" that counts as `list_bytes`. */
static void put_field(size_t list_bytes) {
  put8(0x00);
  put_string('x', 1);
  put_string('~', list_bytes - 1 - HEADER_OVERHEAD_BYTES);
  block.list_bytes += list_bytes;
}

/* A cookie that counts as `list_bytes`, `times` times: once as a literal, then from the table. */
static void put_cookies(size_t list_bytes, unsigned times) {
  put8(0x40 | 32);
  put_string('c', list_bytes - 6 - HEADER_OVERHEAD_BYTES);
  for (unsigned i = 1; i < times; i++)
    put8(0x80 | 62);
  block.list_bytes += list_bytes * times;
}

/* Sends the block in as few frames as it takes. */
static void send_block(unsigned id) {
  char *step = malloc(2 * H2_FRAME_BYTES_DEFAULT + 64);
  for (size_t at = 0, part; at < block.len; at += part) {
    part = block.len - at < H2_FRAME_BYTES_DEFAULT ? block.len - at : H2_FRAME_BYTES_DEFAULT;
    bool last = at + part == block.len;
    int len = at == 0 ? sprintf(step, "HEADERS/S%s %u x", last ? "H" : "", id)
                      : sprintf(step, "CONT%s %u x", last ? "/H" : "", id);
    for (size_t i = 0; i < part; i++)
      len += sprintf(step + len, "%02x", block.bytes[at + i]);
    script_run(&script, step);
  }
  free(step);
}

#define ANSWERED "request 1 GET / end, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end"

/* Makes one request on a new connection. Returns whether the connection survived. */
static bool ask(const struct engine_config *config, const char *log) {
  begin(config, "");
  send_block(1);
  assert_string_equal(script.log, log);
  bool lived = !script.goaway;
  if (lived) script_check(&script);
  script_close(&script);
  return lived;
}

static void test_header_list(void **state) {
  (void)state;
  const struct engine_config config = script_config();
  assert_int_equal(config.header_list_bytes, PEER_HEADER_LIST_BYTES_DEFAULT);
  for (size_t extra = 0; extra < 2; extra++) {
    block_begin();
    put_field(PEER_HEADER_LIST_BYTES_DEFAULT + extra - block.list_bytes);
    assert_true(ask(&config, extra ? "HEADERS 1 431 end" : ANSWERED));
  }
}

/* Beyond the limit, a list is decoded and not kept. Beyond twice the limit, nothing is decoded. */
static void test_list_stop(void **state) {
  (void)state;
  const size_t stop = HPACK_LIST_STOP_FACTOR * PEER_HEADER_LIST_BYTES_DEFAULT;
  for (size_t extra = 0; extra < 2; extra++) {
    block_begin();
    put_field(stop + extra - block.list_bytes - 30 * 4000);
    put_cookies(4000, 30);
    assert_int_equal(block.list_bytes, stop + extra);
    assert_int_equal(ask(NULL, extra ? "GOAWAY 0 ENHANCE_YOUR_CALM" : "HEADERS 1 431 end"), !extra);
  }
}

static void test_header_fields(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    block_begin();
    for (unsigned count = 4; count < PEER_HEADER_FIELDS_MAX + extra; count++)
      put_field(1 + HEADER_OVERHEAD_BYTES);
    assert_true(ask(NULL, extra ? "HEADERS 1 431 end" : ANSWERED));
  }
}

/* All crumbs of a cookie are one field, however many there are. */
static void test_cookie_fields(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    block_begin();
    for (unsigned count = 5; count < PEER_HEADER_FIELDS_MAX + extra; count++)
      put_field(1 + HEADER_OVERHEAD_BYTES);
    put_cookies(6 + HEADER_OVERHEAD_BYTES + 2, 180);
    assert_true(ask(NULL, extra ? "HEADERS 1 431 end" : ANSWERED));
  }
}

static void test_trailer_fields(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    char text[2048] = "HEADERS/H 1 [@post]; HEADERS/SH 1 [";
    for (unsigned count = 0; count < PEER_HEADER_FIELDS_MAX + extra; count++)
      strcat(text, "a=b ");
    strcat(text, "]");
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, text);
    assert_int_equal(!strstr(script.log, "RST_STREAM 1 ENHANCE_YOUR_CALM"), !extra);
    script_check(&script);
    script_close(&script);
  }
}

/* A client accepts a list up to its limit. */
static void test_response_fields(void **state) {
  (void)state;
  char text[4096] = "HEADERS/SH 1 [@ok ";
  for (unsigned count = 0; count < 4 * PEER_HEADER_FIELDS_MAX; count++)
    strcat(text, "a=b ");
  strcat(text, "]");
  script_begin(&script, H2_CLIENT, NULL, false);
  script_run(&script, "!request /a");
  script_run(&script, text);
  assert_null(strstr(script.log, "RST_STREAM"));
  assert_non_null(strstr(script.log, "response 1 200"));
  script_check(&script);
  script_close(&script);
}

/* The longest block exceeds a list's limit, but it is decoded. */
static void test_header_block(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    block_begin();
    put_field(PEER_HEADER_BLOCK_BYTES_MAX + extra - block.len - 6 + HEADER_OVERHEAD_BYTES);
    assert_int_equal(block.len, PEER_HEADER_BLOCK_BYTES_MAX + extra);
    assert_int_equal(ask(NULL, extra ? "GOAWAY 0 ENHANCE_YOUR_CALM" : "HEADERS 1 431 end"), !extra);
  }
}

/* Cookies that fill the list by themselves are still joined. A longer list gets 431 when the
 * copies out of the table and the joined cookies together need a byte more than there is. */
static void test_cookie_room(void **state) {
  (void)state;
  enum { COOKIE = 4096, VALUE = COOKIE - 6 - HEADER_OVERHEAD_BYTES, SEPARATOR = 2 };
  struct engine_config config = script_config();
  unsigned count = (config.header_list_bytes - 200) / COOKIE;
  block_begin();
  put_cookies(COOKIE, count);
  assert_true(ask(&config, ANSWERED));

  config.header_list_bytes = 4 * PEER_HEADER_LIST_BYTES_DEFAULT;
  const size_t room = config.header_list_bytes + COOKIE_ROOM_BYTES;
  count = (unsigned)(room / (2 * VALUE + SEPARATOR));
  const size_t used = (count - 1) * VALUE + count * (VALUE + SEPARATOR); /* the first is no copy */
  for (size_t extra = 0; extra < 2; extra++) {
    block_begin();
    put_cookies(COOKIE, count);
    put_cookies(room - used - SEPARATOR + extra + 6 + HEADER_OVERHEAD_BYTES, 1);
    assert_true(block.list_bytes < config.header_list_bytes);
    assert_true(ask(&config, extra ? "HEADERS 1 431 end" : ANSWERED));
  }
}

/* ---- what we hold to be sent ----------------------------------------------------------------- */

/* Whether the server still reads when `bytes` of replies wait: 17 for a PING, 9 for SETTINGS. */
static bool reads_with(unsigned bytes) {
  enum { PING_BYTES = H2_FRAME_HEADER_BYTES + 8 };
  unsigned settings = 0;
  while ((bytes - settings * H2_FRAME_HEADER_BYTES) % PING_BYTES != 0)
    settings++;
  begin(NULL, "!mute");
  for (unsigned i = 0; i < settings; i++)
    script_run(&script, "SETTINGS 0");
  for (unsigned i = (bytes - settings * H2_FRAME_HEADER_BYTES) / PING_BYTES; i > 0; i--)
    script_run(&script, "PING 0 *8");
  const struct machine_ops *ops = script.machine.ops;
  bool reads = ops->wants(script.machine.self) & MACHINE_RECV;
  script_run(&script, "!listen"); /* and continues when they have been sent */
  assert_true(ops->wants(script.machine.self) & MACHINE_RECV);
  assert_false(script.goaway);
  script_close(&script);
  return reads;
}

static void test_control(void **state) {
  (void)state;
  const unsigned most = H2_CONTROL_BYTES - H2_CONTROL_BYTES / 4;
  assert_true(reads_with(most));
  assert_false(reads_with(most + 1));
}

enum { SPANS = 2 * OUT_SEGMENTS };

/* Returns the spans of everything that is made for a transport that takes nothing. */
static size_t peek_all(struct span *spans, size_t *bytes) {
  size_t count =
      script.machine.ops->send_peek(script.machine.self, spans, SPANS, MIB, script.now_ns);
  *bytes = 0;
  for (size_t i = 0; i < count; i++)
    *bytes += spans[i].len;
  return count;
}

#define WIDE "SETTINGS 0 s4=1000000; WU 0 =1000000; HEADERS/SH 1 [@hold]"

static void test_out_bytes(void **state) {
  (void)state;
  struct span spans[SPANS];
  size_t bytes;
  begin(NULL, WIDE "; !mute; !respond 1 200; !send 1 100000");
  for (unsigned i = 0; i < 4; i++) {
    (void)peek_all(spans, &bytes);
    assert_in_range(bytes, OUT_BYTES - H2_FRAME_HEADER_BYTES - OUT_COPY_BYTES_MAX, OUT_BYTES);
  }
  script_run(&script, "!listen");
  assert_string_equal(script.log, "HEADERS 1 200, DATA 1 100000");
  script_close(&script);
}

/* A body that lends pieces of `lent_bytes`. */
static uint8_t lent[64 * KIB];
static size_t lent_bytes;

static enum body_result lend(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = span_of(lent, lent_bytes < chunk->max ? lent_bytes : chunk->max);
  return BODY_MORE;
}

static size_t lend_all(struct span *spans, size_t piece) {
  static const struct body_ops body = {.pull = lend};
  size_t bytes;
  begin(NULL, WIDE "; !mute");
  lent_bytes = piece;
  struct stream *stream = script_app_of(&script, 1)->stream;
  assert_true(stream_respond(stream, 200, NULL, 0, (struct body){&body, NULL}));
  return peek_all(spans, &bytes);
}

static bool is_lent(const struct span *span) {
  return span->base >= lent && span->base < lent + sizeof lent;
}

/* Two of them per frame: a third would be needed for more. */
static void test_out_segments(void **state) {
  (void)state;
  struct span spans[SPANS];
  size_t count = lend_all(spans, OUT_COPY_BYTES_MAX + 1);
  assert_int_equal(count, OUT_SEGMENTS - 2);
  assert_true(is_lent(&spans[count - 1]));
  script_close(&script);
}

static void test_copy(void **state) {
  (void)state;
  struct span spans[SPANS];
  assert_int_equal(lend_all(spans, OUT_COPY_BYTES_MAX), 1);
  assert_false(is_lent(&spans[0]));
  script_close(&script);
  assert_true(lend_all(spans, OUT_COPY_BYTES_MAX + 1) > 1);
  assert_true(is_lent(&spans[1]));
  script_close(&script);
}

/* Sends a response with a field of that many bytes. */
static void respond_bulk(size_t bytes, const char *log) {
  char step[32];
  snprintf(step, sizeof step, "!bulk 1 %zu", bytes);
  expect(step, log);
}

static void test_send_block(void **state) {
  (void)state;
  const size_t most = PEER_SEND_BLOCK_BYTES_MAX - HPACK_ENCODE_BLOCK_BYTES_MAX -
                      HPACK_ENCODE_FIELD_BYTES_MAX - strlen("x-bulk");
  begin(NULL, "HEADERS/SH 1 [@hold]");
  respond_bulk(most, "closed 1 NO_ERROR, HEADERS 1 200 end");
  script_close(&script);
  begin(NULL, "HEADERS/SH 1 [@hold]");
  respond_bulk(most + 1, "closed 1 INTERNAL_ERROR, respond refused, RST_STREAM 1 INTERNAL_ERROR");
  script_close(&script);
}

/* The number of allocations for a response's section, when the pool has objects. */
static uint64_t section_allocations(size_t bytes) {
  begin(NULL, "HEADERS/SH 1 [@hold]; !bulk 1 9; HEADERS/SH 3 [@hold]; !mute");
  uint64_t before = script.memory.calls;
  char step[32];
  snprintf(step, sizeof step, "!bulk 3 %zu", bytes);
  script_run(&script, step);
  uint64_t calls = script.memory.calls - before;
  script_run(&script, "!listen");
  script_close(&script);
  return calls;
}

static void test_section(void **state) {
  (void)state;
  const size_t most =
      H2_SECTION_BYTES - sizeof(struct h2_section) - sizeof(struct header) - strlen("x-bulk");
  assert_int_equal(section_allocations(most), 0);
  assert_int_equal(section_allocations(most + 1), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stream_window),
      cmocka_unit_test(test_connection_window),
      cmocka_unit_test(test_frame_bytes),
      cmocka_unit_test(test_header_list),
      cmocka_unit_test(test_list_stop),
      cmocka_unit_test(test_header_fields),
      cmocka_unit_test(test_cookie_fields),
      cmocka_unit_test(test_trailer_fields),
      cmocka_unit_test(test_response_fields),
      cmocka_unit_test(test_header_block),
      cmocka_unit_test(test_cookie_room),
      cmocka_unit_test(test_control),
      cmocka_unit_test(test_out_bytes),
      cmocka_unit_test(test_out_segments),
      cmocka_unit_test(test_copy),
      cmocka_unit_test(test_send_block),
      cmocka_unit_test(test_section),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
