/*
 * site/again.c - see site/again.h. A place for each number, which the next one that belongs there takes.
 */
#include "engine/site/again.h"

#include "engine/site/answer.h"
#include "engine/site/recode.h"

static struct site_again *place_of(struct site *site, uint64_t number) {
  return &site->again[number % SITE_AGAIN_COUNT];
}

/* Whether another lookup would lead to the same file alone: at its own path, or as a directory's first index. */
static bool is_found_at_once(const struct site_exchange *exchange,
                             const struct site_question *question) {
  const struct site_facts *facts = &exchange->file->facts;
  if (exchange->sent != exchange->file || question->fallback || question->index > 1) return false;
  return !site_recode_is_due(exchange, question) &&
         (facts->compressed ||
          negotiate_best(&question->negotiation, facts->siblings) == CODING_IDENTITY);
}

/* Whether the answer is the file as it is, whatever the time and its version. */
static bool is_whole(const struct site_exchange *exchange, const struct site_question *question) {
  return !question->head && !site_question_has_conditions(question) &&
         !site_question_has(question, TOKEN_RANGE) && !exchange->site->settings.hints;
}

void site_again_note(const struct site_exchange *exchange, const struct site_question *question) {
  if (question->number == 0 || question->listing == 0) return;
  if (!is_whole(exchange, question) || !is_found_at_once(exchange, question)) return;
  *place_of(exchange->site, question->number) =
      (struct site_again){.number = question->number,
                          .listing = question->listing,
                          .siblings_until_ns = exchange->file->facts.siblings_until_ns,
                          .entry = exchange->file,
                          .set = site_answer_set(exchange, question)};
}

/* What is known about siblings is still what was known then. */
static bool is_believed(const struct site_again *again, uint64_t now_ns) {
  const struct site_facts *facts = &again->entry->facts;
  return facts->compressed || (facts->siblings_until_ns == again->siblings_until_ns &&
                               now_ns < again->siblings_until_ns);
}

struct header_set *site_again_find(struct site_exchange *exchange, uint64_t number,
                                   uint64_t now_ns) {
  struct site *site = exchange->site;
  const struct site_source *source = &site->settings.source;
  struct site_again *again = place_of(site, number);
  if (again->number != number) return NULL;
  if (source->ops->again(source->self, again->entry, again->listing, now_ns, &exchange->lookup)) {
    exchange->file = exchange->sent = exchange->lookup.entry;
    if (is_believed(again, now_ns)) return again->set;
    site_exchange_release(site, exchange->file);
    exchange->file = exchange->sent = NULL;
  }
  again->number = 0;
  return NULL;
}
