/*
 * h1/known.c - see h1/known.h.
 *
 * What is kept at a place is compared by every byte, so that a client which finds two heads for one place only makes
 * itself slower.
 */
#include "engine/h1/known.h"

#include "engine/base/hash.h"
#include "engine/http/request_copy.h"

#include <string.h>

/* One allocation: this, the fields and their strings, and the head. */
struct h1_known {
  struct h1_said said;
  struct span head;
  bool secure;
  size_t bytes; /* of all this */
  struct headers fields;
  struct header room[];
};

/* ---- places ---------------------------------------------------------------------------------- */

/* Of the first line; 0: it is too long. */
static uint64_t mark_of(struct span in, struct h1_from from) {
  const size_t most = in.len < H1_KNOWN_BYTES_MAX ? in.len : H1_KNOWN_BYTES_MAX;
  const uint8_t *end = memchr(in.base, '\n', most);
  const uint64_t seed = (uint64_t)from.section << 1 | from.secure;
  return end ? hash_of(seed, span_of(in.base, (size_t)(end - in.base) + 1)) : 0;
}

static bool begins_with(struct span in, const struct h1_known *known) {
  return in.len >= known->head.len && memcmp(in.base, known->head.base, known->head.len) == 0;
}

const struct h1_said *h1_known_find(const struct h1_known_places *places, struct span in,
                                    struct h1_from from) {
  const uint64_t mark = mark_of(in, from);
  const struct h1_known *known = mark ? places->kept[mark % H1_KNOWN_COUNT] : NULL;
  return known && known->secure == from.secure && begins_with(in, known) ? &known->said : NULL;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* NULL when it would be too long, or memory was refused. */
static struct h1_known *make(const struct memory *memory, struct span head, struct h1_from from,
                             const struct h1_said *said) {
  const size_t copy_bytes = request_copy_bytes(&said->request);
  const size_t bytes = sizeof(struct h1_known) + copy_bytes + head.len;
  struct h1_known *known = bytes <= H1_KNOWN_BYTES_MAX ? memory_alloc(memory, bytes) : NULL;
  if (!known) return NULL;
  uint8_t *text = (uint8_t *)known->room + copy_bytes;
  memcpy(text, head.base, head.len);
  known->said = *said;
  known->head = span_of(text, head.len);
  known->secure = from.secure;
  known->bytes = bytes;
  request_copy(&known->said.request, &known->fields, known->room);
  return known;
}

static void drop(struct h1_known **place, const struct memory *memory) {
  if (*place) memory_free(memory, *place, (*place)->bytes);
  *place = NULL;
}

struct request *h1_known_note(struct h1_known_places *places, const struct memory *memory,
                              struct span head, struct h1_from from, const struct h1_said *said) {
  const uint64_t mark = mark_of(head, from);
  if (mark == 0) return NULL;
  const unsigned place = mark % H1_KNOWN_COUNT;
  const uint32_t tag = (uint32_t)(mark >> 32) | 1;
  const bool again = places->seen[place] == tag;
  places->seen[place] = tag;
  if (!again) return NULL;
  drop(&places->kept[place], memory);
  places->kept[place] = make(memory, head, from, said);
  return places->kept[place] ? &places->kept[place]->said.request : NULL;
}

void h1_known_free(struct h1_known_places *places, const struct memory *memory) {
  for (unsigned i = 0; i < H1_KNOWN_COUNT; i++) {
    drop(&places->kept[i], memory);
    places->seen[i] = 0;
  }
}
