/*
 * serve/demo/echo.c - see serve/demo/echo.h.
 */
#include "tools/serve/demo/echo.h"

/* bytes[used .. len). Small DATA frames share a piece. */
struct demo_echo_piece {
  struct demo_echo_piece *next;
  size_t capacity, len, used;
  uint8_t bytes[];
};

/* The last piece, with room for `len` more bytes; or NULL. */
static struct demo_echo_piece *piece_for(struct demo_echo *echo, const struct memory *memory,
                                         size_t len) {
  struct demo_echo_piece *last = echo->last;
  if (last && last->capacity - last->len >= len) return last;
  size_t capacity = len > DEMO_PIECE_BYTES_MIN ? len : DEMO_PIECE_BYTES_MIN;
  if (echo->kept + capacity > DEMO_ECHO_BYTES_MAX) return NULL;
  struct demo_echo_piece *piece = memory_alloc(memory, sizeof *piece + capacity);
  if (!piece) return NULL;
  *piece = (struct demo_echo_piece){.capacity = capacity};
  *(last ? &last->next : &echo->first) = piece;
  echo->last = piece;
  echo->kept += capacity;
  return piece;
}

bool demo_echo_keep(struct demo_echo *echo, const struct memory *memory, struct span bytes) {
  if (bytes.len == 0) return true;
  struct demo_echo_piece *piece = piece_for(echo, memory, bytes.len);
  if (!piece) return false;
  __builtin_memcpy(piece->bytes + piece->len, bytes.base, bytes.len);
  piece->len += bytes.len;
  return true;
}

static void free_first(struct demo_echo *echo, const struct memory *memory) {
  struct demo_echo_piece *piece = echo->first;
  echo->first = piece->next;
  if (!echo->first) echo->last = NULL;
  echo->kept -= piece->capacity;
  memory_free(memory, piece, sizeof *piece + piece->capacity);
}

size_t demo_echo_take(struct demo_echo *echo, const struct memory *memory, uint8_t *room,
                      size_t max) {
  struct demo_echo_piece *piece = echo->first;
  if (!piece) return 0;
  size_t count = piece->len - piece->used;
  if (count > max) count = max;
  __builtin_memcpy(room, piece->bytes + piece->used, count);
  piece->used += count;
  if (piece->used == piece->len) free_first(echo, memory);
  return count;
}

void demo_echo_free(struct demo_echo *echo, const struct memory *memory) {
  while (echo->first)
    free_first(echo, memory);
}
