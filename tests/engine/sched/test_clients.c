/*
 * sched/test_clients.c - which stream sends next, with the signals that browsers really send and
 * without any. One letter is one quantum of 16 KiB.
 */
#include "tests/support/cmocka.h"
#include "tests/support/world.h"

#include <string.h>

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

/* Safari before the field: weights alone, no dependencies. */
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

/* Weights stay as they were when the client begins to use dependencies later. */
static void weights_move_into_the_tree(void **state) {
  struct world *world = *state;
  world_open_below(world, 'A', ' ', 32, false);
  world_open_below(world, 'B', ' ', 16, false);
  world_ready(world, "AB");
  world_open_below(world, 'C', 'A', 16, false);
  assert_string_equal(world_parents(world, "ABC"), "A<x B<x C<A");
  assert_string_equal(world_sequence(world, 6), "A B A A B A");
}

/* curl, and other programs that send no priorities. */
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

/* Once the client has sent a signal, silence means the default. */
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

/* ---- the classic page ------------------------------------------------------------------------ */

/* 30 images of 60 KiB are under way; after 200 KiB the client requests a style sheet, a script and
 * a font. The signals of each client, field or dependency or both: */
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
  double slack; /* critical bytes may take this many times as long as alone */
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
  /* Chromium's chain: after the last image, or before all of them. */
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
  /* All images have shown their dimensions right after that, not one after another. */
  if (heads_done > done + 30 * 4096 + 8 * SCHED_QUANTUM_BYTES)
    fail_msg("%s: dimensions were known after %llu", profile->name, (unsigned long long)heads_done);
  world_end(world);
}

static void critical_resources_pass_by_images(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
    page_of(&profiles[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WORLD_TEST(chromium_chain),
      WORLD_TEST(chromium_field),
      WORLD_TEST(chromium_weights_are_urgencies),
      WORLD_TEST(firefox_groups),
      WORLD_TEST(firefox_field),
      WORLD_TEST(safari_weights),
      WORLD_TEST(weights_move_into_the_tree),
      WORLD_TEST(content_decides_when_nobody_said_anything),
      WORLD_TEST(silence_of_a_client_that_speaks),
      WORLD_TEST(the_field_beats_the_tree),
      WORLD_TEST(dependencies_can_be_switched_off),
      cmocka_unit_test(critical_resources_pass_by_images),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
