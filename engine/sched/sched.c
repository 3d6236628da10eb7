/*
 * sched/sched.c - from signals to a place, and from places to the next sender; see sched/sched.h.
 *
 * A stream that is not ready has no place, except the one in the tree. A signal changes the fields
 * of its stream, which is then queued again if it is ready. queue_of() says where.
 */
#include "engine/sched/sched.h"

#include "engine/sched/order.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
/* `node` is open, or NULL. The heads check their own queue. */
static void invariants(const struct sched *sched, const struct sched_node *node) {
  for (unsigned level = 0; level < SCHED_LEVEL_COUNT; level++) {
    unsigned queues = sched->urgency.queues[level];
    bool tree = level == SCHED_TREE_URGENCY && sched_tree_active(&sched->tree);
    assert((queues >> SCHED_QUEUE_SEQUENCE & 1) == (sched->sequence[level] != NULL));
    assert((queues >> SCHED_QUEUE_SHARED & 1) == sched_share_busy(&sched->shared[level]));
    assert((queues >> SCHED_QUEUE_TREE & 1) == tree);
  }
  assert(sched->ready_count <= sched->open_count);
  assert(sched->critical_count <= sched->ready_count);
  assert((sched->ready_count == 0) == (sched->urgency.levels == 0));
  assert(!sched->loose || !sched->tree_used);
  if (!node) return;
  assert(node->ready == (node->queue != SCHED_QUEUE_NONE));
  assert(node->ready || !node->in_heads);
  assert(!node->ready || sched_node_in_tree(node) == (node->queue == SCHED_QUEUE_TREE));
  assert(!node->loose || !sched_node_in_tree(node));
  assert(sched_node_in_tree(node) || !(node->dependants || node->active));
  assert(node->signal != SCHED_SIGNAL_EXTENSIBLE || !(node->loose || sched_node_in_tree(node)));
}
#else
static void invariants(const struct sched *sched, const struct sched_node *node) {
  (void)sched, (void)node;
}
#endif

/* ---- queues ---------------------------------------------------------------------------------- */

/* The urgency of a stream without a head start. */
static unsigned level_of(const struct sched_node *node) {
  return sched_node_in_tree(node) ? SCHED_TREE_URGENCY : node->urgency;
}

/* The queue of a ready node, head starts aside. */
static enum sched_queue queue_of(const struct sched_node *node) {
  if (sched_node_in_tree(node)) return SCHED_QUEUE_TREE;
  return node->incremental ? SCHED_QUEUE_SHARED : SCHED_QUEUE_SEQUENCE;
}

/* Tells sched_urgency whether a stream of the tree has something to send. That changes with streams that
 * become ready or idle, and not with the shape of the tree. */
static void note_tree(struct sched *sched) {
  if (sched_tree_active(&sched->tree))
    sched_urgency_on(&sched->urgency, SCHED_TREE_URGENCY, SCHED_QUEUE_TREE);
  else
    sched_urgency_off(&sched->urgency, SCHED_TREE_URGENCY, SCHED_QUEUE_TREE);
}

static void sequence_add(struct sched_node **first, struct sched_node *node) {
  node->start = node->finish = node->id;
  sched_order_add(first, node);
}

static void sequence_remove(struct sched_node **first, struct sched_node *node) {
  sched_order_remove(first, node);
  node->start = 0; /* it has sent nothing in any share */
}

static void enqueue(struct sched *sched, struct sched_node *node) {
  enum sched_queue queue = queue_of(node);
  node->queue = (uint8_t)queue;
  node->level = (uint8_t)level_of(node);
  sched_heads_add(&sched->heads, &sched->urgency, node);
  if (queue == SCHED_QUEUE_TREE) {
    sched_tree_settle(node);
    note_tree(sched);
    return;
  }
  if (queue == SCHED_QUEUE_SHARED)
    sched_share_add(&sched->shared[node->level], node);
  else
    sequence_add(&sched->sequence[node->level], node);
  sched_urgency_on(&sched->urgency, node->level, queue);
}

static void dequeue(struct sched *sched, struct sched_node *node) {
  enum sched_queue queue = (enum sched_queue)node->queue;
  unsigned level = node->level;
  if (queue == SCHED_QUEUE_NONE) return;
  sched_heads_remove(&sched->heads, &sched->urgency, node);
  node->queue = SCHED_QUEUE_NONE;
  if (queue == SCHED_QUEUE_TREE) {
    sched_tree_settle(node);
    note_tree(sched);
    return;
  }
  bool empty;
  if (queue == SCHED_QUEUE_SHARED) {
    sched_share_remove(&sched->shared[level], node);
    empty = !sched_share_busy(&sched->shared[level]);
  } else {
    sequence_remove(&sched->sequence[level], node);
    empty = !sched->sequence[level];
  }
  if (empty) sched_urgency_off(&sched->urgency, level, queue);
}

/* The node's signals, or its place in the tree, have changed since dequeue(). */
static void requeue(struct sched *sched, struct sched_node *node) {
  if (node->ready) enqueue(sched, node);
}

/* ---- the tree and the streams that wait for it ----------------------------------------------- */

static void loose_add(struct sched *sched, struct sched_node *node) {
  node->loose = true;
  sched_node_link(&sched->loose, node);
}

static void loose_remove(struct sched *sched, struct sched_node *node) {
  if (!node->loose) return;
  sched_node_unlink(&sched->loose, node);
  node->loose = false;
}

/* The first use of a dependency: all streams without an RFC 9218 signal move into the tree. Later ones open
 * there, so that none is loose any more. */
static void use_tree(struct sched *sched) {
  sched->tree_used = true;
  while (sched->loose) {
    struct sched_node *node = sched->loose;
    loose_remove(sched, node);
    dequeue(sched, node);
    sched_tree_open(&sched->tree, node);
    requeue(sched, node);
  }
}

static bool is_weight_only(const struct sched_dependency *dependency) {
  return dependency->parent_id == 0 && !dependency->exclusive;
}

/* The place of a stream without a signal, under rules 3 to 5. */
static void place_unsaid(struct sched *sched, struct sched_node *node) {
  if (!sched->tree_used) {
    loose_add(sched, node);
    return;
  }
  sched_tree_open(&sched->tree, node);
}

/* ---- life ------------------------------------------------------------------------------------ */

void sched_init(struct sched *sched) {
  *sched = (struct sched){.churn_left = SCHED_CHURN_BURST};
}

void sched_attach(struct sched *sched, struct sched_memory *pools, sched_find *find, void *ctx) {
  assert(sched->open_count == 0);
  sched->tree.shares = &pools->shares;
  sched->tree.placeholders = &pools->placeholders;
  sched->tree.find = find;
  sched->tree.find_ctx = ctx;
  sched->updates.pool = &pools->updates;
}

void sched_detach(struct sched *sched) {
  assert(sched->open_count == 0);
  sched->tree.shares = sched->tree.placeholders = NULL;
  sched->tree.find = NULL;
  sched->tree.find_ctx = NULL;
  sched->updates.pool = NULL;
  sched->chosen = NULL;
}

void sched_destroy(struct sched *sched) {
  assert(sched->open_count == 0);
  sched_tree_free(&sched->tree);
  sched_updates_free(&sched->updates);
}

void sched_ignore_dependencies(struct sched *sched) {
  sched->ignore_dependencies = true;
}

/* ---- streams and their signals --------------------------------------------------------------- */

static void be_extensible(struct sched_node *node, uint8_t urgency, bool incremental) {
  assert(urgency < SCHED_LEVEL_COUNT);
  node->signal = SCHED_SIGNAL_EXTENSIBLE;
  node->urgency = urgency;
  node->incremental = incremental;
}

/* The stream is idle no more, and its client may send a few signals more. */
static void note_begun(struct sched *sched, uint32_t id) {
  sched->churn_left += SCHED_CHURN_PER_STREAM;
  if (sched->churn_left > SCHED_CHURN_BURST) sched->churn_left = SCHED_CHURN_BURST;
  if (sched_tree_idle(&sched->tree, id)) sched->tree.id_max[id & 1] = id;
}

enum sched_result sched_open(struct sched *sched, struct sched_node *node, uint32_t id,
                             struct sched_priority priority) {
  const struct sched_class_rule *rule = &sched_class_rules[SCHED_CLASS_OTHER];
  struct sched_updates_entry update;
  *node = (struct sched_node){.id = id,
                              .weight_16ths = SCHED_WEIGHT_DEFAULT * SCHED_WEIGHT_UNIT,
                              .urgency = rule->urgency,
                              .incremental = rule->incremental};
  sched->open_count++;
  note_begun(sched, id);
  node->updated = sched_updates_take(&sched->updates, id, &update);
  if (node->updated) sched->extensible_seen = true;
  if (node->updated)
    be_extensible(node, update.urgency, update.incremental);
  else if (sched->extensible_seen)
    be_extensible(node, PRIORITY_URGENCY_DEFAULT, false);
  else if (!sched->ignore_dependencies)
    place_unsaid(sched, node);
  enum sched_result result = sched_declare(sched, node, priority);
  invariants(sched, node);
  return result;
}

void sched_close(struct sched *sched, struct sched_node *node) {
  assert(sched->open_count > 0);
  sched_idle(sched, node);
  loose_remove(sched, node);
  if (sched_node_in_tree(node)) sched_tree_close(&sched->tree, node);
  if (sched->chosen == node) sched->chosen = NULL;
  sched->open_count--;
  invariants(sched, NULL);
}

/* The stream's place is by urgency from now on; in the tree a placeholder takes over. */
static void set_extensible(struct sched *sched, struct sched_node *node, uint8_t urgency,
                           bool incremental) {
  dequeue(sched, node);
  loose_remove(sched, node);
  if (sched_node_in_tree(node)) {
    sched_tree_close(&sched->tree, node);
    node->start = 0;
  }
  if (node->urgency != urgency) node->start = 0; /* the clocks of two levels do not compare */
  be_extensible(node, urgency, incremental);
  requeue(sched, node);
  invariants(sched, node);
}

/* Pays for a signal; false: there were too many for the number of streams. */
static bool spend(struct sched *sched) {
  if (sched->churn_left == 0) return false;
  sched->churn_left--;
  return true;
}

static struct sched_node *find(const struct sched *sched, uint32_t id) {
  return sched->tree.find ? sched->tree.find(sched->tree.find_ctx, id) : NULL;
}

/* Chromium's priorities 0 .. 7 are the weights 256 .. 1 in even steps, rounded. */
static uint8_t urgency_of_weight(uint16_t weight) {
  return (uint8_t)(7 - ((weight - 1u) * 7 + 127) / 255);
}

/* PRIORITY for a stream under rule 2. */
static void depend_extensible(struct sched *sched, struct sched_node *node,
                              const struct sched_dependency *dependency) {
  if (!node || node->signal != SCHED_SIGNAL_EXTENSIBLE || !dependency->exclusive) return;
  set_extensible(sched, node, urgency_of_weight(dependency->weight), node->incremental);
}

/* A weight alone, while there is no tree. */
static void set_weight(struct sched *sched, struct sched_node *node, uint16_t weight) {
  dequeue(sched, node);
  node->signal = SCHED_SIGNAL_DEPENDENCY;
  node->weight_16ths = (uint16_t)(weight * SCHED_WEIGHT_UNIT);
  node->incremental = true;
  requeue(sched, node);
  invariants(sched, node);
}

/* A dependency for an open stream (`node`) or any other, under rules 2 to 4. */
static enum sched_result depend(struct sched *sched, struct sched_node *node, uint32_t id,
                                const struct sched_dependency *dependency) {
  assert(dependency->weight >= 1 && dependency->weight <= 256);
  if (dependency->parent_id == id) return SCHED_SELF;
  if (sched->ignore_dependencies) return SCHED_DONE;
  if (sched->extensible_seen) {
    depend_extensible(sched, node, dependency);
    return SCHED_DONE;
  }
  if (node && node->loose && is_weight_only(dependency)) {
    set_weight(sched, node, dependency->weight);
    return SCHED_DONE;
  }
  use_tree(sched);
  if (node) node->signal = SCHED_SIGNAL_DEPENDENCY;
  if (node && !sched_node_in_tree(node)) return SCHED_NO_ROOM; /* not even the root has room */
  enum sched_result result = sched_tree_depend(&sched->tree, id, dependency);
  invariants(sched, node);
  return result;
}

enum sched_result sched_declare(struct sched *sched, struct sched_node *node,
                                struct sched_priority priority) {
  if (priority.given & SCHED_GIVEN_EXTENSIBLE) {
    sched->extensible_seen = true;
    if (!node->updated) set_extensible(sched, node, priority.urgency, priority.incremental);
    return SCHED_DONE;
  }
  struct sched_dependency dependency = {priority.parent_id, priority.weight, priority.exclusive};
  if (!(priority.given & SCHED_GIVEN_DEPENDENCY)) return SCHED_DONE;
  if (sched->extensible_seen) return dependency.parent_id == node->id ? SCHED_SELF : SCHED_DONE;
  return depend(sched, node, node->id, &dependency);
}

enum sched_result sched_depend(struct sched *sched, uint32_t id,
                               const struct sched_dependency *dependency) {
  assert(id != 0);
  if (!spend(sched)) return SCHED_CHURN;
  return depend(sched, find(sched, id), id, dependency);
}

enum sched_result sched_update(struct sched *sched, uint32_t id,
                               const struct priority_field *field) {
  assert(id != 0);
  if (!spend(sched)) return SCHED_CHURN;
  struct sched_node *node = find(sched, id);
  if (node) {
    sched->extensible_seen = true;
    set_extensible(sched, node, field->urgency, field->incremental);
    return SCHED_DONE;
  }
  if (!sched_tree_idle(&sched->tree, id)) return SCHED_DONE;
  struct sched_updates_entry update = {id, field->urgency, field->incremental};
  return sched_updates_put(&sched->updates, update) ? SCHED_DONE : SCHED_NO_ROOM;
}

void sched_merge(struct sched *sched, struct sched_node *node, const struct priority_field *field) {
  if (!field->has_urgency && !field->has_incremental) return;
  set_extensible(sched, node, field->has_urgency ? field->urgency : (uint8_t)level_of(node),
                 field->has_incremental ? field->incremental : node->incremental);
}

void sched_hint(struct sched *sched, struct sched_node *node, enum sched_class class_of_content) {
  const struct sched_class_rule *rule = &sched_class_rules[class_of_content];
  bool tunnel = class_of_content == SCHED_CLASS_TUNNEL;
  if (node->ready && node->critical) sched->critical_count--;
  if (node->ready && rule->critical) sched->critical_count++;
  node->critical = rule->critical;
  bool told = node->signal == SCHED_SIGNAL_EXTENSIBLE || sched_node_in_tree(node);
  if (told && !tunnel) return;
  dequeue(sched, node);
  if (!told) {
    if (node->urgency != rule->urgency) node->start = 0;
    node->urgency = rule->urgency;
    node->incremental = rule->incremental || node->signal == SCHED_SIGNAL_DEPENDENCY;
  }
  if (tunnel) node->incremental = true;
  requeue(sched, node);
  invariants(sched, node);
}

void sched_set_head_start(struct sched *sched, struct sched_node *node, uint32_t bytes,
                          uint8_t urgency) {
  assert(urgency < SCHED_LEVEL_COUNT);
  dequeue(sched, node);
  node->head_bytes = bytes;
  node->head_rest_bytes = 0;
  node->head_urgency = urgency;
  requeue(sched, node);
  invariants(sched, node);
}

void sched_extend_head_start(struct sched *sched, struct sched_node *node, uint32_t rest_bytes) {
  sched_heads_extend(&sched->heads, &sched->urgency, node, rest_bytes);
  invariants(sched, node);
}

/* ---- decisions -------------------------------------------------------------------------------
 *
 * The most urgent level is next; of that, the queue whose turn it is (sched/urgency.h); of that,
 * its first. Two rules keep head starts from holding up what a page cannot be shown without:
 *
 *   - At the tree's level they go before the tree only while nothing critical is ready. Else they
 *     take turns with it, as the queues of a level do.
 *   - Where the next stream after them is critical, and less urgent, they go *beside* it: each of
 *     their bytes makes a debt of 16, and no more of them go until others have sent that much.
 *
 * The second rule, with head starts of 4 KiB for the images A and B at urgency 2, and the font C at
 * urgency 3:
 *
 *     sends        debt after it
 *     A   4 KiB        64 KiB
 *     C  16 KiB        48 KiB
 *     C  16 KiB        32 KiB
 *     C  16 KiB        16 KiB
 *     C  16 KiB             0
 *     B   4 KiB        64 KiB
 *     C  16 KiB        48 KiB, and so on
 */

void sched_ready(struct sched *sched, struct sched_node *node) {
  if (node->ready) return;
  node->ready = true;
  sched->ready_count++;
  sched->critical_count += node->critical;
  enqueue(sched, node);
  invariants(sched, node);
}

/* Counts one less that is ready. */
static void leave_ready(struct sched *sched, struct sched_node *node) {
  node->ready = false;
  sched->ready_count--;
  sched->critical_count -= node->critical;
}

void sched_idle(struct sched *sched, struct sched_node *node) {
  if (!node->ready) return;
  leave_ready(sched, node);
  dequeue(sched, node);
  invariants(sched, node);
}

/* Whether head starts at the tree's level go before the tree: the first rule. */
static bool heads_lead_tree(const struct sched *sched, unsigned level) {
  return level == SCHED_TREE_URGENCY && sched->critical_count == 0 &&
         sched_heads_first(&sched->heads, level);
}

static struct sched_node *first_of(struct sched *sched, enum sched_queue queue, unsigned level) {
  switch (queue) {
  case SCHED_QUEUE_HEAD: return sched_heads_first(&sched->heads, level);
  case SCHED_QUEUE_SEQUENCE: return sched->sequence[level];
  case SCHED_QUEUE_SHARED: return sched_share_pick(&sched->shared[level]);
  case SCHED_QUEUE_TREE: return sched_tree_pick(&sched->tree);
  default: return NULL;
  }
}

/* The stream beside which the head starts of `level` go, and its queue: the second rule. NULL:
 * there is none, and they go before what is less urgent. */
static struct sched_node *critical_behind(struct sched *sched, unsigned level,
                                          enum sched_queue *queue) {
  unsigned behind = 0;
  if (sched->critical_count == 0) return NULL;
  *queue = sched_urgency_pick_behind(&sched->urgency, &behind);
  struct sched_node *node = first_of(sched, *queue, behind);
  return node && node->critical && behind > level ? node : NULL;
}

static struct sched_node *pick(struct sched *sched) {
  unsigned level = 0;
  enum sched_queue queue = sched_urgency_pick(&sched->urgency, &level), behind = SCHED_QUEUE_NONE;
  struct sched_node *critical = NULL;
  if (heads_lead_tree(sched, level)) queue = SCHED_QUEUE_HEAD;
  if (queue == SCHED_QUEUE_HEAD) critical = critical_behind(sched, level, &behind);
  bool in_debt = critical && sched->head_debt_bytes > 0;
  sched->chosen_beside = critical != NULL;
  sched->chosen_queue = in_debt ? behind : queue;
  return in_debt ? critical : first_of(sched, queue, level);
}

struct sched_node *sched_next(struct sched *sched, size_t *quantum_bytes) {
  struct sched_node *node = pick(sched);
  size_t quantum = SCHED_QUANTUM_BYTES;
  sched->chosen = node;
  sched->chosen_alone = sched->ready_count == 1;
  if (sched->chosen_alone)
    quantum = SCHED_QUANTUM_ALONE_BYTES;
  else if (sched->chosen_queue == SCHED_QUEUE_HEAD && sched_heads_left(node) < quantum)
    quantum = sched_heads_left(node);
  *quantum_bytes = quantum;
  return node;
}

/* Bytes of a head start beside something critical are owed; bytes of others pay for them. */
static void charge_debt(struct sched *sched, bool head, size_t bytes) {
  if (head && sched->chosen_beside)
    sched->head_debt_bytes += (uint64_t)bytes << SCHED_HEAD_PRICE_LOG2;
  else if (!head)
    sched->head_debt_bytes -= bytes < sched->head_debt_bytes ? bytes : sched->head_debt_bytes;
}

/* Charges the node at its own place. One that has gone idle meanwhile owes the bytes. */
static void charge(struct sched *sched, struct sched_node *node, size_t bytes) {
  enum sched_queue queue = (enum sched_queue)node->queue;
  if (sched_node_in_tree(node))
    sched_tree_charge(node, bytes);
  else if (queue == SCHED_QUEUE_SHARED)
    sched_share_charge(&sched->shared[node->level], node, bytes);
  else if (queue == SCHED_QUEUE_NONE)
    sched_share_owe(node, bytes);
  if (queue != SCHED_QUEUE_NONE) sched_urgency_charge(&sched->urgency, node->level, queue, bytes);
}

/* Streams that came meanwhile do not hold against it what it sent while it was alone. */
static size_t counted_of(const struct sched *sched, const struct sched_node *node, size_t bytes) {
  bool alone = sched->chosen == node && sched->chosen_alone;
  return alone && bytes > SCHED_QUANTUM_BYTES ? SCHED_QUANTUM_BYTES : bytes;
}

void sched_sent(struct sched *sched, struct sched_node *node, size_t bytes) {
  bool chosen = sched->chosen == node;
  size_t counted = counted_of(sched, node, bytes);
  bool head = chosen && sched->chosen_queue == SCHED_QUEUE_HEAD && node->in_heads;
  charge_debt(sched, head, counted);
  if (!head)
    charge(sched, node, counted);
  else if (!heads_lead_tree(sched, node->head_level))
    sched_urgency_charge(&sched->urgency, node->head_level, SCHED_QUEUE_HEAD, counted);
  sched_heads_spend(&sched->heads, &sched->urgency, node, bytes);
  invariants(sched, node);
}

void sched_sent_last(struct sched *sched, struct sched_node *node, size_t bytes) {
  if (node->queue != SCHED_QUEUE_SHARED || sched_heads_left(node) > 0) {
    sched_sent(sched, node, bytes);
    sched_idle(sched, node);
    return;
  }
  struct sched_share *share = &sched->shared[node->level];
  size_t counted = counted_of(sched, node, bytes);
  charge_debt(sched, false, counted);
  sched_share_leave(share, node, counted);
  sched_urgency_charge(&sched->urgency, node->level, SCHED_QUEUE_SHARED, counted);
  if (!sched_share_busy(share)) sched_urgency_off(&sched->urgency, node->level, SCHED_QUEUE_SHARED);
  leave_ready(sched, node);
  node->queue = SCHED_QUEUE_NONE;
  invariants(sched, node);
}

/* ---- streams that do not take part ----------------------------------------------------------- */

bool sched_place_of(const struct sched *sched, enum sched_class class_of_content,
                    struct sched_place *out) {
  const struct sched_class_rule *rule = &sched_class_rules[class_of_content];
  *out = (struct sched_place){.urgency = rule->urgency, .shared = rule->incremental};
  if (sched->extensible_seen) *out = (struct sched_place){.urgency = PRIORITY_URGENCY_DEFAULT};
  return sched->extensible_seen || !sched->tree_used;
}

unsigned sched_urgency_ready(const struct sched *sched) {
  const unsigned levels = sched->urgency.levels;
  return levels ? (unsigned)__builtin_ctz(levels) : SCHED_LEVEL_COUNT;
}

void sched_passed(struct sched *sched, uint32_t id, size_t bytes) {
  note_begun(sched, id);
  charge_debt(sched, false, bytes);
}
