/*
 * pipe/queue.c - see pipe/queue.h.
 */
#include "tools/pipe/queue.h"

#include <assert.h>
#include <string.h>

struct pipe_piece {
  struct pipe_piece *next;
  uint32_t begin, end; /* of `bytes`: those that are queued */
  uint32_t loans;      /* of bytes before `begin` that a protocol still needs */
  const uint8_t *base; /* `bytes`, or vaulted bytes, which it holds */
  uint8_t bytes[PIPE_PIECE_BYTES];
};

static bool is_vaulted(const struct pipe_piece *piece) {
  return piece->base != piece->bytes;
}

/* ---- the heap -------------------------------------------------------------------------------- */

void pipe_heap_init(struct pipe_heap *heap, const struct memory *memory, uint32_t pieces_max) {
  const size_t bytes = sizeof(struct pipe_piece);
  pool_init(&heap->pieces, memory, bytes, pool_chunk_count(bytes), pieces_max);
  heap->lent = NULL;
}

static void free_piece(struct pipe_heap *heap, struct pipe_piece *piece) {
  if (is_vaulted(piece)) heap->vault->release(heap->vault, span_of(piece->base, 0));
  pool_give(&heap->pieces, piece);
}

/* Frees those whose loans have come back. */
static void reclaim(struct pipe_heap *heap) {
  struct pipe_piece **at = &heap->lent;
  while (*at) {
    struct pipe_piece *piece = *at;
    if (piece->loans > 0) {
      at = &piece->next;
      continue;
    }
    *at = piece->next;
    free_piece(heap, piece);
  }
}

/* It is empty. */
static void give(struct pipe_heap *heap, struct pipe_piece *piece) {
  if (piece->loans == 0) {
    free_piece(heap, piece);
    return;
  }
  piece->next = heap->lent;
  heap->lent = piece;
}

void pipe_heap_destroy(struct pipe_heap *heap) {
  reclaim(heap);
  assert(!heap->lent);
  pool_destroy(&heap->pieces);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static struct pipe_piece *add_piece(struct pipe_queue *queue, struct pipe_heap *heap) {
  reclaim(heap);
  struct pipe_piece *piece = pool_take(&heap->pieces);
  if (!piece) return NULL;
  piece->next = NULL;
  piece->begin = piece->end = piece->loans = 0;
  piece->base = piece->bytes;
  if (queue->last)
    queue->last->next = piece;
  else
    queue->first = piece;
  queue->last = piece;
  return piece;
}

/* The last piece, if it has room, or a new one. */
static struct pipe_piece *piece_with_room(struct pipe_queue *queue, struct pipe_heap *heap) {
  struct pipe_piece *last = queue->last;
  bool has_room = last && !is_vaulted(last) && last->end < PIPE_PIECE_BYTES;
  return has_room ? last : add_piece(queue, heap);
}

static bool add_vaulted(struct pipe_queue *queue, struct pipe_heap *heap, struct span vaulted) {
  struct pipe_piece *piece = add_piece(queue, heap);
  if (!piece) return false;
  heap->vault->hold(heap->vault, vaulted);
  piece->base = vaulted.base;
  piece->end = (uint32_t)vaulted.len;
  queue->bytes += vaulted.len;
  return true;
}

bool pipe_queue_add(struct pipe_queue *queue, struct pipe_heap *heap, struct span bytes) {
  if (span_is_vaulted(bytes)) return add_vaulted(queue, heap, bytes);
  for (size_t done = 0, len; done < bytes.len; done += len) {
    struct pipe_piece *piece = piece_with_room(queue, heap);
    if (!piece) return false;
    len = PIPE_PIECE_BYTES - piece->end;
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
    spans[count] = span_of(at->base + at->begin, at->end - at->begin);
    bytes += spans[count++].len;
  }
  return count;
}

static struct pipe_piece *unlink_first(struct pipe_queue *queue) {
  struct pipe_piece *first = queue->first;
  queue->first = first->next;
  if (!first->next) queue->last = NULL;
  return first;
}

void pipe_queue_take(struct pipe_queue *queue, struct pipe_heap *heap, size_t bytes) {
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
    give(heap, unlink_first(queue));
  }
}

/* Copies at most `max` bytes to `out` and takes them; returns their number. Stops where bytes are vaulted. */
static size_t read_out(struct pipe_queue *queue, struct pipe_heap *heap, uint8_t *out, size_t max) {
  size_t done = 0;
  while (done < max && queue->bytes > 0 && !is_vaulted(queue->first)) {
    const struct pipe_piece *first = queue->first;
    size_t len = first->end - first->begin;
    if (len > max - done) len = max - done;
    memcpy(out + done, first->base + first->begin, len);
    done += len;
    pipe_queue_take(queue, heap, len);
  }
  return done;
}

/* Lends the first `len` bytes, which are in one piece. The protocol counts its loan only later, so that the piece stays in
 * the queue for now, even if it is empty. */
static struct span lend(struct pipe_queue *queue, size_t len, uint32_t **loans) {
  struct pipe_piece *first = queue->first;
  struct span bytes = span_of(first->base + first->begin, len);
  first->begin += (uint32_t)len;
  queue->bytes -= len;
  *loans = &first->loans;
  return bytes;
}

/* Pieces that were lent to their end are still there. */
static void drop_empty(struct pipe_queue *queue, struct pipe_heap *heap) {
  while (queue->first && queue->first->begin == queue->first->end)
    give(heap, unlink_first(queue));
}

void pipe_queue_give(struct pipe_queue *queue, struct pipe_heap *heap, struct body_chunk *chunk) {
  drop_empty(queue, heap);
  const struct pipe_piece *first = queue->first;
  size_t len = first ? first->end - first->begin : 0;
  chunk->bytes = chunk->lent = span_of(NULL, 0);
  if (len <= OUT_COPY_BYTES_MAX && !(first && is_vaulted(first)))
    chunk->bytes = span_of(chunk->room, read_out(queue, heap, chunk->room, chunk->max));
  else if (chunk->lend_max > 0)
    chunk->lent = lend(queue, len < chunk->lend_max ? len : chunk->lend_max, &chunk->loans);
  else if (!is_vaulted(first) && chunk->max > 0)
    chunk->bytes = lend(queue, len < chunk->max ? len : chunk->max, &chunk->loans);
}

void pipe_queue_drop(struct pipe_queue *queue, struct pipe_heap *heap) {
  pipe_queue_take(queue, heap, queue->bytes);
  drop_empty(queue, heap);
}
