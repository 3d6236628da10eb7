/*
 * trace/fetch.c - the resources of one run.
 *
 *     waiting --trigger--> timed --start time--> queued --connection--> asked --closed--> done
 *
 * Everything after the start happens on the worker's thread, in its timers and in the events of
 * streams; the caller's thread waits.
 */
#include "tools/trace/fetch.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "tools/common/process.h"
#include "tools/trace/fetch_parts.h"
#include "tools/trace/image.h"

/* Times that a request is repeated because the server refused it unseen. Arbitrary: the first
 * repetition already knows how many streams the server allows. */
enum { REFUSALS_MAX = 3 };

/* For GOAWAY and close_notify to leave when all is done. */
#define FAREWELL_NS (300 * MILLISECOND_NS)

uint64_t trace_now_ns(const struct trace_run *run) {
  uint64_t now_ns = run->worker->now_ns, origin_ns = run->record->origin_ns;
  return now_ns > origin_ns ? now_ns - origin_ns : 0;
}

static struct trace_result *result_of(const struct trace_item *item) {
  return &item->run->record->results[item->index];
}

static const struct trace_resource *resource_of(const struct trace_item *item) {
  return &item->run->manifest->at[item->index];
}

/* ---- the end of the run ---------------------------------------------------------------------- */

/* May be called from within a machine, which must not be told to drain there: the timer does that,
 * in the worker's own time. */
static void end_run(struct trace_run *run) {
  if (run->over) return;
  run->over = true;
  run->record->end_ns = trace_now_ns(run);
  timer_cancel(&run->worker->timers, &run->start_timer);
  timer_arm(&run->worker->timers, &run->end_timer, run->worker->now_ns);
}

static void say_goodbye(struct trace_run *run) {
  for (unsigned i = 0; i < run->record->connection_count; i++)
    if (run->origins[i]->state == ORIGIN_DIALING) dial_cancel(&run->origins[i]->dial);
  worker_drain(run->worker, run->worker->now_ns + FAREWELL_NS);
}

/* ---- triggers -------------------------------------------------------------------------------- */

static void ask_all(struct trace_run *run);
static void happened(struct trace_item *item, enum trace_event event);

static void arm_start(struct trace_run *run) {
  uint64_t next_ns = TRACE_NEVER;
  for (size_t i = 0; i < run->record->result_count; i++)
    if (run->items[i].phase == PHASE_TIMED && run->items[i].start_ns < next_ns)
      next_ns = run->items[i].start_ns;
  if (next_ns == TRACE_NEVER) return;
  timer_arm(&run->worker->timers, &run->start_timer, run->record->origin_ns + next_ns);
}

/* All streams that wait for this one, by `after`, have their start time now. */
static void trigger(struct trace_item *item, enum trace_event event) {
  struct trace_run *run = item->run;
  for (size_t i = 0; i < run->record->result_count; i++) {
    struct trace_item *other = &run->items[i];
    const struct trace_resource *resource = resource_of(other);
    if (resource->after != (int)item->index || resource->event != event) continue;
    if (other->phase != PHASE_WAITING) continue;
    other->phase = PHASE_TIMED;
    other->start_ns = trace_now_ns(run) + (uint64_t)(resource->start_ms * 1e6);
  }
}

static void uncap(struct trace_item *item) {
  struct trace_run *run = item->run;
  for (size_t i = 0; i < run->record->result_count; i++)
    if (resource_of(&run->items[i])->uncap == (int)item->index && run->items[i].stream)
      stream_cap(run->items[i].stream, STREAM_UNCAPPED);
}

static void happened(struct trace_item *item, enum trace_event event) {
  if (item->events & 1u << event) return;
  item->events |= 1u << event;
  trigger(item, event);
  ask_all(item->run);
  arm_start(item->run);
}

/* ---- the end of a resource ------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void give_up(struct trace_item *item,
                                                          const char *format, ...);

static void finish(struct trace_item *item) {
  struct trace_run *run = item->run;
  item->phase = PHASE_DONE;
  item->stream = NULL;
  result_of(item)->end_ns = trace_now_ns(run);
  free(item->prefix);
  item->prefix = NULL;
  item->sizing = false;
  run->done++;
  uncap(item);
}

/* Those that wait for what will not happen any more are given up too; the manifest has no circles,
 * so this ends. */
static void give_up_followers(struct trace_item *item) {
  struct trace_run *run = item->run;
  for (size_t i = 0; i < run->record->result_count; i++)
    if (resource_of(&run->items[i])->after == (int)item->index &&
        run->items[i].phase == PHASE_WAITING)
      give_up(&run->items[i], "it waited for %s, which failed", resource_of(item)->reference);
}

static void give_up(struct trace_item *item, const char *format, ...) {
  struct trace_result *result = result_of(item);
  if (item->phase == PHASE_DONE) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->error, sizeof result->error, format, arguments);
  va_end(arguments);
  result->failed = true;
  finish(item);
  give_up_followers(item);
}

static void end_if_done(struct trace_run *run) {
  if (run->done == run->record->result_count) end_run(run);
}

static void complete(struct trace_item *item) {
  result_of(item)->complete = true;
  finish(item);
  /* What was waited for and never came by itself (no body, no image) has now come. */
  for (int event = 0; event <= TRACE_ON_COMPLETE; event++)
    happened(item, (enum trace_event)event);
}

/* ---- streams --------------------------------------------------------------------------------- */

/* So much of an image is kept until its dimensions are known. */
static void look_for_size(struct trace_item *item, struct span bytes) {
  struct trace_result *result = result_of(item);
  struct trace_image image;
  size_t room = TRACE_IMAGE_BYTES_MAX - item->prefix_bytes;
  size_t take = bytes.len < room ? bytes.len : room;
  if (!item->sizing || take == 0) return;
  if (!item->prefix) item->prefix = malloc(TRACE_IMAGE_BYTES_MAX);
  if (!item->prefix) return;
  memcpy(item->prefix + item->prefix_bytes, bytes.base, take);
  item->prefix_bytes += take;
  switch (trace_image_size(item->prefix, item->prefix_bytes, &image)) {
  case TRACE_IMAGE_MORE: return;
  case TRACE_IMAGE_NONE: item->sizing = false; return;
  case TRACE_IMAGE_FOUND: break;
  }
  item->sizing = false;
  result->size_ns = trace_now_ns(item->run);
  result->width = image.width;
  result->height = image.height;
  happened(item, TRACE_ON_DIMENSIONS);
}

static void look_for_scan(struct trace_item *item, struct span bytes) {
  if (item->scan.result != FIRST_SCAN_MORE) return;
  if (first_scan_read(&item->scan, bytes) == FIRST_SCAN_FOUND)
    result_of(item)->scan_ns = trace_now_ns(item->run);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct trace_item *item = stream->user;
  struct trace_result *result = result_of(item);
  (void)end;
  if (status < 200) return;
  result->status = status;
  result->headers_ns = trace_now_ns(item->run);
  const struct header *type = headers_find(fields, TOKEN_CONTENT_TYPE);
  if (type && !resource_of(item)->kind_given)
    result->kind = trace_kind_of_type((const char *)type->value.base, type->value.len);
  item->sizing = result->kind == TRACE_IMAGE && status < 300;
  item->scan = (struct first_scan){.result = item->sizing ? FIRST_SCAN_MORE : FIRST_SCAN_NONE};
  happened(item, TRACE_ON_HEADERS);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct trace_item *item = stream->user;
  struct trace_result *result = result_of(item);
  (void)end;
  if (bytes.len == 0) return;
  result->bytes += bytes.len;
  look_for_size(item, bytes);
  look_for_scan(item, bytes);
  if (result->byte_ns != TRACE_NEVER) return;
  result->byte_ns = trace_now_ns(item->run);
  happened(item, TRACE_ON_BYTE);
}

static bool is_closing(const struct trace_origin *origin) {
  if (origin->state == ORIGIN_CLOSED) return true;
  return origin->h2 && (origin->h2->goaway_received || origin->h2->dead || origin->h2->eof);
}

/* The server did nothing about it (RFC 9113 section 8.7): ask again, as browsers do. It happens
 * when a server allows fewer streams than were assumed before its SETTINGS came. */
static bool ask_again(struct trace_item *item, uint32_t error_code) {
  struct trace_result *result = result_of(item);
  if (error_code != H2_REFUSED_STREAM || item->refusals == REFUSALS_MAX || item->run->over)
    return false;
  if (result->headers_ns != TRACE_NEVER || is_closing(item->origin)) return false;
  item->refusals++;
  item->phase = PHASE_QUEUED;
  result->asked_ns = result->sent_ns = TRACE_NEVER;
  return true;
}

/* Why a connection ended is often known only later: see explain(). */
static void on_stream_closed(struct stream *stream, uint32_t error_code) {
  struct trace_item *item = stream->user;
  struct trace_run *run = item->run;
  if (item->phase != PHASE_ASKED) return;
  item->stream = NULL;
  result_of(item)->error_code = error_code;
  if (error_code == 0) {
    complete(item);
  } else if (!ask_again(item, error_code)) {
    item->origin->broken = item->cut = true;
    give_up(item, "the stream ended with %s", h2_error_name(error_code));
  }
  if (!run->over) ask_all(run); /* there is room for another request */
  end_if_done(run);
}

static const struct stream_events stream_events = {
    .response = on_response, .data = on_data, .closed = on_stream_closed};

/* ---- asking ---------------------------------------------------------------------------------- */

static bool has_room(const struct trace_origin *origin) {
  const struct h2 *h2 = origin->h2;
  if (!h2 || h2_request_room(h2) == 0) return false;
  return h2->settings_received || h2->active_own < TRACE_STREAMS_ASSUMED;
}

static void ask(struct trace_item *item) {
  const struct trace_connection *connection = &item->run->record->connections[item->origin->index];
  struct trace_result *result = result_of(item);
  trace_origin_open(item->origin);
  if (is_closing(item->origin)) {
    give_up(item, "%s",
            connection->error[0] ? connection->error : "the server takes no more requests");
    return;
  }
  if (!has_room(item->origin)) return;
  item->phase = PHASE_ASKED; /* before the call, since the stream may end within it */
  struct stream *stream = trace_request(item, &stream_events);
  if (!stream) {
    item->phase = PHASE_QUEUED;
    give_up(item, "the request could not be made");
    return;
  }
  item->stream = stream;
  result->asked_ns = trace_now_ns(item->run);
}

/* Whatever is due and has a connection with room, in the manifest's order. */
static void ask_all(struct trace_run *run) {
  uint64_t now_ns = trace_now_ns(run);
  for (size_t i = 0; i < run->record->result_count && !run->over; i++) {
    struct trace_item *item = &run->items[i];
    if (item->phase == PHASE_TIMED && item->start_ns <= now_ns) {
      item->phase = PHASE_QUEUED;
      result_of(item)->due_ns = now_ns;
    }
    if (item->phase == PHASE_QUEUED) ask(item);
  }
}

void trace_origin_ready(struct trace_origin *origin) {
  if (origin->run->over) return;
  ask_all(origin->run);
  end_if_done(origin->run);
}

void trace_origin_lost(struct trace_origin *origin) {
  struct trace_run *run = origin->run;
  if (run->over) return;
  ask_all(run); /* which gives up those that wait for this connection */
  end_if_done(run);
}

void trace_request_left(struct trace_run *run, const struct trace_frame *frame) {
  for (size_t i = 0; i < run->record->result_count; i++) {
    struct trace_result *result = &run->record->results[i];
    if (result->stream_id != frame->stream_id || result->connection != frame->connection) continue;
    if (result->sent_ns == TRACE_NEVER) result->sent_ns = frame->end_ns;
  }
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void on_start_timer(struct timer *timer, uint64_t now_ns) {
  struct trace_run *run = LIST_OWNER(timer, struct trace_run, start_timer);
  (void)now_ns;
  if (run->over) return;
  ask_all(run);
  arm_start(run);
  end_if_done(run);
}

static void on_end_timer(struct timer *timer, uint64_t now_ns) {
  struct trace_run *run = LIST_OWNER(timer, struct trace_run, end_timer);
  (void)now_ns;
  if (run->over) {
    say_goodbye(run);
    return;
  }
  for (size_t i = 0; i < run->record->result_count; i++) {
    struct stream *stream = run->items[i].stream;
    give_up(&run->items[i], "not complete within %g s", run->options->timeout_seconds);
    if (stream) stream_reset(stream, H2_CANCEL);
  }
  end_run(run);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static struct engine_config config_of(const struct trace_options *options) {
  const struct trace_profile *profile = options->profile;
  struct engine_config config = engine_config_default();
  config.push = false;
  config.flow = FLOW_THRESHOLD;
  config.concurrent_streams = profile->concurrent_streams;
  config.header_list_bytes = profile->header_list_bytes;
  config.no_rfc7540_priorities = profile->no_rfc7540_priorities;
  config.stream_window_bytes = profile->stream_window_bytes;
  config.connection_window_bytes = profile->connection_window_bytes;
  if (options->stream_window_bytes) config.stream_window_bytes = options->stream_window_bytes;
  if (options->connection_window_bytes)
    config.connection_window_bytes = options->connection_window_bytes;
  config.window_budget_bytes = UINT64_MAX / 2;
  return config;
}

static bool setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct trace_run *run = ctx;
  const struct engine_config config = config_of(run->options);
  run->worker = worker;
  run->has_engine = engine_init(&run->engine, &process_memory, &config, NULL);
  if (!run->has_engine) {
    io_error_set(error, 0, "out of memory");
    return false;
  }
  worker->now_ns = clock_now_ns(); /* the turn's own is as old as the thread's start */
  run->record->origin_ns = worker->now_ns;
  run->record->window_bytes = config.stream_window_bytes;
  run->record->connection_window_bytes = config.connection_window_bytes;
  trace_bucket_init(&run->bucket, run->options->rate_limit, worker->now_ns);
  timer_init(&run->start_timer, on_start_timer);
  timer_init(&run->end_timer, on_end_timer);
  timer_arm(&worker->timers, &run->end_timer,
            worker->now_ns + (uint64_t)(run->options->timeout_seconds * 1e9));
  arm_start(run);
  return true;
}

static void stopped(struct worker *worker, void *ctx) {
  struct trace_run *run = ctx;
  (void)worker;
  run->over = true;
  if (run->record->end_ns == 0) run->record->end_ns = trace_now_ns(run);
}

/* ---- why it failed --------------------------------------------------------------------------- */

/* The RST_STREAM of a stream, if there was one. */
static const struct trace_frame *reset_of(const struct trace_record *record,
                                          const struct trace_result *result) {
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    if (frame->type == H2_RST_STREAM && frame->stream_id == result->stream_id &&
        frame->connection == result->connection)
      return frame;
  }
  return NULL;
}

/* After the run: a stream that was cut off has its own reason, or its connection's. */
static void explain(struct trace_run *run) {
  for (size_t i = 0; i < run->record->result_count; i++) {
    struct trace_result *result = &run->record->results[i];
    if (!run->items[i].cut) continue;
    const char *why = run->record->connections[result->connection].error;
    const struct trace_frame *reset = reset_of(run->record, result);
    if (reset)
      snprintf(result->error, sizeof result->error, "%s RST_STREAM (%s)",
               reset->sent ? "the response is wrong: we sent" : "the server sent",
               h2_error_name(result->error_code));
    else if (*why)
      memcpy(result->error, why, sizeof result->error);
  }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool prepare(struct trace_run *run, const struct url *base, char *error, size_t error_size) {
  for (size_t i = 0; i < run->manifest->count; i++) {
    const struct trace_resource *resource = &run->manifest->at[i];
    struct trace_item *item = &run->items[i];
    *item = (struct trace_item){.run = run, .index = i};
    item->url = malloc(sizeof *item->url);
    if (!item->url || !url_resolve(item->url, base, resource->reference)) {
      snprintf(error, error_size, "%s: %s", resource->reference,
               item->url ? "not a URL" : "out of memory");
      return false;
    }
    if (!trace_origin_find(run, item->url, &item->origin, error, error_size)) return false;
    run->record->results[i].kind = resource->kind;
    run->record->results[i].connection = item->origin->index;
    if (resource->after >= 0) continue;
    item->phase = PHASE_TIMED;
    item->start_ns = (uint64_t)(resource->start_ms * 1e6);
  }
  return trace_origins_prepare(run, error, error_size);
}

/* worker_group_stop() may be called from a signal's handler. */
static struct worker_group group;
static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
  worker_group_stop(&group);
}

bool trace_interrupted(void) {
  return interrupted;
}

static void watch_signals(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static bool run_worker(struct trace_run *run, char *error, size_t error_size) {
  const struct worker_config config = {
      .count = 1,
      .links_max = TRACE_CONNECTIONS_MAX,
      .buffer_count = 64,
      /* What is read at once is not felt by the server: little of it where the link is narrow. */
      .buffer_bytes = run->options->rate_limit ? 4096 : 0,
      .hooks = {.ctx = run, .setup = setup, .stopped = stopped},
  };
  group = (struct worker_group){0};
  struct io_error why = {0};
  if (!worker_group_start(&group, &config, &why)) {
    snprintf(error, error_size, "%s", why.text);
    return false;
  }
  watch_signals(on_signal);
  worker_group_join(&group);
  watch_signals(SIG_DFL);
  explain(run);
  return true;
}

bool trace_fetch(const struct trace_options *options, const struct trace_manifest *manifest,
                 const struct url *base, struct trace_record *record, char *error,
                 size_t error_size) {
  struct trace_run run = {.options = options, .manifest = manifest, .record = record};
  assert(record->result_count == manifest->count);
  record->rate_limit = options->rate_limit;
  run.items = calloc(manifest->count, sizeof *run.items);
  bool good = run.items;
  if (!good) snprintf(error, error_size, "out of memory");
  good = good && prepare(&run, base, error, error_size) && run_worker(&run, error, error_size);
  trace_origins_free(&run);
  if (run.has_engine) engine_destroy(&run.engine);
  for (size_t i = 0; run.items && i < manifest->count; i++) {
    free(run.items[i].url);
    free(run.items[i].prefix);
  }
  free(run.items);
  return good;
}
