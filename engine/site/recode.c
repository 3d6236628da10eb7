/*
 * site/recode.c - see site/recode.h.
 */
#include "engine/site/recode.h"

#include <assert.h>

#include "engine/site/facts.h"

/* The coding to make of a file that is sent as it is; CODING_IDENTITY: none. */
static enum coding encoding_for(const struct site_exchange *exchange,
                                const struct site_question *question) {
  bool range = site_question_has(question, TOKEN_RANGE) && !question->head;
  bool plain = question->negotiation.rank[CODING_IDENTITY] > 0;
  if (!exchange->sent->facts.encodable || (range && plain)) return CODING_IDENTITY;
  return negotiate_best(&question->negotiation, exchange->site->settings.encodings);
}

/* Whether it is a sibling, of a missing file, that the client does not take. */
static bool is_foreign(const struct site_question *question) {
  return question->chosen != CODING_IDENTITY && question->negotiation.rank[question->chosen] == 0;
}

/* In which coding; CODING_IDENTITY, too, for one that is foreign. */
static enum coding target_of(const struct site_exchange *exchange,
                             const struct site_question *question) {
  return question->chosen == CODING_IDENTITY ? encoding_for(exchange, question) : CODING_IDENTITY;
}

bool site_recode_is_due(const struct site_exchange *exchange,
                        const struct site_question *question) {
  if (!exchange->site->settings.source.ops->recode) return false;
  return target_of(exchange, question) != CODING_IDENTITY || is_foreign(question);
}

bool site_recode_begin(const struct site_exchange *exchange, struct site_question *question) {
  question->recoding = site_recode_is_due(exchange, question);
  if (question->recoding) question->coding = target_of(exchange, question);
  return question->recoding;
}

enum site_result site_recode_make(struct site_exchange *exchange,
                                  const struct site_question *question) {
  const struct site_source *source = &exchange->site->settings.source;
  return source->ops->recode(source->self, exchange->sent, question->chosen, question->coding,
                             &exchange->lookup);
}

bool site_recode_end(struct site_exchange *exchange, struct site_question *question,
                     enum site_result result) {
  struct site *site = exchange->site;
  struct site_entry *made = exchange->lookup.entry;
  question->recoding = false;
  if (result != SITE_FOUND) return !is_foreign(question);
  site_facts_recode(&site->settings, &site->types, made, exchange->sent, question->coding,
                    question->target.path);
  assert(exchange->sent == exchange->file); /* the origin stays held as the file */
  exchange->sent = made;
  question->chosen = question->coding;
  return true;
}
