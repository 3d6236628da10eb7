/*
 * site/hints.c - announces what a page will need: pushes, a 103, link fields; see site/hints.h.
 *
 * A client that takes pushes gets a promise for each resource of this site; every client gets the
 * links, early and in the final response. Nobody is told to preload what was just pushed to him.
 */
#include "engine/site/hints.h"

#include "engine/site/exchange.h"

static int compare(struct span a, struct span b) {
  size_t common = a.len < b.len ? a.len : b.len;
  int order = common > 0 ? __builtin_memcmp(a.base, b.base, common) : 0;
  if (order != 0) return order;
  return (a.len > b.len) - (a.len < b.len);
}

const struct site_page *site_hints_find(const struct site_hints *hints, struct span path) {
  uint32_t low = 0, high = hints->page_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = compare(path, hints->pages[middle].path);
    if (order == 0) return &hints->pages[middle];
    if (order < 0) high = middle;
    if (order > 0) low = middle + 1;
  }
  return NULL;
}

/* The promised request is the one that the client would make: its codings and its authority. */
static bool push(struct exchange *exchange, const struct question *question,
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

size_t site_hints_announce(struct exchange *exchange, const struct question *question,
                           struct span path, struct header *fields) {
  struct site *site = exchange->site;
  const struct site_page *page = site_hints_find(site->settings.hints, path);
  if (!page || site->pushing) return 0;
  /* Whoever asks conditionally has been here before, and has the rest too. */
  bool may_push = site->settings.push && !question_has(question, TOKEN_IF_NONE_MATCH) &&
                  !question_has(question, TOKEN_IF_MODIFIED_SINCE);
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
