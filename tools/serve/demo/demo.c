/*
 * serve/demo/demo.c - the built-in site; see serve/demo/demo.h.
 */
#include "tools/serve/demo/demo.h"

#include "engine/base/decimal.h"
#include "engine/base/limits.h"
#include "engine/http/body.h"
#include "tools/serve/demo/exchange.h"
#include "tools/serve/demo/page.h"

static const struct stream_events plain_events = {.closed = demo_stream_closed};

/* ---- answers that are in memory -------------------------------------------------------------- */

static void show_page(struct demo_exchange *exchange, struct span parameter,
                      const struct request *request, uint64_t now_ns) {
  (void)parameter;
  (void)request;
  (void)now_ns;
  demo_respond(exchange, 200, "text/html; charset=utf-8", demo_page(), NULL);
}

static void show_ws(struct demo_exchange *exchange, struct span parameter,
                    const struct request *request, uint64_t now_ns) {
  (void)parameter;
  (void)request;
  (void)now_ns;
  demo_respond(exchange, 200, "text/html; charset=utf-8", demo_ws_page(), NULL);
}

static void plaintext(struct demo_exchange *exchange, struct span parameter,
                      const struct request *request, uint64_t now_ns) {
  (void)parameter;
  (void)request;
  (void)now_ns;
  demo_respond(exchange, 200, "text/plain", span_text("Hello, World!"), NULL);
}

/* ---- /bytes ---------------------------------------------------------------------------------- */

static enum body_result pull_bytes(void *self, struct body_chunk *chunk) {
  struct demo_exchange *exchange = self;
  uint64_t left = exchange->end - exchange->offset;
  size_t from = (size_t)(exchange->offset % 256);
  size_t count = DEMO_PATTERN_BYTES - from;
  if (count > chunk->max) count = chunk->max;
  if (count > left) count = (size_t)left;
  chunk->bytes = span_of(exchange->demo->pattern + from, count);
  exchange->offset += count;
  return exchange->offset < exchange->end ? BODY_MORE : BODY_END;
}

static void bytes(struct demo_exchange *exchange, struct span parameter,
                  const struct request *request, uint64_t now_ns) {
  static const struct body_ops ops = {.pull = pull_bytes, .close = demo_body_closed};
  (void)request;
  (void)now_ns;
  uint64_t count;
  if (!decimal_get(parameter, &count) || count > INT64_MAX) {
    demo_respond_error(exchange, 400);
    return;
  }
  exchange->end = count;
  uint8_t length[DECIMAL_BYTES_MAX];
  const struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text("application/octet-stream")),
      header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, count))),
  };
  exchange->body_open = true;
  struct body body = {.ops = &ops, .self = exchange};
  (void)stream_respond(exchange->stream, 200, fields, 2, body);
}

/* ---- /echo ----------------------------------------------------------------------------------- */

/* Copies the bytes. They count as consumed once they are sent back, so the client's window limits
 * how much an echo keeps. */
static void echo_data(struct stream *stream, struct span received, bool end) {
  struct demo_exchange *exchange = stream->user;
  if (!demo_echo_keep(&exchange->echo, exchange->demo->memory, received)) {
    stream_reset(stream, 0);
    return;
  }
  exchange->complete |= end;
  stream_resume(stream);
}

static void echo_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  struct demo_exchange *exchange = stream->user;
  exchange->complete = true;
  stream_resume(stream);
}

static enum body_result pull_echo(void *self, struct body_chunk *chunk) {
  struct demo_exchange *exchange = self;
  struct demo_echo *echo = &exchange->echo;
  if (!echo->first && !exchange->complete) return BODY_WAIT;
  size_t count = demo_echo_take(echo, exchange->demo->memory, chunk->room, chunk->max);
  chunk->bytes = span_of(chunk->room, count);
  if (exchange->stream && count > 0) stream_consume(exchange->stream, count);
  return echo->first || !exchange->complete ? BODY_MORE : BODY_END;
}

static void echo(struct demo_exchange *exchange, struct span parameter,
                 const struct request *request, uint64_t now_ns) {
  static const struct body_ops ops = {.pull = pull_echo, .close = demo_body_closed};
  static const struct stream_events events = {
      .data = echo_data, .trailers = echo_trailers, .closed = demo_stream_closed};
  (void)parameter;
  (void)now_ns;
  const struct header *type = headers_find(request->fields, TOKEN_CONTENT_TYPE);
  struct span type_text = type ? type->value : span_text("application/octet-stream");
  uint8_t length[DECIMAL_BYTES_MAX];
  struct header fields[2] = {header_of(TOKEN_CONTENT_TYPE, type_text)};
  size_t count = 1;
  if (request->content_length >= 0) {
    size_t len = decimal_put(length, (uint64_t)request->content_length);
    fields[count++] = header_of(TOKEN_CONTENT_LENGTH, span_of(length, len));
  }
  /* Some clients wait for 100 (Continue) before they send (RFC 9110 section 10.1.1), and spell the
   * value in any case. The engine would send it, but not after the response has begun. */
  const struct header *expect = headers_find(request->fields, TOKEN_EXPECT);
  if (expect && !request->end && span_is_ignoring_case(expect->value, "100-continue"))
    (void)stream_inform(exchange->stream, 100, NULL, 0);
  exchange->complete = request->end;
  exchange->stream->events = &events;
  exchange->stream->duplex = true;
  exchange->stream->consume_later = true;
  exchange->body_open = true;
  struct body body = {.ops = &ops, .self = exchange};
  (void)stream_respond(exchange->stream, 200, fields, count, body);
}

/* ---- /sink ----------------------------------------------------------------------------------- */

static void sink_answer(struct demo_exchange *exchange) {
  size_t len = decimal_put((uint8_t *)exchange->text, exchange->offset);
  exchange->text[len] = '\n';
  demo_respond(exchange, 200, demo_text_type, span_of(exchange->text, len + 1), NULL);
}

static void sink_data(struct stream *stream, struct span received, bool end) {
  struct demo_exchange *exchange = stream->user;
  exchange->offset += received.len;
  if (end) sink_answer(exchange);
}

static void sink_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  sink_answer(stream->user);
}

static void sink(struct demo_exchange *exchange, struct span parameter,
                 const struct request *request, uint64_t now_ns) {
  static const struct stream_events events = {
      .data = sink_data, .trailers = sink_trailers, .closed = demo_stream_closed};
  static const char stopped[] = "/sink?stopped";
  (void)parameter;
  (void)now_ns;
  exchange->stream->events = &events;
  exchange->stream->consume_later = span_is(request->path, stopped);
  if (request->end) sink_answer(exchange);
}

/* ---- /delay ---------------------------------------------------------------------------------- */

static void delay_over(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  struct demo_exchange *exchange = stream->user;
  demo_respond(exchange, 200, demo_text_type,
               span_of(exchange->text, __builtin_strlen(exchange->text)), NULL);
}

static void delay(struct demo_exchange *exchange, struct span parameter,
                  const struct request *request, uint64_t now_ns) {
  static const struct stream_events events = {.timer = delay_over, .closed = demo_stream_closed};
  (void)request;
  uint64_t milliseconds;
  if (!decimal_get(parameter, &milliseconds) || milliseconds > DEMO_DELAY_MILLISECONDS_MAX) {
    demo_respond_error(exchange, 400);
    return;
  }
  static const char before[] = "waited ", after[] = " ms\n";
  __builtin_memcpy(exchange->text, before, sizeof before - 1);
  size_t len = sizeof before - 1;
  len += decimal_put((uint8_t *)exchange->text + len, milliseconds);
  __builtin_memcpy(exchange->text + len, after, sizeof after); /* including its NUL */
  exchange->stream->events = &events;
  stream_timer(exchange->stream, now_ns + milliseconds * MILLISECOND_NS);
}

/* ---- /events and /poll ----------------------------------------------------------------------- */

static void events_end(struct stream *stream) {
  struct demo_exchange *exchange = stream->user;
  demo_live_forget(&exchange->watcher);
  stream_resume(stream);
}

static void events(struct demo_exchange *exchange, struct span parameter,
                   const struct request *request, uint64_t now_ns) {
  static const struct stream_events heard = {.drain = events_end, .closed = demo_stream_closed};
  (void)parameter;
  (void)request;
  (void)now_ns;
  exchange->stream->events = &heard;
  exchange->body_open = true;
  demo_live_events(&exchange->demo->live, &exchange->watcher, exchange->stream, demo_body_closed,
                   exchange);
}

static void poll_over(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  struct demo_exchange *exchange = stream->user;
  demo_live_forget(&exchange->watcher);
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static void poll_ends(struct stream *stream) {
  const struct demo_exchange *exchange = stream->user;
  if (!exchange->watcher.live) return; /* it is answered */
  stream_timer(stream, MACHINE_NO_DEADLINE);
  poll_over(stream, 0);
}

static void poll_answer(void *ctx) {
  static const char text[] = "clients have come or left\n";
  struct demo_exchange *exchange = ctx;
  stream_timer(exchange->stream, MACHINE_NO_DEADLINE);
  demo_respond(exchange, 200, demo_text_type, span_text(text), NULL);
}

static void poll(struct demo_exchange *exchange, struct span parameter,
                 const struct request *request, uint64_t now_ns) {
  static const struct stream_events heard = {
      .timer = poll_over, .drain = poll_ends, .closed = demo_stream_closed};
  (void)parameter;
  (void)request;
  exchange->stream->events = &heard;
  demo_live_poll(&exchange->demo->live, &exchange->watcher, poll_answer, exchange);
  stream_timer(exchange->stream, now_ns + DEMO_POLL_MILLISECONDS * MILLISECOND_NS);
}

/* ---- routes ---------------------------------------------------------------------------------- */

struct route {
  const char *path;
  bool parameter; /* a parameter follows the path */
  bool post;      /* POST; otherwise GET and HEAD */
  void (*answer)(struct demo_exchange *exchange, struct span parameter,
                 const struct request *request, uint64_t now_ns);
};

static const struct route routes[] = {
    {"/", false, false, show_page},  {"/plaintext", false, false, plaintext},
    {"/bytes/", true, false, bytes}, {"/echo", false, true, echo},
    {"/delay/", true, false, delay}, {"/sink", false, true, sink},
    {"/ws", false, false, show_ws},  {"/events", false, false, events},
    {"/poll", false, false, poll},
};

/* The path without its query. */
static struct span path_of(struct span target) {
  const uint8_t *mark = target.len > 0 ? __builtin_memchr(target.base, '?', target.len) : NULL;
  return mark ? span_of(target.base, (size_t)(mark - target.base)) : target;
}

static const struct route *route_of(struct span path, struct span *parameter) {
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    struct span prefix = span_text(routes[i].path);
    if (path.len < prefix.len || !span_equal(span_of(path.base, prefix.len), prefix)) continue;
    if (path.len > prefix.len && !routes[i].parameter) continue;
    *parameter = span_of(path.base + prefix.len, path.len - prefix.len);
    return &routes[i];
  }
  return NULL;
}

static void answer(struct demo_exchange *exchange, const struct request *request, uint64_t now_ns) {
  struct span method = request->method, parameter;
  bool options = span_is(method, "OPTIONS");
  if (request->protocol.len > 0) { /* a WebSocket on another path than /ws */
    demo_respond_error(exchange, 404);
    return;
  }
  if (span_is(method, "CONNECT")) {
    demo_respond_error(exchange, 501);
    return;
  }
  if (options && span_is(request->path, "*")) {
    demo_respond_options(exchange, "GET, HEAD, POST, OPTIONS");
    return;
  }
  const struct route *route = route_of(path_of(request->path), &parameter);
  if (!route) {
    demo_respond_error(exchange, 404);
    return;
  }
  const char *allowed = route->post ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
  bool get = span_is(method, "GET") || span_is(method, "HEAD");
  if (options)
    demo_respond_options(exchange, allowed);
  else if (route->post ? !span_is(method, "POST") : !get)
    demo_respond_not_allowed(exchange, allowed);
  else
    route->answer(exchange, parameter, request, now_ns);
}

static void demo_request(void *ctx, struct stream *stream, const struct request *request,
                         uint64_t now_ns) {
  struct demo *demo = ctx;
  if (request->protocol.len > 0 && span_is(path_of(request->path), "/ws")) {
    demo_ws_accept(&demo->ws, stream, request);
    return;
  }
  struct demo_exchange *exchange = pool_take(&demo->exchanges);
  if (!exchange) {
    static const struct stream_events none;
    stream->events = &none;
    struct header retry = header_of(TOKEN_RETRY_AFTER, span_text("1"));
    (void)stream_respond(stream, 503, &retry, 1, BODY_NONE);
    return;
  }
  *exchange = (struct demo_exchange){.demo = demo, .stream = stream};
  stream->user = exchange;
  stream->events = &plain_events;
  answer(exchange, request, now_ns);
}

/* ---- life ------------------------------------------------------------------------------------ */

enum { EXCHANGES_A_CHUNK = 64 };

struct demo *demo_create(const struct memory *memory, uint32_t exchanges_max) {
  struct demo *demo = memory_alloc(memory, sizeof *demo);
  if (!demo) return NULL;
  demo->memory = memory;
  demo->handler =
      (struct handler){.ctx = demo, .request = demo_request, .protocols = demo_ws_protocols};
  demo_ws_init(&demo->ws, memory);
  demo->live = (struct demo_live){0};
  for (size_t i = 0; i < DEMO_PATTERN_BYTES; i++)
    demo->pattern[i] = (uint8_t)i;
  pool_init(&demo->exchanges, memory, sizeof(struct demo_exchange), EXCHANGES_A_CHUNK,
            exchanges_max);
  return demo;
}

void demo_count(struct demo *demo, struct ws_counters *counters) {
  demo->ws.plain.counters = demo->ws.deflate.counters = counters;
}

void demo_destroy(struct demo *demo) {
  if (!demo) return;
  pool_destroy(&demo->exchanges);
  memory_free(demo->memory, demo, sizeof *demo);
}

const struct handler *demo_handler(struct demo *demo) {
  return &demo->handler;
}

void demo_second(struct demo *demo, const struct http_counters *counters) {
  demo_live_second(&demo->live, counters);
}
