/*
 * spdy/test_windows.c - windows in both directions: what we may send, what the peer may, credit, peers that know no
 * windows, and SPDY/3, which has no session window.
 */
#include <string.h>

#include "engine/spdy/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

static const struct spdy_session_config raw = {.raw = true};
static const struct spdy_session_config raw_3 = {.raw = true, .minor = SPDY_3};
static const struct spdy_session_config detect = {.raw = true, .windows = SPDY_WINDOWS_DETECT};
static const struct spdy_session_config detect_3 = {
    .raw = true, .minor = SPDY_3, .windows = SPDY_WINDOWS_DETECT};

#define OPENED "SYN 1 a=b; !tunnel 1; "
#define SEEN   "request 1 fields 1, SYN_REPLY 1 fields 0"
#define MORE   "SYN 3 a=b; !tunnel 3; "
#define AND    ", request 3 fields 1, SYN_REPLY 3 fields 0"

/* ---- sending --------------------------------------------------------------------------------- */

static const struct spdy_line sending[] = {
    {"the protocol's window", OPENED "!send 1 70000", SEEN ", DATA 1 65536"},
    {"of the stream and of the session", OPENED "!send 1 70000; WU 1 9000; WU 0 2000; WU 0 9000",
     SEEN ", DATA 1 65536, DATA 1 2000, DATA 1 2464"},
    {"the session's window is all streams'",
     OPENED MORE "!send 1 60000; !send 3 60000; WU 0 5; WU 0 100000",
     SEEN AND ", DATA 1 60000, DATA 3 5536, DATA 3 5, DATA 3 54459"},
    {"SETTINGS change the streams' windows",
     OPENED "SET 7=10; !send 1 100; SET 7=50; SET 7=20; WU 1 31",
     SEEN ", DATA 1 10, DATA 1 40, DATA 1 1"},
    {"an end needs no window", OPENED "!send 1 65536; !end 1 0",
     SEEN ", DATA 1 65536, DATA 1 0 end"},
    {"the stream's window overflows", OPENED "WU 1 2147483647; PING 1",
     SEEN ", closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR, PING 1"},
    {"the session's window overflows", OPENED "WU 0 2147483647",
     SEEN ", closed 1 FLOW_CONTROL_ERROR, GOAWAY 1 FLOW_CONTROL_ERROR, done"},
    {"the initial window is too large", OPENED "SET 7=2147483648",
     SEEN ", closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR, done"},
    {"a delta of 0", OPENED "RAW x80030009000000080000000100000000; PING 1",
     SEEN ", closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR, PING 1"},
    {"a stream that has ended", OPENED "RST 1 5; WU 1 9; PING 1", SEEN ", closed 1 CANCEL, PING 1"},
};

static const struct spdy_line sending_3[] = {
    {"no session window", OPENED MORE "!send 1 70000; !send 3 60000; WU 0 9; WU 1 9000",
     SEEN AND ", DATA 1 65536, DATA 3 60000, DATA 1 4464"},
};

static void test_sending(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(sending), true, &raw, NULL);
  spdy_lines_run(SPDY_LINES(sending_3), true, &raw_3, NULL);
}

/* ---- peers that know no windows -------------------------------------------------------------- */

static const struct spdy_line windowless[] = {
    {"a PING that is answered without a WINDOW_UPDATE",
     OPENED "!send 1 200000; PING 2; !send 1 9000000",
     SEEN ", DATA 1 65536, PING 2, DATA 1 134464, DATA 1 9000000"},
    {"there is one", OPENED "!send 1 70000; WU 0 1; PING 2; WU 1 1",
     SEEN ", DATA 1 65536, PING 2, DATA 1 1"},
    {"there was one before", OPENED "WU 1 1; !send 1 70000", SEEN ", DATA 1 65536"},
    {"another answer", OPENED "!send 1 70000; PING 4; PING 2",
     SEEN ", DATA 1 65536, PING 2, DATA 1 4464"},
    {"it is asked only when a window is used up", OPENED "!send 1 65536", SEEN ", DATA 1 65536"},
    {"its INITIAL_WINDOW_SIZE shows that it knows them",
     OPENED "SET 7=1000; !send 1 70000; PING 2; WU 1 500", SEEN ", DATA 1 1000, DATA 1 500"},
    {"another setting shows nothing", OPENED "SET 4=9; !send 1 70000; PING 2",
     SEEN ", DATA 1 65536, PING 2, DATA 1 4464"},
    {"it gets credit only where it stops at the end of a window: the session's",
     OPENED "!windows; !send 1 70000; PING 2; DATA 1 600000; DATA 1 448575; DATA 1 1; DATA 1 9",
     SEEN ", DATA 1 65536, PING 2, DATA 1 4464, data 1 600000, data 1 448575, data 1 1, "
          "WINDOW_UPDATE 0 1048576, data 1 9"},
    {"what it sends breaks nothing", OPENED "DATA 1 200000; DATA 1 900000; PING 1",
     SEEN ", data 1 200000, data 1 900000, PING 1"},
};

static const struct spdy_line windowless_3[] = {
    {"SPDY/3", OPENED "!send 1 200000; PING 2", SEEN ", DATA 1 65536, PING 2, DATA 1 134464"},
    {"it gets credit only where it stops at the end of a window: the stream's",
     OPENED "!windows; !send 1 70000; PING 2; DATA 1 65535; DATA 1 1; DATA 1 65537; DATA 1 9",
     SEEN ", DATA 1 65536, PING 2, DATA 1 4464, data 1 65535, data 1 1, WINDOW_UPDATE 1 65536, "
          "data 1 65537, data 1 9"},
};

static void test_windowless(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(windowless), true, &detect, NULL);
  spdy_lines_run(SPDY_LINES(windowless_3), true, &detect_3, NULL);
}

/* What a handler does not use stops the reading, until it has used enough of it. */
static void test_held(void **state) {
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, true, &detect, NULL);
  spdy_script_run(&script, "!later; " OPENED MORE "DATA 1 1000000; !wants; DATA 1 48577; !wants",
                  0);
  assert_string_equal(script.log,
                      SEEN AND ", data 1 1000000, wants recv, data 1 48577, wants no recv");
  assert_int_equal(script.engine.spdy.counters.held, 1);
  _Static_assert(SPDY_STREAM_HELD_BYTES_MAX == 1048576, "the script sends one byte more");
  script.log_len = 0;
  spdy_script_run(&script, "!consume 1 1; !wants; DATA 1 2; !wants; !reset 1 5; !wants", 0);
  assert_string_equal(script.log, "wants recv, data 1 2, wants no recv, closed 1 CANCEL, "
                                  "RST_STREAM 1 CANCEL, wants recv");
  script.log_len = 0;
  spdy_script_run(&script, "DATA 1 5000000; !wants; DATA 3 7", 0);
  assert_string_equal(script.log, "wants recv, data 3 7");
  assert_int_equal(script.engine.spdy.counters.dropped_bytes, 5000000);
  spdy_script_close(&script);
}

/* A frame that is longer than may be held is passed on until it is. */
static void test_held_within_a_frame(void **state) {
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, true, &detect, NULL);
  spdy_script_run(&script, "!later; " OPENED, 0);
  uint8_t header[SPDY_FRAME_HEADER_BYTES], bytes[16384] = {0};
  spdy_frame_data_encode(header, 1, 0, 16 * MIB - 1);
  struct machine *machine = &script.machine;
  (void)machine->ops->recv(machine->self, span_of(header, sizeof header), script.now_ns);
  size_t taken = 0;
  while (machine->ops->wants(machine->self) & MACHINE_RECV)
    taken += machine->ops->recv(machine->self, span_of(bytes, sizeof bytes), script.now_ns);
  assert_int_equal(taken, SPDY_STREAM_HELD_BYTES_MAX + sizeof bytes);
  spdy_script_close(&script);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static const struct spdy_line receiving[] = {
    {"more than the stream's window", "!later; " OPENED "DATA 1 65537; DATA 1 9; PING 1",
     SEEN ", closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR, PING 1"},
    {"as much as the window", "!later; " OPENED "DATA 1 65536; DATA 1 0; DATA 1 1; PING 1",
     SEEN ", data 1 65536, closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR, PING 1"},
    {"more than the session's window", "!later; 17x1 SYN # a=b; 16x1 DATA # 65536; DATA 33 1",
     NULL},
};

static void test_receiving(void **state) {
  (void)state;
  spdy_lines_run(receiving, 2, true, &raw, NULL);
}

static void test_session_window(void **state) {
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  spdy_script_run(&script, receiving[2].text, 0);
  assert_non_null(strstr(script.log, "GOAWAY 33 FLOW_CONTROL_ERROR, done"));
  spdy_script_close(&script);
  spdy_script_begin(&script, true, &raw_3, NULL);
  spdy_script_run(&script, receiving[2].text, 0);
  assert_null(strstr(script.log, "GOAWAY"));
  spdy_script_close(&script);
}

static const struct spdy_line credit[] = {
    {"a quarter of the window", OPENED "!windows; DATA 1 16383; DATA 1 1",
     SEEN ", data 1 16383, data 1 1, WINDOW_UPDATE 1 16384"},
    {"what was used",
     "!later; " OPENED "!windows; DATA 1 40000; !consume 1 10000; !consume 1 10000",
     SEEN ", data 1 40000, WINDOW_UPDATE 1 20000"},
    {"the session's, too",
     "!later; " OPENED MORE "!windows; DATA 1 65536; !consume 1 65536; 3x1 DATA 1 65536", NULL},
    {"none for a stream that has ended", OPENED "!windows; DATA/S 1 20000",
     SEEN ", data 1 20000 end"},
    {"a cap", OPENED "!windows; !cap 1 20000; DATA 1 65536", SEEN ", data 1 65536"},
    {"a wide cap", OPENED "!windows; !cap 1 100000; DATA 1 65536; DATA 1 34464",
     SEEN ", WINDOW_UPDATE 1 34464, data 1 65536, data 1 34464"},
};

static void test_credit(void **state) {
  (void)state;
  spdy_lines_run(credit, 2, true, &raw, NULL);
  spdy_lines_run(credit + 3, 3, true, &raw, NULL);
}

/* Bytes of streams that have ended are credited at once, so that others are not starved. */
static void test_late_bytes_are_credited(void **state) {
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, true, &raw, NULL);
  spdy_script_run(&script, OPENED "!windows; !reset 1 5; 8x1 DATA 1 65536", 0);
  assert_string_equal(script.log,
                      SEEN ", closed 1 CANCEL, RST_STREAM 1 CANCEL, WINDOW_UPDATE 0 262144, "
                           "WINDOW_UPDATE 0 262144");
  spdy_script_close(&script);
}

/* All sessions together: beyond the budget streams with a body are refused. */
static void test_budget(void **state) {
  static struct spdy_script script;
  struct engine_config config = engine_config_default();
  (void)state;
  config.spdy.window_budget_bytes = 65536;
  spdy_script_begin(&script, true, &(struct spdy_session_config){0}, &config);
  spdy_script_run(&script, "SYN 1 @post; SYN 3 @post; DATA/S 1 1; DATA/S 3 1; RST 1 5; RST 3 5", 0);
  assert_string_equal(script.log, "request 1 POST /, request 3 POST /, data 1 1 end, data 3 1 end, "
                                  "closed 1 CANCEL, closed 3 CANCEL");
  assert_int_equal(script.engine.spdy.window_bytes_charged, 0);
  script.log_len = 0;
  script.engine.spdy.window_bytes_charged = 1; /* another session's */
  spdy_script_run(&script, "SYN 5 @post; SYN/S 7 @get", 0);
  assert_string_equal(script.log, "RST_STREAM 5 REFUSED_STREAM, request 7 GET / end");
  script.engine.spdy.window_bytes_charged = 0;
  spdy_script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sending),   cmocka_unit_test(test_windowless),
      cmocka_unit_test(test_held),      cmocka_unit_test(test_held_within_a_frame),
      cmocka_unit_test(test_receiving), cmocka_unit_test(test_session_window),
      cmocka_unit_test(test_credit),    cmocka_unit_test(test_late_bytes_are_credited),
      cmocka_unit_test(test_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
