/*
 * http/expectation.c - see http/expectation.h.
 */
#include "engine/http/expectation.h"

#include "engine/http/field_list.h"
#include "engine/http/limits.h"

enum expectation expectation_of(const struct headers *fields) {
  enum expectation found = EXPECT_NOTHING;
  size_t left = FIELD_LIST_BYTES_MAX;
  if (!headers_find(fields, TOKEN_EXPECT)) return found;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token != TOKEN_EXPECT) continue;
    struct span list = field_front(fields->at[i].value, &left), member;
    while (field_next(&list, &member)) {
      if (!span_is_ignoring_case(member, "100-continue")) return EXPECT_UNKNOWN;
      found = EXPECT_CONTINUE;
    }
  }
  return found;
}
