/*
 * load/request.c - a request: sent, answered or not, counted once.
 *
 *     free --start--> sent --closed--> done --(its body is not lent any more)--> free
 *                      ^ \
 *                      |  refused unseen (GOAWAY, REFUSED_STREAM)
 *                      +--- again
 */
#include <assert.h>

#include "tools/load/parts.h"

static struct load_requests *counts_of(const struct load_request *request) {
  return &request->connection->worker->stats.requests;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A slot is free when nobody holds anything of it. */
static void release(struct load_request *request) {
  struct load_connection *connection = request->connection;
  if (!request->over || request->bodies > 0) return;
  request->over = false;
  connection->in_use--;
  list_append(&connection->free, &request->node);
}

static void end(struct load_request *request) {
  list_remove(&request->timeline);
  list_remove(&request->node);
  request->connection->worker->in_flight--;
  request->over = true;
  release(request);
}

static void count_done(const struct load_request *request) {
  struct load_requests *counts = counts_of(request);
  counter_add(&counts->done, 1);
  request->connection->done++;
}

static void succeed(struct load_request *request) {
  struct load_requests *counts = counts_of(request);
  const struct load_worker *worker = request->connection->worker;
  request->connection->progress = true;
  if (request->measured) {
    count_done(request);
    unsigned hundreds = request->status / 100;
    counts->statuses[hundreds < 6 ? hundreds : 0]++;
    if (hundreds == 2 || hundreds == 3)
      counts->succeeded++;
    else
      counter_add(&counts->failed, 1);
    load_histogram_add(&counts->latency, worker->now_ns - request->due_ns);
    if (worker->run->options->rate)
      load_histogram_add(&counts->service, worker->now_ns - request->sent_ns);
  }
  end(request);
}

/* One that timed out took that long at least, and is among the latencies; with what failed sooner
 * it would only look as if the server were fast. */
void load_request_fail(struct load_request *request, enum load_error error, uint32_t code) {
  struct load_requests *counts = counts_of(request);
  const struct load_worker *worker = request->connection->worker;
  if (request->measured) {
    count_done(request);
    counter_add(&counts->failed, 1);
    counts->errored++;
    counts->errors[error][load_code_place(code)]++;
    if (error == LOAD_TIMEOUT) {
      counts->timeouts++;
      load_histogram_add(&counts->latency, worker->now_ns - request->due_ns);
    }
  }
  end(request);
}

/* ---- caps ------------------------------------------------------------------------------------ */

/* See load/cap.h: whether another stream has to come as far first. */
static bool is_held_back(const struct load_request *request) {
  const struct load_connection *connection = request->connection;
  for (uint32_t i = 0; i < connection->slots; i++) {
    const struct load_request *other = &connection->requests[i];
    if (other == request || !other->stream) continue;
    if (other->ordinal < request->waits_below && other->steps < request->steps) return true;
  }
  return false;
}

static void give_steps(struct load_connection *connection) {
  for (uint32_t i = 0; i < connection->slots; i++) {
    struct load_request *request = &connection->requests[i];
    if (!request->stream || !request->waits || is_held_back(request)) continue;
    uint64_t total = load_cap_total(request->target->cap, request->steps);
    request->waits = false;
    request->capped = total != UINT64_MAX;
    stream_cap(request->stream, total);
  }
}

/* The engine's own count includes padding, which a cap does as well. */
static void look_at_step(struct load_request *request) {
  const struct h2_stream *stream = (const struct h2_stream *)(const void *)request->stream;
  if (!request->capped || request->waits) return;
  if (stream->credit.arrived < load_cap_total(request->target->cap, request->steps)) return;
  request->steps++;
  request->waits = true;
  request->waits_below = request->connection->ordinal;
  give_steps(request->connection);
}

static void set_cap(struct load_request *request) {
  const struct load_cap *cap = request->target->cap;
  if (request->connection->worker->run->options->caps.count == 0) return;
  request->capped = cap;
  stream_cap(request->stream, cap ? load_cap_total(cap, 0) : STREAM_UNCAPPED);
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* The block in hand: its bytes on the wire (the engine keeps a copy of those in several frames). */
static void count_fields(struct load_request *request, const struct headers *fields) {
  const struct h2 *h2 = request->connection->h2;
  struct load_requests *counts = counts_of(request);
  counts->header_bytes += h2->block.len ? h2->block.len : h2->reader.frame.length;
  counts->header_plain_bytes += fields->list_bytes - (size_t)HEADER_OVERHEAD_BYTES * fields->count;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end_stream) {
  struct load_request *request = stream->user;
  struct load_worker *worker = request->connection->worker;
  if (worker->over) return;
  count_fields(request, fields);
  if (status < 200) return;
  request->status = (uint16_t)status;
  request->complete = end_stream;
  if (request->measured)
    load_histogram_add(&worker->stats.requests.first_byte, worker->now_ns - request->due_ns);
}

static void on_data(struct stream *stream, struct span bytes, bool end_stream) {
  struct load_request *request = stream->user;
  if (request->connection->worker->over) return;
  counter_add(&counts_of(request)->data_bytes, bytes.len);
  request->complete = end_stream;
  if (request->capped) look_at_step(request);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct load_request *request = stream->user;
  if (request->connection->worker->over) return;
  count_fields(request, fields);
  request->complete = true;
}

/* ---- how it ends ----------------------------------------------------------------------------- */

/* The server has not looked at it (RFC 9113 section 8.7): above GOAWAY's last stream, or refused.
 */
static bool ask_again(struct load_request *request, uint32_t code) {
  struct load_connection *connection = request->connection;
  if (code != H2_REFUSED_STREAM || request->timed_out || connection->state != LOAD_OPEN)
    return false;
  if (connection->h2->dead || request->refusals == LOAD_REFUSALS_MAX) return false;
  request->refusals++;
  if (request->measured) counts_of(request)->retried++;
  list_append(&connection->again, &request->node);
  return true;
}

static void fail_as(struct load_request *request, const struct h2_stream *stream, uint32_t code) {
  const struct load_connection *connection = request->connection;
  const struct h2 *h2 = connection->h2;
  bool ended = connection->state != LOAD_OPEN || h2->eof;
  if (request->timed_out)
    load_request_fail(request, LOAD_TIMEOUT, 0);
  else if (connection->state == LOAD_OPEN && h2->dead)
    load_request_fail(request, LOAD_BROKEN, code);
  else if (h2->goaway_received && (ended || code == H2_REFUSED_STREAM))
    load_request_fail(request, LOAD_GOAWAY, connection->goaway_code);
  else if (ended)
    load_request_fail(request, connection->eof || h2->eof ? LOAD_CLOSED : LOAD_LOST, 0);
  else
    load_request_fail(request, stream->state == H2_CLOSED_RESET_REMOTE ? LOAD_RESET : LOAD_WRONG,
                      code);
}

/* A complete response is one even if the server then resets what is left of the request (section
 * 8.1). */
static void on_closed(struct stream *stream, uint32_t code) {
  struct load_request *request = stream->user;
  struct load_connection *connection = request->connection;
  struct load_worker *worker = connection->worker;
  request->stream = NULL;
  if (worker->over) {
    request->over = true; /* it stays in flight, in the books */
    return;
  }
  if (request->complete && !request->timed_out)
    succeed(request);
  else if (!ask_again(request, code))
    fail_as(request, (const struct h2_stream *)(const void *)stream, code);
  if (worker->run->options->caps.count > 0) give_steps(connection);
  load_connection_fill(connection);
  load_worker_check(worker);
}

void load_request_expire(struct load_request *request) {
  request->timed_out = true;
  if (request->stream)
    stream_reset(request->stream, H2_CANCEL);
  else
    load_request_fail(request, LOAD_TIMEOUT, 0);
}

static const struct stream_events events = {
    .response = on_response, .data = on_data, .trailers = on_trailers, .closed = on_closed};

/* ---- uploads --------------------------------------------------------------------------------- */

/* Lends the file's bytes, which outlive everything. */
static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct load_request *request = self;
  const struct load_run *run = request->connection->worker->run;
  size_t left = run->data_bytes - request->uploaded;
  size_t len = left < chunk->max ? left : chunk->max;
  chunk->bytes = span_of(run->data + request->uploaded, len);
  request->uploaded += len;
  if (!request->connection->worker->over) counts_of(request)->upload_bytes += len;
  return len == left ? BODY_END : BODY_MORE;
}

/* The engine frees a stream, and its body, at the end of a call: then there is a free slot. */
static void close_upload(void *self) {
  struct load_request *request = self;
  request->bodies--;
  release(request);
  load_connection_starve(request->connection);
}

static struct body upload_of(struct load_request *request) {
  static const struct body_ops ops = {.pull = pull, .close = close_upload};
  request->uploaded = 0;
  if (!request->connection->worker->run->data) return BODY_NONE;
  request->bodies++;
  return (struct body){.ops = &ops, .self = request};
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void ask(struct load_request *request) {
  struct load_connection *connection = request->connection;
  const struct load_target *target = request->target;
  request->status = 0;
  request->steps = 0;
  request->complete = request->capped = request->waits = false;
  request->ordinal = connection->ordinal++;
  request->sent_ns = connection->worker->now_ns;
  request->stream = h2_request(connection->h2, target->fields, target->field_count,
                               upload_of(request), &events, request);
  if (request->stream) {
    set_cap(request);
    return;
  }
  load_request_fail(request, LOAD_UNMADE, 0);
  load_connection_give_up(connection, "the server's limits do not allow the request");
}

void load_request_start(struct load_connection *connection, uint64_t due_ns) {
  struct load_worker *worker = connection->worker;
  const struct load_run *run = worker->run;
  assert(!list_is_empty(&connection->free));
  struct list_node *node = list_take_first(&connection->free);
  struct load_request *request = LIST_OWNER(node, struct load_request, node);
  connection->in_use++;
  request->target = &run->targets[connection->asked++ % run->target_count];
  request->due_ns = due_ns;
  request->refusals = 0;
  request->timed_out = false;
  request->measured = worker->measuring;
  if (request->measured) counter_add(&worker->stats.requests.started, 1);
  worker->in_flight++;
  load_worker_watch(worker, request);
  ask(request);
}

void load_request_again(struct load_connection *connection) {
  struct list_node *node = list_take_first(&connection->again);
  ask(LIST_OWNER(node, struct load_request, node));
}
