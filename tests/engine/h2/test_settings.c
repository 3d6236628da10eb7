/*
 * h2/test_settings.c - each setting at its bounds, for both receivers; our own announcement; and streams
 * that are open when settings change.
 * Spec: RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <string.h>

#include "engine/base/wire.h"
#include "engine/h2/client.h"
#include "engine/h2/settings.h"

static struct h2_verdict apply(struct h2_settings *settings, uint16_t id, uint32_t value,
                               enum h2_role receiver) {
  uint8_t entry[H2_SETTING_BYTES];
  wire_put32(wire_put16(entry, id), value);
  assert_int_equal(h2_setting_id(entry), id);
  assert_int_equal(h2_setting_value(entry), value);
  return h2_settings_apply(settings, entry, receiver);
}

struct row {
  uint16_t id;
  uint32_t value;
  enum h2_error server, client; /* NO_ERROR: it is accepted */
};

static const struct row rows[] = {
    {H2_HEADER_TABLE_SIZE, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_HEADER_TABLE_SIZE, UINT32_MAX, H2_NO_ERROR, H2_NO_ERROR},
    {H2_ENABLE_PUSH, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_ENABLE_PUSH, 1, H2_NO_ERROR, H2_PROTOCOL_ERROR},
    {H2_ENABLE_PUSH, 2, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
    {H2_ENABLE_PUSH, UINT32_MAX, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
    {H2_MAX_CONCURRENT_STREAMS, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_MAX_CONCURRENT_STREAMS, UINT32_MAX, H2_NO_ERROR, H2_NO_ERROR},
    {H2_INITIAL_WINDOW_SIZE, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_INITIAL_WINDOW_SIZE, 0x7fffffff, H2_NO_ERROR, H2_NO_ERROR},
    {H2_INITIAL_WINDOW_SIZE, 0x80000000, H2_FLOW_CONTROL_ERROR, H2_FLOW_CONTROL_ERROR},
    {H2_INITIAL_WINDOW_SIZE, UINT32_MAX, H2_FLOW_CONTROL_ERROR, H2_FLOW_CONTROL_ERROR},
    {H2_MAX_FRAME_SIZE, 0, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
    {H2_MAX_FRAME_SIZE, 16383, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
    {H2_MAX_FRAME_SIZE, 16384, H2_NO_ERROR, H2_NO_ERROR},
    {H2_MAX_FRAME_SIZE, 16777215, H2_NO_ERROR, H2_NO_ERROR},
    {H2_MAX_FRAME_SIZE, 16777216, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
    {H2_MAX_HEADER_LIST_SIZE, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_MAX_HEADER_LIST_SIZE, UINT32_MAX, H2_NO_ERROR, H2_NO_ERROR},
    {H2_ENABLE_CONNECT_PROTOCOL, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_ENABLE_CONNECT_PROTOCOL, 1, H2_NO_ERROR, H2_NO_ERROR},
    {H2_ENABLE_CONNECT_PROTOCOL, 2, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
    {H2_NO_RFC7540_PRIORITIES, 0, H2_NO_ERROR, H2_NO_ERROR},
    {H2_NO_RFC7540_PRIORITIES, 1, H2_NO_ERROR, H2_NO_ERROR},
    {H2_NO_RFC7540_PRIORITIES, 2, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR},
};

static uint32_t value_of(const struct h2_settings *settings, uint16_t id) {
  switch (id) {
  case H2_HEADER_TABLE_SIZE: return settings->header_table_size;
  case H2_ENABLE_PUSH: return settings->enable_push;
  case H2_MAX_CONCURRENT_STREAMS: return settings->max_concurrent_streams;
  case H2_INITIAL_WINDOW_SIZE: return settings->initial_window_size;
  case H2_MAX_FRAME_SIZE: return settings->max_frame_size;
  case H2_MAX_HEADER_LIST_SIZE: return settings->max_header_list_size;
  case H2_ENABLE_CONNECT_PROTOCOL: return settings->enable_connect_protocol;
  default: return settings->no_rfc7540_priorities;
  }
}

static void check_row(const struct row *row, enum h2_role receiver, enum h2_error expected) {
  struct h2_settings settings = H2_SETTINGS_INITIAL, before = settings;
  struct h2_verdict verdict = apply(&settings, row->id, row->value, receiver);
  if (verdict.scope != (expected ? H2_CONNECTION_ERROR : H2_ACCEPT) || verdict.code != expected)
    fail_msg("setting %u = %u: %s", row->id, row->value, h2_error_name(verdict.code));
  if (expected)
    assert_memory_equal(&settings, &before, sizeof settings);
  else
    assert_int_equal(value_of(&settings, row->id), row->value);
}

static void test_bounds(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    check_row(&rows[i], H2_SERVER, rows[i].server);
    check_row(&rows[i], H2_CLIENT, rows[i].client);
  }
}

/* Every unknown identifier, with a value that would be wrong for most known ones. */
static void test_unknown(void **state) {
  (void)state;
  for (uint32_t id = 0; id <= UINT16_MAX; id++) {
    bool known = (id >= 1 && id <= 6) || id == 8 || id == 9;
    if (known) continue;
    struct h2_settings settings = H2_SETTINGS_INITIAL, before = settings;
    assert_int_equal(apply(&settings, (uint16_t)id, UINT32_MAX, H2_CLIENT).scope, H2_ACCEPT);
    assert_memory_equal(&settings, &before, sizeof settings);
  }
}

/* RFC 8441 section 3: an offer is not taken back. */
static void test_offer(void **state) {
  (void)state;
  struct h2_settings settings = H2_SETTINGS_INITIAL;
  assert_int_equal(apply(&settings, H2_ENABLE_CONNECT_PROTOCOL, 0, H2_CLIENT).scope, H2_ACCEPT);
  assert_int_equal(apply(&settings, H2_ENABLE_CONNECT_PROTOCOL, 1, H2_CLIENT).scope, H2_ACCEPT);
  assert_int_equal(apply(&settings, H2_ENABLE_CONNECT_PROTOCOL, 1, H2_CLIENT).scope, H2_ACCEPT);
  assert_int_equal(apply(&settings, H2_ENABLE_CONNECT_PROTOCOL, 0, H2_CLIENT).code,
                   H2_PROTOCOL_ERROR);
  assert_int_equal(settings.enable_connect_protocol, 1);
}

/* Announces what differs from the initial values, and nothing else. Applying it gives the same
 * settings. */
static void test_encode(void **state) {
  (void)state;
  uint8_t room[H2_FRAME_HEADER_BYTES + H2_SETTINGS_KNOWN * H2_SETTING_BYTES];
  struct h2_settings ours = H2_SETTINGS_INITIAL;
  assert_ptr_equal(h2_settings_encode(room, &ours), room + H2_FRAME_HEADER_BYTES);
  ours = (struct h2_settings){1, 0, 3, 4, 16385, 6, 1, 1};
  uint8_t *end = h2_settings_encode(room, &ours);
  assert_ptr_equal(end, room + sizeof room);
  struct h2_frame_header header = h2_frame_header_decode(room);
  assert_int_equal(h2_frame_check(&header, H2_CLIENT, H2_FRAME_BYTES_MIN).scope, H2_ACCEPT);
  struct h2_settings theirs = H2_SETTINGS_INITIAL;
  for (uint8_t *at = room + H2_FRAME_HEADER_BYTES; at < end; at += H2_SETTING_BYTES)
    assert_int_equal(h2_settings_apply(&theirs, at, H2_SERVER).scope, H2_ACCEPT);
  assert_memory_equal(&theirs, &ours, sizeof ours);
}

/* ---- a connection ---------------------------------------------------------------------------- */

static struct script script;

static void expect(const char *steps, const char *log) {
  script_run(&script, steps);
  if (strcmp(script.log, log) != 0) fail_msg("%s:\n  got  %s\n  want %s", steps, script.log, log);
  script_close(&script);
}

/* Section 6.9.2: a stream that was opened before the peer knew our smaller window has that window from its
 * acknowledgement on. */
static void test_smaller_window(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.stream_window_bytes = 1000;
  for (unsigned acked = 0; acked < 2; acked++) {
    script_begin(&script, H2_SERVER, &config, true);
    script_run(&script, "RAW ~magic; SETTINGS 0; HEADERS/H 1 [@post]");
    if (acked) script_run(&script, "SETTINGS/A 0");
    expect("DATA 1 *1001", acked ? "request 1 POST /hold, closed 1 FLOW_CONTROL_ERROR, "
                                   "RST_STREAM 1 FLOW_CONTROL_ERROR"
                                 : "request 1 POST /hold, data 1 1001");
  }
}

/* Credit that was too little to return is much of the smaller window. */
static void test_credit_of_a_smaller_window(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  config.h2.stream_window_bytes = 1000;
  script_begin(&script, H2_SERVER, &config, true);
  script_run(&script, "RAW ~magic; SETTINGS 0; HEADERS/H 1 [@post]; DATA 1 *900");
  script_clear(&script);
  expect("SETTINGS/A 0; DATA 1 *1000", "data 1 1000");
}

/* One frame that sets the initial window several times: the highest must not overflow a stream's window, even if
 * nothing has changed in the end. */
static void test_window_that_rises_and_falls(void **state) {
  (void)state;
  for (unsigned over = 0; over < 2; over++) {
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, "HEADERS/SH 1 [@hold]; WU 1 =2147418111"); /* one less than the largest */
    script_clear(&script);
    expect(over ? "SETTINGS 0 s4=65537 s4=65535" : "SETTINGS 0 s4=65536 s4=65535",
           over ? "closed 1 FLOW_CONTROL_ERROR, GOAWAY 1 FLOW_CONTROL_ERROR" : "");
  }
}

/* All but the first, which every connection has. */
static void test_frames_are_counted(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, true);
  const uint64_t *charged = &script.engine.h2.counters.charged_settings;
  script_run(&script, "RAW ~magic; SETTINGS 0; SETTINGS/A 0");
  assert_int_equal(*charged, 0);
  script_run(&script, "SETTINGS 0; SETTINGS 0");
  assert_int_equal(*charged, 2);
  script_close(&script);
}

static void on_settings(void *ctx, struct h2 *h2) {
  (void)h2;
  ++*(unsigned *)ctx;
}

/* The owner of a client hears of those that were applied: not of a wrong one, nor of one with too many entries. */
static void test_owner_hears(void **state) {
  static const struct h2_client_events events = {.settings = on_settings};
  static const char *const wrong[] = {"SETTINGS 0 s2=1", "SETTINGS 0 *198"};
  _Static_assert(198 == (H2_SETTINGS_ENTRIES_MAX + 1) * H2_SETTING_BYTES, "one entry more");
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    unsigned heard = 0;
    script_begin(&script, H2_CLIENT, NULL, false);
    h2_client_listen(h2_of(&script.machine), &events, &heard);
    script_run(&script, "SETTINGS 0 s3=7");
    assert_int_equal(heard, 1);
    script_run(&script, wrong[i]);
    assert_true(script.goaway);
    assert_int_equal(heard, 1);
    assert_int_equal(script.engine.h2.counters.calmed_settings, i);
    script_close(&script);
  }
}

static void test_ack_of_nothing(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  expect("SETTINGS/A 0", "GOAWAY 0 PROTOCOL_ERROR");
}

/* Section 6.5.2: promises that wait when the client disables push are not sent. */
static void test_promises_are_withdrawn(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  expect(
      "HEADERS/SH 1 [@hold]; !mute; !push 1; !push 1; SETTINGS 0 s2=0; !listen; !push 1; "
      "!respond 1 200; !end 1",
      "request 1 GET /hold end, request 2 GET /hold end, request 4 GET /hold end, closed 4 CANCEL, "
      "closed 2 CANCEL, push refused, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end");
}

/* They are sent when the client says again that it allows push. */
static void test_promises_stay(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  expect("HEADERS/SH 1 [@hold]; !mute; !push 1; SETTINGS 0 s2=1; !listen",
         "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold");
}

/* A promise that was sent is kept. */
static void test_sent_promises_are_kept(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]; !push 1; SETTINGS 0 s2=0");
  script_clear(&script);
  expect("!respond 2 200; !end 2", "HEADERS 2 200, closed 2 NO_ERROR, DATA 2 0 end");
}

/* Promises that wait when the client resets their stream are not sent: it takes them along, and the connection is
 * quiet once. */
static void test_promises_end_with_their_stream(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]; !mute; !push 1; !push 1; RST 1 =8; !listen");
  const struct http_counters *counters = &script.engine.http.counters;
  assert_int_equal(counters->streams_closed, 3);
  assert_int_equal(counters->connections_busied, 1);
  assert_int_equal(counters->connections_quieted, 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_offer),
      cmocka_unit_test(test_encode),
      cmocka_unit_test(test_smaller_window),
      cmocka_unit_test(test_credit_of_a_smaller_window),
      cmocka_unit_test(test_window_that_rises_and_falls),
      cmocka_unit_test(test_frames_are_counted),
      cmocka_unit_test(test_owner_hears),
      cmocka_unit_test(test_ack_of_nothing),
      cmocka_unit_test(test_promises_are_withdrawn),
      cmocka_unit_test(test_promises_stay),
      cmocka_unit_test(test_sent_promises_are_kept),
      cmocka_unit_test(test_promises_end_with_their_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
