/*
 * site/hints.c - a page by its path; see site/hints.h.
 */
#include "engine/site/hints.h"

static int compare(struct span a, struct span b) {
  size_t common = a.len < b.len ? a.len : b.len;
  int order = common > 0 ? __builtin_memcmp(a.base, b.base, common) : 0;
  if (order != 0) return order;
  return (a.len > b.len) - (a.len < b.len);
}

const struct site_page *site_hints_find(const struct site_hints *hints, struct span path) {
  uint32_t low = 0, high = hints->page_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = compare(path, hints->pages[middle].path);
    if (order == 0) return &hints->pages[middle];
    if (order < 0) high = middle;
    if (order > 0) low = middle + 1;
  }
  return NULL;
}
