/*
 * serve/demo/live.c - see serve/demo/live.h.
 */
#include "tools/serve/demo/live.h"

#include <assert.h>

#include "engine/base/decimal.h"

/* ---- the list -------------------------------------------------------------------------------- */

static void link_in(struct demo_live *live, struct demo_watcher *watcher) {
  watcher->live = live;
  watcher->prev = NULL;
  watcher->next = live->watchers;
  if (live->watchers) live->watchers->prev = watcher;
  live->watchers = watcher;
}

void demo_live_forget(struct demo_watcher *watcher) {
  struct demo_live *live = watcher->live;
  if (!live) return;
  watcher->live = NULL;
  *(watcher->prev ? &watcher->prev->next : &live->watchers) = watcher->next;
  if (watcher->next) watcher->next->prev = watcher->prev;
}

/* ---- /events --------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *at, const char *text) {
  size_t len = __builtin_strlen(text);
  return (uint8_t *)__builtin_memcpy(at, text, len) + len;
}

static uint8_t *put_count(uint8_t *at, const char *before, uint64_t count) {
  at = put(at, before);
  return at + decimal_put(at, count);
}

static void write_event(struct demo_live *live, const struct http_counters *counters) {
  uint8_t *at = put_count(live->event, "id: ", ++live->number);
  at = put_count(at, "\ndata: {\"requests\":", counters->requests);
  at = put_count(at,
                 ",\"connections\":", counters->connections_opened - counters->connections_closed);
  at = put_count(at, ",\"streams\":", counters->streams_opened - counters->streams_closed);
  at = put_count(at, ",\"bytes_received\":", counters->body_bytes_received);
  at = put_count(at, ",\"bytes_sent\":", counters->body_bytes_sent);
  at = put(at, "}\n\n");
  live->len = (size_t)(at - live->event);
  assert(live->len <= sizeof live->event);
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct demo_watcher *watcher = self;
  struct demo_live *live = watcher->live;
  if (!live) return BODY_END;
  if (watcher->seen == live->number) return BODY_WAIT;
  if (chunk->max == 0) return BODY_MORE;
  if (chunk->max < live->len) return BODY_ROOM;
  __builtin_memcpy(chunk->room, live->event, live->len);
  chunk->bytes = span_of(chunk->room, live->len);
  watcher->seen = live->number;
  return BODY_MORE;
}

static void release(void *self) {
  struct demo_watcher *watcher = self;
  watcher->release(watcher->ctx);
}

void demo_live_events(struct demo_live *live, struct demo_watcher *watcher, struct stream *stream,
                      void (*release_it)(void *ctx), void *ctx) {
  static const struct body_ops ops = {.pull = pull, .close = release};
  const struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text("text/event-stream")),
      header_of(TOKEN_CACHE_CONTROL, span_text("no-store")),
  };
  *watcher = (struct demo_watcher){.stream = stream, .release = release_it, .ctx = ctx};
  link_in(live, watcher);
  (void)stream_respond(stream, 200, fields, 2, (struct body){.ops = &ops, .self = watcher});
}

/* ---- /poll ----------------------------------------------------------------------------------- */

/* What has happened by the next second is the measure: the request's own connection may be news. */
#define NOT_YET UINT64_MAX

void demo_live_poll(struct demo_live *live, struct demo_watcher *watcher, void (*answer)(void *ctx),
                    void *ctx) {
  *watcher = (struct demo_watcher){.seen = NOT_YET, .answer = answer, .ctx = ctx};
  link_in(live, watcher);
}

static void look(struct demo_watcher *watcher) {
  const struct demo_live *live = watcher->live;
  if (watcher->seen == NOT_YET) watcher->seen = live->changes;
  if (watcher->seen == live->changes) return;
  demo_live_forget(watcher);
  watcher->answer(watcher->ctx);
}

/* ---- each second ----------------------------------------------------------------------------- */

void demo_live_second(struct demo_live *live, const struct http_counters *counters) {
  live->changes = counters->connections_opened + counters->connections_closed;
  write_event(live, counters);
  for (struct demo_watcher *watcher = live->watchers, *next; watcher; watcher = next) {
    next = watcher->next; /* a watcher may end its own stream, and no other */
    if (watcher->stream)
      stream_resume(watcher->stream);
    else
      look(watcher);
  }
}
