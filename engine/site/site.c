/*
 * site/site.c - from a request to the entries that answer it; see site/site.h and site/exchange.h.
 *
 *     request() --> look up the file --found--> look up its compressed siblings --> answer
 *                     |    ^                          |      ^
 *                     v    | done()                   v      | done()
 *                    wait -+                         wait ---+
 *
 * Where nothing is at the path, not even a sibling (site/siblings.h), the next one is looked up: of a directory the
 * next index, then a listing; then the fallback. Only then is the answer 404. Before a file is answered, another
 * coding of it may have to be made (site/recode.h), which is waited for like a lookup.
 */
#include "engine/site/site.h"

#include <assert.h>

#include "engine/http/limits.h"
#include "engine/site/again.h"
#include "engine/site/answer.h"
#include "engine/site/facts.h"
#include "engine/site/listing.h"
#include "engine/site/reader.h"
#include "engine/site/recode.h"
#include "engine/site/siblings.h"

/* ---- waiting --------------------------------------------------------------------------------- */

static void lookup_cancel(struct site_exchange *exchange, const struct site_question *question) {
  const struct site_source *source = &exchange->site->settings.source;
  if (question->recoding)
    source->ops->recode_cancel(source->self, &exchange->lookup);
  else
    source->ops->lookup_cancel(source->self, &exchange->lookup);
}

/* The stream ended while a lookup was pending. */
static void waiting_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  struct site_exchange *exchange = stream->user;
  lookup_cancel(exchange, exchange->waiting);
  site_exchange_free(exchange);
}

static const struct stream_events waiting_events = {.closed = waiting_closed};

/* ---- answers --------------------------------------------------------------------------------- */

static void answer_file(struct site_exchange *exchange, struct site_question *question) {
  const struct site_facts *facts = &exchange->file->facts;
  question->varies = question->varied || facts->siblings != 0 || facts->encodable ||
                     question->chosen != CODING_IDENTITY || exchange->sent->recoded;
  site_again_note(exchange, question);
  site_answer_file(exchange, question);
}

/* Answers, unless another coding has to be made first: true then. */
static bool answer_or_recode(struct site_exchange *exchange, struct site_question *question) {
  if (site_recode_begin(exchange, question)) return true;
  answer_file(exchange, question);
  return false;
}

/* ---- what follows where nothing is ----------------------------------------------------------- */

/* Appends the name of an index to the directory's path; false when there are no more, or it is too long. */
static bool name_index(const struct site_rules *rules, struct site_question *question,
                       uint32_t number) {
  if (number >= rules->index_count || number >= SITE_INDEXES_MAX) return false;
  struct span name = rules->indexes[number];
  size_t len = question->base_len;
  if (name.len > SITE_INDEX_BYTES_MAX || len + 1 + name.len > SITE_PATH_BYTES_MAX) return false;
  if (len > 0) question->room[len++] = '/';
  __builtin_memcpy(question->room + len, name.base, name.len);
  question->target.path = span_of(question->room, len + name.len);
  question->index = (uint8_t)(number + 1);
  return true;
}

/* Whether the fallback is what belongs at the path. */
static bool takes_fallback(const struct site *site, const struct site_question *question) {
  const struct site_rules *rules = site->settings.rules;
  if (question->fallback || rules->fallback.len == 0 || rules->fallback.len > SITE_PATH_BYTES_MAX)
    return false;
  return question->target.directory || !site_types_know(&site->types, question->target.path);
}

/* The next path to look up, from the beginning. */
static bool begin_again(struct site_question *question) {
  question->find_file = true;
  question->survey = false;
  question->todo = question->found = 0;
  question->varied |= question->varies;
  return true;
}

/* Nothing is at the path: true when there is another one to look up, false when it was answered. */
static bool missing(struct site_exchange *exchange, struct site_question *question) {
  const struct site *site = exchange->site;
  const struct site_rules *rules = site->settings.rules;
  bool directory = question->target.directory && !question->fallback;
  if (directory && name_index(rules, question, question->index)) return begin_again(question);
  if (directory && rules->listing && site_listing_answer(exchange, question)) return false;
  if (!takes_fallback(site, question)) {
    question->varies |= question->varied;
    site_answer_error(exchange, question, 404, NULL);
    return false;
  }
  question->fallback = true;
  __builtin_memcpy(question->room, rules->fallback.base, rules->fallback.len);
  question->target.path = span_of(question->room, rules->fallback.len);
  return begin_again(question);
}

/* ---- results --------------------------------------------------------------------------------- */

/* What was found does not answer: true when there is another path to look up. */
static bool pass_over(struct site_exchange *exchange, struct site_question *question) {
  site_exchange_release(exchange->site, exchange->file);
  exchange->file = exchange->sent = NULL;
  return missing(exchange, question);
}

/* The file was found: true when there is another lookup, false when it was answered. */
static bool file_found(struct site_exchange *exchange, struct site_question *question) {
  struct site *site = exchange->site;
  bool chosen = question->index > 0 || question->fallback; /* by us, not by the request */
  bool directory = question->target.directory && !chosen;  /* asked for as one */
  exchange->file = exchange->sent = exchange->lookup.entry;
  question->listing = exchange->lookup.listing;
  if (exchange->file->directory && !chosen && !directory) {
    site_answer_directory(exchange, question);
    return false;
  }
  if (exchange->file->directory || directory) return pass_over(exchange, question);
  site_facts_prepare(&site->settings, &site->types, exchange->file, question->target.path);
  site_siblings_plan(exchange, question);
  return site_siblings_next(question) || answer_or_recode(exchange, question);
}

/* All siblings of a missing file were asked for: true when there is another path to look up. */
static bool answer_orphan(struct site_exchange *exchange, struct site_question *question) {
  exchange->file = exchange->sent;
  return exchange->file ? answer_or_recode(exchange, question) : missing(exchange, question);
}

static bool sibling_answered(struct site_exchange *exchange, struct site_question *question,
                             enum site_result result) {
  bool failed = result == SITE_BUSY || result == SITE_FAILED;
  if (!exchange->file && failed) { /* it may exist: not a 404 */
    site_answer_error(exchange, question, site_answer_status(result), NULL);
    return false;
  }
  if (failed) question->found |= (uint8_t)(1u << question->coding); /* not known to be missing */
  if (result == SITE_FOUND) site_siblings_found(exchange, question, exchange->lookup.entry);
  if (site_siblings_next(question)) return true;
  if (!exchange->file) return answer_orphan(exchange, question);
  site_siblings_remember(exchange, question);
  return answer_or_recode(exchange, question);
}

static void recode_answered(struct site_exchange *exchange, struct site_question *question,
                            enum site_result result) {
  if (site_recode_end(exchange, question, result))
    answer_file(exchange, question);
  else
    site_answer_error(exchange, question, site_answer_status(result), NULL);
}

/* Handles a lookup's result; true when another lookup follows, false when the exchange has been
 * given away. */
static bool proceed(struct site_exchange *exchange, struct site_question *question,
                    enum site_result result) {
  if (question->recoding) {
    recode_answered(exchange, question, result);
    return false;
  }
  if (!question->find_file) return sibling_answered(exchange, question, result);
  if (result == SITE_FOUND) return file_found(exchange, question);
  if (result == SITE_MISSING) {
    site_siblings_plan_orphans(exchange->site, question);
    return site_siblings_next(question) || missing(exchange, question);
  }
  site_answer_error(exchange, question, site_answer_status(result), NULL);
  return false;
}

/* Looks up until there is an answer; true when it has to wait for that. */
static bool look_up(struct site_exchange *exchange, struct site_question *question) {
  const struct site_source *source = &exchange->site->settings.source;
  enum site_result result;
  do {
    result = question->recoding ? site_recode_make(exchange, question)
                                : source->ops->lookup(source->self, site_siblings_path(question),
                                                      question->now_ns, &exchange->lookup);
    if (result == SITE_PENDING) return true;
  } while (proceed(exchange, question, result));
  return false;
}

/* The first lookup that has to wait takes the question off the stack. */
static void wait(struct site_exchange *exchange, const struct site_question *question) {
  exchange->waiting = site_question_keep(exchange->site->settings.memory, question);
  exchange->stream->user = exchange;
  exchange->stream->events = &waiting_events;
  if (exchange->waiting) return;
  lookup_cancel(exchange, question);
  site_answer_error(exchange, question, 503, NULL);
}

static void looked_up(struct site_lookup *lookup, enum site_result result) {
  struct site_exchange *exchange = (struct site_exchange *)lookup; /* its first member */
  struct site *site = exchange->site;
  struct site_question *waiting = exchange->waiting;
  assert(result != SITE_PENDING);
  assert(waiting);
  /* The question must outlive its answer, which may free the exchange. */
  exchange->waiting = NULL;
  if (proceed(exchange, waiting, result) && look_up(exchange, waiting)) {
    exchange->waiting = waiting;
  } else {
    site_question_drop(site->settings.memory, waiting);
  }
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Takes the site's prefix off the path; false when the path lies elsewhere. */
static bool take_prefix(struct site_question *question, struct span prefix) {
  struct span path = question->target.path;
  if (prefix.len == 0) return true;
  if (path.len < prefix.len || !span_equal(span_of(path.base, prefix.len), prefix)) return false;
  size_t skipped = prefix.len;
  if (path.len > skipped && path.base[skipped++] != '/') return false;
  question->target.path = span_of(question->room, path.len - skipped);
  __builtin_memmove(question->room, question->room + skipped, path.len - skipped);
  return true;
}

/* Status 200 when the target can be looked up, 301 when it lacks the slash behind the site's root. */
static unsigned read_target(const struct site *site, struct site_question *question,
                            struct span target) {
  if (target.len > HTTP_TARGET_BYTES_MAX) return 414;
  switch (site_path_parse(target, question->room, SITE_PATH_BYTES_MAX, &question->target)) {
  case SITE_PATH_OK: break;
  case SITE_PATH_BAD: return 400;
  case SITE_PATH_NO_FILE: return 404;
  case SITE_PATH_LONG: return 414;
  }
  if (!take_prefix(question, site->settings.prefix)) return 404;
  question->base_len = question->target.path.len;
  if (question->base_len == 0 && !question->target.directory) return 301;
  if (!question->target.directory || site->settings.rules->index_count == 0) return 200;
  return name_index(site->settings.rules, question, 0) ? 200 : 414;
}

static const struct stream_events no_events;

static void site_request(void *ctx, struct stream *stream, const struct request *request,
                         uint64_t now_ns) {
  struct site *site = ctx;
  struct site_exchange *exchange = site_exchange_take(site, stream);
  stream->events = &no_events;
  if (!exchange) {
    struct header retry = header_of(TOKEN_RETRY_AFTER, span_text("1"));
    (void)stream_respond(stream, 503, &retry, 1, BODY_NONE);
    return;
  }
  exchange->lookup.done = looked_up;
  exchange->lookup.client = stream->peer;
  exchange->lookup.listing = 0;
  struct header_set *set =
      request->number ? site_again_find(exchange, request->number, now_ns) : NULL;
  if (set) {
    site_answer_whole(exchange, set);
    return;
  }

  uint8_t room[SITE_ROOM_BYTES];
  struct site_question question = {
      .room = room, .now_ns = now_ns, .number = request->number, .find_file = true};
  question.head = span_is(request->method, "HEAD");
  if (!question.head && !span_is(request->method, "GET")) {
    site_answer_method(exchange, &question, request->method);
    return;
  }
  unsigned status = read_target(site, &question, request->path);
  if (status == 200 && !site_question_note(&question, request->fields)) status = 431;
  if (status == 301) {
    site_answer_directory(exchange, &question);
    return;
  }
  if (status != 200) {
    site_answer_error(exchange, &question, status, NULL);
    return;
  }
  if (look_up(exchange, &question)) wait(exchange, &question);
}

/* ---- life ------------------------------------------------------------------------------------ */

enum { EXCHANGES_A_CHUNK = 64 }; /* about 20 KiB at a time */

struct site *site_create(const struct site_settings *settings) {
  struct site *site = memory_alloc(settings->memory, sizeof *site);
  if (!site) return NULL;
  *site = (struct site){.settings = *settings, .handler = {.ctx = site, .request = site_request}};
  if (!site->settings.rules) site->settings.rules = &site_rules_default;
  site_types_init(&site->types, settings->memory, site->settings.rules);
  pool_init(&site->exchanges, settings->memory, sizeof(struct site_exchange), EXCHANGES_A_CHUNK,
            settings->exchanges_max);
  return site;
}

void site_destroy(struct site *site) {
  if (!site) return;
  assert(site->reads == 0);
  pool_destroy(&site->exchanges);
  site_types_destroy(&site->types);
  memory_free(site->settings.memory, site, sizeof *site);
}

void site_trim(struct site *site) {
  site_reader_second(site);
  pool_trim(&site->exchanges);
}

const struct handler *site_handler(struct site *site) {
  return &site->handler;
}
