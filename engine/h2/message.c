/*
 * h2/message.c - the message rules of RFC 9113 section 8: one pass over the fields, then checks of
 * what it has found. The HPACK decoder has already checked each field by itself, once for all of its
 * uses while it is in the table: HEADER_BAD in http/headers.h.
 */
#include "engine/h2/message.h"

#include "engine/base/decimal.h"
#include "engine/http/field_list.h"
#include "engine/http/syntax.h"

#include <string.h>

/* What one pass over a section has found. */
struct survey {
  struct span pseudo[TOKEN_STATUS + 1]; /* by token, TOKEN_AUTHORITY .. TOKEN_STATUS */
  struct span protocol;
  uint32_t seen; /* a bit for each pseudo-header token; bit 0 is :protocol */
  struct span host;
  bool has_host;
  bool te_allowed; /* in requests only */
  unsigned cookies;
  int64_t content_length; /* -1: none */
  uint64_t tokens;        /* header_bit() of all fields */
};

static const uint32_t request_pseudo =
    1u << TOKEN_AUTHORITY | 1u << TOKEN_METHOD | 1u << TOKEN_PATH | 1u << TOKEN_SCHEME | 1u;
static const uint32_t response_pseudo = 1u << TOKEN_STATUS;

static struct h2_verdict malformed(const char *reason) {
  return h2_stream_error(H2_PROTOCOL_ERROR, reason);
}

/* 1*DIGIT up to 2^63-1 (RFC 9110 section 8.6), or -1. */
static int64_t parse_length(struct span text) {
  uint64_t value;
  return decimal_within(text, 0, INT64_MAX, &value) ? (int64_t)value : -1;
}

static struct h2_verdict note_content_length(struct survey *survey, struct span value) {
  int64_t length = parse_length(value);
  if (length < 0) return malformed("content-length is not a number");
  if (survey->content_length >= 0 && survey->content_length != length)
    return malformed("content-length is given twice and differs");
  survey->content_length = length;
  return H2_OK;
}

static struct h2_verdict note_host(struct survey *survey, struct span value) {
  if (survey->has_host) return malformed("host is given twice");
  survey->has_host = true;
  survey->host = value;
  return H2_OK;
}

/* Section 8.2.2: requests may have this connection-specific field, with this one value in any case,
 * and any number of times (RFC 9110 sections 5.3 and 10.1.4). */
static struct h2_verdict note_te(const struct survey *survey, struct span value) {
  bool allowed = survey->te_allowed && span_is_ignoring_case(value, "trailers");
  return allowed ? H2_OK : malformed("te is not \"trailers\" of a request");
}

static struct h2_verdict regular_field(struct survey *survey, const struct header *field) {
  if (header_token_is_of_connection(field->token)) return malformed("connection-specific field");
  switch (field->token) {
  case TOKEN_TE: return note_te(survey, field->value);
  case TOKEN_CONTENT_LENGTH: return note_content_length(survey, field->value);
  case TOKEN_HOST: return note_host(survey, field->value);
  case TOKEN_COOKIE: survey->cookies++; return H2_OK;
  default: return H2_OK;
  }
}

static struct h2_verdict pseudo_field(struct survey *survey, const struct header *field,
                                      uint32_t allowed) {
  uint32_t bit;
  if (field->token >= TOKEN_AUTHORITY && field->token <= TOKEN_STATUS)
    bit = 1u << field->token;
  else if (field->token == TOKEN_PROTOCOL)
    bit = 1u;
  else
    return malformed("unknown pseudo-header field");
  if (!(allowed & bit)) return malformed("pseudo-header field does not belong here");
  if (survey->seen & bit) return malformed("pseudo-header field is given twice");
  survey->seen |= bit;
  *(bit == 1u ? &survey->protocol : &survey->pseudo[field->token]) = field->value;
  return H2_OK;
}

static struct h2_verdict survey_fields(const struct headers *fields, uint32_t pseudo_allowed,
                                       struct survey *survey) {
  *survey = (struct survey){.content_length = -1, .te_allowed = pseudo_allowed == request_pseudo};
  bool regular = false;
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct header *field = &fields->at[i];
    if (field->flags & HEADER_BAD) return malformed("bad name or value of a field");
    survey->tokens |= header_bit(field->token);
    struct h2_verdict verdict;
    if (field->name.base[0] == ':') {
      if (regular) return malformed("pseudo-header field after a regular one");
      verdict = pseudo_field(survey, field, pseudo_allowed);
    } else {
      regular = true;
      verdict = regular_field(survey, field);
    }
    if (verdict.scope != H2_ACCEPT) return verdict;
  }
  return H2_OK;
}

static bool has(const struct survey *survey, unsigned token) {
  return survey->seen & 1u << token;
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct h2_verdict check_host(const struct survey *survey) {
  const struct span *authority = &survey->pseudo[TOKEN_AUTHORITY];
  if (survey->has_host && !syntax_is_authority(survey->host, false)) return malformed("bad host");
  if (!has(survey, TOKEN_AUTHORITY) || !survey->has_host) return H2_OK;
  struct span scheme = survey->pseudo[TOKEN_SCHEME];
  if (!syntax_same_authority(*authority, survey->host, scheme))
    return malformed("host differs from :authority");
  return H2_OK;
}

/* Plain CONNECT (section 8.5). */
static struct h2_verdict check_connect(const struct survey *survey) {
  if (has(survey, TOKEN_SCHEME) || has(survey, TOKEN_PATH))
    return malformed("CONNECT with :scheme or :path");
  if (!has(survey, TOKEN_AUTHORITY)) return malformed("CONNECT without :authority");
  if (!syntax_is_authority(survey->pseudo[TOKEN_AUTHORITY], true))
    return malformed("CONNECT without a port");
  return check_host(survey);
}

static struct h2_verdict check_target(const struct survey *survey) {
  if (!has(survey, TOKEN_SCHEME) || !has(survey, TOKEN_PATH))
    return malformed("request without :scheme or :path");
  bool asterisk = span_is(survey->pseudo[TOKEN_PATH], "*");
  if (asterisk && !span_is(survey->pseudo[TOKEN_METHOD], "OPTIONS"))
    return malformed("asterisk in another request than OPTIONS");
  return check_host(survey);
}

static struct h2_verdict check_request(const struct survey *survey, bool connect_protocol) {
  if (!has(survey, TOKEN_METHOD)) return malformed("request without :method");
  bool is_connect = span_is(survey->pseudo[TOKEN_METHOD], "CONNECT");
  bool extended = survey->seen & 1u;
  /* What follows is the content of a tunnel, not of the request (RFC 9110 section 9.3.6). */
  if (is_connect && survey->content_length >= 0) return malformed("CONNECT with content-length");
  if (!extended) return is_connect ? check_connect(survey) : check_target(survey);
  if (!connect_protocol) return malformed(":protocol was not offered"); /* RFC 8441 section 4 */
  if (!is_connect) return malformed(":protocol without CONNECT");
  if (!syntax_is_protocol(survey->protocol)) return malformed("bad :protocol");
  if (!has(survey, TOKEN_AUTHORITY)) return malformed("extended CONNECT without :authority");
  return check_target(survey);
}

struct h2_verdict h2_message_request(struct headers *fields, bool connect_protocol,
                                     struct request *out) {
  struct survey survey;
  struct h2_verdict verdict = survey_fields(fields, request_pseudo, &survey);
  if (verdict.scope != H2_ACCEPT) return verdict;
  fields->tokens = survey.tokens;
  verdict = check_request(&survey, connect_protocol);
  if (verdict.scope != H2_ACCEPT) return verdict;
  if (survey.cookies > 1 && !headers_join_cookies(fields))
    return h2_stream_error(H2_ENHANCE_YOUR_CALM, "cookies are too large");
  *out = (struct request){
      .method = survey.pseudo[TOKEN_METHOD],
      .scheme = survey.pseudo[TOKEN_SCHEME],
      .authority = has(&survey, TOKEN_AUTHORITY) ? survey.pseudo[TOKEN_AUTHORITY] : survey.host,
      .path = survey.pseudo[TOKEN_PATH],
      .protocol = survey.protocol,
      .fields = fields,
      .content_length = survey.content_length,
  };
  return H2_OK;
}

bool h2_message_pushable(const struct request *request) {
  return (span_is(request->method, "GET") || span_is(request->method, "HEAD")) &&
         request->content_length <= 0 && request->authority.len > 0;
}

/* ---- responses and trailers ------------------------------------------------------------------ */

struct h2_verdict h2_message_response(const struct headers *fields, unsigned *status,
                                      int64_t *content_length) {
  struct survey survey;
  struct h2_verdict verdict = survey_fields(fields, response_pseudo, &survey);
  if (verdict.scope != H2_ACCEPT) return verdict;
  struct span text = survey.pseudo[TOKEN_STATUS];
  int64_t value = text.len == 3 ? parse_length(text) : -1;
  if (value < 100 || value == 101) return malformed("bad or no :status");
  *status = (unsigned)value;
  *content_length = survey.content_length;
  return H2_OK;
}

struct h2_verdict h2_message_trailers(const struct headers *fields) {
  struct survey survey;
  return survey_fields(fields, 0, &survey);
}
