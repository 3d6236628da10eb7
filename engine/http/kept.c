/*
 * http/kept.c - see http/kept.h.
 */
#include "engine/http/kept.h"
#include "engine/http/limits.h"

#include <string.h>

void kept_free(const struct memory *memory, struct kept *kept) {
  if (kept) memory_free(memory, kept, sizeof *kept + kept->size);
}

/* Room for `more` bytes. */
__attribute__((warn_unused_result)) static bool grow(const struct memory *memory,
                                                     struct kept **kept, size_t more) {
  struct kept *old = *kept;
  size_t need = (old ? old->len : 0) + more, size = old ? old->size : KEPT_BYTES_FIRST;
  if (old && need <= size) return true;
  while (size < need)
    size *= 2;
  struct kept *larger = memory_alloc(memory, sizeof *larger + size);
  if (!larger) return false;
  *larger = (struct kept){.size = (uint32_t)size};
  if (old) {
    memcpy(larger->bytes, old->bytes, old->len);
    larger->len = old->len;
    larger->released = old->released;
    kept_free(memory, old);
  }
  *kept = larger;
  return true;
}

bool kept_add(const struct memory *memory, struct kept **kept, struct span bytes, bool end) {
  if (!grow(memory, kept, bytes.len)) return false;
  struct kept *at = *kept;
  if (bytes.len) memcpy(at->bytes + at->len, bytes.base, bytes.len);
  at->len += (uint32_t)bytes.len;
  at->end = end;
  return true;
}
