/*
 * http/field_rules.c - see http/field_rules.h.
 */
#include "engine/http/field_rules.h"

#include <assert.h>
#include <string.h>

#include "engine/http/contract.h"
#include "engine/http/limits.h"

/* The fields on their way; `full`: there was no room. */
struct list {
  struct header at[FIELD_RULES_FIELDS_MAX];
  size_t count;
  bool full;
};

static void append(struct list *list, const struct header *field) {
  list->full |= list->count == FIELD_RULES_FIELDS_MAX;
  if (!list->full) list->at[list->count++] = *field;
}

static bool is_same_name(const struct header *a, const struct header *b) {
  if (a->token != TOKEN_UNKNOWN && b->token != TOKEN_UNKNOWN) return a->token == b->token;
  return span_equal(a->name, b->name);
}

/* Drops the fields of that name from index `from` on. */
static void drop(struct list *list, const struct header *field, size_t from) {
  size_t kept = from;
  for (size_t i = from; i < list->count; i++)
    if (!is_same_name(&list->at[i], field)) list->at[kept++] = list->at[i];
  list->count = kept;
}

static void set(struct list *list, const struct header *field) {
  size_t i = 0;
  while (i < list->count && !is_same_name(&list->at[i], field))
    i++;
  if (i == list->count) {
    append(list, field);
    return;
  }
  list->at[i] = *field;
  drop(list, field, i + 1);
}

static bool has(const struct list *list, enum header_token token) {
  for (size_t i = 0; i < list->count; i++)
    if (header_token_by_name(&list->at[i]) == token) return true;
  return false;
}

/* Only its content-type says where the parts begin and end (RFC 9110 section 14.6). */
static bool is_multipart(const struct list *list, unsigned status) {
  static const char type[] = "multipart/byteranges";
  for (size_t i = 0; status == 206 && i < list->count; i++)
    if (header_token_by_name(&list->at[i]) == TOKEN_CONTENT_TYPE &&
        list->at[i].value.len >= sizeof type - 1 &&
        memcmp(list->at[i].value.base, type, sizeof type - 1) == 0)
      return true;
  return false;
}

/* Whether the response is one that the rule is about. */
static bool applies(const struct list *list, const struct field_rule *rule, unsigned status,
                    bool secure) {
  switch (rule->field.token) {
  case TOKEN_STRICT_TRANSPORT_SECURITY: return secure;
  case TOKEN_CONTENT_ENCODING:
    return (status < 300 || status == 304) && !has(list, TOKEN_CONTENT_ENCODING);
  case TOKEN_CONTENT_TYPE: return !is_multipart(list, status);
  default: return true;
  }
}

static void apply(struct list *list, const struct field_rules *rules, unsigned status,
                  bool secure) {
  for (uint32_t i = 0; i < rules->count; i++) {
    const struct field_rule *rule = &rules->at[i];
    if (!applies(list, rule, status, secure)) continue;
    switch (rule->kind) {
    case FIELD_SET: set(list, &rule->field); break;
    case FIELD_ADD: append(list, &rule->field); break;
    case FIELD_REMOVE: drop(list, &rule->field, 0); break;
    }
  }
}

static bool respond(const struct answer_filter *filter, struct stream *stream,
                    struct response *response) {
  const struct field_rules *rules = (const struct field_rules *)(const void *)filter;
  const bool secure = stream->peer && stream->peer->secure;
  struct list list;
  list.count = 0;
  list.full = false;
  for (size_t i = 0; i < response->count; i++)
    append(&list, &response->fields[i]);
  apply(&list, rules, response->status, secure);
  if (list.full) {
    contract_drop(response->body);
    *response = (struct response){.status = 500};
    list.count = 0;
    list.full = false;
    apply(&list, rules, response->status, secure);
  }
  response->fields = list.at;
  response->count = list.count;
  response->set = NULL;
  return answer_filter_pass(filter, stream, response);
}

void field_rules_init(struct field_rules *rules, const struct field_rule *at, uint32_t count,
                      const struct answer_filter *next) {
  assert(count <= FIELD_RULES_MAX);
  *rules =
      (struct field_rules){.filter = {.respond = respond, .next = next}, .at = at, .count = count};
}

const char *field_rule_refusal(enum field_rule_kind kind, struct span name, struct span value) {
  enum header_token token = header_token_of(name);
  if (header_name_flags(name) || name.base[0] == ':') return "is not a field's name";
  if (header_token_is_of_connection(token) || token == TOKEN_TE || token == TOKEN_TRAILER)
    return "is about the connection";
  if (token == TOKEN_CONTENT_LENGTH || token == TOKEN_CONTENT_RANGE ||
      (token == TOKEN_CONTENT_ENCODING && kind == FIELD_REMOVE))
    return "follows from the body";
  if (kind == FIELD_REMOVE && (token == TOKEN_DATE || token == TOKEN_SERVER))
    return "is sent with every response; it can only be set";
  if (kind != FIELD_REMOVE && header_value_flags(value)) return "cannot have this value";
  return NULL;
}
