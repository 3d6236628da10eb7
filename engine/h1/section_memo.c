/*
 * h1/section_memo.c - see h1/section_memo.h.
 */
#include "engine/h1/section_memo.h"

#include <assert.h>
#include <string.h>

static const size_t memos_bytes = H1_SECTION_MEMOS * sizeof(struct h1_section_memo);

/* ---- finding --------------------------------------------------------------------------------- */

enum { WORD = sizeof(uint64_t) }; /* derived from its type */

static uint64_t word_at(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* Some of the bytes decide: a mark that two sections share costs a comparison. */
uint32_t h1_section_memo_mark(struct span section) {
  const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* mixes all bits into the upper half */
  uint64_t sum = section.len;
  if (section.len >= 4 * WORD) {
    const uint8_t *end = section.base + section.len;
    sum = (sum ^ word_at(section.base)) * odd;
    sum = (sum ^ word_at(section.base + section.len / 2) ^ sum >> 32) * odd;
    sum = (sum ^ word_at(end - 2 * WORD) ^ sum >> 32) * odd;
  }
  return (uint32_t)(sum >> 32) | 1;
}

static size_t place_of(uint32_t mark) {
  return mark / 2 % H1_SECTION_MEMOS;
}

const struct h1_section_memo *h1_section_memo_find(const struct h1_section_memo *memos,
                                                   uint32_t mark, struct span bytes) {
  if (!memos || mark == 0) return NULL;
  const struct h1_section_memo *memo = &memos[place_of(mark)];
  if (memo->mark != mark || bytes.len < memo->len) return NULL;
  return memcmp(memo->text, bytes.base, memo->len) == 0 ? memo : NULL;
}

void h1_section_memo_recall(const struct h1_section_memo *memo, struct headers *fields) {
  assert(fields->count + memo->count <= fields->max);
  memcpy(fields->at + fields->count, memo->fields, memo->count * sizeof *memo->fields);
  fields->count += memo->count;
  fields->list_bytes += memo->list_bytes;
  fields->tokens = memo->tokens;
}

/* ---- noting ---------------------------------------------------------------------------------- */

static bool is_secret(unsigned token) {
  return token == TOKEN_AUTHORIZATION || token == TOKEN_PROXY_AUTHORIZATION ||
         token == TOKEN_COOKIE;
}

/* Those for which the start line, the body and the connection decide nothing else. */
static bool may_note(struct span section, const struct headers *fields, uint32_t first,
                     const struct h1_framing *framing) {
  bool fits =
      section.len <= H1_SECTION_MEMO_BYTES && fields->count - first <= H1_SECTION_MEMO_FIELDS;
  bool plain = framing->body == H1_BODY_NONE && framing->content_length < 0 &&
               !framing->upgrade.base && !framing->http2_settings.base;
  for (uint32_t i = first; i < fields->count && fits && plain; i++)
    plain = !is_secret(fields->at[i].token);
  return fits && plain;
}

/* The same bytes of the memo's copy, if the span is of the section; a copy of others, in `text`. */
static struct span moved(struct h1_section_memo *memo, struct span section, struct span span) {
  if (!span.base) return span;
  const uintptr_t begin = (uintptr_t)section.base, at = (uintptr_t)span.base;
  if (at >= begin && at - begin <= section.len) return span_of(memo->text + (at - begin), span.len);
  uint8_t *copy = memo->text + memo->used;
  memcpy(copy, span.base, span.len);
  memo->used += (uint16_t)span.len;
  return span_of(copy, span.len);
}

/* Known names are static; others are in lower case in the list's arena. They are not longer than in the section. */
static struct header moved_field(struct h1_section_memo *memo, struct span section,
                                 const struct header *field) {
  struct header out = *field;
  if (field->token == TOKEN_UNKNOWN) out.name = moved(memo, section, field->name);
  if (field->token != TOKEN_TE) out.value = moved(memo, section, field->value); /* static */
  return out;
}

static void note(struct h1_section_memo *memo, struct span section, const struct headers *fields,
                 uint32_t first, const struct h1_framing *framing) {
  memo->len = memo->used = (uint16_t)section.len;
  memcpy(memo->text, section.base, section.len);
  memo->framing = *framing;
  memo->framing.host = moved(memo, section, framing->host);
  memo->count = fields->count - first;
  memo->list_bytes = fields->list_bytes;
  memo->tokens = headers_tokens(fields);
  for (uint32_t i = 0; i < memo->count; i++)
    memo->fields[i] = moved_field(memo, section, &fields->at[first + i]);
}

/* False when memory was refused: every section is then read. */
static bool have_places(struct h1_section_memo **memos, const struct memory *memory) {
  if (*memos) return true;
  *memos = memory_alloc(memory, memos_bytes);
  if (*memos) memset(*memos, 0, memos_bytes);
  return *memos;
}

void h1_section_memo_note(struct h1_section_memo **memos, const struct memory *memory,
                          uint32_t mark, struct span section, const struct headers *fields,
                          uint32_t first, const struct h1_framing *framing) {
  if (!may_note(section, fields, first, framing) || !have_places(memos, memory)) return;
  struct h1_section_memo *memo = &(*memos)[place_of(mark)];
  memo->mark = mark;
  note(memo, section, fields, first, framing);
}

void h1_section_memo_free(struct h1_section_memo *memos, const struct memory *memory) {
  memory_free(memory, memos, memos_bytes);
}
