/*
 * load/list.c - see load/list.h.
 */
#include "tools/load/list.h"

#include "engine/hpack/encode.h"

/* ---- items ----------------------------------------------------------------------------------- */

static bool find_items(struct load_list *list) {
  const struct load_buffer *forms = &list->forms;
  size_t count = 0, at;
  for (at = 0; at < forms->len; at += ((const struct load_form *)(forms->at + at))->bytes)
    count++;
  list->items = calloc(count ? count : 1, sizeof *list->items);
  if (!list->items) return false;
  for (at = 0; at < forms->len; at += ((const struct load_form *)(forms->at + at))->bytes)
    list->items[list->count++].form = at;
  return true;
}

static void note_fields(struct header *fields, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fields[i].name.len > 0) hpack_encode_note(&fields[i]);
}

static bool prepare_one(struct load_list *list, uint32_t index, const struct load_rules *rules) {
  const struct load_form *form = load_list_form(list, index);
  struct load_item *item = &list->items[index];
  if (form->varies) {
    item->fixed = load_form_fix(form);
    if (item->fixed) note_fields(item->fixed, form->field_count);
    return item->fixed;
  }
  struct load_instance *instance = item->prepared = calloc(1, sizeof *instance);
  if (!instance || !load_form_fill(form, NULL, rules, NULL, instance)) return false;
  instance->target.prepared = true;
  instance->target.index = index;
  note_fields((struct header *)instance->at, instance->target.field_count);
  return true;
}

static bool prepare(struct load_list *list, const struct load_rules *rules) {
  uint32_t index = 0;
  while (index < list->count && prepare_one(list, index, rules))
    index++;
  return index == list->count;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* The n-th of `weight` places of an item: (2 n + 1) / (2 weight) of the way. */
struct place {
  uint64_t time_ns; /* or 0, so that it does not count */
  uint32_t item, odd, even;
};

static int compare(const void *left, const void *right) {
  const struct place *a = left, *b = right;
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns ? -1 : 1;
  uint64_t x = (uint64_t)a->odd * b->even, y = (uint64_t)b->odd * a->even;
  if (x != y) return x < y ? -1 : 1;
  return (a->item > b->item) - (a->item < b->item);
}

static bool make_order(struct load_list *list, bool by_time) {
  size_t places = 0, at = 0;
  for (size_t i = 0; i < list->count; i++)
    places += load_list_form(list, i)->weight;
  if (places > LOAD_PLACES_MAX) return false;
  struct place *all = calloc(places ? places : 1, sizeof *all);
  list->order = calloc(places ? places : 1, sizeof *list->order);
  if (!all || !list->order) {
    free(all);
    return false;
  }
  for (uint32_t i = 0; i < list->count; i++) {
    const struct load_form *form = load_list_form(list, i);
    for (uint32_t n = 0; n < form->weight; n++)
      all[at++] = (struct place){.time_ns = by_time ? form->time_ns : 0,
                                 .item = i,
                                 .odd = 2 * n + 1,
                                 .even = 2 * form->weight};
  }
  qsort(all, places, sizeof *all, compare);
  for (size_t i = 0; i < places; i++)
    list->order[i] = all[i].item;
  list->order_count = places;
  free(all);
  return true;
}

bool load_list_finish(struct load_list *list, const struct load_rules *rules, bool by_time,
                      const struct failure *failure) {
  if (find_items(list) && prepare(list, rules) && make_order(list, by_time)) return true;
  return failure_set(failure, "out of memory, or more than %d requests with their weights",
                     LOAD_PLACES_MAX);
}

void load_list_free(struct load_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i].prepared) free(list->items[i].prepared->at);
    free(list->items[i].prepared);
    free(list->items[i].fixed);
  }
  free(list->items);
  free(list->order);
  load_buffer_free(&list->forms);
  *list = (struct load_list){0};
}
