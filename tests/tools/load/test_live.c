/*
 * load/test_live.c - the live display on a terminal that nobody reads.
 */
#include "tests/support/cmocka.h"
#include "tools/load/live.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *urls[] = {"http://localhost:8080/"};
static struct load_options options = {.urls = urls,
                                      .url_count = 1,
                                      .connections = 1,
                                      .streams = 1,
                                      .threads = 1,
                                      .duration_seconds = 10};
static struct load_second last;
static struct load_live live;

/* Room for fewer bytes than a frame has: what is drawn gets lost, in part or as a whole, and nobody waits. */
static void test_too_little_room(void **state) {
  (void)state;
  int ours, terminal, saved = dup(STDERR_FILENO);
  char bytes[4096] = {0};
  assert_int_equal(setenv("TERM", "xterm", 1), 0);
  assert_int_equal(openpty(&ours, &terminal, NULL, NULL, NULL), 0);
  assert_int_equal(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
  load_live_begin(&live);
  bool active = live.active;
  while (active && write(live.fd, bytes, sizeof bytes) > 0)
    ;
  assert_int_equal(fcntl(ours, F_SETFL, O_NONBLOCK), 0);
  bool some = read(ours, bytes, sizeof bytes) > 0;
  struct load_progress progress = {.options = &options, .last = &last};
  alarm(20); /* a display that waits does so for ever */
  for (int frames = 0; frames < 100; frames++)
    load_live_draw(&live, &progress);
  load_live_end(&live);
  alarm(0);
  while (read(ours, bytes, sizeof bytes) > 0)
    ;
  load_live_end(&live);
  assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
  assert_true(active && some);
  assert_false(live.active); /* now there is room to show the cursor */
  close(saved);
  close(terminal);
  close(ours);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_too_little_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
