/*
 * load/test_frame.c - the live display and its plain line: what they say, and that they fit.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tools/load/frame.h"

static struct load_options options;
static struct load_second last;
static struct load_progress progress;
static struct load_frame frame;
static char *urls[] = {"http://localhost:8080/plaintext"};

/* A run of ten seconds at 2,000 requests a second, three seconds after its start. */
static void begin(void) {
  options = (struct load_options){.urls = urls,
                                  .url_count = 1,
                                  .connections = 20,
                                  .streams = 10,
                                  .threads = 1,
                                  .duration_seconds = 10,
                                  .rate = 2000};
  memset(&last, 0, sizeof last);
  last.begin_ns = 102 * SECOND_NS;
  last.end_ns = 103 * SECOND_NS;
  last.asked = last.started = 2000;
  last.done = 1990;
  last.bytes_in = 310000;
  last.in_flight = 12;
  last.connections = 20;
  last.busy = 0.12;
  load_histogram_add(&last.latency, 1000);
  load_histogram_add(&last.latency, 3000000);
  load_histogram_add(&last.lateness, 100000);
  progress = (struct load_progress){.options = &options,
                                    .now_ns = 103 * SECOND_NS,
                                    .run_begin_ns = 100 * SECOND_NS,
                                    .last = &last,
                                    .measured_ns = 100 * SECOND_NS,
                                    .done = 4000};
  load_progress_add(&progress);
}

/* The lines, each with a newline. */
static const char *shown(struct load_look look) {
  static char text[LOAD_FRAME_LINES * LOAD_FRAME_LINE_BYTES];
  load_frame_make(&frame, &progress, &look);
  text[0] = 0;
  for (unsigned i = 0; i < frame.count; i++) {
    strcat(text, frame.lines[i].text);
    strcat(text, "\n");
  }
  return text;
}

static const struct load_look wide = {.columns = 80, .rows = 24};

static void test_lines(void **state) {
  (void)state;
  begin();
  assert_string_equal(shown(wide),
                      "weir load http://localhost:8080/plaintext  20 connections of 10 streams\n"
                      " 30% #################--------------------------------------  7s left\n"
                      "rate      1990/s of 2000/s  100.0% kept           #\n"
                      "latency   p50 1.00us  p99 3.00ms  max 3.00ms      #\n"
                      "requests  5,990 done  0 failed  12 in flight  backlog 0\n"
                      "network   20 connections open  310KB/s received\n"
                      "weir load busiest thread 12%  woke late p99 100us\n");
}

/* Failures have a rate of their own: that of the first line counts successes. */
static void test_failures(void **state) {
  (void)state;
  begin();
  last.failed = 550;
  progress.failed = 600;
  assert_non_null(strstr(shown(wide), "done  600 failed, 550/s  12 in flight"));
}

static void test_closed_loop(void **state) {
  (void)state;
  begin();
  options.rate = last.asked = 0;
  options.duration_seconds = 0;
  options.requests = 11980;
  const char *text = shown(wide);
  assert_non_null(strstr(text, "\n 50% "));
  assert_non_null(strstr(text, "  3s left\n"));
  assert_null(strstr(text, "backlog"));
  assert_null(strstr(text, "kept"));
}

static void test_before_measuring(void **state) {
  (void)state;
  begin();
  memset(&last, 0, sizeof last);
  last.connections = 3;
  progress.measured_ns = progress.done = progress.spark_count = 0;
  assert_non_null(strstr(shown(wide), "  connecting\n"));
  options.warm_up_seconds = 5;
  const char *text = shown(wide);
  assert_non_null(strstr(text, "  warming up\n"));
  assert_non_null(strstr(text, "\n 20% "));
  assert_non_null(strstr(text, "p50 -"));
  assert_non_null(strstr(text, "\nnetwork   3 connections open  0B/s received\n"));
}

/* The columns of a text: bytes that do not continue a character of UTF-8, without escapes. */
static unsigned columns_of(const char *text) {
  unsigned columns = 0;
  for (; *text; text++) {
    if (*text == '\33')
      text += strcspn(text, "m");
    else
      columns += ((unsigned char)*text & 0xc0) != 0x80;
  }
  return columns;
}

/* No line is wider than the terminal, for every width, and all but the last row at most are used. */
static void test_it_fits(void **state) {
  (void)state;
  begin();
  progress.done = progress.failed = UINT64_C(1) << 47;
  last.in_flight = last.backlog = last.connections = 1000000;
  for (unsigned i = 1; i < 2 * LOAD_SPARK_MAX; i++)
    load_progress_add(&progress);
  assert_int_equal(progress.spark_count, LOAD_SPARK_MAX);
  for (unsigned columns = 1; columns < 500; columns++) {
    for (unsigned i = 0; i < 4; i++) {
      struct load_look look = {.columns = columns, .rows = 24, .color = i & 1, .utf8 = i & 2};
      shown(look);
      assert_int_equal(frame.count, LOAD_FRAME_LINES);
      for (unsigned k = 0; k < frame.count; k++) {
        assert_true(frame.lines[k].columns <= columns);
        assert_int_equal(columns_of(frame.lines[k].text), frame.lines[k].columns);
        assert_true(frame.lines[k].bytes + 64 < LOAD_FRAME_LINE_BYTES);
      }
    }
  }
  for (unsigned rows = 1; rows < 9; rows++) {
    shown((struct load_look){.columns = 80, .rows = rows});
    assert_int_equal(frame.count, rows - 1 < LOAD_FRAME_LINES ? rows - 1 : LOAD_FRAME_LINES);
  }
}

static void test_sparkline(void **state) {
  (void)state;
  begin();
  static const double values[] = {0, 10, 20, 30, 40, 50, 60, 70};
  progress.spark_count = 8;
  memcpy(progress.spark_rates, values, sizeof values);
  assert_non_null(strstr(shown(wide), " _.:-=+*#\n"));
  assert_non_null(
      strstr(shown((struct load_look){.columns = 80, .rows = 24, .utf8 = true}), " ▁▂▃▄▅▆▇█\n"));
  /* The last ones, where there is not room for all. */
  assert_non_null(strstr(shown((struct load_look){.columns = 58, .rows = 24}), " _.:-=+*#\n"));
  progress.spark_rates[8] = 0;
  progress.spark_count = 9;
  assert_non_null(strstr(shown((struct load_look){.columns = 58, .rows = 24}), " .:-=+*#_\n"));
}

static void test_colors(void **state) {
  (void)state;
  begin();
  assert_null(strchr(shown(wide), '\33'));
  struct load_look look = wide;
  look.color = true;
  assert_null(strstr(shown(look), "\33[1;31m")); /* nothing is wrong */
  last.busy = 0.99;
  assert_non_null(strstr(shown(look), "\33[1;31mbusiest thread 99%\33[0m"));
}

static void test_plain_line(void **state) {
  char line[256];
  (void)state;
  begin();
  load_progress_line(&progress, line, sizeof line);
  assert_string_equal(line,
                      "   3 s: 1990/s of 2000/s, p50 1.00us, p99 3.00ms, 0 failed, 12 in flight, 0 "
                      "due, 20 connections, own load 12%, 100us late");
  progress.measured_ns = 0;
  load_progress_line(&progress, line, sizeof line);
  assert_string_equal(line, "   3 s: connecting, 20 connections");
  last.connections = 1;
  load_progress_line(&progress, line, sizeof line);
  assert_string_equal(line, "   3 s: connecting, 1 connection");
  assert_non_null(strstr(shown(wide), "\nnetwork   1 connection open  "));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines),       cmocka_unit_test(test_failures),
      cmocka_unit_test(test_closed_loop), cmocka_unit_test(test_before_measuring),
      cmocka_unit_test(test_it_fits),     cmocka_unit_test(test_sparkline),
      cmocka_unit_test(test_colors),      cmocka_unit_test(test_plain_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
