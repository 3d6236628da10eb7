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
