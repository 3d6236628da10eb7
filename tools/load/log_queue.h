/*
 * load/log_queue.h - a ring of finished requests from one worker to the thread that writes --log-file.
 * Neither side locks or waits. A request that finds the ring full is counted as lost.
 */
#ifndef WEIR_LOAD_LOG_QUEUE_H
#define WEIR_LOAD_LOG_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/load/limits.h"

struct load_log_row {
  uint64_t due_ns; /* on the clock of clock_now_ns() */
  uint32_t age_us; /* from then to the end; UINT32_MAX: that or more */
  int32_t status;  /* -1: there was no complete response */
};

struct load_log_queue {
  _Alignas(64) uint64_t put;   /* rows since the start; the worker writes it */
  uint64_t lost;               /* likewise; read after the worker has ended */
  _Alignas(64) uint64_t taken; /* the writing thread writes it */
  struct load_log_row rows[LOAD_LOG_ROWS];
};

_Static_assert((LOAD_LOG_ROWS & (LOAD_LOG_ROWS - 1)) == 0, "places are found by a mask");

static inline void load_log_queue_put(struct load_log_queue *queue, uint64_t due_ns,
                                      uint64_t now_ns, int32_t status) {
  uint64_t taken = __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE), put = queue->put;
  uint64_t age_us = (now_ns - due_ns) / 1000;
  if (put - taken == LOAD_LOG_ROWS) {
    queue->lost++;
    return;
  }
  queue->rows[put & (LOAD_LOG_ROWS - 1)] =
      (struct load_log_row){.due_ns = due_ns,
                            .age_us = age_us < UINT32_MAX ? (uint32_t)age_us : UINT32_MAX,
                            .status = status};
  __atomic_store_n(&queue->put, put + 1, __ATOMIC_RELEASE);
}

/* Takes the first row. False: there is none now. */
__attribute__((warn_unused_result)) static inline bool
load_log_queue_take(struct load_log_queue *queue, struct load_log_row *out) {
  uint64_t taken = queue->taken;
  if (__atomic_load_n(&queue->put, __ATOMIC_ACQUIRE) == taken) return false;
  *out = queue->rows[taken & (LOAD_LOG_ROWS - 1)];
  __atomic_store_n(&queue->taken, taken + 1, __ATOMIC_RELEASE);
  return true;
}

#endif
