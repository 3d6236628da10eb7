/*
 * http/field_rules.h - a filter (http/answer_filter.h) that sets, adds and removes fields of final responses, as an
 * operator says.
 * Spec: RFC 9110 section 5.3 (fields of one name), RFC 6797 section 7.2 (Strict-Transport-Security only over secure
 * transport: its rules do nothing elsewhere), RFC 9110 section 8.4 (Content-Encoding: its rules are about content
 * that is stored encoded, so they do nothing to errors, redirects, and responses that have a coding already), section
 * 14.6 (the Content-Type of several ranges is not the file's: its rules do not touch it).
 *
 * Owner: the one that makes the rules; they do not change while responses pass. All cores may share them.
 */
#ifndef WEIR_FIELD_RULES_H
#define WEIR_FIELD_RULES_H

#include "engine/http/answer_filter.h"

enum field_rule_kind {
  FIELD_SET,    /* in place of the first field of that name, without the others; or at the end */
  FIELD_ADD,    /* at the end, beside others of that name */
  FIELD_REMOVE, /* all fields of that name; the value does not matter */
};

struct field_rule {
  enum field_rule_kind kind;
  struct header field; /* header_of(), or the token of its name */
};

struct field_rules {
  struct answer_filter filter; /* first */
  const struct field_rule *at; /* kept; applied in order */
  uint32_t count;              /* at most FIELD_RULES_MAX (asserted) */
};

/* Makes the filter, which passes responses on to `next`. A response with more than FIELD_RULES_FIELDS_MAX fields in
 * all becomes a 500 without a body, which the rules apply to as well. */
void field_rules_init(struct field_rules *rules, const struct field_rule *at, uint32_t count,
                      const struct answer_filter *next);

/* Why there can be no such rule: a static line that follows the field's name; NULL: there can. The name is in lower
 * case. */
const char *field_rule_refusal(enum field_rule_kind kind, struct span name, struct span value);

#endif
