/*
 * h2/test_upgrade.c - connections that began as HTTP/1.1: what HTTP2-Settings may hold, and stream 1 on both sides.
 */
#include "engine/base/wire.h"
#include "engine/h2/h2.h"
#include "engine/h2/ids.h"
#include "engine/h2/limits.h"
#include "engine/h2/upgrade.h"
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"
#include "tests/support/random.h"
#include "tests/support/script.h"
#include "tests/support/script_log.h"

#include <string.h>

enum {
  ENTRIES_BYTES = H2_SETTINGS_ENTRIES_MAX * H2_SETTING_BYTES,
  TEXT_BYTES = ENTRIES_BYTES * 4 / 3
};

static struct script script;
static unsigned wakes;

/* Base64url, bit by bit. The result is a string. */
static struct span text_of(const uint8_t *bytes, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static char text[TEXT_BYTES + 20];
  size_t digit_count = (len * 8 + 5) / 6;
  for (size_t i = 0; i < digit_count; i++) {
    unsigned value = 0;
    for (size_t bit = 6 * i; bit < 6 * i + 6; bit++)
      value = value << 1 | (bit / 8 < len && bytes[bit / 8] >> (7 - bit % 8) & 1);
    text[i] = digits[value];
  }
  text[digit_count] = 0;
  return span_of(text, digit_count);
}

/* ---- server ---------------------------------------------------------------------------------- */

static void wake(struct machine_host *host) {
  (void)host;
  wakes++;
}

static struct machine_host host = {.wake = wake};

static bool upgrade_for(const char *path, struct span settings) {
  struct headers fields;
  headers_init(&fields, NULL, 0, NULL, 0, 1000);
  const struct request request = {.method = span_text("GET"),
                                  .scheme = span_text("http"),
                                  .authority = span_text("a"),
                                  .path = span_text(path),
                                  .fields = &fields,
                                  .content_length = -1,
                                  .end = true};
  const struct http_upgrade asked = {
      .protocol = "h2c", .request = &request, .settings = settings, .head_bytes = 77};
  bool upgraded = h2_server_upgraded(&script.engine.h2, &loopback_peer, &host, script.now_ns,
                                     &asked, &script.machine);
  return upgraded;
}

static bool upgrade(struct span settings) {
  return upgrade_for("/hold", settings);
}

static void close_machine(void) {
  script.machine.ops->close(script.machine.self);
  script.app_count = 0;
  script_clear(&script);
}

static void put_entry(uint8_t *at, unsigned id, uint32_t value) {
  wire_put16(at, (uint16_t)id);
  wire_put32(at + 2, value);
}

/* Entries of any bits, under identifiers that mean nothing, and two that mean something at any place. */
static void test_settings(void **state) {
  (void)state;
  struct random random = {.state = 9};
  script_engine(&script, H2_SERVER, NULL);
  for (unsigned round = 0; round < 500; round++) {
    uint8_t entries[ENTRIES_BYTES];
    size_t count = 2 + random_below(&random, H2_SETTINGS_ENTRIES_MAX - 1);
    for (size_t i = 0; i < count; i++)
      put_entry(entries + i * H2_SETTING_BYTES, 0x10 + (unsigned)random_below(&random, 0xfff0),
                (uint32_t)random_next(&random));
    size_t one = random_below(&random, count), other = (one + 1) % count;
    uint32_t window = (uint32_t)random_below(&random, INT32_MAX),
             streams = (uint32_t)random_next(&random);
    put_entry(entries + one * H2_SETTING_BYTES, H2_INITIAL_WINDOW_SIZE, window);
    put_entry(entries + other * H2_SETTING_BYTES, H2_MAX_CONCURRENT_STREAMS, streams);
    assert_true(upgrade(text_of(entries, count * H2_SETTING_BYTES)));
    assert_int_equal(h2_of(&script.machine)->theirs.initial_window_size, window);
    assert_int_equal(h2_of(&script.machine)->theirs.max_concurrent_streams, streams);
    close_machine();
  }
  script_destroy(&script);
}

/* RFC 9218 section 2.1: it holds for the first stream's priority, too. */
static void test_settings_about_priorities(void **state) {
  uint8_t entry[H2_SETTING_BYTES];
  (void)state;
  script_engine(&script, H2_SERVER, NULL);
  for (uint32_t value = 0; value < 2; value++) {
    put_entry(entry, H2_NO_RFC7540_PRIORITIES, value);
    assert_true(upgrade(text_of(entry, sizeof entry)));
    assert_int_equal(h2_of(&script.machine)->sched.ignore_dependencies, value);
    close_machine();
  }
  script_destroy(&script);
}

/* Nothing remains of a connection whose settings are refused. */
static void expect_upgrade(struct span settings, bool expected) {
  const struct http_counters *counters = &script.engine.http.counters;
  if (upgrade(settings) != expected)
    fail_msg("\"%.*s\"", (int)settings.len, (const char *)settings.base);
  if (expected) close_machine();
  assert_int_equal(counters->connections_opened, counters->connections_closed);
}

static void test_refused_settings(void **state) {
  uint8_t entries[ENTRIES_BYTES + H2_SETTING_BYTES] = {0};
  char text[] = "EAAAAAAA";
  (void)state;
  script_engine(&script, H2_SERVER, NULL);
  for (int byte = 0; byte < 256; byte++) {
    bool is_digit =
        byte && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", byte);
    for (size_t i = 3; i < 8; i++) { /* the identifier before it means nothing */
      text[i] = (char)byte;
      expect_upgrade(span_of(text, 8), is_digit);
      text[i] = 'A';
    }
  }
  for (size_t len = 0; len < 40; len++)
    expect_upgrade(span_of("EAAAAAAAEAAAAAAAEAAAAAAAEAAAAAAAEAAAAAAA", len), len % 8 == 0);
  for (size_t i = 0; i <= H2_SETTINGS_ENTRIES_MAX; i++)
    entries[i * H2_SETTING_BYTES] = 0x10;
  expect_upgrade(text_of(entries, ENTRIES_BYTES), true);
  expect_upgrade(text_of(entries, ENTRIES_BYTES + 1), false);
  expect_upgrade(text_of(entries, ENTRIES_BYTES + H2_SETTING_BYTES), false);
  expect_upgrade(span_text("AAIAAAAC"), false); /* ENABLE_PUSH is 2 */
  script_destroy(&script);
}

/* The handler gets the request as stream 1. What it answers at once wakes nobody, what it answers later does. */
static void test_first_stream(void **state) {
  (void)state;
  for (int later = 0; later < 2; later++) {
    script_begin(&script, H2_SERVER, NULL, true);
    close_machine();
    wakes = 0;
    assert_true(upgrade_for(later ? "/hold" : "/", span_text("")));
    assert_int_equal(wakes, 0);
    struct h2_stream *stream = h2_find(h2_of(&script.machine), 1);
    assert_non_null(stream);
    assert_int_equal(stream->header_received, 77);
    script_run(&script, "RAW ~magic; SETTINGS 0; SETTINGS/A 0");
    if (later) {
      wakes = 0;
      script_run(&script, "!respond 1 200; !end 1");
      assert_true(wakes > 0);
    }
    assert_non_null(strstr(script.log, "HEADERS 1 200"));
    assert_non_null(strstr(script.log, "closed 1"));
    script_clear(&script);
    wakes = 0;
    script_run(&script, "HEADERS/SH 3 [@get]; HEADERS/SH 1 [@get]");
    assert_int_equal(wakes, 0); /* the host was calling */
    assert_non_null(strstr(script.log, "HEADERS 3 200"));
    assert_non_null(strstr(script.log, "GOAWAY 3 STREAM_CLOSED"));
    script_close(&script);
  }
}

/* ---- client ---------------------------------------------------------------------------------- */

static void test_clients_settings(void **state) {
  (void)state;
  uint8_t text[H2_UPGRADE_SETTINGS_BYTES], frame[200];
  struct engine_config config = script_config();
  for (uint32_t bytes = 0x12345678; bytes; bytes >>= 1) {
    config.header_list_bytes = bytes;
    script_begin(&script, H2_CLIENT, &config, true);
    const uint8_t *end = h2_settings_encode(frame, &h2_of(&script.machine)->ours);
    struct span expected =
        text_of(frame + H2_FRAME_HEADER_BYTES, (size_t)(end - frame) - H2_FRAME_HEADER_BYTES);
    assert_int_equal(h2_upgrade_settings(h2_of(&script.machine), text), expected.len);
    assert_memory_equal(text, expected.base, expected.len);
    script_close(&script);
  }
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)fields;
  script_log(stream->user, "response %u %u%s", (unsigned)stream->id, status, end ? " end" : "");
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  script_log(stream->user, "data %u %u%s", (unsigned)stream->id, (unsigned)bytes.len,
             end ? " end" : "");
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  script_log(stream->user, "closed %u %s", (unsigned)stream->id, h2_error_name(error_code));
}

/* The request went over HTTP/1.1: the server answers at once, and the next one is stream 3. */
static void test_upgraded_request(void **state) {
  static const struct stream_events events = {
      .response = on_response, .data = on_data, .closed = on_closed};
  static const struct {
    bool head;
    const char *steps, *log;
  } rows[] = {
      {false, "HEADERS/H 1 [@ok]; DATA/S 1 *5", "response 1 200, data 1 5 end, closed 1 NO_ERROR"},
      {false, "HEADERS/SH 1 [@ok]", "response 1 200 end, closed 1 NO_ERROR"},
      {false, "HEADERS/SH 1 [@ok content-length=5]",
       "closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"},
      {true, "HEADERS/SH 1 [@ok content-length=5]", "response 1 200 end, closed 1 NO_ERROR"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    script_begin(&script, H2_CLIENT, NULL, true);
    struct stream *stream =
        h2_upgrade_request(h2_of(&script.machine), rows[i].head, &events, &script);
    assert_non_null(stream);
    script_run(&script, "SETTINGS 0; SETTINGS/A 0");
    script_run(&script, rows[i].steps);
    assert_string_equal(script.log, rows[i].log);
    script_clear(&script);
    script_run(&script, "!request /next; HEADERS/SH 3 [@ok]");
    assert_string_equal(script.log, "HEADERS 3 /next end, response 3 200 end, closed 3 NO_ERROR");
    script_check(&script);
    script_close(&script);
  }
}

/* Stream 1 has the window that was announced, and not one byte more. */
static void test_window(void **state) {
  static const struct stream_events events = {.response = on_response, .closed = on_closed};
  struct engine_config config = script_config();
  (void)state;
  config.h2.stream_window_bytes = 1000;
  for (unsigned more = 0; more < 2; more++) {
    script_begin(&script, H2_CLIENT, &config, true);
    assert_non_null(h2_upgrade_request(h2_of(&script.machine), false, &events, &script));
    script_run(&script, "SETTINGS 0; SETTINGS/A 0; HEADERS/H 1 [@ok]");
    script_run(&script, more ? "DATA 1 *1001" : "DATA 1 *1000");
    assert_int_equal(strstr(script.log, "FLOW_CONTROL_ERROR") != NULL, more == 1);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_settings_about_priorities),
      cmocka_unit_test(test_settings),
      cmocka_unit_test(test_refused_settings),
      cmocka_unit_test(test_first_stream),
      cmocka_unit_test(test_clients_settings),
      cmocka_unit_test(test_upgraded_request),
      cmocka_unit_test(test_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
