/*
 * h1/h1.c - the machine of a connection, its birth and its end; and what connections share.
 */
#include "engine/h1/h1.h"

#include "engine/h1/answer.h"
#include "engine/h1/body.h"
#include "engine/h1/clock.h"
#include "engine/h1/life.h"
#include "engine/h1/recv.h"
#include "engine/h1/response.h"
#include "engine/h1/send.h"

#include <assert.h>

/* ---- the machine ----------------------------------------------------------------------------- */

static struct h1 *enter(void *self, uint64_t now_ns) {
  struct h1 *h1 = self;
  assert(!h1->in_call);
  h1->in_call = true;
  h1->now_ns = h1->http->entered_ns = now_ns;
  return h1;
}

/* Whether h1_recv_resume() has something to do. */
static bool may_resume(const struct h1 *h1) {
  return h1->held || h1->closing;
}

static void leave(struct h1 *h1) {
  if (may_resume(h1)) h1_recv_resume(h1);
  if (h1->graves) h1_bury(h1);
  h1->in_call = false;
}

static size_t machine_recv(void *self, struct span in, uint64_t now_ns) {
  struct h1 *h1 = enter(self, now_ns);
  size_t consumed = h1_recv(h1, in);
  h1_clock_watch_output(h1);
  leave(h1);
  return consumed;
}

static size_t machine_takes_vaulted(const void *self) {
  return h1_recv_vaulted_max(self);
}

static void machine_recv_eof(void *self, uint64_t now_ns) {
  struct h1 *h1 = enter(self, now_ns);
  h1->eof = true;
  h1->begun_ns = 0; /* what has come of a head will never be one */
  if (h1->role == H1_CLIENT)
    h1_response_eof(h1);
  else
    h1_body_eof(h1);
  leave(h1);
}

static size_t machine_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                                uint64_t now_ns) {
  struct h1 *h1 = enter(self, now_ns);
  size_t count = h1_send_peek(h1, out, max, budget_bytes);
  if (may_resume(h1)) { /* which may make more, and a host that gets nothing may not ask again */
    h1_recv_resume(h1);
    count = h1_send_peek(h1, out, max, budget_bytes);
  }
  h1_clock_watch_output(h1);
  leave(h1);
  return count;
}

static void machine_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct h1 *h1 = enter(self, now_ns);
  h1_send_ack(h1, bytes);
  h1_clock_watch_output(h1);
  leave(h1);
}

static void machine_tick(void *self, uint64_t now_ns) {
  struct h1 *h1 = enter(self, now_ns);
  h1_clock_run(h1);
  leave(h1);
}

/* Nothing more can happen, once the output has left. */
static bool is_finished(const struct h1 *h1) {
  if (h1->first || h1->held) return false;
  return h1->closing || h1->eof || (h1->draining && h1->begun_ns == 0 && h1->grace_ns == 0);
}

/* And a client that keeps its word has nothing to say. Without a body: after one, some send a line's end too many. */
static bool is_silent(const struct h1 *h1) {
  return h1->last_said && h1->discarded_bytes == 0;
}

/* A tunnel whose other direction goes on. */
static bool has_ended(const struct h1 *h1) {
  return h1->first && h1->first->tunnel && h1->first->sent;
}

/* Between requests that follow each other, with nothing else to look at: the usual case. */
static bool is_calm(const struct h1 *h1) {
  bool other = h1->held | h1->closing | h1->lost | h1->eof | h1->draining | h1->handed_over;
  return !h1->first && h1->phase == H1_READ_HEAD && h1->role == H1_SERVER && !other;
}

static unsigned machine_wants(const void *self) {
  const struct h1 *h1 = self;
  if (is_calm(h1)) return h1->out.count ? MACHINE_RECV | MACHINE_SEND : MACHINE_RECV;
  if (h1->lost) return MACHINE_DONE;
  unsigned wants =
      (h1_recv_wanted(h1) ? MACHINE_RECV : 0u) | (h1_send_wanted(h1) ? MACHINE_SEND : 0u);
  if (wants & MACHINE_SEND) return wants;
  if (is_finished(h1)) return is_silent(h1) ? MACHINE_DONE | MACHINE_SILENT : MACHINE_DONE;
  return has_ended(h1) ? wants | MACHINE_ENDED : wants;
}

/* The answer to the next request says that it is the last. */
static void give_grace(struct h1 *h1) {
  bool was_busy = h1_is_idle(h1) && h1->now_ns - h1->idle_since_ns < H1_GRACE_NS;
  if (was_busy && h1->role == H1_SERVER && !h1->draining) h1->grace_ns = h1->now_ns + H1_GRACE_NS;
}

/* A stream that leaves the queue meanwhile is not freed before the call ends. */
static void machine_drain(void *self, uint64_t now_ns) {
  struct h1 *h1 = enter(self, now_ns);
  struct h1_stream *stream = h1->draining ? NULL : h1->first;
  give_grace(h1);
  h1->draining = true;
  while (stream && !stream->gone) {
    struct h1_stream *next = stream->next;
    h1_stream_drain(stream);
    stream = next;
  }
  leave(h1);
}

static uint64_t machine_deadline_ns(const void *self) {
  return h1_clock_deadline_ns(self);
}

static uint64_t machine_idle_since_ns(const void *self) {
  const struct h1 *h1 = self;
  return h1_is_idle(h1) && !h1->draining ? h1->idle_since_ns : MACHINE_BUSY;
}

static void machine_close(void *self) {
  struct h1 *h1 = self;
  struct h1_shared *shared = h1->shared;
  h1->in_call = true;
  h1_client_end(h1, H1_END_CLOSED, NULL);
  h1_lose(h1, H1_CONNECT_ERROR);
  h1_send_free(h1);
  h1_recv_free(h1);
  h1_bury(h1);
  assert(!h1->graves);
  counter_add(&shared->http->counters.connections_closed, 1);
  pool_give(&shared->connections, h1);
}

const struct machine_ops h1_machine_ops = {
    .recv = machine_recv,
    .takes_vaulted = machine_takes_vaulted,
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

static bool create(struct h1_shared *shared, enum h1_role role, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct h1 *h1 = pool_take(&shared->connections);
  if (!h1) {
    counter_add(&shared->http->counters.refused, 1);
    return false;
  }
  *h1 = (struct h1){
      .http = shared->http,
      .shared = shared,
      .host = host,
      .role = role,
      .depth = 1,
      .stream_ops = &h1_stream_ops,
      .peer = *peer,
      .now_ns = now_ns,
      .opened_ns = now_ns,
      .idle_since_ns = now_ns,
      .phase = H1_READ_HEAD,
  };
  h1->peer.application_protocol = ""; /* borrowed until the machine is made */
  budget_init(&h1->small_chunks, H1_CHUNK_SMALL_BURST, H1_CHUNK_SMALL_PER_SECOND, now_ns);
  counter_add(&shared->http->counters.connections_opened, 1);
  *out = (struct machine){.ops = &h1_machine_ops, .self = h1};
  return true;
}

bool h1_server(struct h1_shared *shared, const struct machine_peer *peer, struct machine_host *host,
               uint64_t now_ns, struct machine *out) {
  assert(shared->http->handler);
  return create(shared, H1_SERVER, peer, host, now_ns, out);
}

bool h1_client(struct h1_shared *shared, const struct machine_peer *peer, struct machine_host *host,
               uint64_t now_ns, struct machine *out) {
  return create(shared, H1_CLIENT, peer, host, now_ns, out);
}

void h1_offer_upgrade(const struct machine *machine, h1_upgrade_fn *upgrade, void *ctx) {
  struct h1 *h1 = machine->self;
  h1->upgrade = upgrade;
  h1->upgrade_ctx = ctx;
}

/* ---- what connections share ------------------------------------------------------------------ */

struct h1_config h1_config_default(void) {
  return (struct h1_config){
      .streams_max = ENGINE_STREAMS_DEFAULT,
      .concurrent_streams = H1_AHEAD_MAX,
      .window_bytes = PEER_STREAM_WINDOW_BYTES_DEFAULT,
      .window_budget_bytes = PEER_WINDOW_BUDGET_BYTES,
      .flow = FLOW_AUTO,
      .body_bytes_per_second_min = PEER_BODY_BYTES_PER_SECOND_MIN,
      .body_idle_ns = PEER_BODY_IDLE_NS,
      .conversation_idle_ns = PEER_STREAM_IDLE_NS,
      .send_stall_ns = PEER_SEND_STALL_NS,
      .out_bytes = OUT_BYTES,
  };
}

static void init_pool(const struct h1_shared *shared, struct pool *pool, size_t object_bytes,
                      uint32_t max) {
  pool_init(pool, shared->http->memory, object_bytes, pool_chunk_count(object_bytes), max);
}

void h1_shared_init(struct h1_shared *shared, struct http_shared *http,
                    const struct h1_config *config, uint32_t connections_max) {
  *shared = (struct h1_shared){.http = http, .config = *config};
  init_pool(shared, &shared->connections, sizeof(struct h1), connections_max);
  init_pool(shared, &shared->streams, sizeof(struct h1_stream), config->streams_max);
  init_pool(shared, &shared->texts, H1_TEXT_BYTES, config->streams_max);
  init_pool(shared, &shared->gathers, H1_GATHER_BYTES, connections_max);
  init_pool(shared, &shared->outs, out_object_bytes(config->out_bytes), connections_max);
}

void h1_shared_destroy(struct h1_shared *shared) {
  h1_response_memo_free(&shared->responses, shared->http->memory);
  h1_section_memo_free(shared->sections, shared->http->memory);
  h1_request_memo_free(&shared->requests, shared->http->memory);
  pool_destroy(&shared->connections);
  pool_destroy(&shared->streams);
  pool_destroy(&shared->texts);
  pool_destroy(&shared->gathers);
  pool_destroy(&shared->outs);
}

void h1_shared_trim(struct h1_shared *shared) {
  pool_trim(&shared->connections);
  pool_trim(&shared->streams);
  pool_trim(&shared->texts);
  pool_trim(&shared->gathers);
  pool_trim(&shared->outs);
}
