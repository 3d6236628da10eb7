/*
 * load/list.h - requests that are kept for the whole run: those of the command line, or of a file
 * that is not large.
 *
 * Those without variables are made once. The order is that of the file; a request with a weight of
 * N has N places, spread evenly.
 *
 * Owner: the plan. Read-only once finished; any thread may read.
 */
#ifndef WEIR_LOAD_LIST_H
#define WEIR_LOAD_LIST_H

#include "tools/load/form.h"

struct load_item {
  size_t form;                    /* its offset in `forms` */
  struct load_instance *prepared; /* NULL: it varies */
  struct header *fixed;           /* then what does not vary of it: see load_form_fix() */
};

struct load_list {
  struct load_buffer forms;
  struct load_item *items;
  size_t count;
  uint32_t *order; /* indices of items */
  size_t order_count;
};

/* Makes a list of the forms in `list->forms`; `by_time`: in the order of their times. False when memory was
 * refused, or there are more places than LOAD_PLACES_MAX. Call load_list_free() in either case. */
__attribute__((warn_unused_result)) bool load_list_finish(struct load_list *list,
                                                          const struct load_rules *rules,
                                                          bool by_time,
                                                          const struct failure *failure);
void load_list_free(struct load_list *list);

static inline const struct load_form *load_list_form(const struct load_list *list, size_t item) {
  return (const struct load_form *)(list->forms.at + list->items[item].form);
}

#endif
