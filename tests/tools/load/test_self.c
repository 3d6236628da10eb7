/*
 * load/test_self.c - how late the generator was, and what is blamed for it. All times can be checked
 * by hand.
 */
#include "tests/support/cmocka.h"

#include <math.h>
#include <string.h>

#include "tools/load/books.h"

enum { MS = 1000000 };

static struct load_self self;

static void test_lateness(void **state) {
  (void)state;
  static const struct {
    const char *name;
    unsigned due_ms, wake_ms, now_ms, late_ms;
  } rows[] = {
      {"in time", 5, 5, 5, 0},
      {"late by two", 5, 5, 7, 2},
      {"several were due when it woke", 6, 5, 7, 1},
      {"it only meant to look at 8", 5, 8, 8, 0},
      {"and looked at 11", 5, 8, 11, 3},
      {"something else woke it before that", 5, 8, 6, 0},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    memset(&self, 0, sizeof self);
    load_self_notice(&self, rows[i].due_ms * MS, rows[i].wake_ms * MS, rows[i].now_ms * MS);
    if (self.lateness.max_ns != rows[i].late_ms * MS) fail_msg("%s", rows[i].name);
    assert_int_equal(self.lateness.count, 1);
    assert_int_equal(self.late, rows[i].late_ms > 1);
  }
}

/* One of a hundred may be late, two may not. */
static void test_one_percent(void **state) {
  (void)state;
  memset(&self, 0, sizeof self);
  assert_false(load_self_is_late(&self));
  for (unsigned i = 0; i < 98; i++)
    load_self_notice(&self, 0, 0, LOAD_LATE_NS);
  load_self_notice(&self, 0, 0, 0);
  load_self_notice(&self, 0, 0, LOAD_LATE_NS + 1);
  assert_false(load_self_is_late(&self));
  struct load_self sum = {0};
  load_self_merge(&sum, &self);
  load_self_notice(&sum, 0, 0, LOAD_LATE_NS + 1);
  assert_int_equal(sum.lateness.count, 101);
  assert_true(load_self_is_late(&sum));
}

static void test_causes(void **state) {
  (void)state;
  char text[128];
  memset(&self, 0, sizeof self);
  load_self_notice(&self, 0, 0, 1000 * MS);
  assert_string_equal(load_self_cause(&self, text, sizeof text), "");
  self.run_delay_ns = 600 * MS;
  assert_string_equal(load_self_cause(&self, text, sizeof text),
                      "other threads kept it from a core for 0.60 s");
  self.throttled = 7;
  self.throttled_ns = 500 * MS;
  assert_string_equal(load_self_cause(&self, text, sizeof text),
                      "its cgroup's CPU quota was used up 7 times, for 0.50 s");
}

/* The thread has waited for a core between begin and end, or not: but never since its start. */
static void test_run_delay_is_a_difference(void **state) {
  (void)state;
  load_self_begin(&self);
  assert_int_equal(self.lateness.count, 0);
  load_self_end(&self);
  assert_true(self.run_delay_ns < 10 * SECOND_NS);
}

/* ---- the books: which requests are late, and which had no room ------------------------------- */

static struct load_options options = {.rate = 1000, .threads = 1};
static struct load_plan plan = {.options = &options, .timeout_ns = SECOND_NS};
static struct load_books books;

/* A thousand requests a second, the first at 0 ms. */
static void begin(void) {
  memset(&books, 0, sizeof books);
  books.plan = &plan;
  books.endless = books.open = true;
  plan.origins.count = 1;
  load_source_init(&books.source, &plan, 0);
  if (plan.shape.count == 0) load_shape_add(&plan.shape, INFINITY, 1000, 1000);
  load_due_begin(&books.due, &plan, &books.source, 0);
  books.scheduled = true;
  books.measuring = true;
}

static void at(unsigned now_ms) {
  books.now_ns = now_ms * (uint64_t)MS;
}

static unsigned take_all(unsigned most) {
  const struct load_turn turn = {0};
  uint64_t share = 0, due_ns;
  unsigned count = 0;
  while (count < most && load_books_take(&books, &turn, &share, &due_ns))
    count++;
  return count;
}

/* The worker sleeps until 0 ms and wakes at 4 ms: five requests are due, 0 to 4 ms ago. */
static void test_it_woke_late(void **state) {
  (void)state;
  begin();
  at(4);
  assert_int_equal(take_all(100), 5);
  assert_int_equal(books.self.lateness.count, 5);
  assert_int_equal(books.self.lateness.sum_ns, (4 + 3 + 2 + 1) * MS);
  assert_int_equal(books.self.late, 3);
  assert_int_equal(books.self.crowded, 0);
}

/* It wakes in time for each, but there is no room until 4 ms. None is late. Then there is room for
 * all. */
static void test_there_was_no_room(void **state) {
  (void)state;
  begin();
  for (unsigned ms = 0; ms < 4; ms++) {
    books.wake_ns = ms * (uint64_t)MS;
    at(ms);
    load_books_crowd(&books);
  }
  books.wake_ns = 4 * MS;
  at(4);
  assert_int_equal(take_all(100), 5);
  assert_int_equal(books.self.crowded, 4);
  assert_int_equal(books.self.lateness.count, 5);
  assert_int_equal(books.self.late, 0);
  assert_int_equal(books.self.lateness.max_ns, 0);
  assert_false(books.crowded);
}

/* No room at 0 ms, and it wakes at 4 ms instead of 1 ms. The four that were due meanwhile are late
 * by 3, 2, 1 and 0 ms, and have no room; two of all five then find some. */
static void test_both(void **state) {
  (void)state;
  begin();
  load_books_crowd(&books);
  books.wake_ns = 1 * MS;
  at(4);
  load_books_crowd(&books);
  assert_int_equal(take_all(2), 2);
  assert_int_equal(books.self.crowded, 5);
  assert_int_equal(books.self.lateness.count, 5);
  assert_int_equal(books.self.lateness.sum_ns, (3 + 2 + 1) * MS);
  assert_true(books.crowded);
  assert_int_equal(take_all(100), 3);
  assert_int_equal(books.self.lateness.count, 5);
}

/* Nothing looked for 1003 ms. The first four have timed out unsent; they were late as well. */
static void test_expired_ones_were_late(void **state) {
  (void)state;
  begin();
  at(1003);
  load_books_expire_unsent(&books);
  assert_int_equal(books.stats.requests.timeouts, 4);
  assert_int_equal(books.self.lateness.count, 4);
  assert_int_equal(books.self.late, 4);
}

/* The file has no request from 2 ms to 7 ms, when eight have been due. That is nobody's lateness, and no
 * want of room. */
static void test_the_file_was_slow(void **state) {
  (void)state;
  begin();
  books.source.endless = false;
  at(2);
  load_books_note_input(&books, true);
  at(5);
  load_books_note_input(&books, true);
  at(7);
  assert_int_equal(take_all(100), 8);
  assert_int_equal(books.self.input_ns, 5 * MS);
  assert_int_equal(books.self.lateness.count, 8);
  assert_int_equal(books.self.late, 0);
  assert_int_equal(books.self.crowded, 0);
  at(9);
  load_books_note_input(&books, false);
  assert_int_equal(books.self.input_ns, 5 * MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lateness),
      cmocka_unit_test(test_one_percent),
      cmocka_unit_test(test_causes),
      cmocka_unit_test(test_run_delay_is_a_difference),
      cmocka_unit_test(test_it_woke_late),
      cmocka_unit_test(test_there_was_no_room),
      cmocka_unit_test(test_both),
      cmocka_unit_test(test_expired_ones_were_late),
      cmocka_unit_test(test_the_file_was_slow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
