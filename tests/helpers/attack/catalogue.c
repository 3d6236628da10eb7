/*
 * attack/catalogue.c - the attacks, by name.
 */
#include "tests/helpers/attack/catalogue.h"

#include <stdio.h>
#include <string.h>

static const struct attack_list *const lists[] = {&attack_requests, &attack_control, &attack_data,
                                                  &attack_blocks,   &attack_slow,    &attack_h1,
                                                  &attack_ws,       &attack_spdy};

enum { LISTS = sizeof lists / sizeof *lists };

const struct attack *catalogue_find(const char *name) {
  for (size_t i = 0; i < LISTS; i++)
    for (size_t j = 0; j < lists[i]->count; j++)
      if (strcmp(lists[i]->at[j].name, name) == 0) return &lists[i]->at[j];
  return NULL;
}

void catalogue_print(void) {
  for (size_t i = 0; i < LISTS; i++)
    for (size_t j = 0; j < lists[i]->count; j++)
      printf("%-16s %s\n", lists[i]->at[j].name, lists[i]->at[j].what);
}
