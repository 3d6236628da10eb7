/*
 * h2_flow.c - the four policies, and the estimate that `auto` makes.
 *
 * The estimate: a PING leaves when DATA begins to flow; what arrives until its ACK is about what
 * the path holds (the bandwidth-delay product), or the window, whichever is less. The connection's
 * window becomes WINDOW_SAMPLES times that, if it was less, and a single stream may use half of it.
 * It stops growing by itself when the path is full.
 */
#include "h2_flow.h"

#include "h2.h"

#include <assert.h>
#include <string.h>

/* TCP doubles its window each round trip, and the credit that answers a sample meets the TCP of two
 * round trips later: four times the sample for a stream, which gets half. Less makes a long path
 * fill slowly: 100 MB over 40 Mbit/s and 300 ms took a quarter longer with half of it. */
enum { WINDOW_SAMPLES = 8 };

static const uint8_t probe_opaque[8] = "flowctl";

static enum stream_flow policy_of(const struct h2 *h2, const struct h2_stream *stream) {
  if (stream && stream->base.flow != FLOW_DEFAULT) return stream->base.flow;
  return h2->engine->config.flow;
}

static bool on_arrival(enum stream_flow policy) {
  return policy == FLOW_ECHO || policy == FLOW_THRESHOLD;
}

/* ---- credit ---------------------------------------------------------------------------------- */

static void credit_queue_add(struct h2 *h2, struct h2_stream *stream) {
  if (stream->end_received || stream->in_credit_queue) return;
  stream->in_credit_queue = true;
  stream->credit_next = h2->credit_queue;
  h2->credit_queue = stream;
}

static void give_back(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  h2_credit_consume(&h2->credit, bytes);
  h2_credit_consume(&stream->credit, bytes);
  credit_queue_add(h2, stream);
}

/* `auto` gives back by quarters: with halves, a peer that has used up its window gets what is above
 * the half only when more arrives, and has half a window a round trip. */
uint32_t h2_flow_least(const struct h2 *h2, const struct h2_stream *stream) {
  const struct h2_credit *credit = stream ? &stream->credit : &h2->credit;
  switch (policy_of(h2, stream)) {
  case FLOW_ECHO: return 1;
  case FLOW_AUTO: return credit->target / 4;
  default: return credit->target / 2;
  }
}

/* ---- the estimate ---------------------------------------------------------------------------- */

static bool is_auto(const struct h2 *h2) {
  return h2->engine->config.flow == FLOW_AUTO;
}

/* Moves the connection's window and what it is charged for it; less when the budget is used up. */
static void set_window(struct h2 *h2, uint32_t bytes) {
  struct engine *engine = h2->engine;
  uint32_t most = engine->config.connection_window_bytes_max;
  if (bytes > most) bytes = most;
  uint64_t others = engine->window_bytes_charged - h2->flow.charged_bytes;
  uint64_t budget = engine->config.window_budget_bytes;
  uint64_t left = budget > others ? budget - others : 0;
  if (bytes > left) bytes = (uint32_t)left;
  if (bytes < H2_WINDOW_BYTES_MIN) bytes = H2_WINDOW_BYTES_MIN;
  engine->window_bytes_charged = others + bytes;
  h2->flow.charged_bytes = bytes;
  h2_credit_retarget(&h2->credit, bytes);
}

/* Who leaves more than a quarter of a window unused does not need a larger one: what it holds would
 * only grow. */
static bool keeps_up(const struct h2_credit *credit, uint32_t held_bytes) {
  return held_bytes <= credit->target / 4;
}

/* A stream whose handler keeps up may use half of the connection's window: one that does not cannot
 * hold up the others (it keeps what it has). `used_bytes` are about to be given back. */
static void widen_stream(struct h2 *h2, struct h2_stream *stream, uint32_t used_bytes) {
  uint32_t wide = h2->credit.target / 2;
  if (wide > stream->credit.target && keeps_up(&stream->credit, stream->credit.held - used_bytes))
    h2_credit_retarget(&stream->credit, wide);
}

static void probe(struct h2 *h2) {
  if (h2->flow.probe_ns || h2->now_ns < h2->flow.probe_next_ns || h2->dead) return;
  if (h2->credit.target >= h2->engine->config.connection_window_bytes_max) return;
  h2->flow.probe_ns = h2->now_ns;
  h2->flow.sample_bytes = 0;
  h2_ping(h2, probe_opaque);
}

bool h2_flow_ping_acked(struct h2 *h2, const uint8_t opaque[8]) {
  struct h2_flow *flow = &h2->flow;
  if (!flow->probe_ns || memcmp(opaque, probe_opaque, sizeof probe_opaque) != 0) return false;
  uint64_t rtt_ns = h2->now_ns - flow->probe_ns;
  if (flow->rtt_ns == 0 || rtt_ns < flow->rtt_ns) flow->rtt_ns = rtt_ns;
  flow->probe_ns = 0;
  flow->probe_next_ns = h2->now_ns + H2_FLOW_PROBE_NS;
  if (!keeps_up(&h2->credit, h2->credit.held)) return true; /* our handlers hold the peer up */
  uint64_t wanted = (uint64_t)WINDOW_SAMPLES * flow->sample_bytes;
  uint32_t most = h2->engine->config.connection_window_bytes_max;
  if (wanted > h2->credit.target) set_window(h2, wanted < most ? (uint32_t)wanted : most);
  return true;
}

/* ---- what happens to bytes ------------------------------------------------------------------- */

void h2_flow_arrived(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  struct h2_flow *flow = &h2->flow;
  flow->arrived_ns = h2->now_ns;
  flow->sample_bytes += bytes;
  if (is_auto(h2)) probe(h2);
  if (stream && on_arrival(policy_of(h2, stream))) give_back(h2, stream, bytes);
}

void h2_flow_consumed(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  if (on_arrival(policy_of(h2, stream))) { /* it was given back when it arrived */
    credit_queue_add(h2, stream);
    return;
  }
  assert(bytes <= stream->credit.held);
  if (policy_of(h2, stream) == FLOW_AUTO && is_auto(h2)) widen_stream(h2, stream, bytes);
  give_back(h2, stream, bytes);
}

void h2_flow_forget(struct h2 *h2, struct h2_stream *stream) {
  h2_credit_consume(&h2->credit, stream->credit.held);
  stream->credit.held = 0;
}

/* ---- time and budget ------------------------------------------------------------------------- */

static bool may_shrink(const struct h2 *h2) {
  return is_auto(h2) && h2->credit.target > h2->flow.base_bytes;
}

uint64_t h2_flow_deadline_ns(const struct h2 *h2) {
  return may_shrink(h2) ? h2->flow.arrived_ns + H2_FLOW_IDLE_NS : MACHINE_NO_DEADLINE;
}

void h2_flow_tick(struct h2 *h2) {
  if (h2->now_ns < h2_flow_deadline_ns(h2)) return;
  h2->flow.arrived_ns = h2->now_ns; /* halve again after as long */
  uint32_t half = h2->credit.target / 2;
  set_window(h2, half > h2->flow.base_bytes ? half : h2->flow.base_bytes);
}

void h2_flow_init(struct h2 *h2) {
  h2->flow = (struct h2_flow){.arrived_ns = h2->now_ns};
  set_window(h2, h2->engine->config.connection_window_bytes);
  h2->flow.base_bytes = h2->credit.target;
}

void h2_flow_close(struct h2 *h2) {
  h2->engine->window_bytes_charged -= h2->flow.charged_bytes;
  h2->flow.charged_bytes = 0;
}

bool h2_flow_parse(const char *name, enum stream_flow *out) {
  static const char *const names[] = {[FLOW_ECHO] = "echo",
                                      [FLOW_THRESHOLD] = "threshold",
                                      [FLOW_CONSUME] = "consume",
                                      [FLOW_AUTO] = "auto"};
  for (unsigned i = FLOW_ECHO; i <= FLOW_AUTO; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    *out = (enum stream_flow)i;
    return true;
  }
  return false;
}
