/*
 * serve/metrics/test_counters.c - the table of counters, the line that prints them, and the sums of all workers.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/serve/metrics/counters.h"
#include "tools/serve/metrics/tally.h"

enum { MEMBERS = sizeof(struct serve_counts) / sizeof(uint64_t) };

static void test_every_member_has_one_row(void **state) {
  (void)state;
  bool named[MEMBERS] = {false};
  assert_int_equal(serve_counters_count, MEMBERS);
  for (unsigned i = 0; i < MEMBERS; i++) {
    size_t member = serve_counters[i].offset / sizeof(uint64_t);
    assert_false(named[member]);
    named[member] = true;
    for (unsigned j = 0; j < i; j++)
      assert_string_not_equal(serve_counters[i].name, serve_counters[j].name);
  }
}

/* As Prometheus wants names: lower case, with the unit last; and one metric's rows together, since they
 * have one head. */
static void test_metric_names(void **state) {
  (void)state;
  for (unsigned i = 0; i < MEMBERS; i++) {
    const struct serve_counter *row = &serve_counters[i], *before = i ? row - 1 : NULL;
    const char *bytes = strstr(row->metric, "_bytes");
    assert_memory_equal(row->metric, "weir_", 5);
    assert_int_equal(strspn(row->metric, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                     strlen(row->metric));
    if (bytes) assert_string_equal(bytes, "_bytes");
    assert_int_equal(row->help[strlen(row->help) - 1], '.');
    for (unsigned j = 0; j < i; j++) {
      if (strcmp(serve_counters[j].metric, row->metric) != 0) continue;
      assert_string_equal(before->metric, row->metric);
      assert_string_equal(before->help, row->help);
      assert_string_not_equal(serve_counters[j].labels, row->labels);
    }
  }
}

/* Each member gets a value of its own, and the line must have it beside the member's name. */
static void test_the_line(void **state) {
  (void)state;
  struct serve_counts counts;
  char line[16384], wanted[256];
  int ends[2];
  for (unsigned i = 0; i < MEMBERS; i++)
    ((uint64_t *)&counts)[i] = 1000 + i;
  assert_int_equal(pipe(ends), 0);
  serve_counters_say(ends[1], &counts);
  ssize_t len = read(ends[0], line, sizeof line - 1);
  assert_true(len > 0);
  line[len] = 0;
  for (unsigned i = 0; i < MEMBERS; i++) {
    const struct serve_counter *row = &serve_counters[i];
    snprintf(wanted, sizeof wanted, "\"%s\": %zu", row->name, 1000 + row->offset / 8);
    if (!strstr(line, wanted)) fail_msg("%s is not in %s", wanted, line);
  }
  assert_int_equal(line[0], '{');
  assert_memory_equal(line + len - 2, "}\n", 2);
  close(ends[0]);
  close(ends[1]);
}

static void test_sums(void **state) {
  (void)state;
  static struct engine engines[2];
  static struct tally tally;
  struct tls_counters tls = {.handshakes = 5};
  struct files_counters files = {.hits = 7};
  struct compress_counters compress = {.busy = 11};
  struct rate_counters rate = {.evicted = 13};
  tally_init(&tally);
  engines[0].http.counters.requests = 1;
  engines[1].http.counters.requests = 2;
  engines[1].ws.silent = 9;
  tally_show(&tally, 0,
             &(struct tally_parts){.engine = &engines[0],
                                   .tls = &tls,
                                   .files = &files,
                                   .compress = &compress,
                                   .rate = &rate});
  tally_show(&tally, IO_WORKERS_MAX - 1, &(struct tally_parts){.engine = &engines[1]});
  for (int round = 0; round < 3; round++) { /* the second takes both back, the third has none */
    struct serve_counts sum = tally_sum(&tally);
    assert_int_equal(sum.engine.http.requests, 3);
    assert_int_equal(sum.engine.ws.silent, 9);
    assert_int_equal(sum.tls.handshakes, 5);
    assert_int_equal(sum.files.hits, 7);
    assert_int_equal(sum.compress.busy, 11);
    assert_int_equal(sum.rate.evicted, 13);
    assert_int_equal(sum.loop.turns, 0);
    tally_take_back(&tally, 0);
    tally_take_back(&tally, IO_WORKERS_MAX - 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_member_has_one_row),
      cmocka_unit_test(test_metric_names),
      cmocka_unit_test(test_the_line),
      cmocka_unit_test(test_sums),
  };
  return cmocka_run_group_tests_name("serve/metrics/counters", tests, NULL, NULL);
}
