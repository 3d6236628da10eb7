/*
 * h2/send.c - chooses what is sent, as late as possible: when the transport asks.
 *
 * Each time the order is: control frames, credit for the peer, header sections (and the ends of
 * bodies, which need no window), then DATA of the streams that the scheduler picks, up to the
 * budget. Nothing is made earlier, so a more urgent stream that becomes ready in the meantime goes
 * first. Header blocks are encoded here, because they must leave in the order in which they were
 * encoded.
 *
 * One thing is made earlier: the HEADERS of a client's request, while no control frame and no other section
 * waits. Requests leave in the order of their identifiers, so that nothing could go before it.
 */
#include "engine/h2/send.h"

#include "engine/h2/brief.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/flow.h"
#include "engine/h2/ids.h"
#include "engine/h2/life.h"
#include "engine/h2/queue.h"
#include "engine/h2/section.h"
#include "engine/http/contract.h"

#include <assert.h>
#include <string.h>

/* ---- control frames -------------------------------------------------------------------------- */

static bool send_control(struct h2 *h2) {
  if (h2->control_used == 0) return true;
  if (!out_has_room(&h2->out, h2->control_used)) return false;
  uint8_t *at = out_at(&h2->out);
  memcpy(at, h2->control, h2->control_used);
  out_wrote(&h2->out, at + h2->control_used);
  h2_control_free(h2);
  return true;
}

/* ---- credit ---------------------------------------------------------------------------------- */

/* `stream` is NULL for the connection. */
static bool send_increment(struct h2 *h2, struct h2_stream *stream) {
  if (!out_has_room(&h2->out, H2_FRAME_HEADER_BYTES + 4)) return false;
  struct window_credit *credit = stream ? &stream->credit : &h2->credit;
  uint32_t increment = window_credit_take(credit, h2_flow_least(h2, stream));
  if (!stream) h2->flow.hurries = false;
  if (!increment) return true;
  uint32_t id = stream ? stream->id : 0;
  out_wrote(&h2->out, h2_frame_window_update_encode(out_at(&h2->out), id, increment));
  return true;
}

static bool credit_due(const struct h2 *h2, const struct h2_stream *stream) {
  const struct window_credit *credit = stream ? &stream->credit : &h2->credit;
  uint32_t due = window_credit_due(credit);
  return due > 0 && (due >= h2_flow_least(h2, stream) || due < credit->returnable);
}

static bool send_credit(struct h2 *h2) {
  if (!send_increment(h2, NULL)) return false;
  while (h2->credit_queue) {
    struct h2_stream *stream = h2->credit_queue;
    /* Section 5.1: a stream whose end was received needs no more credit, and one of which the peer
     * has not heard cannot get any yet. */
    bool wanted = !stream->end_received && stream->announced;
    if (wanted && !send_increment(h2, stream)) return false;
    h2->credit_queue = stream->credit_next;
    stream->in_credit_queue = false;
  }
  return true;
}

static bool credit_wanted(const struct h2 *h2) {
  if (credit_due(h2, NULL)) return true;
  for (const struct h2_stream *stream = h2->credit_queue; stream; stream = stream->credit_next)
    if (credit_due(h2, stream)) return true;
  return false;
}

/* ---- header sections ------------------------------------------------------------------------- */

/* Our message has ended. A server that has answered does not want the rest of the request (section
 * 8.1), except in a tunnel. */
__attribute__((always_inline)) static inline void end_sent(struct h2 *h2,
                                                           struct h2_stream *stream) {
  stream->body_ended = true;
  h2->stalled_ended = true;
  if (stream->takes_part) sched_idle(&h2->sched, &stream->node);
  h2_stream_event(stream, H2_SEND_END_STREAM);
  if (stream->state == H2_CLOSED)
    h2_stream_finish(h2, stream, H2_NO_ERROR);
  else if (h2->role == H2_SERVER && !stream->connect)
    h2_stream_linger(h2, stream);
}

/* The final header section has left, but the message goes on. */
static void body_begins(struct h2 *h2, struct h2_stream *stream) {
  h2_queue_schedule(stream);
  if (!stream->node.ready || window_available(&h2->window) == 0) h2_queue_probe(stream);
}

static void section_sent(struct h2 *h2, struct h2_stream *stream,
                         const struct h2_section *section) {
  if (section->type == H2_PUSH_PROMISE) {
    h2_find(h2, section->promised_id)->announced = true;
    return;
  }
  stream->announced = true;
  if (h2_is_own_id(h2, stream->id)) h2_flow_announced(h2, stream);
  if (stream->state == H2_IDLE || stream->state == H2_RESERVED_LOCAL)
    h2_stream_event(stream, H2_SEND_HEADERS); /* informational ones, too (section 5.1) */
  bool final = section->status >= 200 || section->status == 0;
  stream->headers_sent |= final;
  if (stream->malformed && stream->end_received)
    h2_stream_abort(h2, stream, H2_PROTOCOL_ERROR);
  else if (section->end_stream)
    end_sent(h2, stream);
  else if (final)
    body_begins(h2, stream);
}

static void write_section(struct h2 *h2, struct h2_stream *stream,
                          const struct h2_section *section) {
  uint8_t *begin = out_at(&h2->out);
  uint8_t *end = h2_section_write(h2, section, stream->id, begin);
  out_wrote(&h2->out, end);
  stream->header_sent += (uint32_t)(end - begin);
}

/* False when there is no room for it now. */
static bool send_section(struct h2 *h2, struct h2_stream *stream) {
  struct h2_section *section = stream->sections;
  bool withdrawn = section->type == H2_PUSH_PROMISE && !h2_find(h2, section->promised_id);
  if (!withdrawn) {
    if (!out_has_room(&h2->out, h2_section_room(h2, section))) return false;
    write_section(h2, stream, section);
  }
  stream->sections = section->next;
  if (!withdrawn) section_sent(h2, stream, section);
  h2_section_free(h2, section);
  return true;
}

/* What section_sent() does, of which a request needs less. */
static void request_sent(struct h2 *h2, struct h2_stream *stream, uint8_t *end) {
  stream->header_sent = (uint32_t)(end - out_at(&h2->out));
  out_wrote(&h2->out, end);
  stream->announced = stream->headers_sent = true;
  h2_flow_announced(h2, stream);
  h2_stream_event(stream, H2_SEND_HEADERS);
  if (stream->body.ops)
    body_begins(h2, stream);
  else
    end_sent(h2, stream);
}

/* Of a request (status 0) or a response. Returns the end of the frames; NULL when there is no room for them. */
static uint8_t *write_set(struct h2 *h2, const struct h2_stream *stream, struct header_set *set) {
  struct out *out = &h2->out;
  const bool end_stream = !stream->body.ops;
  uint8_t *end = NULL;
  if (out_has_room(out, H2_SECTION_AGAIN_BYTES))
    end = h2_section_again(h2, set, stream->status, stream->id, end_stream, out_at(out));
  if (end) return end;
  struct h2_section section;
  if (!h2_section_lend(h2, set, &section)) return NULL;
  section.type = H2_HEADERS;
  section.status = stream->status;
  section.end_stream = end_stream;
  if (section.status < 200) section.add_date = section.add_server = false;
  if (!out_has_room(out, h2_section_room(h2, &section))) return NULL;
  return h2_section_write(h2, &section, stream->id, out_at(out));
}

bool h2_send_request(struct h2 *h2, struct h2_stream *stream, struct header_set *set) {
  if (h2->control_used || h2->urgent_queue || !out_begin(&h2->out, &h2->shared->outs)) return false;
  uint8_t *end = write_set(h2, stream, set);
  if (end) request_sent(h2, stream, end);
  return end;
}

/* ---- DATA ------------------------------------------------------------------------------------ */

/* Trailers leave before the body could be asked for more. */
static void body_end(struct h2 *h2, struct h2_stream *stream) {
  stream->body_ended = true;
  if (!stream->trailers) {
    end_sent(h2, stream);
    return;
  }
  struct h2_section *trailers = stream->trailers;
  stream->trailers = NULL;
  h2_queue_append(stream, trailers);
}

/* Puts the bytes after their frame header. */
static void write_data(struct h2 *h2, struct h2_stream *stream, const struct body_chunk *chunk,
                       bool end) {
  struct out *out = &h2->out;
  struct span bytes = chunk->bytes;
  uint8_t *payload = out_at(out) + H2_FRAME_HEADER_BYTES;
  struct h2_frame_header header = {.length = (uint32_t)bytes.len,
                                   .type = H2_DATA,
                                   .flags = end ? H2_FLAG_END_STREAM : 0,
                                   .stream_id = stream->id};
  h2_frame_header_encode(out_at(out), header);
  bool in_place = bytes.base == payload;
  bool copied = !in_place && bytes.len <= OUT_COPY_BYTES_MAX &&
                bytes.len <= out_room(out) - H2_FRAME_HEADER_BYTES;
  if (copied && bytes.len) memcpy(payload, bytes.base, bytes.len);
  out_wrote(out, payload + (in_place || copied ? bytes.len : 0));
  if (!in_place && !copied) out_lend(out, bytes, chunk->loans ? chunk->loans : &stream->lent);
}

/* A body that resumes its stream within pull() and then returns BODY_WAIT has bytes by now. */
static enum body_result pull(struct h2_stream *stream, struct body_chunk *chunk) {
  stream->body_waiting = true;
  enum body_result result = stream->body.ops->pull(stream->body.self, chunk);
  bool resumed = !stream->body_waiting;
  stream->body_waiting = false;
  const char *mistake = stream->gone ? NULL : contract_pulled(result, chunk);
  if (mistake) {
    h2_stream_mistake(stream, mistake);
    return BODY_ERROR;
  }
  return result == BODY_WAIT && resumed ? BODY_MORE : result;
}

/* What the stream's DATA counts for, but for the scheduler. */
static void spend(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  window_spend(&h2->window, bytes);
  window_spend(&stream->window, bytes);
  stream->spoke_ns = h2->now_ns;
  stream->body_sent += bytes;
  merit_sent(&h2->merit, bytes,
             h2_min(window_available(&h2->window), window_available(&stream->window)));
  counter_add(&h2->http->counters.body_bytes_sent, bytes);
}

static void data_sent(struct h2 *h2, struct h2_stream *stream, uint32_t bytes, bool end) {
  spend(h2, stream, bytes);
  (end ? sched_sent_last : sched_sent)(&h2->sched, &stream->node, bytes);
}

/* The stream's body needs more room than `bytes`; 0: any room is enough. */
static void set_room(struct h2_stream *stream, uint32_t bytes) {
  stream->h2->room_waits += (bytes > 0) - (stream->room_bytes > 0);
  stream->room_bytes = bytes;
}

/* Acts on the result of a pull. `chunk` may hold bytes, except after BODY_ERROR. */
static void after_pull(struct h2 *h2, struct h2_stream *stream, enum body_result result,
                       const struct body_chunk *chunk) {
  bool end = result == BODY_END;
  if (result == BODY_ERROR) {
    h2_stream_abort(h2, stream, H2_INTERNAL_ERROR);
    return;
  }
  set_room(stream, result == BODY_ROOM ? (uint32_t)chunk->max : 0);
  if (chunk->bytes.len || (end && !stream->trailers)) {
    write_data(h2, stream, chunk, end && !stream->trailers);
    data_sent(h2, stream, (uint32_t)chunk->bytes.len, end);
  }
  if (end) {
    body_end(h2, stream);
    return;
  }
  stream->body_waiting = result == BODY_WAIT;
  h2_queue_schedule(stream);
  bool blocked = window_available(&stream->window) == 0 || window_available(&h2->window) == 0;
  if (result == BODY_MORE && chunk->bytes.len && blocked) h2_queue_probe(stream);
}

/* How many bytes the stream's body may give now. A body that waits for room gets it, beyond its turn
 * and beyond the budget, if nothing else is in the way. */
static size_t room_for(const struct h2 *h2, const struct h2_stream *stream, size_t quantum,
                       size_t budget_bytes) {
  const struct out *out = &h2->out;
  size_t budget = budget_bytes > out->bytes ? budget_bytes - out->bytes : 0;
  if (stream->room_bytes > 0 && quantum < BODY_ROOM_BYTES) quantum = BODY_ROOM_BYTES;
  if (stream->room_bytes > 0 && out->bytes == 0 && budget < BODY_ROOM_BYTES)
    budget = BODY_ROOM_BYTES;
  size_t most = h2_min(quantum, h2->theirs.max_frame_size);
  most = h2_min(most, window_available(&h2->window));
  most = h2_min(most, window_available(&stream->window));
  most = h2_min(most, out_room(out) - H2_FRAME_HEADER_BYTES);
  return h2_min(most, budget);
}

/* Sends one frame of the stream that the scheduler picked. False when nothing more can be sent now. */
static bool send_data(struct h2 *h2, size_t budget_bytes) {
  struct out *out = &h2->out;
  size_t quantum;
  struct sched_node *node = sched_next(&h2->sched, &quantum);
  if (!node || !out_has_room(out, H2_FRAME_HEADER_BYTES + OUT_COPY_BYTES_MAX)) return false;
  struct h2_stream *stream =
      (struct h2_stream *)(void *)((char *)node - offsetof(struct h2_stream, node));
  size_t most = room_for(h2, stream, quantum, budget_bytes);
  if (most <= stream->room_bytes) {
    if (stream->room_bytes == 0) return false;
    h2_queue_schedule(stream); /* not ready while a window is too small */
    return !stream->node.ready;
  }
  struct body_chunk chunk = {.room = out_at(out) + H2_FRAME_HEADER_BYTES, .max = most};
  enum body_result result = pull(stream, &chunk);
  if (!stream->gone) after_pull(h2, stream, result, &chunk);
  return true;
}

/* ---- short answers --------------------------------------------------------------------------- */

/* Whether the first of the short answers goes before all that the scheduler knows, and nothing is in the way. */
static bool brief_may_go(const struct h2 *h2, size_t budget_bytes) {
  const struct h2_stream *stream = h2->briefs.first;
  return h2->briefs.place.urgency < sched_urgency_ready(&h2->sched) &&
         h2->out.bytes + H2_BRIEF_BYTES_MAX <= budget_bytes &&
         window_available(&h2->window) >= H2_BRIEF_BYTES_MAX &&
         window_available(&stream->window) >= H2_BRIEF_BYTES_MAX;
}

/* Writes its DATA at `at`, and returns their end. */
static uint8_t *write_content(struct h2 *h2, struct h2_stream *stream, struct span bytes,
                              uint8_t *at) {
  const struct h2_frame_header header = {.length = (uint32_t)bytes.len,
                                         .type = H2_DATA,
                                         .flags = H2_FLAG_END_STREAM,
                                         .stream_id = stream->id};
  uint8_t *payload = h2_frame_header_encode(at, header);
  if (bytes.base != payload) memcpy(payload, bytes.base, bytes.len);
  spend(h2, stream, header.length);
  sched_passed(&h2->sched, stream->id, bytes.len);
  return payload + bytes.len;
}

/* `headers_end` is the end of its HEADERS, which begin at out_at(). A body that is longer than it was said to be
 * goes on by turns. */
static void send_content(struct h2 *h2, struct h2_stream *stream, uint8_t *headers_end) {
  struct body_chunk chunk = {.room = headers_end + H2_FRAME_HEADER_BYTES,
                             .max = H2_BRIEF_BYTES_MAX};
  stream->header_sent = (uint32_t)(headers_end - out_at(&h2->out));
  stream->headers_sent = true;
  enum body_result result = pull(stream, &chunk);
  bool ended = result == BODY_END && chunk.bytes.len > 0 && !stream->gone && !stream->trailers;
  out_wrote(&h2->out, ended ? write_content(h2, stream, chunk.bytes, headers_end) : headers_end);
  if (ended) {
    end_sent(h2, stream);
  } else if (!stream->gone) {
    h2_brief_goes_on(stream);
    after_pull(h2, stream, result, &chunk);
  }
}

/* Sends one short answer, or has all of them wait with the others. False when there is none. */
static bool send_brief(struct h2 *h2, size_t budget_bytes) {
  if (!h2->briefs.first) return false;
  struct h2_stream *stream = h2->briefs.first;
  bool goes = brief_may_go(h2, budget_bytes) && out_has_room(&h2->out, H2_BRIEF_ROOM_BYTES);
  uint8_t *end = goes ? write_set(h2, stream, stream->brief_set) : NULL;
  if (!end) {
    h2_brief_join(h2);
    return true;
  }
  h2_brief_remove(h2, stream);
  send_content(h2, stream, end);
  return true;
}

/* ---- the ends of bodies ---------------------------------------------------------------------- */

static void send_probe(struct h2 *h2, struct h2_stream *stream) {
  stream->probe_end = false;
  bool open = stream->headers_sent && stream->body.ops && !stream->body_ended &&
              !stream->body_waiting && h2_stream_may_send(stream);
  if (!open) return;
  struct body_chunk chunk = {.room = out_at(&h2->out) + H2_FRAME_HEADER_BYTES, .max = 0};
  enum body_result result = pull(stream, &chunk);
  if (stream->gone) return;
  if (result == BODY_END || result == BODY_ERROR) {
    after_pull(h2, stream, result, &chunk);
    return;
  }
  stream->body_waiting = result == BODY_WAIT;
}

/* ---- the machine's side ---------------------------------------------------------------------- */

/* `stream`, unless it has a promise to send and another stream has one with a lower identifier:
 * then that one. Identifiers must rise (section 5.1.1). */
static struct h2_stream *first_in_turn(struct h2 *h2, struct h2_stream *stream) {
  const struct h2_section *section = stream->sections;
  if (!section || section->type != H2_PUSH_PROMISE) return stream;
  const struct h2_stream *lowest = NULL;
  for (const struct h2_stream *each = h2->all; each; each = each->next) {
    bool waits = each->state == H2_RESERVED_LOCAL && !each->announced;
    if (waits && (!lowest || each->id < lowest->id)) lowest = each;
  }
  return lowest ? h2_find(h2, lowest->promised_on) : stream;
}

/* Sends what needs no window, stream by stream in the order of the queue. */
static bool send_urgent(struct h2 *h2) {
  while (h2->urgent_queue) {
    if (!send_control(h2)) return false; /* RST_STREAM of the one before */
    struct h2_stream *stream = first_in_turn(h2, h2->urgent_queue);
    if (stream->sections) {
      if (!send_section(h2, stream)) return false;
    } else if (stream->probe_end) {
      if (!out_has_room(&h2->out, H2_FRAME_HEADER_BYTES)) return false;
      send_probe(h2, stream);
    } else {
      h2_queue_remove(h2, stream);
    }
  }
  return true;
}

static void compose(struct h2 *h2, size_t budget_bytes) {
  if (h2->lost || !h2_send_wanted(h2)) return;
  if (!out_begin(&h2->out, &h2->shared->outs)) {
    h2->lost = true; /* the host cannot wait for memory */
    return;
  }
  if (!send_control(h2) || h2->dead || !send_credit(h2)) return; /* nothing may follow a GOAWAY */
  while (send_urgent(h2) && h2->control_used == 0 && h2->out.bytes < budget_bytes &&
         (send_brief(h2, budget_bytes) || send_data(h2, budget_bytes))) {
  }
  if (h2->control_used) (void)send_control(h2); /* a stream has just been reset */
}

size_t h2_send_peek(struct h2 *h2, struct span *spans, size_t max, size_t budget_bytes) {
  compose(h2, budget_bytes);
  size_t count = out_peek(&h2->out, spans, max);
  out_end(&h2->out, &h2->shared->outs);
  return count;
}

void h2_send_ack(struct h2 *h2, size_t bytes) {
  h2->stalled_bytes += bytes;
  out_ack(&h2->out, bytes);
  out_end(&h2->out, &h2->shared->outs);
}

bool h2_send_wanted(const struct h2 *h2) {
  if (h2->lost) return false;
  if (h2->out.count || h2->control_used || h2->urgent_queue || h2->briefs.first) return true;
  if (h2->sched.ready_count && window_available(&h2->window)) return true;
  return !h2->dead && credit_wanted(h2);
}

void h2_send_free(struct h2 *h2) {
  out_drop(&h2->out);
  out_end(&h2->out, &h2->shared->outs);
  h2_control_free(h2);
}
