/*
 * sched/tree.c - the dependency tree; see sched/tree.h.
 *
 * A node is in the tree while `siblings` is set. It is `active`, and a member of their share, while
 * it is ready itself or one of its dependants is active. A set of siblings is never empty. Every
 * walk upwards goes node -> siblings -> owner.
 */
#include "engine/sched/tree.h"

#include <assert.h>

/* ---- siblings -------------------------------------------------------------------------------- */

static struct sched_siblings *dependants_of(const struct sched_tree *tree,
                                            const struct sched_node *parent) {
  return parent ? parent->dependants : tree->root;
}

/* The siblings become dependants of `parent` (NULL: the root). */
static void give_dependants(struct sched_tree *tree, struct sched_node *parent,
                            struct sched_siblings *siblings) {
  if (parent)
    parent->dependants = siblings;
  else
    tree->root = siblings;
  if (siblings) siblings->owner = parent;
}

static struct sched_siblings *siblings_take(struct sched_tree *tree) {
  if (!tree->shares || tree->share_count >= SCHED_SHARES_MAX) return NULL;
  struct sched_siblings *siblings = pool_take(tree->shares);
  if (!siblings) return NULL;
  *siblings = (struct sched_siblings){0};
  tree->share_count++;
  return siblings;
}

static void siblings_give(struct sched_tree *tree, struct sched_siblings *siblings) {
  assert(siblings->count == 0);
  tree->share_count--;
  pool_give(tree->shares, siblings);
}

static void link_member(struct sched_siblings *siblings, struct sched_node *node) {
  node->siblings = siblings;
  sched_node_link(&siblings->first, node);
  siblings->count++;
  node->start = 0; /* what it has sent elsewhere does not count */
  if (node->active) sched_share_add(&siblings->share, node);
}

static void unlink_member(struct sched_node *node) {
  struct sched_siblings *siblings = node->siblings;
  if (node->active) sched_share_remove(&siblings->share, node);
  sched_node_unlink(&siblings->first, node);
  node->siblings = NULL;
  siblings->count--;
}

static bool wants_to_send(const struct sched_node *node) {
  return node->queue == SCHED_QUEUE_TREE ||
         (node->dependants && sched_share_busy(&node->dependants->share));
}

void sched_tree_settle(struct sched_node *node) {
  for (; node; node = node->siblings->owner) {
    bool active = wants_to_send(node);
    if (active == node->active) return;
    node->active = active;
    if (active)
      sched_share_add(&node->siblings->share, node);
    else
      sched_share_remove(&node->siblings->share, node);
  }
}

#ifdef WEIR_INVARIANTS
/* Checks the bounds, and each node from `node` (NULL: none) to the root. */
static void invariants(const struct sched_tree *tree, const struct sched_node *node) {
  assert(tree->share_count <= SCHED_SHARES_MAX);
  assert(tree->placeholder_count <= SCHED_PLACEHOLDERS_MAX);
  assert((tree->root == NULL) == (tree->share_count == 0));
  assert((tree->oldest == NULL) == (tree->newest == NULL));
  uint32_t depth = 0;
  for (; node && node->siblings; node = node->siblings->owner) {
    const struct sched_siblings *siblings = node->siblings, *below = node->dependants;
    assert(++depth <= SCHED_SHARES_MAX);
    assert(siblings->count > 0 && siblings->first);
    assert(dependants_of(tree, siblings->owner) == siblings);
    assert(!below || below->owner == node);
    assert(node->active == wants_to_send(node));
    assert(!node->sibling_next || node->sibling_next->sibling_prev == node);
    assert(node->sibling_prev ? node->sibling_prev->sibling_next == node : siblings->first == node);
  }
}
#else
static void invariants(const struct sched_tree *tree, const struct sched_node *node) {
  (void)tree, (void)node;
}
#endif

/* The node joins them, with all that depends on it. */
static void join(struct sched_siblings *siblings, struct sched_node *node) {
  assert(!node->active);
  link_member(siblings, node);
  sched_tree_settle(node);
}

/* The node leaves its siblings, with all that depends on it. */
static void leave(struct sched_tree *tree, struct sched_node *node) {
  struct sched_siblings *siblings = node->siblings;
  struct sched_node *parent = siblings->owner;
  unlink_member(node);
  node->active = false;
  if (siblings->count == 0) {
    give_dependants(tree, parent, NULL);
    siblings_give(tree, siblings);
  }
  sched_tree_settle(parent);
}

/* Moves all members; which of them are active does not change. */
static void move_members(struct sched_siblings *from, struct sched_siblings *to) {
  while (from->first) {
    struct sched_node *node = from->first;
    unlink_member(node);
    link_member(to, node);
  }
}

/* ---- dependencies ---------------------------------------------------------------------------- */

static bool is_below(const struct sched_node *node, const struct sched_node *above) {
  while (node && node != above)
    node = node->siblings->owner;
  return node != NULL;
}

/* Exclusive insertion (section 5.3.1): the node, which is not in the tree, becomes the only
 * dependant of `parent`; the former ones join its own. The smaller set moves, and a set that
 * nothing joins changes hands as it is. */
static bool insert_above(struct sched_tree *tree, struct sched_node *parent,
                         struct sched_node *node) {
  struct sched_siblings *below = dependants_of(tree, parent), *single = node->dependants;
  if (!single) {
    single = siblings_take(tree);
  } else if (single->count > below->count) {
    struct sched_siblings *swap = below;
    below = single;
    single = swap;
  }
  if (!single) {
    join(below, node);
    return false;
  }
  move_members(single, below);
  give_dependants(tree, node, below);
  give_dependants(tree, parent, single);
  join(single, node);
  return true;
}

/* Makes the node, which is not in the tree, one of the dependants of `parent`. */
static enum sched_result attach(struct sched_tree *tree, struct sched_node *node,
                                struct sched_node *parent, bool exclusive) {
  struct sched_siblings *siblings = dependants_of(tree, parent);
  if (siblings && exclusive) return insert_above(tree, parent, node) ? SCHED_DONE : SCHED_NO_ROOM;
  if (!siblings) {
    siblings = siblings_take(tree);
    if (siblings)
      give_dependants(tree, parent, siblings);
    else if (!parent)
      return SCHED_NO_ROOM;
  }
  join(siblings ? siblings : parent->siblings, node);
  return siblings ? SCHED_DONE : SCHED_NO_ROOM;
}

/* Reprioritization (section 5.3.3). A parent that is below the node first takes the node's place
 * among its siblings. */
static enum sched_result reattach(struct sched_tree *tree, struct sched_node *node,
                                  struct sched_node *parent, uint16_t weight, bool exclusive) {
  if (node->siblings && is_below(parent, node)) {
    leave(tree, parent);
    join(node->siblings, parent);
  }
  if (node->siblings) leave(tree, node);
  node->weight_16ths = (uint16_t)(weight * SCHED_WEIGHT_UNIT);
  return attach(tree, node, parent, exclusive);
}

/* ---- placeholders ---------------------------------------------------------------------------- */

static struct sched_placeholder **bucket_of(struct sched_tree *tree, uint32_t id) {
  return &tree->buckets[id / 2 % SCHED_BUCKET_COUNT];
}

static struct sched_placeholder *placeholder_find(struct sched_tree *tree, uint32_t id) {
  struct sched_placeholder *placeholder = *bucket_of(tree, id);
  while (placeholder && placeholder->node.id != id)
    placeholder = placeholder->bucket_next;
  return placeholder;
}

/* Not yet in the tree. NULL when there is no room. */
static struct sched_placeholder *placeholder_take(struct sched_tree *tree, uint32_t id) {
  if (!tree->placeholders || tree->placeholder_count >= SCHED_PLACEHOLDERS_MAX) return NULL;
  struct sched_placeholder *placeholder = pool_take(tree->placeholders);
  if (!placeholder) return NULL;
  struct sched_placeholder **bucket = bucket_of(tree, id);
  *placeholder = (struct sched_placeholder){
      .node = {.id = id, .weight_16ths = SCHED_WEIGHT_DEFAULT * SCHED_WEIGHT_UNIT},
      .bucket_next = *bucket,
  };
  *bucket = placeholder;
  tree->placeholder_count++;
  return placeholder;
}

static void placeholder_close(struct sched_tree *tree, struct sched_placeholder *placeholder) {
  placeholder->closed = true;
  placeholder->older = tree->newest;
  if (tree->newest)
    tree->newest->newer = placeholder;
  else
    tree->oldest = placeholder;
  tree->newest = placeholder;
}

/* No longer in the tree. */
static void placeholder_give(struct sched_tree *tree, struct sched_placeholder *placeholder) {
  struct sched_placeholder **at = bucket_of(tree, placeholder->node.id);
  while (*at != placeholder)
    at = &(*at)->bucket_next;
  *at = placeholder->bucket_next;
  if (placeholder->closed) {
    if (placeholder->older)
      placeholder->older->newer = placeholder->newer;
    else
      tree->oldest = placeholder->newer;
    if (placeholder->newer)
      placeholder->newer->older = placeholder->older;
    else
      tree->newest = placeholder->older;
  }
  tree->placeholder_count--;
  pool_give(tree->placeholders, placeholder);
}

/* `to` takes the place of `from`, which is then not in the tree. Neither is ready, so that the same nodes
 * stay active. */
static void replace(struct sched_node *to, struct sched_node *from) {
  to->weight_16ths = from->weight_16ths;
  to->start = from->start;
  to->siblings = from->siblings;
  to->dependants = from->dependants;
  to->sibling_next = from->sibling_next;
  to->sibling_prev = from->sibling_prev;
  if (to->sibling_prev)
    to->sibling_prev->sibling_next = to;
  else
    to->siblings->first = to;
  if (to->sibling_next) to->sibling_next->sibling_prev = to;
  if (to->dependants) to->dependants->owner = to;
  to->active = from->active;
  if (from->active) sched_share_replace(&to->siblings->share, from, to);
  from->siblings = from->dependants = NULL;
  from->active = false;
}

/* ---- dropping -------------------------------------------------------------------------------- */

/* The dependants of the node take its place among its siblings and divide its weight between them
 * (section 5.3.4). */
static void dissolve(struct sched_tree *tree, struct sched_node *node) {
  struct sched_siblings *below = node->dependants, *siblings = node->siblings;
  uint32_t sum = 0;
  for (struct sched_node *member = below->first; member; member = member->sibling_next)
    sum += member->weight_16ths;
  while (below->first) {
    struct sched_node *member = below->first;
    unlink_member(member);
    uint32_t weight = ((uint32_t)member->weight_16ths * node->weight_16ths + sum / 2) / sum;
    member->weight_16ths = weight ? (uint16_t)weight : 1;
    link_member(siblings, member);
  }
  node->dependants = NULL;
  siblings_give(tree, below);
}

/* Takes the node, which is not ready, out of the tree; its dependants stay. */
static void drop(struct sched_tree *tree, struct sched_node *node) {
  if (node->dependants) dissolve(tree, node);
  leave(tree, node);
}

/* Drops one of the oldest closed placeholders; with `parent`, one that has dependants, which frees
 * a share. */
static bool drop_closed(struct sched_tree *tree, bool parent) {
  struct sched_placeholder *placeholder = tree->oldest;
  for (uint32_t i = 0; placeholder && i < SCHED_DROP_LOOKS_MAX; i++) {
    struct sched_siblings *below = placeholder->node.dependants;
    if (below ? below->count <= SCHED_DROP_DEPENDANTS_MAX : !parent) {
      drop(tree, &placeholder->node);
      placeholder_give(tree, placeholder);
      return true;
    }
    placeholder = placeholder->newer;
  }
  return false;
}

/* Makes room, where possible, for the two placeholders and two shares that one operation may
 * need. To be called first: what is dropped must not be in use. */
static void make_room(struct sched_tree *tree) {
  while (tree->placeholder_count + 2 > SCHED_PLACEHOLDERS_MAX && drop_closed(tree, false)) {
  }
  while (tree->share_count + 2 > SCHED_SHARES_MAX && drop_closed(tree, true)) {
  }
}

/* ---- the operations -------------------------------------------------------------------------- */

/* The node for an identifier that a signal names, open or not. An idle stream gets a placeholder at
 * the default place. NULL: closed and forgotten, or no room. */
static struct sched_node *resolve(struct sched_tree *tree, uint32_t id) {
  struct sched_node *open = tree->find ? tree->find(tree->find_ctx, id) : NULL;
  if (open) return open->siblings ? open : NULL;
  struct sched_placeholder *placeholder = placeholder_find(tree, id);
  if (placeholder) return &placeholder->node;
  if (!sched_tree_idle(tree, id)) return NULL;
  placeholder = placeholder_take(tree, id);
  if (!placeholder) return NULL;
  (void)attach(tree, &placeholder->node, NULL, false);
  if (placeholder->node.siblings) return &placeholder->node;
  placeholder_give(tree, placeholder);
  return NULL;
}

/* A parent that cannot be found means the default priority (sections 5.3.1 and 5.3.4). */
static enum sched_result depend(struct sched_tree *tree, struct sched_node *node,
                                const struct sched_dependency *dependency) {
  struct sched_dependency wanted = *dependency;
  struct sched_node *parent = NULL;
  bool refused = false;
  if (wanted.parent_id) {
    parent = resolve(tree, wanted.parent_id);
    if (!parent) {
      refused = sched_tree_idle(tree, wanted.parent_id);
      wanted = SCHED_DEPENDENCY_DEFAULT;
    }
  }
  enum sched_result result = reattach(tree, node, parent, wanted.weight, wanted.exclusive);
  return refused ? SCHED_NO_ROOM : result;
}

void sched_tree_open(struct sched_tree *tree, struct sched_node *node) {
  make_room(tree);
  struct sched_placeholder *placeholder = placeholder_find(tree, node->id);
  if (placeholder) {
    replace(node, &placeholder->node);
    placeholder_give(tree, placeholder);
  } else {
    (void)attach(tree, node, NULL, false);
  }
  invariants(tree, node);
}

void sched_tree_close(struct sched_tree *tree, struct sched_node *node) {
  make_room(tree);
  struct sched_placeholder *placeholder = placeholder_take(tree, node->id);
  if (!placeholder) {
    drop(tree, node);
    invariants(tree, NULL);
    return;
  }
  replace(&placeholder->node, node);
  placeholder_close(tree, placeholder);
  invariants(tree, &placeholder->node);
}

enum sched_result sched_tree_depend(struct sched_tree *tree, uint32_t id,
                                    const struct sched_dependency *dependency) {
  make_room(tree);
  struct sched_node *node = resolve(tree, id);
  if (!node) return sched_tree_idle(tree, id) ? SCHED_NO_ROOM : SCHED_DONE;
  enum sched_result result = depend(tree, node, dependency);
  invariants(tree, node);
  return result;
}

struct sched_node *sched_tree_pick(struct sched_tree *tree) {
  struct sched_node *node = sched_share_pick(&tree->root->share);
  while (node->queue != SCHED_QUEUE_TREE)
    node = sched_share_pick(&node->dependants->share);
  invariants(tree, node);
  return node;
}

void sched_tree_charge(struct sched_node *node, size_t bytes) {
  for (; node; node = node->siblings->owner) {
    if (node->active)
      sched_share_charge(&node->siblings->share, node, bytes);
    else
      sched_share_owe(node, bytes);
  }
}

/* All siblings have an owner in the end, and with no stream open all owners are placeholders. */
void sched_tree_free(struct sched_tree *tree) {
  for (unsigned i = 0; i < SCHED_BUCKET_COUNT; i++) {
    while (tree->buckets[i]) {
      struct sched_placeholder *placeholder = tree->buckets[i];
      drop(tree, &placeholder->node);
      placeholder_give(tree, placeholder);
    }
  }
  assert(!tree->root);
  assert(tree->share_count == 0);
}
