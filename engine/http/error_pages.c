/*
 * http/error_pages.c - see http/error_pages.h.
 */
#include "engine/http/error_pages.h"

#include "engine/base/decimal.h"
#include "engine/http/body.h"
#include "engine/http/contract.h"
#include "engine/http/limits.h"

/* A page that is being sent. */
struct sent {
  struct body_bytes bytes;
  const struct memory *memory;
};

static void release(void *ctx) {
  struct sent *sent = ctx;
  memory_free(sent->memory, sent, sizeof *sent);
}

static const struct error_page *find(const struct error_pages *pages, unsigned status) {
  for (uint32_t i = 0; i < pages->count; i++)
    if (pages->at[i].status == status) return &pages->at[i];
  return NULL;
}

/* Whether a field is about the body that the handler gave. content-range is not: of a 416 it tells the length of what
 * was asked for. */
static bool is_of_body(const struct header *field) {
  switch (header_token_by_name(field)) {
  case TOKEN_CONTENT_TYPE:
  case TOKEN_CONTENT_LENGTH:
  case TOKEN_CONTENT_ENCODING:
  case TOKEN_CONTENT_LANGUAGE:
  case TOKEN_CONTENT_LOCATION:
  case TOKEN_CONTENT_DISPOSITION:
  case TOKEN_ACCEPT_RANGES:
  case TOKEN_ETAG:
  case TOKEN_LAST_MODIFIED: return true;
  default: return false;
  }
}

/* Passes the page on, with the fields that stay. */
static bool replace(const struct error_pages *pages, const struct error_page *page,
                    struct stream *stream, struct response *response, struct sent *sent) {
  struct header fields[FIELD_RULES_FIELDS_MAX + 2];
  uint8_t length[DECIMAL_BYTES_MAX];
  size_t count = 0;
  for (size_t i = 0; i < response->count; i++)
    if (!is_of_body(&response->fields[i])) fields[count++] = response->fields[i];
  fields[count++] = header_of(TOKEN_CONTENT_TYPE, page->type);
  fields[count++] =
      header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, page->bytes.len)));
  contract_drop(response->body);
  sent->memory = pages->memory;
  struct response instead = {.status = response->status, .fields = fields, .count = count};
  instead.body = body_bytes(&sent->bytes, page->bytes, release, sent);
  return answer_filter_pass(&pages->filter, stream, &instead);
}

static bool respond(const struct answer_filter *filter, struct stream *stream,
                    struct response *response) {
  const struct error_pages *pages = (const struct error_pages *)(const void *)filter;
  const struct error_page *page = find(pages, response->status);
  if (!page || response->count > FIELD_RULES_FIELDS_MAX)
    return answer_filter_pass(filter, stream, response);
  struct sent *sent = memory_alloc(pages->memory, sizeof *sent);
  if (!sent) return answer_filter_pass(filter, stream, response);
  return replace(pages, page, stream, response, sent);
}

void error_pages_init(struct error_pages *pages, const struct memory *memory,
                      const struct error_page *at, uint32_t count,
                      const struct answer_filter *next) {
  *pages = (struct error_pages){
      .filter = {.respond = respond, .next = next}, .memory = memory, .at = at, .count = count};
}
