/*
 * load/test_start_at.c - the times that --start-at takes.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "tools/load/start_at.h"

static const int64_t now_ns = 1700000000500000000;

static void test_times(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t start_ns;
  } rows[] = {
      {"+10s", 1700000010500000000},
      {"+0", 1700000000500000000},
      {"+1m30s", 1700000090500000000},
      {"+500ms", 1700000001000000000},
      {"1767225600", 1767225600000000000},
      {"1767225600.25", 1767225600250000000},
      {"0.000000001", 1},
      {"2026-01-01T00:00:00Z", 1767225600000000000},
      {"2026-01-01t00:00:00z", 1767225600000000000},
      {"2026-01-01T01:00:00+01:00", 1767225600000000000},
      {"2025-12-31T18:30:00.123456789-05:30", 1767225600123456789},
      {"2024-02-29T12:00:00Z", 1709208000000000000},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t start_ns;
    if (!load_start_at_parse(rows[i].text, now_ns, &start_ns)) fail_msg("%s", rows[i].text);
    if (start_ns != rows[i].start_ns) fail_msg("%s: %lld", rows[i].text, (long long)start_ns);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "",
      "+",
      "+x",
      "-10s",
      "now",
      "10s",
      "1767225600.",
      "1767225600.1234567890",
      "1767225600 ",
      "99999999999999999999",
      "9300000000",
      "2026-01-01",
      "2026-01-01T00:00:00",
      "2026-01-01 00:00:00Z",
      "2026-01-01T00:00Z",
      "2026-1-1T00:00:00Z",
      "2026-01-01T00:00:00.Z",
      "2026-02-30T00:00:00Z",
      "2025-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z",
      "2026-01-01T00:00:60Z",
      "2026-01-01T00:00:00+24:00",
      "2026-01-01T00:00:00+0100",
      "2026-01-01T00:00:00Zx",
      "9999-12-31T23:59:59Z",
      "1013-01-01T00:00:00.5+01:00",
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t start_ns;
    if (load_start_at_parse(rows[i], now_ns, &start_ns))
      fail_msg("%s: %lld", rows[i], (long long)start_ns);
  }
}

static void test_waiting(void **state) {
  (void)state;
  int64_t start_ns = load_start_at_now() + 20000000;
  load_start_at_wait(start_ns);
  assert_true(load_start_at_now() >= start_ns);
  load_start_at_wait(start_ns - 1000000000); /* returns at once */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
