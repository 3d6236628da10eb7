/*
 * spdy/test_draft.c - demands of the draft that are on no single frame or state: what is ignored, and what an error says.
 * Each row names its section. Those on frames are in test_frame.c, on states in test_states.c, on header blocks in
 * test_block.c, on HTTP in test_message.c and test_http.c, on windows in test_windows.c. DRAFT.md lists all of them.
 */
#include <stdio.h>
#include <string.h>

#include "engine/spdy/connection.h"
#include "engine/spdy/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

#define OPENED "SYN 1 a=b; !tunnel 1; "
#define SEEN   "request 1 fields 1, SYN_REPLY 1 fields 0"

static const struct spdy_line server[] = {
    {"2.2.1, a type that is not known is skipped", "RAW x800300ff0000000401020304; PING 1",
     "PING 1"},
    {"2.2.1, whatever its flags and length", OPENED "RAW x80037ffeff000000; PING 1",
     SEEN ", PING 1"},
    {"2.2.1, flags that mean nothing",
     OPENED "RAW x80030006ff00000400000001; RAW x80030009ff0000080000000100000001",
     SEEN ", PING 1"},
    {"2.2.2, those of DATA, too", OPENED "RAW x00000001fe00000161", SEEN ", data 1 1"},
    {"2.2.2, DATA of no stream", OPENED "RAW x000000000000000161; PING 1",
     SEEN ", closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR, done"},
    {"2.4.1, GOAWAY names the last stream that was good", OPENED "SYN 3 a=b; SYN 2 a=b",
     SEEN ", request 3 fields 1, closed 3 PROTOCOL_ERROR, closed 1 PROTOCOL_ERROR, "
          "GOAWAY 3 PROTOCOL_ERROR, done"},
    {"2.4.1, 0 if there was none", "SYN 2 a=b", "GOAWAY 0 PROTOCOL_ERROR, done"},
    {"2.4.2, RST_STREAM does not answer RST_STREAM", OPENED "RST 1 5; RST 1 5; RST 9 1; PING 1",
     SEEN ", closed 1 CANCEL, PING 1"},
    {"2.6.4, of several values for one setting the first counts",
     OPENED "SET 7=10 7=50; !send 1 100", SEEN ", DATA 1 10"},
    {"2.6.4, in each frame", OPENED "SET 7=10; SET 7=50 4=1 7=20; !send 1 100", SEEN ", DATA 1 50"},
    {"2.6.4, settings that are not known",
     OPENED "SET 0=7 9=1 16=1 23=5 16777215=3 7=10; !send 1 100", SEEN ", DATA 1 10"},
    {"2.6.8, credit", "!windows; " OPENED "DATA 1 60000",
     SEEN ", data 1 60000, WINDOW_UPDATE 1 60000"},
    {"2.6.8, but not once the peer has ended", "!windows; " OPENED "DATA/S 1 60000",
     SEEN ", data 1 60000 end"},
    {"2.6.4, a client's wish to persist, or to forget",
     OPENED "RAW x800300040100000c00000001030000070000000a; !send 1 100", SEEN ", DATA 1 10"},
    {"2.6.5, PING is answered before other output", OPENED "!mute; !send 1 9; PING 1; !listen",
     SEEN ", PING 1, DATA 1 9"},
    {"2.6.10, an illegal name is an error of its stream", "SYN/S 1 A=b; SYN 3 a=b",
     "RST_STREAM 1 PROTOCOL_ERROR, request 3 fields 1"},
};

static void test_server(void **state) {
  static const struct spdy_session_config raw = {.minor = SPDY_3_1, .raw = true};
  (void)state;
  spdy_lines_run(SPDY_LINES(server), true, &raw, NULL);
}

#define GOT    "request 1 GET / end"
#define PUSHED GOT ", request 2 GET /x.css end, SYN_STREAM 2 on 1"

static const struct spdy_line server_http[] = {
    {"2.3.2, a second SYN_STREAM for a stream that has ended",
     "SYN/S 1 @get; !respond 1 200 none; SYN/S 1 @get; PING 1",
     GOT ", closed 1 0, SYN_REPLY 1 200 end, RST_STREAM 1 PROTOCOL_ERROR, PING 1"},
    {"3.2.1, the body is longer than it says, after the answer has begun",
     "SYN 1 @post content-length=3; !respond 1 200; DATA 1 4; PING 1",
     "request 1 POST /, SYN_REPLY 1 200, closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR, "
     "PING 1"},
    {"3.3.2, who cancels the page cancels its pushes",
     "SYN/S 1 @get; !push 1 /x.css; !push 1 /y.css; !respond 2 200; RST 1 5; !end 2 9; PING 1",
     PUSHED ", request 4 GET /y.css end, SYN_STREAM 4 on 1, HEADERS 2 200, closed 1 CANCEL, "
            "closed 4 CANCEL, closed 2 CANCEL, no stream 2, PING 1"},
    {"3.3.2, and no others",
     "SYN/S 1 @get; SYN/S 3 @get; !push 3 /x.css; RST 1 5; !respond 2 200 none",
     GOT ", request 3 GET / end, request 2 GET /x.css end, SYN_STREAM 2 on 3, closed 1 CANCEL, "
         "closed 2 0, HEADERS 2 200 end"},
    {"3.3.2, another status concerns the page alone",
     "SYN/S 1 @get; !push 1 /x.css; RST 1 1; !respond 2 200 none",
     PUSHED ", closed 1 PROTOCOL_ERROR, closed 2 0, HEADERS 2 200 end"},
};

#define ASKED "SYN_STREAM 1 fields 5 end"
#define URL   ":scheme=https :host=a :path=/x.css :version=HTTP/1.1"

static const struct spdy_line client_http[] = {
    {"2.6.6, after our GOAWAY no stream is created",
     "!request none @ask; REPLY 1 @ok; !drain; !request none @ask; DATA/S 1 1",
     ASKED
     ", response 1 200 fields 1, drain 1, GOAWAY 0 OK, request refused, data 1 1 end, closed 1 "
     "0, done"},
    {"3.2.2, a body of another length, with DATA",
     "!request none @ask; REPLY 1 @ok content-length=5; DATA 1 4; DATA/S 1 4",
     ASKED ", response 1 200 fields 2, data 1 4, data 1 4 end, closed 1 0"},
    {"3.2.2, none at all", "!request none @ask; REPLY/S 1 @ok content-length=5",
     ASKED ", response 1 200 fields 2 end, closed 1 0"},
    {"3.3.2, a push without a stream", "!request none @ask; SYN/U 0 a1 " URL,
     ASKED ", ended broken: frame needs a stream, closed 1 PROTOCOL_ERROR, GOAWAY 0 "
           "PROTOCOL_ERROR, done"},
    {"3.3.2, who cancels the page cancels its pushes",
     "!request none @ask; SYN/U 2 a1 " URL "; !reset 1 5; HEADERS 2 @ok; DATA/S 2 9; PING 2",
     ASKED ", promise 2 on 1 /x.css, closed 1 CANCEL, closed 2 CANCEL, RST_STREAM 1 CANCEL, PING "
           "2"},
    {"3.3.2, fields for a second time",
     "!request none @ask; SYN/U 2 a1 " URL "; HEADERS 2 @ok; HEADERS 2 @ok; PING 2",
     ASKED ", promise 2 on 1 /x.css, response 2 200 fields 1, closed 2 PROTOCOL_ERROR, "
           "RST_STREAM 2 PROTOCOL_ERROR, PING 2"},
};

static void test_http(void **state) {
  static const struct spdy_session_config http = {.minor = SPDY_3_1};
  (void)state;
  spdy_lines_run(SPDY_LINES(server_http), true, &http, NULL);
  spdy_lines_run(SPDY_LINES(client_http), false, &http, NULL);
}

/* Section 3.3: no more at once than we allow. */
static void test_pushes_are_throttled(void **state) {
  static const struct spdy_session_config http = {.minor = SPDY_3_1};
  static const struct spdy_line line = {
      "a second push", "!request none @ask; SYN/U 2 a1 " URL "; SYN/U 4 a1 " URL "; PING 2",
      ASKED ", promise 2 on 1 /x.css, RST_STREAM 4 REFUSED_STREAM, PING 2"};
  struct engine_config config = engine_config_default();
  (void)state;
  config.spdy.concurrent_streams = 1;
  spdy_lines_run(&line, 1, false, &http, &config);
}

/* Section 2.2.1: each endpoint reads control frames of 8,192 octets. Those of a fixed length never are. */
static void test_long_frames(void **state) {
  static const uint16_t types[] = {SPDY_SYN_STREAM, SPDY_SYN_REPLY, SPDY_HEADERS, SPDY_SETTINGS};
  (void)state;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    struct spdy_frame_header header = {.control = true, .version = SPDY_VERSION, .type = types[i]};
    header.length = 4 + 1023 * SPDY_SETTING_BYTES;
    assert_true(SPDY_FRAME_HEADER_BYTES + header.length >= 8192);
    assert_int_equal(spdy_frame_check(&header).scope, SPDY_ACCEPT);
  }
}

/* And acts upon them: the last of 1,023 settings counts. */
static void test_long_settings(void **state) {
  static const struct spdy_session_config raw = {.raw = true};
  static struct spdy_script script;
  static struct spdy_setting settings[1023];
  static uint8_t bytes[SPDY_SETTINGS_BYTES(1023)];
  (void)state;
  for (uint32_t i = 0; i < 1022; i++)
    settings[i] = (struct spdy_setting){.id = 100 + i, .value = 9};
  settings[1022] = (struct spdy_setting){.id = SPDY_SETTINGS_INITIAL_WINDOW_SIZE, .value = 10};
  (void)spdy_frame_settings_encode(bytes, 0, settings, 1023);
  spdy_script_begin(&script, true, &raw, NULL);
  const struct machine_ops *ops = script.machine.ops;
  assert_int_equal(ops->recv(script.machine.self, span_of(bytes, sizeof bytes), script.now_ns),
                   sizeof bytes);
  spdy_script_run(&script, OPENED "!send 1 100", 0);
  assert_string_equal(script.log, SEEN ", DATA 1 10");
  spdy_script_close(&script);
}

/* Section 2.6.4: SETTINGS come first, from the lowest identifier to the highest, each once, at least 100 streams are
 * allowed, and nothing is to persist. */
static void expect_settings(const uint8_t *bytes) {
  struct spdy_frame_header header = spdy_frame_header_decode(bytes);
  struct spdy_frame frame;
  uint32_t last = 0;
  assert_int_equal(header.type, SPDY_SETTINGS);
  assert_int_equal(header.flags, 0);
  assert_int_equal(spdy_frame_decode(&header, bytes + SPDY_FRAME_HEADER_BYTES, &frame).scope,
                   SPDY_ACCEPT);
  assert_int_equal(frame.settings_entries, 2);
  for (uint32_t i = 0; i < frame.settings_entries; i++) {
    struct spdy_setting setting = spdy_setting_decode(bytes + SPDY_SETTINGS_BYTES(i));
    assert_int_equal(setting.flags, 0);
    assert_true(setting.id > last);
    last = setting.id;
    if (last == SPDY_SETTINGS_MAX_CONCURRENT_STREAMS) assert_true(setting.value >= 100);
  }
}

static void test_our_settings(void **state) {
  static const struct spdy_session_config raw = {.raw = true};
  static const struct machine_peer peer = {.application_protocol = "spdy/3.1"};
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  for (int role = 0; role < 2; role++) {
    struct machine machine;
    struct span spans[8];
    assert_true((role ? spdy_server : spdy_client)(&script.engine.spdy, &raw, &peer, &script.host,
                                                   script.now_ns, &machine));
    size_t count = machine.ops->send_peek(machine.self, spans, 8, 16384, script.now_ns);
    assert_true(count > 0 && spans[0].len >= SPDY_SETTINGS_BYTES(2));
    expect_settings(spans[0].base);
    machine.ops->close(machine.self);
  }
  spdy_script_close(&script);
}

/* Section 2.3.2: identifiers do not wrap. */
static void test_last_identifier(void **state) {
  static const struct spdy_session_config raw = {.raw = true};
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, false, &raw, NULL);
  ((struct spdy *)script.machine.self)->own_id_next = SPDY_STREAM_ID_MAX;
  spdy_script_run(&script, "!request a=b; !request a=b", 0);
  assert_string_equal(script.log, "SYN_STREAM 2147483647 fields 1, request refused");
  spdy_script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_server),
      cmocka_unit_test(test_http),
      cmocka_unit_test(test_pushes_are_throttled),
      cmocka_unit_test(test_long_frames),
      cmocka_unit_test(test_long_settings),
      cmocka_unit_test(test_our_settings),
      cmocka_unit_test(test_last_identifier),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
