/*
 * h2/test_data.c - DATA that a client gets as a whole frame: what is out of the ordinary is treated as it is in
 * pieces.
 * Spec: RFC 9113 sections 6.10 and 8.1.1, CVE-2019-9518.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <string.h>

static struct script script;

static void begin(const char *steps) {
  script_begin(&script, H2_CLIENT, NULL, false);
  script_run(&script, steps);
  script_clear(&script);
}

static void expect(const char *steps, const char *log) {
  script_run(&script, steps);
  assert_string_equal(script.log, log);
  script_close(&script);
}

/* A single byte is content, too. */
static void test_content_after_head(void **state) {
  (void)state;
  begin("!request /head; HEADERS/H 1 [@ok]");
  expect("DATA 1 *1", "closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR");
  begin("!request /head; HEADERS/H 1 [@ok]");
  expect("DATA/S 1", "data 1 0 end, closed 1 NO_ERROR");
}

static void test_within_a_header_block(void **state) {
  (void)state;
  begin("!request /a; HEADERS/H 1 [@ok]; HEADERS/S 1 [a=b]");
  expect("DATA 1 *1", "closed 1 PROTOCOL_ERROR, GOAWAY 0 PROTOCOL_ERROR");
}

/* Those without data are counted; one with data begins anew. */
static void test_empty(void **state) {
  (void)state;
  const uint64_t *glitches = &script.engine.h2.counters.glitches_data;
  begin("!request /a; HEADERS/H 1 [@ok]");
  for (int round = 0; round < 2; round++) {
    for (unsigned i = 0; i < H2_EMPTY_DATA_FREE; i++)
      script_run(&script, "DATA 1");
    assert_int_equal(*glitches, 0);
    if (round == 0) script_run(&script, "DATA 1 *1");
  }
  script_run(&script, "DATA 1");
  assert_int_equal(*glitches, 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_content_after_head),
      cmocka_unit_test(test_within_a_header_block),
      cmocka_unit_test(test_empty),
  };
  return cmocka_run_group_tests_name("h2/data", tests, NULL, NULL);
}
