/*
 * site/siblings.c - see site/siblings.h.
 */
#include "engine/site/siblings.h"

#include "engine/site/facts.h"
#include "engine/site/mime.h"

struct span site_siblings_path(const struct site_question *question) {
  struct span path = question->target.path;
  if (question->find_file) return path;
  struct span suffix = coding_suffix(question->coding);
  __builtin_memcpy(question->room + path.len, suffix.base, suffix.len);
  return span_of(question->room, path.len + suffix.len);
}

enum { ALL_SIBLINGS = 1u << CODING_BR | 1u << CODING_ZSTD | 1u << CODING_GZIP };

void site_siblings_plan_orphans(const struct site *site, struct site_question *question) {
  bool all = site->settings.source.ops->recode;
  if (mime_is_gzipped(question->target.path)) return;
  for (int coding = CODING_IDENTITY + 1; coding < CODING_COUNT; coding++)
    if (ALL_SIBLINGS >> coding & 1 && (all || question->negotiation.rank[coding] > 0))
      question->todo |= (uint8_t)(1u << coding);
  question->varies = question->todo != ALL_SIBLINGS;
}

void site_siblings_plan(const struct site_exchange *exchange, struct site_question *question) {
  const struct site_facts *facts = &exchange->file->facts;
  question->survey = !facts->compressed && question->now_ns >= facts->siblings_until_ns;
  if (facts->compressed) return;
  if (question->survey) {
    question->todo = ALL_SIBLINGS;
    return;
  }
  enum coding best = negotiate_best(&question->negotiation, facts->siblings);
  question->todo = best == CODING_IDENTITY ? 0 : (uint8_t)(1u << best);
}

bool site_siblings_next(struct site_question *question) {
  question->find_file = false;
  for (int coding = CODING_COUNT - 1; coding > CODING_IDENTITY; coding--)
    if (question->todo >> coding & 1) {
      question->todo &= (uint8_t) ~(1u << coding);
      question->coding = (enum coding)coding;
      return true;
    }
  return false;
}

void site_siblings_found(struct site_exchange *exchange, struct site_question *question,
                         struct site_entry *entry) {
  struct site *site = exchange->site;
  unsigned bit = 1u << question->coding;
  if (entry->directory) {
    site_exchange_release(site, entry);
    return;
  }
  question->found |= (uint8_t)bit;
  bool alone = !exchange->sent; /* the file is missing: whatever the client takes is right */
  unsigned candidates = bit | 1u << question->chosen;
  if (!alone && negotiate_best(&question->negotiation, candidates) != question->coding) {
    site_exchange_release(site, entry);
    return;
  }
  if (exchange->sent != exchange->file) site_exchange_release(site, exchange->sent);
  site_facts_prepare(&site->settings, &site->types, entry, site_siblings_path(question));
  site_facts_code(&site->settings, &site->types, entry, question->coding, question->target.path);
  exchange->sent = entry;
  question->chosen = question->coding;
}

void site_siblings_remember(struct site_exchange *exchange, const struct site_question *question) {
  struct site_facts *facts = &exchange->file->facts;
  if (!question->survey) return;
  facts->siblings = question->found;
  facts->siblings_until_ns = question->now_ns + SITE_SIBLINGS_NS;
}
