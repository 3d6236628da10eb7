/*
 * h2/h2.c - a connection's birth, its clocks, its shutdown and its death.
 */
#include "engine/h2/h2.h"

#include <assert.h>
#include <string.h>

/* ---- errors ---------------------------------------------------------------------------------- */

void h2_goaway(struct h2 *h2, uint32_t last_id, enum h2_error code, const char *reason) {
  struct span debug = reason ? span_text(reason) : (struct span){0};
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 8 + debug.len);
  if (!room) return;
  h2_control_sent(h2, h2_frame_goaway_encode(room, last_id, code, debug));
  counter_add(&h2->engine->counters.goaways_sent, 1);
}

static void finish_all(struct h2 *h2, uint32_t code) {
  while (h2->all) {
    struct h2_stream *stream = h2->all;
    if (stream->state == H2_IDLE) h2_stream_event(stream, H2_SEND_HEADERS);
    h2_stream_event(stream, H2_SEND_RST_STREAM); /* for our books; the connection ends for all */
    h2_stream_finish(h2, stream, code);
  }
}

void h2_fail(struct h2 *h2, enum h2_error code, const char *reason) {
  if (h2->dead) return; /* the first error is the one that is told (section 5.4) */
  h2->dead = true;
  h2->farewell_ns = h2->now_ns + H2_FAREWELL_NS;
  struct engine_counters *counters = &h2->engine->counters;
  counter_add(code == H2_ENHANCE_YOUR_CALM ? &counters->calmed : &counters->failed, 1);
  if (code == H2_COMPRESSION_ERROR) counter_add(&counters->failed_compression, 1);
  h2_goaway(h2, h2->peer_id_handled, code, reason);
  finish_all(h2, code);
}

bool h2_charge(struct h2 *h2, struct h2_budget *budget, uint64_t *calmed, const char *reason) {
  if (h2->dead) return false;
  if (h2_budget_spend(budget, 1, h2->now_ns)) return true;
  counter_add(calmed, 1);
  h2_fail(h2, H2_ENHANCE_YOUR_CALM, reason);
  return false;
}

bool h2_glitch(struct h2 *h2, uint64_t *kind) {
  struct engine_counters *counters = &h2->engine->counters;
  counter_add(&counters->glitches, 1);
  counter_add(kind, 1);
  return h2_charge(h2, &h2->glitches, &counters->calmed_glitches, "too many useless frames");
}

bool h2_charge_reset(struct h2 *h2) {
  counter_add(&h2->engine->counters.charged_resets, 1);
  return h2_charge(h2, &h2->resets, &h2->engine->counters.calmed_resets, "too many resets");
}

void h2_wake(struct h2 *h2) {
  if (!h2->in_call && h2->host) h2->host->wake(h2->host);
}

static void time_out(struct h2 *h2, uint64_t *kind, enum h2_error code, const char *reason) {
  if (h2->dead) return;
  counter_add(&h2->engine->counters.timeouts, 1);
  counter_add(kind, 1);
  h2_fail(h2, code, reason);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static bool frame_timed(const struct h2 *h2) {
  enum h2_recv_phase phase = h2->reader.phase;
  return h2->reader.begun_ns && (phase == H2_RECV_HEADER || phase == H2_RECV_PAYLOAD);
}

/* There is more of the stream's body. One whose handler has nothing to say is not waiting for the
 * peer. */
static bool has_more(const struct h2_stream *stream) {
  return stream->headers_sent && stream->body.ops && !stream->body_ended && !stream->body_waiting;
}

/* Output is waiting for the peer: made and not taken, or held back by its windows. */
static bool output_blocked(const struct h2 *h2) {
  if (h2->out.count || h2->urgent_queue) return true;
  if (h2->sched.ready_count) return true;
  for (const struct h2_stream *stream = h2->all; stream; stream = stream->next)
    if (has_more(stream)) return true;
  return false;
}

/* After the peer's FIN no credit can come: what its windows hold back will never leave, and is not
 * held for it. */
static void give_up_blocked(struct h2 *h2) {
  if (!h2->eof || h2->dead || h2_send_wanted(h2)) return;
  for (struct h2_stream *stream = h2->all, *next; stream; stream = next) {
    next = stream->next;
    if (!has_more(stream)) continue;
    h2_stream_event(stream, H2_RECV_RST_STREAM);
    h2_stream_finish(h2, stream, H2_CANCEL);
    next = h2->all; /* its handler may have ended others: begin again */
  }
}

/* Keeps the span of time over which output is measured. */
static void watch_output(struct h2 *h2) {
  give_up_blocked(h2);
  if (h2->role == H2_CLIENT || !output_blocked(h2)) {
    h2->stalled_since_ns = 0;
    return;
  }
  if (h2->stalled_since_ns == 0) {
    h2->stalled_since_ns = h2->now_ns;
    h2->stalled_bytes = 0;
    return;
  }
  uint64_t span_ns = h2->now_ns - h2->stalled_since_ns;
  if (span_ns < H2_SEND_STALL_NS) return;
  if (h2->stalled_bytes < span_ns / SECOND_NS * H2_SEND_BYTES_PER_SECOND_MIN) {
    time_out(h2, &h2->engine->counters.timeouts_output, H2_ENHANCE_YOUR_CALM,
             "the responses are not taken");
    return;
  }
  h2->stalled_since_ns = h2->now_ns;
  h2->stalled_bytes = 0;
}

/* A bucket of bytes that leaks at the least rate: it starts with the grace period's worth, and
 * holds no more than the longest silence's. So a megabyte at once does not buy half an hour of
 * dribble. Counted once a second, and not while we ourselves hold the peer back. */
static bool pace_is_kept(const struct h2 *h2, struct h2_stream *stream) {
  struct h2_pace *pace = &stream->pace;
  bool held_back = stream->credit.granted <= 0 || h2->credit.granted <= 0;
  if (pace->counted_ns == 0)
    *pace =
        (struct h2_pace){.counted_ns = stream->opened_ns,
                         .left_bytes = H2_BODY_BYTES_PER_SECOND_MIN * H2_BODY_GRACE_NS / SECOND_NS};
  uint64_t span_ns = h2->now_ns - pace->counted_ns;
  if (span_ns < SECOND_NS) return true;
  const uint64_t most = H2_BODY_BYTES_PER_SECOND_MIN * H2_BODY_IDLE_NS / SECOND_NS;
  uint64_t due = held_back ? 0 : span_ns * H2_BODY_BYTES_PER_SECOND_MIN / SECOND_NS;
  uint64_t left = pace->left_bytes + (uint64_t)(stream->body_received - pace->body_bytes);
  if (left > most + due) left = most + due;
  *pace = (struct h2_pace){.counted_ns = h2->now_ns, .body_bytes = stream->body_received};
  pace->left_bytes = left > due ? left - due : 0;
  return left >= due;
}

/* Whether the peer may be in a conversation, in which silence says nothing: its body has no known
 * length, and the handler has begun to answer. */
static bool converses(const struct h2_stream *stream) {
  return stream->final_queued && (stream->connect || stream->content_length < 0);
}

static bool body_is_slow(const struct h2 *h2, struct h2_stream *stream) {
  uint64_t heard_ns = stream->body_seen_ns;
  if (converses(stream)) {
    uint64_t spoke_ns = stream->spoke_ns > heard_ns ? stream->spoke_ns : heard_ns;
    return h2->now_ns - spoke_ns > H2_STREAM_IDLE_NS;
  }
  if (stream->connect) return false; /* the handler has not answered: its time, not the peer's */
  if (!pace_is_kept(h2, stream)) return true;
  if (stream->credit.granted <= 0 || h2->credit.granted <= 0) return false; /* we hold it back */
  return h2->now_ns - heard_ns > H2_BODY_IDLE_NS;
}

/* Request bodies that come too slowly are given up, each for itself. */
static void watch_bodies(struct h2 *h2) {
  if (h2->role == H2_CLIENT || h2->receiving == 0 || h2->now_ns < h2->tick_ns) return;
  h2->tick_ns = h2->now_ns + H2_TICK_NS;
  for (struct h2_stream *stream = h2->all, *next; stream; stream = next) {
    next = stream->next;
    if (stream->end_received || !body_is_slow(h2, stream)) continue;
    counter_add(&h2->engine->counters.timeouts, 1);
    counter_add(&h2->engine->counters.timeouts_bodies, 1);
    h2_stream_abort(h2, stream, H2_CANCEL);
    next = h2->all; /* handlers may have ended others: begin again */
  }
}

static void watch_peer(struct h2 *h2) {
  struct engine_counters *counters = &h2->engine->counters;
  uint64_t now = h2->now_ns;
  if (!h2->settings_received && now >= h2->opened_ns + H2_PREFACE_NS)
    time_out(h2, &counters->timeouts_preface, H2_PROTOCOL_ERROR, "no preface");
  if (h2->settings_unacked && now >= h2->settings_sent_ns + H2_SETTINGS_ACK_NS)
    time_out(h2, &counters->timeouts_settings, H2_SETTINGS_TIMEOUT,
             "SETTINGS were not acknowledged");
  bool slow_block =
      h2->block.kind != H2_BLOCK_NONE && now >= h2->block.begun_ns + H2_HEADER_BLOCK_NS;
  bool slow_frame = frame_timed(h2) && now >= h2->reader.begun_ns + H2_HEADER_BLOCK_NS;
  if (slow_block || slow_frame)
    time_out(h2, &counters->timeouts_frames, H2_ENHANCE_YOUR_CALM, "a frame takes too long");
  if (h2->control_used && now >= h2->control_since_ns + H2_CONTROL_STALL_NS)
    time_out(h2, &counters->timeouts_replies, H2_ENHANCE_YOUR_CALM, "replies are not read");
}

static bool is_idle(const struct h2 *h2) {
  return !h2->all && !h2->dead && h2->role == H2_SERVER;
}

static void drain_step(struct h2 *h2) {
  if (!h2->draining || h2->drain_final || h2->now_ns < h2->drain_ns) return;
  h2->drain_final = true;
  h2_goaway(h2, h2->peer_id_max, H2_NO_ERROR, NULL);
}

/* Nobody asks for anything: say goodbye at once, since nothing can be lost. */
static void watch_idle(struct h2 *h2) {
  if (!is_idle(h2) || h2->drain_final) return;
  if (h2->now_ns < h2->idle_since_ns + h2->engine->config.idle_ns) return;
  h2->draining = h2->drain_final = true;
  counter_add(&h2->engine->counters.idled, 1);
  h2_goaway(h2, h2->peer_id_max, H2_NO_ERROR, "idle");
}

static void watch(struct h2 *h2) {
  h2_timers_run(h2);
  drain_step(h2);
  watch_peer(h2);
  watch_bodies(h2);
  watch_output(h2);
  watch_idle(h2);
  h2_flow_tick(h2);
  if (h2->dead && h2->now_ns >= h2->farewell_ns) h2->lost = true;
}

static void earliest(uint64_t *deadline, bool applies, uint64_t at_ns) {
  if (applies && at_ns < *deadline) *deadline = at_ns;
}

static uint64_t deadline_ns(const void *self) {
  const struct h2 *h2 = self;
  uint64_t at = MACHINE_NO_DEADLINE;
  if (h2->lost) return at;
  if (h2->dead) return h2->farewell_ns;
  if (h2->timers) at = h2->timers->timer_ns;
  earliest(&at, true, h2_flow_deadline_ns(h2));
  earliest(&at, h2->draining && !h2->drain_final, h2->drain_ns);
  earliest(&at, !h2->settings_received, h2->opened_ns + H2_PREFACE_NS);
  earliest(&at, h2->settings_unacked, h2->settings_sent_ns + H2_SETTINGS_ACK_NS);
  earliest(&at, h2->block.kind != H2_BLOCK_NONE, h2->block.begun_ns + H2_HEADER_BLOCK_NS);
  earliest(&at, frame_timed(h2), h2->reader.begun_ns + H2_HEADER_BLOCK_NS);
  earliest(&at, h2->control_used, h2->control_since_ns + H2_CONTROL_STALL_NS);
  if (h2->role == H2_CLIENT) return at;
  earliest(&at, h2->receiving, h2->tick_ns);
  earliest(&at, h2->stalled_since_ns, h2->stalled_since_ns + H2_SEND_STALL_NS);
  earliest(&at, is_idle(h2) && !h2->drain_final, h2->idle_since_ns + h2->engine->config.idle_ns);
  return at;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static struct h2 *enter(void *self, uint64_t now_ns) {
  struct h2 *h2 = self;
  assert(!h2->in_call);
  h2->in_call = true;
  h2->now_ns = now_ns;
  return h2;
}

/* The peer has no more use for the connection and what it had begun is done: our GOAWAY before the
 * end tells what was handled (section 6.8). */
static void say_goodbye(struct h2 *h2) {
  if (!h2->goaway_received || h2->all || h2->dead || h2->eof || h2->drain_final) return;
  h2->draining = h2->drain_final = true;
  h2_goaway(h2, h2->peer_id_max, H2_NO_ERROR, NULL);
}

static void leave(struct h2 *h2) {
  say_goodbye(h2);
  h2_bury(h2);
  h2->in_call = false;
}

static size_t machine_recv(void *self, struct span in, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  size_t consumed = h2_recv(h2, in);
  if (h2->stalled_since_ns == 0) watch_output(h2);
  leave(h2);
  return consumed;
}

/* Requests that are complete are still answered; the others never will be. A client has what it
 * asked for, or will not get it: credit for the rest of a request will not come either. */
static uint32_t eof_code(const struct h2_stream *stream) {
  return stream->end_received && !stream->connect ? H2_NO_ERROR : H2_CONNECT_ERROR;
}

static void machine_recv_eof(void *self, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  h2->eof = true;
  for (struct h2_stream *stream = h2->all, *next; stream; stream = next) {
    next = stream->next;
    if (stream->end_received && h2->role == H2_SERVER) continue;
    if (stream->state == H2_IDLE) h2_stream_event(stream, H2_SEND_HEADERS);
    h2_stream_event(stream, H2_RECV_RST_STREAM);
    h2_stream_finish(h2, stream, eof_code(stream));
    next = h2->all;
  }
  give_up_blocked(h2);
  leave(h2);
}

static size_t machine_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                                uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  size_t count = h2_send_peek(h2, out, max, budget_bytes);
  watch_output(h2);
  leave(h2);
  return count;
}

static void machine_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  h2_send_ack(h2, bytes);
  watch_output(h2);
  leave(h2);
}

static void machine_tick(void *self, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  watch(h2);
  leave(h2);
}

/* Nothing more will happen, once what is queued has left. */
static bool is_finished(const struct h2 *h2) {
  if (h2->dead) return true;
  bool no_more = h2->eof || h2->drain_final || h2->goaway_received;
  return no_more && !h2->all;
}

static unsigned machine_wants(const void *self) {
  const struct h2 *h2 = self;
  if (h2->lost) return MACHINE_DONE;
  unsigned wants =
      (h2_recv_wanted(h2) ? MACHINE_RECV : 0u) | (h2_send_wanted(h2) ? MACHINE_SEND : 0u);
  if (!(wants & MACHINE_SEND) && is_finished(h2)) return MACHINE_DONE;
  return wants;
}

/* Section 6.8: first a GOAWAY that refuses nothing, then, when the peer must have seen it, the real
 * one. The PING tells when that is. */
static void machine_drain(void *self, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  if (!h2->draining && !h2->dead) {
    static const uint8_t opaque[8] = "draining";
    h2->draining = true;
    h2->drain_ns = now_ns + H2_DRAIN_NS;
    if (h2->role == H2_SERVER) {
      h2_goaway(h2, H2_STREAM_ID_MAX, H2_NO_ERROR, NULL);
      h2_ping(h2, opaque);
    } else {
      drain_step(h2);
      h2->drain_ns = now_ns;
      drain_step(h2);
    }
  }
  leave(h2);
}

static uint64_t machine_idle_since_ns(const void *self) {
  const struct h2 *h2 = self;
  return is_idle(h2) && !h2->draining ? h2->idle_since_ns : MACHINE_BUSY;
}

static void machine_close(void *self) {
  struct h2 *h2 = self;
  struct engine *engine = h2->engine;
  h2->in_call = h2->dead = h2->lost = true;
  finish_all(h2, H2_CONNECT_ERROR);
  h2_send_free(h2);
  h2_recv_free(h2);
  h2_block_drop(h2);
  h2_bury(h2);
  assert(!h2->graves);
  h2_flow_close(h2);
  h2_priority_close(h2);
  h2_origins_close(&h2->origins, engine->memory);
  idmap_destroy(&h2->streams);
  hpack_decoder_destroy(&h2->decoder);
  hpack_encoder_destroy(&h2->encoder);
  counter_add(&engine->counters.connections_closed, 1);
  pool_give(&engine->connections, h2);
}

const struct machine_ops h2_machine_ops = {
    .recv = machine_recv,
    .recv_eof = machine_recv_eof,
    .send_peek = machine_send_peek,
    .send_ack = machine_send_ack,
    .tick = machine_tick,
    .deadline_ns = deadline_ns,
    .wants = machine_wants,
    .drain = machine_drain,
    .idle_since_ns = machine_idle_since_ns,
    .close = machine_close,
};

/* ---- birth ----------------------------------------------------------------------------------- */

static struct h2_settings our_settings(const struct engine_config *config, enum h2_role role) {
  struct h2_settings ours = H2_SETTINGS_INITIAL;
  assert(config->header_table_bytes <= HPACK_TABLE_BYTES_MAX);
  ours.header_table_size = config->header_table_bytes;
  ours.max_concurrent_streams = config->concurrent_streams;
  ours.initial_window_size = config->stream_window_bytes;
  ours.max_frame_size = config->frame_bytes_max;
  ours.max_header_list_size = config->header_list_bytes;
  ours.no_rfc7540_priorities = config->no_rfc7540_priorities;
  if (role == H2_SERVER) ours.enable_connect_protocol = config->connect_protocol;
  if (role == H2_CLIENT) ours.enable_push = config->push;
  return ours;
}

/* The preface: a client's magic, SETTINGS, and the rest of the connection's window, which SETTINGS
 * cannot raise (section 6.9.2). */
static void queue_preface(struct h2 *h2) {
  uint8_t *room = h2_control_room(h2, H2_PREFACE_BYTES + 2 * H2_FRAME_HEADER_BYTES +
                                          H2_SETTINGS_KNOWN * H2_SETTING_BYTES + 4);
  if (!room) return;
  if (h2->role == H2_CLIENT)
    room = (uint8_t *)memcpy(room, H2_PREFACE, H2_PREFACE_BYTES) + H2_PREFACE_BYTES;
  room = h2_settings_encode(room, &h2->ours);
  uint32_t more = h2_credit_take(&h2->credit, 1);
  if (more) room = h2_frame_window_update_encode(room, 0, more);
  h2_control_sent(h2, room);
  h2->settings_unacked = 1;
  h2->settings_sent_ns = h2->now_ns;
}

static void init(struct h2 *h2, struct engine *engine, enum h2_role role,
                 const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns) {
  *h2 = (struct h2){
      .engine = engine,
      .host = host,
      .role = role,
      .secure = peer->secure,
      .now_ns = now_ns,
      .ours = our_settings(&engine->config, role),
      .theirs = H2_SETTINGS_INITIAL,
      .window = {65535}, /* section 6.9.2, whatever SETTINGS say */
      .own_id_next = role == H2_SERVER ? 2 : 1,
      .updates_free = H2_UPDATES_FREE,
      .priorities_free = H2_PRIORITIES_FREE,
      .opened_ns = now_ns,
      .idle_since_ns = now_ns,
  };
  h2->reader.phase = role == H2_SERVER ? H2_RECV_PREFACE : H2_RECV_HEADER;
  h2_credit_init(&h2->credit, 65535);
  h2_flow_init(h2);
  idmap_init(&h2->streams, engine->memory);
  h2_priority_init(h2);
  hpack_decoder_init(&h2->decoder, engine->memory);
  hpack_encoder_init(&h2->encoder, engine->memory);
  h2_budget_init(&h2->glitches, H2_GLITCH_BURST, H2_GLITCH_PER_SECOND, now_ns);
  h2_budget_init(&h2->resets, H2_RESET_BURST, H2_RESET_PER_SECOND, now_ns);
  h2_budget_init(&h2->pings, H2_PING_BURST, H2_PING_PER_SECOND, now_ns);
  h2_budget_init(&h2->settings, H2_SETTINGS_BURST, H2_SETTINGS_PER_SECOND, now_ns);
  h2_budget_init(&h2->pushes, H2_PUSH_BURST, H2_PUSH_PER_SECOND, now_ns);
}

static bool create(struct engine *engine, enum h2_role role, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct h2 *h2 = pool_take(&engine->connections);
  if (!h2) {
    counter_add(&engine->counters.refused, 1);
    return false;
  }
  init(h2, engine, role, peer, host, now_ns);
  queue_preface(h2);
  counter_add(&engine->counters.connections_opened, 1);
  if (h2->lost) { /* not even the preface could be queued */
    machine_close(h2);
    return false;
  }
  *out = (struct machine){.ops = &h2_machine_ops, .self = h2};
  return true;
}

bool h2_server(struct engine *engine, const struct machine_peer *peer, struct machine_host *host,
               uint64_t now_ns, struct machine *out) {
  assert(engine->handler);
  return create(engine, H2_SERVER, peer, host, now_ns, out);
}

bool h2_client(struct engine *engine, const struct machine_peer *peer, struct machine_host *host,
               uint64_t now_ns, struct machine *out) {
  return create(engine, H2_CLIENT, peer, host, now_ns, out);
}

void h2_ping(struct h2 *h2, const uint8_t opaque[8]) {
  if (h2->dead) return; /* nothing follows the last GOAWAY */
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 8);
  if (room) h2_control_sent(h2, h2_frame_ping_encode(room, false, opaque));
  h2_wake(h2);
}

void h2_depend(struct h2 *h2, uint32_t stream_id, struct h2_dependency dependency) {
  if (h2->dead) return;
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 5);
  if (room) h2_control_sent(h2, h2_frame_priority_encode(room, stream_id, dependency));
  h2_wake(h2);
}

void h2_reprioritize(struct h2 *h2, uint32_t stream_id, struct span field) {
  if (h2->dead) return;
  uint8_t *room = h2_control_room(h2, H2_FRAME_HEADER_BYTES + 4 + field.len);
  if (room) h2_control_sent(h2, h2_frame_priority_update_encode(room, stream_id, field));
  h2_wake(h2);
}
