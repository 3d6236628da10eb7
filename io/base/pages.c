/*
 * base/pages.c - see base/pages.h.
 */
#include "io/base/pages.h"

#include <assert.h>
#include <sys/mman.h>

_Static_assert(PAGES_COUNT <= UINT16_MAX, "pieces are kept by number");

/* Derived from both bounds. */
enum { RESERVED_BYTES = PAGES_COUNT * PAGES_BYTES };

/* No huge pages: a few bytes that the kernel still refers to would keep all of one. */
static void reserve(struct pages *pages) {
  void *base = mmap(NULL, RESERVED_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  pages->failed = base == MAP_FAILED;
  if (pages->failed) return;
  pages->base = base;
  (void)madvise(base, RESERVED_BYTES, MADV_NOHUGEPAGE); /* fails where the kernel has none */
}

static uint32_t number_of(const struct pages *pages, const uint8_t *bytes) {
  assert(pages_hold(pages, bytes));
  return (uint32_t)((size_t)(bytes - pages->base) / PAGES_BYTES);
}

/* Its memory goes back to the system. The kernel refuses if the process has locked its memory. */
static bool drop(struct pages *pages, uint32_t number) {
  if (madvise(pages->base + (size_t)number * PAGES_BYTES, PAGES_BYTES, MADV_DONTNEED)) return false;
  pages->referred[number] = false;
  return true;
}

uint8_t *pages_take(struct pages *pages) {
  if (!pages->base && !pages->failed) reserve(pages);
  if (!pages->base || (pages->free_count == 0 && pages->used == PAGES_COUNT)) return NULL;
  uint32_t number = pages->free_count > 0 ? pages->free[--pages->free_count] : pages->used++;
  return pages->base + (size_t)number * PAGES_BYTES;
}

bool pages_renew(struct pages *pages, uint8_t *piece) {
  uint32_t number = number_of(pages, piece);
  return !pages->referred[number] || drop(pages, number);
}

void pages_give(struct pages *pages, uint8_t *piece) {
  if (!piece) return;
  uint32_t number = number_of(pages, piece);
  assert(pages->free_count < pages->used);
  (void)drop(pages, number); /* if it fails, the next to write there fails again */
  pages->free[pages->free_count++] = (uint16_t)number;
}

void pages_refer(struct pages *pages, const uint8_t *bytes) {
  pages->referred[number_of(pages, bytes)] = true;
}

void pages_close(struct pages *pages) {
  if (pages->base) munmap(pages->base, RESERVED_BYTES);
  *pages = (struct pages){.base = NULL};
}
