/*
 * load/sets.c - see load/sets.h.
 */
#include "tools/load/sets.h"

#include <stdlib.h>
#include <string.h>

/* The values stay the plan's, or the instance's. */
static struct header_set *make(const struct load_target *target) {
  size_t bytes = target->field_count * sizeof(struct header);
  struct header_set *set = calloc(1, sizeof *set + bytes);
  if (!set) return NULL;
  set->at = (struct header *)(set + 1);
  set->count = (uint32_t)target->field_count;
  memcpy(set->at, target->fields, bytes);
  return set;
}

static void patch(struct header_set *set, const struct load_target *target) {
  for (uint32_t i = 0; i < set->count; i++)
    if (set->at[i].flags & HEADER_VARIES) set->at[i] = target->fields[i];
}

struct header_set *load_sets_get(struct load_sets *sets, const struct load_target *target) {
  if (!(target->prepared || target->varies) || target->index >= LOAD_SETS_MAX) return NULL;
  if (!sets->at) sets->at = calloc(LOAD_SETS_MAX, sizeof(struct header_set *));
  if (!sets->at) return NULL;
  struct header_set **set = &sets->at[target->index];
  if (!*set)
    *set = make(target);
  else if (target->varies)
    patch(*set, target);
  return *set;
}

void load_sets_free(struct load_sets *sets) {
  for (unsigned i = 0; sets->at && i < LOAD_SETS_MAX; i++)
    free(sets->at[i]);
  free(sets->at);
  sets->at = NULL;
}
