/*
 * check.c - the invariants; see check.h.
 *
 *   windows    What we may send matches the peer's bytes; what we granted matches our own. Both are
 *              read off the same wire, so nothing is lost between the two ends.
 *   credit     granted + held + returnable is at least the target (more after a reduction), on both
 *              levels. The streams' held bytes add up to the connection's.
 *   streams    Each live one is in the map, in the state that the bytes imply, and known to at most
 *              one party. The counters are right.
 *   output     There are as many lent pieces as segments that lend.
 */
#include "tests/sim/check.h"

#include "engine/h2/ids.h"
#include "engine/h2/recv.h"
#include "tests/sim/fail.h"
#include "tests/sim/talk.h"

static void check_credit(const struct window_credit *credit, uint32_t id) {
  int64_t sum = credit->granted + credit->held + credit->returnable;
  sim_check(sum >= credit->target,
            "stream %u: granted %lld + held %u + returnable %u is less than %u", id,
            (long long)credit->granted, credit->held, credit->returnable, credit->target);
}

/* Until all SETTINGS are acknowledged, the peer may use older ones, and more may be granted. */
static void check_granted(struct sim_end *end, const struct window_credit *credit, uint32_t id) {
  int64_t told = wire_receive_window(&end->wire, id);
  bool settled = sim_end_h2(end)->settings_unacked == 0;
  bool right = settled || id == 0 ? credit->granted == told : credit->granted >= told;
  sim_check(right, "stream %u: %lld granted, but the peer was told %lld", id,
            (long long)credit->granted, (long long)told);
}

static void check_windows(struct sim_end *end, const struct h2_stream *stream) {
  int64_t may_send = wire_send_window(&end->wire, stream->id);
  sim_check(stream->window.bytes == may_send, "stream %u: window %d, but the peer said %lld",
            stream->id, stream->window.bytes, (long long)may_send);
  check_credit(&stream->credit, stream->id);
  if (!stream->end_received) check_granted(end, &stream->credit, stream->id);
}

static enum h2_state state_of(const struct wire_stream *said) {
  bool sent = said->sent_headers, received = said->received_headers;
  if (said->sent_promise) return sent ? H2_HALF_CLOSED_REMOTE : H2_RESERVED_LOCAL;
  if (said->received_promise) return received ? H2_HALF_CLOSED_LOCAL : H2_RESERVED_REMOTE;
  if (!sent && !received) return H2_IDLE;
  if (said->sent_end) return H2_HALF_CLOSED_LOCAL;
  return said->received_end ? H2_HALF_CLOSED_REMOTE : H2_OPEN;
}

static void check_state(struct sim_end *end, const struct h2_stream *stream) {
  const struct wire_stream *said = wire_stream(&end->wire, stream->id);
  sim_check(!said->sent_reset && !said->received_reset, "stream %u lives after RST_STREAM",
            stream->id);
  sim_check(!(said->sent_end && said->received_end), "stream %u lives after both ends", stream->id);
  enum h2_state implied = state_of(said), state = (enum h2_state)stream->state;
  bool unsent_promise = implied == H2_IDLE && state == H2_RESERVED_LOCAL;
  sim_check(state == implied || unsent_promise, "stream %u is in state %d, the bytes say %d",
            stream->id, state, implied);
  sim_check(h2_find(sim_end_h2(end), stream->id) == stream, "stream %u is not in the map",
            stream->id);
}

/* The handler got everything that came, except what is still on its way through the current frame. */
static void check_delivered(struct sim_end *end, const struct h2_stream *stream) {
  const struct party *party = stream->base.user;
  if (!party || talk_has(&end->side, &stream->base)) return;
  sim_check(party->stream == &stream->base, "stream %u has the wrong party", stream->id);
  const struct wire_stream *said = wire_stream(&end->wire, stream->id);
  sim_check(party->received == said->payload_received, "stream %u: %u bytes delivered of %lld",
            stream->id, party->received, (long long)said->payload_received);
  int64_t sent = said->data_sent;
  sim_check(party->body.sent == sent, "stream %u: %u bytes pulled, %lld sent", stream->id,
            party->body.sent, (long long)sent);
}

struct counts {
  uint32_t all, own, peer, receiving, lent;
  uint64_t held;
};

static struct counts check_streams(struct sim_end *end) {
  const struct h2 *h2 = sim_end_h2(end);
  struct counts counts = {.all = 0};
  for (const struct h2_stream *stream = h2->all; stream; stream = stream->next) {
    check_windows(end, stream);
    check_state(end, stream);
    check_delivered(end, stream);
    counts.all++;
    counts.lent += stream->lent;
    counts.held += stream->credit.held;
    counts.receiving += !stream->end_received;
    (*(h2_is_own_id(h2, stream->id) ? &counts.own : &counts.peer))++;
  }
  for (const struct h2_stream *stream = h2->graves; stream; stream = stream->next)
    counts.lent += stream->lent;
  return counts;
}

static uint32_t count_lent(const struct h2 *h2) {
  uint32_t lent = 0;
  for (uint32_t i = 0; i < h2->out.count; i++)
    lent += h2->out.segments[(h2->out.first + i) % OUT_SEGMENTS].lent != NULL;
  return lent;
}

static void check_connection(struct sim_end *end) {
  const struct h2 *h2 = sim_end_h2(end);
  int64_t may_send = wire_send_window(&end->wire, 0);
  sim_check(h2->window.bytes == may_send, "connection: window %d, but the peer said %lld",
            h2->window.bytes, (long long)may_send);
  check_credit(&h2->credit, 0);
  if (wire_preface_sent(&end->wire)) check_granted(end, &h2->credit, 0);
}

void sim_check_end(struct sim_end *end) {
  if (!end->open || end->closing) return;
  const struct h2 *h2 = sim_end_h2(end);
  if (h2->dead || h2->lost) return;
  check_connection(end);
  if (!h2_recv_wanted(h2) || !wire_preface_sent(&end->wire)) return;
  struct counts counts = check_streams(end);
  sim_check(counts.all == idmap_count(&h2->streams), "%u streams, %u in the map", counts.all,
            idmap_count(&h2->streams));
  sim_check(counts.own == h2->active_own && counts.peer == h2->active_peer,
            "%u own and %u peer's streams, counted as %u and %u", counts.own, counts.peer,
            h2->active_own, h2->active_peer);
  sim_check(counts.receiving == h2->receiving, "%u streams receive, counted as %u",
            counts.receiving, h2->receiving);
  sim_check(counts.lent == count_lent(h2), "%u pieces lent, %u segments lend", counts.lent,
            count_lent(h2));
  sim_check(counts.held == h2->credit.held, "streams hold %llu, the connection %u",
            (unsigned long long)counts.held, h2->credit.held);
}
