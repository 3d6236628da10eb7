/*
 * link/pass.c - the passes, each within its bounds of links, bytes and time.
 */
#include "io/link/pass.h"

#include "io/link/life.h"
#include "io/link/recv.h"

/* Held links that are due. Their deferred input comes first. */
static void go_on(struct links *links, struct list_node *released) {
  while (!list_is_empty(released)) {
    struct link *link = LIST_OWNER(released->next, struct link, dirty);
    shares_leave(&links->shares, &link->share, &link->dirty);
    link_mark_more(link);
    link_mark_waiting(link);
  }
}

static void begin_turn(struct links *links) {
  struct list_node released;
  list_init(&released);
  shares_turn(&links->shares, links->loop->now_ns, &released);
  go_on(links, &released);
  links->turn_sent_bytes = links->spent_ns = links->spent_cost = 0;
}

void links_feed(struct links *links) {
  struct list_node batch, *node;
  begin_turn(links);
  list_init(&batch);
  list_splice(&batch, &links->waiting);
  while (links_spent_ns(links) < IO_TURN_INPUT_NS && (node = list_take_first(&batch))) {
    struct link *link = LIST_OWNER(node, struct link, waiting);
    link_recv_feed(link);
    link_mark_dirty(link);
  }
  list_splice(&batch, &links->waiting);
  list_splice(&links->waiting, &batch);
}

/* Only as many as there are buffers: a receive request that finds the ring empty fails at once,
 * whether its socket has data or not, and the others would only come back here. */
static void restart_starved(struct links *links) {
  uint32_t buffers = links->loop->bufring.count - links->loop->bufring.out;
  while (buffers-- > 0 && !list_is_empty(&links->starved)) {
    struct list_node *node = list_take_first(&links->starved);
    link_mark_dirty(LIST_OWNER(node, struct link, starved));
  }
}

/* Gives a link its part of the turn, or holds it when it has had more than that. The end of a link is
 * never held. */
static void serve(struct link *link) {
  if (link->state != LINK_OPEN || !link_is_ahead(link)) {
    link_settle(link);
    return;
  }
  counter_add(&link->loop->counters.links_held, 1);
  shares_hold(&link->links->shares, &link->share, link_weight(link), &link->dirty);
}

void links_settle_dirty(struct links *links) {
  struct list_node batch, *node;
  list_init(&batch);
  list_splice(&batch, &links->dirty);
  while (links->turn_sent_bytes < IO_TURN_SEND_BYTES && links_spent_ns(links) < IO_TURN_FLUSH_NS &&
         (node = list_take_first(&batch)))
    serve(LIST_OWNER(node, struct link, dirty));
  list_splice(&batch, &links->dirty);
  list_splice(&links->dirty, &batch);
  bufring_publish(&links->loop->bufring);
}

/* Whether a turn has lasted long enough. The clock is read after each few links, too: ending one passes no bytes. */
static bool is_long(struct links *links, uint32_t settled) {
  if (settled == 0) return false;
  bool looks = settled % IO_TURN_LOOK_LINKS == 0;
  return (looks ? links_look(links) : links_spent_ns(links)) > IO_TURN_FLUSH_NS;
}

/* Settles links of `list`, each once, until `bytes_max` have been sent in this pass. Links
 * that had no turn come before links that want another one. */
static void flush_list(struct links *links, struct list_node *list, uint64_t bytes_max) {
  struct list_node batch, *node;
  uint32_t settled = 0;
  list_init(&batch);
  list_splice(&batch, list);
  links->turn_sent_bytes = 0;
  while (settled < IO_TURN_LINKS && links->turn_sent_bytes < bytes_max &&
         !is_long(links, settled) && (node = list_take_first(&batch))) {
    serve(LIST_OWNER(node, struct link, dirty));
    settled++;
  }
  list_splice(&batch, list);
  list_splice(list, &batch);
}

void links_flush(struct links *links) {
  restart_starved(links);
  list_splice(&links->dirty, &links->woken);
  flush_list(links, &links->dirty, IO_TURN_SEND_BYTES);
  flush_list(links, &links->busy, IO_TURN_BUSY_BYTES);
  bufring_publish(&links->loop->bufring);
}

/* Starved links that may receive again are work, too: the links that do receive may be idle and
 * complete nothing, so the others must not wait for them. */
bool links_have_work(const struct links *links) {
  const struct bufring *bufring = &links->loop->bufring;
  bool may_restart = !list_is_empty(&links->starved) && bufring->out < bufring->count;
  return !list_is_empty(&links->dirty) || !list_is_empty(&links->busy) ||
         !list_is_empty(&links->woken) || !list_is_empty(&links->waiting) || links->shares.held ||
         may_restart;
}

/* A few at a time, one slot after another, and for no longer than a turn may last: when the next
 * connections want room, the links that are drained now have gone. */
void links_shed_some(struct links *links) {
  if (links->shedding) return;
  uint32_t wanted = links->open / IO_SHED_PART + 1, shed = 0;
  for (uint32_t looks = 0; looks < IO_SHED_LOOKS && looks < links->made; looks++) {
    if (shed == wanted || is_long(links, shed)) return;
    links->shed_hand = (links->shed_hand + 1) % links->made;
    shed += link_shed(links_at(links, links->shed_hand));
  }
}

void links_yield_one(struct links *links) {
  struct link *oldest = NULL;
  for (uint32_t slot = 0; slot < links->made; slot++) {
    struct link *link = links_at(links, slot);
    if (link->state == LINK_FREE) continue;
    if (!link_is_alive(link)) return;
    if (!oldest || links->born_ns[slot] < links->born_ns[oldest->slot]) oldest = link;
  }
  if (!oldest || links->loop->now_ns < links->born_ns[oldest->slot] + links->yield_ns) return;
  link_cut(oldest);
}

void links_drain_all(struct links *links) {
  for (uint32_t slot = 0; slot < links->made; slot++)
    link_drain(links_at(links, slot));
}

void links_cut_all(struct links *links) {
  for (uint32_t slot = 0; slot < links->made; slot++)
    link_cut(links_at(links, slot));
}
