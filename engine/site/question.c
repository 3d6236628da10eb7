/*
 * site/question.c - which fields matter, and a copy of them all; see site/question.h.
 */
#include "engine/site/question.h"

#define BIT(token) (1ull << (token))

/* Fields that an answer depends on, and the two that a push repeats. */
static const uint64_t relevant_fields =
    BIT(TOKEN_ACCEPT_ENCODING) | BIT(TOKEN_RANGE) | BIT(TOKEN_IF_RANGE) | BIT(TOKEN_IF_MATCH) |
    BIT(TOKEN_IF_NONE_MATCH) | BIT(TOKEN_IF_MODIFIED_SINCE) | BIT(TOKEN_IF_UNMODIFIED_SINCE) |
    BIT(TOKEN_SCHEME) | BIT(TOKEN_AUTHORITY);
_Static_assert(TOKEN_IF_UNMODIFIED_SINCE < 64, "these tokens fit one word");

static bool is_relevant(const struct header *field) {
  return field->token < 64 && relevant_fields >> field->token & 1;
}

/* Whether more fields matter than a question that waits may keep. */
static bool too_many(const struct headers *fields) {
  if (fields->count <= SITE_CONDITION_FIELDS_MAX) return false;
  unsigned relevant = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    relevant += is_relevant(&fields->at[i]);
  return relevant > SITE_CONDITION_FIELDS_MAX;
}

bool site_question_note(struct site_question *question, const struct headers *fields) {
  question->fields = fields;
  question->seen = headers_tokens(fields);
  if (site_question_has(question, TOKEN_ACCEPT_ENCODING))
    negotiate_read(&question->negotiation, fields);
  return !too_many(fields);
}

/* ---- a question that waits ------------------------------------------------------------------- */

/* One piece of memory: this, and `bytes` behind it for the strings. */
struct waiting {
  struct site_question question; /* first */
  struct headers fields;
  struct header field[SITE_CONDITION_FIELDS_MAX];
  size_t bytes;
  uint8_t room[];
};

static size_t relevant_bytes(const struct headers *fields) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    if (is_relevant(&fields->at[i])) bytes += fields->at[i].value.len;
  return bytes;
}

static struct span copy(uint8_t **room, struct span text) {
  uint8_t *at = *room;
  if (text.len > 0) __builtin_memcpy(at, text.base, text.len);
  *room += text.len;
  return span_of(at, text.len);
}

static void copy_fields(struct waiting *waiting, const struct headers *fields, uint8_t *room) {
  headers_init(&waiting->fields, waiting->field, SITE_CONDITION_FIELDS_MAX, NULL, 0, SIZE_MAX);
  for (uint32_t i = 0; i < fields->count; i++) {
    struct header field = fields->at[i];
    if (!is_relevant(&field)) continue;
    field.name = header_token_name(field.token);
    field.value = copy(&room, field.value);
    headers_add(&waiting->fields, field);
  }
}

struct site_question *site_question_keep(const struct memory *memory,
                                         const struct site_question *question) {
  size_t bytes = SITE_ROOM_BYTES + question->target.query.len + relevant_bytes(question->fields);
  struct waiting *waiting = memory_alloc(memory, sizeof *waiting + bytes);
  if (!waiting) return NULL;
  waiting->bytes = bytes;
  waiting->question = *question;

  uint8_t *room = waiting->room + SITE_ROOM_BYTES;
  struct site_question *kept = &waiting->question;
  __builtin_memcpy(waiting->room, question->room, question->target.path.len);
  kept->room = waiting->room;
  kept->target.path.base = waiting->room;
  kept->target.query = copy(&room, question->target.query);
  copy_fields(waiting, question->fields, room);
  kept->fields = &waiting->fields;
  return kept;
}

void site_question_drop(const struct memory *memory, struct site_question *question) {
  struct waiting *waiting = (struct waiting *)question;
  if (waiting) memory_free(memory, waiting, sizeof *waiting + waiting->bytes);
}
