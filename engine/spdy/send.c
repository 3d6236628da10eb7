/*
 * spdy/send.c - chooses what is sent, as late as possible: when the transport asks.
 *
 * Each time the order is: control frames and header blocks, credit for the peer, the ends of bodies, which need
 * no window, then DATA of the streams that the scheduler picks, up to the budget.
 */
#include "engine/spdy/send.h"

#include "engine/http/contract.h"
#include "engine/spdy/alive.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/flow.h"
#include "engine/spdy/life.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/ready.h"
#include "engine/spdy/windows.h"

#include <string.h>

/* ---- DATA ------------------------------------------------------------------------------------ */

static size_t len_of(const struct body_chunk *chunk) {
  return chunk->bytes.len + chunk->lent.len;
}

/* Puts the bytes after their frame header. */
static void write_data(struct spdy *spdy, struct spdy_stream *stream,
                       const struct body_chunk *chunk, bool fin) {
  struct out *out = &spdy->out;
  struct span bytes = chunk->bytes;
  uint8_t *payload = spdy_frame_data_encode(out_at(out), stream->id, fin ? SPDY_FLAG_FIN : 0,
                                            (uint32_t)len_of(chunk));
  bool in_place = bytes.base == payload;
  bool copied = !in_place && bytes.len <= OUT_COPY_BYTES_MAX &&
                bytes.len <= out_room(out) - SPDY_FRAME_HEADER_BYTES;
  if (copied && bytes.len) memcpy(payload, bytes.base, bytes.len);
  out_wrote(out, payload + (in_place || copied ? bytes.len : 0));
  if (!in_place && !copied) out_lend(out, bytes, chunk->loans ? chunk->loans : &stream->lent);
  if (chunk->lent.len) out_lend_foreign(out, chunk->lent, chunk->loans);
}

/* A body that resumes its stream within pull() and then returns BODY_WAIT has bytes by now. */
static enum body_result pull(struct spdy_stream *stream, struct body_chunk *chunk) {
  stream->body_waiting = true;
  enum body_result result = stream->body.ops->pull(stream->body.self, chunk);
  bool resumed = !stream->body_waiting;
  stream->body_waiting = false;
  const char *mistake = stream->gone ? NULL : contract_pulled(result, chunk);
  if (mistake) {
    spdy_stream_mistake(stream, mistake);
    return BODY_ERROR;
  }
  return result == BODY_WAIT && resumed ? BODY_MORE : result;
}

static void data_sent(struct spdy *spdy, struct spdy_stream *stream, uint32_t bytes) {
  spdy_window_spent(stream, bytes);
  sched_sent(&spdy->sched, &stream->node, bytes);
  stream->spoke_ns = spdy->now_ns;
  stream->body_sent += bytes;
  merit_sent(&spdy->merit, bytes, spdy_window_of(stream));
  counter_add(&spdy->http->counters.body_bytes_sent, bytes);
}

/* The stream's body needs more room than `bytes`; 0: any room is enough. */
static void set_room(struct spdy_stream *stream, uint32_t bytes) {
  stream->spdy->room_waits += (bytes > 0) - (stream->room_bytes > 0);
  stream->room_bytes = bytes;
}

/* The body has ended, and its last DATA frame has no FLAG_FIN: HEADERS brings it. */
static void send_trailers(struct spdy *spdy, struct spdy_stream *stream) {
  const struct spdy_plan plan = {.type = SPDY_HEADERS,
                                 .flags = SPDY_FLAG_FIN,
                                 .fields = stream->trailers->at,
                                 .count = stream->trailers->count};
  if (spdy_queue_block(stream, &plan))
    spdy_stream_fin(spdy, stream);
  else if (!spdy->lost)
    spdy_stream_abort(spdy, stream, SPDY_INTERNAL_ERROR);
}

/* The body has more to say. */
static void note_blocked(const struct spdy_stream *stream) {
  if (spdy_window_of(stream) <= stream->room_bytes) spdy_windows_used_up(stream->spdy);
}

/* Acts on the result of a pull. `chunk` may hold bytes, except after BODY_ERROR. */
static void after_pull(struct spdy *spdy, struct spdy_stream *stream, enum body_result result,
                       const struct body_chunk *chunk) {
  bool end = result == BODY_END, fin = end && !stream->trailers;
  if (result == BODY_ERROR) {
    spdy_stream_abort(spdy, stream, SPDY_INTERNAL_ERROR);
    return;
  }
  set_room(stream, result == BODY_ROOM ? (uint32_t)chunk->max : 0);
  size_t len = len_of(chunk);
  if (len || fin) {
    write_data(spdy, stream, chunk, fin);
    data_sent(spdy, stream, (uint32_t)len);
  }
  if (fin) {
    spdy_stream_fin(spdy, stream);
  } else if (end) {
    send_trailers(spdy, stream);
  } else {
    stream->body_waiting = result == BODY_WAIT;
    spdy_ready_update(stream);
    bool more = result == BODY_MORE && len;
    if (more && spdy_window_of(stream) == 0) spdy_ready_probe(stream);
    if (result == BODY_ROOM) note_blocked(stream);
  }
}

/* How many bytes the stream's body may give now. A body that waits for room gets it, beyond its turn
 * and beyond the budget, if nothing else is in the way. */
static size_t room_for(const struct spdy *spdy, const struct spdy_stream *stream, size_t quantum,
                       size_t budget_bytes) {
  const struct out *out = &spdy->out;
  size_t budget = budget_bytes > out->bytes ? budget_bytes - out->bytes : 0;
  if (stream->room_bytes > 0 && quantum < BODY_ROOM_BYTES) quantum = BODY_ROOM_BYTES;
  if (stream->room_bytes > 0 && out->bytes == 0 && budget < BODY_ROOM_BYTES)
    budget = BODY_ROOM_BYTES;
  size_t most = spdy_min(quantum, SPDY_DATA_BYTES_MAX);
  most = spdy_min(most, spdy_window_of(stream));
  most = spdy_min(most, out_room(out) - SPDY_FRAME_HEADER_BYTES);
  return spdy_min(most, budget);
}

/* How many bytes it may lend: they need no room, and a frame of them is as long as what there is, whatever the
 * turn, and whatever waits: the budget is for all, but what comes in pieces of its size is not cut. */
static size_t most_to_lend(const struct spdy_stream *stream, size_t budget_bytes) {
  return spdy_min(spdy_min(budget_bytes, SPDY_LENT_BYTES_MAX), spdy_window_of(stream));
}

/* Sends one frame of the stream that the scheduler picked. False when nothing more can be sent now. */
static bool send_data(struct spdy *spdy, size_t budget_bytes) {
  struct out *out = &spdy->out;
  size_t quantum;
  struct sched_node *node = sched_next(&spdy->sched, &quantum);
  if (!node || !out_has_room(out, SPDY_FRAME_HEADER_BYTES + OUT_COPY_BYTES_MAX)) return false;
  struct spdy_stream *stream =
      (struct spdy_stream *)(void *)((char *)node - offsetof(struct spdy_stream, node));
  size_t most = room_for(spdy, stream, quantum, budget_bytes);
  if (most <= stream->room_bytes) {
    spdy_ready_update(stream); /* not ready while a window is too small */
    return !stream->node.ready;
  }
  struct body_chunk chunk = {.room = out_at(out) + SPDY_FRAME_HEADER_BYTES,
                             .max = most,
                             .lend_max = most_to_lend(stream, budget_bytes)};
  enum body_result result = pull(stream, &chunk);
  if (!stream->gone) after_pull(spdy, stream, result, &chunk);
  return true;
}

/* ---- the ends of bodies ---------------------------------------------------------------------- */

static void send_probe(struct spdy *spdy, struct spdy_stream *stream) {
  if (!spdy_is_pullable(stream)) return;
  struct body_chunk chunk = {.room = out_at(&spdy->out) + SPDY_FRAME_HEADER_BYTES, .max = 0};
  enum body_result result = pull(stream, &chunk);
  if (stream->gone) return;
  if (result == BODY_END || result == BODY_ERROR) {
    after_pull(spdy, stream, result, &chunk);
    return;
  }
  stream->body_waiting = result == BODY_WAIT;
  spdy_ready_update(stream);
  if (result != BODY_WAIT) note_blocked(stream);
}

/* What needs no window. What was queued by it leaves first. */
static bool send_urgent(struct spdy *spdy) {
  if (!spdy_queue_send(spdy)) return false;
  while (spdy->probe_queue) {
    if (!out_has_room(&spdy->out, SPDY_FRAME_HEADER_BYTES)) return false;
    struct spdy_stream *stream = spdy->probe_queue;
    spdy_ready_forget(stream);
    send_probe(spdy, stream);
    if (!spdy_queue_send(spdy)) return false;
  }
  return true;
}

/* ---- the machine's side ---------------------------------------------------------------------- */

static void compose(struct spdy *spdy, size_t budget_bytes) {
  if (spdy->lost || !spdy_send_wanted(spdy)) return;
  if (!out_begin(&spdy->out, &spdy->shared->outs)) {
    spdy->lost = true; /* the host cannot wait for memory */
    return;
  }
  if (!spdy_queue_send(spdy) || spdy->dead) return; /* nothing may follow a GOAWAY */
  if (!spdy_flow_send(spdy)) return;
  while (send_urgent(spdy) && spdy->out.bytes < budget_bytes && send_data(spdy, budget_bytes)) {
  }
}

size_t spdy_send_peek(struct spdy *spdy, struct span *spans, size_t max, size_t budget_bytes) {
  compose(spdy, budget_bytes);
  size_t count = out_peek(&spdy->out, spans, max);
  out_end(&spdy->out, &spdy->shared->outs);
  return count;
}

void spdy_send_ack(struct spdy *spdy, size_t bytes) {
  spdy->stalled_bytes += bytes;
  spdy->sent_bytes += bytes;
  out_ack(&spdy->out, bytes);
  out_end(&spdy->out, &spdy->shared->outs);
  if (bytes) spdy_alive_sent(spdy);
}

bool spdy_send_wanted(const struct spdy *spdy) {
  if (spdy->lost) return false;
  if (spdy->out.count || spdy->queue.first) return true;
  if (spdy->dead) return false;
  return spdy->probe_queue || spdy->sched.ready_count || spdy_flow_wanted(spdy);
}

void spdy_send_free(struct spdy *spdy) {
  out_drop(&spdy->out);
  out_end(&spdy->out, &spdy->shared->outs);
  spdy_queue_free(spdy);
}
