/*
 * trace/test_limits.c - the bounds of tools/trace/limits.h on the command line and on what a record
 * keeps: the maximum is accepted, and one more is refused, or only counted.
 */
#include "tests/support/cmocka.h"
#include "tools/trace/limits.h"
#include "tools/trace/options.h"
#include "tools/trace/record.h"

#include <stdio.h>
#include <string.h>

static struct trace_options options;

/* `option value` repeated a number of times. */
static bool is_taken(const char *option, const char *value, unsigned times) {
  static char *argv[2 * TRACE_FIELDS_MAX + 9];
  static char name[] = "trace", url[] = "http://127.0.0.1:1/";
  char error[256];
  int argc = 0;
  argv[argc++] = name;
  for (; times > 0; times--) {
    argv[argc++] = (char *)(uintptr_t)option;
    argv[argc++] = (char *)(uintptr_t)value;
  }
  argv[argc++] = url;
  argv[argc] = NULL;
  const struct failure failure = {.text = error, .size = sizeof error};
  return trace_options_parse(&options, argc, argv, &failure) == OPTIONS_RUN;
}

static void test_options(void **state) {
  (void)state;
  for (unsigned beyond = 0; beyond < 2; beyond++) {
    char rate[16];
    snprintf(rate, sizeof rate, "%u", TRACE_RATE_MIN - beyond);
    assert_int_equal(is_taken("-r", rate, 1), !beyond);
    assert_int_equal(is_taken("-H", "a: b", TRACE_FIELDS_MAX + beyond), !beyond);
  }
  assert_true(is_taken("-H", "a: b", 1));
  assert_true(options.timeout_seconds == TRACE_TIMEOUT_SECONDS);
}

static void test_frames(void **state) {
  (void)state;
  struct trace_record record = {0};
  for (size_t i = 0; i < TRACE_FRAMES_MAX + 3; i++)
    trace_record_frame(&record, (struct trace_frame){.stream_id = 1}, NULL, 0);
  assert_int_equal(record.frame_count, TRACE_FRAMES_MAX);
  assert_int_equal(record.frames_lost, 3);
  trace_record_free(&record);
}

static void test_payload(void **state) {
  (void)state;
  uint8_t payload[TRACE_PAYLOAD_BYTES_MAX + 1];
  struct trace_record record = {0};
  memset(payload, 'x', sizeof payload);
  for (size_t len = TRACE_PAYLOAD_BYTES_MAX - 1; len <= sizeof payload; len++)
    trace_record_frame(&record, (struct trace_frame){.stream_id = 1}, payload, len);
  assert_int_equal(record.frames[0].payload_bytes, TRACE_PAYLOAD_BYTES_MAX - 1);
  assert_int_equal(record.frames[1].payload_bytes, TRACE_PAYLOAD_BYTES_MAX);
  assert_int_equal(record.frames[2].payload_bytes, TRACE_PAYLOAD_BYTES_MAX);
  assert_int_equal(record.payload_used, 3 * TRACE_PAYLOAD_BYTES_MAX - 1);
  trace_record_free(&record);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_frames),
      cmocka_unit_test(test_payload),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
