/*
 * spdy/message.c - the message rules of SPDY: one pass over the fields, then checks of what it has found, and the
 * list is written anew. The block reader has already refused bad names and names that are given twice.
 */
#include "engine/spdy/message.h"

#include "engine/base/decimal.h"
#include "engine/http/syntax.h"

#include <string.h>

/* SPDY's pseudo-header fields. */
enum pseudo { METHOD, SCHEME, HOST, PATH, VERSION, STATUS, PSEUDO_COUNT };

static const char *const pseudo_names[PSEUDO_COUNT] = {":method", ":scheme",  ":host",
                                                       ":path",   ":version", ":status"};

enum {
  URL_FIELDS = 1u << SCHEME | 1u << HOST | 1u << PATH,
  REQUEST_FIELDS = URL_FIELDS | 1u << METHOD | 1u << VERSION,
  RESPONSE_FIELDS = 1u << STATUS | 1u << VERSION,
};

/* What one pass over a list has found. */
struct survey {
  struct span pseudo[PSEUDO_COUNT];
  unsigned seen;          /* a bit for each of them */
  int64_t content_length; /* -1: none */
  unsigned cookies;
};

static struct spdy_verdict malformed(const char *reason) {
  return spdy_stream_error(SPDY_PROTOCOL_ERROR, reason);
}

/* Whether a field is about an HTTP/1.1 connection, or names the host a second time: not sent (section 3.2.1). */
static bool is_left_out(unsigned token) {
  return header_token_is_of_connection(token) || token == TOKEN_HOST;
}

/* ---- received -------------------------------------------------------------------------------- */

static enum pseudo pseudo_of(struct span name) {
  enum pseudo pseudo = METHOD;
  while (pseudo < PSEUDO_COUNT && !span_is(name, pseudo_names[pseudo]))
    pseudo++;
  return pseudo;
}

static struct spdy_verdict note_pseudo(struct survey *survey, const struct header *field,
                                       unsigned allowed) {
  enum pseudo pseudo = pseudo_of(field->name);
  if (pseudo == PSEUDO_COUNT) return malformed("unknown pseudo-header field");
  if (!(allowed & 1u << pseudo)) return malformed("pseudo-header field does not belong here");
  if (survey->seen & 1u << pseudo) return malformed("pseudo-header field has two values");
  survey->seen |= 1u << pseudo;
  survey->pseudo[pseudo] = field->value;
  return SPDY_OK;
}

/* 1*DIGIT up to 2^63-1 (RFC 9110 section 8.6). */
static struct spdy_verdict note_content_length(struct survey *survey, struct span value) {
  uint64_t length;
  if (!decimal_within(value, 0, INT64_MAX, &length))
    return malformed("content-length is not a number");
  if (survey->content_length >= 0 && (uint64_t)survey->content_length != length)
    return malformed("content-length is given twice and differs");
  survey->content_length = (int64_t)length;
  return SPDY_OK;
}

static struct spdy_verdict note_regular(struct survey *survey, const struct header *field) {
  if (is_left_out(field->token)) return malformed("connection-specific field, or host");
  if (field->token == TOKEN_CONTENT_LENGTH) return note_content_length(survey, field->value);
  survey->cookies += field->token == TOKEN_COOKIE;
  return SPDY_OK;
}

static struct spdy_verdict survey_fields(const struct headers *fields, unsigned allowed,
                                         struct survey *survey) {
  *survey = (struct survey){.content_length = -1};
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct header *field = &fields->at[i];
    if (field->flags & HEADER_VALUE_BAD) return malformed("bad byte in a field value");
    struct spdy_verdict verdict = field->name.base[0] == ':' ? note_pseudo(survey, field, allowed)
                                                             : note_regular(survey, field);
    if (verdict.scope != SPDY_ACCEPT) return verdict;
  }
  return SPDY_OK;
}

/* Writes the list anew: `count` pseudo-header fields, then those that are none. False, and overflowed, when that is
 * one field too many. */
__attribute__((warn_unused_result)) static bool
rewrite(struct headers *fields, const struct header *pseudo, uint32_t count) {
  uint32_t regular = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    if (fields->at[i].name.base[0] != ':') fields->at[regular++] = fields->at[i];
  if (count + regular > fields->max) fields->overflowed = true;
  if (fields->overflowed) return false;
  memmove(fields->at + count, fields->at, regular * sizeof *fields->at);
  memcpy(fields->at, pseudo, count * sizeof *pseudo);
  fields->count = count + regular;
  return true;
}

static struct spdy_verdict check_version(const struct survey *survey) {
  struct span version = survey->pseudo[VERSION];
  bool given = survey->seen & 1u << VERSION;
  if (given && !(version.len == 8 && memcmp(version.base, "HTTP/1.", 7) == 0))
    return malformed("bad :version");
  return SPDY_OK;
}

/* Checks where a request goes, fills in `out`, and rewrites the list. */
static struct spdy_verdict finish_request(struct headers *fields, const struct survey *survey,
                                          struct request *out) {
  const struct span *pseudo = survey->pseudo;
  if (!syntax_is_token(pseudo[METHOD])) return malformed("bad :method");
  if (!syntax_is_scheme(pseudo[SCHEME])) return malformed("bad :scheme");
  if (!syntax_is_authority(pseudo[HOST], false)) return malformed("bad :host");
  bool asterisk = span_is(pseudo[PATH], "*") && span_is(pseudo[METHOD], "OPTIONS");
  if (!asterisk && !syntax_is_path(pseudo[PATH])) return malformed("bad :path");
  const struct header first[] = {
      header_of(TOKEN_METHOD, pseudo[METHOD]),
      header_of(TOKEN_SCHEME, pseudo[SCHEME]),
      header_of(TOKEN_AUTHORITY, pseudo[HOST]),
      header_of(TOKEN_PATH, pseudo[PATH]),
  };
  if (!rewrite(fields, first, sizeof first / sizeof *first)) return malformed("too many fields");
  if (survey->cookies > 1 && !headers_join_cookies(fields))
    return malformed("cookies are too large");
  *out = (struct request){
      .method = pseudo[METHOD],
      .scheme = pseudo[SCHEME],
      .authority = pseudo[HOST],
      .path = pseudo[PATH],
      .fields = fields,
      .content_length = survey->content_length,
  };
  return SPDY_OK;
}

struct spdy_verdict spdy_message_request(struct headers *fields, struct request *out) {
  struct survey survey;
  struct spdy_verdict verdict = survey_fields(fields, REQUEST_FIELDS, &survey);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  if (survey.seen != REQUEST_FIELDS) return malformed("pseudo-header field is missing");
  verdict = check_version(&survey);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  /* What CONNECT would mean is not defined. */
  if (span_is(survey.pseudo[METHOD], "CONNECT")) return malformed("CONNECT");
  return finish_request(fields, &survey, out);
}

/* The number at the start of "200" or "200 OK"; 0 for any other text. */
static unsigned status_of(struct span text) {
  uint64_t value;
  if (text.len > 3 && text.base[3] == ' ') text.len = 3;
  if (text.len != 3 || !decimal_within(text, 100, 999, &value) || value == 101) return 0;
  return (unsigned)value;
}

struct spdy_verdict spdy_message_push(struct headers *fields, struct request *out,
                                      unsigned *status) {
  struct survey survey;
  struct spdy_verdict verdict = survey_fields(fields, REQUEST_FIELDS | RESPONSE_FIELDS, &survey);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  if ((survey.seen & URL_FIELDS) != URL_FIELDS) return malformed("pseudo-header field is missing");
  verdict = check_version(&survey);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  *status = 0;
  if (survey.seen & 1u << STATUS) {
    *status = status_of(survey.pseudo[STATUS]);
    if (*status == 0) return malformed("bad :status");
  }
  survey.pseudo[METHOD] = span_text("GET"); /* section 3.3 */
  return finish_request(fields, &survey, out);
}

struct spdy_verdict spdy_message_response(struct headers *fields, unsigned *status,
                                          int64_t *content_length) {
  struct survey survey;
  struct spdy_verdict verdict = survey_fields(fields, RESPONSE_FIELDS, &survey);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  if (survey.seen != RESPONSE_FIELDS) return malformed("pseudo-header field is missing");
  verdict = check_version(&survey);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  *status = status_of(survey.pseudo[STATUS]);
  if (*status == 0) return malformed("bad :status");
  *content_length = survey.content_length;
  struct span digits = span_of(survey.pseudo[STATUS].base, 3);
  const struct header first = header_of(TOKEN_STATUS, digits);
  return rewrite(fields, &first, 1) ? SPDY_OK : malformed("too many fields");
}

struct spdy_verdict spdy_message_trailers(const struct headers *fields) {
  struct survey survey;
  return survey_fields(fields, 0, &survey);
}

/* ---- sent ------------------------------------------------------------------------------------ */

static struct header pseudo_field(enum pseudo pseudo, struct span value) {
  return (struct header){.name = span_text(pseudo_names[pseudo]), .value = value};
}

static struct header version_field(void) {
  return pseudo_field(VERSION, span_text("HTTP/1.1"));
}

/* Appends the fields of a message that are sent. Returns how many `out` has then. */
static size_t put_fields(const struct header *fields, size_t count, struct header *out, size_t at) {
  for (size_t i = 0; i < count; i++) {
    enum header_token token = header_token_by_name(&fields[i]);
    if (is_left_out(token)) continue;
    out[at++] = token == TOKEN_AUTHORITY ? pseudo_field(HOST, fields[i].value) : fields[i];
  }
  return at;
}

size_t spdy_message_put_request(const struct header *fields, size_t count, struct header *out) {
  out[0] = version_field();
  return put_fields(fields, count, out, 1);
}

size_t spdy_message_put_response(unsigned status, const struct header *fields, size_t count,
                                 uint8_t digits[3], struct header *out) {
  digits[0] = (uint8_t)('0' + status / 100);
  digits[1] = (uint8_t)('0' + status / 10 % 10);
  digits[2] = (uint8_t)('0' + status % 10);
  out[0] = pseudo_field(STATUS, span_of(digits, 3));
  out[1] = version_field();
  return put_fields(fields, count, out, 2);
}
