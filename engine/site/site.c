/*
 * site/site.c - from a request to the entries that answer it; see site/site.h and site/exchange.h.
 *
 *     request() --> ask for the file --found--> ask for its compressed siblings --> answer
 *                     |    ^                          |      ^
 *                     v    | done()                   v      | done()
 *                    wait -+                         wait ---+
 *
 * Siblings are asked for when the client takes their coding, and once in SITE_SIBLINGS_NS whatever
 * it takes, because a response that could have been another needs a Vary field.
 */
#include "engine/site/site.h"

#include <assert.h>

#include "engine/site/exchange.h"

#define BIT(token) (1ull << (token))

/* Fields that an answer depends on, and the two that a push repeats. */
static const uint64_t relevant_fields =
    BIT(TOKEN_ACCEPT_ENCODING) | BIT(TOKEN_RANGE) | BIT(TOKEN_IF_RANGE) | BIT(TOKEN_IF_MATCH) |
    BIT(TOKEN_IF_NONE_MATCH) | BIT(TOKEN_IF_MODIFIED_SINCE) | BIT(TOKEN_IF_UNMODIFIED_SINCE) |
    BIT(TOKEN_SCHEME) | BIT(TOKEN_AUTHORITY);
_Static_assert(TOKEN_IF_UNMODIFIED_SINCE < 64, "these tokens fit one word");

static bool is_relevant(const struct header *field) {
  return field->token < 64 && relevant_fields >> field->token & 1;
}

/* ---- a question that waits ------------------------------------------------------------------ */

/* One piece of memory: this, and `bytes` behind it for the strings. */
struct waiting {
  struct question question;
  struct headers fields;
  struct header field[SITE_CONDITION_FIELDS_MAX];
  size_t bytes;
  uint8_t room[];
};

static size_t waiting_bytes(size_t string_bytes) {
  return sizeof(struct waiting) + string_bytes;
}

static void waiting_free(const struct site *site, struct waiting *waiting) {
  if (waiting) memory_free(site->settings.memory, waiting, waiting_bytes(waiting->bytes));
}

static size_t relevant_bytes(const struct headers *fields) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < fields->count; i++)
    if (is_relevant(&fields->at[i])) bytes += fields->at[i].value.len;
  return bytes;
}

static struct span copy(uint8_t **room, struct span text) {
  uint8_t *at = *room;
  if (text.len > 0) __builtin_memcpy(at, text.base, text.len);
  *room += text.len;
  return span_of(at, text.len);
}

/* Copies what the question points to, so that it outlives the call that brought it. */
static struct waiting *waiting_make(const struct site *site, const struct question *question) {
  size_t path_bytes = SITE_PATH_BYTES_MAX + SITE_SUFFIX_BYTES_MAX;
  size_t bytes = path_bytes + question->target.query.len + relevant_bytes(question->fields);
  struct waiting *waiting = memory_alloc(site->settings.memory, waiting_bytes(bytes));
  if (!waiting) return NULL;
  waiting->bytes = bytes;
  waiting->question = *question;

  uint8_t *room = waiting->room + path_bytes;
  struct question *copied = &waiting->question;
  __builtin_memcpy(waiting->room, question->room, question->target.path.len);
  copied->room = waiting->room;
  copied->target.path.base = waiting->room;
  copied->target.query = copy(&room, question->target.query);

  headers_init(&waiting->fields, waiting->field, SITE_CONDITION_FIELDS_MAX, NULL, 0, SIZE_MAX);
  for (uint32_t i = 0; i < question->fields->count; i++) {
    struct header field = question->fields->at[i];
    if (!is_relevant(&field)) continue;
    field.name = header_token_name(field.token);
    field.value = copy(&room, field.value);
    headers_add(&waiting->fields, field);
  }
  copied->fields = &waiting->fields;
  return waiting;
}

/* ---- exchanges ------------------------------------------------------------------------------- */

static void release(const struct site *site, struct site_entry *entry) {
  if (entry) site->settings.source.ops->release(site->settings.source.self, entry);
}

void site_exchange_free(struct exchange *exchange) {
  struct site *site = exchange->site;
  assert(!exchange->reading && !exchange->starved);
  if (exchange->sent != exchange->file) release(site, exchange->sent);
  release(site, exchange->file);
  waiting_free(site, exchange->waiting);
  pool_give(&site->exchanges, exchange);
}

/* The stream ended while a lookup was pending. */
static void waiting_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  struct exchange *exchange = stream->user;
  const struct site_source *source = &exchange->site->settings.source;
  source->ops->lookup_cancel(source->self, &exchange->lookup);
  site_exchange_free(exchange);
}

static const struct stream_events waiting_events = {.closed = waiting_closed};

/* ---- lookups --------------------------------------------------------------------------------- */

static unsigned status_of(enum site_result result) {
  switch (result) {
  case SITE_MISSING: return 404;
  case SITE_FORBIDDEN: return 403;
  case SITE_BUSY: return 503;
  default: return 500;
  }
}

/* The path that is looked up now: the question's, with the suffix of a sibling. */
static struct span lookup_path(const struct question *question) {
  struct span path = question->target.path;
  if (question->find_file) return path;
  struct span suffix = coding_suffix(question->coding);
  __builtin_memcpy(question->room + path.len, suffix.base, suffix.len);
  return span_of(question->room, path.len + suffix.len);
}

/* Sets out which siblings to look up: the one that is known to be the best for this client, or,
 * when nothing fresh is known, all. */
static void plan_siblings(const struct exchange *exchange, struct question *question) {
  const struct site_facts *facts = &exchange->file->facts;
  question->survey = question->now_ns >= facts->siblings_until_ns;
  question->found = 0;
  if (question->survey) {
    question->todo = 1u << CODING_BR | 1u << CODING_GZIP;
    return;
  }
  enum coding best = negotiate_best(&question->negotiation, facts->siblings);
  question->todo = best == CODING_IDENTITY ? 0 : (uint8_t)(1u << best);
}

/* The next sibling to look up; false when there is none. */
static bool next_sibling(struct question *question) {
  question->find_file = false;
  for (int coding = CODING_COUNT - 1; coding > CODING_IDENTITY; coding--)
    if (question->todo >> coding & 1) {
      question->todo &= (uint8_t) ~(1u << coding);
      question->coding = (enum coding)coding;
      return true;
    }
  return false;
}

/* A sibling was found: keeps it when this client would rather have it. */
static void consider(struct exchange *exchange, struct question *question,
                     struct site_entry *entry) {
  struct site *site = exchange->site;
  unsigned bit = 1u << question->coding;
  if (entry->directory) {
    release(site, entry);
    return;
  }
  question->found |= (uint8_t)bit;
  unsigned candidates = bit | 1u << question->chosen;
  if (negotiate_best(&question->negotiation, candidates) != question->coding) {
    release(site, entry);
    return;
  }
  if (exchange->sent != exchange->file) release(site, exchange->sent);
  site_facts_prepare(site, entry, lookup_path(question));
  site_facts_code(entry, question->coding, exchange->file->facts.type);
  exchange->sent = entry;
  question->chosen = question->coding;
}

static void remember_siblings(struct exchange *exchange, const struct question *question) {
  struct site_facts *facts = &exchange->file->facts;
  if (!question->survey) return;
  facts->siblings = question->found;
  facts->siblings_until_ns = question->now_ns + SITE_SIBLINGS_NS;
}

/* The file was found: true when there is a sibling to look up next, false when it was answered. */
static bool file_found(struct exchange *exchange, struct question *question) {
  exchange->file = exchange->sent = exchange->lookup.entry;
  if (exchange->file->directory) {
    if (question->index) {
      site_answer_error(exchange, question->head, 404, NULL);
    } else {
      site_answer_directory(exchange, question);
    }
    return false;
  }
  site_facts_prepare(exchange->site, exchange->file, question->target.path);
  plan_siblings(exchange, question);
  if (next_sibling(question)) return true;
  site_answer_file(exchange, question);
  return false;
}

static bool sibling_answered(struct exchange *exchange, struct question *question,
                             enum site_result result) {
  if (result == SITE_FOUND) consider(exchange, question, exchange->lookup.entry);
  if (next_sibling(question)) return true;
  remember_siblings(exchange, question);
  site_answer_file(exchange, question);
  return false;
}

/* Takes a lookup's result in; true when another lookup is to follow, false when the exchange has
 * been given away. */
static bool proceed(struct exchange *exchange, struct question *question, enum site_result result) {
  if (!question->find_file) return sibling_answered(exchange, question, result);
  if (result == SITE_FOUND) return file_found(exchange, question);
  site_answer_error(exchange, question->head, status_of(result), NULL);
  return false;
}

/* Looks up until there is an answer; true when it has to wait for that. */
static bool look_up(struct exchange *exchange, struct question *question) {
  const struct site_source *source = &exchange->site->settings.source;
  enum site_result result;
  do {
    result = source->ops->lookup(source->self, lookup_path(question), question->now_ns,
                                 &exchange->lookup);
    if (result == SITE_PENDING) return true;
  } while (proceed(exchange, question, result));
  return false;
}

/* The first lookup that has to wait takes the question off the stack. */
static void wait(struct exchange *exchange, const struct question *question) {
  const struct site_source *source = &exchange->site->settings.source;
  exchange->waiting = waiting_make(exchange->site, question);
  exchange->stream->user = exchange;
  exchange->stream->events = &waiting_events;
  if (exchange->waiting) return;
  source->ops->lookup_cancel(source->self, &exchange->lookup);
  site_answer_error(exchange, question->head, 503, NULL);
}

static void looked_up(struct site_lookup *lookup, enum site_result result) {
  struct exchange *exchange = (struct exchange *)lookup; /* its first member */
  struct site *site = exchange->site;
  struct waiting *waiting = exchange->waiting;
  assert(result != SITE_PENDING);
  assert(waiting);
  /* The question must outlive its answer, which may free the exchange. */
  exchange->waiting = NULL;
  if (proceed(exchange, &waiting->question, result) && look_up(exchange, &waiting->question)) {
    exchange->waiting = waiting;
  } else {
    waiting_free(site, waiting);
  }
}

/* ---- requests -------------------------------------------------------------------------------- */

/* One pass over the fields; false when there are more of them than an exchange may keep. */
static bool note_fields(struct question *question, const struct headers *fields) {
  unsigned relevant = 0;
  question->fields = fields;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token < 64) question->seen |= BIT(fields->at[i].token);
    relevant += is_relevant(&fields->at[i]);
  }
  if (question_has(question, TOKEN_ACCEPT_ENCODING)) negotiate_read(&question->negotiation, fields);
  return relevant <= SITE_CONDITION_FIELDS_MAX;
}

/* Status 200 when the target can be looked up. */
static unsigned read_target(struct question *question, struct span target) {
  static const char index_name[] = "index.html";
  if (target.len > SITE_TARGET_BYTES_MAX) return 414;
  switch (site_path_parse(target, question->room, SITE_PATH_BYTES_MAX, &question->target)) {
  case SITE_PATH_OK: break;
  case SITE_PATH_BAD: return 400;
  case SITE_PATH_NO_FILE: return 404;
  case SITE_PATH_LONG: return 414;
  }
  if (!question->target.directory) return 200;
  struct span *path = &question->target.path;
  size_t slash = path->len > 0;
  if (path->len + slash + sizeof index_name - 1 > SITE_PATH_BYTES_MAX) return 414;
  if (slash) question->room[path->len] = '/';
  __builtin_memcpy(question->room + path->len + slash, index_name, sizeof index_name - 1);
  *path = span_of(question->room, path->len + slash + sizeof index_name - 1);
  question->index = true;
  return 200;
}

static void exchange_begin(struct exchange *exchange, struct site *site, struct stream *stream) {
  exchange->lookup.done = looked_up;
  exchange->site = site;
  exchange->stream = stream;
  exchange->waiting = NULL;
  exchange->file = exchange->sent = NULL;
  exchange->reading = exchange->arrived = exchange->failed = exchange->starved = false;
}

static const struct stream_events no_events;

static void site_request(void *ctx, struct stream *stream, const struct request *request,
                         uint64_t now_ns) {
  struct site *site = ctx;
  struct exchange *exchange = pool_take(&site->exchanges);
  stream->events = &no_events;
  if (!exchange) {
    struct header retry = header_of(TOKEN_RETRY_AFTER, span_text("1"));
    (void)stream_respond(stream, 503, &retry, 1, BODY_NONE);
    return;
  }
  exchange_begin(exchange, site, stream);

  uint8_t room[SITE_PATH_BYTES_MAX + SITE_SUFFIX_BYTES_MAX];
  struct question question = {.room = room, .now_ns = now_ns, .find_file = true};
  question.head = span_is(request->method, "HEAD");
  if (!question.head && !span_is(request->method, "GET")) {
    struct header allow = header_of(TOKEN_ALLOW, span_text("GET, HEAD"));
    site_answer_error(exchange, false, 405, &allow);
    return;
  }
  unsigned status = read_target(&question, request->path);
  if (status == 200 && !note_fields(&question, request->fields)) status = 431;
  if (status != 200) {
    site_answer_error(exchange, question.head, status, NULL);
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
  pool_init(&site->exchanges, settings->memory, sizeof(struct exchange), EXCHANGES_A_CHUNK,
            settings->exchanges_max);
  return site;
}

void site_destroy(struct site *site) {
  if (!site) return;
  assert(site->reads == 0);
  pool_destroy(&site->exchanges);
  memory_free(site->settings.memory, site, sizeof *site);
}

const struct handler *site_handler(struct site *site) {
  return &site->handler;
}
