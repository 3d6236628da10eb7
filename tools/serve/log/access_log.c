/*
 * serve/log/access_log.c - see serve/log/access_log.h.
 */
#include "tools/serve/log/access_log.h"

#include <time.h>

#include "engine/base/text.h"
#include "tools/serve/limits.h"

struct access_log {
  struct access_log_settings settings;
  struct handler handler;
  struct pool small, large; /* struct log_request: of ACCESS_LOG_SMALL_BYTES, and with any text */
  int64_t wall_offset_ns;   /* wall clock minus the engine's */
};

static struct pool *pool_of(struct access_log *log, size_t text_bytes) {
  bool small = sizeof(struct log_request) + text_bytes <= ACCESS_LOG_SMALL_BYTES;
  return small ? &log->small : &log->large;
}

/* ---- the handler ----------------------------------------------------------------------------- */

static void note_texts(const struct request *request, const char *subject,
                       struct span texts[LOG_TEXTS]) {
  texts[LOG_SUBJECT] = subject ? span_text(subject) : (struct span){0};
  texts[LOG_METHOD] = request->method;
  texts[LOG_SCHEME] = request->scheme;
  texts[LOG_AUTHORITY] = request->authority;
  texts[LOG_PATH] = request->path;
  texts[LOG_REFERER] = texts[LOG_USER_AGENT] = (struct span){0};
  for (uint32_t i = 0; i < request->fields->count; i++) {
    const struct header *field = &request->fields->at[i];
    if (field->token == TOKEN_REFERER) texts[LOG_REFERER] = field->value;
    if (field->token == TOKEN_USER_AGENT) texts[LOG_USER_AGENT] = field->value;
  }
}

static void note(struct access_log *log, struct stream *stream, const struct request *request) {
  struct span texts[LOG_TEXTS];
  note_texts(request, stream->peer->subject, texts);
  struct log_request *noted = pool_take(pool_of(log, log_request_bytes(texts)));
  if (noted) log_request_fill(noted, texts);
  stream->log = noted;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct access_log *log = ctx;
  const struct handler *inner = log->settings.inner;
  note(log, stream, request);
  inner->request(inner->ctx, stream, request, now_ns);
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)now_ns;
  note(ctx, stream, request);
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  const struct access_log *log = ctx;
  const struct handler *inner = log->settings.inner;
  if (inner->mistake) inner->mistake(inner->ctx, stream, what);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  struct access_log *log = ctx;
  struct log_request *noted = stream->log;
  const struct handler *inner = log->settings.inner;
  if (inner->ended) inner->ended(inner->ctx, stream, facts);
  if (!noted) {
    log_queue_drop(log->settings.queue);
    return;
  }
  const struct log_line line = {.request = noted,
                                .facts = facts,
                                .peer = stream->peer,
                                .stream_id = stream->id,
                                .wall_ns = (int64_t)facts->ended_ns + log->wall_offset_ns};
  if (log_queue_put_line(log->settings.queue, &line)) log_writer_wake(log->settings.writer);
  pool_give(pool_of(log, noted->text_bytes), noted);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void init_pool(const struct access_log *log, struct pool *pool, size_t bytes) {
  pool_init(pool, log->settings.memory, bytes, pool_chunk_count(bytes), log->settings.requests_max);
}

struct access_log *access_log_create(const struct access_log_settings *settings) {
  struct access_log *log = memory_alloc(settings->memory, sizeof *log);
  if (!log) return NULL;
  if (!log_queue_format(settings->queue, settings->format)) {
    memory_free(settings->memory, log, sizeof *log);
    return NULL;
  }
  log->settings = *settings;
  log->handler = (struct handler){.ctx = log,
                                  .request = on_request,
                                  .mistake = on_mistake,
                                  .protocols = settings->inner->protocols,
                                  .refused = on_refused,
                                  .ended = on_ended};
  init_pool(log, &log->small, ACCESS_LOG_SMALL_BYTES);
  init_pool(log, &log->large, sizeof(struct log_request) + ACCESS_LOG_TEXT_BYTES_MAX);
  return log;
}

void access_log_destroy(struct access_log *log) {
  if (!log) return;
  pool_destroy(&log->small);
  pool_destroy(&log->large);
  memory_free(log->settings.memory, log, sizeof *log);
}

const struct handler *access_log_handler(const struct access_log *log) {
  return &log->handler;
}

void access_log_second(struct access_log *log, uint64_t now_ns) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  log->wall_offset_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - (int64_t)now_ns;
  pool_trim(&log->small);
  pool_trim(&log->large);
}
