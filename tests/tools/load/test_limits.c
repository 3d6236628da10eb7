/*
 * load/test_limits.c - the bounds of tools/load/limits.h on the command line: the maximum is
 * accepted, and one more is refused.
 */
#include "tests/support/cmocka.h"
#include "tools/load/batch.h"
#include "tools/load/limits.h"
#include "tools/load/options_parse.h"

#include <stdio.h>
#include <string.h>

#define URL "http://127.0.0.1:1/"

static struct load_options options;

/* A command line with `option value` and a URL repeated a number of times. */
static bool is_taken(const char *option, const char *value, unsigned times, unsigned urls) {
  static char *argv[2 * LOAD_FIELDS_MAX + 2 * LOAD_CAPS_MAX + LOAD_URLS_MAX + 9];
  static char name[] = "load", url[] = URL;
  char error[256];
  int argc = 0;
  argv[argc++] = name;
  for (; times > 0; times--) {
    argv[argc++] = (char *)(uintptr_t)option;
    argv[argc++] = (char *)(uintptr_t)value;
  }
  for (; urls > 0; urls--)
    argv[argc++] = url;
  argv[argc] = NULL;
  const struct failure failure = {.text = error, .size = sizeof error};
  return load_options_parse(&options, argc, argv, &failure) == OPTIONS_RUN;
}

static void test_repeated(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    assert_int_equal(is_taken("-H", "a: b", LOAD_FIELDS_MAX + extra, 1), !extra);
    assert_int_equal(is_taken("--fail-if", "p99>1s", LOAD_FAIL_IFS_MAX + extra, 1), !extra);
    assert_int_equal(is_taken("--cap", "*.x=4k", LOAD_CAPS_MAX + extra, 1), !extra);
    assert_int_equal(is_taken("--stage", "1s:5", LOAD_STAGES_MAX + extra, 1), !extra);
    assert_int_equal(is_taken("-q", "-k", 1, LOAD_URLS_MAX + extra), !extra);
  }
}

static void test_numbers(void **state) {
  (void)state;
  static const struct {
    const char *option;
    uint64_t most;
  } rows[] = {{"-n", LOAD_REQUESTS_MAX},
              {"-c", LOAD_CONNECTIONS_MAX},
              {"-m", LOAD_STREAMS_MAX},
              {"-r", (uint64_t)LOAD_RATE_MAX}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (unsigned extra = 0; extra < 2; extra++) {
      char number[24];
      snprintf(number, sizeof number, "%llu", (unsigned long long)rows[i].most + extra);
      assert_int_equal(is_taken(rows[i].option, number, 1, 1), !extra);
    }
  }
}

static void test_rates(void **state) {
  (void)state;
  char text[48];
  for (unsigned extra = 0; extra < 2; extra++) {
    snprintf(text, sizeof text, "1/%um", (unsigned)(1 / OPTION_RATE_MIN / 60) + extra);
    assert_int_equal(is_taken("-r", text, 1, 1), !extra);
    snprintf(text, sizeof text, "--arrivals=burst=%u", LOAD_BURST_MAX + extra);
    assert_int_equal(is_taken(text, "-r5", 1, 1), !extra);
  }
}

static void test_speeds(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    const double speeds[] = {LOAD_SPEED_MIN - extra * 1e-4, LOAD_SPEED_MAX + extra};
    for (unsigned i = 0; i < 2; i++) {
      char text[32], name[] = "load", url[] = URL, replay[] = "--replay", input[] = "-ia",
                     error[256];
      snprintf(text, sizeof text, "--speed=%.4f", speeds[i]);
      char *argv[] = {name, replay, input, text, url, NULL};
      const struct failure failure = {.text = error, .size = sizeof error};
      assert_int_equal(load_options_parse(&options, 5, argv, &failure) == OPTIONS_RUN, !extra);
    }
  }
}

static void test_steps_of_a_cap(void **state) {
  (void)state;
  char steps[2 * LOAD_CAP_STEPS_MAX + 2] = "1";
  for (unsigned count = 1; count < LOAD_CAP_STEPS_MAX; count++)
    strcat(steps, ",1");
  assert_true(is_taken("--cap", steps, 1, 1));
  strcat(steps, ",1");
  assert_false(is_taken("--cap", steps, 1, 1));
}

static void test_texts_of_a_cap(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    char text[LOAD_CAP_PATTERN_BYTES + LOAD_CAP_STEP_BYTES];
    snprintf(text, sizeof text, "%0*d", LOAD_CAP_STEP_BYTES - 1 + extra, 4096);
    assert_int_equal(is_taken("--cap", text, 1, 1), !extra);
    snprintf(text, sizeof text, "%0*d=4k", LOAD_CAP_PATTERN_BYTES - 1 + extra, 1);
    assert_int_equal(is_taken("--cap", text, 1, 1), !extra);
  }
}

static void test_messages(void **state) {
  (void)state;
  char text[LOAD_SUBPROTOCOL_BYTES_MAX + 24];
  for (unsigned extra = 0; extra < 2; extra++) {
    snprintf(text, sizeof text, "--message-bytes=0-%u", LOAD_MESSAGE_BYTES_MAX + extra);
    assert_int_equal(is_taken(text, "--ws", 1, 1), !extra);
    snprintf(text, sizeof text, "--subprotocol=%0*d", LOAD_SUBPROTOCOL_BYTES_MAX + (int)extra, 1);
    assert_int_equal(is_taken(text, "--ws", 1, 1), !extra);
  }
}

static void test_defaults(void **state) {
  (void)state;
  assert_true(is_taken("-q", "-k", 1, 1));
  assert_int_equal(load_options_stream_window(&options), (1u << LOAD_WINDOW_BITS) - 1);
  assert_int_equal(load_options_connection_window(&options), (1u << LOAD_WINDOW_BITS) - 1);
  assert_true(options.timeout_seconds == LOAD_TIMEOUT_SECONDS);
  for (unsigned extra = 0; extra < 2; extra++) {
    char text[32];
    snprintf(text, sizeof text, "--batch-wait=%uus", LOAD_BATCH_WAIT_US_MAX + extra);
    assert_int_equal(is_taken(text, "-q", 1, 1), !extra);
  }
}

/* A wait beside a latency is at most what a histogram rounds. */
static void test_batch_wait(void **state) {
  (void)state;
  const uint64_t us = 256 * 1000; /* of latency, for a microsecond */
  assert_int_equal(load_batch_us(0), 0);
  assert_int_equal(load_batch_us(LOAD_BATCH_AUTO_US_MIN * us - 1), 0);
  assert_int_equal(load_batch_us(LOAD_BATCH_AUTO_US_MIN * us), LOAD_BATCH_AUTO_US_MIN);
  assert_int_equal(load_batch_us(20 * us + us / 2), 20);
  assert_int_equal(load_batch_us(LOAD_BATCH_AUTO_US_MAX * us), LOAD_BATCH_AUTO_US_MAX);
  assert_int_equal(load_batch_us(UINT64_MAX), LOAD_BATCH_AUTO_US_MAX);
  for (uint64_t latency = 1; latency < 100 * us; latency += 999)
    assert_true(load_batch_us(latency) * us <= latency);
  assert_true(is_taken("--batch-wait=0", "-q", 1, 1));
  assert_true(options.batch_wait_seconds == 0);
  assert_true(is_taken("-q", "-k", 1, 1));
  assert_true(options.batch_wait_seconds == LOAD_BATCH_AUTO);
  assert_false(is_taken("--batch-wait=0us", "-q", 1, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_repeated),       cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_rates),          cmocka_unit_test(test_speeds),
      cmocka_unit_test(test_steps_of_a_cap), cmocka_unit_test(test_texts_of_a_cap),
      cmocka_unit_test(test_messages),       cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_batch_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
