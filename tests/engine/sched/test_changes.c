/*
 * sched/test_changes.c - signals, classes and head starts that change while streams are ready, streams that
 * leave the tree, and memory that is refused meanwhile. One letter is one quantum of 16 KiB.
 */
#include "tests/support/cmocka.h"
#include "tests/support/world.h"

/* ---- classes --------------------------------------------------------------------------------- */

/* Style sheets go one after another, unless the client has given them weights. */
static void weights_make_a_class_share(void **state) {
  struct world *world = *state;
  world_open(world, "ABCD");
  world_ready(world, "ABCD");
  for (char name = 'A'; name <= 'D'; name++)
    sched_hint(&world->sched, world_node(world, name), SCHED_CLASS_STYLE);
  assert_string_equal(world_sequence(world, 3), "A A A");
  world_depend(world, 'A', ' ', 16, false); /* the class came first */
  world_depend(world, 'B', ' ', 16, false);
  world_idle(world, "CD");
  assert_string_equal(world_sequence(world, 4), "A B A B");
  world_idle(world, "AB");
  world_depend(world, 'C', ' ', 16, false);
  world_depend(world, 'D', ' ', 16, false);
  for (char name = 'C'; name <= 'D'; name++) /* the weight came first */
    sched_hint(&world->sched, world_node(world, name), SCHED_CLASS_SCRIPT);
  world_ready(world, "CD");
  assert_string_equal(world_sequence(world, 4), "C D C D");
}

/* The same where there is no memory for the dependencies that they asked for. */
static void refused_dependencies_share(void **state) {
  struct world *world = *state;
  world->memory.allowed = 0;
  world_open(world, "AB");
  for (char name = 'A'; name <= 'B'; name++) {
    assert_int_equal(world_depend_id(world, world_id(name), 101, 16, false), SCHED_NO_ROOM);
    sched_hint(&world->sched, world_node(world, name), SCHED_CLASS_STYLE);
  }
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 4), "A B A B");
}

/* A field that says nothing is no signal: the class still decides. */
static void an_empty_field_changes_nothing(void **state) {
  struct world *world = *state;
  const struct priority_field none = PRIORITY_FIELD_NONE;
  world_open(world, "AB");
  world_ready(world, "AB");
  for (char name = 'A'; name <= 'B'; name++) {
    sched_merge(&world->sched, world_node(world, name), &none);
    sched_hint(&world->sched, world_node(world, name), SCHED_CLASS_STYLE);
  }
  assert_string_equal(world_sequence(world, 3), "A A A");
}

/* Only ready streams of a critical class count. */
static void critical_streams_are_counted(void **state) {
  struct world *world = *state;
  world_open(world, "AB");
  struct sched_node *ready = world_node(world, 'A'), *idle = world_node(world, 'B');
  static const struct {
    enum sched_class of_ready, of_idle;
    uint32_t count;
  } rows[] = {
      {SCHED_CLASS_OTHER, SCHED_CLASS_FONT, 0}, {SCHED_CLASS_FONT, SCHED_CLASS_FONT, 1},
      {SCHED_CLASS_STYLE, SCHED_CLASS_FONT, 1}, {SCHED_CLASS_IMAGE, SCHED_CLASS_STYLE, 0},
      {SCHED_CLASS_FONT, SCHED_CLASS_IMAGE, 1}, {SCHED_CLASS_FONT, SCHED_CLASS_FONT, 1},
  };
  sched_ready(&world->sched, ready);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    sched_hint(&world->sched, ready, rows[i].of_ready);
    sched_hint(&world->sched, idle, rows[i].of_idle);
    assert_int_equal(world->sched.critical_count, rows[i].count);
  }
  sched_ready(&world->sched, idle);
  assert_int_equal(world->sched.critical_count, 2);
  sched_idle(&world->sched, ready);
  assert_int_equal(world->sched.critical_count, 1);
}

/* A stream's turn at one urgency says nothing about another; at the same one it is kept. */
static void turns_belong_to_an_urgency(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=3, i");
  world_open_field(world, 'B', "u=5, i");
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 8), "A A A A A A A A");
  world_ready(world, "B");
  assert_int_equal(world_update(world, world_id('A'), "u=5, i"), SCHED_DONE);
  assert_string_equal(world_sequence(world, 4), "B A B A");
  assert_string_equal(world_sequence(world, 1), "B");
  assert_int_equal(world_update(world, world_id('B'), "u=5, i"), SCHED_DONE);
  assert_string_equal(world_sequence(world, 2), "A B");
}

/* The same for the urgencies of classes. */
static void turns_belong_to_a_class(void **state) {
  struct world *world = *state;
  world_open(world, "AB");
  sched_hint(&world->sched, world_node(world, 'B'), SCHED_CLASS_IMAGE);
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 8), "A A A A A A A A");
  world_ready(world, "B");
  sched_hint(&world->sched, world_node(world, 'A'), SCHED_CLASS_IMAGE);
  assert_string_equal(world_sequence(world, 4), "B A B A");
  assert_string_equal(world_sequence(world, 1), "B");
  sched_hint(&world->sched, world_node(world, 'B'), SCHED_CLASS_IMAGE);
  assert_string_equal(world_sequence(world, 2), "A B");
}

/* Chromium's priorities are weights from 256 to 1: PRIORITY of an RFC 9218 stream means the nearest. */
static void weights_become_urgencies(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=3");
  for (uint16_t weight = 1; weight <= 256; weight++) {
    world->sched.churn_left = SCHED_CHURN_BURST;
    world_depend(world, 'A', ' ', weight, true);
    double exact = 7 - (weight - 1) * 7 / 255.0;
    assert_int_equal(world_node(world, 'A')->urgency, (unsigned)(exact + 0.5));
  }
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* Bytes that a stream sends after it has gone idle count when it returns. */
static void idle_streams_owe(void **state) {
  struct world *world = *state;
  size_t quantum = 0;
  world_open_field(world, 'A', "u=3, i");
  world_open_field(world, 'B', "u=3, i");
  world_ready(world, "AB");
  struct sched_node *node = sched_next(&world->sched, &quantum);
  sched_idle(&world->sched, node);
  sched_sent(&world->sched, node, 3 * SCHED_QUANTUM_BYTES);
  sched_ready(&world->sched, node);
  assert_string_equal(world_sequence(world, 5),
                      node == world_node(world, 'A') ? "B B B A B" : "A A A B A");
}

/* A stream that comes in the place of a chosen one has not been chosen, and was not alone. */
static void a_closed_stream_is_not_chosen(void **state) {
  struct world *world = *state;
  size_t quantum = 0;
  world_open_field(world, 'A', "u=3, i");
  world_open_field(world, 'B', "u=3, i");
  world_ready(world, "A");
  assert_ptr_equal(sched_next(&world->sched, &quantum), world_node(world, 'A'));
  assert_int_equal(quantum, SCHED_QUANTUM_ALONE_BYTES);
  world_close(world, world_id('A'));
  world_open_field(world, 'A', "u=3, i");
  world_ready(world, "AB");
  sched_sent(&world->sched, world_node(world, 'A'), 3 * SCHED_QUANTUM_BYTES);
  assert_string_equal(world_sequence(world, 5), "B B B A B");
}

/* One that joins with the same finish does not take the turn of the next. */
static void a_newcomer_waits_for_its_equals(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=3, i");
  world_open_field(world, 'B', "u=3, i");
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 1), "A");
  world_ready(world, "B");
  assert_string_equal(world_sequence(world, 4), "A B A B");
}

/* ---- head starts ----------------------------------------------------------------------------- */

/* The last byte of a head start is one. */
static void a_head_start_of_a_byte(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=5");
  world_open_field(world, 'B', "u=5, i");
  sched_set_head_start(&world->sched, world_node(world, 'B'), 1, 2);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 2), "B A");
  assert_int_equal(world->streams[1].sent_bytes, 1);
}

/* At the urgency of the rule itself there is nothing to be had. */
static void no_head_start_among_equals(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=2");
  world_open_field(world, 'B', "u=2");
  sched_set_head_start(&world->sched, world_node(world, 'B'), 4096, 2);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 3), "A A A");
}

/* Head starts go beside the stream behind them only if that one is critical, not for the sake of a third. */
static void head_starts_before_what_is_not_critical(void **state) {
  struct world *world = *state;
  for (char name = 'A'; name <= 'B'; name++) {
    world_open_field(world, name, "u=5, i");
    sched_set_head_start(&world->sched, world_node(world, name), 4096, 2);
  }
  world_open_field(world, 'C', "u=3");
  world_open_field(world, 'D', "u=4");
  sched_hint(&world->sched, world_node(world, 'D'), SCHED_CLASS_FONT);
  world_ready(world, "ABCD");
  assert_string_equal(world_sequence(world, 3), "A B C");
}

/* Bytes of a stream that was not chosen are not those of its head start: they pay debts. */
static void only_chosen_head_starts_make_debts(void **state) {
  struct world *world = *state;
  size_t quantum = 0;
  for (char name = 'A'; name <= 'B'; name++) {
    world_open_field(world, name, "u=5, i");
    sched_set_head_start(&world->sched, world_node(world, name), 4096, 2);
  }
  world_open_field(world, 'C', "u=3");
  sched_hint(&world->sched, world_node(world, 'C'), SCHED_CLASS_FONT);
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 1), "A");
  assert_int_equal(world->sched.head_debt_bytes, 4096 << SCHED_HEAD_PRICE_LOG2);
  assert_ptr_equal(sched_next(&world->sched, &quantum), world_node(world, 'C'));
  sched_sent(&world->sched, world_node(world, 'B'), 100);
  assert_int_equal(world->sched.head_debt_bytes, (4096 << SCHED_HEAD_PRICE_LOG2) - 100);
}

/* In the tree head starts take turns with what is critical, and lead as soon as nothing is, whatever turns
 * they have had. */
static void head_starts_lead_the_tree_again(void **state) {
  struct world *world = *state;
  assert_int_equal(world_depend_id(world, 101, 103, 16, false),
                   SCHED_DONE); /* now there is a tree */
  for (char name = 'A'; name <= 'C'; name++) {
    world_open_below(world, name, ' ', 16, false);
    sched_set_head_start(&world->sched, world_node(world, name), 4096, 2);
  }
  world_open_below(world, 'D', ' ', 256, false);
  sched_hint(&world->sched, world_node(world, 'D'), SCHED_CLASS_FONT);
  world_ready(world, "ABCD");
  assert_string_equal(world_sequence(world, 2), "A D");
  sched_hint(&world->sched, world_node(world, 'D'), SCHED_CLASS_OTHER);
  assert_string_equal(world_sequence(world, 2), "B C");
}

/* ---- leaving the tree ------------------------------------------------------------------------ */

/* Bytes sent in the tree do not count outside of it. */
static void turns_in_the_tree_stay_there(void **state) {
  struct world *world = *state;
  assert_int_equal(world_depend_id(world, 101, 103, 16, false), SCHED_DONE);
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 8), "A A A A A A A A");
  world_open_field(world, 'C', "u=3, i");
  world_ready(world, "C");
  assert_int_equal(world_update(world, world_id('A'), "u=3, i"), SCHED_DONE);
  assert_string_equal(world_sequence(world, 4), "C A C A");
}

/* A stream that leaves without a placeholder takes nothing with it; its dependants stay. */
static void leaving_without_a_placeholder(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world->memory.allowed = 0;
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 1), "A");
  assert_int_equal(world_update(world, world_id('A'), "u=5"), SCHED_DONE);
  assert_string_equal(world_parents(world, "AB"), "A<? B<x");
  assert_string_equal(world_sequence(world, 3), "B B B");
  world_idle(world, "B");
  assert_string_equal(world_sequence(world, 3), "A A A");
  world_check_tree(world);
}

/* ---- what has no room ------------------------------------------------------------------------ */

/* Each allocation for an idle stream is refused in turn. A placeholder without a set to join is given back. */
static void a_placeholder_without_a_root(void **state) {
  (void)state;
  enum sched_result result = SCHED_NO_ROOM;
  for (uint64_t refuse_at = 1; result != SCHED_DONE; refuse_at++) {
    struct world *world = world_make();
    world->memory.refuse_at = refuse_at;
    result = world_depend_id(world, 101, 0, 16, false);
    assert_int_equal(result, world->memory.calls < refuse_at ? SCHED_DONE : SCHED_NO_ROOM);
    assert_int_equal(world->sched.tree.placeholder_count, result == SCHED_DONE);
    world_end(world);
  }
}

/* Said, although the stream itself has a place: its dependants, or its parent, have none. */
static void no_room_is_said(void **state) {
  struct world *world = *state;
  uint32_t last = 1;
  world_open_below(world, 'A', ' ', 16, false);
  for (unsigned i = 1; i < SCHED_SHARES_MAX; i++, last += 2) {
    struct sched_priority below = {
        .given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .parent_id = last};
    assert_int_equal(world_open_id(world, last + 2, below), SCHED_DONE);
  }
  assert_int_equal(world->sched.tree.share_count, SCHED_SHARES_MAX);
  struct sched_priority above = {.given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .exclusive = true};
  assert_int_equal(world_open_id(world, last + 2, above), SCHED_NO_ROOM);
  assert_int_equal(world_parent(world_tree_node(world, last + 2)), 0);
  assert_int_equal(world_parent(world_tree_node(world, 1)), 0);

  for (uint32_t i = 0; i < SCHED_PLACEHOLDERS_MAX; i++)
    assert_int_equal(world_depend_id(world, 1001 + 2 * i, 0, 16, false), SCHED_DONE);
  assert_int_equal(world_depend_id(world, 1, 2001, 16, false), SCHED_NO_ROOM);
  assert_int_equal(world_depend_id(world, 2001, 0, 16, false), SCHED_NO_ROOM);
}

/* What a crowd took is given back, of each kind of object: all but a chunk. */
static void memory_is_given_back(void **state) {
  struct world *world = *state;
  struct pool *pools[] = {&world->pools.shares, &world->pools.placeholders, &world->pools.updates};
  void *taken[4 * SCHED_PLACEHOLDERS_PER_CHUNK];
  for (size_t i = 0; i < 3; i++) {
    const size_t crowd = 4 * pools[i]->chunk_count;
    for (size_t k = 0; k < crowd; k++)
      assert_non_null(taken[k] = pool_take(pools[i]));
    for (size_t k = 0; k < crowd; k++)
      pool_give(pools[i], taken[k]);
    assert_int_equal(pools[i]->made, crowd);
  }
  for (int i = 0; i < 3; i++)
    sched_memory_trim(&world->pools);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pools[i]->made, pools[i]->chunk_count);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(weights_make_a_class_share),
      WORLD_TEST(refused_dependencies_share),
      WORLD_TEST(an_empty_field_changes_nothing),
      WORLD_TEST(critical_streams_are_counted),
      WORLD_TEST(turns_belong_to_an_urgency),
      WORLD_TEST(turns_belong_to_a_class),
      WORLD_TEST(weights_become_urgencies),
      WORLD_TEST(idle_streams_owe),
      WORLD_TEST(a_closed_stream_is_not_chosen),
      WORLD_TEST(a_newcomer_waits_for_its_equals),
      WORLD_TEST(a_head_start_of_a_byte),
      WORLD_TEST(no_head_start_among_equals),
      WORLD_TEST(head_starts_before_what_is_not_critical),
      WORLD_TEST(only_chosen_head_starts_make_debts),
      WORLD_TEST(head_starts_lead_the_tree_again),
      WORLD_TEST(turns_in_the_tree_stay_there),
      WORLD_TEST(leaving_without_a_placeholder),
      cmocka_unit_test(a_placeholder_without_a_root),
      WORLD_TEST(no_room_is_said),
      WORLD_TEST(memory_is_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
