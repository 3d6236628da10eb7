/*
 * serve/log_queue.c - see serve/log_queue.h.
 *
 * No wake-up is lost: the writer publishes bytes and then looks at `wake_at`; the reader publishes
 * `wake_at` and then looks at the bytes. These four are sequentially consistent, so one of the two
 * sees the other.
 */
#include "tools/serve/log_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/machine.h"

#define NEVER UINT64_MAX

static size_t place(const struct log_queue *queue, uint64_t count) {
  return (size_t)count & (queue->size - 1);
}

bool log_queue_init(struct log_queue *queue, size_t bytes) {
  assert((bytes & (bytes - 1)) == 0);
  *queue = (struct log_queue){.ring = malloc(bytes), .size = bytes, .wake_at = NEVER};
  return queue->ring;
}

void log_queue_destroy(struct log_queue *queue) {
  free(queue->ring);
}

void log_queue_drop(struct log_queue *queue) {
  counter_add(&queue->dropped, 1);
}

/* The writer looks at the reader's line only when the ring seems full. */
static bool has_room(struct log_queue *queue, size_t len) {
  uint64_t most = queue->size - len;
  if (queue->written - queue->taken_seen <= most) return true;
  queue->taken_seen = __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE);
  return queue->written - queue->taken_seen <= most;
}

bool log_queue_put(struct log_queue *queue, const void *line, size_t len) {
  assert(len <= queue->size);
  if (!has_room(queue, len)) {
    log_queue_drop(queue);
    return false;
  }
  size_t at = place(queue, queue->written), before_end = queue->size - at;
  size_t first = len < before_end ? len : before_end;
  memcpy(queue->ring + at, line, first);
  memcpy(queue->ring, (const uint8_t *)line + first, len - first);
  counter_add(&queue->lines, 1);
  __atomic_store_n(&queue->written, queue->written + len, __ATOMIC_SEQ_CST);
  uint64_t wake_at = __atomic_load_n(&queue->wake_at, __ATOMIC_SEQ_CST);
  if (wake_at == NEVER) return false;
  if (queue->written - __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE) < wake_at) return false;
  __atomic_store_n(&queue->wake_at, NEVER, __ATOMIC_RELAXED);
  return true;
}

int log_queue_peek(const struct log_queue *queue, struct iovec parts[2]) {
  size_t have = (size_t)(__atomic_load_n(&queue->written, __ATOMIC_SEQ_CST) - queue->taken);
  size_t at = place(queue, queue->taken), before_end = queue->size - at;
  size_t first = have < before_end ? have : before_end;
  parts[0] = (struct iovec){.iov_base = queue->ring + at, .iov_len = first};
  parts[1] = (struct iovec){.iov_base = queue->ring, .iov_len = have - first};
  return have == 0 ? 0 : have == first ? 1 : 2;
}

void log_queue_take(struct log_queue *queue, size_t bytes) {
  __atomic_store_n(&queue->taken, queue->taken + bytes, __ATOMIC_RELEASE);
}

bool log_queue_wake_at(struct log_queue *queue, uint64_t bytes) {
  __atomic_store_n(&queue->wake_at, bytes, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&queue->written, __ATOMIC_SEQ_CST) - queue->taken < bytes) return true;
  __atomic_store_n(&queue->wake_at, NEVER, __ATOMIC_RELAXED);
  return false;
}
