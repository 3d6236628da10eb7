/*
 * pipe/pipe.c - see pipe/pipe.h.
 *
 * A call can lead to on_closed(), socket_close() or body_close(), and the last of them to the owner, which may free the
 * pipe. So each of these is the last thing that its caller does, or the caller holds something that is attached.
 */
#include "tools/pipe/pipe.h"

#include <assert.h>

#include "tools/pipe/limits.h"

static bool is_attached(const struct pipe *pipe) {
  return pipe->stream || pipe->has_body || pipe->has_socket;
}

static bool is_broken(const struct pipe *pipe) {
  return pipe->end != PIPE_DONE;
}

/* Something was detached. May free the pipe. */
static void detached(struct pipe *pipe) {
  bool unanswered = pipe->held && !pipe->stream && !pipe->has_body && !is_broken(pipe);
  if (unanswered && pipe->has_socket && pipe->events->released)
    pipe->events->released(pipe);
  else if (!is_attached(pipe) && pipe->events->closed)
    pipe->events->closed(pipe);
}

static void wake(struct pipe *pipe) {
  if (pipe->has_socket && pipe->host) pipe->host->wake(pipe->host);
}

/* Ends it in disorder: from now on the socket's machine wants nothing but a reset. The first reason counts. */
static void fail(struct pipe *pipe, enum pipe_end end) {
  if (is_broken(pipe)) return;
  pipe->end = end;
  pipe_queue_drop(&pipe->in, &pipe->pipes->heap);
  wake(pipe);
}

/* Resets the stream, if there is one. May free the pipe when nothing else is attached. */
static void reset_stream(struct pipe *pipe) {
  if (pipe->stream) stream_reset(pipe->stream, pipe->pipes->reset_code);
}

/* ---- the socket ------------------------------------------------------------------------------ */

static unsigned socket_wants(const void *self) {
  const struct pipe *pipe = self;
  if (is_broken(pipe)) return MACHINE_RESET;
  unsigned wants = 0;
  if (!pipe->socket_ended && pipe->in.bytes < PIPE_READ_BYTES_MAX) wants |= MACHINE_RECV;
  if (pipe->out.bytes > 0) return wants | MACHINE_SEND;
  if (pipe->stream_ended) wants |= pipe->socket_ended ? MACHINE_DONE : MACHINE_ENDED;
  return wants;
}

static size_t socket_recv(void *self, struct span in, uint64_t now_ns) {
  struct pipe *pipe = self;
  size_t room = PIPE_READ_BYTES_MAX - pipe->in.bytes;
  (void)now_ns;
  if (is_broken(pipe)) return in.len;
  if (in.len > room && !span_is_vaulted(in)) in.len = room;
  pipe->socket_bytes += in.len;
  if (!pipe_queue_add(&pipe->in, &pipe->pipes->heap, in)) {
    pipe_cut(pipe);
    return in.len;
  }
  if (pipe->stream) stream_resume(pipe->stream);
  return in.len;
}

/* All of it fits into a cell of the vault, so that more than PIPE_READ_BYTES_MAX wait only in the kernel. */
static size_t socket_takes_vaulted(const void *self) {
  const struct pipe *pipe = self;
  bool takes = pipe->stream && pipe->stream->sends_vaulted && pipe->pipes->heap.vault;
  return takes && !is_broken(pipe) && socket_wants(pipe) & MACHINE_RECV ? SIZE_MAX : 0;
}

static void socket_eof(void *self, uint64_t now_ns) {
  struct pipe *pipe = self;
  (void)now_ns;
  pipe->socket_ended = true;
  if (pipe->stream) stream_resume(pipe->stream);
}

static size_t socket_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                          uint64_t now_ns) {
  const struct pipe *pipe = self;
  (void)now_ns;
  return is_broken(pipe) ? 0 : pipe_queue_peek(&pipe->out, out, max, budget_bytes);
}

static void socket_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct pipe *pipe = self;
  (void)now_ns;
  pipe_queue_take(&pipe->out, &pipe->pipes->heap, bytes);
  if (pipe->stream) stream_consume(pipe->stream, bytes);
}

static void socket_tick(void *self, uint64_t now_ns) {
  (void)self, (void)now_ns;
}

static uint64_t socket_deadline_ns(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

/* What was begun may take as long as it likes; the owner, or the host's own deadline, ends it. */
static void socket_drain(void *self, uint64_t now_ns) {
  (void)self, (void)now_ns;
}

static void socket_close(void *self) {
  struct pipe *pipe = self;
  bool done = socket_wants(pipe) & MACHINE_DONE;
  pipe_queue_drop(&pipe->out, &pipe->pipes->heap); /* nothing is lent any more */
  if (!done) {
    fail(pipe, PIPE_SOCKET);
    reset_stream(pipe); /* it is still attached to the socket */
  }
  pipe->has_socket = false;
  detached(pipe);
}

static const struct machine_ops socket_ops = {
    .recv = socket_recv,
    .takes_vaulted = socket_takes_vaulted,
    .recv_eof = socket_eof,
    .send_peek = socket_peek,
    .send_ack = socket_ack,
    .tick = socket_tick,
    .deadline_ns = socket_deadline_ns,
    .wants = socket_wants,
    .drain = socket_drain,
    .close = socket_close,
};

/* ---- the stream's body ----------------------------------------------------------------------- */

static enum body_result body_pull(void *self, struct body_chunk *chunk) {
  struct pipe *pipe = self;
  chunk->bytes = span_of(NULL, 0);
  if (pipe->held) return BODY_WAIT;
  bool was_full = pipe->in.bytes >= PIPE_READ_BYTES_MAX;
  pipe_queue_give(&pipe->in, &pipe->pipes->heap, chunk);
  size_t len = chunk->bytes.len + chunk->lent.len;
  if (was_full && len > 0) wake(pipe);
  if (pipe->socket_ended && pipe->in.bytes == 0) {
    pipe->body_ended = true;
    return BODY_END;
  }
  return len > 0 || pipe->in.bytes > 0 ? BODY_MORE : BODY_WAIT;
}

static void body_close(void *self) {
  struct pipe *pipe = self;
  pipe->has_body = false;
  detached(pipe);
}

static const struct body_ops body_ops = {.pull = body_pull, .close = body_close};

/* ---- the stream ------------------------------------------------------------------------------ */

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct pipe *pipe = stream->user;
  if (is_broken(pipe)) {
    stream_consume(stream, bytes.len);
    return;
  }
  pipe->stream_bytes += bytes.len;
  pipe->stream_ended |= end;
  if (pipe_queue_add(&pipe->out, &pipe->pipes->heap, bytes))
    wake(pipe);
  else
    pipe_cut(pipe);
}

static size_t on_takes_vaulted(const struct stream *stream) {
  const struct pipe *pipe = stream->user;
  return pipe->pipes->heap.vault && !is_broken(pipe) ? SIZE_MAX : 0;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  on_data(stream, span_of(NULL, 0), true);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct pipe *pipe = stream->user;
  if (pipe->held) stream_resume(stream);
  pipe->held = false;
  if (end) on_data(stream, span_of(NULL, 0), true);
  if (pipe->events->response) pipe->events->response(pipe, status, fields, end);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct pipe *pipe = stream->user;
  pipe->stream = NULL;
  if (pipe->held && pipe->events->released && error_code != 0) {
    pipe->stream_code = error_code;
    detached(pipe);
    return;
  }
  if (error_code == 0 || (pipe->pipes->reset_ends && pipe->body_ended)) {
    pipe->stream_ended = pipe->socket_ended = true; /* the rest of the socket's is not wanted */
    pipe_queue_drop(&pipe->in, &pipe->pipes->heap);
    wake(pipe);
  } else if (!is_broken(pipe)) {
    pipe->stream_code = error_code;
    fail(pipe, PIPE_STREAM);
  }
  detached(pipe);
}

const struct stream_events pipe_stream_events = {
    .data = on_data,
    .takes_vaulted = on_takes_vaulted,
    .trailers = on_trailers,
    .response = on_response,
    .closed = on_closed,
};

/* ---- the pipe -------------------------------------------------------------------------------- */

void pipes_init(struct pipes *pipes, const struct memory *memory, uint32_t pipes_max,
                uint32_t pieces_max) {
  *pipes = (struct pipes){.reset_code = 0};
  pool_init(&pipes->pipes, memory, sizeof(struct pipe), pool_chunk_count(sizeof(struct pipe)),
            pipes_max);
  pipe_heap_init(&pipes->heap, memory, pieces_max);
}

void pipes_set_windows(struct spdy_config *config) {
  config->stream_window_bytes = PIPE_STREAM_WINDOW_BYTES;
  config->session_window_bytes = PIPE_SESSION_WINDOW_BYTES;
  config->window_budget_bytes = UINT64_MAX;
}

void pipes_destroy(struct pipes *pipes) {
  pool_destroy(&pipes->pipes);
  pipe_heap_destroy(&pipes->heap);
}

struct pipe *pipe_new(struct pipes *pipes, const struct pipe_events *events, void *user) {
  struct pipe *pipe = pool_take(&pipes->pipes);
  if (pipe) *pipe = (struct pipe){.pipes = pipes, .events = events, .user = user};
  return pipe;
}

void pipe_free(struct pipe *pipe) {
  struct pipes *pipes = pipe->pipes;
  assert(!is_attached(pipe));
  pipe_queue_drop(&pipe->in, &pipes->heap);
  pipe_queue_drop(&pipe->out, &pipes->heap);
  pool_give(&pipes->pipes, pipe);
}

void pipe_socket(struct pipe *pipe, struct machine_host *host, struct machine *out) {
  assert(!pipe->has_socket);
  pipe->has_socket = true;
  pipe->host = host;
  *out = (struct machine){.ops = &socket_ops, .self = pipe};
}

struct body pipe_body(struct pipe *pipe) {
  pipe->has_body = true;
  return (struct body){.ops = &body_ops, .self = pipe};
}

void pipe_hold(struct pipe *pipe) {
  pipe->held = true;
}

void pipe_attach(struct pipe *pipe, struct stream *stream) {
  assert(!pipe->stream);
  pipe->stream = stream;
  stream->events = &pipe_stream_events;
  stream->user = pipe;
  stream->duplex = true;
  stream->consume_later = true;
}

void pipe_cut(struct pipe *pipe) {
  fail(pipe, PIPE_CUT);
  reset_stream(pipe);
}
