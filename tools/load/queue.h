/*
 * load/queue.h - a ring of batches of forms from the thread that reads a file to one worker.
 * Neither side locks.
 *
 *     reader: load_queue_open() --add--> load_queue_publish()
 *     worker: load_queue_peek() --read--> load_queue_take()
 *
 * A place of the ring belongs to the reader until it is published, and to the worker until it is
 * taken. So memory is bounded, and a batch's buffer is used again and again.
 *
 * Owner: its maker frees it, when both sides have ended.
 */
#ifndef WEIR_LOAD_QUEUE_H
#define WEIR_LOAD_QUEUE_H

#include "tools/load/buffer.h"
#include "tools/load/limits.h"

struct load_queue {
  _Alignas(64) uint64_t published; /* batches since the start; the reader writes it */
  bool ended;                      /* no more will be published */
  _Alignas(64) uint64_t taken;     /* the worker writes it */
  struct load_buffer batches[LOAD_BATCHES_MAX];
};

/* The batch to add to, or NULL: the ring is full. */
static inline struct load_buffer *load_queue_open(struct load_queue *queue) {
  uint64_t taken = __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE);
  if (queue->published - taken == LOAD_BATCHES_MAX) return NULL;
  return &queue->batches[queue->published % LOAD_BATCHES_MAX];
}

static inline void load_queue_publish(struct load_queue *queue) {
  __atomic_store_n(&queue->published, queue->published + 1, __ATOMIC_RELEASE);
}

/* After the last batch. */
static inline void load_queue_end(struct load_queue *queue) {
  __atomic_store_n(&queue->ended, true, __ATOMIC_RELEASE);
}

/* The next batch, or NULL: there is none yet, or none any more. */
static inline struct load_buffer *load_queue_peek(struct load_queue *queue) {
  if (__atomic_load_n(&queue->published, __ATOMIC_ACQUIRE) == queue->taken) return NULL;
  return &queue->batches[queue->taken % LOAD_BATCHES_MAX];
}

/* Batch `number`, counted from the start, which is not taken yet. NULL: there is none yet. */
static inline const struct load_buffer *load_queue_look(const struct load_queue *queue,
                                                        uint64_t number) {
  if (__atomic_load_n(&queue->published, __ATOMIC_ACQUIRE) <= number) return NULL;
  return &queue->batches[number % LOAD_BATCHES_MAX];
}

/* Gives the batch back, empty. */
static inline void load_queue_take(struct load_queue *queue) {
  queue->batches[queue->taken % LOAD_BATCHES_MAX].len = 0;
  __atomic_store_n(&queue->taken, queue->taken + 1, __ATOMIC_RELEASE);
}

/* Whether all batches that there will be have been taken. */
static inline bool load_queue_is_over(const struct load_queue *queue) {
  return __atomic_load_n(&queue->ended, __ATOMIC_ACQUIRE) && /* before `published` */
         __atomic_load_n(&queue->published, __ATOMIC_ACQUIRE) == queue->taken;
}

#endif
