/*
 * sched/test_share.c - no member of a share is ever further than a quantum from its part, ahead or
 * behind, whatever the weights, the lengths of frames, and the members that come and go. Every
 * failure prints the seed that replays it.
 */
#include "engine/sched/sched.h"
#include "tests/support/cmocka.h"
#include "tests/support/long.h"
#include "tests/support/random.h"

#include <stdlib.h>

/* ---- always the same members ----------------------------------------------------------------- */

/* The quantum in bytes, for sums that may be negative. */
#define QUANTUM ((int64_t)SCHED_QUANTUM_BYTES)

enum { MEMBERS_MAX = 10000 };

struct flow {
  struct sched_node node;
  int64_t sent_bytes;
  /* Of members that come and go: */
  bool in;
  unsigned place; /* among the fluid's members */
  double level;   /* bytes sent over weight: where it would be neither ahead nor behind */
};

struct deviation {
  double ahead, behind; /* quanta, the worst of any member at any time */
};

static void deviate(struct deviation *worst, double ahead_quanta) {
  if (ahead_quanta > worst->ahead) worst->ahead = ahead_quanta;
  if (-ahead_quanta > worst->behind) worst->behind = -ahead_quanta;
}

/* In bytes times the sum of all weights, so that nothing is rounded. A member falls behind as long
 * as it does not send, so it is farthest back just before it does, or in the end. */
static void check_exactly(struct deviation *worst, const struct flow *flow, int64_t total_bytes,
                          int64_t weight_sum, unsigned seed) {
  int64_t ahead = flow->sent_bytes * weight_sum - total_bytes * flow->node.weight_16ths;
  deviate(worst, (double)ahead / (double)(QUANTUM * weight_sum));
  if (ahead > QUANTUM * weight_sum || -ahead > QUANTUM * weight_sum)
    fail_msg("seed %u: %f quanta ahead", seed, (double)ahead / (double)(QUANTUM * weight_sum));
}

/* `count` members with something to send at all times; weights in sixteenths. `sizes`: frames are
 * of any length up to a quantum; NULL: all of them are whole quanta. */
static void check_share(const uint16_t *weights_16ths, unsigned count, unsigned steps,
                        struct random *sizes, unsigned seed, struct deviation *worst) {
  struct sched_share share = {0};
  struct flow *flows = calloc(count, sizeof *flows);
  int64_t weight_sum = 0, total_bytes = 0;
  for (unsigned i = 0; i < count; i++) {
    flows[i].node.weight_16ths = weights_16ths[i];
    weight_sum += weights_16ths[i];
    sched_share_add(&share, &flows[i].node);
  }
  for (unsigned step = 0; step < steps; step++) {
    struct flow *flow = (struct flow *)sched_share_pick(&share);
    size_t bytes = sizes ? 1 + random_below(sizes, SCHED_QUANTUM_BYTES) : SCHED_QUANTUM_BYTES;
    check_exactly(worst, flow, total_bytes, weight_sum, seed);
    sched_share_charge(&share, &flow->node, bytes);
    flow->sent_bytes += (int64_t)bytes;
    total_bytes += (int64_t)bytes;
    check_exactly(worst, flow, total_bytes, weight_sum, seed);
  }
  for (unsigned i = 0; i < count; i++)
    check_exactly(worst, &flows[i], total_bytes, weight_sum, seed);
  free(flows);
}

/* Weights of one kind a seed: 1 .. 256, sixteenths of that, powers of two, a few different ones,
 * very light and very heavy ones. */
static uint16_t draw_weight(struct random *random, unsigned kind) {
  static const uint16_t few[] = {16, 48, 112, 352}, extremes[] = {1, 15, 16, 4095, 4096};
  switch (kind % 5) {
  case 0: return (uint16_t)((1 + random_below(random, 256)) * SCHED_WEIGHT_UNIT);
  case 1: return (uint16_t)(1 + random_below(random, SCHED_WEIGHT_16THS_MAX));
  case 2: return (uint16_t)(1u << random_below(random, 13));
  case 3: return few[random_below(random, 4)];
  default: return extremes[random_below(random, 5)];
  }
}

static unsigned draw_count(struct random *random, unsigned seed) {
  static const unsigned most[] = {2, 3, 10, 30, 30, 100, 300, 1000, 3000, MEMBERS_MAX};
  unsigned below = most[seed % 10];
  return below == MEMBERS_MAX ? below : 2 + random_below(random, below - 1);
}

static void within_one_quantum_of_the_ideal(void **state) {
  (void)state;
  static uint16_t weights_16ths[MEMBERS_MAX];
  struct deviation worst = {0, 0};
  const unsigned seeds =
      test_is_long() ? 400 : 200; /* each kind of weights and of counts, four times */
  for (unsigned seed = 0; seed < seeds; seed++) {
    struct random random = {seed};
    unsigned count = draw_count(&random, seed);
    for (unsigned i = 0; i < count; i++)
      weights_16ths[i] = draw_weight(&random, seed / 10);
    check_share(weights_16ths, count, 5000 + 3 * count, seed % 2 ? &random : NULL, seed, &worst);
  }
  print_message("worst: %f quanta ahead, %f behind\n", worst.ahead, worst.behind);
}

/* One of weight 256 among 256 of weight 1: it neither waits for them nor runs away. */
static void one_giant_among_dwarfs(void **state) {
  (void)state;
  uint16_t weights_16ths[257];
  struct deviation worst = {0, 0};
  for (unsigned i = 0; i < 257; i++)
    weights_16ths[i] = i ? SCHED_WEIGHT_UNIT : SCHED_WEIGHT_16THS_MAX;
  check_share(weights_16ths, 257, 10000, NULL, 0, &worst);
}

/* 4.9 GB with weights that divide nothing evenly: a twentieth of a byte lost by each send would be
 * seen; at length 49 GB, and a two-hundredth. */
static void rounding_does_not_add_up(void **state) {
  (void)state;
  static const uint16_t weights_16ths[] = {3, 7, 11, 48, 112, 4095};
  struct deviation worst = {0, 0};
  struct random random = {48};
  const unsigned sends = test_is_long() ? 3000000 : 300000;
  check_share(weights_16ths, 6, sends, NULL, 0, &worst);
  check_share(weights_16ths, 6, sends, &random, 1, &worst);
}

/* ---- members that come and go ---------------------------------------------------------------- */

/* The ideal that sched/share.h defines, by brute force: a fluid. Its level rises by the bytes sent
 * over the sum of all weights, jumps to the lowest member when all are above it, and waits for the
 * first that would finish. Jumps and waits may only make up for what members that left had taken
 * less, or more, than their part. While no member leaves, the level is exactly the bytes sent over
 * the sum of weights at that time. */
struct fluid {
  struct sched_share share;
  struct flow flows[MEMBERS_MAX];
  unsigned count; /* that may be in */
  struct flow *members[MEMBERS_MAX];
  unsigned member_count; /* that are */
  double level, weight_sum;
  double jumped, left;  /* quanta: given to all; not taken by those that left */
  double waited, taken; /* quanta: withheld from all; taken too much by those that left */
  struct deviation worst;
};

/* Levels are quanta over weights in sixteenths. */
static double ahead_of(const struct fluid *fluid, const struct flow *flow) {
  return (flow->level - fluid->level) * flow->node.weight_16ths;
}

static void come(struct fluid *fluid, struct flow *flow) {
  flow->in = true;
  flow->place = fluid->member_count;
  fluid->members[fluid->member_count++] = flow;
  if (flow->level < fluid->level) flow->level = fluid->level;
  fluid->taken -= ahead_of(fluid, flow); /* comes back with it */
  fluid->weight_sum += flow->node.weight_16ths;
  sched_share_add(&fluid->share, &flow->node);
}

static void go(struct fluid *fluid, struct flow *flow) {
  double ahead = ahead_of(fluid, flow);
  flow->in = false;
  struct flow *last = fluid->members[--fluid->member_count];
  fluid->members[last->place = flow->place] = last;
  fluid->weight_sum -= flow->node.weight_16ths;
  if (ahead > 0)
    fluid->taken += ahead;
  else
    fluid->left -= ahead;
  sched_share_remove(&fluid->share, &flow->node);
}

/* To the lowest member, when all are above it. */
static void jump(struct fluid *fluid) {
  double lowest = -1;
  for (unsigned i = 0; i < fluid->member_count; i++) {
    double level = fluid->members[i]->level;
    if (lowest < 0 || level < lowest) lowest = level;
  }
  if (lowest <= fluid->level) return;
  fluid->jumped += (lowest - fluid->level) * fluid->weight_sum;
  fluid->level = lowest;
}

/* For the first that would finish. */
static void wait_for_all(struct fluid *fluid) {
  double first = -1;
  for (unsigned i = 0; i < fluid->member_count; i++) {
    const struct flow *flow = fluid->members[i];
    double finish = flow->level + 1.0 / flow->node.weight_16ths;
    if (first < 0 || finish < first) first = finish;
  }
  if (first >= fluid->level) return;
  fluid->waited += (fluid->level - first) * fluid->weight_sum;
  fluid->level = first;
}

/* Fixed point is exact to a millionth of a quantum, a sixtieth of a byte. */
#define ROUNDING 1e-6

static void send(struct fluid *fluid, size_t bytes, unsigned seed) {
  struct flow *flow = (struct flow *)sched_share_pick(&fluid->share);
  double quanta = (double)bytes / SCHED_QUANTUM_BYTES;
  if (!flow) return;
  assert_true(flow->in);
  jump(fluid);
  sched_share_charge(&fluid->share, &flow->node, bytes);
  flow->level += quanta / flow->node.weight_16ths;
  fluid->level += quanta / fluid->weight_sum;
  wait_for_all(fluid);
  for (unsigned i = 0; i < fluid->member_count; i++) {
    double ahead = ahead_of(fluid, fluid->members[i]);
    deviate(&fluid->worst, ahead);
    if (ahead > 1 + ROUNDING || ahead < -1 - ROUNDING)
      fail_msg("seed %u: %u is %f quanta ahead", seed, i, ahead);
  }
}

/* Which one leaves: any, or of eight the one most ahead, or the one most behind. */
static struct flow *draw_leaver(struct fluid *fluid, struct random *random, unsigned kind) {
  struct flow *chosen = NULL;
  unsigned tries = kind % 3 ? 8 : 1;
  for (unsigned i = 0; i < tries; i++) {
    struct flow *flow = &fluid->flows[random_below(random, fluid->count)];
    if (!flow->in) continue;
    double ahead = ahead_of(fluid, flow);
    if (!chosen ||
        (kind % 3 == 1 ? ahead > ahead_of(fluid, chosen) : ahead < ahead_of(fluid, chosen)))
      chosen = flow;
  }
  return chosen;
}

static void churn(struct fluid *fluid, unsigned seed, unsigned steps) {
  struct random random = {seed};
  unsigned leaving = seed % 4 ? 1 + random_below(&random, 60) : 0,
           coming = 1 + random_below(&random, 60);
  fluid->count = draw_count(&random, seed);
  for (unsigned i = 0; i < fluid->count / 2; i++) {
    fluid->flows[i].node.weight_16ths = draw_weight(&random, seed / 10);
    come(fluid, &fluid->flows[i]);
  }
  for (unsigned step = 0; step < steps; step++) {
    struct flow *flow = &fluid->flows[random_below(&random, fluid->count)];
    if (random_below(&random, 100) < coming && !flow->in) {
      bool back = flow->node.weight_16ths && random_below(&random, 2);
      if (!back) *flow = (struct flow){.node.weight_16ths = draw_weight(&random, seed / 10)};
      come(fluid, flow);
    }
    if (random_below(&random, 100) < leaving && (flow = draw_leaver(fluid, &random, seed)))
      go(fluid, flow);
    send(fluid, seed % 2 ? 1 + random_below(&random, SCHED_QUANTUM_BYTES) : SCHED_QUANTUM_BYTES,
         seed);
  }
}

static void comings_and_goings(void **state) {
  (void)state;
  struct deviation worst = {0, 0};
  for (unsigned seed = 0; seed < 300; seed++) {
    struct fluid *fluid = calloc(1, sizeof *fluid);
    unsigned steps_of_many = test_is_long() || seed % 10 < 9 ? 500 : 100; /* each looks at all */
    unsigned steps = seed % 10 < 7 ? 4000 : steps_of_many;
    churn(fluid, seed, steps);
    deviate(&worst, fluid->worst.ahead);
    deviate(&worst, -fluid->worst.behind);
    if (fluid->jumped > fluid->left + steps * ROUNDING ||
        fluid->waited > fluid->taken + steps * ROUNDING)
      fail_msg("seed %u: %f jumped, %f left; %f waited, %f taken", seed, fluid->jumped, fluid->left,
               fluid->waited, fluid->taken);
    free(fluid);
  }
  print_message("worst: %f quanta ahead, %f behind\n", worst.ahead, worst.behind);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(within_one_quantum_of_the_ideal),
      cmocka_unit_test(one_giant_among_dwarfs),
      cmocka_unit_test(rounding_does_not_add_up),
      cmocka_unit_test(comings_and_goings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
