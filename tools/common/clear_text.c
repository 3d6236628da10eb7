/*
 * common/clear_text.c - see common/clear_text.h.
 *
 * Spec: RFC 9113 sections 3.4, 6.8 and 7.
 */
#include "tools/common/clear_text.h"

#include <string.h>

#define HEAD                                                                                       \
  "HTTP/1.1 400 Bad Request\r\n"                                                                   \
  "content-type: text/plain; charset=utf-8\r\n"                                                    \
  "content-length: 49\r\n"                                                                         \
  "connection: close\r\n"                                                                          \
  "\r\n"
#define BODY "This port speaks TLS: use https:// and not http:\n"
_Static_assert(sizeof BODY - 1 == 49, "content-length says how many");

/* An empty SETTINGS frame, and GOAWAY with INADEQUATE_SECURITY and a reason. */
#define REASON "this port speaks TLS: use https"
static const char goaway[] = "\0\0\0\4\0\0\0\0\0"
                             "\0\0\x27\7\0\0\0\0\0"
                             "\0\0\0\0"
                             "\0\0\0\xc" REASON;
_Static_assert(sizeof REASON - 1 + 8 == 0x27, "the payload is as long as its frame header says");

static bool begins_with(struct span in, const char *text) {
  size_t len = strlen(text);
  return in.len >= len && memcmp(in.base, text, len) == 0;
}

struct span clear_text_answer(struct span in) {
  static const char text[] = HEAD BODY;
  if (begins_with(in, "PRI ")) return span_of(goaway, sizeof goaway - 1);
  if (begins_with(in, "HEAD ")) return span_of(text, sizeof HEAD - 1);
  /* Every method of HTTP/1.x begins with a capital letter; TLS records and alerts do not. */
  if (in.base[0] >= 'A' && in.base[0] <= 'Z') return span_of(text, sizeof text - 1);
  return span_of(NULL, 0);
}
