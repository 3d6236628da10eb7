/*
 * spec/test_suite.c - the server's engine against the cases of conformance suites, with the answers
 * that RFC 7540, RFC 9113 and RFC 7541 allow. The server answers at once, as theirs does. Each case
 * runs frame by frame, byte by byte, and with nothing read until everything is sent.
 */
#include "tests/spec/spec_suite.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

static bool satisfied(const struct spec_suite_case *row) {
  const char *goaway = strstr(script.log, "GOAWAY"), *reset = strstr(script.log, "RST_STREAM");
  bool ended = goaway && spec_suite_wants(row->wanted, strchr(goaway + 7, ' ') + 1);
  if (row->wanted[0] == 'C') return ended && script_done(&script);
  if (row->wanted[0] == 'S')
    return ended ||
           (!goaway && reset && spec_suite_wants(row->wanted, strchr(reset + 11, ' ') + 1));
  if (script.goaway) return false;
  if (strcmp(row->wanted, "end") == 0 && (!strstr(script.log, " end") || reset)) return false;
  if (strcmp(row->wanted, "end") == 0 || strcmp(row->wanted, "ping") == 0) {
    script_clear(&script);
    script_run(&script, "PING 0 *8");
    return strstr(script.log, "PING ack");
  }
  return strstr(script.log, row->wanted);
}

enum mode { FRAME_BY_FRAME, BYTE_BY_BYTE, UNREAD, MODES };

static bool run_case(const struct spec_suite_case *row, enum mode mode) {
  bool bare = strncmp(row->text, "RAW", 3) == 0;
  script_begin(&script, H2_SERVER, NULL, bare);
  script.piece_bytes = mode == BYTE_BY_BYTE;
  script.mute = mode == UNREAD;
  script_run(&script, row->text);
  script.mute = false;
  script_pump(&script);
  bool ok = satisfied(row);
  if (!ok)
    print_error("%s %s: want %s, got %s\n", row->section, row->name, row->wanted, script.log);
  script_close(&script);
  return ok;
}

static void test_suite(void **state) {
  const struct spec_suite *suite = *state;
  unsigned failures = 0;
  for (size_t i = 0; i < suite->count; i++)
    for (unsigned mode = 0; mode < MODES; mode++)
      failures += !run_case(&suite->cases[i], (enum mode)mode);
  assert_int_equal(failures, 0);
}

/* 5.1.2: one stream more than the server allows, which is S PE or S REFUSED_STREAM. */
static void test_concurrency(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script.mute = true;
  for (unsigned i = 0; i <= PEER_CONCURRENT_STREAMS_DEFAULT; i++) {
    char step[64];
    script.app_count = 0;
    snprintf(step, sizeof step, "HEADERS/SH %u [@hold]", 2 * i + 1);
    script_run(&script, step);
  }
  script_clear(&script);
  script.mute = false;
  script_pump(&script);
  assert_string_equal(script.log, "RST_STREAM 257 REFUSED_STREAM");
  script_close(&script);
}

int main(void) {
  struct CMUnitTest tests[SPEC_SUITES + 1] = {cmocka_unit_test(test_concurrency)};
  for (size_t i = 0; i < SPEC_SUITES; i++)
    tests[1 + i] = (struct CMUnitTest){.name = spec_suites[i].name,
                                       .test_func = test_suite,
                                       .initial_state = (void *)(uintptr_t)&spec_suites[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
