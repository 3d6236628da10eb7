/*
 * load/draft.h - one request as it was read from a command line or a file, before it is checked.
 *
 * Ownership: the reader's. All spans are good until it reads the next request.
 */
#ifndef WEIR_LOAD_DRAFT_H
#define WEIR_LOAD_DRAFT_H

#include <string.h>

#include "engine/base/text.h"
#include "tools/load/limits.h"

struct load_draft_field {
  struct span name, value;
};

struct load_draft {
  struct span method; /* empty: GET, or POST with a body */
  struct span url;    /* may be relative */
  size_t field_count;
  struct span body;
  struct span body_path;    /* empty: `body`, or none */
  uint64_t body_zero_bytes; /* a body of zeros, if it has no other */
  bool has_body;            /* `body` is one, even if it is empty */
  bool absolute;            /* `url` must not be relative */
  bool literal;             /* braces are only braces */
  bool foreign;             /* read from a browser's log: requests to other servers are left out */
  uint32_t weight;          /* how often it is made before the next one */
  uint64_t time_ns;         /* when it was made; only differences matter */
  struct load_draft_field fields[LOAD_FORM_FIELDS_MAX]; /* last: not cleared */
};

static inline void load_draft_clear(struct load_draft *draft) {
  memset(draft, 0, offsetof(struct load_draft, fields));
  draft->weight = 1;
}

#endif
