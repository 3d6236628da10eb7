/*
 * http/handler.c - see http/handler.h.
 */
#include "engine/http/handler.h"

struct span handler_protocol(const struct handler *handler, struct span name) {
  const char *const *each = handler->protocols;
  for (; each && *each; each++)
    if (span_is_ignoring_case(name, *each)) return span_text(*each);
  return (struct span){0};
}

/* The first one counts, where a field was repeated. */
static void note(struct request *request, const struct header *field) {
  struct span *text = field->token == TOKEN_METHOD      ? &request->method
                      : field->token == TOKEN_SCHEME    ? &request->scheme
                      : field->token == TOKEN_AUTHORITY ? &request->authority
                      : field->token == TOKEN_PATH      ? &request->path
                                                        : NULL;
  if (text && text->len == 0) *text = field->value;
}

bool handler_refused(const struct handler *handler, struct stream *stream,
                     const struct headers *fields, uint64_t now_ns) {
  struct request request = {.fields = fields, .content_length = -1};
  if (!handler->refused) return false;
  for (uint32_t i = 0; i < fields->count; i++)
    note(&request, &fields->at[i]);
  handler->refused(handler->ctx, stream, &request, now_ns);
  return true;
}
