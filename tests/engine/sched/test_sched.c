/*
 * sched/test_sched.c - who sends next, written as sequences that read like the examples of RFC 7540
 * section 5.3 and RFC 9218. One letter is one quantum of 16 KiB.
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
  /* Streams that were skipped can no longer open: what is known about them is forgotten. */
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
static void nobody_depends_on_itself(void **state) {
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

/* Section 5.3.4: also where A was alone, its dependants divide its weight, and no more than that.
 * Z, an idle stream, is where they all are. */
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

/* A stream that came before the first dependency belongs into the tree too. */
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

/* ---- what clients really send ---------------------------------------------------------------- */

/* Chromium before 124: each stream depends exclusively on the last one of its priority or a higher
 * one. C and D are images, E is a style sheet asked for late. */
static void chromium_chain(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 256, true);
  world_sends(world, 'A', 16384);
  world_open_below(world, 'B', 'A', 147, true);
  world_open_below(world, 'C', 'B', 147, true);
  world_open_below(world, 'D', 'C', 147, true);
  world_ready(world, "BCD");
  assert_string_equal(world_sequence(world, 2), "A B");
  world_open_below(world, 'E', 'A', 256, true);
  world_sends(world, 'E', 32768);
  assert_string_equal(world_parents(world, "ABCDE"), "A<x B<E C<B D<C E<A");
  assert_string_equal(world_sequence(world, 4), "E E B B");
}

/* Chromium from 124: the same frames, and the field. */
static void chromium_field(void **state) {
  struct world *world = *state;
  struct sched_priority image = {.given = SCHED_GIVEN_DEPENDENCY | SCHED_GIVEN_EXTENSIBLE,
                                 .urgency = 3,
                                 .incremental = true,
                                 .weight = 147,
                                 .exclusive = true};
  struct sched_priority style = {
      .given = SCHED_GIVEN_DEPENDENCY | SCHED_GIVEN_EXTENSIBLE, .weight = 256, .exclusive = true};
  for (char name = 'A'; name <= 'C'; name++)
    (void)world_open_id(world, world_id(name), image);
  world_ready(world, "ABC");
  assert_string_equal(world_sequence(world, 4), "A B C A");
  (void)world_open_id(world, world_id('D'), style);
  world_sends(world, 'D', 32768);
  assert_string_equal(world_sequence(world, 4), "D D B C");
  /* An image comes into view: PRIORITY alone says so. */
  assert_int_equal(world_depend_id(world, world_id('C'), world_id('A'), 220, true), SCHED_DONE);
  assert_string_equal(world_sequence(world, 3), "C C C");
  assert_int_equal(world_node(world, 'C')->urgency, 1);
  assert_int_equal(world->sched.tree.share_count, 0);
}

static void chromium_weights_are_urgencies(void **state) {
  struct world *world = *state;
  static const uint16_t weights[] = {256, 220, 183, 147, 110, 74, 37, 1};
  world_open_field(world, 'A', "u=7");
  for (unsigned i = 0; i < 8; i++) {
    world_depend(world, 'A', ' ', weights[i], true);
    assert_int_equal(world_node(world, 'A')->urgency, i);
  }
}

/* Firefox before the field: leaders 3, others 5, background 7, speculative 9, followers 11,
 * urgent 13. H (15) is the page, I a style sheet, J and K images, L a script at the end of the
 * body. */
static void firefox_groups(void **state) {
  struct world *world = *state;
  static const uint32_t groups[][3] = {{3, 0, 201}, {5, 0, 101}, {7, 0, 1},
                                       {9, 7, 1},   {11, 3, 1},  {13, 0, 241}};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    assert_int_equal(
        world_depend_id(world, groups[i][0], groups[i][1], (uint16_t)groups[i][2], false),
        SCHED_DONE);
  world_open_below(world, 'H', 'G', 42, false);
  world_sends(world, 'H', 16384);
  assert_string_equal(world_sequence(world, 9), "H");
  world_open_below(world, 'J', 'F', 12, false);
  world_open_below(world, 'K', 'F', 12, false);
  world_open_below(world, 'I', 'B', 32, false);
  world_open_below(world, 'L', 'C', 22, false);
  world_ready(world, "JK");
  assert_string_equal(world_sequence(world, 4), "J K J K");
  world_ready(world, "I");
  uint64_t before = world->streams[world_id('I') / 2].sent_bytes;
  (void)world_sequence(world, 330); /* 32 : 1 between the style sheet and the group of images */
  assert_in_range(world->streams[world_id('I') / 2].sent_bytes - before, 319 * 16384, 321 * 16384);
  world_ready(world, "L");
  before = world->streams[world_id('L') / 2].sent_bytes;
  (void)world_sequence(world, 302);
  assert_in_range(world->streams[world_id('L') / 2].sent_bytes - before, 100 * 16384, 102 * 16384);
}

/* Firefox of today. */
static void firefox_field(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=5, i");
  world_open_field(world, 'B', "u=5, i");
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 2), "A B");
  world_open_field(world, 'C', "u=2");
  world_open_field(world, 'D', "u=2");
  world_sends(world, 'C', 16384);
  world_sends(world, 'D', 16384);
  assert_string_equal(world_sequence(world, 4), "C D A B");
}

/* Safari before the field: weights, and nothing depends on anything. */
static void safari_weights(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 8, false);
  world_open_below(world, 'B', ' ', 16, false);
  sched_hint(&world->sched, world_node(world, 'A'), SCHED_CLASS_IMAGE);
  sched_hint(&world->sched, world_node(world, 'B'), SCHED_CLASS_IMAGE);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 6), "B A B B A B");
  world_open_below(world, 'C', ' ', 24, false);
  sched_hint(&world->sched, world_node(world, 'C'), SCHED_CLASS_STYLE);
  world_sends(world, 'C', 32768);
  assert_string_equal(world_sequence(world, 5), "C C B A B");
  world_depend(world, 'A', ' ', 64, false);
  assert_string_equal(world_sequence(world, 5), "A B A A A");
}

/* Weights stay what they were when the client turns out to use dependencies after all. */
static void weights_move_into_the_tree(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 32, false);
  world_open_below(world, 'B', ' ', 16, false);
  world_ready(world, "AB");
  world_open_below(world, 'C', 'A', 16, false);
  assert_string_equal(world_parents(world, "ABC"), "A<x B<x C<A");
  assert_string_equal(world_sequence(world, 6), "A B A A B A");
}

/* curl, and programs that know of no priorities. */
static void content_decides_when_nobody_said_anything(void **state) {
  struct world *world = *state;
  static const enum sched_class classes[] = {
      SCHED_CLASS_MEDIA,  SCHED_CLASS_IMAGE,  SCHED_CLASS_IMAGE, SCHED_CLASS_OTHER,
      SCHED_CLASS_SCRIPT, SCHED_CLASS_SCRIPT, SCHED_CLASS_STYLE};
  world_open(world, "ABCDEFG");
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    sched_hint(&world->sched, world_node(world, (char)('A' + i)), classes[i]);
    world_sends(world, (char)('A' + i), 32768);
  }
  assert_string_equal(world_sequence(world, 20), "G G E E F F D D B C B C A A");
}

/* Once the client has shown that it can speak, its silence means the default. */
static void silence_of_a_client_that_speaks(void **state) {
  struct world *world = *state;
  world_open_field(world, 'A', "u=4");
  world_open(world, "B");
  world_open_below(world, 'C', 'A', 256, true);
  sched_hint(&world->sched, world_node(world, 'B'), SCHED_CLASS_MEDIA);
  sched_hint(&world->sched, world_node(world, 'C'), SCHED_CLASS_MEDIA);
  world_sends(world, 'A', 16384);
  world_sends(world, 'B', 32768);
  world_sends(world, 'C', 32768);
  assert_string_equal(world_sequence(world, 9), "B B C C A");
}

/* A stream leaves the tree for its RFC 9218 signal; its dependants keep their place. */
static void the_field_beats_the_tree(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 16, true);
  world_open_below(world, 'B', 'A', 16, true);
  world_open_below(world, 'C', 'B', 16, true);
  world_ready(world, "ABC");
  assert_int_equal(world_update(world, world_id('B'), "u=1"), SCHED_DONE);
  assert_string_equal(world_parents(world, "ABC"), "A<x B<? C<B");
  assert_string_equal(world_sequence(world, 2), "B B");
  world_idle(world, "B");
  assert_string_equal(world_sequence(world, 2), "A A");
  world_idle(world, "A");
  assert_string_equal(world_sequence(world, 2), "C C");
}

/* SETTINGS_NO_RFC7540_PRIORITIES. */
static void dependencies_can_be_switched_off(void **state) {
  struct world *world = *state;
  sched_ignore_dependencies(&world->sched);
  world_open_below(world, 'A', ' ', 1, false);
  world_open_below(world, 'B', 'A', 256, true);
  world_ready(world, "AB");
  assert_string_equal(world_sequence(world, 4), "A B A B");
  world_depend(world, 'A', 'B', 256, true);
  assert_string_equal(world_sequence(world, 4), "A B A B");
  assert_int_equal(world->sched.tree.placeholder_count, 0);
}

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

/* Beside a font, too, that the client finds less urgent than head starts are; but before a download
 * of the same urgency. */
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

/* What is said while a stream sends: longer, shorter, where it stands; and after its head start. */
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
  /* What depends on B waits for B, wherever B sends from. */
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

/* What was sent while nobody else was there is not paid back later. */
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

/* Nor does one that is found idle while it is asked for its bytes: what it sent counts for it, and
 * for all above it. */
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

/* Who comes later is not ahead of those who have been here before. */
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

/* What a stream has sent elsewhere does not count where it is moved to. */
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

/* ---- the classic page ------------------------------------------------------------------------ */

/* 30 images of 60 KiB are under way; after 200 KiB a style sheet, a script and a font are asked
 * for. What each client says about them, field or dependency or both: */
struct page_signal {
  const char *field; /* NULL: none */
  uint32_t parent;   /* identifier; 1 is the page itself, long since closed */
  uint16_t weight;   /* 0: no dependency */
  bool exclusive;
};

enum { PAGE_IMAGE, PAGE_STYLE, PAGE_SCRIPT, PAGE_FONT, PAGE_KIND_COUNT };

static const struct page_profile {
  const char *name;
  struct page_signal signals[PAGE_KIND_COUNT];
  bool firefox_groups;
  double slack; /* critical bytes may take so many times what they would take alone */
} profiles[] = {
    {"says nothing", {{0}, {0}, {0}, {0}}, false, 1.10},
    {"Chromium of today",
     {{"i", 0, 147, true}, {"u=0", 0, 256, true}, {"u=1", 0, 220, true}, {"u=0", 0, 256, true}},
     false,
     1.10},
    {"Firefox of today",
     {{"u=5, i", 0, 0, false}, {"u=2", 0, 0, false}, {"u=2", 0, 0, false}, {"u=2", 0, 0, false}},
     false,
     1.10},
    {"Chromium before the field",
     {{NULL, 0, 147, true}, {NULL, 0, 256, true}, {NULL, 0, 220, true}, {NULL, 0, 256, true}},
     false,
     1.10},
    {"Firefox before the field",
     {{NULL, 11, 22, false}, {NULL, 3, 32, false}, {NULL, 3, 32, false}, {NULL, 3, 32, false}},
     true,
     1.10},
    {"Safari before the field",
     {{NULL, 0, 8, false}, {NULL, 0, 24, false}, {NULL, 0, 24, false}, {NULL, 0, 16, false}},
     false,
     1.10},
};

static void page_open(struct world *world, const struct page_profile *profile, uint32_t id,
                      int kind, uint64_t bytes) {
  static const enum sched_class classes[] = {SCHED_CLASS_IMAGE, SCHED_CLASS_STYLE,
                                             SCHED_CLASS_SCRIPT, SCHED_CLASS_FONT};
  const struct page_signal *signal = &profile->signals[kind];
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  struct priority_field field = PRIORITY_FIELD_NONE;
  if (signal->field) {
    priority_field_parse(&field, span_of(signal->field, strlen(signal->field)));
    priority.given |= SCHED_GIVEN_EXTENSIBLE;
    priority.urgency = field.urgency;
    priority.incremental = field.incremental;
  }
  if (signal->weight) {
    priority.given |= SCHED_GIVEN_DEPENDENCY;
    priority.parent_id = signal->parent;
    priority.weight = signal->weight;
    priority.exclusive = signal->exclusive;
  }
  /* Chromium's chain: behind the last image, or in front of all of them. */
  if (signal->exclusive && kind == PAGE_IMAGE && id > 101) priority.parent_id = id - 2;
  (void)world_open_id(world, id, priority);
  struct world_stream *stream = &world->streams[id / 2];
  sched_hint(&world->sched, &stream->node, classes[kind]);
  if (kind == PAGE_IMAGE) sched_set_head_start(&world->sched, &stream->node, 4096, 2);
  stream->left_bytes = bytes;
  sched_ready(&world->sched, &stream->node);
}

static void page_of(const struct page_profile *profile) {
  static const uint64_t critical_bytes[] = {0, 40 * 1024, 90 * 1024, 30 * 1024};
  struct world *world = world_make();
  uint64_t sent = 0, critical = 0, done = 0, heads_done = 0;
  if (profile->firefox_groups) {
    assert_int_equal(world_depend_id(world, 3, 0, 201, false), SCHED_DONE);
    assert_int_equal(world_depend_id(world, 11, 3, 1, false), SCHED_DONE);
  }
  for (uint32_t i = 0; i < 30; i++)
    page_open(world, profile, 101 + 2 * i, PAGE_IMAGE, 60 * 1024);
  while (sent < 200 * 1024) {
    size_t bytes = 0;
    assert_non_null(world_step(world, &bytes));
    sent += bytes;
  }
  for (int kind = PAGE_STYLE; kind < PAGE_KIND_COUNT; kind++) {
    page_open(world, profile, 201 + 2 * (uint32_t)kind, kind, critical_bytes[kind]);
    critical += critical_bytes[kind];
  }
  for (uint64_t after = 0;;) {
    size_t bytes = 0;
    struct sched_node *node = world_step(world, &bytes);
    if (!node) break;
    after += bytes;
    if (node->id > 200) done = after;
    bool heads = true;
    for (uint32_t i = 0; i < 30; i++)
      heads &= world->streams[(101 + 2 * i) / 2].sent_bytes >= 4096;
    if (heads && !heads_done) heads_done = after;
  }
  if ((double)done > profile->slack * (double)critical + SCHED_QUANTUM_BYTES)
    fail_msg("%s: %llu critical bytes were complete after %llu", profile->name,
             (unsigned long long)critical, (unsigned long long)done);
  /* All images have shown their dimensions right after that, not after one another. */
  if (heads_done > done + 30 * 4096 + 8 * SCHED_QUANTUM_BYTES)
    fail_msg("%s: dimensions were known after %llu", profile->name, (unsigned long long)heads_done);
  world_end(world);
}

static void critical_resources_pass_by_images(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
    page_of(&profiles[i]);
}

/* ---- lack of memory -------------------------------------------------------------------------- */

/* No tree, then, and nothing is remembered; what is left shares. */
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
      {"video/mp4", SCHED_CLASS_MEDIA},
      {"application/json", SCHED_CLASS_OTHER},
      {"", SCHED_CLASS_OTHER},
      {";", SCHED_CLASS_OTHER},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (sched_class_of(span_of(rows[i].type, strlen(rows[i].type))) != rows[i].expected)
      fail_msg("%s has another class", rows[i].type);
}

static int begin(void **state) {
  *state = world_make();
  return 0;
}

static int end(void **state) {
  world_end(*state);
  return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(urgency_goes_first),
      TEST(one_after_another_by_identifier),
      TEST(a_blocked_stream_holds_nobody_up),
      TEST(incremental_ones_share),
      TEST(both_kinds_get_half),
      TEST(priority_update_moves_a_stream),
      TEST(priority_update_before_the_stream),
      TEST(priority_updates_are_bounded),
      TEST(the_response_has_its_say),
      TEST(tunnels_share),
      TEST(default_dependency_creation),
      TEST(exclusive_dependency_creation),
      TEST(weights_share_in_proportion),
      TEST(twice_the_weight),
      TEST(extreme_weights_alternate),
      TEST(reordering_not_exclusive),
      TEST(reordering_exclusive),
      TEST(the_moved_dependency_keeps_its_weight),
      TEST(nobody_depends_on_itself),
      TEST(exclusive_at_the_root),
      TEST(closed_streams_keep_their_place),
      TEST(a_dropped_stream_leaves_its_weight),
      TEST(closed_streams_can_be_moved),
      TEST(defaults),
      TEST(a_dependency_on_a_stream_without_signal),
      TEST(idle_streams_have_a_place),
      TEST(chromium_chain),
      TEST(chromium_field),
      TEST(chromium_weights_are_urgencies),
      TEST(firefox_groups),
      TEST(firefox_field),
      TEST(safari_weights),
      TEST(weights_move_into_the_tree),
      TEST(content_decides_when_nobody_said_anything),
      TEST(silence_of_a_client_that_speaks),
      TEST(the_field_beats_the_tree),
      TEST(dependencies_can_be_switched_off),
      TEST(head_start_falls_back),
      TEST(head_start_beside_its_equals),
      TEST(head_start_beside_what_is_critical),
      TEST(head_start_extended),
      TEST(head_start_extended_late),
      TEST(head_start_in_the_tree),
      TEST(head_start_is_no_setback),
      TEST(quantum_grows_when_alone),
      TEST(being_alone_costs_nothing),
      TEST(flapping_gains_nothing),
      TEST(idle_before_its_bytes_are_counted),
      TEST(old_and_new_start_equal),
      TEST(moving_starts_afresh),
      cmocka_unit_test(critical_resources_pass_by_images),
      TEST(without_memory_they_share),
      cmocka_unit_test(media_types_have_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
