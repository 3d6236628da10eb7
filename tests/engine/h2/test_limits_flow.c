/*
 * h2/test_limits_flow.c - the bounds of h2/limits.h on how FLOW_AUTO widens a connection's
 * window and narrows it again, to the byte and to the nanosecond. h2/test_flow_auto.c tests whether
 * it is as fast as TCP.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <string.h>

static struct script script;

/* Begins an upload. `window_bytes` is the connection's window at rest. */
static void begin(uint32_t window_bytes) {
  struct engine_config config = engine_config_default();
  config.h2.flow = FLOW_AUTO;
  config.h2.connection_window_bytes = window_bytes;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/H 1 [@post]");
}

static uint32_t target(void) {
  return h2_of(&script.machine)->credit.target;
}

/* A round trip, as the unanswered probe sees it. */
static void answer_probe(uint64_t after_ns) {
  script.now_ns += after_ns;
  script_run(&script, "PING/A 0 x666c6f7763746c00");
}

static bool probes_on(const char *step) {
  script.log[script.log_len = 0] = '\0';
  script_run(&script, step);
  return strstr(script.log, "PING") != NULL;
}

static void test_probe(void **state) {
  (void)state;
  begin(PEER_CONNECTION_WINDOW_BYTES_DEFAULT);
  assert_true(probes_on("DATA 1 *9"));
  assert_false(probes_on("DATA 1 *9"));
  answer_probe(10 * MILLISECOND_NS);
  script.now_ns += H2_FLOW_PROBE_NS - 1;
  assert_false(probes_on("DATA 1 *9"));
  script.now_ns++;
  assert_true(probes_on("DATA 1 *9"));
  script_close(&script);
}

/* If the second of two frames still counts for the same round trip, the window doubles. */
static uint32_t target_after(uint64_t between_ns, bool answered_late) {
  begin(H2_WINDOW_BYTES_MIN);
  if (answered_late) {
    script_run(&script, "DATA 1 *1");
    answer_probe(3 * H2_FLOW_ROUND_TRIP_NS_MAX);
  }
  script_run(&script, "DATA 1 *10000");
  script.now_ns += between_ns;
  script_run(&script, "DATA 1 *10000");
  uint32_t bytes = target();
  script_close(&script);
  return bytes;
}

static void test_round_trip(void **state) {
  (void)state;
  for (unsigned late = 0; late < 2; late++) {
    uint32_t one = target_after(H2_FLOW_ROUND_TRIP_NS_MAX + 1, late);
    assert_true(one > H2_WINDOW_BYTES_MIN);
    assert_int_equal(target_after(H2_FLOW_ROUND_TRIP_NS_MAX, late), 2 * one);
  }
}

static void test_widest(void **state) {
  (void)state;
  begin(PEER_CONNECTION_WINDOW_BYTES_DEFAULT);
  uint32_t before = 0;
  for (uint32_t bytes = 0; bytes < H2_CONNECTION_WINDOW_BYTES_MAX; bytes += 10000) {
    script.log[script.log_len = 0] = '\0';
    script_run(&script, "DATA 1 *10000");
    assert_in_range(target(), before, H2_CONNECTION_WINDOW_BYTES_MAX);
    before = target();
  }
  assert_int_equal(target(), H2_CONNECTION_WINDOW_BYTES_MAX);
  script_close(&script);
}

/* Ticks at each deadline until `ns` have passed. */
static void pass(uint64_t ns) {
  const struct machine_ops *ops = script.machine.ops;
  uint64_t end = script.now_ns + ns;
  while (ops->deadline_ns(script.machine.self) <= end) {
    script.now_ns = ops->deadline_ns(script.machine.self);
    ops->tick(script.machine.self, script.now_ns);
    script_pump(&script);
  }
  script.now_ns = end;
}

/* Half as wide after each time of silence, down to the configured width, and never below the
 * protocol's minimum. */
static void test_idle(void **state) {
  (void)state;
  begin(1000);
  script_run(&script, "DATA 1 *10000; DATA/S 1 *10000; !respond 1 200; !end 1");
  uint32_t wide = target();
  assert_true(wide > 2 * H2_WINDOW_BYTES_MIN && wide < 4 * H2_WINDOW_BYTES_MIN);
  pass(H2_FLOW_IDLE_NS - 1);
  assert_int_equal(target(), wide);
  pass(1);
  assert_int_equal(target(), wide / 2);
  pass(H2_FLOW_IDLE_NS);
  assert_int_equal(target(), H2_WINDOW_BYTES_MIN);
  pass(3 * H2_FLOW_IDLE_NS);
  assert_int_equal(target(), H2_WINDOW_BYTES_MIN);
  script_close(&script);
}

/* A handler that answers early no longer holds its upload back. The client may send as much as
 * we read of it (RFC 9113 section 8.1), and some clients send everything before they read. */
static void test_linger_bytes(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.stream_window_bytes = H2_INITIAL_WINDOW_BYTES;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/H 1 [@post]");
  struct stream *stream = script_app_of(&script, 1)->stream;
  stream_cap(stream, 1000);
  script_run(&script, "DATA 1 *16384; DATA 1 *16384; DATA 1 *16384; DATA 1 *16383");
  const struct window_credit *credit = &((const struct h2_stream *)(const void *)stream)->credit;
  assert_int_equal(credit->granted, 0);
  script_run(&script, "!respond 1 413; !end 1");
  for (unsigned left = PEER_LINGER_BYTES; left > 0; left -= 4096)
    script_run(&script, "DATA 1 *4096");
  assert_null(strstr(script.log, "RST_STREAM"));
  script_run(&script, "DATA 1 *1");
  assert_non_null(strstr(script.log, "RST_STREAM 1 NO_ERROR"));
  script_check(&script);
  script_close(&script);
}

/* A client that ends an upload because it was answered gets a frame: the connection's credit, which
 * otherwise is returned by halves of the window. */
static void test_linger_end(void **state) {
  (void)state;
  for (int answered = 0; answered < 2; answered++) {
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, answered ? "HEADERS/H 1 [@post]; !respond 1 413; !end 1; DATA/S 1 *1"
                                 : "HEADERS/H 1 [@post]; DATA/S 1 *1; !respond 1 200; !end 1");
    assert_int_equal(script.connection_credit, answered ? 65535 : 65534);
    script_run(&script, "HEADERS/H 3 [@post]; DATA/S 3 *5; !respond 3 200; !end 3");
    assert_int_equal(script.connection_credit, answered ? 65530 : 65529); /* once */
    script_close(&script);
  }
}

/* Padding, and the octet with its length, are consumed at once. */
static void test_padding(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; RAW x0003e8000800000001 x09 *100");
  const struct h2 *h2 = h2_of(&script.machine);
  assert_int_equal(h2->credit.held, 1000 - (1 + 9) - 100);
  script_run(&script, "RAW *899");
  assert_int_equal(h2->credit.held, 0);
  script_close(&script);
}

/* A response ends while a DATA frame of the request arrives: what has come of it is consumed at once, and
 * the rest when it comes. */
static void test_linger_within_a_frame(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; RAW x0003e8000000000001 *400; !respond 1 200; !end 1");
  const struct h2 *h2 = h2_of(&script.machine);
  assert_int_equal(h2->credit.held, 600);
  script_run(&script, "RAW *599");
  assert_int_equal(h2->credit.held, 1);
  script_run(&script, "RAW *1; DATA/S 1 *10");
  assert_int_equal(h2->credit.held, 0);
  assert_string_equal(script.log, "request 1 POST /hold, data 1 400, HEADERS 1 200, "
                                  "closed 1 NO_ERROR, DATA 1 0 end");
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_probe),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_widest),
      cmocka_unit_test(test_idle),
      cmocka_unit_test(test_linger_bytes),
      cmocka_unit_test(test_linger_end),
      cmocka_unit_test(test_linger_within_a_frame),
      cmocka_unit_test(test_padding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
