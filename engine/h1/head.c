/*
 * h1/head.c - see h1/head.h.
 *
 *     [empty line] start line --> field line --> ... --> empty line
 *
 * A line is parsed at once if all of it is there. Of one that is not, only bytes that are new are looked at
 * for its end, until that comes.
 */
#include "engine/h1/head.h"

#include "engine/h1/limits.h"
#include "engine/h1/scan.h"
#include "engine/http/field_list.h"
#include "engine/http/syntax.h"

#include <assert.h>
#include <string.h>

/* Fixed by RFC 9112 sections 2.2, 2.3 and 4. */
enum { VERSION_BYTES = 8, CRLF_BYTES = 2, STATUS_BYTES = 3 };

static struct h1_verdict refuse(const struct h1_head *head, uint16_t status, const char *reason) {
  return h1_refuse(head->kind == H1_RESPONSE ? 502 : status, reason);
}

static struct h1_verdict malformed(const struct h1_head *head, const char *reason) {
  return refuse(head, 400, reason);
}

static bool is_digit(uint8_t byte) {
  return byte >= '0' && byte <= '9';
}

/* ---- pieces of lines ------------------------------------------------------------------------- */

/* H1_COMPLETE: CRLF is at `at`. */
static struct h1_verdict line_end(const struct h1_head *head, const uint8_t *at,
                                  const uint8_t *end) {
  if (at == end) return H1_MORE;
  if (*at == '\n') return malformed(head, "LF without CR");
  if (*at != '\r') return malformed(head, "control character in a line");
  if (at + 1 == end) return H1_MORE;
  return at[1] == '\n' ? H1_OK : malformed(head, "CR without LF");
}

/* The version at `at`, of VERSION_BYTES bytes that are there. RFC 9110 section 2.5 would read HTTP/1.2 as
 * 1.1. There is no such version, and a proxy may have read it otherwise, so it is refused. */
static struct h1_verdict version(struct h1_head *head, const uint8_t *at) {
  if (memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' || !is_digit(at[5]) || !is_digit(at[7]))
    return malformed(head, "bad version");
  if (at[5] != '1' || at[7] > '1') return refuse(head, 505, "version is not 1.0 or 1.1");
  head->minor = (uint8_t)(at[7] - '0');
  return H1_OK;
}

/* ---- start lines ----------------------------------------------------------------------------- */

/* token SP. Sets *at to what follows. */
static struct h1_verdict method(struct h1_head *head, const uint8_t *line, const uint8_t *end,
                                const uint8_t **at) {
  const uint8_t *stop = line;
  while (stop < end && *stop != ' ' && stop - line <= H1_METHOD_BYTES_MAX)
    stop++;
  head->method = span_of(line, (size_t)(stop - line));
  if (!syntax_is_token(head->method)) return malformed(head, "bad method");
  if (head->method.len > H1_METHOD_BYTES_MAX) return refuse(head, 501, "method is too long");
  if (stop == end) return H1_MORE;
  *at = stop + 1;
  return H1_OK;
}

/* target SP. Sets *at to what follows. */
static struct h1_verdict target(struct h1_head *head, const uint8_t *line, const uint8_t *end,
                                const uint8_t **at) {
  const uint8_t *after = h1_scan_target(line, end);
  head->target = span_of(line, (size_t)(after - line));
  if (head->target.len > H1_TARGET_BYTES_MAX) return refuse(head, 414, "target is too long");
  if (after == end) return H1_MORE;
  if (*after != ' ') return malformed(head, "bad byte in the target");
  if (head->target.len == 0) return malformed(head, "no target");
  *at = after + 1;
  return H1_OK;
}

/* method SP target SP version CRLF. Sets *next to the line after it. */
static struct h1_verdict request_line(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                      const uint8_t **next) {
  struct h1_verdict verdict = method(head, at, end, &at);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  verdict = target(head, at, end, &at);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  const uint8_t *stop = h1_scan_text(at, end - at < VERSION_BYTES ? end : at + VERSION_BYTES);
  if (stop - at < VERSION_BYTES)
    return stop == end ? H1_MORE : malformed(head, "no version, or a bad one");
  verdict = version(head, at);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  verdict = line_end(head, at + VERSION_BYTES, end);
  if (verdict.outcome == H1_COMPLETE) *next = at + VERSION_BYTES + CRLF_BYTES;
  return verdict;
}

/* version SP 3DIGIT [SP [reason]] CRLF: some servers leave out the space with the reason. */
static struct h1_verdict status_line(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                     const uint8_t **next) {
  /* The head of a SETTINGS frame (RFC 9113 sections 3.4 and 6.5). */
  if (end - at > 3 && at[0] == 0 && at[3] == 4) return malformed(head, "it begins as HTTP/2 does");
  const uint8_t *stop = h1_scan_text(at, end);
  const struct h1_verdict ended = line_end(head, stop, end);
  if (ended.outcome != H1_COMPLETE) return ended;
  *next = stop + CRLF_BYTES;
  if (stop - at < VERSION_BYTES + 1 + STATUS_BYTES) return malformed(head, "short status line");
  const struct h1_verdict verdict = version(head, at);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  const uint8_t *digits = at + VERSION_BYTES + 1, *after = digits + STATUS_BYTES;
  unsigned status = 0;
  for (const uint8_t *digit = digits; digit < after; digit++) {
    if (!is_digit(*digit)) return malformed(head, "bad status");
    status = status * 10 + (unsigned)(*digit - '0');
  }
  if (digits[-1] != ' ' || status < 100 || (after < stop && *after != ' '))
    return malformed(head, "bad status");
  head->status = (uint16_t)status;
  return H1_OK;
}

/* An empty line: before a request one is tolerated, as old clients sent it after a body (RFC 9112 section
 * 2.2). */
static struct h1_verdict empty_line(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                    const uint8_t **next) {
  const struct h1_verdict verdict = line_end(head, at, end);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  if (head->kind != H1_REQUEST || head->empty_lines == H1_EMPTY_LINES_MAX)
    return malformed(head, "empty line before the message");
  head->empty_lines++;
  *next = at + CRLF_BYTES;
  return verdict;
}

static struct h1_verdict start_line(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                    const uint8_t **next) {
  if (*at == '\r' || *at == '\n') return empty_line(head, at, end, next);
  const struct h1_verdict verdict = head->kind == H1_REQUEST ? request_line(head, at, end, next)
                                                             : status_line(head, at, end, next);
  head->started = verdict.outcome == H1_COMPLETE;
  return verdict;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* A field's name: as it was received, and its beginning in lower case. */
struct name {
  struct span raw;
  enum header_token token;
  uint8_t lower[H1_SCAN_NAME_BYTES];
};

/* Reads a name and its colon. Sets *value to what follows. */
static struct h1_verdict field_name(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                    struct name *name, const uint8_t **value) {
  const size_t len = h1_scan_name(at, end, name->lower);
  const uint8_t *colon = at + len;
  if (colon < end && *colon != ':') colon = memchr(colon, ':', (size_t)(end - colon));
  if (!colon) colon = end;
  name->raw = span_of(at, (size_t)(colon - at));
  name->token = len == name->raw.len ? header_token_of(span_of(name->lower, len)) : TOKEN_UNKNOWN;
  if (name->token == TOKEN_UNKNOWN && !syntax_is_token(name->raw))
    return malformed(head, "bad field name, or no colon");
  if (colon == end) return H1_MORE;
  *value = colon + 1;
  return H1_OK;
}

/* Puts a name without a token into the arena, in lower case. */
static bool keep_name(struct headers *fields, const struct name *name, struct span *out) {
  const size_t len = name->raw.len;
  uint8_t *room = headers_room(fields, len);
  if (!room) return false;
  const bool made = len <= sizeof name->lower;
  if (made) memcpy(room, name->lower, len);
  for (size_t i = 0; i < len && !made; i++)
    room[i] = text_lower(name->raw.base[i]);
  *out = span_of(room, len);
  return true;
}

/* name ":" OWS value OWS CRLF */
static struct h1_verdict field_line(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                    const uint8_t **next) {
  struct name name;
  if (field_is_space(*at)) return malformed(head, "space before a field");
  struct h1_verdict verdict = field_name(head, at, end, &name, &at);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  const uint8_t *stop = h1_scan_text(at, end);
  verdict = line_end(head, stop, end);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  struct header field = header_of(name.token, field_trim(span_of(at, (size_t)(stop - at))));
  if (!name.token && !keep_name(head->fields, &name, &field.name))
    return refuse(head, 431, "field names are too large");
  headers_add(head->fields, field);
  if (head->fields->overflowed) return refuse(head, 431, "fields are too many or too large");
  *next = stop + CRLF_BYTES;
  return H1_OK;
}

/* ---- the head -------------------------------------------------------------------------------- */

void h1_head_begin(struct h1_head *head, enum h1_head_kind kind, struct headers *fields) {
  *head = (struct h1_head){
      .kind = kind,
      .fields = fields,
      .count = fields->count,
      .list_bytes = fields->list_bytes,
      .arena_used = fields->arena_used,
      .started = kind == H1_TRAILERS,
  };
}

/* Forgets what was read, to read it again. */
static void restart(struct h1_head *head) {
  head->fields->count = head->count;
  head->fields->list_bytes = head->list_bytes;
  head->fields->arena_used = head->arena_used;
  head->message = head->line = head->looked = 0;
  head->empty_lines = 0;
  head->started = head->kind == H1_TRAILERS;
  head->moved = false;
}

/* H1_COMPLETE: the end of the line at `head->line` is there, or this is the first look at it. */
static struct h1_verdict line_ready(struct h1_head *head, struct span bytes) {
  if (head->looked == head->line) return H1_OK;
  const uint8_t *end = bytes.base + bytes.len;
  const uint8_t *stop = h1_scan_text(bytes.base + head->looked, end);
  head->looked = (size_t)(stop - bytes.base);
  return line_end(head, stop, end);
}

/* The line at `head->line` is incomplete. It may already be longer than any that would be accepted. */
static struct h1_verdict wait_for_more(struct h1_head *head, struct span bytes) {
  const size_t line_max =
      H1_METHOD_BYTES_MAX + 1 + H1_TARGET_BYTES_MAX + 1 + VERSION_BYTES + CRLF_BYTES;
  const uint8_t *unused, *end = bytes.base + bytes.len;
  if (!head->started && head->kind == H1_REQUEST) {
    if (bytes.len - head->line > line_max)
      return request_line(head, bytes.base + head->line, end, &unused);
  } else if (bytes.len - head->message > head->fields->list_bytes_max) {
    return refuse(head, 431, "head is too large");
  }
  const bool cr = bytes.len > head->line && end[-1] == '\r';
  head->looked = bytes.len - cr;
  return H1_MORE;
}

/* The empty line after the fields. */
static struct h1_verdict last_line(struct h1_head *head, const uint8_t *at, const uint8_t *end,
                                   const uint8_t **next, bool *done) {
  const struct h1_verdict verdict = line_end(head, at, end);
  *done = verdict.outcome == H1_COMPLETE;
  if (*done) *next = at + CRLF_BYTES;
  return verdict;
}

/* Reads the next line. *done: it was the empty one after the fields. */
static struct h1_verdict next_line(struct h1_head *head, struct span bytes, bool *done) {
  const uint8_t *at = bytes.base + head->line, *end = bytes.base + bytes.len, *next = at;
  struct h1_verdict verdict = line_ready(head, bytes);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  if (at == end) return H1_MORE;
  const bool was_started = head->started;
  if (!was_started)
    verdict = start_line(head, at, end, &next);
  else if (*at == '\r' || *at == '\n')
    verdict = last_line(head, at, end, &next, done);
  else
    verdict = field_line(head, at, end, &next);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  head->line = head->looked = (size_t)(next - bytes.base);
  if (!was_started) head->message = head->line;
  return verdict;
}

/* Reads lines up to the end of the head, or of the start line. */
static struct h1_verdict read_lines(struct h1_head *head, struct span bytes, bool start) {
  assert(bytes.len >= head->looked);
  if (bytes.len == 0) return H1_MORE;
  if (head->line > 0 && head->base != bytes.base) head->moved = true;
  head->base = bytes.base;
  for (bool done = false; !done && !(start && head->started);) {
    struct h1_verdict verdict = next_line(head, bytes, &done);
    if (verdict.outcome == H1_INCOMPLETE) verdict = wait_for_more(head, bytes);
    if (verdict.outcome != H1_COMPLETE) return verdict;
    if (!done) continue;
    if (!head->moved) break;
    restart(head);
    done = false;
  }
  return H1_OK;
}

struct h1_verdict h1_head_read_start(struct h1_head *head, struct span bytes) {
  return read_lines(head, bytes, true);
}

void h1_head_skip(struct h1_head *head, size_t len) {
  assert(head->started && !head->moved);
  head->bytes = head->line = head->looked = head->line + len;
}

struct h1_verdict h1_head_read(struct h1_head *head, struct span bytes) {
  const struct h1_verdict verdict = read_lines(head, bytes, false);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  head->bytes = head->line;
  if (head->bytes - head->message > head->fields->list_bytes_max)
    return refuse(head, 431, "head is too large");
  return H1_OK;
}
