/*
 * tls/queue.c - see tls/queue.h.
 */
#include "io/tls/queue.h"

#include "io/base/clock.h"
#include "io/tls/limits.h"

void tls_queue_init(struct tls_queue *queue) {
  *queue = (struct tls_queue){.clock_ns = clock_now_ns};
  list_init(&queue->due);
  list_init(&queue->rest);
}

static void make_due(struct tls_queue *queue, struct tls_place *place, uint64_t since_ns) {
  list_append(&queue->due, &place->node);
  queue->due_count++;
  place->is_due = true;
  place->since_ns = since_ns;
}

static void wait(struct tls_queue *queue, struct tls_place *place, uint64_t now_ns) {
  place->since_ns = now_ns;
  if (place->begun_ns == 0) place->begun_ns = now_ns;
  if (list_is_linked(&place->node)) return;
  if (queue->due_count < TLS_HANDSHAKES_DUE)
    make_due(queue, place, now_ns);
  else
    list_append(&queue->rest, &place->node);
}

/* One step at least in each turn. */
static bool has_time(struct tls_queue *queue, uint64_t now_ns) {
  const uint64_t clock_ns = queue->clock_ns();
  if (queue->turn_ns != now_ns) queue->begun_ns = clock_ns;
  queue->turn_ns = now_ns;
  return clock_ns - queue->begun_ns < TLS_TURN_HANDSHAKES_NS;
}

bool tls_queue_enter(struct tls_queue *queue, struct tls_place *place, uint64_t now_ns) {
  const bool has_turn = place->is_due || queue->due_count == 0;
  if (!has_turn || !has_time(queue, now_ns)) {
    wait(queue, place, now_ns);
    return false;
  }
  tls_queue_leave(queue, place);
  return true;
}

void tls_queue_leave(struct tls_queue *queue, struct tls_place *place) {
  list_remove(&place->node);
  place->begun_ns = 0;
  if (!place->is_due) return;
  place->is_due = false;
  queue->due_count--;
  struct list_node *node = list_take_first(&queue->rest);
  if (!node) return;
  struct tls_place *next = LIST_OWNER(node, struct tls_place, node);
  make_due(queue, next, queue->turn_ns);
  next->host->wake(next->host);
}
