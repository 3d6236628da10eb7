/*
 * load/request.c - see load/request.h.
 */
#include "tools/load/request.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/h2/h2.h"
#include "engine/http/section.h"
#include "tools/client/h2.h"

/* ---- slots ----------------------------------------------------------------------------------- */

void load_slots_init(struct load_slots *slots, struct load_books *books) {
  *slots = (struct load_slots){.books = books};
  list_init(&slots->again);
}

static void give_slot(struct load_slots *slots, struct load_request *request) {
  request->next_free = slots->free;
  slots->free = request;
}

bool load_slots_make(struct load_slots *slots, uint32_t count) {
  slots->at = calloc(count, sizeof *slots->at);
  if (!slots->at) return false;
  slots->count = count;
  for (uint32_t i = count; i-- > 0;) {
    slots->at[i].slots = slots;
    give_slot(slots, &slots->at[i]);
  }
  return true;
}

void load_slots_reset(struct load_slots *slots) {
  slots->http = (struct client_http){0};
  slots->look = slots->starved = slots->progress = slots->cancelled = false;
  slots->went_away = false;
  slots->goaway_code = H2_NO_ERROR;
}

void load_slots_free(struct load_slots *slots) {
  free(slots->at);
  slots->at = NULL;
}

void load_slots_starve(struct load_slots *slots) {
  if (!slots->starved) slots->starved_ns = slots->books->now_ns;
  slots->starved = true;
}

static struct load_books *books_of(const struct load_request *request) {
  return request->slots->books;
}

static struct load_requests *counts_of(const struct load_request *request) {
  return &books_of(request)->stats.requests;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A slot becomes free when the request is over and the engine holds no body of it. */
static void release(struct load_request *request) {
  struct load_slots *slots = request->slots;
  if (!request->over || request->bodies > 0) return;
  request->over = false;
  load_source_release(&slots->books->source, request->target);
  slots->in_use--;
  give_slot(slots, request);
}

static void end(struct load_request *request) {
  load_books_leave(books_of(request), &request->entry);
  list_remove(&request->node);
  request->over = true;
  release(request);
}

/* `status`: -1 if there was no complete response. */
static void count_done(const struct load_request *request, int32_t status) {
  const struct load_books *books = books_of(request);
  counts_of(request)->done++;
  request->slots->done++;
  if (books->log) load_log_queue_put(books->log, request->entry.due_ns, books->now_ns, status);
}

static void count_success(const struct load_request *request) {
  struct load_requests *counts = counts_of(request);
  const struct load_books *books = books_of(request);
  counts->succeeded++;
  load_histogram_add(&counts->latency, books->now_ns - request->entry.due_ns);
  if (books->open) load_histogram_add(&counts->service, books->now_ns - request->sent_ns);
}

/* A complete response, whatever its status. */
static void count_response(struct load_request *request) {
  struct load_requests *counts = counts_of(request);
  count_done(request, request->status);
  counts->statuses[request->status]++;
  if (request->status >= 200 && request->status < 400) {
    count_success(request);
    return;
  }
  counts->failed++;
  request->slots->failed++;
  load_histogram_add(&counts->failed_latency, books_of(request)->now_ns - request->entry.due_ns);
}

static void note_progress(struct load_request *request) {
  request->slots->progress = true;
  request->slots->answered++;
}

static void finish(struct load_request *request) {
  note_progress(request);
  if (books_of(request)->measuring) count_response(request);
  end(request);
}

void load_request_echoed(struct load_request *request) {
  note_progress(request);
  if (books_of(request)->measuring) {
    count_done(request, 0);
    count_success(request);
  }
  end(request);
}

void load_request_fail(struct load_request *request, enum load_error error, uint32_t code) {
  struct load_requests *counts = counts_of(request);
  const struct load_books *books = books_of(request);
  if (books->measuring) {
    count_done(request, -1);
    counts->failed++;
    request->slots->failed++;
    counts->errored++;
    counts->timeouts += error == LOAD_TIMEOUT;
    load_requests_error(counts, error, code, 1);
    load_histogram_add(&counts->failed_latency, books->now_ns - request->entry.due_ns);
  }
  end(request);
}

/* ---- caps ------------------------------------------------------------------------------------ */

/* Whether another stream must receive more steps first; see load/cap.h. */
static bool is_held_back(const struct load_request *request) {
  const struct load_slots *slots = request->slots;
  for (uint32_t i = 0; i < slots->count; i++) {
    const struct load_request *other = &slots->at[i];
    if (other == request || !other->stream) continue;
    if (other->ordinal < request->waits_below && other->steps < request->steps) return true;
  }
  return false;
}

static void give_steps(struct load_slots *slots) {
  for (uint32_t i = 0; i < slots->count; i++) {
    struct load_request *request = &slots->at[i];
    if (!request->stream || !request->waits || is_held_back(request)) continue;
    uint64_t total = load_cap_total(request->target->cap, request->steps);
    request->waits = false;
    request->capped = total != UINT64_MAX;
    stream_cap(request->stream, total);
  }
}

/* The engine's count includes padding, as the cap does. */
static void look_at_step(struct load_request *request) {
  uint64_t step = load_cap_total(request->target->cap, request->steps);
  if (!request->capped || request->waits) return;
  if (h2_client_arrived(request->stream) < step) return;
  request->steps++;
  request->waits = true;
  request->waits_below = request->slots->streams;
  give_steps(request->slots);
}

static void set_cap(struct load_request *request) {
  const struct load_cap *cap = request->target->cap;
  if (!books_of(request)->capped) return;
  request->capped = cap;
  stream_cap(request->stream, cap ? load_cap_total(cap, 0) : STREAM_UNCAPPED);
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* Over HTTP/1.1 nothing is compressed. */
static void count_section(struct load_request *request, struct section_size size) {
  struct load_requests *counts = counts_of(request);
  bool http1 = request->slots->http.http1;
  counts->header_bytes += size.wire_bytes;
  counts->header_plain_bytes += http1 ? size.wire_bytes : size.plain_bytes;
}

static void on_status(struct stream *stream, unsigned status, struct section_size size,
                      bool end_stream) {
  struct load_request *request = stream->user;
  struct load_books *books = books_of(request);
  if (books->over) return;
  count_section(request, size);
  if (status < 200) return;
  request->status = (uint16_t)status;
  request->complete = end_stream;
  if (books->measuring)
    load_histogram_add(&books->stats.requests.first_byte, books->now_ns - request->entry.due_ns);
}

static void on_data(struct stream *stream, struct span bytes, bool end_stream) {
  struct load_request *request = stream->user;
  if (books_of(request)->over) return;
  counts_of(request)->data_bytes += bytes.len;
  request->complete = end_stream;
  if (request->capped) look_at_step(request);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct load_request *request = stream->user;
  if (books_of(request)->over) return;
  count_section(request, section_size_of(fields, client_http_head_bytes(&request->slots->http)));
  request->complete = true;
}

/* ---- how it ends ----------------------------------------------------------------------------- */

static bool is_idempotent(const struct load_target *target) {
  static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  for (size_t i = 0; i < target->field_count; i++)
    for (size_t k = 0; k < sizeof methods / sizeof methods[0]; k++)
      if (header_token_by_name(&target->fields[i]) == TOKEN_METHOD &&
          span_is(target->fields[i].value, methods[k]))
        return true;
  return false;
}

/* The server has not processed the request: it is above GOAWAY's last stream, or was refused (RFC
 * 9113 section 8.7). Over HTTP/1.1 a connection that has served others may also end when the next
 * request is on its way, and so may those behind it in the pipeline: they are asked again if that
 * can do no harm (RFC 9112 section 9.3.1). */
static bool is_unprocessed(const struct load_request *request, const struct stream *stream,
                           uint32_t code) {
  const struct load_slots *slots = request->slots;
  if (code == H2_REFUSED_STREAM) return true;
  if (client_http_is_up(&slots->http) || !(slots->progress || slots->cancelled)) return false;
  return !client_http_was_answered(&slots->http, stream) && is_idempotent(request->target);
}

/* Refusals are not an error while the server answers others: one that ends each connection after
 * ten requests refuses most streams, many times. */
static bool ask_again(struct load_request *request, const struct stream *stream, uint32_t code) {
  struct load_slots *slots = request->slots;
  if (request->timed_out || slots->ended || !is_unprocessed(request, stream, code)) return false;
  if (slots->answered > request->answered) request->refusals = 0;
  if (request->refusals == LOAD_REFUSALS_MAX) return false;
  request->refusals++;
  if (slots->books->measuring) counts_of(request)->retried++;
  list_append(&slots->again, &request->node);
  return true;
}

static void fail_as(struct load_request *request, const struct stream *stream, uint32_t code) {
  const struct load_slots *slots = request->slots;
  if (request->timed_out)
    load_request_fail(request, LOAD_TIMEOUT, 0);
  else if (!client_http_is_up(&slots->http))
    load_request_fail(request, slots->end_error, slots->end_code);
  else if (slots->went_away && code == H2_REFUSED_STREAM)
    load_request_fail(request, LOAD_GOAWAY, slots->goaway_code);
  else if (client_http_was_reset(&slots->http, stream))
    load_request_fail(request, LOAD_RESET, client_http_reset_code(&slots->http));
  else
    load_request_fail(request, client_h2_is_own_limit(code) ? LOAD_LIMIT : LOAD_WRONG, code);
}

/* A complete response counts even if the server then resets the rest of the request (section
 * 8.1). */
static void on_closed(struct stream *stream, uint32_t code) {
  struct load_request *request = stream->user;
  struct load_books *books = books_of(request);
  request->stream = NULL;
  if (books->over) {
    request->over = true; /* in the books it stays in flight */
    return;
  }
  if (request->complete && !request->timed_out)
    finish(request);
  else if (!ask_again(request, stream, code))
    fail_as(request, stream, code);
  if (books->capped) give_steps(request->slots);
  request->slots->look = true;
  load_books_check(books);
}

/* Over HTTP/1.1 this ends the connection. */
void load_request_expire(struct load_request *request) {
  struct load_slots *slots = request->slots;
  request->timed_out = true;
  slots->cancelled = slots->cancelled || (request->stream && slots->http.http1);
  if (request->stream)
    stream_reset(request->stream, H2_CANCEL);
  else
    load_request_fail(request, LOAD_TIMEOUT, 0);
}

static const struct stream_events events = {
    .status = on_status, .data = on_data, .trailers = on_trailers, .closed = on_closed};

/* ---- uploads --------------------------------------------------------------------------------- */

/* Lends bytes of the target's body, which the source keeps until the slot is free. */
static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct load_request *request = self;
  const struct load_target *target = request->target;
  chunk->bytes = load_target_body(target, request->uploaded, chunk->max);
  request->uploaded += chunk->bytes.len;
  if (!books_of(request)->over) counts_of(request)->upload_bytes += chunk->bytes.len;
  return request->uploaded == target->body.len ? BODY_END : BODY_MORE;
}

/* The engine closes the body at the end of a machine call. The slot is free from then on. */
static void close_upload(void *self) {
  struct load_request *request = self;
  request->bodies--;
  release(request);
  load_slots_starve(request->slots);
}

static struct body upload_of(struct load_request *request) {
  static const struct body_ops ops = {.pull = pull, .close = close_upload};
  request->uploaded = 0;
  if (!request->target->has_body) return BODY_NONE;
  request->bodies++;
  return (struct body){.ops = &ops, .self = request};
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool ask(struct load_request *request) {
  struct load_slots *slots = request->slots;
  const struct load_target *target = request->target;
  request->status = 0;
  request->steps = 0;
  request->complete = request->capped = request->waits = false;
  request->ordinal = slots->streams++;
  request->sent_ns = slots->books->now_ns;
  request->answered = slots->answered;
  bool as_text = slots->http.http1 && target->varies; /* a text is kept as a whole */
  struct header_set *set = as_text ? NULL : load_sets_get(&slots->books->sets, target);
  if (set)
    request->stream =
        client_http_request_set(&slots->http, set, upload_of(request), &events, request);
  else
    request->stream = client_http_request(&slots->http, target->fields, target->field_count,
                                          upload_of(request), &events, request);
  if (request->stream)
    set_cap(request);
  else
    load_request_fail(request, LOAD_UNMADE, 0);
  return request->stream;
}

static struct load_request *take_slot(struct load_slots *slots) {
  struct load_request *request = slots->free;
  assert(request);
  slots->free = request->next_free;
  slots->in_use++;
  return request;
}

struct load_request *load_request_take(struct load_slots *slots, uint64_t due_ns) {
  struct load_request *request = take_slot(slots);
  request->sent_ns = slots->books->now_ns;
  load_books_enter(slots->books, &request->entry, due_ns);
  return request;
}

bool load_request_start(struct load_slots *slots, uint64_t due_ns) {
  struct load_request *request = take_slot(slots);
  request->target = load_source_next(&slots->books->source, &slots->turn);
  request->refusals = 0;
  request->timed_out = false;
  load_books_enter(slots->books, &request->entry, due_ns);
  if (request->target) return ask(request);
  load_request_fail(request, LOAD_UNMADE, 0);
  return false;
}

bool load_request_start_row(struct load_slots *slots, uint64_t *share, uint64_t *asked,
                            uint32_t count) {
  struct load_books *books = slots->books;
  slots->starved = false;
  for (uint32_t i = 0; i < count; i++) {
    load_books_take_of_row(books, share);
    ++*asked;
    if (!load_request_start(slots, books->now_ns)) return false;
  }
  return true;
}

bool load_request_again(struct load_slots *slots) {
  assert(!list_is_empty(&slots->again));
  struct list_node *node = list_take_first(&slots->again);
  return ask(LIST_OWNER(node, struct load_request, node));
}

void load_slots_end(struct load_slots *slots) {
  static const enum load_error errors[] = {[CLIENT_END_BROKEN] = LOAD_BROKEN,
                                           [CLIENT_END_LIMIT] = LOAD_LIMIT,
                                           [CLIENT_END_GOAWAY] = LOAD_GOAWAY,
                                           [CLIENT_END_EOF] = LOAD_CLOSED,
                                           [CLIENT_END_CLOSED] = LOAD_LOST};
  const struct client_http_end *end = &slots->http.end;
  slots->end_error = errors[end->reason];
  slots->end_code = end->reason == CLIENT_END_GOAWAY ? slots->goaway_code : end->code;
}

void load_slots_lose(struct load_slots *slots, uint64_t share) {
  struct list_node *node;
  slots->stranded += load_books_lose(slots->books, &slots->turn, share);
  while ((node = list_take_first(&slots->again)))
    load_request_fail(LIST_OWNER(node, struct load_request, node),
                      slots->went_away ? LOAD_GOAWAY : LOAD_CLOSED, slots->goaway_code);
}
