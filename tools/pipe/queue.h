/*
 * pipe/queue.h - bytes on their way through a pipe, in pieces that do not move until they have been taken.
 *
 * Owner: embedded in a pipe. All zero: empty. The pieces come from a pool, which the pipes of a worker
 * share.
 */
#ifndef WEIR_TOOLS_PIPE_QUEUE_H
#define WEIR_TOOLS_PIPE_QUEUE_H

#include "engine/base/machine.h"
#include "engine/base/pool.h"
#include "tools/pipe/limits.h"

struct pipe_piece;

struct pipe_queue {
  struct pipe_piece *first, *last;
  size_t bytes;
};

/* For pipe_queue_add(). At most `pieces_max` pieces of all queues. */
void pipe_queue_pool_init(struct pool *pool, const struct memory *memory, uint32_t pieces_max);

/* Appends a copy. False when memory was refused: a part may have been added. */
__attribute__((warn_unused_result)) bool pipe_queue_add(struct pipe_queue *queue, struct pool *pool,
                                                        struct span bytes);

/* Gets the first bytes, as at most `max` spans of about `bytes_max` bytes; returns the number of
 * spans. They are good until taken. */
size_t pipe_queue_peek(const struct pipe_queue *queue, struct span *spans, size_t max,
                       size_t bytes_max);

/* Drops the first `bytes` bytes; there are so many (asserted). */
void pipe_queue_take(struct pipe_queue *queue, struct pool *pool, size_t bytes);

/* Copies at most `max` bytes to `out` and takes them; returns their number. */
size_t pipe_queue_read(struct pipe_queue *queue, struct pool *pool, uint8_t *out, size_t max);

/* Empties it. */
void pipe_queue_drop(struct pipe_queue *queue, struct pool *pool);

#endif
