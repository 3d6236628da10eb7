/*
 * site/answer.c - from entries and conditions to status, fields and body.
 *
 * Evaluated in the order of RFC 9110 section 13.2: preconditions, then If-Range and Range. The
 * common request has none of those fields, and skips all of it: its answer is the entry's
 * ready-made fields and its bytes.
 */
#include "engine/site/answer.h"

#include <assert.h>

#include "engine/http/error_text.h"
#include "engine/http/limits.h"
#include "engine/site/announce.h"
#include "engine/site/conditional.h"
#include "engine/site/facts.h"
#include "engine/site/multipart.h"
#include "engine/site/range.h"
#include "engine/site/reader.h"

/* The ready-made ones, content-range, and what a page announces: derived from their bounds. */
enum { FIELDS_MAX = SITE_READY_FIELDS_MAX + 1 + SITE_PRELOADS_MAX };

/* An answer that is being made. */
struct answer {
  unsigned status;
  struct range part; /* of the entry's bytes */
  struct header fields[FIELDS_MAX];
  size_t count;
  struct header links[SITE_PRELOADS_MAX]; /* what a page announces */
  size_t link_count;
  uint8_t length[DECIMAL_BYTES_MAX], content_range[RANGE_TEXT_BYTES_MAX];
};

static void put(struct answer *answer, enum header_token token, struct span value) {
  assert(answer->count < FIELDS_MAX);
  answer->fields[answer->count++] = header_of(token, value);
}

static void put_vary(struct answer *answer) {
  put(answer, TOKEN_VARY, span_text("accept-encoding"));
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void exchange_done(void *ctx) {
  site_exchange_free(ctx);
}

static const struct stream_events no_events;

/* Responds with bytes that are in memory, or none; gives the exchange away. */
static void respond_bytes(struct site_exchange *exchange, struct answer *answer,
                          struct span bytes) {
  struct stream *stream = exchange->stream;
  stream->events = &no_events;
  struct body body = BODY_NONE;
  if (bytes.len > 0) body = body_bytes(&exchange->bytes, bytes, exchange_done, exchange);
  (void)stream_respond(stream, answer->status, answer->fields, answer->count, body);
  if (bytes.len == 0) site_exchange_free(exchange);
}

void site_answer_error(struct site_exchange *exchange, const struct site_question *question,
                       unsigned status, const struct header *field) {
  struct span text = error_text(status);
  assert(text.len > 0);
  struct answer answer = {.status = status};
  put(&answer, TOKEN_CONTENT_TYPE, span_text(ERROR_TEXT_TYPE));
  put(&answer, TOKEN_CONTENT_LENGTH, span_of(answer.length, decimal_put(answer.length, text.len)));
  if (status == 503) put(&answer, TOKEN_RETRY_AFTER, span_text("1"));
  if (question->varies) put_vary(&answer);
  if (field) answer.fields[answer.count++] = *field;
  respond_bytes(exchange, &answer, question->head ? (struct span){0} : text);
}

unsigned site_answer_status(enum site_result result) {
  switch (result) {
  case SITE_MISSING: return 404;
  case SITE_FORBIDDEN: return 403;
  case SITE_BUSY: return 503;
  default: return 500;
  }
}

void site_answer_page(struct site_exchange *exchange, const struct site_question *question) {
  struct span page = span_of(exchange->page, exchange->page_bytes);
  struct answer answer = {.status = 200};
  put(&answer, TOKEN_CONTENT_TYPE, span_text("text/html; charset=utf-8"));
  put(&answer, TOKEN_CONTENT_LENGTH, span_of(answer.length, decimal_put(answer.length, page.len)));
  answer.fields[answer.count++] = (struct header){.name = span_text("content-security-policy"),
                                                  .value = span_text("default-src 'none'")};
  if (question->varies || question->varied) put_vary(&answer);
  respond_bytes(exchange, &answer, question->head ? (struct span){0} : page);
}

void site_answer_method(struct site_exchange *exchange, const struct site_question *question,
                        struct span method) {
  struct header allow = header_of(TOKEN_ALLOW, span_text("GET, HEAD, OPTIONS"));
  if (span_is(method, "OPTIONS")) {
    struct answer answer = {.status = 204, .fields = {allow}, .count = 1};
    respond_bytes(exchange, &answer, (struct span){0});
  } else if (span_is(method, "CONNECT")) {
    site_answer_error(exchange, question, 501, NULL);
  } else {
    site_answer_error(exchange, question, 405, &allow);
  }
}

void site_answer_directory(struct site_exchange *exchange, const struct site_question *question) {
  uint8_t target[3 * 2 * SITE_PATH_BYTES_MAX + 3 + HTTP_TARGET_BYTES_MAX];
  size_t len = site_path_directory(exchange->site->settings.prefix, &question->target, target,
                                   sizeof target);
  assert(len > 0);
  struct answer answer = {.status = 301};
  put(&answer, TOKEN_LOCATION, span_of(target, len));
  put(&answer, TOKEN_CONTENT_LENGTH, span_text("0"));
  respond_bytes(exchange, &answer, (struct span){0});
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct validators validators_of(const struct site_exchange *exchange) {
  const struct site_facts *facts = &exchange->sent->facts;
  const int64_t *now = exchange->site->settings.wall_seconds;
  return (struct validators){
      .etag = span_of(facts->etag, facts->etag_len),
      .modified_seconds = facts->modified_seconds,
      .now_seconds = now ? *now : 0,
  };
}

/* A 304 repeats these fields of the 200 (RFC 9110 section 15.4.5). */
static void not_modified(struct site_exchange *exchange, const struct site_question *question) {
  struct answer answer = {.status = 304};
  const struct site_facts *facts = &exchange->sent->facts;
  put(&answer, TOKEN_ETAG, span_of(facts->etag, facts->etag_len));
  struct span cache_control = site_facts_cache(&exchange->site->settings, question->target.path);
  if (cache_control.len > 0) put(&answer, TOKEN_CACHE_CONTROL, cache_control);
  if (question->varies) put_vary(&answer);
  respond_bytes(exchange, &answer, (struct span){0});
}

static void unsatisfiable(struct site_exchange *exchange, const struct site_question *question) {
  uint8_t text[RANGE_TEXT_BYTES_MAX];
  size_t len = range_format_unsatisfied(text, exchange->sent->size_bytes);
  struct header field = header_of(TOKEN_CONTENT_RANGE, span_of(text, len));
  site_answer_error(exchange, question, 416, &field);
}

/* Which parts of the file the request asks for. Range is defined for GET alone (section 14.2). */
static enum range_result parts_of(const struct site_exchange *exchange,
                                  const struct site_question *question,
                                  const struct validators *validators, struct range_set *parts) {
  if (question->head || !site_question_has(question, TOKEN_RANGE) || exchange->sent->recoded)
    return RANGE_WHOLE;
  if (!conditional_range_counts(question->fields, validators)) return RANGE_WHOLE;
  const struct header *only = NULL;
  for (uint32_t i = 0; i < question->fields->count; i++) {
    if (question->fields->at[i].token != TOKEN_RANGE) continue;
    if (only) return RANGE_WHOLE; /* two fields are several ranges, or nonsense */
    only = &question->fields->at[i];
  }
  return range_parse(only->value, exchange->sent->size_bytes, parts);
}

struct header_set *site_answer_set(const struct site_exchange *exchange,
                                   const struct site_question *question) {
  struct site_facts *facts = &exchange->sent->facts;
  if (question->chosen != CODING_IDENTITY) return &facts->coded;
  return question->varies ? &facts->varied : &facts->plain;
}

/* The same for a 206, or with a page's hints. */
static void put_fields(struct answer *answer, const struct site_exchange *exchange,
                       const struct header_set *set) {
  answer->count = 0;
  for (uint32_t i = 0; i < set->count; i++) {
    if (answer->status == 206 && set->at[i].token == TOKEN_CONTENT_LENGTH) {
      size_t len = decimal_put(answer->length, answer->part.count);
      put(answer, TOKEN_CONTENT_LENGTH, span_of(answer->length, len));
      len = range_format(answer->content_range, answer->part, exchange->sent->size_bytes);
      put(answer, TOKEN_CONTENT_RANGE, span_of(answer->content_range, len));
    } else {
      answer->fields[answer->count++] = set->at[i];
    }
  }
  for (size_t i = 0; i < answer->link_count; i++)
    answer->fields[answer->count++] = answer->links[i];
}

/* Responds with the part of the file, or without a body. */
static void respond_file(struct site_exchange *exchange, struct header_set *set, bool head,
                         struct answer *answer) {
  struct site_entry *entry = exchange->sent;
  struct stream *stream = exchange->stream;
  struct range part = answer->part;
  struct body body = BODY_NONE;
  stream->events = &no_events;
  bool empty = head || part.count == 0;
  if (!empty && entry->bytes.base)
    body = body_bytes(&exchange->bytes, span_of(entry->bytes.base + part.first, part.count),
                      exchange_done, exchange);
  else if (!empty)
    body = site_reader_body(exchange, part.first, part.count);
  if (!empty && part.first == 0 && entry->facts.first_bytes > 0)
    stream_head_start(stream, entry->facts.first_bytes);
  if (answer->status == 200 && answer->link_count == 0) {
    (void)stream_respond_set(stream, 200, set, body);
  } else {
    put_fields(answer, exchange, set);
    (void)stream_respond(stream, answer->status, answer->fields, answer->count, body);
  }
  if (empty) site_exchange_free(exchange);
}

/* Responds with several parts. False when it cannot: of a compressed file they would say that the whole
 * multipart body is compressed. */
static bool respond_parts(struct site_exchange *exchange, const struct site_question *question,
                          const struct range_set *parts) {
  if (question->chosen != CODING_IDENTITY || exchange->sent->facts.compressed) return false;
  struct site_multipart *multipart = site_multipart_create(exchange, parts);
  if (!multipart) return false;
  struct answer answer = {.status = 206};
  const struct header_set *set = site_answer_set(exchange, question);
  struct stream *stream = exchange->stream;
  for (uint32_t i = 0; i < set->count; i++) {
    struct header field = set->at[i];
    if (field.token == TOKEN_CONTENT_TYPE) field.value = site_multipart_type(multipart);
    if (field.token == TOKEN_CONTENT_LENGTH) {
      size_t len = decimal_put(answer.length, site_multipart_bytes(multipart));
      field.value = span_of(answer.length, len);
    }
    answer.fields[answer.count++] = field;
  }
  stream->events = &no_events;
  struct body body = site_multipart_body(multipart);
  (void)stream_respond(stream, 206, answer.fields, answer.count, body);
  return true;
}

void site_answer_file(struct site_exchange *exchange, const struct site_question *question) {
  struct answer answer;
  struct validators validators = validators_of(exchange);
  if (site_question_has_conditions(question))
    switch (conditional_evaluate(question->fields, &validators)) {
    case CONDITIONAL_PROCEED: break;
    case CONDITIONAL_NOT_MODIFIED: not_modified(exchange, question); return;
    case CONDITIONAL_FAILED: site_answer_error(exchange, question, 412, NULL); return;
    }
  answer.status = 200;
  answer.part = (struct range){.first = 0, .count = exchange->sent->size_bytes};
  struct range_set parts;
  switch (parts_of(exchange, question, &validators, &parts)) {
  case RANGE_WHOLE: break;
  case RANGE_PART:
    if (parts.count > 1 && respond_parts(exchange, question, &parts)) return;
    if (parts.count > 1) break;
    answer.status = 206;
    answer.part = parts.at[0];
    break;
  case RANGE_UNSATISFIABLE: unsatisfiable(exchange, question); return;
  }
  answer.link_count = 0;
  if (exchange->site->settings.hints && !question->head)
    answer.link_count = site_announce(exchange, question, question->target.path, answer.links);
  respond_file(exchange, site_answer_set(exchange, question), question->head, &answer);
}

void site_answer_whole(struct site_exchange *exchange, struct header_set *set) {
  struct answer answer;
  answer.status = 200;
  answer.part = (struct range){.first = 0, .count = exchange->sent->size_bytes};
  answer.link_count = 0;
  respond_file(exchange, set, false, &answer);
}
