/*
 * h1/target.c - see h1/target.h.
 */
#include "engine/h1/target.h"

#include "engine/http/syntax.h"

#include <string.h>

static struct h1_verdict bad(const char *reason) {
  return h1_refuse(400, reason);
}

/* The offset of the first of these two bytes, or the text's length. */
static size_t find_either(struct span text, uint8_t a, uint8_t b) {
  size_t i = 0;
  while (i < text.len && text.base[i] != a && text.base[i] != b)
    i++;
  return i;
}

/* "?query" after an authority: the path is "/" (RFC 9110 section 4.2.3), which the target does not have. */
static bool put_slash(struct headers *fields, struct span query, struct span *path) {
  uint8_t *room = headers_room(fields, 1 + query.len);
  if (!room) return false;
  room[0] = '/';
  memcpy(room + 1, query.base, query.len);
  *path = span_of(room, 1 + query.len);
  return true;
}

/* scheme "://" authority [path] ["?" query]; only http and https have an authority that is ours. */
static struct h1_verdict absolute(const struct h1_head *head, struct headers *fields,
                                  struct h1_target *out) {
  struct span rest;
  if (!span_cut(head->target, ':', &out->scheme, &rest)) return bad("target has no known form");
  const bool secure = span_is_ignoring_case(out->scheme, "https");
  if (!secure && !span_is_ignoring_case(out->scheme, "http"))
    return bad("target has no known form");
  out->scheme = span_text(secure ? "https" : "http"); /* handlers need not know of case */
  if (rest.len < 2 || memcmp(rest.base, "//", 2) != 0) return bad("target has no authority");
  rest = span_of(rest.base + 2, rest.len - 2);
  const size_t len = find_either(rest, '/', '?');
  out->form = H1_FORM_ABSOLUTE;
  out->authority = span_of(rest.base, len);
  out->path = span_of(rest.base + len, rest.len - len);
  if (out->path.len == 0)
    out->path = span_text(span_is(head->method, "OPTIONS") ? "*" : "/");
  else if (out->path.base[0] == '?' && !put_slash(fields, out->path, &out->path))
    return h1_refuse(431, "target is too large");
  return syntax_is_authority(out->authority, false) ? H1_OK : bad("bad authority in the target");
}

static struct h1_verdict read_form(const struct h1_head *head, struct span host,
                                   struct headers *fields, struct h1_target *out) {
  const struct span target = head->target;
  *out = (struct h1_target){.authority = host, .path = target};
  if (span_is(head->method, "CONNECT")) {
    *out = (struct h1_target){.form = H1_FORM_AUTHORITY, .authority = target};
    return syntax_is_authority(target, true) ? H1_OK : bad("target of CONNECT is not host:port");
  }
  if (target.base[0] == '/')
    return H1_OK; /* h1_scan_target() lets nothing pass that a path may not have */
  if (!span_is(target, "*")) return absolute(head, fields, out);
  out->form = H1_FORM_ASTERISK;
  return span_is(head->method, "OPTIONS") ? H1_OK : bad("* is for OPTIONS");
}

struct h1_verdict h1_target_read(const struct h1_head *head, struct span host,
                                 struct headers *fields, struct h1_target *out) {
  if (!host.base && head->minor > 0) return bad("no host");
  if (host.base && !syntax_is_authority(host, false)) return bad("bad host");
  return h1_target_read_after(head, host, fields, out);
}

struct h1_verdict h1_target_read_after(const struct h1_head *head, struct span host,
                                       struct headers *fields, struct h1_target *out) {
  const struct h1_verdict verdict = read_form(head, host, fields, out);
  if (verdict.outcome != H1_COMPLETE || !host.base) return verdict;
  const bool own = out->form == H1_FORM_ABSOLUTE || out->form == H1_FORM_AUTHORITY;
  if (own && !syntax_same_authority(out->authority, host, out->scheme))
    return bad("host differs from the target");
  return H1_OK;
}
