/*
 * load/test_series.c - what a worker did since the last look, and the rows that seconds become.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/series.h"

/* ---- seconds --------------------------------------------------------------------------------- */

static struct load_options options;
static struct load_plan plan = {.options = &options};

/* Books that are closed, so that no clock is read. */
static struct load_books *closed_books(uint64_t begin_ns, uint64_t end_ns) {
  static struct load_books books;
  memset(&books, 0, sizeof books);
  books.plan = &plan;
  books.measuring = books.over = true;
  books.stats.begin_ns = begin_ns;
  books.stats.end_ns = end_ns;
  return &books;
}

/* A look sees what came since the last one. */
static void test_looks(void **state) {
  static struct load_tally tally;
  static struct load_second second;
  (void)state;
  struct load_books *books = closed_books(SECOND_NS, 2 * SECOND_NS);
  struct load_requests *counts = &books->stats.requests;
  books->stats.cpu_ns = SECOND_NS / 2;
  books->stats.connections_opened = 5;
  books->stats.connections_ended = 2;
  counts->started = 10;
  counts->done = 7;
  counts->failed = 1;
  counts->wire_in = 1000;
  load_histogram_add(&counts->latency, 100);
  load_histogram_add(&counts->latency, 90);
  load_histogram_add(&books->self.lateness, 7);
  load_second_take(&tally, books, &second);
  assert_int_equal(second.begin_ns, SECOND_NS);
  assert_int_equal(second.end_ns, 2 * SECOND_NS);
  assert_int_equal(second.done, 7);
  assert_int_equal(second.in_flight, 3);
  assert_int_equal(second.connections, 3);
  assert_true(second.busy == 0.5);
  assert_int_equal(second.lateness.count, 1);
  assert_true(second.asked == 0);
  assert_int_equal(second.latency.count, 2);
  assert_int_equal(second.latency.min_ns, 90);
  assert_int_equal(second.latency.max_ns, 100);

  books->stats.end_ns = 4 * SECOND_NS;
  books->stats.cpu_ns += SECOND_NS;
  counts->started = 15;
  counts->done = 15;
  counts->wire_in = 1500;
  load_histogram_add(&counts->latency, 95);
  load_second_take(&tally, books, &second);
  assert_int_equal(second.begin_ns, 2 * SECOND_NS);
  assert_int_equal(second.started, 5);
  assert_int_equal(second.done, 8);
  assert_int_equal(second.failed, 0);
  assert_int_equal(second.bytes_in, 500);
  assert_int_equal(second.in_flight, 0);
  assert_true(second.busy == 0.5);
  assert_int_equal(second.latency.count, 1);
  assert_int_equal(second.latency.sum_ns, 95);
  assert_int_equal(load_histogram_percentile(&second.latency, 50), 95);
}

/* One of two workers in an open loop that rises from 0 to 100 a second in ten seconds. It began to
 * measure after one second, with three requests in flight. */
static void test_asked(void **state) {
  static struct load_tally tally;
  static struct load_second second;
  static struct load_shape shape;
  (void)state;
  load_shape_add(&shape, 10, 0, 100);
  struct load_books *books = closed_books(11 * SECOND_NS, 12 * SECOND_NS);
  load_schedule_begin(&books->due.schedule, &shape, 0, 2, 10 * SECOND_NS);
  books->scheduled = true;
  books->stats.requests.started = 9;
  books->stats.requests.carried = 3;
  load_second_take(&tally, books, &second);
  assert_true(second.asked > 7.499 && second.asked < 7.501); /* (20 - 5) / 2 */
  assert_int_equal(second.started, 6);
}

/* Before measuring there is nothing but connections. */
static void test_nothing_before_measuring(void **state) {
  static struct load_tally tally;
  static struct load_second second;
  (void)state;
  struct load_books *books = closed_books(0, 0);
  books->measuring = false;
  books->stats.connections_opened = 4;
  books->stats.requests.wire_in = 100;
  load_second_take(&tally, books, &second);
  assert_int_equal(second.begin_ns, second.end_ns);
  assert_int_equal(second.bytes_in, 0);
  assert_int_equal(second.connections, 4);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static struct load_series series;

/* Second number `number`: one request, of `number` ns. */
static void add_second(unsigned number, uint64_t span_ns) {
  static struct load_second second;
  memset(&second, 0, sizeof second);
  second.begin_ns = SECOND_NS * (number + 10);
  second.end_ns = second.begin_ns + span_ns;
  second.started = second.done = 1;
  second.connections = number;
  load_histogram_add(&second.latency, number);
  load_series_add(&series, &second);
}

static uint64_t done_of_all(void) {
  uint64_t done = 0;
  for (unsigned i = 0; i < series.count; i++)
    done += series.rows[i].done;
  return done;
}

static void test_a_row_a_second(void **state) {
  (void)state;
  series = (struct load_series){0};
  for (unsigned i = 0; i < 3; i++)
    add_second(i, SECOND_NS);
  assert_int_equal(series.count, 3);
  assert_int_equal(series.rows[2].begin_ns, 2 * SECOND_NS);
  assert_int_equal(series.rows[2].end_ns, 3 * SECOND_NS);
  assert_int_equal(series.rows[2].connections, 2);
  add_second(3, SECOND_NS / 4);
  assert_int_equal(series.count, 3);
  assert_int_equal(series.rows[2].done, 2);
  assert_int_equal(series.rows[2].end_ns, 3 * SECOND_NS + SECOND_NS / 4);
  load_series_free(&series);
}

/* Three times as many seconds as there are rows: no request is lost, and no row is shorter than its
 * neighbours but the last. */
static void test_bounded(void **state) {
  static struct load_histogram histogram;
  (void)state;
  series = (struct load_series){0};
  const unsigned seconds = 3 * LOAD_SERIES_ROWS_MAX + 1;
  for (unsigned i = 0; i < seconds; i++) {
    add_second(i, SECOND_NS);
    assert_true(series.count <= LOAD_SERIES_ROWS_MAX);
    assert_int_equal(done_of_all(), i + 1);
  }
  assert_int_equal(series.seconds_each, 4);
  assert_int_equal(series.count, (seconds + 3) / 4);
  for (unsigned i = 0; i < series.count; i++) {
    uint64_t width = i + 1 < series.count ? 4 : 1;
    assert_int_equal(series.rows[i].begin_ns, 4 * i * SECOND_NS);
    assert_int_equal(series.rows[i].end_ns, (4 * i + width) * SECOND_NS);
    load_buckets_expand(&series.rows[i].latency, &histogram);
    assert_int_equal(histogram.count, width);
    assert_int_equal(histogram.min_ns, 4 * i);
    assert_int_equal(histogram.max_ns, 4 * i + width - 1);
    assert_int_equal(histogram.sum_ns, width * 4 * i + width * (width - 1) / 2);
  }
  load_series_free(&series);
}

/* Equal values share a bucket after a merge, too. */
static void test_merged_buckets(void **state) {
  static struct load_second second;
  static struct load_histogram histogram;
  (void)state;
  series = (struct load_series){0};
  for (unsigned i = 0; i < 2; i++) {
    second.begin_ns = SECOND_NS + i * SECOND_NS / 4;
    second.end_ns = second.begin_ns + SECOND_NS / 4;
    load_histogram_add(&second.latency, 100 + i);
    load_series_add(&series, &second);
  }
  assert_int_equal(series.count, 1);
  assert_int_equal(series.rows[0].latency.count, 2);
  load_buckets_expand(&series.rows[0].latency, &histogram);
  assert_int_equal(histogram.buckets[100], 2);
  assert_int_equal(histogram.buckets[101], 1);
  load_series_free(&series);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_looks),
      cmocka_unit_test(test_asked),
      cmocka_unit_test(test_nothing_before_measuring),
      cmocka_unit_test(test_a_row_a_second),
      cmocka_unit_test(test_bounded),
      cmocka_unit_test(test_merged_buckets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
