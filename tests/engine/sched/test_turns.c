/*
 * sched/test_turns.c - how long a turn is, and which stream gets one early: head starts, and the
 * quantum of a stream that is alone or returns. One letter is one quantum of 16 KiB.
 */
#include "tests/support/cmocka.h"
#include "tests/support/world.h"

/* ---- head start, quantum --------------------------------------------------------------------- */

/* Two images show their dimensions, then wait for the style sheet. */
static void head_start_falls_back(void **state) {
  struct world *world = *state;
  size_t quantum = 0;
  world_open_field(world, 'A', "u=5, i");
  world_open_field(world, 'B', "u=5, i");
  world_open_field(world, 'C', "u=2");
  sched_set_head_start(&world->sched, world_node(world, 'A'), 4096, 1);
  sched_set_head_start(&world->sched, world_node(world, 'B'), 20000, 1);
  world_ready(world, "ABC");
  assert_ptr_equal(sched_next(&world->sched, &quantum), world_node(world, 'A'));
  assert_int_equal(quantum, 4096);
  assert_string_equal(world_sequence(world, 5), "A B B C C");
  assert_int_equal(world->streams[0].sent_bytes, 4096);
  assert_int_equal(world->streams[1].sent_bytes, 20000);
  world_idle(world, "C");
  assert_string_equal(world_sequence(world, 4), "A B A B");
}

/* Beside something as urgent, head starts get a sixteenth of the bytes: 4 KiB for each 64. */
static void head_start_beside_its_equals(void **state) {
  struct world *world = *state;
  for (char name = 'A'; name <= 'B'; name++) {
    world_open_field(world, name, "u=5, i");
    sched_set_head_start(&world->sched, world_node(world, name), 4096, 2);
  }
  world_open_field(world, 'C', "u=2");
  world_ready(world, "AB");
  world_sends(world, 'C', 9 * 16384);
  assert_string_equal(world_sequence(world, 14), "A C C C C B C C C C C A B A");
}

/* Also beside a font that the client finds less urgent than head starts; but before a download of
 * the same urgency. */
static void head_start_beside_what_is_critical(void **state) {
  struct world *world = *state;
  for (char name = 'A'; name <= 'C'; name++) {
    world_open_field(world, name, "u=5, i");
    sched_set_head_start(&world->sched, world_node(world, name), 4096, 2);
  }
  world_open_field(world, 'D', "u=3");
  sched_hint(&world->sched, world_node(world, 'D'), SCHED_CLASS_FONT);
  world_open_field(world, 'E', "u=4");
  world_ready(world, "AB");
  world_sends(world, 'D', 9 * 16384);
  assert_string_equal(world_sequence(world, 11), "A D D D D B D D D D D");
  world_ready(world, "CE");
  assert_string_equal(world_sequence(world, 3), "C E E");
}

/* First the dimensions of all, in order of arrival, then one first scan after another. */
static void head_start_extended(void **state) {
  struct world *world = *state;
  size_t quantum = 0;
  for (char name = 'A'; name <= 'C'; name++) {
    world_open_field(world, name, "u=5, i");
    sched_set_head_start(&world->sched, world_node(world, name), 4096, 2);
    sched_extend_head_start(&world->sched, world_node(world, name), 20000);
  }
  world_open_field(world, 'D', "u=3");
  world_ready(world, "ABD");
  assert_int_equal(world_node(world, 'A')->head_bytes, 4096);
  assert_int_equal(world_node(world, 'A')->head_rest_bytes, 20000);
  assert_string_equal(world_sequence(world, 3), "A B A");
  assert_int_equal(world->streams[0].sent_bytes, 4096 + 16384);
  world_ready(world, "C");
  assert_string_equal(world_sequence(world, 2), "C A");
  assert_int_equal(world->streams[0].sent_bytes, 24096);
  assert_ptr_equal(sched_next(&world->sched, &quantum), world_node(world, 'B'));
  assert_int_equal(quantum, SCHED_QUANTUM_BYTES);
  assert_string_equal(world_sequence(world, 6), "B B C C D D");
  assert_int_equal(world->streams[2].sent_bytes, 24096);
}

/* Extensions while a stream sends: longer, shorter, equal; and after its head start. */
static void head_start_extended_late(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=5, i");
  world_open_field(world, 'B', "u=5, i");
  world_open_field(world, 'C', "u=3");
  sched_set_head_start(&world->sched, world_node(world, 'A'), 4096, 2);
  sched_set_head_start(&world->sched, world_node(world, 'B'), 4096, 2);
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 3), "A B C");
  sched_extend_head_start(&world->sched, world_node(world, 'B'), 20000);
  sched_extend_head_start(&world->sched, world_node(world, 'A'), 20000);
  assert_string_equal(world_sequence(world, 1), "B");
  sched_extend_head_start(&world->sched, world_node(world, 'B'), 30000); /* B keeps its place */
  assert_string_equal(world_sequence(world, 1), "B");
  sched_extend_head_start(&world->sched, world_node(world, 'B'), 1);
  assert_string_equal(world_sequence(world, 2), "B A");
  assert_int_equal(world->streams[1].sent_bytes, 4096 + 2 * 16384 + 1);
  sched_extend_head_start(&world->sched, world_node(world, 'A'), 0);
  assert_string_equal(world_sequence(world, 2), "C C");
  world_idle(world, "C");
  sched_extend_head_start(&world->sched, world_node(world, 'C'), 5000); /* asleep, and no setback */
  world_ready(world, "C");
  assert_string_equal(world_sequence(world, 2), "C C");
}

static void head_start_in_the_tree(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, true);
  world_open_below(world, 'B', 'A', 16, true);
  world_open_below(world, 'C', 'B', 16, true);
  world_ready(world, "ABC");
  sched_set_head_start(&world->sched, world_node(world, 'B'), 5000, 1);
  assert_string_equal(world_sequence(world, 7), "B A A A A A A");
  assert_int_equal(world->streams[world_id('B') / 2].sent_bytes, 5000);
  /* The dependants of B wait for B, wherever B sends from. */
  sched_set_head_start(&world->sched, world_node(world, 'B'), 40000, 1);
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 4), "B B B B");
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 1), "A");
  sched_extend_head_start(&world->sched, world_node(world, 'C'), 20000);
  assert_string_equal(world_sequence(world, 3), "C C A");
}

static void head_start_is_no_setback(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=0");
  world_open_field(world, 'B', "u=1");
  sched_set_head_start(&world->sched, world_node(world, 'A'), 4096, 3);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 2), "A A");
  assert_int_equal(world_node(world, 'A')->head_bytes, 0);
}

static void quantum_grows_when_alone(void **state) {
  struct world *world = *state;
  size_t quantum = 1;
  assert_null(sched_next(&world->sched, &quantum));
  world_open(world, "AB");
  world_ready(world, "A");
  assert_non_null(sched_next(&world->sched, &quantum));
  assert_int_equal(quantum, SCHED_QUANTUM_ALONE_BYTES);
  world_ready(world, "B");
  assert_non_null(sched_next(&world->sched, &quantum));
  assert_int_equal(quantum, SCHED_QUANTUM_BYTES);
}

/* A stream does not pay later for bytes that it sent while it was alone. */
static void being_alone_costs_nothing(void **state) {
  struct world *world = *state;
  size_t quantum = 0;
  world_open(world, "AB");
  world_ready(world, "A");
  struct sched_node *node = sched_next(&world->sched, &quantum);
  world_ready(world, "B");
  sched_sent(&world->sched, node, quantum);
  assert_string_equal(world_sequence(world, 5), "B A B A B");
}

/* A stream that goes idle after each quantum gains nothing by it. */
static void flapping_gains_nothing(void **state) {
  struct world *world = *state;
  world_open(world, "ABC");
  world_ready(world, "ABC");
  for (int i = 0; i < 30; i++) {
    size_t sent = 0;
    struct sched_node *node = world_step(world, &sent);
    if (node == world_node(world, 'A')) {
      world_idle(world, "A");
      world_ready(world, "A");
    }
  }
  assert_int_equal(world->streams[0].sent_bytes, 10 * SCHED_QUANTUM_BYTES);
  assert_int_equal(world->streams[1].sent_bytes, 10 * SCHED_QUANTUM_BYTES);
}

/* Nor does one that goes idle while asked for its bytes: the bytes count for it, and for all above
 * it. */
static void idle_before_its_bytes_are_counted(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_open_below(world, 'C', 'B', 16, false);
  world_open_below(world, 'D', ' ', 16, false);
  world_ready(world, "BCD");
  uint64_t sent[2] = {0, 0}; /* below A, and D */
  for (int i = 0; i < 30; i++) {
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world->sched, &quantum);
    if (node != world_node(world, 'D')) sched_idle(&world->sched, node);
    sched_sent(&world->sched, node, quantum);
    sched_ready(&world->sched, node);
    sent[node == world_node(world, 'D')] += quantum;
    if (i % 3 == 0) world_idle(world, "C");
    if (i % 3 == 1) world_ready(world, "C");
  }
  assert_int_equal(sent[0], sent[1]);
}

/* A stream that comes later is not ahead of those that came before. */
static void old_and_new_start_equal(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "i");
  world_open_field(world, 'B', "i");
  world_ready(world, "AB");
  (void)world_sequence(world, 100);
  world_idle(world, "AB");
  world_open_field(world, 'C', "i");
  world_ready(world, "AC");
  assert_string_equal(world_sequence(world, 6), "A C A C A C");
}

/* Bytes that a stream has sent elsewhere do not count where it is moved to. */
static void moving_starts_afresh(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 1, false);
  world_open_below(world, 'C', ' ', 16, false);
  world_open_below(world, 'D', 'C', 16, false);
  world_ready(world, "B");
  (void)world_sequence(world, 100);
  world_ready(world, "D");
  world_depend(world, 'B', 'C', 16, false);
  assert_string_equal(world_sequence(world, 6), "D B D B D B");
}

/* Without head starts, the most urgent level with another queue is next. */
static void behind_head_starts(void **state) {
  (void)state;
  struct sched_urgency urgency = {.levels = 0};
  unsigned level = 9;
  sched_urgency_on(&urgency, 0, SCHED_QUEUE_HEAD);
  assert_int_equal(sched_urgency_pick_behind(&urgency, &level), SCHED_QUEUE_NONE);
  for (unsigned at = SCHED_LEVEL_COUNT; at-- > 0;) {
    sched_urgency_on(&urgency, at, SCHED_QUEUE_SEQUENCE);
    assert_int_equal(sched_urgency_pick_behind(&urgency, &level), SCHED_QUEUE_SEQUENCE);
    assert_int_equal(level, at);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(behind_head_starts),     WORLD_TEST(head_start_falls_back),
      WORLD_TEST(head_start_beside_its_equals), WORLD_TEST(head_start_beside_what_is_critical),
      WORLD_TEST(head_start_extended),          WORLD_TEST(head_start_extended_late),
      WORLD_TEST(head_start_in_the_tree),       WORLD_TEST(head_start_is_no_setback),
      WORLD_TEST(quantum_grows_when_alone),     WORLD_TEST(being_alone_costs_nothing),
      WORLD_TEST(flapping_gains_nothing),       WORLD_TEST(idle_before_its_bytes_are_counted),
      WORLD_TEST(old_and_new_start_equal),      WORLD_TEST(moving_starts_afresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
