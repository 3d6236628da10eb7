/*
 * load/target.h - one request as it is sent.
 *
 * Ownership: the source's, which lends it from load_source_next() to load_source_release().
 */
#ifndef WEIR_LOAD_TARGET_H
#define WEIR_LOAD_TARGET_H

#include "engine/http/headers.h"
#include "tools/load/cap.h"

struct load_target {
  const struct header *fields; /* pseudo-header fields first */
  size_t field_count;
  struct span body;           /* a base of NULL: zeros */
  bool has_body;              /* it may be empty */
  bool prepared;              /* it never varies, and lasts for the whole run */
  bool varies;                /* it is of the plan's list; the fields that vary are flagged so */
  uint32_t index;             /* prepared, or varies: its number, below plan->list.count */
  const struct load_cap *cap; /* or NULL */
};

/* Bytes of the body from `at` on: at most `max`, and at least one of those that are left. */
struct span load_target_body(const struct load_target *target, size_t at, size_t max);

#endif
