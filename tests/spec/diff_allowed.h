/*
 * spec/diff_allowed.h - where weir and libnghttp2 1.52 differ, and why weir is right, or at least
 * not wrong.
 */
#ifndef WEIR_TESTS_DIFF_ALLOWED_H
#define WEIR_TESTS_DIFF_ALLOWED_H

#include <stddef.h>

struct diff_allowed {
  const char *what;  /* the frame's description: a shell pattern, like the next two */
  const char *weir;  /* the next entry of weir's log */
  const char *other; /* of nghttp2's */
  const char *why;   /* the section of RFC 9113 that justifies weir */
};

extern const struct diff_allowed diff_allowed[];
extern const size_t diff_allowed_count;

/* The first matching row, or NULL. */
const struct diff_allowed *diff_allowed_find(const char *what, const char *weir, const char *other);

#endif
