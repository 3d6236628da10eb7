/*
 * h2/test_data.c - DATA frames out of the ordinary: what a client gets as whole frames is treated as it is in
 * pieces, and the least that a padded frame may be.
 * Spec: RFC 9113 sections 6.1, 6.10 and 8.1.1, CVE-2019-9518.
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
    for (unsigned i = 0; i < PEER_EMPTY_DATA_FREE; i++)
      script_run(&script, "DATA 1");
    assert_int_equal(*glitches, 0);
    if (round == 0) script_run(&script, "DATA 1 *1");
  }
  script_run(&script, "DATA 1");
  assert_int_equal(*glitches, 1);
  script_close(&script);
}

/* A padded frame has a Pad Length, and may have nothing else. */
static void test_least_padded(void **state) {
  (void)state;
  for (int empty = 0; empty < 2; empty++) {
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, "HEADERS/H 1 [@post]");
    script_clear(&script);
    expect(empty ? "DATA/P 1; PING 0 *8" : "DATA/P 1 x00; DATA/PS 1 x00",
           empty ? "closed 1 FRAME_SIZE_ERROR, GOAWAY 1 FRAME_SIZE_ERROR" : "data 1 0 end");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_content_after_head),
      cmocka_unit_test(test_within_a_header_block),
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_least_padded),
  };
  return cmocka_run_group_tests_name("h2/data", tests, NULL, NULL);
}
