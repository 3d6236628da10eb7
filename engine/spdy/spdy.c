/*
 * spdy/spdy.c - the machine of a session, its birth and its end; and what sessions share.
 */
#include "engine/spdy/spdy.h"

#include "engine/spdy/alive.h"
#include "engine/spdy/answer.h"
#include "engine/spdy/check.h"
#include "engine/spdy/clock.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/drain.h"
#include "engine/spdy/flow.h"
#include "engine/spdy/life.h"
#include "engine/spdy/queue.h"
#include "engine/spdy/recv.h"
#include "engine/spdy/send.h"

#include <assert.h>

/* ---- the machine ----------------------------------------------------------------------------- */

static struct spdy *enter(void *self, uint64_t now_ns) {
  struct spdy *spdy = self;
  assert(!spdy->in_call);
  spdy->in_call = true;
  spdy->now_ns = spdy->http->entered_ns = now_ns;
  return spdy;
}

/* The peer needs the session no more, and everything that it began is done: our GOAWAY tells what was handled. */
static void say_goodbye(struct spdy *spdy) {
  if (spdy->goaway_received && !spdy->all && !spdy->eof) spdy_drain(spdy);
}

static void leave(struct spdy *spdy) {
  if (spdy->kept_due) spdy_answer_deliver(spdy);
  say_goodbye(spdy);
  spdy_bury(spdy);
  spdy_alive_reads(spdy, spdy_recv_wanted(spdy));
  spdy_check(spdy);
  spdy->in_call = false;
  if (spdy->room_wanted && spdy_request_room(spdy) > 0) spdy_client_room(spdy);
}

static size_t machine_recv(void *self, struct span in, uint64_t now_ns) {
  struct spdy *spdy = enter(self, now_ns);
  size_t consumed = spdy_recv(spdy, in);
  if (spdy->stalled_since_ns == 0) spdy_clock_watch_output(spdy);
  leave(spdy);
  return consumed;
}

/* A server still answers requests that are complete, and sends what a raw stream has to say whose peer has said
 * everything; the others never will be complete. A client gets no more of its responses. */
static bool finish_at_eof(struct spdy *spdy, struct spdy_stream *stream) {
  if (spdy_stream_end_received(stream) && (spdy->server || spdy->session.raw)) return false;
  spdy_stream_finish(spdy, stream, SPDY_RESET_REMOTE, SPDY_CANCEL);
  return true;
}

static void machine_recv_eof(void *self, uint64_t now_ns) {
  struct spdy *spdy = enter(self, now_ns);
  spdy->eof = true;
  spdy_client_end(spdy, SPDY_END_EOF, 0, NULL);
  spdy_stream_each(spdy, finish_at_eof);
  spdy_clock_watch_output(spdy);
  leave(spdy);
}

static size_t machine_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                                uint64_t now_ns) {
  struct spdy *spdy = enter(self, now_ns);
  size_t count = spdy_send_peek(spdy, out, max, budget_bytes);
  spdy_clock_watch_output(spdy);
  leave(spdy);
  return count;
}

static void machine_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct spdy *spdy = enter(self, now_ns);
  spdy_send_ack(spdy, bytes);
  spdy_clock_watch_output(spdy);
  leave(spdy);
}

static void machine_tick(void *self, uint64_t now_ns) {
  struct spdy *spdy = enter(self, now_ns);
  spdy_clock_run(spdy);
  leave(spdy);
}

/* Nothing more can happen, once the output has left. */
static bool is_finished(const struct spdy *spdy) {
  if (spdy->dead) return true;
  bool no_more = spdy->eof || spdy->goaway_sent || spdy->goaway_received;
  return no_more && !spdy->all;
}

static unsigned machine_wants(const void *self) {
  const struct spdy *spdy = self;
  if (spdy->lost) return MACHINE_DONE;
  unsigned wants =
      (spdy_recv_wanted(spdy) ? MACHINE_RECV : 0u) | (spdy_send_wanted(spdy) ? MACHINE_SEND : 0u);
  if (!(wants & MACHINE_SEND) && is_finished(spdy)) return MACHINE_DONE;
  return wants;
}

static void machine_drain(void *self, uint64_t now_ns) {
  struct spdy *spdy = enter(self, now_ns);
  spdy_drain_begin(spdy);
  leave(spdy);
}

static uint64_t machine_deadline_ns(const void *self) {
  return spdy_clock_deadline_ns(self);
}

static uint64_t machine_idle_since_ns(const void *self) {
  const struct spdy *spdy = self;
  return spdy_is_idle(spdy) && !spdy->goaway_sent ? spdy->idle_since_ns : MACHINE_BUSY;
}

static void machine_close(void *self) {
  struct spdy *spdy = self;
  struct spdy_shared *shared = spdy->shared;
  spdy_client_end(spdy, SPDY_END_CLOSED, 0, NULL);
  spdy->in_call = spdy->dead = spdy->lost = true;
  spdy_stream_finish_all(spdy, SPDY_CANCEL);
  spdy_send_free(spdy);
  spdy_bury(spdy);
  assert(!spdy->graves && spdy->charged_bytes == 0);
  sched_destroy(&spdy->sched);
  origins_close(&spdy->origins, spdy->http->memory);
  idmap_destroy(&spdy->streams);
  spdy_block_reader_destroy(&spdy->blocks_in);
  spdy_block_writer_destroy(&spdy->blocks_out);
  counter_add(&shared->http->counters.connections_closed, 1);
  pool_give(&shared->sessions, spdy);
}

static size_t machine_takes_vaulted(const void *self) {
  return spdy_recv_vaulted_max(self);
}

static uint32_t *machine_send_loans(const void *self, size_t which) {
  const struct spdy *spdy = self;
  return out_loans(&spdy->out, which);
}

static const struct machine_ops machine_ops = {
    .recv = machine_recv,
    .takes_vaulted = machine_takes_vaulted,
    .send_loans = machine_send_loans,
    .recv_eof = machine_recv_eof,
    .send_peek = machine_send_peek,
    .send_ack = machine_send_ack,
    .tick = machine_tick,
    .deadline_ns = machine_deadline_ns,
    .wants = machine_wants,
    .drain = machine_drain,
    .idle_since_ns = machine_idle_since_ns,
    .close = machine_close,
};

/* ---- birth ----------------------------------------------------------------------------------- */

static void queue_settings(struct spdy *spdy) {
  const struct spdy_config *config = &spdy->shared->config;
  const struct spdy_setting settings[] = {
      {.id = SPDY_SETTINGS_MAX_CONCURRENT_STREAMS, .value = config->concurrent_streams},
      {.id = SPDY_SETTINGS_INITIAL_WINDOW_SIZE, .value = config->stream_window_bytes},
  };
  uint8_t *room = spdy_queue_room(spdy, SPDY_SETTINGS_BYTES(2));
  if (room) spdy_queue_wrote(spdy, spdy_frame_settings_encode(room, 0, settings, 2));
}

static void init(struct spdy *spdy, struct spdy_shared *shared, bool server,
                 const struct spdy_session_config *session, const struct machine_peer *peer,
                 struct machine_host *host, uint64_t now_ns) {
  *spdy = (struct spdy){
      .http = shared->http,
      .shared = shared,
      .handler = server && session->handler ? session->handler : shared->http->handler,
      .host = host,
      .stream_ops = &spdy_stream_ops,
      .session = *session,
      .server = server,
      .peer = *peer,
      .now_ns = now_ns,
      .their_window_bytes = SPDY_WINDOW_BYTES_INITIAL,
      .their_streams_max = UINT32_MAX, /* until it says so */
      .window = {SPDY_WINDOW_BYTES_INITIAL},
      .own_id_next = server ? 2 : 1,
      .ping_id_next = server ? 2 : 1,
      .opened_ns = now_ns,
      .idle_since_ns = now_ns,
  };
  spdy->peer.application_protocol = ""; /* borrowed until the machine is made */
  idmap_init(&spdy->streams, spdy->http->memory);
  sched_init(&spdy->sched);
  spdy_block_reader_init(&spdy->blocks_in, spdy->http->memory, &shared->scratch,
                         spdy->http->headers.list_bytes_max);
  spdy_block_writer_init(&spdy->blocks_out, spdy->http->memory);
  spdy_flow_init(spdy);
  spdy_alive_init(spdy);
  budget_init(&spdy->glitches, PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND, now_ns);
  budget_init(&spdy->resets, PEER_RESET_BURST, PEER_RESET_PER_SECOND, now_ns);
  budget_init(&spdy->pings, PEER_PING_BURST, PEER_PING_PER_SECOND, now_ns);
  budget_init(&spdy->settings, PEER_SETTINGS_BURST, PEER_SETTINGS_PER_SECOND, now_ns);
  merit_init(&spdy->merit, now_ns);
  budget_init(&spdy->pushes, PEER_PUSH_BURST, PEER_PUSH_PER_SECOND, now_ns);
}

static bool make_scratch(struct spdy_shared *shared) {
  size_t bytes = SPDY_SCRATCH_BYTES(shared->http->headers.list_bytes_max);
  if (!shared->scratch.base)
    shared->scratch =
        (struct spdy_scratch){.base = memory_alloc(shared->http->memory, bytes), .bytes = bytes};
  return shared->scratch.base;
}

static bool create(struct spdy_shared *shared, bool server,
                   const struct spdy_session_config *session, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct spdy *spdy = make_scratch(shared) ? pool_take(&shared->sessions) : NULL;
  if (!spdy) {
    counter_add(&shared->http->counters.refused, 1);
    return false;
  }
  init(spdy, shared, server, session, peer, host, now_ns);
  queue_settings(spdy);
  counter_add(&shared->http->counters.connections_opened, 1);
  counter_add(&shared->counters.sessions, 1);
  if (spdy->lost) { /* the settings could not be queued */
    machine_close(spdy);
    return false;
  }
  *out = (struct machine){.ops = &machine_ops, .self = spdy};
  return true;
}

bool spdy_server(struct spdy_shared *shared, const struct spdy_session_config *session,
                 const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns,
                 struct machine *out) {
  assert(session->handler || shared->http->handler);
  return create(shared, true, session, peer, host, now_ns, out);
}

bool spdy_client(struct spdy_shared *shared, const struct spdy_session_config *session,
                 const struct machine_peer *peer, struct machine_host *host, uint64_t now_ns,
                 struct machine *out) {
  return create(shared, false, session, peer, host, now_ns, out);
}

/* ---- what sessions share --------------------------------------------------------------------- */

struct spdy_config spdy_config_default(void) {
  return (struct spdy_config){
      .streams_max = ENGINE_STREAMS_DEFAULT,
      .concurrent_streams = PEER_CONCURRENT_STREAMS_DEFAULT,
      .stream_window_bytes = SPDY_STREAM_WINDOW_BYTES_DEFAULT,
      .session_window_bytes = SPDY_SESSION_WINDOW_BYTES_DEFAULT,
      .window_budget_bytes = PEER_WINDOW_BUDGET_BYTES,
      .push = true,
      .body_bytes_per_second_min = PEER_BODY_BYTES_PER_SECOND_MIN,
      .body_idle_ns = PEER_BODY_IDLE_NS,
      .conversation_idle_ns = PEER_STREAM_IDLE_NS,
  };
}

static void init_pool(const struct spdy_shared *shared, struct pool *pool, size_t object_bytes,
                      uint32_t max) {
  pool_init(pool, shared->http->memory, object_bytes, pool_chunk_count(object_bytes), max);
}

void spdy_shared_init(struct spdy_shared *shared, struct http_shared *http,
                      const struct spdy_config *config, uint32_t connections_max) {
  *shared = (struct spdy_shared){.http = http, .config = *config};
  init_pool(shared, &shared->sessions, sizeof(struct spdy), connections_max);
  init_pool(shared, &shared->streams, sizeof(struct spdy_stream), config->streams_max);
  init_pool(shared, &shared->outs, OUT_OBJECT_BYTES, connections_max);
  init_pool(shared, &shared->chunks, SPDY_CHUNK_BYTES, connections_max + config->streams_max);
}

void spdy_shared_destroy(struct spdy_shared *shared) {
  pool_destroy(&shared->sessions);
  pool_destroy(&shared->streams);
  pool_destroy(&shared->outs);
  pool_destroy(&shared->chunks);
  memory_free(shared->http->memory, shared->scratch.base, shared->scratch.bytes);
  shared->scratch = (struct spdy_scratch){0};
}

void spdy_shared_trim(struct spdy_shared *shared) {
  pool_trim(&shared->sessions);
  pool_trim(&shared->streams);
  pool_trim(&shared->outs);
  pool_trim(&shared->chunks);
}
