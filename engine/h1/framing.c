/*
 * h1/framing.c - one pass over the fields notes what frames the message, then the rules of RFC 9112 section
 * 6 decide; see h1/framing.h.
 */
#include "engine/h1/framing.h"

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "engine/h1/limits.h"
#include "engine/http/field_list.h"

/* What the pass has found. */
struct survey {
  struct span host, length, coding, upgrade, settings;
  unsigned hosts, lengths, codings, upgrades, settings_count; /* fields of each name */
  unsigned cookies;
  unsigned options; /* of Connection */
  bool close, keep_alive, connection_upgrade, connection_settings;
  bool te_trailers;
  bool expect_continue, expect_other;
  bool prioritized;
  struct priority_field priority;
};

static void note_connection(struct survey *survey, struct span list) {
  struct span option;
  while (field_next(&list, &option)) {
    survey->options++;
    survey->close |= span_is_ignoring_case(option, "close");
    survey->keep_alive |= span_is_ignoring_case(option, "keep-alive");
    survey->connection_upgrade |= span_is_ignoring_case(option, "upgrade");
    survey->connection_settings |= span_is_ignoring_case(option, "http2-settings");
  }
}

static void note_expect(struct survey *survey, struct span list) {
  struct span member;
  while (field_next(&list, &member)) {
    const bool known = span_is_ignoring_case(member, "100-continue");
    survey->expect_continue |= known;
    survey->expect_other |= !known;
  }
}

/* Whether a list of TE says "trailers". */
static bool says_trailers(struct span list) {
  struct span member;
  while (field_next(&list, &member))
    if (span_is_ignoring_case(member, "trailers")) return true;
  return false;
}

static void note(struct survey *survey, const struct header *field) {
  switch (field->token) {
  case TOKEN_HOST:
    survey->hosts++;
    survey->host = field->value;
    break;
  case TOKEN_CONTENT_LENGTH:
    survey->lengths++;
    survey->length = field->value;
    break;
  case TOKEN_TRANSFER_ENCODING:
    survey->codings++;
    survey->coding = field->value;
    break;
  case TOKEN_UPGRADE:
    survey->upgrades++;
    survey->upgrade = field->value;
    break;
  case TOKEN_HTTP2_SETTINGS:
    survey->settings_count++;
    survey->settings = field->value;
    break;
  case TOKEN_PRIORITY:
    survey->prioritized = true;
    priority_field_parse(&survey->priority, field->value);
    break;
  case TOKEN_COOKIE: survey->cookies++; break;
  case TOKEN_CONNECTION: note_connection(survey, field->value); break;
  case TOKEN_EXPECT: note_expect(survey, field->value); break;
  case TOKEN_TE: survey->te_trailers |= says_trailers(field->value); break;
  default: break;
  }
}

static struct survey survey_fields(const struct headers *fields, uint32_t first) {
  struct survey survey = {.priority = PRIORITY_FIELD_NONE};
  for (uint32_t i = first; i < fields->count; i++)
    note(&survey, &fields->at[i]);
  return survey;
}

/* Judges the fields. Sets content_length, and says whether the body is chunked. Returns a reason to refuse, or NULL. */
static const char *read_length(const struct h1_head *head, const struct survey *survey,
                               int64_t *content_length, bool *chunked) {
  uint64_t length;
  *content_length = -1;
  *chunked = survey->codings > 0;
  if (survey->options > H1_CONNECTION_OPTIONS_MAX) return "connection has too many options";
  if (survey->codings && survey->lengths) return "transfer-encoding beside content-length";
  if (survey->codings && head->minor == 0) return "transfer-encoding in HTTP/1.0";
  if (survey->codings > 1) return "transfer-encoding is given twice";
  if (*chunked && !span_is_ignoring_case(survey->coding, "chunked"))
    return "transfer-encoding is not chunked";
  if (survey->lengths > 1) return "content-length is given twice";
  if (survey->lengths && !decimal_within(survey->length, 0, INT64_MAX, &length))
    return "content-length is not a number";
  if (survey->lengths) *content_length = (int64_t)length;
  return NULL;
}

/* RFC 9112 section 9.3. */
static bool persists(const struct h1_head *head, const struct survey *survey) {
  return !survey->close && (head->minor > 0 || survey->keep_alive);
}

/* RFC 9110 section 7.8, and RFC 7540 section 3.2.1. */
static void read_upgrade(const struct h1_head *head, const struct survey *survey,
                         struct h1_framing *out) {
  const bool one = survey->upgrades == 1 && survey->connection_upgrade;
  if (!one || head->minor == 0 || out->body != H1_BODY_NONE) return;
  out->upgrade = survey->upgrade;
  if (survey->settings_count == 1 && survey->connection_settings)
    out->http2_settings = survey->settings;
}

bool h1_framing_has_content(struct span method) {
  return span_is(method, "POST") || span_is(method, "PUT") || span_is(method, "PATCH");
}

struct h1_verdict h1_framing_request(const struct h1_head *head, const struct headers *fields,
                                     uint32_t first, struct h1_framing *out) {
  const struct survey survey = survey_fields(fields, first);
  bool chunked;
  *out = (struct h1_framing){.host = survey.host,
                             .te_trailers = survey.te_trailers,
                             .prioritized = survey.prioritized,
                             .priority = survey.priority,
                             .cookies = survey.cookies};
  const char *reason = read_length(head, &survey, &out->content_length, &chunked);
  if (reason) return h1_refuse(400, reason);
  if (survey.hosts > 1) return h1_refuse(400, "host is given twice");
  /* What follows CONNECT is the content of a tunnel (RFC 9110 section 9.3.6). */
  if ((survey.lengths || chunked) && span_is(head->method, "CONNECT"))
    return h1_refuse(400, "CONNECT with a body");
  /* Without a length, one of HTTP/1.1 has no content (RFC 9112 section 6.3). One of HTTP/1.0 must tell it (RFC 1945
   * section 8.3): what follows would be read as another request. */
  if (survey.lengths == 0 && head->minor == 0 && h1_framing_has_content(head->method))
    return h1_refuse(411, "content without a length in HTTP/1.0");
  if (survey.expect_other) return h1_refuse(417, "unknown expectation");
  if (chunked)
    out->body = H1_BODY_CHUNKED;
  else
    out->body = out->content_length > 0 ? H1_BODY_LENGTH : H1_BODY_NONE;
  out->keep = persists(head, &survey);
  /* HTTP/1.0 has no 100 (RFC 9110 section 10.1.1). */
  out->expect_continue = survey.expect_continue && head->minor > 0 && out->body != H1_BODY_NONE;
  read_upgrade(head, &survey, out);
  return H1_OK;
}

/* RFC 9112 section 6.3. */
static enum h1_body response_body(const struct h1_head *head, struct h1_asked asked, bool chunked,
                                  int64_t content_length) {
  const unsigned status = head->status;
  if (status == 101 || (asked.connect && status / 100 == 2)) return H1_BODY_TUNNEL;
  if (asked.head || status / 100 == 1 || status == 204 || status == 304) return H1_BODY_NONE;
  if (chunked) return H1_BODY_CHUNKED;
  if (content_length >= 0) return content_length > 0 ? H1_BODY_LENGTH : H1_BODY_NONE;
  return H1_BODY_CLOSE;
}

struct h1_verdict h1_framing_response(const struct h1_head *head, const struct headers *fields,
                                      uint32_t first, struct h1_asked asked,
                                      struct h1_framing *out) {
  const struct survey survey = survey_fields(fields, first);
  bool chunked;
  *out = (struct h1_framing){.host = {0}};
  const char *reason = read_length(head, &survey, &out->content_length, &chunked);
  if (reason) return h1_refuse(502, reason);
  out->body = response_body(head, asked, chunked, out->content_length);
  out->keep = persists(head, &survey) && out->body != H1_BODY_CLOSE;
  if (survey.upgrades == 1 && survey.connection_upgrade) out->upgrade = survey.upgrade;
  return H1_OK;
}

/* About the connection, or the framing and routing of a message. */
static bool is_of_connection(enum header_token token) {
  return header_token_is_of_connection(token) || token == TOKEN_HTTP2_SETTINGS ||
         token == TOKEN_HOST;
}

struct h1_verdict h1_framing_trailers(const struct headers *fields) {
  for (uint32_t i = 0; i < fields->count; i++) {
    const enum header_token token = (enum header_token)fields->at[i].token;
    if (is_of_connection(token) || token == TOKEN_CONTENT_LENGTH || token == TOKEN_TE ||
        token == TOKEN_TRAILER)
      return h1_refuse(400, "a field that is not allowed in trailers");
  }
  return H1_OK;
}

bool h1_framing_upgrade_has(struct span upgrade, const char *protocol) {
  struct span member;
  while (field_next(&upgrade, &member))
    if (span_is_ignoring_case(member, protocol)) return true;
  return false;
}

/* ---- what handlers see ----------------------------------------------------------------------- */

/* Options of Connection that name fields of this message which are about the connection. */
struct named {
  struct span at[H1_CONNECTION_OPTIONS_MAX];
  size_t count;
};

/* The two usual ones name no field that a handler would see. */
static void note_named(struct named *named, struct span list) {
  struct span option;
  while (named->count < H1_CONNECTION_OPTIONS_MAX && field_next(&list, &option))
    if (!span_is_ignoring_case(option, "keep-alive") && !span_is_ignoring_case(option, "close"))
      named->at[named->count++] = option;
}

static struct named named_fields(const struct headers *fields, uint32_t first) {
  struct named named;
  named.count = 0;
  for (uint32_t i = first; i < fields->count; i++)
    if (fields->at[i].token == TOKEN_CONNECTION) note_named(&named, fields->at[i].value);
  return named;
}

static bool is_named(const struct named *named, struct span name) {
  for (size_t i = 0; i < named->count; i++)
    if (span_equal_ignoring_case(named->at[i], name)) return true;
  return false;
}

/* Whether a handler sees the field, perhaps changed. */
static bool stays(const struct named *named, struct header *field) {
  const enum header_token token = (enum header_token)field->token;
  if (token == TOKEN_UNKNOWN) return !is_named(named, field->name);
  if (token != TOKEN_TE) return !is_of_connection(token);
  const bool trailers = says_trailers(field->value);
  field->value = span_text("trailers");
  return trailers;
}

void h1_framing_strip(struct headers *fields, uint32_t first) {
  const struct named named = named_fields(fields, first);
  uint32_t kept = first;
  for (uint32_t i = first; i < fields->count; i++) {
    struct header *field = &fields->at[i];
    if (!stays(&named, field)) continue;
    if (kept < i) fields->at[kept] = *field;
    kept++;
  }
  fields->count = kept;
}
