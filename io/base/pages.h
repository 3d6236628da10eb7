/*
 * base/pages.h - memory that the kernel may refer to, and that is therefore never written twice.
 *
 * A send by reference (link/splicer.h) does not copy bytes: the kernel refers to their pages until the peer's TCP
 * has acknowledged them, and nothing tells when that is. So a piece of this memory is *renewed* before it is
 * written again: the process gets other pages at the same addresses, and the kernel frees the old ones when it
 * is done with them.
 *
 * Owner: one loop. All zero at first; PAGES_COUNT pieces of address space are reserved with the first one, and
 * pages are taken as they are written.
 */
#ifndef WEIR_IO_PAGES_H
#define WEIR_IO_PAGES_H

#include "engine/base/machine.h"
#include "io/base/limits.h"

struct pages {
  uint8_t *base; /* NULL: not reserved */
  bool failed;   /* and will not be */
  uint32_t used; /* pieces that were ever taken: the first ones */
  uint32_t free_count;
  uint16_t free[PAGES_COUNT]; /* of the used ones, those that were given back */
  bool referred[PAGES_COUNT]; /* the kernel may refer to its pages */
};

/* A piece of PAGES_BYTES, at the beginning of a page, to be renewed before it is first written. NULL when all are
 * taken or memory is refused. */
__attribute__((warn_unused_result)) uint8_t *pages_take(struct pages *pages);

/* Its content is lost. False if the kernel does not allow it: the piece must not be written then. */
__attribute__((warn_unused_result)) bool pages_renew(struct pages *pages, uint8_t *piece);

/* Takes the piece back. NULL is allowed. */
void pages_give(struct pages *pages, uint8_t *piece);

/* The kernel may refer to these bytes from now on. They lie in one piece. */
void pages_refer(struct pages *pages, const uint8_t *bytes);

/* Frees all pieces. */
void pages_close(struct pages *pages);

/* Whether bytes at this address lie in a piece. */
__attribute__((warn_unused_result)) static inline bool pages_hold(const struct pages *pages,
                                                                  const uint8_t *bytes) {
  return pages->base &&
         (uintptr_t)bytes - (uintptr_t)pages->base < (size_t)PAGES_COUNT * PAGES_BYTES;
}

#endif
