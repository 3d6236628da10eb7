/*
 * sched/test_sched.c - which stream sends next, as sequences that read like the examples of RFC
 * 7540 section 5.3 and RFC 9218. One letter is one quantum of 16 KiB.
 */
#include "tests/support/cmocka.h"
#include "tests/support/world.h"

#include <string.h>

/* ---- RFC 9218 -------------------------------------------------------------------------------- */

static void urgency_goes_first(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=5");
  world_open_field(world, 'B', "u=0");
  world_open_field(world, 'C', "");
  world_sends(world, 'A', 32768);
  world_sends(world, 'B', 32768);
  world_sends(world, 'C', 32768);
  assert_string_equal(world_sequence(world, 9), "B B C C A A");
}

/* Section 10: non-incremental responses of one urgency in ascending order of the stream ID. */
static void one_after_another_by_identifier(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=1");
  world_open_field(world, 'B', "u=1");
  world_open_field(world, 'C', "u=1");
  world_sends(world, 'C', 32768);
  world_sends(world, 'A', 32768);
  world_sends(world, 'B', 32768);
  assert_string_equal(world_sequence(world, 9), "A A B B C C");
}

/* A blocked stream lets the next one through and goes on as soon as it can. */
static void a_blocked_stream_holds_nobody_up(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=1");
  world_open_field(world, 'B', "u=1");
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 2), "A A");
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 2), "B B");
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 2), "A A");
}

/* Section 10: incremental responses of one urgency share the bandwidth. */
static void incremental_ones_share(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=5, i");
  world_open_field(world, 'B', "u=5, i");
  world_open_field(world, 'C', "u=5, i");
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 9), "A B C A B C A B C");
}

/* Section 10 leaves the mixture open; here both kinds get half. */
static void both_kinds_get_half(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "");
  world_open_field(world, 'B', "i");
  world_open_field(world, 'C', "i");
  world_open_field(world, 'D', "");
  world_ready(world, "ABCD");
  assert_string_equal(world_sequence(world, 8), "A B A C A B A C");
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 4), "D B D C");
}

/* Section 6: a prefetch becomes urgent. */
static void priority_update_moves_a_stream(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=7");
  world_open_field(world, 'B', "u=3");
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 2), "B B");
  assert_int_equal(world_update(world, world_id('A'), "u=0"), SCHED_DONE);
  assert_string_equal(world_sequence(world, 2), "A A");
  /* Section 7: omitting a parameter is a signal to use its default. */
  assert_int_equal(world_update(world, world_id('A'), "i"), SCHED_DONE);
  assert_string_equal(world_sequence(world, 4), "A B A B");
}

/* Section 7: buffered until the stream opens, and it overrides the field. */
static void priority_update_before_the_stream(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=2");
  assert_int_equal(world_update(world, world_id('B'), "u=6"), SCHED_DONE);
  assert_int_equal(world_update(world, world_id('B'), "u=1"), SCHED_DONE);
  assert_int_equal(world->sched.updates.count, 1);
  world_open_field(world, 'B', "u=5");
  assert_int_equal(world->sched.updates.count, 0);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 2), "B B");
  assert_int_equal(world_update(world, world_id('B'), "u=4"), SCHED_DONE);
  assert_string_equal(world_sequence(world, 2), "A A");
}

static void priority_updates_are_bounded(void **state) {
  struct world *world = *state;
  for (uint32_t i = 0; i < SCHED_UPDATES_MAX; i++)
    assert_int_equal(world_update(world, 1001 + 2 * i, "u=1"), SCHED_DONE);
  assert_int_equal(world_update(world, 5001, "u=1"), SCHED_NO_ROOM);
  assert_int_equal(world_update(world, 1001, "u=2"), SCHED_DONE);
  /* Streams that were skipped can no longer open: their signals are forgotten. */
  world_open_id(world, 1201, SCHED_PRIORITY_DEFAULT);
  assert_int_equal(world->streams[1201 / 2].node.urgency, 1);
  assert_int_equal(world->sched.updates.count, SCHED_UPDATES_MAX - 101);
  assert_int_equal(world_update(world, 999, "u=1"), SCHED_DONE); /* closed: ignored */
  assert_int_equal(world->sched.updates.count, SCHED_UPDATES_MAX - 101);
}

/* Section 8: the response has `u=1`, the request had `u=5, i`. */
static void the_response_has_its_say(void **state) {
  struct world *world = *state;
  struct priority_field response = PRIORITY_FIELD_NONE;
  world_open_field(world, 'A', "u=2");
  world_open_field(world, 'B', "u=5, i");
  world_ready(world, "AB");
  priority_field_parse(&response, span_of("u=1", 3));
  sched_merge(&world->sched, world_node(world, 'B'), &response);
  assert_string_equal(world_sequence(world, 2), "B B");
  assert_true(world_node(world, 'B')->incremental);
  /* A response without the field changes nothing. */
  response = PRIORITY_FIELD_NONE;
  sched_merge(&world->sched, world_node(world, 'B'), &response);
  assert_string_equal(world_sequence(world, 2), "B B");
}

/* Section 11: a tunnel shares whatever was asked for. */
static void tunnels_share(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=3");
  world_open_field(world, 'B', "u=3");
  sched_hint(&world->sched, world_node(world, 'A'), SCHED_CLASS_TUNNEL);
  sched_hint(&world->sched, world_node(world, 'B'), SCHED_CLASS_TUNNEL);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 4), "A B A B");
}

/* ---- RFC 7540 section 5.3 -------------------------------------------------------------------- */

/* Figure 3: D is created with a dependency on A. */
static void default_dependency_creation(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_open_below(world, 'C', 'A', 16, false);
  world_open_below(world, 'D', 'A', 16, false);
  assert_string_equal(world_parents(world, "ABCD"), "A<x B<A C<A D<A");
  world_ready(world, "ABCD");
  assert_string_equal(world_sequence(world, 3), "A A A");
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 6), "B C D B C D");
}

/* Figure 4: D is created with an exclusive dependency on A. */
static void exclusive_dependency_creation(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_open_below(world, 'C', 'A', 16, false);
  world_ready(world, "BC");
  assert_string_equal(world_sequence(world, 2), "B C");
  world_open_below(world, 'D', 'A', 16, true);
  assert_string_equal(world_parents(world, "ABCD"), "A<x B<D C<D D<A");
  assert_string_equal(world_sequence(world, 2), "B C");
  world_ready(world, "D");
  assert_string_equal(world_sequence(world, 2), "D D");
  world_ready(world, "A");
  assert_string_equal(world_sequence(world, 2), "A A");
}

/* Section 5.3.2: B with weight 4 gets a third of what C with weight 12 gets. */
static void weights_share_in_proportion(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 4, false);
  world_open_below(world, 'C', 'A', 12, false);
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 2), "A A");
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 12), "C B C C C B C C C B C C");
}

static void twice_the_weight(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 32, false);
  world_open_below(world, 'B', ' ', 16, false);
  world_open_below(world, 'C', ' ', 16, false);
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 8), "A B A C A B A C");
}

/* The heaviest does not send all of its part at once. */
static void extreme_weights_alternate(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 3, false);
  for (char name = 'B'; name <= 'D'; name++)
    world_open_below(world, name, ' ', 1, false);
  world_ready(world, "ABCD");
  assert_string_equal(world_sequence(world, 12), "A B A C A D A B A C A D");
}

static void figure_5_tree(struct world *world) {
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_open_below(world, 'C', 'A', 16, false);
  world_open_below(world, 'D', 'C', 16, false);
  world_open_below(world, 'E', 'C', 16, false);
  world_open_below(world, 'F', 'D', 16, false);
  assert_string_equal(world_parents(world, "ABCDEF"), "A<x B<A C<A D<C E<C F<D");
}

static void reordering_not_exclusive(void **state) {
  struct world *world = *state;
  figure_5_tree(world);
  world_depend(world, 'A', 'D', 16, false);
  assert_string_equal(world_parents(world, "ABCDEF"), "A<D B<A C<A D<x E<C F<D");
  world_ready(world, "ABCDEF");
  assert_string_equal(world_sequence(world, 1), "D");
  world_idle(world, "D");
  assert_string_equal(world_sequence(world, 2), "A F");
  world_idle(world, "AF");
  assert_string_equal(world_sequence(world, 2), "B C");
}

static void reordering_exclusive(void **state) {
  struct world *world = *state;
  figure_5_tree(world);
  world_ready(world, "ABCDEF");
  world_depend(world, 'A', 'D', 16, true);
  assert_string_equal(world_parents(world, "ABCDEF"), "A<D B<A C<A D<x E<C F<A");
  world_idle(world, "D");
  assert_string_equal(world_sequence(world, 2), "A A");
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 3), "B C F");
}

/* Section 5.3.3: the moved dependency retains its weight. */
static void the_moved_dependency_keeps_its_weight(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 100, false);
  world_open_below(world, 'B', 'A', 7, false);
  world_depend(world, 'A', 'B', 50, false);
  assert_string_equal(world_parents(world, "AB"), "A<B B<x");
  assert_int_equal(world_tree_node(world, world_id('B'))->weight_16ths, 7 * SCHED_WEIGHT_UNIT);
  assert_int_equal(world_tree_node(world, world_id('A'))->weight_16ths, 50 * SCHED_WEIGHT_UNIT);
}

/* Section 5.3.1: also with the exclusive flag. */
static void no_stream_depends_on_itself(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  assert_int_equal(world_depend_id(world, world_id('A'), world_id('A'), 16, false), SCHED_SELF);
  assert_int_equal(world_depend_id(world, world_id('A'), world_id('A'), 16, true), SCHED_SELF);
  assert_int_equal(world_depend_id(world, 99, 99, 16, true), SCHED_SELF);
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  priority.given = SCHED_GIVEN_DEPENDENCY;
  priority.parent_id = world_id('C');
  assert_int_equal(world_open_id(world, world_id('C'), priority), SCHED_SELF);
  assert_string_equal(world_parents(world, "ABC"), "A<x B<A C<x");
}

static void exclusive_at_the_root(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_open_below(world, 'C', ' ', 16, false);
  world_open_below(world, 'D', ' ', 16, true);
  assert_string_equal(world_parents(world, "ABCD"), "A<D B<A C<D D<x");
  /* It has dependants of its own already. */
  world_open_below(world, 'E', ' ', 16, false);
  world_open_below(world, 'F', 'E', 16, false);
  world_depend(world, 'E', ' ', 16, true);
  assert_string_equal(world_parents(world, "ABCDEF"), "A<D B<A C<D D<E E<x F<E");
  /* It is the only dependant of its parent already. */
  world_depend(world, 'E', ' ', 16, true);
  assert_string_equal(world_parents(world, "ABCDEF"), "A<D B<A C<D D<E E<x F<E");
}

/* Section 5.3.4: while the state of A is kept, C gets all of what A would get; once it is dropped,
 * A's weight is divided, and C gets a third. */
static void closed_streams_keep_their_place(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', ' ', 16, false);
  world_open_below(world, 'C', 'A', 16, false);
  world_open_below(world, 'D', 'A', 16, false);
  world_ready(world, "ABC");
  world_close(world, world_id('A'));
  assert_string_equal(world_parents(world, "ABCD"), "A<x B<x C<A D<A");
  assert_string_equal(world_sequence(world, 4), "B C B C");
  for (uint32_t i = 0; i < SCHED_PLACEHOLDERS_MAX; i++) {
    (void)world_open_id(world, 1001 + 2 * i, SCHED_PRIORITY_DEFAULT);
    world_close(world, 1001 + 2 * i);
  }
  assert_string_equal(world_parents(world, "ABCD"), "A<? B<x C<x D<x");
  assert_int_equal(world_node(world, 'C')->weight_16ths, 8 * SCHED_WEIGHT_UNIT);
  assert_string_equal(world_sequence(world, 6), "B C B B C B");
}

/* Section 5.3.4: where A was alone, too, its dependants divide its weight, and no more than that.
 * All of them depend on Z, an idle stream. */
static void a_dropped_stream_leaves_its_weight(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', 'Z', 16, false);
  world_open_below(world, 'B', 'A', 192, false);
  world_open_below(world, 'C', 'A', 64, false);
  world_close(world, world_id('A'));
  for (uint32_t i = 0; i < SCHED_PLACEHOLDERS_MAX; i++) {
    (void)world_open_id(world, 1001 + 2 * i, SCHED_PRIORITY_DEFAULT);
    world_close(world, 1001 + 2 * i);
  }
  assert_string_equal(world_parents(world, "ABCZ"), "A<? B<Z C<Z Z<x");
  assert_int_equal(world_node(world, 'B')->weight_16ths, 12 * SCHED_WEIGHT_UNIT);
  assert_int_equal(world_node(world, 'C')->weight_16ths, 4 * SCHED_WEIGHT_UNIT);
  world_open_below(world, 'D', 'Z', 16, false);
  world_ready(world, "BCD");
  assert_string_equal(world_sequence(world, 8), "D B D B D C B D");
}

/* Section 5.3.4: PRIORITY for a closed stream moves the streams that depend on it. */
static void closed_streams_can_be_moved(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, false);
  world_open_below(world, 'B', 'A', 16, false);
  world_open_below(world, 'C', ' ', 16, false);
  world_close(world, world_id('A'));
  world_ready(world, "BC");
  world_depend(world, 'A', 'C', 16, false);
  assert_string_equal(world_parents(world, "ABC"), "A<C B<A C<x");
  assert_string_equal(world_sequence(world, 2), "C C");
}

/* Section 5.3.5, and 5.3.1 for parents that are not in the tree. */
static void defaults(void **state) {
  struct world *world = *state;
  world_open_below(world, 'C', ' ', 200, true);
  world_open_below(world, 'D', 'A', 200, true); /* A was skipped: it is closed and unknown */
  assert_string_equal(world_parents(world, "ACD"), "A<? C<x D<x");
  assert_int_equal(world_node(world, 'D')->weight_16ths, SCHED_WEIGHT_DEFAULT * SCHED_WEIGHT_UNIT);
  world_open(world, "E");
  assert_string_equal(world_parents(world, "E"), "E<x");
}

/* A stream that came before the first dependency belongs to the tree, too. */
static void a_dependency_on_a_stream_without_signal(void **state) {
  struct world *world = *state;
  world_open(world, "AB");
  world_ready(world, "AB");
  assert_string_equal(world_parents(world, "AB"), "A<? B<?");
  world_open_below(world, 'C', 'A', 16, true);
  world_ready(world, "C");
  assert_string_equal(world_parents(world, "ABC"), "A<x B<x C<A");
  assert_string_equal(world_sequence(world, 4), "B A B A");
}

/* PRIORITY for an idle stream counts when it opens; an idle parent is a group. */
static void idle_streams_have_a_place(void **state) {
  struct world *world = *state;
  assert_int_equal(world_depend_id(world, world_id('B'), world_id('D'), 32, false), SCHED_DONE);
  assert_string_equal(world_parents(world, "BD"), "B<D D<x");
  world_open(world, "AB");
  assert_string_equal(world_parents(world, "ABD"), "A<x B<D D<x");
  assert_int_equal(world_node(world, 'B')->weight_16ths, 32 * SCHED_WEIGHT_UNIT);
  world_open_below(world, 'C', 'D', 32, false);
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 8), "A B A C A B A C");
}

/* ---- lack of memory -------------------------------------------------------------------------- */

/* Then there is no tree, and nothing is remembered; streams share. */
static void without_memory_they_share(void **state) {
  struct world *world = *state;
  world->memory.allowed = 0;
  world_open(world, "AB");
  struct sched_priority below = {
      .given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .parent_id = world_id('B')};
  assert_int_equal(world_open_id(world, world_id('C'), below), SCHED_NO_ROOM);
  struct sched_priority above = {.given = SCHED_GIVEN_DEPENDENCY, .weight = 16, .exclusive = true};
  assert_int_equal(world_open_id(world, world_id('D'), above), SCHED_NO_ROOM);
  assert_int_equal(world_depend_id(world, world_id('A'), world_id('D'), 16, true), SCHED_NO_ROOM);
  assert_int_equal(world_depend_id(world, 101, world_id('D'), 16, true), SCHED_NO_ROOM);
  assert_int_equal(world_update(world, 103, "u=1"), SCHED_NO_ROOM);
  world_sends(world, 'D', 16384);
  world_sends(world, 'C', 16384);
  world_sends(world, 'B', 16384);
  world_sends(world, 'A', 16384);
  assert_string_equal(world_sequence(world, 9), "D C B A");
}

/* ---- classes --------------------------------------------------------------------------------- */

static void media_types_have_classes(void **state) {
  (void)state;
  static const struct {
    const char *type;
    enum sched_class expected;
  } rows[] = {
      {"text/html; charset=utf-8", SCHED_CLASS_DOCUMENT},
      {"TEXT/HTML", SCHED_CLASS_DOCUMENT},
      {"text/htmlx", SCHED_CLASS_OTHER},
      {"text/css", SCHED_CLASS_STYLE},
      {"text/javascript;charset=utf-8", SCHED_CLASS_SCRIPT},
      {"application/javascript", SCHED_CLASS_SCRIPT},
      {"font/woff2", SCHED_CLASS_FONT},
      {"application/font-woff", SCHED_CLASS_FONT},
      {"image/svg+xml", SCHED_CLASS_IMAGE},
      {"Image/JPEG", SCHED_CLASS_IMAGE},
      {"image", SCHED_CLASS_OTHER},
      {"xmage/png", SCHED_CLASS_OTHER},
      {"video/mp4", SCHED_CLASS_MEDIA},
      {"application/json", SCHED_CLASS_OTHER},
      {"", SCHED_CLASS_OTHER},
      {";", SCHED_CLASS_OTHER},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (sched_class_of(span_of(rows[i].type, strlen(rows[i].type))) != rows[i].expected)
      fail_msg("%s has another class", rows[i].type);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(urgency_goes_first),
      WORLD_TEST(one_after_another_by_identifier),
      WORLD_TEST(a_blocked_stream_holds_nobody_up),
      WORLD_TEST(incremental_ones_share),
      WORLD_TEST(both_kinds_get_half),
      WORLD_TEST(priority_update_moves_a_stream),
      WORLD_TEST(priority_update_before_the_stream),
      WORLD_TEST(priority_updates_are_bounded),
      WORLD_TEST(the_response_has_its_say),
      WORLD_TEST(tunnels_share),
      WORLD_TEST(default_dependency_creation),
      WORLD_TEST(exclusive_dependency_creation),
      WORLD_TEST(weights_share_in_proportion),
      WORLD_TEST(twice_the_weight),
      WORLD_TEST(extreme_weights_alternate),
      WORLD_TEST(reordering_not_exclusive),
      WORLD_TEST(reordering_exclusive),
      WORLD_TEST(the_moved_dependency_keeps_its_weight),
      WORLD_TEST(no_stream_depends_on_itself),
      WORLD_TEST(exclusive_at_the_root),
      WORLD_TEST(closed_streams_keep_their_place),
      WORLD_TEST(a_dropped_stream_leaves_its_weight),
      WORLD_TEST(closed_streams_can_be_moved),
      WORLD_TEST(defaults),
      WORLD_TEST(a_dependency_on_a_stream_without_signal),
      WORLD_TEST(idle_streams_have_a_place),
      WORLD_TEST(without_memory_they_share),
      cmocka_unit_test(media_types_have_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
