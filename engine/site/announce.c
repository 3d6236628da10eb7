/*
 * site/announce.c - pushes, a 103, link fields; see site/announce.h.
 *
 * A client that takes pushes gets a promise for each resource of this site. Every client gets the
 * links in the final response, and those that are known to take 103 early, too (stream_inform()).
 * Resources that were just pushed are left out of them.
 */
#include "engine/site/announce.h"

/* The promised request is the one that the client would make: its codings and its authority. */
static bool push(struct site_exchange *exchange, const struct site_question *question,
                 const struct site_preload *preload) {
  const struct header *scheme = headers_find(question->fields, TOKEN_SCHEME);
  const struct header *authority = headers_find(question->fields, TOKEN_AUTHORITY);
  const struct header *codings = headers_find(question->fields, TOKEN_ACCEPT_ENCODING);
  if (!scheme || !authority) return false;
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")),
      header_of(TOKEN_SCHEME, scheme->value),
      header_of(TOKEN_AUTHORITY, authority->value),
      header_of(TOKEN_PATH, preload->path),
      header_of(TOKEN_ACCEPT_ENCODING, codings ? codings->value : (struct span){0}),
  };
  return stream_push(exchange->stream, fields, codings ? 5 : 4) != NULL;
}

size_t site_announce(struct site_exchange *exchange, const struct site_question *question,
                     struct span path, struct header *fields) {
  struct site *site = exchange->site;
  const struct site_page *page = site_hints_find(site->settings.hints, path);
  if (!page || site->pushing) return 0;
  /* A client that asks conditionally has been here before, and has the rest too. */
  bool may_push = site->settings.push && !site_question_has(question, TOKEN_IF_NONE_MATCH) &&
                  !site_question_has(question, TOKEN_IF_MODIFIED_SINCE);
  size_t count = 0;
  for (uint32_t i = 0; i < page->preload_count && i < SITE_PRELOADS_MAX; i++) {
    const struct site_preload *preload = &page->preloads[i];
    site->pushing = true; /* what is promised may be asked for before stream_push() returns */
    bool pushed = may_push && preload->push && push(exchange, question, preload);
    site->pushing = false;
    if (!pushed) fields[count++] = header_of(TOKEN_LINK, preload->link);
  }
  if (count > 0) (void)stream_inform(exchange->stream, 103, fields, count);
  return count;
}
