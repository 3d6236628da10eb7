/*
 * sched/test_model.c - a slow and simple model agrees with the scheduler over random operations.
 * Every failure prints the seed that replays it.
 */
#include "tests/support/cmocka.h"
#include "tests/support/random.h"
#include "tests/support/world.h"

#include <stdlib.h>

/* ---- a slow model ---------------------------------------------------------------------------- */

/* The rules of sched/sched.h and sched/tree.h by brute force: arrays, scans, no shares and no
 * clocks. It says how the tree looks, and which nodes may be next. */
enum { MODEL_IDS_MAX = 400 };

enum model_kind { MODEL_ABSENT, MODEL_IDLE, MODEL_OPEN, MODEL_CLOSED };

struct model_node {
  enum model_kind kind;
  bool in_tree, ready, extensible, incremental;
  int parent; /* -1: none */
  unsigned weight_16ths, urgency;
  uint64_t closed_at; /* order of closing */
  uint32_t head_bytes, head_rest_bytes;
  unsigned head_urgency;
};

struct model {
  int count, opened_max; /* identifiers, as indices */
  int slots; /* twice `count`: behind the streams, placeholders of open streams that have
                left the tree */
  bool tree_used, extensible_seen;
  uint64_t closings;
  struct model_node at[2 * MODEL_IDS_MAX];
  struct {
    bool known;
    unsigned urgency;
    bool incremental;
  } updates[MODEL_IDS_MAX];
};

static unsigned members_of(const struct model *model, int parent) {
  unsigned count = 0;
  for (int i = 0; i < model->slots; i++)
    count += model->at[i].in_tree && model->at[i].parent == parent;
  return count;
}

static unsigned shares_of(const struct model *model) {
  bool has_members[2 * MODEL_IDS_MAX + 1] = {false};
  unsigned count = 0;
  for (int i = 0; i < model->slots; i++)
    if (model->at[i].in_tree) has_members[model->at[i].parent + 1] = true;
  for (int i = 0; i <= model->slots; i++)
    count += has_members[i];
  return count;
}

static unsigned placeholders_of(const struct model *model) {
  unsigned count = 0;
  for (int i = 0; i < model->slots; i++)
    count += model->at[i].kind == MODEL_IDLE || model->at[i].kind == MODEL_CLOSED;
  return count;
}

static void model_drop(struct model *model, int node) {
  int parent = model->at[node].parent;
  unsigned sum = 0;
  for (int i = 0; i < model->slots; i++)
    if (model->at[i].in_tree && model->at[i].parent == node) sum += model->at[i].weight_16ths;
  for (int i = 0; i < model->slots; i++) {
    struct model_node *member = &model->at[i];
    if (!member->in_tree || member->parent != node) continue;
    member->parent = parent;
    member->weight_16ths = (member->weight_16ths * model->at[node].weight_16ths + sum / 2) / sum;
    if (member->weight_16ths == 0) member->weight_16ths = 1;
  }
  model->at[node].in_tree = false;
  if (model->at[node].kind != MODEL_OPEN) model->at[node].kind = MODEL_ABSENT;
}

static bool model_drop_closed(struct model *model, bool parent) {
  uint64_t after = 0;
  for (unsigned look = 0; look < SCHED_DROP_LOOKS_MAX; look++) {
    int oldest = -1;
    for (int i = 0; i < model->slots; i++)
      if (model->at[i].kind == MODEL_CLOSED && model->at[i].closed_at > after &&
          (oldest < 0 || model->at[i].closed_at < model->at[oldest].closed_at))
        oldest = i;
    if (oldest < 0) return false;
    unsigned below = members_of(model, oldest);
    if (below ? below <= SCHED_DROP_DEPENDANTS_MAX : !parent) {
      model_drop(model, oldest);
      return true;
    }
    after = model->at[oldest].closed_at;
  }
  return false;
}

static void model_make_room(struct model *model) {
  while (placeholders_of(model) + 2 > SCHED_PLACEHOLDERS_MAX && model_drop_closed(model, false)) {
  }
  while (shares_of(model) + 2 > SCHED_SHARES_MAX && model_drop_closed(model, true)) {
  }
}

/* The node is not in the tree. */
static void model_attach(struct model *model, int node, int parent, bool exclusive) {
  bool full = shares_of(model) >= SCHED_SHARES_MAX;
  if (members_of(model, parent) == 0) {
    if (full) parent = model->at[parent].parent;
  } else if (exclusive && (members_of(model, node) > 0 || !full)) {
    for (int i = 0; i < model->slots; i++)
      if (model->at[i].in_tree && model->at[i].parent == parent) model->at[i].parent = node;
  }
  model->at[node].in_tree = true;
  model->at[node].parent = parent;
}

/* -2: there is no room for one. */
static int model_resolve(struct model *model, int id) {
  struct model_node *node = &model->at[id];
  if (node->kind == MODEL_OPEN) return node->in_tree ? id : -2;
  if (node->kind != MODEL_ABSENT) return id;
  if (id <= model->opened_max || placeholders_of(model) >= SCHED_PLACEHOLDERS_MAX) return -2;
  *node = (struct model_node){.kind = MODEL_IDLE, .weight_16ths = 16 * 16};
  model_attach(model, id, -1, false);
  return id;
}

static void model_use_tree(struct model *model) {
  if (model->tree_used) return;
  model->tree_used = true;
  for (int i = 0; i < model->count; i++)
    if (model->at[i].kind == MODEL_OPEN && !model->at[i].extensible)
      model_attach(model, i, -1, false);
}

static void model_depend(struct model *model, int id, int parent, unsigned weight, bool exclusive) {
  struct model_node *node = &model->at[id];
  if (parent == id || model->extensible_seen) return; /* no exclusive PRIORITY is drawn then */
  bool loose = node->kind == MODEL_OPEN && !node->in_tree && !node->extensible;
  if (loose && !model->tree_used && parent < 0 && !exclusive) {
    node->weight_16ths = weight * 16;
    return;
  }
  model_use_tree(model);
  model_make_room(model);
  if (model_resolve(model, id) < 0) return;
  if (parent >= 0) {
    parent = model_resolve(model, parent);
    if (parent == -2) {
      parent = -1;
      weight = 16;
      exclusive = false;
    }
  }
  int above = parent;
  while (above >= 0 && above != id)
    above = model->at[above].parent;
  if (above == id) model->at[parent].parent = node->parent;
  node->in_tree = false;
  node->weight_16ths = weight * 16;
  model_attach(model, id, parent, exclusive);
}

/* A placeholder of a stream that is open and not in the tree. */
static void model_leave_behind(struct model *model, int id, struct model_node kept) {
  model->at[model->count + id] = kept;
  for (int i = 0; i < model->slots; i++)
    if (model->at[i].in_tree && model->at[i].parent == id) model->at[i].parent += model->count;
}

static void model_open(struct model *model, int id) {
  struct model_node *node = &model->at[id];
  struct model_node before = *node;
  *node = (struct model_node){
      .kind = MODEL_OPEN, .weight_16ths = 16 * 16, .urgency = 3, .incremental = true};
  bool updated = model->updates[id].known;
  if (updated) {
    model->extensible_seen = node->extensible = true;
    node->urgency = model->updates[id].urgency;
    node->incremental = model->updates[id].incremental;
  } else if (model->extensible_seen) {
    node->extensible = true;
    node->incremental = false;
  } else if (model->tree_used) {
    *node = before;
    model_make_room(model); /* may drop the node that `before` was */
    bool kept = node->kind != MODEL_ABSENT;
    node->kind = MODEL_OPEN;
    node->urgency = 3;
    node->incremental = true;
    if (!kept) {
      node->weight_16ths = 16 * 16;
      model_attach(model, id, -1, false);
    }
  }
  if (node->extensible && before.in_tree) model_leave_behind(model, id, before);
  if (id > model->opened_max) model->opened_max = id;
  for (int i = 0; i <= id; i++)
    model->updates[i].known = false;
}

/* A placeholder keeps the place in the tree if there is room. */
static void model_leave(struct model *model, int id, struct model_node *kept) {
  *kept = (struct model_node){.kind = MODEL_ABSENT};
  if (!model->at[id].in_tree) return;
  model_make_room(model);
  if (placeholders_of(model) >= SCHED_PLACEHOLDERS_MAX) {
    model_drop(model, id);
    return;
  }
  *kept = model->at[id];
  kept->kind = MODEL_CLOSED;
  kept->ready = false;
  kept->head_bytes = kept->head_rest_bytes = 0;
  kept->closed_at = ++model->closings;
}

static void model_close(struct model *model, int id) {
  struct model_node kept;
  model_leave(model, id, &kept);
  model->at[id] = kept;
}

static void model_set_extensible(struct model *model, int id, unsigned urgency, bool incremental) {
  struct model_node *node = &model->at[id];
  struct model_node kept;
  model_leave(model, id, &kept);
  if (kept.in_tree) model_leave_behind(model, id, kept);
  node->in_tree = false;
  model->extensible_seen = true;
  node->extensible = true;
  node->urgency = urgency;
  node->incremental = incremental;
}

/* The level of the node's head start, or 8 for none. */
static unsigned model_head_level(const struct model_node *node) {
  if (node->head_bytes == 0 && node->head_rest_bytes == 0) return 8;
  if (node->in_tree) return SCHED_TREE_URGENCY;
  return node->head_urgency < node->urgency ? node->head_urgency : 8;
}

static unsigned model_level(const struct model_node *node) {
  return node->in_tree ? SCHED_TREE_URGENCY : node->urgency;
}

static bool in_sequence(const struct model_node *node) {
  return !node->in_tree && !node->incremental;
}

/* Whether the node may be the next; it is ready. */
static bool model_may_send(const struct model *model, int id) {
  const struct model_node *node = &model->at[id];
  unsigned first = 8;
  bool first_in_sequence = true, heads = false;
  for (int i = 0; i < model->slots; i++) {
    const struct model_node *other = &model->at[i];
    if (!other->ready) continue;
    unsigned head_level = model_head_level(other), level = model_level(other);
    first = head_level < first ? head_level : first;
    first = level < first ? level : first;
    heads |= other->head_bytes > 0 && head_level == model_head_level(node);
    if (i >= id) continue;
    if (in_sequence(other) && level == model_level(node)) first_in_sequence = false;
  }
  bool head = model_head_level(node) == first && first < 8;
  if (head && (node->head_bytes > 0 || !heads)) return true;
  if (model_level(node) != first) return false;
  if (!node->in_tree) return node->incremental || first_in_sequence;
  for (int above = node->parent; above >= 0; above = model->at[above].parent)
    if (model->at[above].ready && model->at[above].in_tree) return false;
  return true;
}

/* ---- both, step by step ---------------------------------------------------------------------- */

struct duel {
  unsigned seed, step;
  struct random random;
  struct world *world;
  struct model model;
};

static void compare(struct duel *duel) {
  for (int i = 0; i < duel->model.count; i++) {
    const struct model_node *expected = &duel->model.at[i];
    if (expected->kind == MODEL_ABSENT) expected = &duel->model.at[duel->model.count + i];
    const struct sched_node *node = world_tree_node(duel->world, (uint32_t)i * 2 + 1);
    if ((node != NULL) != expected->in_tree)
      fail_msg("seed %u step %u: node %d in tree: %d", duel->seed, duel->step, i, node != NULL);
    if (!node) continue;
    int parent = world_parent(node) ? (int)(world_parent(node) / 2) : -1;
    int wanted = expected->parent < 0 ? -1 : expected->parent % duel->model.count;
    if (parent != wanted || node->weight_16ths != expected->weight_16ths)
      fail_msg("seed %u step %u: node %d below %d weight %u, not %d and %u", duel->seed, duel->step,
               i, parent, node->weight_16ths, wanted, expected->weight_16ths);
  }
  assert_int_equal(placeholders_of(&duel->model), duel->world->sched.tree.placeholder_count);
  assert_int_equal(shares_of(&duel->model), duel->world->sched.tree.share_count);
}

static int draw_kind(struct duel *duel, enum model_kind kind) {
  int start = (int)random_below(&duel->random, (uint32_t)duel->model.count);
  for (int k = 0; k < duel->model.count; k++) {
    int i = (start + k) % duel->model.count;
    if (duel->model.at[i].kind == kind) return i;
  }
  return -1;
}

/* HEADERS: the next identifier, sometimes one further on; a third have a dependency. */
static void do_open(struct duel *duel) {
  struct model *model = &duel->model;
  int id = model->opened_max + 1 +
           (random_below(&duel->random, 4) == 0 ? (int)random_below(&duel->random, 3) : 0);
  if (id >= model->count) return;
  struct sched_priority priority = SCHED_PRIORITY_DEFAULT;
  model_open(model, id);
  if (random_below(&duel->random, 3) == 0) {
    int parent = (int)random_below(&duel->random, (uint32_t)id + 2) - 1;
    priority.given = SCHED_GIVEN_DEPENDENCY;
    priority.parent_id = parent < 0 ? 0 : (uint32_t)parent * 2 + 1;
    priority.weight = (uint16_t)(1 + random_below(&duel->random, 256));
    priority.exclusive = random_below(&duel->random, 2);
    (void)world_open_id(duel->world, (uint32_t)id * 2 + 1, priority);
    if (!model->extensible_seen)
      model_depend(model, id, parent, priority.weight, priority.exclusive);
  } else {
    (void)world_open_id(duel->world, (uint32_t)id * 2 + 1, priority);
  }
}

static void do_close(struct duel *duel) {
  int id = draw_kind(duel, MODEL_OPEN);
  if (id < 0) return;
  model_close(&duel->model, id);
  world_close(duel->world, (uint32_t)id * 2 + 1);
}

/* PRIORITY for any stream, idle, open or closed; after an RFC 9218 signal never exclusive, which
 * would then mean something else. */
static void do_depend(struct duel *duel) {
  struct model *model = &duel->model;
  int near = model->opened_max + 20 < model->count ? model->opened_max + 20 : model->count;
  int id = (int)random_below(&duel->random, (uint32_t)near);
  int parent = (int)random_below(&duel->random, (uint32_t)near + 1) - 1;
  unsigned weight = 1 + random_below(&duel->random, 256);
  bool exclusive = random_below(&duel->random, 3) == 0 && !model->extensible_seen;
  model_depend(model, id, parent, weight, exclusive);
  (void)world_depend_id(duel->world, (uint32_t)id * 2 + 1,
                        parent < 0 ? 0 : (uint32_t)parent * 2 + 1, (uint16_t)weight, exclusive);
}

/* PRIORITY_UPDATE for an open stream, or one that is to come. */
static void do_update(struct duel *duel) {
  struct model *model = &duel->model;
  int id = random_below(&duel->random, 2) ? draw_kind(duel, MODEL_OPEN) : model->opened_max + 1;
  if (id < 0 || id >= model->count) return;
  struct priority_field field = {.urgency = (uint8_t)random_below(&duel->random, 8),
                                 .incremental = random_below(&duel->random, 2)};
  assert_int_equal(sched_update(&duel->world->sched, (uint32_t)id * 2 + 1, &field), SCHED_DONE);
  if (model->at[id].kind != MODEL_OPEN) {
    model->updates[id].known = true;
    model->updates[id].urgency = field.urgency;
    model->updates[id].incremental = field.incremental;
    return;
  }
  model_set_extensible(model, id, field.urgency, field.incremental);
}

static void do_head_start(struct duel *duel) {
  int id = draw_kind(duel, MODEL_OPEN);
  if (id < 0) return;
  struct model_node *node = &duel->model.at[id];
  if (random_below(&duel->random, 3) == 0) {
    node->head_rest_bytes = random_below(&duel->random, 3) ? random_below(&duel->random, 40000) : 0;
    sched_extend_head_start(&duel->world->sched, &duel->world->streams[id].node,
                            node->head_rest_bytes);
    return;
  }
  node->head_bytes = 1 + random_below(&duel->random, 40000);
  node->head_rest_bytes = 0;
  node->head_urgency = random_below(&duel->random, 8);
  sched_set_head_start(&duel->world->sched, &duel->world->streams[id].node, node->head_bytes,
                       (uint8_t)node->head_urgency);
}

static void do_ready(struct duel *duel) {
  int id = draw_kind(duel, MODEL_OPEN);
  if (id < 0) return;
  struct model_node *node = &duel->model.at[id];
  node->ready = random_below(&duel->random, 4) != 0;
  if (node->ready)
    sched_ready(&duel->world->sched, &duel->world->streams[id].node);
  else
    sched_idle(&duel->world->sched, &duel->world->streams[id].node);
}

static void do_send(struct duel *duel) {
  size_t quantum = 0;
  struct sched_node *node = sched_next(&duel->world->sched, &quantum);
  unsigned ready = 0;
  for (int i = 0; i < duel->model.count; i++)
    ready += duel->model.at[i].ready;
  assert_int_equal(duel->world->sched.ready_count, ready);
  if (!node) {
    assert_int_equal(ready, 0);
    return;
  }
  int id = (int)(node->id / 2);
  struct model_node *expected = &duel->model.at[id];
  if (!expected->ready || !model_may_send(&duel->model, id))
    fail_msg("seed %u step %u: stream %d may not be next", duel->seed, duel->step, id);
  if (ready > 1) assert_in_range(quantum, 1, SCHED_QUANTUM_BYTES);
  size_t bytes = 1 + random_below(&duel->random, (uint32_t)quantum);
  uint32_t head = bytes < expected->head_bytes ? (uint32_t)bytes : expected->head_bytes;
  uint32_t rest = (uint32_t)bytes - head;
  expected->head_bytes -= head;
  expected->head_rest_bytes -= rest < expected->head_rest_bytes ? rest : expected->head_rest_bytes;
  if (random_below(&duel->random, 4) == 0) { /* it went idle while asked for its bytes */
    expected->ready = false;
    sched_idle(&duel->world->sched, node);
  }
  sched_sent(&duel->world->sched, node, bytes);
}

/* `extensible`: whether RFC 9218 signals are drawn, in the last third. */
static void duel_run(unsigned seed, int ids, unsigned steps, bool extensible) {
  struct duel *duel = calloc(1, sizeof *duel);
  duel->seed = seed;
  duel->random.state = seed;
  duel->world = world_make();
  duel->model.count = ids;
  duel->model.slots = 2 * ids;
  duel->model.opened_max = -1;
  unsigned openness = 4 + random_below(&duel->random, 12);
  for (duel->step = 0; duel->step < steps; duel->step++) {
    unsigned dice = random_below(&duel->random, 100);
    bool late = extensible && duel->step > steps * 2 / 3;
    duel->world->sched.churn_left = SCHED_CHURN_BURST;
    if (dice < openness)
      do_open(duel);
    else if (dice < 20)
      do_close(duel);
    else if (dice < 45)
      do_depend(duel);
    else if (dice < 50 && late)
      do_update(duel);
    else if (dice < 55)
      do_head_start(duel);
    else if (dice < 75)
      do_ready(duel);
    else
      do_send(duel);
    compare(duel);
    if (duel->step % 16 == 0 && duel->world->sched.tree.root) world_check_tree(duel->world);
  }
  world_end(duel->world);
  free(duel);
}

static void a_slow_model_agrees(void **state) {
  (void)state;
  for (unsigned seed = 0; seed < 60; seed++)
    duel_run(seed, 50, 1200, seed % 2);
}

/* Enough identifiers to reach every bound. */
static void a_slow_model_agrees_at_the_bounds(void **state) {
  (void)state;
  for (unsigned seed = 1000; seed < 1008; seed++)
    duel_run(seed, MODEL_IDS_MAX, 4000, seed % 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slow_model_agrees),
      cmocka_unit_test(a_slow_model_agrees_at_the_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
