/*
 * h2/check.c - see h2/check.h.
 *
 *   streams   each is in the map under its identifier, and in one list; the counts are right
 *   queues    each stream whose flag says so is in the queue, once
 *   credit    the bytes that the streams hold add up to those of the connection
 *   output    the streams have lent as many pieces as there are segments of theirs at most
 */
#include "engine/h2/check.h"

#include "engine/h2/connection.h"
#include "engine/h2/ids.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS

/* Sums over the live streams. */
struct sums {
  uint32_t all, own, receiving, urgent, brief, credit, timed, room, lent;
  uint64_t held, counted;
};

static void check_stream(const struct h2 *h2, const struct h2_stream *stream, struct sums *sums) {
  assert(h2_find(h2, stream->id) == stream);
  assert(stream->h2 == h2);
  assert(!stream->gone);
  assert(stream->takes_part || stream->brief || !(h2->role == H2_SERVER || stream->body.ops));
  assert(!stream->brief || (stream->end_received && !stream->headers_sent));
  assert(stream->state < H2_CLOSED);
  assert(stream->prev ? stream->prev->next == stream : h2->all == stream);
  assert(stream->end_received || stream->content_length < 0 ||
         stream->body_received <= stream->content_length);
  assert(!stream->probe_end || stream->in_urgent_queue);
  assert(!stream->sections || stream->in_urgent_queue);
  sums->all++;
  sums->own += h2_is_own_id(h2, stream->id);
  sums->receiving += !stream->end_received;
  sums->urgent += stream->in_urgent_queue;
  sums->brief += stream->brief;
  sums->credit += stream->in_credit_queue;
  sums->timed += stream->timer.due_ns != MACHINE_NO_DEADLINE;
  sums->room += stream->room_bytes > 0;
  sums->lent += stream->lent;
  sums->held += stream->credit.held;
  sums->counted += stream->credit.counted;
}

static struct sums check_streams(const struct h2 *h2) {
  struct sums sums = {.all = 0};
  for (const struct h2_stream *stream = h2->all; stream; stream = stream->next)
    check_stream(h2, stream, &sums);
  for (const struct h2_stream *stream = h2->graves; stream; stream = stream->next) {
    assert(stream->gone);
    assert(stream->lent > 0); /* those with none have been freed */
    sums.lent += stream->lent;
  }
  return sums;
}

static void check_urgent_queue(const struct h2 *h2, uint32_t count) {
  const struct h2_stream *last = NULL;
  uint32_t found = 0;
  for (const struct h2_stream *stream = h2->urgent_queue; stream; stream = stream->urgent_next) {
    assert(stream->in_urgent_queue);
    found++;
    assert(found <= count); /* it is no ring */
    last = stream;
  }
  assert(found == count);
  assert(!last || h2->urgent_queue_tail == last);
}

static void check_briefs(const struct h2 *h2, uint32_t count) {
  const struct h2_stream *last = NULL;
  uint32_t found = 0;
  for (const struct h2_stream *stream = h2->briefs.first; stream; stream = stream->urgent_next) {
    assert(stream->brief && !stream->in_urgent_queue && !stream->takes_part);
    assert(!last || h2->briefs.place.shared || last->id < stream->id);
    found++;
    assert(found <= count);
    last = stream;
  }
  assert(found == count);
  assert(!last || h2->briefs.last == last);
}

static void check_credit_queue(const struct h2 *h2, uint32_t count) {
  uint32_t found = 0;
  for (const struct h2_stream *stream = h2->credit_queue; stream; stream = stream->credit_next) {
    assert(stream->in_credit_queue);
    found++;
    assert(found <= count);
  }
  assert(found == count);
}

static void check_timers(const struct h2 *h2, uint32_t count) {
  uint32_t found = 0;
  for (const struct alarm *alarm = h2->timers.first; alarm; alarm = alarm->next) {
    assert(!alarm->next || alarm->due_ns <= alarm->next->due_ns);
    found++;
    assert(found <= count);
  }
  assert(found == count);
}

static uint32_t segments_that_lend(const struct h2 *h2) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < h2->out.count; i++)
    count += h2->out.segments[(h2->out.first + i) % OUT_SEGMENTS].lent != NULL;
  return count;
}

void h2_check(const struct h2 *h2) {
  struct sums sums = check_streams(h2);
  assert(sums.all == idmap_count(&h2->streams));
  assert(sums.all == h2->active_own + h2->active_peer);
  assert(sums.own == h2->active_own);
  assert(sums.receiving == h2->receiving);
  assert(h2->dead || sums.held == h2->credit.held);
  assert(sums.counted == h2->flow.streams_bytes);
  assert(sums.lent <= segments_that_lend(h2)); /* the others are counted by a body */
  assert(sums.room == h2->room_waits);
  check_urgent_queue(h2, sums.urgent);
  check_briefs(h2, sums.brief);
  check_credit_queue(h2, sums.credit);
  check_timers(h2, sums.timed);
  assert(h2->flow.charged_bytes <= h2->shared->window_bytes_charged);
  assert(h2->control || h2->control_used == 0);
  assert(h2->control_used <= H2_CONTROL_BYTES);
  assert(!h2->reader.data || !h2->reader.data->gone);
  assert(!h2->recent || !h2->recent->gone);
  assert(!h2->expected || !h2->expected->gone);
  assert(h2->block.kind != H2_BLOCK_NONE || !h2->block.bytes);
  assert(!h2->dead || !h2->all);
  assert(h2->draining || !h2->drain_final);
  assert(!h2->pause.on || h2->pause.since_ns < h2->pause.until_ns);
}

#else

void h2_check(const struct h2 *h2) {
  (void)h2;
}

#endif
