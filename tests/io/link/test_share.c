/*
 * link/test_share.c - shares of a worker's time converge to the weights, whatever the pieces. No
 * link with little to send is held, no link starves, and an idle worker holds no link.
 *
 * A model worker gives each link that has work one piece a turn, as io/link/pass.c does. All numbers
 * are its own accounting: no clock, no socket.
 */
#include "io/link/share.h"
#include "tests/support/cmocka.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 3000 };

struct model_link {
  struct share share;
  struct list_node node; /* of the calendar */
  unsigned weight;
  uint32_t piece_bytes; /* at most, in one go */
  unsigned every;       /* has work in one of this many turns; 0: never */
  unsigned offset;
  bool whole; /* receives: its pieces are what has come, not slices */
  uint64_t served_bytes, served_cost;
  unsigned pieces, holds;
  uint64_t held_since; /* turn */
  uint64_t held_longest;
};

struct model {
  struct shares shares;
  struct model_link links[LINKS_MAX];
  unsigned count;
  uint64_t turn, empty_turns;
  uint64_t turn_ns;
};

static struct model *new_model(void) {
  struct model *model = calloc(1, sizeof *model);
  assert_non_null(model);
  shares_init(&model->shares);
  model->turn_ns = 200000;
  return model;
}

/* Busy links of one kind; returns the first. */
static struct model_link *add(struct model *model, unsigned count, unsigned weight,
                              uint32_t piece_bytes) {
  struct model_link *first = &model->links[model->count];
  assert_true(model->count + count <= LINKS_MAX);
  for (unsigned i = 0; i < count; i++)
    first[i] = (struct model_link){.weight = weight, .piece_bytes = piece_bytes, .every = 1};
  model->count += count;
  return first;
}

static void release(struct model *model) {
  struct list_node released;
  list_init(&released);
  shares_turn(&model->shares, model->turn * model->turn_ns, &released);
  while (!list_is_empty(&released)) {
    struct model_link *link = LIST_OWNER(released.next, struct model_link, node);
    shares_leave(&model->shares, &link->share, &link->node);
    uint64_t held = model->turn - link->held_since;
    if (held > link->held_longest) link->held_longest = held;
  }
}

static bool serve(struct model *model, struct model_link *link) {
  struct shares *shares = &model->shares;
  if (link->every == 0 || (model->turn + link->offset) % link->every != 0) return false;
  if (share_is_held(&link->share)) return false;
  if (share_is_ahead(shares, &link->share, link->weight)) {
    shares_hold(shares, &link->share, link->weight, &link->node);
    link->held_since = model->turn;
    link->holds++;
    return false;
  }
  uint32_t bytes =
      link->whole ? link->piece_bytes : shares_slice(shares, link->weight, link->piece_bytes);
  shares_charge(shares, &link->share, link->weight, bytes);
  link->served_bytes += bytes;
  link->served_cost += bytes + SHARE_CALL_BYTES;
  link->pieces++;
  return true;
}

static void run(struct model *model, unsigned turns) {
  for (unsigned i = 0; i < turns; i++) {
    bool any = false;
    model->turn++;
    release(model);
    for (unsigned j = 0; j < model->count; j++)
      any |= serve(model, &model->links[j]);
    model->empty_turns += !any;
  }
}

static void forget(struct model *model) {
  for (unsigned i = 0; i < model->count; i++) {
    struct model_link *link = &model->links[i];
    link->served_bytes = link->served_cost = link->pieces = link->holds = 0;
  }
  model->empty_turns = 0;
}

static uint64_t cost_of(const struct model_link *links, unsigned count) {
  uint64_t cost = 0;
  for (unsigned i = 0; i < count; i++)
    cost += links[i].served_cost;
  return cost;
}

/* ---- parts --------------------------------------------------------------------------------- */

struct crowd {
  unsigned count, weight;
  uint32_t piece_bytes;
  unsigned every;
  bool whole;
};

static const struct parts_row {
  const char *name;
  struct crowd crowds[4];
} parts_rows[] = {
    {"1:4:16", {{1, 1, 262144, 1, 0}, {1, 4, 262144, 1, 0}, {1, 16, 262144, 1, 0}}},
    {"1:256", {{1, 1, 262144, 1, 0}, {1, 256, 262144, 1, 0}}},
    {"the heavy one in small pieces, as TLS does",
     {{1, 1, 262144, 1, 0}, {1, 4, 262144, 1, 0}, {1, 16, 16384, 1, 0}}},
    {"received in buffers", {{1, 1, 16384, 1, 1}, {1, 4, 16384, 1, 1}, {1, 16, 16384, 1, 1}}},
    {"tiny pieces", {{5, 1, 300, 1, 1}, {5, 4, 300, 1, 1}, {5, 16, 300, 1, 1}}},
    {"crowds", {{100, 1, 65536, 1, 0}, {30, 4, 65536, 1, 0}, {10, 16, 65536, 1, 0}}},
    {"requests, again once the last ones are answered",
     {{50, 4, 9000, 3, 1}, {50, 16, 9000, 3, 1}}},
    {"requests beside downloads",
     {{20, 16, 9000, 2, 1}, {20, 64, 9000, 2, 1}, {3, 16, 65536, 1, 0}, {3, 64, 65536, 1, 0}}},
    {"odd weights", {{3, 7, 30000, 1, 0}, {2, 100, 100000, 1, 0}, {1, 255, 65536, 1, 0}}},
};

/* The bytes per link and unit of weight are the same for all weights. */
static void parts_follow_weights(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof parts_rows / sizeof parts_rows[0]; i++) {
    const struct parts_row *row = &parts_rows[i];
    struct model *model = new_model();
    for (unsigned c = 0; c < 4 && row->crowds[c].count; c++) {
      const struct crowd *crowd = &row->crowds[c];
      struct model_link *links = add(model, crowd->count, crowd->weight, crowd->piece_bytes);
      for (unsigned j = 0; j < crowd->count; j++) {
        links[j].every = crowd->every;
        links[j].offset = j;
        links[j].whole = crowd->whole;
      }
    }
    run(model, 2000);
    forget(model);
    run(model, 60000);
    /* By weight: the sum over its links, and their number. */
    double cost[257] = {0}, links[257] = {0}, all = 0, weight_sum = 0;
    for (unsigned j = 0; j < model->count; j++) {
      const struct model_link *link = &model->links[j];
      cost[link->weight] += (double)link->served_cost;
      links[link->weight]++;
      all += (double)link->served_cost;
      weight_sum += link->weight;
    }
    for (unsigned weight = 1; weight <= 256; weight++) {
      if (links[weight] == 0) continue;
      double ideal = all * weight * links[weight] / weight_sum, part = cost[weight] / ideal;
      if (part < 0.98 || part > 1.02)
        fail_msg("%s: weight %u has %.3f of its part", row->name, weight, part);
    }
    free(model);
  }
}

/* A light link is never further ahead than slack and a piece, and one more piece that is free in
 * a new period. */
static void never_far_ahead(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 30; seed++) {
    struct model *model = new_model();
    uint64_t random = seed;
    unsigned count = 2 + seed % 20;
    for (unsigned i = 0; i < count; i++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      unsigned weight = 1 + (unsigned)(random >> 33) % 256;
      add(model, 1, weight, 2000 + (uint32_t)(random >> 20) % 200000)->whole = random >> 63;
    }
    for (unsigned i = 0; i < 3000; i++) {
      run(model, 1);
      for (unsigned j = 0; j < count; j++) {
        const struct model_link *link = &model->links[j];
        if (link->weight >= model->shares.heaviest) continue;
        if (link->share.due <= model->shares.now) continue;
        double ahead = (double)(link->share.due - model->shares.now) * link->weight / SHARE_SCALE;
        if (ahead > SHARE_SLACK_BYTES + 2 * (link->piece_bytes + SHARE_CALL_BYTES))
          fail_msg("seed %u, turn %u: weight %u is %.0f bytes ahead", seed, i, link->weight, ahead);
      }
    }
    free(model);
  }
}

/* ---- links that are never held ---------------------------------------------------------------- */

static void equal_weights_are_never_held(void **state) {
  (void)state;
  static const unsigned weights[] = {1, 16, 256};
  for (unsigned i = 0; i < 3; i++) {
    struct model *model = new_model();
    for (unsigned j = 0; j < 40; j++)
      add(model, 1, weights[i], 100 + 6000 * j)->every = 1 + j % 3;
    run(model, 5000);
    for (unsigned j = 0; j < model->count; j++)
      assert_int_equal(model->links[j].holds, 0);
    free(model);
  }
}

/* Fifty requests a second beside links of 256 times the weight, which take much, or so little
 * that virtual time hardly advances: each is served in the turn in which it comes. More than
 * that is held. */
static void little_is_never_held(void **state) {
  (void)state;
  static const struct {
    unsigned others;
    uint32_t bytes;
  } rows[] = {{8, 262144}, {1000, 200}};
  for (unsigned i = 0; i < 2; i++) {
    struct model *model = new_model();
    struct model_link *light = add(model, 1, 1, 500);
    add(model, rows[i].others, 256, rows[i].bytes);
    light->every = 100; /* 20 ms */
    run(model, 20000);
    assert_int_equal(light->pieces, 200);
    assert_int_equal(light->holds, 0);
    light->every = 5;
    run(model, 20000);
    assert_int_equal(light->holds > 0, i == 1);
    free(model);
  }
}

/* A heavy link that asks for next to nothing does not slow down the others. */
static void idle_weight_does_not_count(void **state) {
  (void)state;
  struct model *model = new_model();
  struct model_link *heavy = add(model, 1, 256, 400), *others = add(model, 3, 16, 65536);
  heavy->every = 500; /* ten times a second */
  run(model, 20000);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(others[i].holds, 0);
    assert_int_equal(others[i].pieces, 20000);
  }
  free(model);
}

/* ---- an idle worker ------------------------------------------------------------------------ */

/* Once the heavy link has nothing more to do, a turn without work is followed by one with. */
static void nothing_is_held_from_an_idle_worker(void **state) {
  (void)state;
  struct model *model = new_model();
  struct model_link *light = add(model, 1, 1, 65536), *heavy = add(model, 1, 256, 65536);
  run(model, 3000);
  heavy->every = 0;
  forget(model);
  run(model, 1000);
  assert_true(light->pieces >= 300);
  assert_true(model->empty_turns <= light->pieces + 2);
  run(model, 5000); /* the heavy one is forgotten */
  forget(model);
  run(model, 1000);
  assert_int_equal(light->pieces, 1000);
  assert_int_equal(light->holds, 0);
  free(model);
}

/* A link does not save up what it did not use while it was idle. */
static void idleness_is_not_saved(void **state) {
  (void)state;
  struct model *model = new_model();
  struct model_link *late = add(model, 1, 4, 65536);
  add(model, 1, 4, 65536);
  add(model, 1, 16, 65536);
  late->every = 0;
  run(model, 20000);
  late->every = 1;
  forget(model);
  run(model, 2000);
  double share = (double)late[0].served_cost / (double)late[1].served_cost;
  assert_true(share > 0.95 && share < 1.05);
  free(model);
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* One link of the least weight beside two thousand of the greatest: it gets at least 16 KiB a
 * second, and at most the amount for which no link is held. */
static void no_link_starves(void **state) {
  (void)state;
  struct model *model = new_model();
  struct model_link *light = add(model, 1, 1, 65536);
  add(model, 2000, 256, 4000);
  for (unsigned i = 1; i <= 2000; i++)
    model->links[i].every = 100, model->links[i].offset = i;
  run(model, 5000); /* one second */
  forget(model);
  light->held_longest = 0;
  run(model, 50000); /* ten more */
  /* Less the bytes by which it was ahead before, and those for which it is not yet due. */
  const uint64_t piece = SHARE_SLACK_BYTES + SHARE_CALL_BYTES;
  assert_in_range(light->served_cost, 10 * 16384 - 2 * piece, 10 * 16384 + 40 * SHARE_BUSY_BYTES);
  assert_true(light->held_longest * model->turn_ns <= 3 * IO_SECOND);
  free(model);
}

/* Weights change while links are busy, and while they are held: the parts follow. */
static void weights_change(void **state) {
  (void)state;
  struct model *model = new_model();
  struct model_link *links = add(model, 3, 4, 65536);
  for (unsigned round = 0; round < 12; round++) {
    links[0].weight = round % 2 ? 1 : 16;
    links[1].weight = round % 3 ? 4 : 200;
    links[2].weight = 16;
    run(model, 4000);
    forget(model);
    run(model, 20000);
    double unit = (double)cost_of(links, 3);
    unit /= links[0].weight + links[1].weight + links[2].weight;
    for (unsigned i = 0; i < 3; i++) {
      double part = (double)links[i].served_cost / unit / links[i].weight;
      if (part < 0.98 || part > 1.02) fail_msg("round %u, link %u: %.3f", round, i, part);
    }
  }
  free(model);
}

/* A held link that ends leaves the calendar as if it had never been in it. */
static void held_links_end(void **state) {
  (void)state;
  struct model *model = new_model();
  struct model_link *light = add(model, 50, 1, 65536);
  add(model, 1, 256, 65536);
  run(model, 2000);
  unsigned held = 0;
  for (unsigned i = 0; i < 50; i++) {
    if (!share_is_held(&light[i].share)) continue;
    held++;
    shares_leave(&model->shares, &light[i].share, &light[i].node);
    light[i].every = 0;
  }
  assert_true(held > 25);
  unsigned left = 0;
  for (unsigned i = 0; i < 50; i++)
    left += share_is_held(&light[i].share);
  assert_int_equal(left, 0);
  assert_int_equal(model->shares.held, 0);
  assert_int_equal(model->shares.held_weight, 0);
  for (unsigned day = 0; day < SHARE_DAYS; day++)
    assert_true(list_is_empty(&model->shares.days[day]));
  run(model, 100);
  free(model);
}

/* Two busy links of the greatest weight, so that a light one can be ahead of its share, and a
 * virtual time that only the test advances. */
struct bench {
  struct shares shares;
  struct share heavy[2], light;
  struct list_node node, released;
};

static void bench_init(struct bench *bench) {
  *bench = (struct bench){.light = {0}};
  shares_init(&bench->shares);
  list_init(&bench->released);
  shares_turn(&bench->shares, IO_SECOND, &bench->released); /* the first period begins */
  for (unsigned i = 0; i < 2; i++)
    shares_charge(&bench->shares, &bench->heavy[i], SHARE_SCALE, SHARE_BUSY_BYTES);
  bench->shares.turn_cost = 0;
}

/* A turn at virtual time `now`, in which next to nothing was done. */
static void turn_at(struct bench *bench, uint64_t now) {
  bench->shares.now = now;
  bench->shares.turn_cost = 1;
  shares_turn(&bench->shares, IO_SECOND, &bench->released);
  assert_int_equal(bench->shares.now, now);
}

static bool is_released(const struct bench *bench) {
  return !list_is_empty(&bench->released);
}

/* Whether the light link is ahead after it is charged `cost`, if it was `behind` bytes behind
 * its share. */
static bool is_ahead_after(unsigned weight, uint64_t behind, uint64_t cost) {
  static struct bench bench;
  bench_init(&bench);
  shares_charge(&bench.shares, &bench.light, weight, SHARE_BUSY_BYTES);
  bench.shares.now = bench.light.due + behind * SHARE_SCALE / weight;
  shares_charge(&bench.shares, &bench.light, weight, cost - SHARE_CALL_BYTES);
  return share_is_ahead(&bench.shares, &bench.light, weight);
}

/* A late link gets what it missed, but at most SHARE_LAG_BYTES of it. */
static void lag_is_bounded(void **state) {
  (void)state;
  static const struct {
    uint64_t behind, made_up;
  } rows[] = {
      {0, 0},
      {10000, 10000},
      {SHARE_LAG_BYTES - 1, SHARE_LAG_BYTES - 1},
      {SHARE_LAG_BYTES, SHARE_LAG_BYTES},
      {SHARE_LAG_BYTES + 1, SHARE_LAG_BYTES},
      {16 * SHARE_LAG_BYTES, SHARE_LAG_BYTES},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (unsigned weight = 1; weight < SHARE_SCALE; weight *= 2) {
      assert_false(is_ahead_after(weight, rows[i].behind, rows[i].made_up + SHARE_SLACK_BYTES));
      assert_true(is_ahead_after(weight, rows[i].behind, rows[i].made_up + SHARE_SLACK_BYTES + 1));
    }
  }
}

/* A link that was charged less in a period is not counted, and so is never ahead. */
static void little_does_not_count(void **state) {
  (void)state;
  static struct bench bench;
  for (unsigned less = 0; less < 2; less++) {
    bench_init(&bench);
    shares_charge(&bench.shares, &bench.light, 1, SHARE_BUSY_BYTES - SHARE_CALL_BYTES - less);
    assert_int_equal(share_is_ahead(&bench.shares, &bench.light, 1), !less);
  }
}

/* A busy link counts for the rest of its period and for the next one. Virtual time advances in
 * each, even if no link does anything. */
static void periods_end(void **state) {
  (void)state;
  static struct bench bench;
  bench_init(&bench);
  struct shares *shares = &bench.shares;
  uint64_t now_ns = IO_SECOND, begun = shares->now;
  for (unsigned periods = 0; periods < 3; periods++) {
    assert_int_equal(shares->heaviest, periods < 2 ? SHARE_SCALE : 0);
    shares_turn(shares, now_ns + SHARE_PERIOD_NS - 1, &bench.released);
    assert_int_equal(shares->now, begun);
    shares_turn(shares, now_ns += SHARE_PERIOD_NS, &bench.released);
    assert_int_equal(shares->now, begun += SHARE_PERIOD_FLOOR);
  }
}

/* A held link is released on the day when it is due, but at the latest on the calendar's last
 * day. Then it is still ahead. */
static void days_of_the_calendar(void **state) {
  (void)state;
  static const struct {
    uint64_t due, day;
    bool ahead;
  } rows[] = {
      {5 * SHARE_DAY, 5, false},
      {6 * SHARE_DAY - 1, 5, false},
      {(SHARE_DAYS - 1) * SHARE_DAY, SHARE_DAYS - 1, false},
      {(SHARE_DAYS + 70) * SHARE_DAY, SHARE_DAYS - 1, true},
  };
  static struct bench bench;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bench_init(&bench);
    bench.shares.now = 0;
    shares_charge(&bench.shares, &bench.light, 1, SHARE_BUSY_BYTES);
    bench.light.due = rows[i].due;
    shares_hold(&bench.shares, &bench.light, 1, &bench.node);
    turn_at(&bench, rows[i].day * SHARE_DAY - 1);
    assert_false(is_released(&bench));
    turn_at(&bench, rows[i].day * SHARE_DAY);
    assert_true(is_released(&bench));
    shares_leave(&bench.shares, &bench.light, &bench.node);
    assert_int_equal(share_is_ahead(&bench.shares, &bench.light, 1), rows[i].ahead);
  }
}

/* A link that gets another weight within a period counts with that one alone. */
static void weight_changes(void **state) {
  (void)state;
  static struct shares shares;
  struct share share = {.period = 0};
  shares_init(&shares);
  shares_count(&shares, &share, 10);
  assert_int_equal(shares.weight, 10);
  shares_count(&shares, &share, 3);
  assert_int_equal(shares.weight, 3);
  assert_int_equal(shares.heaviest, 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_follow_weights),
      cmocka_unit_test(never_far_ahead),
      cmocka_unit_test(equal_weights_are_never_held),
      cmocka_unit_test(little_is_never_held),
      cmocka_unit_test(idle_weight_does_not_count),
      cmocka_unit_test(nothing_is_held_from_an_idle_worker),
      cmocka_unit_test(idleness_is_not_saved),
      cmocka_unit_test(no_link_starves),
      cmocka_unit_test(weights_change),
      cmocka_unit_test(held_links_end),
      cmocka_unit_test(lag_is_bounded),
      cmocka_unit_test(little_does_not_count),
      cmocka_unit_test(periods_end),
      cmocka_unit_test(days_of_the_calendar),
      cmocka_unit_test(weight_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
