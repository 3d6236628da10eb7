/*
 * site/conditional.c - the decision of RFC 9110 section 13.2.2; see site/conditional.h.
 */
#include "engine/site/conditional.h"

#include "engine/http/date.h"
#include "engine/http/field_list.h"
#include "engine/http/limits.h"

enum comparison { STRONG, WEAK };

static bool is_weak(struct span tag) {
  return tag.len >= 2 && tag.base[0] == 'W' && tag.base[1] == '/';
}

static struct span opaque(struct span tag) {
  return is_weak(tag) ? span_of(tag.base + 2, tag.len - 2) : tag;
}

/* Section 8.8.3.2: weak tags match only in the weak comparison. */
static bool tag_matches(struct span tag, struct span ours, enum comparison comparison) {
  if (comparison == STRONG && (is_weak(tag) || is_weak(ours))) return false;
  return span_equal(opaque(tag), opaque(ours));
}

/* Whether any field of this name lists our tag, or is "*", which any existing file matches. */
static bool any_tag_matches(const struct headers *fields, enum header_token name, struct span ours,
                            enum comparison comparison) {
  size_t left = FIELD_LIST_BYTES_MAX;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token != name) continue;
    struct span list = field_front(fields->at[i].value, &left), tag;
    while (field_next(&list, &tag))
      if (span_is(tag, "*") || tag_matches(tag, ours, comparison)) return true;
  }
  return false;
}

/* The date of a field; false when it is absent, repeated or unreadable. */
static bool read_date(const struct headers *fields, enum header_token name, int64_t now_seconds,
                      int64_t *seconds) {
  const struct header *only = NULL;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token != name) continue;
    if (only) return false;
    only = &fields->at[i];
  }
  return only && http_date_parse(only->value, now_seconds, seconds);
}

enum conditional_result conditional_evaluate(const struct headers *fields,
                                             const struct validators *validators) {
  int64_t date, now = validators->now_seconds;
  struct span etag = validators->etag;

  if (headers_find(fields, TOKEN_IF_MATCH)) {
    if (!any_tag_matches(fields, TOKEN_IF_MATCH, etag, STRONG)) return CONDITIONAL_FAILED;
  } else if (read_date(fields, TOKEN_IF_UNMODIFIED_SINCE, now, &date)) {
    if (validators->modified_seconds > date) return CONDITIONAL_FAILED;
  }

  if (headers_find(fields, TOKEN_IF_NONE_MATCH)) {
    if (any_tag_matches(fields, TOKEN_IF_NONE_MATCH, etag, WEAK)) return CONDITIONAL_NOT_MODIFIED;
  } else if (read_date(fields, TOKEN_IF_MODIFIED_SINCE, now, &date)) {
    if (validators->modified_seconds <= date) return CONDITIONAL_NOT_MODIFIED;
  }
  return CONDITIONAL_PROCEED;
}

bool conditional_range_counts(const struct headers *fields, const struct validators *validators) {
  const struct header *if_range = headers_find(fields, TOKEN_IF_RANGE);
  if (!if_range) return true;
  struct span value = field_trim(if_range->value);
  if (is_weak(value) || (value.len > 0 && value.base[0] == '"'))
    return tag_matches(value, validators->etag, STRONG);
  int64_t date;
  if (!read_date(fields, TOKEN_IF_RANGE, validators->now_seconds, &date)) return false;
  return date == validators->modified_seconds && date < validators->now_seconds;
}
