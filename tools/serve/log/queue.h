/*
 * serve/log/queue.h - a ring of bytes from one worker to the thread that writes the log: whole lines
 * in, bytes out. Neither side locks or waits. A line for which there is no room is dropped and
 * counted.
 *
 * The worker's lines are not yet text. It copies what is known of a request into the ring, and the
 * reader's thread makes the line of it.
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

#include "tools/serve/log/line.h"

struct log_queue {
  uint8_t *ring;
  size_t size; /* of the ring: a power of two */
  /* Counts of bytes since the start; `written - taken` are in the ring. Each side's on a cache line
   * of its own. */
  _Alignas(64) uint64_t written;
  uint64_t taken_seen; /* the last `taken` that the writer looked at */
  uint64_t lines, dropped;
  bool formats; /* the ring has what is known of requests; otherwise text */
  enum log_format format;
  _Alignas(64) uint64_t taken;
  char *text; /* lines made by the reader: ACCESS_LOG_LINE_BYTES_MAX bytes; NULL without formats */
  size_t text_at, text_end;    /* what of them is not yet taken */
  struct log_request *request; /* of the line that is being made */
  struct log_date date;
  _Alignas(64) uint64_t wake_at; /* bytes in the ring at which the reader wants to be woken */
};

/* False when memory was refused. `bytes` is a power of two (asserted). */
__attribute__((warn_unused_result)) bool log_queue_init(struct log_queue *queue, size_t bytes);
void log_queue_destroy(struct log_queue *queue);

/* The worker's side. Must be called once before log_queue_put_line(), and before anything is put (asserted).
 * The queue then takes no text. False when memory was refused: it takes text alone. */
__attribute__((warn_unused_result)) bool log_queue_format(struct log_queue *queue,
                                                          enum log_format format);

/* Copies what the line is made of, or drops it. `facts->protocol` and the peer's `secure_version` and
 * `secure_group` are texts that stay. Returns true when the reader is to be woken. */
__attribute__((warn_unused_result)) bool log_queue_put_line(struct log_queue *queue,
                                                            const struct log_line *line);

/* Copies a line that is text, or drops it. Returns true when the reader is to be woken. */
__attribute__((warn_unused_result)) bool log_queue_put(struct log_queue *queue, const void *line,
                                                       size_t len);

/* Counts a line that could not even be made. */
void log_queue_drop(struct log_queue *queue);

/* The reader's side. Text to be written, in one or two parts; returns how many parts, 0 when there is
 * no text. There may be more when this was taken. */
int log_queue_peek(struct log_queue *queue, struct iovec parts[2]);

/* The first `bytes` of what log_queue_peek() returned are not needed any more. */
void log_queue_take(struct log_queue *queue, size_t bytes);

/* Bytes in the ring, from which no text was made yet. */
size_t log_queue_bytes(const struct log_queue *queue);

/* Asks to be woken when there are `bytes` or more. False, and nothing asked, when there are now. */
__attribute__((warn_unused_result)) bool log_queue_wake_at(struct log_queue *queue, uint64_t bytes);

#endif
