/*
 * h2/flow.c - the four policies, the estimate that `auto` makes, and the budget.
 *
 * The estimate: a PING tells the round trip; what arrives and is used within one is about what the
 * path holds (the bandwidth-delay product), or the window, whichever is less. The connection's
 * window becomes WINDOW_SAMPLES times that, if it was less, as soon as so much has been used, and a
 * single stream may have half of it. It stops growing by itself when the path is full.
 *
 * The budget: a connection is charged for what its peer can make our handlers hold. That is the
 * connection's window or those of the streams with a body still to come, whichever is less; a
 * window that was given counts until it is used up, since it cannot be taken back (RFC 9113 section
 * 6.9), and so do the first windows, which the peer has without asking. An idle connection costs
 * nothing. When the budget is spent, requests with a body are refused before any handler has seen
 * them.
 */
#include "engine/h2/flow.h"

#include "engine/h2/connection.h"
#include "engine/h2/control.h"

#include <assert.h>
#include <string.h>

/* TCP doubles its window each round trip, and the credit that answers what has arrived meets the
 * TCP of the next one. A stream, which gets half, has to be ahead of that by what is still on its
 * way to be counted. */
enum { WINDOW_SAMPLES = 8 };

static const uint8_t probe_opaque[8] = "flowctl";

static enum stream_flow policy_of(const struct h2 *h2, const struct h2_stream *stream) {
  if (stream && stream->base.flow != FLOW_DEFAULT) return stream->base.flow;
  return h2->shared->config.flow;
}

static bool is_auto(const struct h2 *h2, const struct h2_stream *stream) {
  return policy_of(h2, stream) == FLOW_AUTO;
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

/* ---- the budget ------------------------------------------------------------------------------ */

/* What the peer may make us hold: given, arrived, or about to be given again. */
static uint64_t exposed_bytes(const struct h2_credit *credit) {
  uint64_t granted = credit->granted > 0 ? (uint64_t)credit->granted : 0;
  return granted + credit->held + credit->returnable;
}

static uint64_t charge_of(uint64_t connection_bytes, uint64_t streams_bytes) {
  return connection_bytes < streams_bytes ? connection_bytes : streams_bytes;
}

static void charge(struct h2 *h2) {
  struct h2_flow *flow = &h2->flow;
  uint64_t bytes = charge_of(exposed_bytes(&h2->credit), flow->streams_bytes);
  h2->shared->window_bytes_charged += bytes - flow->charged_bytes;
  flow->charged_bytes = bytes;
}

static void count_as(struct h2 *h2, struct h2_stream *stream, uint64_t bytes) {
  h2->flow.streams_bytes += bytes - stream->credit.counted;
  stream->credit.counted = bytes;
  charge(h2);
}

/* Brings the count of a stream's window up to date. One that has ended grows no more. */
static void count(struct h2 *h2, struct h2_stream *stream) {
  const struct h2_credit *credit = &stream->credit;
  count_as(h2, stream, stream->end_received ? credit->held : exposed_bytes(credit));
}

/* What this connection could be charged if `budget` were all there is. */
static uint64_t room_bytes(const struct h2 *h2, uint64_t budget) {
  uint64_t others = h2->shared->window_bytes_charged - h2->flow.charged_bytes;
  return budget > others ? budget - others : 0;
}

/* Windows larger than the first ones leave some of the budget to who comes later. */
static uint64_t growth_room_bytes(const struct h2 *h2) {
  return room_bytes(h2, h2->shared->config.window_budget_bytes / 100 * H2_WINDOW_GROWTH_PERCENT);
}

/* Until our SETTINGS are acked the peer may still go by the protocol's initial window (section
 * 6.9.3). */
uint32_t h2_flow_first_bytes(const struct h2 *h2) {
  uint32_t ours = h2->ours.initial_window_size;
  return h2->settings_unacked && ours < H2_INITIAL_WINDOW_BYTES ? H2_INITIAL_WINDOW_BYTES : ours;
}

bool h2_flow_admits(const struct h2 *h2) {
  uint64_t streams_bytes = h2->flow.streams_bytes + h2_flow_first_bytes(h2);
  return charge_of(exposed_bytes(&h2->credit), streams_bytes) <=
         room_bytes(h2, h2->shared->config.window_budget_bytes);
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Widens the connection's window to `bytes`, or as far as its bound and the budget allow: its
 * streams could fill all of it. */
static void widen_connection(struct h2 *h2, uint64_t bytes) {
  uint64_t most = h2->shared->config.connection_window_bytes_max;
  uint64_t room = growth_room_bytes(h2);
  if (bytes > most) bytes = most;
  if (bytes > room) bytes = room;
  if (bytes <= h2->credit.target) return;
  h2_credit_retarget(&h2->credit, (uint32_t)bytes);
  charge(h2);
}

/* Who leaves more than a quarter of a window unused does not need a larger one: what it holds would
 * only grow. */
static bool keeps_up(const struct h2_credit *credit, uint32_t held_bytes) {
  return held_bytes <= credit->target / 4;
}

/* A stream whose handler keeps up may use half of the connection's window: one that does not cannot
 * hold up the others (it keeps what it has). `used_bytes` are about to be given back. */
static void widen_stream(struct h2 *h2, struct h2_stream *stream, uint32_t used_bytes) {
  struct h2_credit *credit = &stream->credit;
  uint64_t wide = h2->credit.target / 2;
  if (wide <= credit->target || !keeps_up(credit, credit->held - used_bytes)) return;
  uint64_t room = growth_room_bytes(h2), others = h2->flow.streams_bytes - credit->counted;
  if (exposed_bytes(&h2->credit) > room) { /* then all its streams have to stay below that */
    uint64_t left = room > others ? room - others : 0;
    if (wide > left) wide = left;
  }
  if (wide > credit->target) h2_credit_retarget(credit, (uint32_t)wide);
}

/* A stream is not wider than a new one of this connection would become. What was given stays with
 * the peer until it has used it; a cap is a handler's word, and counts more. */
static void narrow_streams(struct h2 *h2) {
  uint32_t wide = h2->credit.target / 2;
  if (wide < h2->ours.initial_window_size) wide = h2->ours.initial_window_size;
  for (struct h2_stream *stream = h2->all; stream; stream = stream->next) {
    struct h2_credit *credit = &stream->credit;
    if (credit->target <= wide || credit->cap != H2_CREDIT_UNCAPPED) continue;
    h2_credit_retarget(credit, wide);
    if (credit->counted) count(h2, stream);
  }
}

/* ---- the estimate ---------------------------------------------------------------------------- */

static void probe(struct h2 *h2) {
  struct h2_flow *flow = &h2->flow;
  if (flow->probe_ns || h2->now_ns < flow->probe_next_ns || h2->dead) return;
  if (h2->credit.target >= h2->shared->config.connection_window_bytes_max) return;
  flow->probe_ns = h2->now_ns;
  h2_ping(h2, probe_opaque);
}

static uint64_t round_trip_ns(const struct h2_flow *flow) {
  bool known = flow->rtt_ns && flow->rtt_ns < H2_FLOW_ROUND_TRIP_NS_MAX;
  return known ? flow->rtt_ns : H2_FLOW_ROUND_TRIP_NS_MAX;
}

/* `bytes` are being used. A sample is what is used within a round trip. It is what arrives, as long
 * as the handlers keep up, beside the frame in hand; while they do not, it shows nothing of the
 * path. */
static void sample(struct h2 *h2, uint32_t bytes) {
  struct h2_flow *flow = &h2->flow;
  uint32_t held = h2->credit.held, frame = h2->ours.max_frame_size;
  if (flow->sample_bytes == 0 || h2->now_ns - flow->sample_ns > round_trip_ns(flow)) {
    flow->sample_ns = h2->now_ns;
    flow->sample_bytes = 0;
  }
  flow->sample_bytes =
      keeps_up(&h2->credit, held > frame ? held - frame : 0) ? flow->sample_bytes + bytes : 0;
}

bool h2_flow_ping_acked(struct h2 *h2, const uint8_t opaque[8]) {
  struct h2_flow *flow = &h2->flow;
  if (!flow->probe_ns || memcmp(opaque, probe_opaque, sizeof probe_opaque) != 0) return false;
  uint64_t rtt_ns = h2->now_ns - flow->probe_ns;
  if (flow->rtt_ns == 0 || rtt_ns < flow->rtt_ns) flow->rtt_ns = rtt_ns;
  flow->probe_ns = 0;
  flow->probe_next_ns = h2->now_ns + H2_FLOW_PROBE_NS;
  return true;
}

/* ---- what happens to bytes ------------------------------------------------------------------- */

void h2_flow_opened(struct h2 *h2, struct h2_stream *stream) {
  count(h2, stream);
  widen_connection(h2, h2->shared->config.connection_window_bytes);
}

static void give_back(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  if (is_auto(h2, stream)) {
    sample(h2, bytes);
    widen_connection(h2, WINDOW_SAMPLES * h2->flow.sample_bytes);
  }
  h2_credit_consume(&h2->credit, bytes);
  h2_credit_consume(&stream->credit, bytes);
  credit_queue_add(h2, stream);
  count(h2, stream);
}

void h2_flow_arrived(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  h2->flow.arrived_ns = h2->now_ns;
  if (!stream) return;
  if (is_auto(h2, stream)) probe(h2);
  if (on_arrival(policy_of(h2, stream))) give_back(h2, stream, bytes);
}

void h2_flow_consumed(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  if (on_arrival(policy_of(h2, stream))) { /* it was given back when it arrived */
    credit_queue_add(h2, stream);
    return;
  }
  assert(bytes <= stream->credit.held);
  if (is_auto(h2, stream)) widen_stream(h2, stream, bytes);
  give_back(h2, stream, bytes);
}

void h2_flow_forget(struct h2 *h2, struct h2_stream *stream) {
  h2_credit_consume(&h2->credit, stream->credit.held);
  stream->credit.held = 0;
  count_as(h2, stream, 0);
}

/* ---- time and life --------------------------------------------------------------------------- */

static bool may_shrink(const struct h2 *h2) {
  return h2->credit.target > h2->shared->config.connection_window_bytes &&
         h2->credit.target > H2_WINDOW_BYTES_MIN;
}

uint64_t h2_flow_deadline_ns(const struct h2 *h2) {
  return may_shrink(h2) ? h2->flow.arrived_ns + H2_FLOW_IDLE_NS : MACHINE_NO_DEADLINE;
}

void h2_flow_tick(struct h2 *h2) {
  struct h2_flow *flow = &h2->flow;
  if (h2->now_ns < h2_flow_deadline_ns(h2)) return;
  flow->arrived_ns = h2->now_ns;          /* halve again after as long */
  flow->rtt_ns = flow->probe_next_ns = 0; /* the path may have changed meanwhile */
  flow->sample_bytes = 0;
  uint32_t first = h2->shared->config.connection_window_bytes;
  if (first < H2_WINDOW_BYTES_MIN) first = H2_WINDOW_BYTES_MIN;
  uint32_t half = h2->credit.target / 2;
  h2_credit_retarget(&h2->credit, half > first ? half : first);
  narrow_streams(h2);
  charge(h2);
}

/* A server's connections begin with the protocol's window: most have no use for more. A client
 * knows that it will ask for something. */
void h2_flow_init(struct h2 *h2) {
  h2->flow = (struct h2_flow){.arrived_ns = h2->now_ns};
  if (h2->role == H2_CLIENT) widen_connection(h2, h2->shared->config.connection_window_bytes);
}

/* All streams have ended. */
void h2_flow_close(struct h2 *h2) {
  assert(h2->flow.streams_bytes == 0 && h2->flow.charged_bytes == 0);
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
