/*
 * h2/test_budget.c - each budget of a connection: how much goes through at once, in each of the ways
 * named in the comments of engine/base/limits.h. h2/test_pause.c tests what becomes of a connection
 * that goes on, base/test_budget.c the token buckets on their own.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct script script;

static bool reads(void) {
  return script.machine.ops->wants(script.machine.self) & MACHINE_RECV;
}

/* Repeats `text`, in which `$` is a rising identifier, until the connection pauses or ends. Returns
 * the number of repetitions. It ends only where the bound is no budget. */
static unsigned flood(const char *before, const char *text, unsigned most) {
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, before);
  uint64_t handled = script.engine.http.counters.requests;
  unsigned count = 0;
  for (unsigned id = 11; count < most && reads(); count++, id += 2) {
    char step[256];
    size_t len = 0;
    for (const char *at = text; *at; at++)
      len += (size_t)(*at == '$' ? snprintf(step + len, sizeof step - len, "%u", id)
                                 : snprintf(step + len, sizeof step - len, "%c", *at));
    script.log[script.log_len = 0] = '\0';
    script.app_count = script.app_count > 8 ? 8 : script.app_count;
    script_run(&script, step);
  }
  if (script.goaway) {
    assert_non_null(strstr(script.log, "ENHANCE_YOUR_CALM"));
    assert_true(script_done(&script));
  }
  assert_int_equal(script.engine.h2.counters.calmed, script.goaway);
  assert_int_equal(script.engine.h2.counters.pauses, !script.goaway && !reads());
  assert_true(script.engine.http.counters.requests - handled <= PEER_RESET_BURST + 1 || reads());
  script_close(&script);
  return count;
}

static void test_resets(void **state) {
  (void)state;
  assert_int_equal(flood("", "HEADERS/SH $ [@hold]; RST $ =8", 9999), PEER_RESET_BURST + 1);
}

/* CVE-2025-8671: six ways to make us reset. */
static void test_made_resets(void **state) {
  (void)state;
  static const char *const ways[] = {
      "HEADERS/SH $ [@hold]; WU $ =0",
      "HEADERS/SH $ [@hold]; WU $ =2147483647",
      "HEADERS/SH $ [@hold]; PRIORITY $ *4",
      "HEADERS/SH $ [@hold]; PRIORITY $ d$/16",
      "HEADERS/SH $ [@hold]; HEADERS/SH $ [a=b]",
      "HEADERS/SH $ [@hold]; DATA $ *1",
      "HEADERS/SH $ [@get A=b]",
      "HEADERS/H $ [@post content-length=1]; DATA/S $",
  };
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    assert_in_range(flood("", ways[i], 9999), PEER_RESET_BURST, PEER_RESET_BURST + 1);
}

/* ---- at any moment of a response ------------------------------------------------------------- */

/* The transport takes at most that many bytes. Returns how many it took. */
static size_t take_bytes(size_t most) {
  const struct machine_ops *ops = script.machine.ops;
  struct span spans[16];
  size_t taken = 0;
  size_t count = ops->send_peek(script.machine.self, spans, 16, 64 * KIB, script.now_ns);
  script.received = realloc(script.received, script.received_size = script.received_len + most + 1);
  for (size_t i = 0; i < count && taken < most; i++) {
    size_t part = spans[i].len < most - taken ? spans[i].len : most - taken;
    memcpy(script.received + script.received_len, spans[i].base, part);
    script.received_len += part;
    taken += part;
  }
  if (taken) ops->send_ack(script.machine.self, taken, script.now_ns);
  return taken;
}

/* CVE-2023-44487 and CVE-2025-8671 when `most` bytes of a response have been taken: the stream
 * ends, nothing is left of it, and the connection is in step, wherever the response was cut off.
 * If the response had been made to its end (`ended`), further frames on it may be a connection
 * error. Returns false if the response is shorter than that. */
static bool reset_after(const char *how, size_t most, bool ended) {
  script_begin(&script, H2_SERVER, NULL, false);
  script.mute = true;
  script_run(&script, "HEADERS/SH 1 [@hold +a=b]; !respond 1 200; !send 1 300");
  if (ended) script_run(&script, "!end 1");
  bool there = take_bytes(most) == most;
  assert_int_equal(script.engine.http.counters.streams_closed, ended);
  script_run(&script, how);
  script.mute = false;
  script_pump(&script);
  assert_int_equal(script.engine.http.counters.streams_closed, 1);
  if (!ended) assert_false(script.goaway);
  if (!script.goaway) script_check(&script);
  script_close(&script);
  return there;
}

static void test_reset_at_each_byte(void **state) {
  (void)state;
  static const char *const ways[] = {
      "RST 1 =8",         "WU 1 =0",   "WU 1 =2147483647",   "PRIORITY 1 *4",
      "PRIORITY 1 d1/16", "DATA 1 *1", "HEADERS/SH 1 [a=b]", "HEADERS/H 1 [a=b]",
  };
  for (size_t i = 0; i < 2 * sizeof ways / sizeof *ways; i++) {
    size_t bytes = 0;
    while (reset_after(ways[i / 2], bytes, i % 2))
      bytes++;
    assert_in_range(bytes, 9 + 9 + 300, 500); /* two frames and their payload */
  }
}

/* One complete exchange pays for one reset: every second request may be reset, for ever. */
static void test_paid_resets(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  for (unsigned id = 1; id < 4000; id += 4) {
    char step[128];
    snprintf(step, sizeof step, "HEADERS/SH %u [@get]; HEADERS/SH %u [@hold]; RST %u =8", id,
             id + 2, id + 2);
    script.log[script.log_len = 0] = '\0';
    script.app_count = 0;
    script_run(&script, step);
  }
  assert_int_equal(script.engine.h2.counters.pauses, 0);
  script_close(&script);
}

/* Many malformed requests that wait for the transport together: each gets its 400 and its
 * RST_STREAM. */
static void test_malformed_at_once(void **state) {
  (void)state;
  enum { COUNT = H2_CONTROL_BYTES / (H2_FRAME_HEADER_BYTES + 4) + 5 };
  struct engine_config config = script_config();
  config.h2.concurrent_streams = COUNT;
  script_begin(&script, H2_SERVER, &config, false);
  script.mute = true;
  for (unsigned i = 0; i < COUNT; i++) {
    char step[64];
    if (i == PEER_RESET_BURST) script_run(&script, "!tick 10000");
    snprintf(step, sizeof step, "HEADERS/SH %u [@get A=b]", 2 * i + 1);
    script_run(&script, step);
  }
  script.mute = false;
  script_pump(&script);
  assert_int_equal(script.engine.h2.counters.resets_sent, COUNT);
  assert_int_equal(script.engine.http.counters.responses, COUNT);
  assert_non_null(strstr(script.log, "HEADERS 639 400 end, RST_STREAM 639 PROTOCOL_ERROR"));
  assert_false(script.goaway);
  script_check(&script);
  script_close(&script);
}

/* A client resets an upload that was answered before its end. It counts as a complete exchange. */
static void test_answered_uploads(void **state) {
  (void)state;
  static const char upload[] = "HEADERS/H $ [:method=POST :scheme=https :authority=a :path=/]; "
                               "DATA $ *9; RST $ =8";
  assert_int_equal(flood("", upload, 4 * PEER_RESET_BURST), 4 * PEER_RESET_BURST);
  static const char begun[] = "HEADERS/H $ [@post]; !respond $ 200; RST $ =8";
  assert_int_equal(flood("", begun, 4 * PEER_RESET_BURST), PEER_RESET_BURST + 1);
}

static void test_floods(void **state) {
  (void)state;
  assert_int_equal(flood("", "PING 0 *8", 9999), PEER_PING_BURST + 1);
  assert_int_equal(flood("", "SETTINGS 0", 9999), PEER_SETTINGS_BURST + 1);
  assert_int_equal(flood("", "T200 0 *8", 9999), PEER_GLITCH_BURST + 1);
  assert_int_equal(flood("HEADERS/H 1 [@post]", "DATA 1", 9999),
                   PEER_GLITCH_BURST + PEER_EMPTY_DATA_FREE + 1);
  assert_int_equal(flood("HEADERS/H 1 [@post]", "DATA/P 1 p9", 9999),
                   PEER_GLITCH_BURST + PEER_EMPTY_DATA_FREE + 1);
  assert_in_range(flood("HEADERS/SH 1 [@hold]", "WU 1 =1", 9999),
                  PEER_GLITCH_BURST + PEER_UPDATES_FREE,
                  PEER_GLITCH_BURST + PEER_UPDATES_FREE + 10);
  assert_in_range(flood("", "WU 0 =1", 9999), PEER_GLITCH_BURST + PEER_UPDATES_FREE,
                  PEER_GLITCH_BURST + PEER_UPDATES_FREE + 10);
  assert_in_range(flood("", "PRIORITY $ d0/16", 99999), PEER_GLITCH_BURST,
                  PEER_GLITCH_BURST + H2_PRIORITIES_FREE + 10);
  assert_in_range(flood("HEADERS/SH 1 [@hold]", "PU 0 =1 x753d31", 99999), PEER_GLITCH_BURST,
                  PEER_GLITCH_BURST + H2_PRIORITIES_FREE + 20);
  assert_in_range(flood("HEADERS/SH 1 [@hold]; RST 1 =8", "RST 1 =8", 9999), PEER_GLITCH_BURST,
                  PEER_GLITCH_BURST + 1);
}

/* Padded DATA that is not empty is not a flood. */
static void test_padded_data(void **state) {
  (void)state;
  assert_int_equal(flood("HEADERS/H 1 [@post]", "DATA/P 1 p9 *1", 3000), 3000);
}

static void test_one_frame(void **state) {
  (void)state;
  char text[1024] = "SETTINGS 0";
  for (unsigned i = 0; i < H2_SETTINGS_ENTRIES_MAX; i++)
    strcat(text, " s3=100");
  assert_int_equal(flood("", text, 2), 2); /* 32 entries (CVE-2020-11080) */
  strcat(text, " s3=100");
  assert_int_equal(flood("", text, 2), 1);
}

/* INITIAL_WINDOW_SIZE several times in a frame: the values, and their errors, count in order
 * (section 6.5.3). The window starts with 2147400000 more than the initial value. */
static void test_windows_of_one_frame(void **state) {
  (void)state;
  static const struct {
    const char *settings, *error;
  } rows[] = {
      {"SETTINGS 0 s4=0 s4=83647", NULL},
      {"SETTINGS 0 s4=83647 s4=0 s4=2", NULL},
      {"SETTINGS 0 s4=83648", "FLOW_CONTROL_ERROR"},
      {"SETTINGS 0 s4=0 s4=83648 s4=0", "FLOW_CONTROL_ERROR"},
      {"SETTINGS 0 s4=83648 s2=5", "FLOW_CONTROL_ERROR"},
      {"SETTINGS 0 s2=5 s4=83648", "PROTOCOL_ERROR"},
      {"SETTINGS 0 s4=83647 s4=2147483648", "FLOW_CONTROL_ERROR"},
  };
  for (size_t i = 0; i < 8 * sizeof rows / sizeof *rows; i++) {
    const size_t piece_bytes = i % 8; /* 0: in one piece */
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, "HEADERS/SH 1 [@hold]; WU 1 =2147400000; WU 0 =1000000");
    script.log[script.log_len = 0] = '\0';
    script.piece_bytes = piece_bytes;
    script_run(&script, rows[i / 8].settings);
    assert_int_equal(script.goaway, rows[i / 8].error != NULL);
    if (rows[i / 8].error) assert_non_null(strstr(script.log, rows[i / 8].error));
    script_close(&script);
  }
  /* The resulting window: 65535 - 5 are spent, the windows are shut, and opened by 5 + 100. */
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]; WU 0 =1000000; !respond 1 200; !send 1 65530");
  script_run(&script, "SETTINGS 0 s4=70000 s4=0 s4=65635");
  script.log[script.log_len = 0] = '\0';
  script_run(&script, "!send 1 1000");
  assert_string_equal(script.log, "DATA 1 105");
  script_close(&script);
}

/* Pushes until one is refused; the client refuses each if `client_refuses`. */
static unsigned pushes(bool client_refuses) {
  unsigned count = 0;
  for (uint32_t id = h2_of(&script.machine)->own_id_next;; id += 2, count++) {
    char step[32];
    script.log[script.log_len = 0] = '\0';
    script.app_count = 1;
    script_run(&script, "!push 1");
    if (strstr(script.log, "refused")) return count;
    snprintf(step, sizeof step, "RST %u =7", id);
    if (client_refuses) script_run(&script, step);
    assert_false(script.goaway);
    assert_true(count < 1000);
  }
}

static void test_pushes(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = true;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/SH 1 [@hold]");
  assert_int_equal(pushes(true), PEER_PUSH_BURST);
  script_run(&script, "!tick 2000; PING 0 *8");
  assert_int_equal(pushes(true), 2 * PEER_PUSH_PER_SECOND);
  script_run(&script, "!tick 60000; PING 0 *8");
  assert_int_equal(pushes(false), PEER_PUSH_BURST);
  script_run(&script, "!tick 60000; PING 0 *8");
  assert_int_equal(pushes(false), PEER_PUSHES_MAX - PEER_PUSH_BURST);
  script_close(&script);
}

/* CVE-2024-27316, CVE-2026-33871 */
static void test_continuations(void **state) {
  (void)state;
  assert_int_equal(flood("HEADERS/S 1 [@get]", "CONT 1 [a=b]", 99), H2_CONTINUATION_FRAMES_MAX + 1);
  assert_int_equal(flood("HEADERS/S 1 [@get]", "CONT 1", 99), 1);
  assert_in_range(flood("HEADERS/S 1 [@get]", "CONT 1 *16000", 99), 4, 5);
}

/* CVE-2019-9516, CVE-2026-49975: fields that cost more than their bytes. */
static void test_fields(void **state) {
  (void)state;
  char text[4096] = "HEADERS/SH 1 [@get ";
  for (unsigned i = 0; i < PEER_HEADER_FIELDS_MAX + 1; i++)
    strcat(text, "a= ");
  strcat(text, "]");
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, text);
  assert_string_equal(script.log, "HEADERS 1 431 end");
  script_check(&script);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resets),
      cmocka_unit_test(test_made_resets),
      cmocka_unit_test(test_reset_at_each_byte),
      cmocka_unit_test(test_windows_of_one_frame),
      cmocka_unit_test(test_pushes),
      cmocka_unit_test(test_paid_resets),
      cmocka_unit_test(test_malformed_at_once),
      cmocka_unit_test(test_answered_uploads),
      cmocka_unit_test(test_floods),
      cmocka_unit_test(test_padded_data),
      cmocka_unit_test(test_one_frame),
      cmocka_unit_test(test_continuations),
      cmocka_unit_test(test_fields),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
