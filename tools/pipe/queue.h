/*
 * pipe/queue.h - bytes on their way through a pipe, in pieces that do not move until they have been taken.
 *
 * Owner: embedded in a pipe. All zero: empty. The pieces come from a heap, which the pipes of a worker share. Bytes that
 * a protocol sends are lent to it: their piece is freed when it is empty and no loan of it is left, which is looked at
 * when the heap is used next.
 */
#ifndef WEIR_TOOLS_PIPE_QUEUE_H
#define WEIR_TOOLS_PIPE_QUEUE_H

#include "engine/base/machine.h"
#include "engine/base/pool.h"
#include "engine/http/stream.h"
#include "tools/pipe/limits.h"

struct pipe_piece;

struct pipe_heap {
  struct pool pieces;
  struct pipe_piece *lent;     /* empty, but for loans */
  struct machine_vault *vault; /* of vaulted bytes; NULL: there are none */
};

struct pipe_queue {
  struct pipe_piece *first, *last;
  size_t bytes;
};

/* At most `pieces_max` pieces of all queues. */
void pipe_heap_init(struct pipe_heap *heap, const struct memory *memory, uint32_t pieces_max);

/* All queues must be empty, and no loan be left (asserted). */
void pipe_heap_destroy(struct pipe_heap *heap);

/* Appends a copy, or holds what is vaulted. False when memory was refused: a part may have been added. */
__attribute__((warn_unused_result)) bool pipe_queue_add(struct pipe_queue *queue,
                                                        struct pipe_heap *heap, struct span bytes);

/* Gets the first bytes, as at most `max` spans of about `bytes_max` bytes; returns the number of
 * spans. They are good until taken. */
size_t pipe_queue_peek(const struct pipe_queue *queue, struct span *spans, size_t max,
                       size_t bytes_max);

/* Drops the first `bytes` bytes; there are so many (asserted). */
void pipe_queue_take(struct pipe_queue *queue, struct pipe_heap *heap, size_t bytes);

/* Gives the next bytes, as a body's pull does: few are copied, many are lent, with their count of loans. */
void pipe_queue_give(struct pipe_queue *queue, struct pipe_heap *heap, struct body_chunk *chunk);

/* Empties it. */
void pipe_queue_drop(struct pipe_queue *queue, struct pipe_heap *heap);

#endif
