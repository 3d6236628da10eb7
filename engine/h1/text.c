/*
 * h1/text.c - see h1/text.h.
 */
#include "engine/h1/text.h"

#include "engine/base/decimal.h"
#include "engine/h1/scan.h"
#include "engine/h1/status.h"
#include "engine/http/syntax.h"

#include <assert.h>
#include <string.h>

/* Derived from the longest status line and all lines of a plan, besides its fields, its content, the name of a
 * protocol, and the values of `server` and `date`. */
enum { ADDED_BYTES_MAX = 192 };

/* ---- what a handler gives -------------------------------------------------------------------- */

/* Whether a field is about the connection, which the engine speaks for; or is none. */
static bool is_left_out(enum header_token token) {
  if (token && token <= TOKEN_STATUS) return true; /* pseudo-header fields */
  return token == TOKEN_PROTOCOL || token == TOKEN_HOST || header_token_is_of_connection(token);
}

static bool is_text(struct span value) {
  const uint8_t *end = value.base + value.len;
  return value.len == 0 || h1_scan_text(value.base, end) == end;
}

static const char *note(struct h1_survey *survey, const struct header *field) {
  enum header_token token = header_token_by_name(field);
  uint64_t length;
  if (!token && !syntax_is_token(field->name)) return "a field whose name is no token";
  if (!is_text(field->value)) return "a field with a control character";
  survey->bytes += field->name.len + field->value.len + sizeof ": \r\n";
  if (token == TOKEN_DATE) survey->date = true;
  if (token == TOKEN_SERVER) survey->server = true;
  if (token != TOKEN_CONTENT_LENGTH) return NULL;
  if (survey->length >= 0) return "content-length is given twice";
  if (!decimal_within(field->value, 0, INT64_MAX, &length)) return "content-length is no number";
  survey->length = (int64_t)length;
  return NULL;
}

struct h1_survey h1_text_survey(const struct header *fields, size_t count) {
  struct h1_survey survey = {.fields = fields, .count = count, .length = -1};
  for (size_t i = 0; i < count && !survey.mistake; i++)
    survey.mistake = note(&survey, &fields[i]);
  return survey;
}

/* What is kept of it in the set's memo. */
struct set_note {
  int64_t length;
  uint32_t bytes;
  bool noted, date, server;
};
_Static_assert(sizeof(struct set_note) == sizeof((struct header_memo){0}.h1), "it fills its part");

struct h1_survey h1_text_survey_set(struct header_set *set) {
  struct set_note note;
  memcpy(&note, set->memo.h1, sizeof note);
  if (note.noted)
    return (struct h1_survey){.fields = set->at,
                              .count = set->count,
                              .bytes = note.bytes,
                              .length = note.length,
                              .date = note.date,
                              .server = note.server};
  struct h1_survey survey = h1_text_survey(set->at, set->count);
  note = (struct set_note){.length = survey.length,
                           .bytes = (uint32_t)survey.bytes,
                           .noted = !survey.mistake && survey.bytes <= PEER_SEND_BLOCK_BYTES_MAX,
                           .date = survey.date,
                           .server = survey.server};
  memcpy(set->memo.h1, &note, sizeof note);
  return survey;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct h1_text *alloc(struct h1 *h1, size_t bytes) {
  size_t size = sizeof(struct h1_text) + bytes;
  if (bytes > PEER_SEND_BLOCK_BYTES_MAX) return NULL;
  bool pooled = size <= H1_TEXT_BYTES;
  struct h1_text *text =
      pooled ? pool_take(&h1->shared->texts) : memory_alloc(h1->http->memory, size);
  if (text) *text = (struct h1_text){.size = (uint32_t)size};
  return text;
}

void h1_text_free(struct h1 *h1, struct h1_text *text) {
  if (!text) return;
  if (text->size <= H1_TEXT_BYTES)
    pool_give(&h1->shared->texts, text);
  else
    memory_free(h1->http->memory, text, text->size);
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *at, struct span text) {
  if (text.len) memcpy(at, text.base, text.len);
  return at + text.len;
}

static uint8_t *put_line(uint8_t *at, struct span name, struct span value) {
  at = put(at, name);
  *at++ = ':';
  *at++ = ' ';
  at = put(at, value);
  *at++ = '\r';
  *at++ = '\n';
  return at;
}

static uint8_t *put_status(uint8_t *at, unsigned status) {
  if (status == 200) return put(at, span_text("HTTP/1.1 200 OK\r\n"));
  at = put(at, span_text("HTTP/1.1 "));
  at += decimal_put(at, status);
  *at++ = ' ';
  at = put(at, h1_status_reason(status));
  return put(at, span_text("\r\n"));
}

static uint8_t *put_fields(uint8_t *at, const struct header *fields, size_t count,
                           bool leave_length) {
  for (size_t i = 0; i < count; i++) {
    enum header_token token = header_token_by_name(&fields[i]);
    if (is_left_out(token) || (leave_length && token == TOKEN_CONTENT_LENGTH)) continue;
    at = put_line(at, fields[i].name, fields[i].value);
  }
  return at;
}

static uint8_t *put_connection(uint8_t *at, const struct h1_plan *plan) {
  switch ((enum h1_connection)plan->adds.connection) {
  case H1_SAY_NOTHING: break;
  case H1_SAY_CLOSE: return put(at, span_text("connection: close\r\n"));
  case H1_SAY_KEEP_ALIVE: return put(at, span_text("connection: keep-alive\r\n"));
  case H1_SAY_UPGRADE:
    at = put(at, span_text("connection: upgrade\r\n"));
    return put_line(at, header_token_name(TOKEN_UPGRADE), plan->upgrade);
  }
  return at;
}

static uint8_t *put_added(const struct http_shared *http, uint8_t *at, const struct h1_plan *plan) {
  if (plan->adds.add_zero_length) at = put(at, span_text("content-length: 0\r\n"));
  if (plan->adds.add_chunked) at = put(at, span_text("transfer-encoding: chunked\r\n"));
  if (plan->adds.add_server) at = put_line(at, http->server_field.name, http->server_field.value);
  if (plan->adds.add_date && http->date[0])
    at = put_line(at, http->date_field.name, http->date_field.value);
  return put_connection(at, plan);
}

struct h1_text *h1_text_make(struct h1 *h1, const struct h1_plan *plan,
                             const struct h1_survey *survey) {
  const struct http_shared *http = h1->http;
  size_t bytes = ADDED_BYTES_MAX + survey->bytes + plan->upgrade.len + plan->content.len +
                 http->server_field.value.len + HTTP_DATE_BYTES;
  struct h1_text *text = alloc(h1, bytes);
  if (!text) return NULL;
  uint8_t *at = put_status(text->bytes, plan->adds.status);
  at = put_fields(at, plan->fields, plan->count, plan->adds.leave_length);
  at = put_added(http, at, plan);
  at = put(at, span_text("\r\n"));
  at = put(at, plan->content);
  text->len = (uint32_t)(at - text->bytes);
  text->content_len = (uint32_t)plan->content.len;
  assert(text->len <= bytes);
  return text;
}

struct h1_text *h1_text_copy(struct h1 *h1, struct span bytes) {
  struct h1_text *text = alloc(h1, bytes.len);
  if (text) text->len = (uint32_t)(put(text->bytes, bytes) - text->bytes);
  return text;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool is_target(struct span target) {
  const uint8_t *end = target.base + target.len;
  return target.len > 0 && h1_scan_target(target.base, end) == end;
}

/* Host may be empty, as for URLs without one (RFC 9112 section 3.2). */
bool h1_text_line_ok(const struct h1_line *line) {
  bool host = line->host.len == 0 || is_target(line->host);
  bool protocol = line->protocol.len == 0 || is_target(line->protocol);
  return syntax_is_token(line->method) && is_target(line->target) && host && protocol;
}

static uint8_t *put_request_line(uint8_t *at, const struct h1_line *line) {
  at = put(at, line->method);
  *at++ = ' ';
  at = put(at, line->target);
  at = put(at, span_text(" HTTP/1.1\r\n"));
  return put_line(at, header_token_name(TOKEN_HOST), line->host);
}

struct h1_text *h1_text_request(struct h1 *h1, const struct h1_request_plan *plan,
                                const struct h1_survey *survey) {
  const struct h1_line *line = &plan->line;
  size_t bytes = ADDED_BYTES_MAX + survey->bytes + line->method.len + line->target.len +
                 line->host.len + line->protocol.len;
  struct h1_text *text = alloc(h1, bytes);
  if (!text) return NULL;
  uint8_t *at = put_request_line(text->bytes, line);
  at = put_fields(at, plan->fields, plan->count, plan->leave_length);
  if (plan->add_zero_length) at = put(at, span_text("content-length: 0\r\n"));
  if (plan->add_chunked) at = put(at, span_text("transfer-encoding: chunked\r\n"));
  if (line->protocol.len) {
    at = put(at, span_text("connection: upgrade\r\n"));
    at = put_line(at, header_token_name(TOKEN_UPGRADE), line->protocol);
  }
  at = put(at, span_text("\r\n"));
  text->len = (uint32_t)(at - text->bytes);
  assert(text->len <= bytes);
  return text;
}

struct h1_text *h1_text_trailers(struct h1 *h1, const struct header *fields, size_t count,
                                 const struct h1_survey *survey) {
  struct h1_text *text = alloc(h1, survey->bytes);
  if (text) text->len = (uint32_t)(put_fields(text->bytes, fields, count, true) - text->bytes);
  return text;
}
