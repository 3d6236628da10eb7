/*
 * serve/log/record.c - see serve/log/record.h.
 *
 * A request's texts are only borrowed when it arrives, so its line is made then, but for the end,
 * and waits in a pool. The inner handler may need `stream->log`, too: the line keeps what that was.
 */
#include "tools/serve/log/record.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/pool.h"
#include "tools/serve/limits.h"
#include "tools/serve/log/text.h"

struct line {
  void *inner_log; /* what the inner handler put into stream->log */
  uint32_t len;
  bool large; /* of the pool for such lines */
  char text[];
};

struct record {
  struct record_settings settings;
  struct handler handler;
  struct pool small, large; /* struct line */
  char text[RECORD_LINE_BYTES_MAX];
};

/* ---- secrets --------------------------------------------------------------------------------- */

bool record_is_secret(struct span name) {
  static const char *const names[] = {
      "authorization",
      "proxy-authorization",
      "cookie",
      "cookie2",
      "set-cookie",
      "api-key",
      "x-api-key",
      "x-auth-token",
      "x-access-token",
      "x-csrf-token",
      "x-xsrf-token",
      "x-amz-security-token",
      "x-goog-api-key",
      "x-goog-iam-authorization-token",
      "x-forwarded-user",
      "x-forwarded-access-token",
      "x-vault-token",
      "private-token",
      "cf-access-jwt-assertion",
      "x-goog-iap-jwt-assertion",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (span_is(name, names[i])) return true;
  return false;
}

/* Fields of one connection, those that `weir load` makes anew, and pseudo-header fields. */
static bool is_left_out(const struct record *record, const struct header *field) {
  enum header_token token = header_token_by_name(field);
  if (header_token_is_of_connection(token) || token == TOKEN_HTTP2_SETTINGS ||
      token == TOKEN_CONTENT_LENGTH || token == TOKEN_HOST)
    return true;
  if (field->name.len == 0 || field->name.base[0] == ':') return true;
  if (record->settings.secrets) return false;
  return (field->flags & HEADER_NEVER_INDEX) || record_is_secret(field->name);
}

/* ---- the line -------------------------------------------------------------------------------- */

/* Where writing has come to. Once `full`, nothing more is written. */
struct writing {
  char *at, *end;
  bool full;
};

static void put(struct writing *out, const char *text) {
  size_t len = strlen(text);
  out->full |= (size_t)(out->end - out->at) < len;
  if (out->full) return;
  memcpy(out->at, text, len);
  out->at += len;
}

/* A JSON string. */
static void put_text(struct writing *out, struct span text) {
  struct span part, rest;
  put(out, "\"");
  out->full |= (size_t)(out->end - out->at) < LOG_TEXT_GROWTH * text.len;
  while (!out->full && span_cut(text, '{', &part, &rest)) {
    out->at = log_text_json(out->at, part);
    put(out, "{{");
    text = rest;
  }
  if (!out->full) out->at = log_text_json(out->at, text);
  put(out, "\"");
}

static bool is_first_of_name(const struct headers *fields, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (span_equal(fields->at[i].name, fields->at[index].name)) return false;
  return true;
}

/* The field, and those of its name that follow. */
static void put_values(struct writing *out, const struct headers *fields, uint32_t index) {
  const struct span name = fields->at[index].name;
  put_text(out, name);
  put(out, ":[");
  for (uint32_t i = index; i < fields->count; i++) {
    if (!span_equal(fields->at[i].name, name)) continue;
    if (i > index) put(out, ",");
    put_text(out, fields->at[i].value);
  }
  put(out, "]");
}

static void put_fields(struct writing *out, const struct record *record,
                       const struct headers *fields) {
  bool first = true;
  put(out, ",\"header\":{");
  for (uint32_t i = 0; i < fields->count; i++) {
    if (is_left_out(record, &fields->at[i]) || !is_first_of_name(fields, i)) continue;
    if (!first) put(out, ",");
    put_values(out, fields, i);
    first = false;
  }
  put(out, "}");
}

/* A path that begins with two slashes would be read as a host's name. */
static void put_url(struct writing *out, const struct request *request) {
  struct span path = request->path;
  if (path.len < 2 || path.base[1] != '/') {
    put_text(out, path);
    return;
  }
  char url[RECORD_URL_BYTES_MAX];
  int len = snprintf(url, sizeof url, "%.*s://%.*s%.*s", (int)request->scheme.len,
                     (const char *)request->scheme.base, (int)request->authority.len,
                     (const char *)request->authority.base, (int)path.len, (const char *)path.base);
  out->full |= (size_t)len >= sizeof url;
  if (!out->full) put_text(out, span_text(url));
}

/* Writes all that is known when the request has arrived. Returns the length, or 0: too long. */
static size_t write_line(struct record *record, const struct request *request, uint64_t now_ns) {
  struct writing out = {.at = record->text,
                        .end = record->text + sizeof record->text - RECORD_END_BYTES_MAX};
  char time[48];
  snprintf(time, sizeof time, "{\"time_ns\":%20llu,\"method\":",
           (unsigned long long)(now_ns - record->settings.start_ns));
  put(&out, time);
  put_text(&out, request->method);
  put(&out, ",\"url\":");
  put_url(&out, request);
  put_fields(&out, record, request->fields);
  put(&out, ",\"scheme\":");
  put_text(&out, request->scheme);
  put(&out, ",\"authority\":");
  put_text(&out, request->authority);
  return out.full ? 0 : (size_t)(out.at - record->text);
}

/* ---- the handler ----------------------------------------------------------------------------- */

/* `stream->log` may also be the inner handler's, if there was no room for a line. The lowest bit
 * tells them apart: nothing in a pool has an odd address. */
static void *mark(struct line *line) {
  return (void *)((uintptr_t)line | 1);
}

static struct line *line_of(const struct stream *stream) {
  uintptr_t address = (uintptr_t)stream->log;
  return address & 1 ? (struct line *)(address & ~(uintptr_t)1) : NULL;
}

static bool is_recorded(const struct request *request) {
  return request->protocol.len == 0 && request->path.len > 0 && request->path.base[0] == '/';
}

static void keep(struct record *record, struct stream *stream, size_t len) {
  bool large = sizeof(struct line) + len + RECORD_END_BYTES_MAX > RECORD_SMALL_BYTES;
  bool fits = len > 0 && len + RECORD_END_BYTES_MAX <= record->settings.queue->size;
  struct line *line = fits ? pool_take(large ? &record->large : &record->small) : NULL;
  if (!line) {
    log_queue_drop(record->settings.queue);
    return;
  }
  line->inner_log = stream->log;
  line->len = (uint32_t)len;
  line->large = large;
  memcpy(line->text, record->text, len);
  stream->log = mark(line);
}

/* The line is made first: the inner handler may consume what the request refers to. The engine calls
 * ended() only later. */
static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct record *record = ctx;
  const struct handler *inner = record->settings.inner;
  bool recorded = is_recorded(request);
  size_t len = recorded ? write_line(record, request, now_ns) : 0;
  inner->request(inner->ctx, stream, request, now_ns);
  if (recorded) keep(record, stream, len);
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  const struct record *record = ctx;
  const struct handler *inner = record->settings.inner;
  if (inner->refused) inner->refused(inner->ctx, stream, request, now_ns);
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  const struct record *record = ctx;
  const struct handler *inner = record->settings.inner;
  if (inner->mistake) inner->mistake(inner->ctx, stream, what);
}

static void finish(struct record *record, struct line *line, const struct stream_facts *facts) {
  struct writing out = {.at = line->text + line->len,
                        .end = line->text + line->len + RECORD_END_BYTES_MAX};
  put(&out, ",\"protocol\":\"");
  put(&out, facts->protocol);
  put(&out, "\",\"body_bytes\":");
  out.at += decimal_put((uint8_t *)out.at, facts->body_bytes_received);
  put(&out, "}\n");
  if (log_queue_put(record->settings.queue, line->text, (size_t)(out.at - line->text)))
    log_writer_wake(record->settings.writer);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  struct record *record = ctx;
  const struct handler *inner = record->settings.inner;
  struct line *line = line_of(stream);
  if (line) {
    stream->log = line->inner_log;
    finish(record, line, facts);
    pool_give(line->large ? &record->large : &record->small, line);
  }
  if (inner->ended) inner->ended(inner->ctx, stream, facts);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void init_pool(const struct record *record, struct pool *pool, size_t bytes) {
  pool_init(pool, record->settings.memory, bytes, pool_chunk_count(bytes),
            record->settings.requests_max);
}

struct record *record_create(const struct record_settings *settings) {
  struct record *record = memory_alloc(settings->memory, sizeof *record);
  if (!record) return NULL;
  record->settings = *settings;
  record->handler = (struct handler){.ctx = record,
                                     .request = on_request,
                                     .mistake = on_mistake,
                                     .protocols = settings->inner->protocols,
                                     .refused = on_refused,
                                     .ended = on_ended};
  init_pool(record, &record->small, RECORD_SMALL_BYTES);
  init_pool(record, &record->large, sizeof(struct line) + RECORD_LINE_BYTES_MAX);
  return record;
}

void record_destroy(struct record *record) {
  if (!record) return;
  pool_destroy(&record->small);
  pool_destroy(&record->large);
  memory_free(record->settings.memory, record, sizeof *record);
}

const struct handler *record_handler(const struct record *record) {
  return &record->handler;
}

void record_second(struct record *record) {
  pool_trim(&record->small);
  pool_trim(&record->large);
}
