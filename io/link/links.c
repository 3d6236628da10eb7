/*
 * link/links.c - the slots of one worker's links, and the passes over their lists.
 */
#include "io/base/clock.h"
#include "io/link/parts.h"

#include <assert.h>
#include <stdlib.h>

enum { CHUNK_LINKS = 64 };

bool links_open(struct links *links, uint32_t max) {
  assert(max && max <= OP_SLOT_MAX);
  *links = (struct links){.max = max};
  list_init(&links->free);
  list_init(&links->dirty);
  list_init(&links->busy);
  list_init(&links->waiting);
  list_init(&links->starved);
  shares_init(&links->shares);
  links->chunks = calloc((max + CHUNK_LINKS - 1) / CHUNK_LINKS, sizeof *links->chunks);
  return links->chunks;
}

void links_close(struct links *links) {
  assert(links->open == 0 && links->kept_bytes == 0);
  for (uint32_t i = 0; i < links->made / CHUNK_LINKS; i++)
    free(links->chunks[i]);
  free(links->chunks);
  *links = (struct links){.max = 0};
}

static struct link *slot_at(const struct links *links, uint32_t slot) {
  return &links->chunks[slot / CHUNK_LINKS][slot % CHUNK_LINKS];
}

static bool make_chunk(struct links *links) {
  struct link *chunk = calloc(CHUNK_LINKS, sizeof *chunk);
  if (!chunk) return false;
  links->chunks[links->made / CHUNK_LINKS] = chunk;
  for (uint32_t i = 0; i < CHUNK_LINKS; i++) {
    chunk[i].slot = links->made + i;
    list_append(&links->free, &chunk[i].dirty);
  }
  links->made += CHUNK_LINKS;
  return true;
}

/* A slot that is blank but for its number and generation; NULL at the cap or without memory. */
struct link *links_take(struct links *links) {
  if (!links_have_room(links)) return NULL;
  if (list_is_empty(&links->free) && !make_chunk(links)) return NULL;
  struct link *link = LIST_OWNER(list_take_first(&links->free), struct link, dirty);
  *link = (struct link){.slot = link->slot, .generation = link->generation};
  links->open++;
  return link;
}

/* From here on, completions that still carry the old generation find nobody. */
void links_give(struct links *links, struct link *link) {
  link->generation++;
  link->state = LINK_FREE;
  list_append(&links->free, &link->dirty);
  links->open--;
}

struct link *links_find(const struct links *links, uint32_t slot, uint32_t generation) {
  if (slot >= links->made) return NULL;
  struct link *link = slot_at(links, slot);
  return link->state != LINK_FREE && link->generation == generation ? link : NULL;
}

/* Their deferred input comes first. */
static void go_on(struct links *links, struct list_node *released) {
  while (!list_is_empty(released)) {
    struct link *link = LIST_OWNER(released->next, struct link, dirty);
    shares_leave(&links->shares, &link->share, &link->dirty);
    link_mark_more(link);
    if (!list_is_linked(&link->waiting)) list_append(&links->waiting, &link->waiting);
  }
}

void links_feed(struct worker *worker) {
  struct list_node batch, released, *node;
  list_init(&batch);
  list_init(&released);
  shares_turn(&worker->links.shares, worker->now_ns, &released);
  go_on(&worker->links, &released);
  list_splice(&batch, &worker->links.waiting);
  worker->links.turn_sent_bytes = 0;
  while ((node = list_take_first(&batch))) {
    struct link *link = LIST_OWNER(node, struct link, waiting);
    link_recv_feed(link);
    link_mark_dirty(link);
  }
}

/* Only as many as there are buffers: a receive request that finds the ring empty fails at once,
 * whether its socket has data or not, and the others would only come back here. */
static void restart_starved(struct worker *worker) {
  uint32_t buffers = worker->bufring.count - worker->bufring.out;
  while (buffers-- > 0 && !list_is_empty(&worker->links.starved)) {
    struct list_node *node = list_take_first(&worker->links.starved);
    link_mark_dirty(LIST_OWNER(node, struct link, starved));
  }
}

/* Its part of the turn, unless it has had that. The end of a link waits for nobody. */
static void serve(struct link *link) {
  if (link->state != LINK_OPEN || !link_is_ahead(link)) {
    link_settle(link);
    return;
  }
  counter_add(&link->worker->counters.links_held, 1);
  shares_hold(&link->worker->links.shares, &link->share, link_weight(link), &link->dirty);
}

void links_settle(struct worker *worker) {
  struct list_node batch, *node;
  list_init(&batch);
  list_splice(&batch, &worker->links.dirty);
  while (worker->links.turn_sent_bytes < IO_TURN_SEND_BYTES && (node = list_take_first(&batch)))
    serve(LIST_OWNER(node, struct link, dirty));
  list_splice(&batch, &worker->links.dirty);
  list_splice(&worker->links.dirty, &batch);
}

/* Whether a turn has lasted long enough, asked after each few links. */
static bool is_long(const struct worker *worker, uint32_t settled) {
  return settled > 0 && settled % IO_TURN_LOOK_LINKS == 0 &&
         clock_now_ns() - worker->now_ns > IO_TURN_FLUSH_NS;
}

/* Settles links of `list`, each once, until `bytes_max` have been sent in this pass. Those that had
 * no turn come before those that had one and want another. */
static void flush_list(struct worker *worker, struct list_node *list, uint64_t bytes_max) {
  struct links *links = &worker->links;
  struct list_node batch, *node;
  uint32_t settled = 0;
  list_init(&batch);
  list_splice(&batch, list);
  links->turn_sent_bytes = 0;
  while (settled < IO_TURN_LINKS && links->turn_sent_bytes < bytes_max &&
         !is_long(worker, settled) && (node = list_take_first(&batch))) {
    serve(LIST_OWNER(node, struct link, dirty));
    settled++;
  }
  list_splice(&batch, list);
  list_splice(list, &batch);
}

bool links_flush(struct worker *worker) {
  struct links *links = &worker->links;
  restart_starved(worker);
  flush_list(worker, &links->dirty, IO_TURN_SEND_BYTES);
  flush_list(worker, &links->busy, IO_TURN_BUSY_BYTES);
  if (worker->bufring.ring) bufring_publish(&worker->bufring);
  /* Those that receive again may be idle and complete nothing, so the rest must not wait for them.
   */
  bool may_restart = !list_is_empty(&links->starved) && worker->bufring.out < worker->bufring.count;
  return !list_is_empty(&links->dirty) || !list_is_empty(&links->busy) ||
         !list_is_empty(&links->waiting) || links->shares.held || may_restart;
}

/* In turn, a few at a time: the newcomers of the next moment want room too, and those that have
 * been drained have gone by then. */
void links_shed(struct worker *worker) {
  struct links *links = &worker->links;
  if (links->shedding) return;
  uint32_t wanted = links->open / IO_SHED_PART + 1;
  for (uint32_t looks = 0; looks < IO_SHED_LOOKS && looks < links->made && wanted > 0; looks++) {
    links->shed_hand = (links->shed_hand + 1) % links->made;
    wanted -= link_shed(slot_at(links, links->shed_hand));
  }
}

void links_drain(struct worker *worker) {
  for (uint32_t slot = 0; slot < worker->links.made; slot++)
    link_drain(slot_at(&worker->links, slot));
}

void links_cut(struct worker *worker) {
  for (uint32_t slot = 0; slot < worker->links.made; slot++)
    link_cut(slot_at(&worker->links, slot));
}
