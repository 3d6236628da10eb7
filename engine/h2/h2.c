/*
 * h2/h2.c - the machine of a connection, its birth and its end; and what connections share.
 */
#include "engine/h2/h2.h"

#include "engine/h2/answer.h"
#include "engine/h2/block.h"
#include "engine/h2/check.h"
#include "engine/h2/client.h"
#include "engine/h2/clock.h"
#include "engine/h2/drain.h"
#include "engine/h2/flow.h"
#include "engine/h2/life.h"
#include "engine/h2/priority.h"
#include "engine/h2/reader.h"
#include "engine/h2/recv.h"
#include "engine/h2/response_memo.h"
#include "engine/h2/rest.h"
#include "engine/h2/send.h"

#include <assert.h>
#include <string.h>

/* ---- the machine ----------------------------------------------------------------------------- */

static struct h2 *enter(void *self, uint64_t now_ns) {
  struct h2 *h2 = self;
  assert(!h2->in_call);
  h2->in_call = true;
  h2->now_ns = h2->http->entered_ns = now_ns;
  return h2;
}

/* The peer needs the connection no more, and everything that it began is done: our GOAWAY tells
 * what was handled (section 6.8). */
static void say_goodbye(struct h2 *h2) {
  if (!h2->goaway_received || h2->all || h2->dead || h2->eof || h2->drain_final) return;
  h2_drain_finish(h2, NULL);
}

static void leave(struct h2 *h2) {
  if (h2->kept_due) h2_answer_deliver(h2);
  say_goodbye(h2);
  h2_bury(h2);
  h2_check(h2);
  h2->in_call = false;
}

static size_t machine_recv(void *self, struct span in, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  size_t consumed = h2_recv(h2, in);
  if (h2->stalled_since_ns == 0) h2_clock_watch_output(h2);
  leave(h2);
  return consumed;
}

/* A server still answers requests that are complete; the others never will be. A client has its
 * response, or will never get it, nor credit for the rest of its request. */
static uint32_t eof_code(const struct h2_stream *stream) {
  return stream->end_received && !stream->connect ? H2_NO_ERROR : H2_CONNECT_ERROR;
}

static bool finish_at_eof(struct h2 *h2, struct h2_stream *stream) {
  if (stream->end_received && h2->role == H2_SERVER) return false;
  h2_stream_cut(stream, H2_RECV_RST_STREAM);
  h2_stream_finish(h2, stream, eof_code(stream));
  return true;
}

static void machine_recv_eof(void *self, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  h2->eof = true;
  h2_client_end(h2, H2_END_EOF, H2_NO_ERROR, NULL);
  h2_stream_each(h2, finish_at_eof);
  h2_clock_give_up_blocked(h2);
  leave(h2);
}

static size_t machine_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                                uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  size_t count = h2_send_peek(h2, out, max, budget_bytes);
  h2_clock_watch_output(h2);
  leave(h2);
  return count;
}

static void machine_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  h2_send_ack(h2, bytes);
  h2_clock_watch_output(h2);
  leave(h2);
}

static void machine_tick(void *self, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  h2_clock_run(h2);
  leave(h2);
}

/* Nothing more can happen, once the output has left. */
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
  if (h2->rested && wants == MACHINE_RECV && h2_rest_fits(h2)) wants |= MACHINE_MOVES;
  return wants;
}

static bool drain_stream(struct h2 *h2, struct h2_stream *stream) {
  (void)h2;
  h2_stream_drain(stream);
  return stream->gone;
}

static void machine_drain(void *self, uint64_t now_ns) {
  struct h2 *h2 = enter(self, now_ns);
  h2_drain_begin(h2);
  h2_stream_each(h2, drain_stream);
  leave(h2);
}

static uint64_t machine_deadline_ns(const void *self) {
  return h2_clock_deadline_ns(self);
}

static uint64_t machine_idle_since_ns(const void *self) {
  const struct h2 *h2 = self;
  return h2_is_idle(h2) && !h2->draining ? h2->idle_since_ns : MACHINE_BUSY;
}

static void finish(struct h2 *h2) {
  h2_client_end(h2, H2_END_CLOSED, H2_NO_ERROR, NULL);
  h2->in_call = h2->dead = h2->lost = true;
  h2_stream_finish_all(h2, H2_CONNECT_ERROR);
  h2_send_free(h2);
  h2_reader_free(h2);
  h2_block_drop(h2);
  h2_response_memo_free(&h2->responses, h2->http->memory);
  h2_request_memo_free(&h2->requests, h2->http->memory);
  h2_bury(h2);
  assert(!h2->graves);
  h2_flow_close(h2);
  h2_priority_close(h2);
  origins_close(&h2->origins, h2->http->memory);
  idmap_destroy(&h2->streams);
  hpack_decoder_destroy(&h2->decoder);
  hpack_encoder_destroy(&h2->encoder);
  counter_add(&h2->http->counters.connections_closed, 1);
}

static void machine_close(void *self) {
  struct h2 *h2 = self;
  struct h2_shared *shared = h2->shared;
  finish(h2);
  pool_give(&shared->connections, h2);
}

static void machine_move(void *self, struct machine *place) {
  static const struct h2_awake awake = {.ops = &h2_machine_ops, .finish = finish};
  h2_rest_begin(self, &awake, place);
}

const struct machine_ops h2_machine_ops = {
    .recv = machine_recv,
    .recv_eof = machine_recv_eof,
    .send_peek = machine_send_peek,
    .send_ack = machine_send_ack,
    .tick = machine_tick,
    .deadline_ns = machine_deadline_ns,
    .wants = machine_wants,
    .drain = machine_drain,
    .idle_since_ns = machine_idle_since_ns,
    .move = machine_move,
    .close = machine_close,
};

/* ---- birth ----------------------------------------------------------------------------------- */

static struct h2_settings our_settings(const struct h2_shared *shared, enum h2_role role) {
  struct h2_settings ours = H2_SETTINGS_INITIAL;
  const struct h2_config *config = &shared->config;
  assert(config->header_table_bytes <= HPACK_TABLE_BYTES_MAX);
  ours.header_table_size = config->header_table_bytes;
  ours.max_concurrent_streams = config->concurrent_streams;
  ours.initial_window_size = config->stream_window_bytes;
  ours.max_frame_size = config->frame_bytes_max;
  ours.max_header_list_size = (uint32_t)shared->http->headers.list_bytes_max;
  ours.no_rfc7540_priorities = config->no_rfc7540_priorities;
  if (role == H2_SERVER)
    ours.enable_connect_protocol = config->connect_protocol || shared->http->handler->protocols;
  if (role == H2_CLIENT) ours.enable_push = config->push;
  return ours;
}

/* The preface: a client's magic, SETTINGS, and WINDOW_UPDATE for the rest of the connection's
 * window, which SETTINGS cannot change (section 6.9.2). */
static void queue_preface(struct h2 *h2) {
  uint8_t *room = h2_control_room(h2, H2_PREFACE_BYTES + 2 * H2_FRAME_HEADER_BYTES +
                                          H2_SETTINGS_KNOWN * H2_SETTING_BYTES + 4);
  if (!room) return;
  if (h2->role == H2_CLIENT)
    room = (uint8_t *)memcpy(room, H2_PREFACE, H2_PREFACE_BYTES) + H2_PREFACE_BYTES;
  room = h2_settings_encode(room, &h2->ours);
  uint32_t more = window_credit_take(&h2->credit, 1);
  if (more) room = h2_frame_window_update_encode(room, 0, more);
  h2_control_sent(h2, room);
  h2->settings_unacked = 1;
  h2->settings_sent_ns = h2->now_ns;
}

static void init(struct h2 *h2, struct h2_shared *shared, enum h2_role role,
                 const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns) {
  *h2 = (struct h2){
      .http = shared->http,
      .shared = shared,
      .host = host,
      .stream_ops = &h2_stream_ops,
      .role = role,
      .peer = *peer,
      .now_ns = now_ns,
      .ours = our_settings(shared, role),
      .theirs = H2_SETTINGS_INITIAL,
      .window = {H2_INITIAL_WINDOW_BYTES}, /* whatever SETTINGS say */
      .own_id_next = role == H2_SERVER ? 2 : 1,
      .priorities_free = H2_PRIORITIES_FREE,
      .opened_ns = now_ns,
      .idle_since_ns = now_ns,
  };
  h2->peer.application_protocol = ""; /* borrowed until the machine is made */
  h2->reader.phase = role == H2_SERVER ? H2_READ_PREFACE : H2_READ_HEADER;
  window_credit_init(&h2->credit, H2_INITIAL_WINDOW_BYTES);
  h2_flow_init(h2);
  idmap_init(&h2->streams, h2->http->memory);
  h2_priority_init(h2);
  hpack_decoder_init(&h2->decoder, h2->http->memory);
  hpack_encoder_init(&h2->encoder, h2->http->memory);
  hpack_encoder_set_limit(&h2->encoder, h2->shared->config.encoder_table_bytes);
  budget_init(&h2->glitches, PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND, now_ns);
  budget_init(&h2->resets, PEER_RESET_BURST, PEER_RESET_PER_SECOND, now_ns);
  budget_init(&h2->pings, PEER_PING_BURST, PEER_PING_PER_SECOND, now_ns);
  budget_init(&h2->settings, PEER_SETTINGS_BURST, PEER_SETTINGS_PER_SECOND, now_ns);
  merit_init(&h2->merit, now_ns);
  budget_init(&h2->pushes, PEER_PUSH_BURST, PEER_PUSH_PER_SECOND, now_ns);
}

/* Those at rest need room to wake. */
static struct h2 *take(struct h2_shared *shared) {
  struct pool *pool = &shared->connections;
  return h2_shared_connections(shared) < pool->max ? pool_take(pool) : NULL;
}

static bool create(struct h2_shared *shared, enum h2_role role, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct h2 *h2 = take(shared);
  if (!h2) {
    counter_add(&shared->http->counters.refused, 1);
    return false;
  }
  init(h2, shared, role, peer, host, now_ns);
  queue_preface(h2);
  counter_add(&shared->http->counters.connections_opened, 1);
  if (h2->lost) { /* the preface could not be queued */
    machine_close(h2);
    return false;
  }
  *out = (struct machine){.ops = &h2_machine_ops, .self = h2};
  return true;
}

bool h2_server(struct h2_shared *shared, const struct machine_peer *peer, struct machine_host *host,
               uint64_t now_ns, struct machine *out) {
  assert(shared->http->handler);
  return create(shared, H2_SERVER, peer, host, now_ns, out);
}

bool h2_client(struct h2_shared *shared, const struct machine_peer *peer, struct machine_host *host,
               uint64_t now_ns, struct machine *out) {
  return create(shared, H2_CLIENT, peer, host, now_ns, out);
}

/* ---- what connections share ------------------------------------------------------------------ */

struct h2_config h2_config_default(void) {
  return (struct h2_config){
      .streams_max = ENGINE_STREAMS_DEFAULT,
      .concurrent_streams = PEER_CONCURRENT_STREAMS_DEFAULT,
      .stream_window_bytes = PEER_STREAM_WINDOW_BYTES_DEFAULT,
      .connection_window_bytes = PEER_CONNECTION_WINDOW_BYTES_DEFAULT,
      .connection_window_bytes_max = H2_CONNECTION_WINDOW_BYTES_MAX,
      .window_budget_bytes = PEER_WINDOW_BUDGET_BYTES,
      .flow = FLOW_AUTO,
      .frame_bytes_max = H2_FRAME_BYTES_DEFAULT,
      .header_table_bytes = HPACK_TABLE_BYTES_MAX,
      .encoder_table_bytes = HPACK_TABLE_BYTES_MAX,
      .head_start = &head_start_rules_default,
      .push = true,
      .preface_ns = PEER_PREFACE_NS,
      .body_bytes_per_second_min = PEER_BODY_BYTES_PER_SECOND_MIN,
      .body_idle_ns = PEER_BODY_IDLE_NS,
      .conversation_idle_ns = PEER_STREAM_IDLE_NS,
  };
}

static void init_pool(const struct h2_shared *shared, struct pool *pool, size_t object_bytes,
                      uint32_t max) {
  pool_init(pool, shared->http->memory, object_bytes, pool_chunk_count(object_bytes), max);
}

void h2_shared_init(struct h2_shared *shared, struct http_shared *http,
                    const struct h2_config *config, uint32_t connections_max) {
  *shared = (struct h2_shared){.http = http, .config = *config};
  sched_memory_init(&shared->sched, http->memory);
  init_pool(shared, &shared->connections, sizeof(struct h2), connections_max);
  init_pool(shared, &shared->streams, sizeof(struct h2_stream), config->streams_max);
  init_pool(shared, &shared->sections, H2_SECTION_BYTES, config->streams_max);
  init_pool(shared, &shared->outs, OUT_OBJECT_BYTES, connections_max);
  init_pool(shared, &shared->controls, H2_CONTROL_BYTES, connections_max);
  init_pool(shared, &shared->frames, H2_FRAME_BYTES_DEFAULT, connections_max);
}

void h2_shared_destroy(struct h2_shared *shared) {
  assert(shared->resting == 0);
  sched_memory_destroy(&shared->sched);
  pool_destroy(&shared->connections);
  pool_destroy(&shared->streams);
  pool_destroy(&shared->sections);
  pool_destroy(&shared->outs);
  pool_destroy(&shared->controls);
  pool_destroy(&shared->frames);
}

void h2_shared_trim(struct h2_shared *shared) {
  sched_memory_trim(&shared->sched);
  pool_trim(&shared->connections);
  pool_trim(&shared->streams);
  pool_trim(&shared->sections);
  pool_trim(&shared->outs);
  pool_trim(&shared->controls);
  pool_trim(&shared->frames);
}
