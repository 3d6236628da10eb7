/*
 * files/queue.c - see files/queue.h.
 */
#include "io/files/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "io/files/limits.h"
#include "io/files/lookup.h"

struct files_queued {
  struct list_node node;
  struct holder_item item; /* nobody's: it has lost its place */
  struct files_lookup *lookup;
  struct files_queue *queue;
  uint64_t deadline_ns; /* all wait equally long; 0 once it has lost its place */
  size_t path_len;
  uint8_t path[];
};

#ifdef WEIR_INVARIANTS
static void invariants(const struct files_queue *queue) {
  assert(queue->leaving <= queue->count && queue->leaving <= FILES_QUEUED_MAX);
  assert(queue->count - queue->leaving <= FILES_QUEUED_MAX);
  assert(list_is_empty(&queue->waiting) == (queue->count == 0));
}
#else
static void invariants(const struct files_queue *queue) {
  (void)queue;
}
#endif

void files_queue_init(struct files_queue *queue, struct loop *loop, files_queue_attempt *attempt,
                      void *self) {
  *queue = (struct files_queue){.attempt = attempt, .self = self, .loop = loop};
  list_init(&queue->waiting);
  holders_init(&queue->holders);
}

void files_queue_destroy(struct files_queue *queue) {
  assert(queue->count == 0 && !queue->op_under_way);
  holders_destroy(&queue->holders);
}

/* Whether there is a place for a lookup of that client. */
static bool has_place(struct files_queue *queue, const void *client, uint64_t now_ns) {
  if (queue->count - queue->leaving < FILES_QUEUED_MAX) return true;
  struct holder *most = holders_most(&queue->holders);
  if (queue->leaving == FILES_QUEUED_MAX) return false;
  if (!most || most->count < holders_count(&queue->holders, client) + 2) return false;
  struct files_queued *latest = LIST_OWNER(most->items.previous, struct files_queued, item.node);
  holders_remove(&queue->holders, &latest->item);
  list_remove(&latest->node);
  list_prepend(&queue->waiting, &latest->node);
  latest->deadline_ns = 0;
  queue->leaving++;
  files_queue_go_on(queue, now_ns);
  return true;
}

bool files_queue_add(struct files_queue *queue, struct span path, uint64_t now_ns,
                     struct files_lookup *lookup) {
  if (!has_place(queue, lookup->client, now_ns)) return false;
  struct files_queued *queued = malloc(sizeof *queued + path.len);
  if (!queued) return false;
  queued->item = (struct holder_item){0};
  holders_add(&queue->holders, lookup->client, &queued->item);
  if (!queued->item.holder) {
    free(queued);
    return false;
  }
  queued->lookup = lookup;
  queued->queue = queue;
  queued->deadline_ns = now_ns + FILES_QUEUED_NS;
  queued->path_len = path.len;
  if (path.len) memcpy(queued->path, path.base, path.len);
  list_append(&queue->waiting, &queued->node);
  queue->count++;
  lookup->queued = queued;
  invariants(queue);
  return true;
}

void files_queue_remove(struct files_lookup *lookup) {
  struct files_queued *queued = lookup->queued;
  if (!queued) return;
  struct files_queue *queue = queued->queue;
  lookup->queued = NULL;
  list_remove(&queued->node);
  queue->count--;
  queue->leaving -= !queued->item.holder;
  holders_remove(&queue->holders, &queued->item);
  free(queued);
  invariants(queue);
}

static void next_turn(struct loop_op *op, int result, unsigned flags) {
  struct files_queue *queue = LIST_OWNER(op, struct files_queue, op);
  (void)result, (void)flags;
  queue->op_under_way = false;
  files_queue_run(queue, queue->now_ns);
}

void files_queue_go_on(struct files_queue *queue, uint64_t now_ns) {
  if (queue->count == 0 || queue->op_under_way) return;
  queue->now_ns = now_ns;
  queue->op = (struct loop_op){.done = next_turn};
  queue->op_under_way = loop_nop(queue->loop, &queue->op);
}

/* False: there is no room for it, and it may wait. */
static bool try_one(struct files_queue *queue, struct files_queued *queued, uint64_t now_ns) {
  struct files_lookup *lookup = queued->lookup;
  struct span path = span_of(queued->path, queued->path_len);
  enum files_result result = queue->attempt(queue->self, path, now_ns, lookup);
  if (result == FILES_BUSY && now_ns < queued->deadline_ns) return false;
  files_queue_remove(lookup);
  if (result != FILES_PENDING) lookup->done(lookup, result);
  return true;
}

/* One whose time is over, or else the first of the client whose turn it is. */
static struct files_queued *next(struct files_queue *queue, uint64_t now_ns) {
  struct files_queued *first = LIST_OWNER(queue->waiting.next, struct files_queued, node);
  if (first->deadline_ns <= now_ns) return first;
  struct holder *client = holders_next(&queue->holders);
  return LIST_OWNER(client->items.next, struct files_queued, item.node);
}

void files_queue_run(struct files_queue *queue, uint64_t now_ns) {
  uint32_t misses = 0;
  for (unsigned i = 0; queue->count > 0; i++) {
    if (i == FILES_QUEUE_RUN) {
      files_queue_go_on(queue, now_ns);
      return;
    }
    if (try_one(queue, next(queue, now_ns), now_ns)) {
      misses = 0;
    } else if (++misses == FILES_QUEUE_MISSES || misses >= queue->holders.count) {
      return;
    }
  }
}
