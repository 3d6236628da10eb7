/*
 * test_sched.c - the order in which streams send, written as a readable sequence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sched.h"

/* A has twice the weight of B: two frames of A for each of B. */
static void weights_share(void **state) {
  (void)state;
  struct sched sched;
  struct sched_node node[2];
  char sequence[16] = "";
  sched_init(&sched);
  for (int i = 0; i < 2; i++) {
    struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
    priority.weight = i == 0 ? 32 : 16;
    sched_open(&sched, &node[i], (uint32_t)i * 2 + 1, priority);
    sched_ready(&sched, &node[i]);
  }
  for (int i = 0; i < 6; i++) {
    size_t quantum = 0;
    struct sched_node *next = sched_next(&sched, &quantum);
    sequence[i] = next == &node[0] ? 'A' : 'B';
    sched_sent(&sched, next, 16384);
  }
  assert_string_equal(sequence, "AABAAB");
}

static void nothing_ready(void **state) {
  (void)state;
  struct sched sched;
  size_t quantum = 0;
  sched_init(&sched);
  assert_null(sched_next(&sched, &quantum));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_share),
      cmocka_unit_test(nothing_ready),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
