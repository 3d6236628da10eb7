/*
 * serve/log_queue.h - a ring of bytes from one worker to the thread that writes the log: whole lines
 * in, bytes out. Neither side locks or waits. A line for which there is no room is dropped and
 * counted.
 *
 * Sleep: before it sleeps, the reader says at how many bytes it wants to be woken; the writer of the
 * line that reaches them is told so, once.
 *
 * Owner: its maker frees it, when both sides have ended.
 */
#ifndef WEIR_TOOLS_SERVE_LOG_QUEUE_H
#define WEIR_TOOLS_SERVE_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct log_queue {
  uint8_t *ring;
  size_t size; /* of the ring: a power of two */
  /* Counts of bytes since the start; `written - taken` are in the ring. Each side's on a cache line
   * of its own. */
  _Alignas(64) uint64_t written;
  uint64_t taken_seen; /* the last `taken` that the writer looked at */
  uint64_t lines, dropped;
  _Alignas(64) uint64_t taken;
  _Alignas(64) uint64_t wake_at; /* bytes in the ring at which the reader wants to be woken */
};

/* False when memory was refused. `bytes` is a power of two (asserted). */
__attribute__((warn_unused_result)) bool log_queue_init(struct log_queue *queue, size_t bytes);
void log_queue_destroy(struct log_queue *queue);

/* The worker's side. Copies the line, or drops it. Returns true when the reader is to be woken. */
__attribute__((warn_unused_result)) bool log_queue_put(struct log_queue *queue, const void *line,
                                                       size_t len);

/* Counts a line that could not even be made. */
void log_queue_drop(struct log_queue *queue);

/* The reader's side. The bytes in the ring, in one or two parts; returns how many parts. */
int log_queue_peek(const struct log_queue *queue, struct iovec parts[2]);

/* The first `bytes` of them are not needed any more. */
void log_queue_take(struct log_queue *queue, size_t bytes);

/* Asks to be woken when there are `bytes` or more. False, and nothing asked, when there are now. */
__attribute__((warn_unused_result)) bool log_queue_wake_at(struct log_queue *queue, uint64_t bytes);

#endif
