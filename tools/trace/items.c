/*
 * trace/items.c - see trace/items.h.
 */
#include "tools/trace/items.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/h1/client.h"
#include "engine/h2/frame.h"
#include "tools/trace/image.h"
#include "tools/trace/request.h"

static uint64_t now_of(const struct trace_item *item) {
  return trace_run_now_ns(item->all->run);
}

static struct trace_result *result_of(const struct trace_item *item) {
  return &item->all->run->record->results[item->index];
}

static const struct trace_resource *resource_of(const struct trace_item *item) {
  return &item->all->run->manifest->at[item->index];
}

static size_t count_of(const struct trace_items *items) {
  return items->run->manifest->count;
}

/* ---- triggers -------------------------------------------------------------------------------- */

static void arm_start(struct trace_items *items) {
  const struct trace_run *run = items->run;
  uint64_t next_ns = TRACE_NEVER;
  for (size_t i = 0; i < count_of(items); i++)
    if (items->at[i].phase == PHASE_TIMED && items->at[i].start_ns < next_ns)
      next_ns = items->at[i].start_ns;
  if (next_ns == TRACE_NEVER || run->over) return;
  timer_arm(&run->worker->loop.timers, &items->start_timer, run->record->origin_ns + next_ns);
}

/* Resources with `after` this one now know their start time. */
static void trigger(struct trace_item *item, enum trace_event event) {
  struct trace_items *items = item->all;
  for (size_t i = 0; i < count_of(items); i++) {
    struct trace_item *other = &items->at[i];
    const struct trace_resource *resource = resource_of(other);
    if (resource->after != (int)item->index || resource->event != event) continue;
    if (other->phase != PHASE_WAITING) continue;
    other->phase = PHASE_TIMED;
    other->start_ns = now_of(item) + (uint64_t)(resource->start_ms * 1e6);
  }
}

static void uncap(struct trace_item *item) {
  struct trace_items *items = item->all;
  for (size_t i = 0; i < count_of(items); i++)
    if (resource_of(&items->at[i])->uncap == (int)item->index && items->at[i].stream)
      stream_cap(items->at[i].stream, STREAM_UNCAPPED);
}

/* ---- the end of a resource ------------------------------------------------------------------- */

static void finish(struct trace_item *item) {
  item->phase = PHASE_DONE;
  item->stream = NULL;
  result_of(item)->end_ns = now_of(item);
  free(item->prefix);
  item->prefix = NULL;
  item->sizing = false;
  item->all->done++;
  uncap(item);
}

static void give_up_followers(const struct trace_item *item);

__attribute__((format(printf, 2, 3))) static void give_up(struct trace_item *item,
                                                          const char *format, ...) {
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

/* Gives up resources that wait for this one. The manifest has no cycles, so this ends. */
static void give_up_followers(const struct trace_item *item) {
  struct trace_items *items = item->all;
  for (size_t i = 0; i < count_of(items); i++)
    if (resource_of(&items->at[i])->after == (int)item->index &&
        items->at[i].phase == PHASE_WAITING)
      give_up(&items->at[i], "it was to follow %s, which failed", resource_of(item)->reference);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const struct stream_events stream_events;

/* The parent in Chromium's chain: of the open requests that are at least as urgent, the one with
 * the nearest weight, and the newest of these. */
static uint32_t chain_parent(const struct trace_item *item) {
  const struct trace_items *items = item->all;
  const uint16_t weight = result_of(item)->weight;
  const struct trace_result *best = NULL;
  for (size_t i = 0; i < count_of(items); i++) {
    const struct trace_item *other = &items->at[i];
    const struct trace_result *result = result_of(other);
    if (other == item || other->phase != PHASE_ASKED || other->origin != item->origin) continue;
    if (result->weight < weight) continue;
    if (!best || result->weight < best->weight ||
        (result->weight == best->weight && result->stream_id > best->stream_id))
      best = result;
  }
  return best ? best->stream_id : 0;
}

static struct stream *request(struct trace_item *item) {
  struct trace_result *result = result_of(item);
  result->connection = item->origin->index;
  const struct trace_request what = {.options = item->all->run->options,
                                     .resource = resource_of(item),
                                     .url = item->url,
                                     .result = result};
  trace_request_signal(&what);
  if (result->exclusive) result->parent_id = chain_parent(item);
  return trace_request_send(&what, &item->origin->http, &stream_events, item);
}

/* How many requests to the same origin wait before this one. */
static size_t waiting_before(const struct trace_item *item) {
  size_t count = 0;
  for (const struct trace_item *other = item->all->at; other < item; other++)
    count += other->phase == PHASE_QUEUED && other->first == item->first;
  return count;
}

static void ask(struct trace_item *item) {
  const char *closed = trace_origin_closed_why(item->first);
  if (closed) {
    give_up(item, "%s", closed);
    return;
  }
  struct trace_origin *origin = trace_origin_with_room(item->first, waiting_before(item));
  if (!origin) return;
  item->origin = origin;
  item->phase = PHASE_ASKED; /* before the call, since the stream may end in it */
  struct stream *stream = request(item);
  if (!stream) {
    item->phase = PHASE_QUEUED;
    give_up(item, "the request could not be sent");
    return;
  }
  item->stream = stream;
  result_of(item)->asked_ns = now_of(item);
  if (origin->http.h1) trace_origin_note(origin, H2_HEADERS, result_of(item)->stream_id, 0, true);
}

static void ask_all(struct trace_items *items) {
  const struct trace_run *run = items->run;
  uint64_t now_ns = trace_run_now_ns(run);
  for (size_t i = 0; i < count_of(items) && !run->over; i++) {
    struct trace_item *item = &items->at[i];
    if (item->phase == PHASE_TIMED && item->start_ns <= now_ns) {
      item->phase = PHASE_QUEUED;
      result_of(item)->due_ns = now_ns;
    }
    if (item->phase == PHASE_QUEUED) ask(item);
  }
}

void trace_items_ask(struct trace_items *items) {
  if (items->run->over) return;
  ask_all(items);
  if (items->done == count_of(items)) trace_run_end(items->run);
}

static void on_start_timer(struct timer *timer, uint64_t now_ns) {
  struct trace_items *items = LIST_OWNER(timer, struct trace_items, start_timer);
  (void)now_ns;
  trace_items_ask(items);
  arm_start(items);
}

/* ---- what comes ------------------------------------------------------------------------------ */

static void happened(struct trace_item *item, enum trace_event event) {
  if (item->events & 1u << event) return;
  item->events |= 1u << event;
  trigger(item, event);
  ask_all(item->all);
  arm_start(item->all);
}

/* Keeps an image's first bytes until its dimensions are known. */
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
  result->size_ns = now_of(item);
  result->width = image.width;
  result->height = image.height;
  happened(item, TRACE_ON_DIMENSIONS);
}

static void look_for_scan(struct trace_item *item, struct span bytes) {
  if (item->scan.result != FIRST_SCAN_MORE) return;
  if (first_scan_read(&item->scan, bytes) == FIRST_SCAN_FOUND)
    result_of(item)->scan_ns = now_of(item);
}

/* Over HTTP/2 the tap has seen the frame. */
static void note(const struct trace_item *item, uint8_t type, size_t bytes) {
  if (item->origin->http.h1)
    trace_origin_note(item->origin, type, result_of(item)->stream_id, bytes, false);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct trace_item *item = stream->user;
  struct trace_result *result = result_of(item);
  (void)end;
  note(item, H2_HEADERS, item->origin->http.h1 ? h1_client_head_bytes(item->origin->http.h1) : 0);
  if (status < 200) return;
  result->status = status;
  result->headers_ns = now_of(item);
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
  note(item, H2_DATA, bytes.len);
  result->bytes += bytes.len;
  look_for_size(item, bytes);
  look_for_scan(item, bytes);
  if (result->byte_ns != TRACE_NEVER) return;
  result->byte_ns = now_of(item);
  happened(item, TRACE_ON_BYTE);
}

/* Events that never came (no body, no image) count as happened now. */
static void complete(struct trace_item *item) {
  result_of(item)->complete = true;
  finish(item);
  for (int event = 0; event <= TRACE_ON_COMPLETE; event++)
    happened(item, (enum trace_event)event);
}

/* The server has not processed the request (RFC 9113 section 8.7), so it is repeated, as browsers
 * do. This happens when a server allows fewer streams than we assumed before its SETTINGS. */
static bool ask_again(struct trace_item *item, uint32_t error_code) {
  struct trace_result *result = result_of(item);
  if (error_code != H2_REFUSED_STREAM || item->refusals == TRACE_REFUSALS_MAX ||
      item->all->run->over)
    return false;
  if (result->headers_ns != TRACE_NEVER || trace_origin_closed_why(item->first)) return false;
  item->refusals++;
  item->phase = PHASE_QUEUED;
  result->asked_ns = result->sent_ns = TRACE_NEVER;
  return true;
}

/* Why a connection ended is often known only later: see trace/explain.h. */
static void on_closed(struct stream *stream, uint32_t error_code) {
  struct trace_item *item = stream->user;
  struct trace_result *result = result_of(item);
  if (item->phase != PHASE_ASKED) return;
  item->stream = NULL;
  result->error_code = error_code;
  if (error_code == 0) {
    complete(item);
  } else if (!ask_again(item, error_code)) {
    result->cut = true;
    give_up(item, "the stream ended with %s", h2_error_name(error_code));
  }
  trace_items_ask(item->all); /* there is room for another request */
}

static const struct stream_events stream_events = {
    .response = on_response, .data = on_data, .closed = on_closed};

/* ---- the whole ------------------------------------------------------------------------------- */

static bool init_item(struct trace_item *item, struct trace_origins *origins,
                      const struct url *base, const struct failure *failure) {
  const struct trace_resource *resource = resource_of(item);
  struct trace_result *result = result_of(item);
  item->url = malloc(sizeof *item->url);
  if (!item->url) return failure_set(failure, "%s: out of memory", resource->reference);
  if (!url_resolve(item->url, base, resource->reference))
    return failure_set(failure, "%s: not a URL", resource->reference);
  item->first = item->origin = trace_origin_find(origins, item->url, failure);
  if (!item->origin) return false;
  result->kind = resource->kind;
  result->connection = item->origin->index;
  if (resource->after >= 0) return true;
  item->phase = PHASE_TIMED;
  item->start_ns = (uint64_t)(resource->start_ms * 1e6);
  return true;
}

bool trace_items_init(struct trace_items *items, struct trace_run *run,
                      struct trace_origins *origins, const struct url *base,
                      const struct failure *failure) {
  *items = (struct trace_items){.run = run};
  assert(run->record->result_count == run->manifest->count);
  items->at = calloc(count_of(items), sizeof *items->at);
  if (!items->at) return failure_set(failure, "out of memory");
  for (size_t i = 0; i < count_of(items); i++) {
    items->at[i].all = items;
    items->at[i].index = i;
    if (!init_item(&items->at[i], origins, base, failure)) return false;
  }
  return true;
}

void trace_items_begin(struct trace_items *items) {
  timer_init(&items->start_timer, on_start_timer);
  arm_start(items);
}

void trace_items_give_up(struct trace_items *items) {
  for (size_t i = 0; i < count_of(items); i++) {
    struct trace_item *item = &items->at[i];
    struct stream *stream = item->stream;
    give_up(item, "not complete within %g s", items->run->options->timeout_seconds);
    if (stream) stream_reset(stream, H2_CANCEL);
  }
}

void trace_items_free(struct trace_items *items) {
  for (size_t i = 0; items->at && i < count_of(items); i++) {
    free(items->at[i].url);
    free(items->at[i].prefix);
  }
  free(items->at);
}
