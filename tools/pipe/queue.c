/*
 * pipe/queue.c - see pipe/queue.h.
 */
#include "tools/pipe/queue.h"

#include <assert.h>
#include <string.h>

struct pipe_piece {
  struct pipe_piece *next;
  uint32_t begin, end; /* of `bytes`: those that are queued */
  uint8_t bytes[];
};

/* Derived from the size of a piece. */
enum { ROOM_BYTES = PIPE_PIECE_BYTES - sizeof(struct pipe_piece) };

void pipe_queue_pool_init(struct pool *pool, const struct memory *memory, uint32_t pieces_max) {
  pool_init(pool, memory, PIPE_PIECE_BYTES, pool_chunk_count(PIPE_PIECE_BYTES), pieces_max);
}

/* The last piece, if it has room, or a new one. */
static struct pipe_piece *piece_with_room(struct pipe_queue *queue, struct pool *pool) {
  struct pipe_piece *last = queue->last;
  if (last && last->end < ROOM_BYTES) return last;
  struct pipe_piece *piece = pool_take(pool);
  if (!piece) return NULL;
  piece->next = NULL;
  piece->begin = piece->end = 0;
  if (last)
    last->next = piece;
  else
    queue->first = piece;
  queue->last = piece;
  return piece;
}

bool pipe_queue_add(struct pipe_queue *queue, struct pool *pool, struct span bytes) {
  for (size_t done = 0, len; done < bytes.len; done += len) {
    struct pipe_piece *piece = piece_with_room(queue, pool);
    if (!piece) return false;
    len = ROOM_BYTES - piece->end;
    if (len > bytes.len - done) len = bytes.len - done;
    memcpy(piece->bytes + piece->end, bytes.base + done, len);
    piece->end += (uint32_t)len;
    queue->bytes += len;
  }
  return true;
}

size_t pipe_queue_peek(const struct pipe_queue *queue, struct span *spans, size_t max,
                       size_t bytes_max) {
  size_t count = 0, bytes = 0;
  for (const struct pipe_piece *at = queue->first; at && count < max && bytes < bytes_max;
       at = at->next) {
    spans[count] = span_of(at->bytes + at->begin, at->end - at->begin);
    bytes += spans[count++].len;
  }
  return count;
}

void pipe_queue_take(struct pipe_queue *queue, struct pool *pool, size_t bytes) {
  assert(bytes <= queue->bytes);
  queue->bytes -= bytes;
  while (bytes > 0) {
    struct pipe_piece *first = queue->first;
    size_t len = first->end - first->begin;
    if (len > bytes) {
      first->begin += (uint32_t)bytes;
      return;
    }
    bytes -= len;
    queue->first = first->next;
    if (!first->next) queue->last = NULL;
    pool_give(pool, first);
  }
}

size_t pipe_queue_read(struct pipe_queue *queue, struct pool *pool, uint8_t *out, size_t max) {
  size_t done = 0;
  while (done < max && queue->bytes > 0) {
    const struct pipe_piece *first = queue->first;
    size_t len = first->end - first->begin;
    if (len > max - done) len = max - done;
    memcpy(out + done, first->bytes + first->begin, len);
    done += len;
    pipe_queue_take(queue, pool, len);
  }
  return done;
}

void pipe_queue_drop(struct pipe_queue *queue, struct pool *pool) {
  pipe_queue_take(queue, pool, queue->bytes);
}
