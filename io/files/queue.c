/*
 * files/queue.c - see files/queue.h.
 */
#include "io/files/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/limits.h"
#include "io/files/lookup.h"

struct files_queued {
  struct list_node node;
  struct files_lookup *lookup;
  struct files_queue *queue;
  uint64_t deadline_ns; /* all wait equally long: the first has the earliest */
  size_t path_len;
  uint8_t path[];
};

#ifdef WEIR_INVARIANTS
static void invariants(const struct files_queue *queue) {
  assert(queue->count <= FILES_QUEUED_MAX);
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
}

void files_queue_check_empty(const struct files_queue *queue) {
  (void)queue;
  assert(queue->count == 0 && !queue->op_under_way);
}

bool files_queue_add(struct files_queue *queue, struct span path, uint64_t now_ns,
                     struct files_lookup *lookup) {
  if (queue->count == FILES_QUEUED_MAX) return false;
  struct files_queued *queued = malloc(sizeof *queued + path.len);
  if (!queued) return false;
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
  struct io_uring_sqe *sqe = loop_sqe(queue->loop, &queue->op);
  if (!sqe) return;
  io_uring_prep_nop(sqe);
  queue->op_under_way = true;
}

void files_queue_run(struct files_queue *queue, uint64_t now_ns) {
  for (unsigned i = 0; queue->count > 0; i++) {
    if (i == FILES_QUEUE_RUN) {
      files_queue_go_on(queue, now_ns);
      return;
    }
    struct files_queued *first = LIST_OWNER(queue->waiting.next, struct files_queued, node);
    struct files_lookup *lookup = first->lookup;
    struct span path = span_of(first->path, first->path_len);
    enum files_result result = queue->attempt(queue->self, path, now_ns, lookup);
    if (result == FILES_BUSY && now_ns < first->deadline_ns) return;
    files_queue_remove(lookup);
    if (result != FILES_PENDING) lookup->done(lookup, result);
  }
}
