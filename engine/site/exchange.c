/*
 * site/exchange.c - the beginning and the end of an exchange; see site/exchange.h.
 */
#include "engine/site/exchange.h"

#include <assert.h>

struct site_exchange *site_exchange_take(struct site *site, struct stream *stream) {
  struct site_exchange *exchange = pool_take(&site->exchanges);
  if (!exchange) return NULL;
  exchange->site = site;
  exchange->stream = stream;
  exchange->waiting = NULL;
  exchange->file = exchange->sent = NULL;
  exchange->page = NULL;
  exchange->reading = exchange->arrived = exchange->failed = exchange->starved = false;
  return exchange;
}

void site_exchange_release(const struct site *site, struct site_entry *entry) {
  if (entry) site->settings.source.ops->release(site->settings.source.self, entry);
}

void site_exchange_free(struct site_exchange *exchange) {
  struct site *site = exchange->site;
  assert(!exchange->reading && !exchange->starved);
  if (exchange->sent != exchange->file) site_exchange_release(site, exchange->sent);
  site_exchange_release(site, exchange->file);
  site_question_drop(site->settings.memory, exchange->waiting);
  if (exchange->page) memory_free(site->settings.memory, exchange->page, exchange->page_bytes);
  pool_give(&site->exchanges, exchange);
}
