/*
 * h2/flow.c - the four policies, the estimate that `auto` makes, and the window budget.
 *
 * The estimate: a PING measures the round trip. The bytes that are consumed within one round trip
 * are about what the path holds (the bandwidth-delay product), or the window if that is smaller.
 * The connection's window grows to WINDOW_SAMPLES times as many bytes, as soon as they have been
 * consumed; each stream may have half of that. So the window stops growing once the path is full.
 *
 * The budget: a connection is charged for the bytes that its peer can make our handlers hold. That
 * is the smaller of the connection's window and the windows of all streams whose body is still
 * incomplete. A window counts until it is used up, because it cannot be taken back (RFC 9113
 * section 6.9). Initial windows count too, because the peer may use them without asking. An idle
 * connection is charged nothing. Once the budget is spent, requests with a body are refused before
 * a handler sees them.
 */
#include "engine/h2/flow.h"

#include "engine/h2/connection.h"
#include "engine/h2/control.h"

#include <assert.h>
#include <string.h>

/* TCP doubles its window every round trip, and credit that we send now meets the TCP window of the
 * next round trip. A stream, which gets half of the connection's window, must also be ahead by the
 * bytes that are on their way and not counted yet. */
enum { WINDOW_SAMPLES = 8 };

static const uint8_t probe_opaque[8] = "flowctl";

/* As the handler or the configuration wants it. */
static enum stream_flow chosen(const struct h2 *h2, const struct h2_stream *stream) {
  if (stream && stream->base.flow != FLOW_DEFAULT) return stream->base.flow;
  return h2->shared->config.flow;
}

static enum stream_flow policy_of(const struct h2 *h2, const struct h2_stream *stream) {
  if (stream && stream->asks) return FLOW_CONSUME; /* the window bounds what is kept back */
  return chosen(h2, stream);
}

static bool is_auto(const struct h2 *h2, const struct h2_stream *stream) {
  return policy_of(h2, stream) == FLOW_AUTO;
}

static bool on_arrival(enum stream_flow policy) {
  return policy == FLOW_ECHO || policy == FLOW_THRESHOLD;
}

bool h2_flow_on_arrival(const struct h2 *h2, const struct h2_stream *stream) {
  return on_arrival(chosen(h2, stream));
}

/* ---- credit ---------------------------------------------------------------------------------- */

static void credit_queue_add(struct h2 *h2, struct h2_stream *stream) {
  if (stream->end_received || stream->in_credit_queue) return;
  stream->in_credit_queue = true;
  stream->credit_next = h2->credit_queue;
  h2->credit_queue = stream;
}

/* `auto` returns credit by quarters of the window. With halves, a peer that has used up its window
 * would get the second half only after the first had arrived: half a window a round trip. */
uint32_t h2_flow_least(const struct h2 *h2, const struct h2_stream *stream) {
  const struct window_credit *credit = stream ? &stream->credit : &h2->credit;
  if (!stream && h2->flow.hurries) return 1;
  switch (policy_of(h2, stream)) {
  case FLOW_ECHO: return 1;
  case FLOW_AUTO: return credit->target / 4;
  default: return credit->target / 2;
  }
}

/* ---- the budget ------------------------------------------------------------------------------ */

/* What the peer can make us hold: bytes that were granted, that we hold, or that we are about to
 * grant again. */
static uint64_t exposed_bytes(const struct window_credit *credit) {
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

/* Updates the count of a stream's window. After its end it holds only what has arrived. */
static void count(struct h2 *h2, struct h2_stream *stream) {
  const struct window_credit *credit = &stream->credit;
  if (h2->flow.unbounded) return;
  count_as(h2, stream, stream->end_received ? credit->held : exposed_bytes(credit));
}

/* The most that this connection may be charged, out of `budget` for all. */
static uint64_t room_bytes(const struct h2 *h2, uint64_t budget) {
  uint64_t others = h2->shared->window_bytes_charged - h2->flow.charged_bytes;
  return budget > others ? budget - others : 0;
}

/* Windows grow only within a part of the budget: the rest is for connections that come later. */
static uint64_t growth_room_bytes(const struct h2 *h2) {
  return room_bytes(h2, h2->shared->config.window_budget_bytes / 100 * H2_WINDOW_GROWTH_PERCENT);
}

/* Until our SETTINGS are acknowledged, the peer may still use the protocol's initial window
 * (section 6.9.3). */
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

/* Widens the connection's window to `bytes`, as far as its bound and the budget allow. */
static void widen_connection(struct h2 *h2, uint64_t bytes) {
  if (bytes <= h2->credit.target) return;
  uint64_t most = h2->shared->config.connection_window_bytes_max;
  uint64_t room = growth_room_bytes(h2);
  if (bytes > most) bytes = most;
  if (bytes > room) bytes = room;
  if (bytes <= h2->credit.target) return;
  window_credit_retarget(&h2->credit, (uint32_t)bytes);
  charge(h2);
}

/* Handlers that hold more than a quarter of the window would not be faster with a larger one: they
 * would only hold more. */
static bool keeps_up(const struct window_credit *credit, uint32_t held_bytes) {
  return held_bytes <= credit->target / 4;
}

/* A stream whose handler keeps up may use half of the connection's window, so that it cannot block
 * the others if the handler stops. `used_bytes` are about to be returned. */
static void widen_stream(struct h2 *h2, struct h2_stream *stream, uint32_t used_bytes) {
  struct window_credit *credit = &stream->credit;
  uint64_t wide = h2->credit.target / 2;
  if (wide <= credit->target || !keeps_up(credit, credit->held - used_bytes)) return;
  uint64_t room = growth_room_bytes(h2), others = h2->flow.streams_bytes - credit->counted;
  if (exposed_bytes(&h2->credit) > room) { /* then the streams have to share this room */
    uint64_t left = room > others ? room - others : 0;
    if (wide > left) wide = left;
  }
  if (wide > credit->target) window_credit_retarget(credit, (uint32_t)wide);
}

/* A stream is no wider than a new one could become. Bytes that were granted stay with the peer
 * until it has used them. A cap is the handler's own choice, and stays. */
static void narrow_streams(struct h2 *h2) {
  uint32_t wide = h2->credit.target / 2;
  if (wide < h2->ours.initial_window_size) wide = h2->ours.initial_window_size;
  for (struct h2_stream *stream = h2->all; stream; stream = stream->next) {
    struct window_credit *credit = &stream->credit;
    if (credit->target <= wide || credit->cap != WINDOW_UNCAPPED) continue;
    window_credit_retarget(credit, wide);
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

/* `bytes` are being consumed. A sample is the bytes consumed within one round trip. While the
 * handlers keep up, apart from the current frame, that is what arrives; while they do not, it says
 * nothing about the path. */
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

static void estimate(struct h2 *h2, uint32_t bytes) {
  sample(h2, bytes);
  widen_connection(h2, WINDOW_SAMPLES * h2->flow.sample_bytes);
}

static void give_back(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  if (is_auto(h2, stream)) estimate(h2, bytes);
  window_credit_consume(&h2->credit, bytes);
  window_credit_consume(&stream->credit, bytes);
  credit_queue_add(h2, stream);
  count(h2, stream);
}

void h2_flow_arrived(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  h2->flow.arrived_ns = h2->now_ns;
  if (!stream) return;
  const enum stream_flow policy = policy_of(h2, stream);
  if (policy == FLOW_AUTO) probe(h2);
  if (on_arrival(policy)) give_back(h2, stream, bytes);
}

void h2_flow_consumed(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  if (on_arrival(policy_of(h2, stream))) { /* it was returned when it arrived */
    credit_queue_add(h2, stream);
    return;
  }
  assert(bytes <= stream->credit.held);
  if (is_auto(h2, stream)) widen_stream(h2, stream, bytes);
  give_back(h2, stream, bytes);
}

void h2_flow_announced(struct h2 *h2, struct h2_stream *stream) {
  enum stream_flow policy = policy_of(h2, stream);
  if (policy == FLOW_AUTO) widen_stream(h2, stream, 0);
  if (window_credit_due(&stream->credit) > 0) credit_queue_add(h2, stream);
  if (!on_arrival(policy)) count(h2, stream);
}

void h2_flow_ended(struct h2 *h2, struct h2_stream *stream, uint32_t bytes) {
  if (is_auto(h2, stream)) estimate(h2, bytes);
}

void h2_flow_forget(struct h2 *h2, struct h2_stream *stream) {
  if (stream->credit.held == 0 && stream->credit.counted == 0) return; /* it had no body */
  window_credit_consume(&h2->credit, stream->credit.held);
  if (!h2->flow.unbounded) count_as(h2, stream, 0);
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
  flow->arrived_ns = h2->now_ns; /* the next halving is as far away */
  flow->rtt_ns = 0;              /* the path may have changed since */
  uint32_t first = h2->shared->config.connection_window_bytes;
  if (first < H2_WINDOW_BYTES_MIN) first = H2_WINDOW_BYTES_MIN;
  uint32_t half = h2->credit.target / 2;
  window_credit_retarget(&h2->credit, half > first ? half : first);
  narrow_streams(h2);
  charge(h2);
}

/* A server's connections begin with the protocol's window, and most never need more. A client is
 * going to request something. */
void h2_flow_init(struct h2 *h2) {
  bool unbounded = h2->shared->config.window_budget_bytes == H2_WINDOW_BUDGET_NONE;
  h2->flow = (struct h2_flow){.arrived_ns = h2->now_ns, .unbounded = unbounded};
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
