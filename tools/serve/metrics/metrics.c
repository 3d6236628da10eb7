/*
 * serve/metrics/metrics.c - see serve/metrics/metrics.h.
 */
#include "tools/serve/metrics/metrics.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/decimal.h"
#include "engine/conn.h"
#include "engine/http/body.h"
#include "io/worker/group.h"
#include "tools/common/process.h"
#include "tools/serve/metrics/accept.h"

struct metrics {
  struct listener listener;
  struct worker_group group;
  bool started;
  struct engine engine; /* the only worker's */
  struct handler handler;
  atomic_bool ready;
  uint64_t start_ns; /* since 1970 */
  void (*read)(void *ctx, struct metrics_facts *facts);
  void *ctx;
};

/* ---- answers --------------------------------------------------------------------------------- */

struct page {
  struct body_bytes body;
  char *text; /* from open_memstream() */
};

static void page_free(void *ctx) {
  struct page *page = ctx;
  free(page->text);
  free(page);
}

/* Takes `page`; its text is `len` bytes. */
static void respond(struct stream *stream, unsigned status, const char *type, struct page *page,
                    size_t len) {
  uint8_t length[DECIMAL_BYTES_MAX];
  const struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text(type)),
      header_of(TOKEN_CACHE_CONTROL, span_text("no-store")),
      header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, len))),
  };
  struct body body = body_bytes(&page->body, span_of(page->text, len), page_free, page);
  (void)stream_respond(stream, status, fields, 3, body);
}

/* A page without its text, or an answer that there is none. */
static struct page *page_make(struct stream *stream) {
  struct page *page = calloc(1, sizeof *page);
  if (!page) (void)stream_respond(stream, 503, NULL, 0, BODY_NONE);
  return page;
}

static void respond_text(struct stream *stream, unsigned status, const char *text) {
  struct page *page = page_make(stream);
  if (!page) return;
  page->text = strdup(text);
  respond(stream, status, "text/plain; charset=utf-8", page, page->text ? strlen(text) : 0);
}

static void respond_metrics(struct metrics *metrics, struct stream *stream,
                            const struct headers *fields) {
  struct metrics_facts facts = {.start_ns = metrics->start_ns};
  struct metrics_text text = {.form = metrics_accept(fields)};
  struct page *page = page_make(stream);
  size_t len = 0;
  if (!page) return;
  text.out = open_memstream(&page->text, &len);
  if (text.out) {
    metrics->read(metrics->ctx, &facts);
    facts.ready = atomic_load(&metrics->ready);
    metrics_page(&text, &facts);
  }
  if (!text.out || fclose(text.out) != 0) {
    page_free(page);
    (void)stream_respond(stream, 503, NULL, 0, BODY_NONE);
    return;
  }
  respond(stream, 200, metrics_content_type(text.form), page, len);
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct metrics *metrics = ctx;
  struct span path = request->path;
  const uint8_t *query = path.len ? memchr(path.base, '?', path.len) : NULL;
  (void)now_ns;
  if (query) path.len = (size_t)(query - path.base);
  if (!span_is(request->method, "GET") && !span_is(request->method, "HEAD"))
    respond_text(stream, 405, "405 Method Not Allowed\n");
  else if (span_is(path, "/metrics"))
    respond_metrics(metrics, stream, request->fields);
  else if (span_is(path, "/healthz"))
    respond_text(stream, 200, "ok\n");
  else if (span_is(path, "/readyz"))
    atomic_load(&metrics->ready) ? respond_text(stream, 200, "ready\n")
                                 : respond_text(stream, 503, "not ready\n");
  else
    respond_text(stream, 404, "404 Not Found: /metrics, /healthz and /readyz are here\n");
}

/* ---- the thread ------------------------------------------------------------------------------ */

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct metrics *metrics = ctx;
  struct engine_config config = engine_config_default();
  config.clock_ns = &worker->loop.now_ns;
  config.connections_max = METRICS_CONNECTIONS_MAX;
  config.h1.streams_max = config.h2.streams_max = METRICS_CONNECTIONS_MAX * METRICS_STREAMS_EACH;
  config.h1.concurrent_streams = config.h2.concurrent_streams = METRICS_STREAMS_EACH;
  pthread_setname_np(pthread_self(), "weir-metrics");
  if (engine_init(&metrics->engine, &process_memory, &config, &metrics->handler)) {
    engine_set_date(&metrics->engine, (int64_t)time(NULL));
    if (worker_listen(worker, &metrics->listener, conn_factory(&metrics->engine))) return true;
    engine_destroy(&metrics->engine);
  }
  return io_error_set(error, ENOMEM, "out of memory");
}

static void worker_second(struct worker *worker, void *ctx) {
  struct metrics *metrics = ctx;
  (void)worker;
  engine_set_date(&metrics->engine, (int64_t)time(NULL));
  engine_trim(&metrics->engine);
}

static void worker_stopped(struct worker *worker, void *ctx) {
  struct metrics *metrics = ctx;
  (void)worker;
  engine_destroy(&metrics->engine);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct metrics *metrics_open(struct listener *listener, struct io_error *error) {
  struct timespec now;
  struct metrics *metrics = calloc(1, sizeof *metrics);
  if (!metrics) {
    listener_close(listener);
    io_error_set(error, ENOMEM, "out of memory");
    return NULL;
  }
  metrics->listener = *listener;
  clock_gettime(CLOCK_REALTIME, &now);
  metrics->start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
  metrics->handler = (struct handler){.ctx = metrics, .request = on_request};
  return metrics;
}

const struct address *metrics_address(const struct metrics *metrics) {
  return &metrics->listener.address;
}

bool metrics_start(struct metrics *metrics, enum ring_choice ring, unsigned disabled,
                   void (*read)(void *ctx, struct metrics_facts *facts), void *ctx,
                   struct io_error *error) {
  const struct worker_config config = {
      .count = 1,
      .ring = ring,
      .disabled = disabled,
      .links_max = METRICS_CONNECTIONS_MAX,
      .yield_ns = METRICS_YIELD_MILLISECONDS * MILLISECOND_NS,
      .buffer_count = METRICS_BUFFERS,
      .buffer_bytes = METRICS_BUFFER_BYTES,
      .keep_bytes_max = METRICS_BUFFERS * METRICS_BUFFER_BYTES,
      .hooks = {.ctx = metrics,
                .setup = worker_setup,
                .second = worker_second,
                .stopped = worker_stopped},
  };
  metrics->read = read;
  metrics->ctx = ctx;
  metrics->started = worker_group_start(&metrics->group, &config, error);
  return metrics->started;
}

void metrics_set_ready(struct metrics *metrics, bool ready) {
  if (metrics) atomic_store(&metrics->ready, ready);
}

void metrics_leave(struct metrics *metrics) {
  if (metrics && metrics->started) worker_group_leave(&metrics->group);
}

void metrics_close(struct metrics *metrics) {
  if (!metrics) return;
  if (metrics->started) {
    worker_group_stop(&metrics->group);
    worker_group_join(&metrics->group);
  }
  listener_close(&metrics->listener);
  free(metrics);
}
