/*
 * http/field_copy.c - see http/field_copy.h.
 */
#include "engine/http/field_copy.h"

#include <string.h>

static uint8_t *put(uint8_t *at, struct span *text) {
  if (text->len) memcpy(at, text->base, text->len);
  text->base = at;
  return at + text->len;
}

struct field_copy *field_copy_make(const struct memory *memory, const struct header *fields,
                                   size_t count) {
  size_t size = sizeof(struct field_copy) + count * sizeof *fields;
  for (size_t i = 0; i < count; i++)
    size += fields[i].name.len + fields[i].value.len;
  struct field_copy *copy = memory_alloc(memory, size);
  if (!copy) return NULL;
  copy->size = size;
  copy->count = count;
  uint8_t *at = (uint8_t *)(copy->at + count);
  for (size_t i = 0; i < count; i++) {
    copy->at[i] = fields[i];
    at = put(at, &copy->at[i].name);
    at = put(at, &copy->at[i].value);
  }
  return copy;
}

void field_copy_free(const struct memory *memory, struct field_copy *copy) {
  if (copy) memory_free(memory, copy, copy->size);
}
