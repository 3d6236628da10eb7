/*
 * site/conditional.h - whether a request's preconditions let it proceed.
 * Spec: RFC 9110 section 13; the order of evaluation is section 13.2.2's.
 */
#ifndef WEIR_CONDITIONAL_H
#define WEIR_CONDITIONAL_H

#include "engine/http/headers.h"

/* The validators of the selected representation. */
struct validators {
  struct span etag;         /* `"..."` with its quotes, or `W/"..."` */
  int64_t modified_seconds; /* Last-Modified, since 1970 */
  int64_t now_seconds;      /* wall clock, since 1970; 0: unknown */
};

enum conditional_result {
  CONDITIONAL_PROCEED,
  CONDITIONAL_NOT_MODIFIED, /* 304, for GET and HEAD */
  CONDITIONAL_FAILED,       /* 412 */
};

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since of a GET or HEAD. A
 * date that cannot be read is ignored (sections 13.1.3 and 13.1.4); so are entity tags beyond
 * FIELD_LIST_BYTES_MAX. */
__attribute__((warn_unused_result)) enum conditional_result
conditional_evaluate(const struct headers *fields, const struct validators *validators);

/* Whether the Range field of the same request counts: there is no If-Range, or it names exactly
 * this representation by a strong validator (section 13.1.5). A date is a strong validator only
 * when it is at least a second before now (section 8.8.2.2): the file cannot have changed twice in
 * it. */
__attribute__((warn_unused_result)) bool
conditional_range_counts(const struct headers *fields, const struct validators *validators);

#endif
