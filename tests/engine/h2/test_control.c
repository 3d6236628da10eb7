/*
 * h2/test_control.c - control frames from outside of a machine's calls: each fits into exactly as much room
 * as it has bytes, its host hears of it, and it brings the time.
 */
#include "engine/h2/client.h"
#include "engine/h2/control.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <string.h>

static struct script script;
static struct h2 *h2;
static unsigned wakes;
static uint64_t clock_ns;

static void count_wake(struct machine_host *host) {
  (void)host;
  wakes++;
}

static struct machine_host host = {.wake = count_wake};

/* A client whose peer reads nothing. */
static void begin(void) {
  struct engine_config config = script_config();
  config.clock_ns = &clock_ns;
  script_begin(&script, H2_CLIENT, &config, false);
  h2 = h2_of(&script.machine);
  h2->host = &host;
  wakes = 0;
  clock_ns = script.now_ns;
  script.mute = true;
}

/* Fills the buffer, which is empty, but for so many bytes. */
static void leave(size_t bytes) {
  static const uint8_t value[H2_CONTROL_BYTES];
  h2_reprioritize(h2, 1, span_of(value, H2_CONTROL_BYTES - bytes - H2_FRAME_HEADER_BYTES - 4));
}

static void send_reset(void) {
  h2_rst_stream(h2, 1, H2_CANCEL);
}

static void send_goaway(void) {
  h2_goaway(h2, 0, H2_NO_ERROR, NULL);
}

static void send_reason(void) {
  h2_goaway(h2, 0, H2_NO_ERROR, "reason");
}

static void send_ping(void) {
  h2_ping(h2, (const uint8_t *)"abcdefgh");
}

static void send_dependency(void) {
  h2_depend(h2, 3, (struct h2_dependency){.stream_id = 1, .weight = 16});
}

static void send_priority(void) {
  h2_reprioritize(h2, 3, span_text("u=1"));
}

static const struct row {
  void (*send)(void);
  size_t bytes; /* after the frame header */
  unsigned wakes, counted;
  const char *seen;
} rows[] = {
    {send_reset, 4, 0, 1, "PRIORITY_UPDATE 0, RST_STREAM 1 CANCEL"},
    {send_goaway, 8, 0, 1, "PRIORITY_UPDATE 0, GOAWAY 0 NO_ERROR"},
    {send_reason, 8 + 6, 0, 1, "PRIORITY_UPDATE 0, GOAWAY 0 NO_ERROR"},
    {send_ping, 8, 1, 0, "PRIORITY_UPDATE 0, PING"},
    {send_dependency, 5, 1, 0, "PRIORITY_UPDATE 0, PRIORITY 3"},
    {send_priority, 4 + 3, 1, 0, "PRIORITY_UPDATE 0, PRIORITY_UPDATE 0"},
};

#define EACH_ROW(row)                                                                              \
  for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++)

static uint64_t counted(void) {
  const struct h2_counters *counters = &script.engine.h2.counters;
  return counters->resets_sent + counters->goaways_sent;
}

static void test_fits_exactly(void **state) {
  (void)state;
  EACH_ROW(row) {
    begin();
    leave(H2_FRAME_HEADER_BYTES + row->bytes);
    row->send();
    assert_false(script_done(&script));
    script_run(&script, "!listen");
    assert_string_equal(script.log, row->seen);
    assert_int_equal(counted(), row->counted);
    script_close(&script);
  }
}

/* Not even GOAWAY could be sent. */
static void test_overflow(void **state) {
  (void)state;
  EACH_ROW(row) {
    begin();
    leave(H2_FRAME_HEADER_BYTES + row->bytes - 1);
    assert_false(script_done(&script));
    row->send();
    assert_true(script_done(&script));
    assert_true(script.machine.ops->deadline_ns(script.machine.self) == MACHINE_NO_DEADLINE);
    assert_int_equal(counted(), 0);
    script_run(&script, "!listen");
    assert_string_equal(script.log, "");
    script_close(&script);
  }
}

/* The other frames come out of a machine's calls, or their senders wake the host. */
static void test_wakes(void **state) {
  (void)state;
  EACH_ROW(row) {
    begin();
    row->send();
    assert_int_equal(wakes, row->wakes);
    h2->host = NULL; /* as in tests */
    row->send();
    script_close(&script);
  }
}

/* The peer has as long to take them as if they came out of a machine's call. */
static void test_time(void **state) {
  (void)state;
  EACH_ROW(row) {
    if (!row->wakes) continue;
    begin();
    clock_ns += SECOND_NS;
    row->send();
    assert_int_equal(script.machine.ops->deadline_ns(script.machine.self),
                     clock_ns + PEER_CONTROL_STALL_NS);
    script_close(&script);
  }
}

/* Nothing follows the last GOAWAY. */
static void test_after_the_last(void **state) {
  (void)state;
  EACH_ROW(row) {
    if (!row->wakes) continue;
    begin();
    script_run(&script, "DATA 0 *1");
    row->send();
    assert_int_equal(wakes, 0);
    script_run(&script, "!listen");
    assert_string_equal(script.log, "GOAWAY 0 PROTOCOL_ERROR");
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fits_exactly),   cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_wakes),          cmocka_unit_test(test_time),
      cmocka_unit_test(test_after_the_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
