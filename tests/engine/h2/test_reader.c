/*
 * h2/test_reader.c - frames that are read in pieces: DATA whose stream ends between two of them, and payloads of
 * every size that is kept until it is whole.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

/* ---- DATA whose stream ends ------------------------------------------------------------------ */

/* The frame's rest is skipped, its padding is judged all the same, its credit is returned once, and the next frame
 * is read. */
static void test_orphaned_data(void **state) {
  static const struct {
    const char *name, *before, *after, *log;
  } rows[] = {
      {"before the Pad Length", "RAW x00000a000800000001", "RAW x04 *9", "PING ack"},
      {"before a bad Pad Length", "RAW x00000a000800000001", "RAW x0a *9",
       "GOAWAY 1 PROTOCOL_ERROR"},
      {"before the data", "RAW x00000a00080000000104", "RAW *9", "PING ack"},
      {"within the data", "RAW x00000a00080000000104 *2", "RAW *7", "PING ack"},
      {"before the padding", "RAW x00000a00080000000104 *5", "RAW *4", "PING ack"},
      {"within the padding", "RAW x00000a00080000000104 *7", "RAW *2", "PING ack"},
      {"before data without padding", "RAW x000009000000000001", "RAW *9", "PING ack"},
      {"within data without padding", "RAW x000009000000000001 *3", "RAW *6", "PING ack"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, "HEADERS/H 1 [@post]");
    script_run(&script, rows[i].before);
    script_run(&script, "!reset 1 8");
    script_clear(&script);
    script_run(&script, rows[i].after);
    script_run(&script, "PING 0 *8");
    if (!strstr(script.log, rows[i].log) ||
        (strstr(rows[i].log, "PING") && strstr(script.log, "GOAWAY")))
      fail_msg("%s: %s", rows[i].name, script.log);
    const struct window_credit *credit = &h2_of(&script.machine)->credit;
    assert_int_equal(credit->held, 0);
    assert_int_equal(credit->granted + (int64_t)credit->returnable, H2_INITIAL_WINDOW_BYTES);
    script_close(&script);
  }
}

/* ---- payloads -------------------------------------------------------------------------------- */

/* Whole, or cut off by the connection's end: script_close() asserts that no memory is left. */
static void test_payloads(void **state) {
  static const unsigned sizes[] = {100, 16383, 16384, 16385, 40000};
  struct engine_config config = script_config();
  (void)state;
  config.h2.frame_bytes_max = 40000;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    for (int cut = 0; cut < 2; cut++) {
      char step[64];
      script_begin(&script, H2_SERVER, &config, false);
      snprintf(step, sizeof step, "RAW x%06x070000000000 *%u", sizes[i] & 0xffffff,
               sizes[i] - (unsigned)cut);
      script_run(&script, step);
      script_clear(&script);
      script_run(&script, "PING 0 *8");
      if ((strstr(script.log, "PING ack") != NULL) != (cut == 0))
        fail_msg("%u: %s", sizes[i], script.log);
      script_close(&script);
    }
}

/* A frame whose header is wrong for its stream alone: its payload, here a stream that depends on itself, is skipped. */
static void test_wrong_frame_is_skipped(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]");
  script_clear(&script);
  script_run(&script, "RAW x000006020000000001000000010f00");
  assert_string_equal(script.log, "closed 1 FRAME_SIZE_ERROR, RST_STREAM 1 FRAME_SIZE_ERROR");
  assert_int_equal(script.engine.h2.counters.glitches, 0);
  script_run(&script, "PING 0 *8");
  assert_non_null(strstr(script.log, "PING ack"));
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orphaned_data),
      cmocka_unit_test(test_payloads),
      cmocka_unit_test(test_wrong_frame_is_skipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
