/*
 * h2/kept.c - see h2/kept.h.
 */
#include "engine/h2/kept.h"

#include "engine/h2/connection.h"

#include <string.h>

static struct h2_kept *make(struct h2 *h2, uint32_t size) {
  struct h2_kept *kept = memory_alloc(h2->http->memory, sizeof *kept + size);
  if (kept) *kept = (struct h2_kept){.size = size};
  return kept;
}

void h2_kept_discard(struct h2 *h2, struct h2_kept *kept) {
  memory_free(h2->http->memory, kept, sizeof *kept + kept->size);
}

/* Room for `more` bytes. False when memory was refused; what was kept stays. */
__attribute__((warn_unused_result)) static bool grow(struct h2 *h2, struct h2_stream *stream,
                                                     size_t more) {
  struct h2_kept *old = stream->kept;
  size_t need = (old ? old->len : 0) + more, size = old ? old->size : H2_KEPT_BYTES_FIRST;
  if (old && need <= size) return true;
  while (size < need)
    size *= 2;
  struct h2_kept *kept = make(h2, (uint32_t)size);
  if (!kept) return false;
  if (old) {
    memcpy(kept->bytes, old->bytes, old->len);
    kept->len = old->len;
    kept->released = old->released;
    h2_kept_discard(h2, old);
  }
  stream->kept = kept;
  return true;
}

bool h2_kept_add(struct h2 *h2, struct h2_stream *stream, struct span bytes, bool end) {
  if (!grow(h2, stream, bytes.len)) return false;
  struct h2_kept *kept = stream->kept;
  if (bytes.len) memcpy(kept->bytes + kept->len, bytes.base, bytes.len);
  kept->len += (uint32_t)bytes.len;
  kept->end = end;
  return true;
}

void h2_kept_free(struct h2 *h2, struct h2_stream *stream) {
  if (stream->kept) h2_kept_discard(h2, stream->kept);
  stream->kept = NULL;
}
