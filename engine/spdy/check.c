/*
 * spdy/check.c - see spdy/check.h.
 *
 *   streams   each is in the map under its identifier, and in one list; the counts are right
 *   queues    each stream whose flag says so is in the queue, once
 *   credit    the bytes that the streams hold add up to those of the session
 *   output    the streams have lent as many pieces as there are segments of theirs at most
 */
#include "engine/spdy/check.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/ids.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS

/* Sums over the live streams; `lent` over all. */
struct sums {
  uint32_t all, own, receiving, probed, credit, timed, room, lent, overfull;
  uint64_t held;
};

static void check_stream(const struct spdy *spdy, const struct spdy_stream *stream,
                         struct sums *sums) {
  assert(spdy_find(spdy, stream->id) == stream);
  assert(stream->spdy == spdy && !stream->gone);
  assert(stream->own == spdy_is_own_id(spdy, stream->id));
  assert(stream->state == SPDY_WAITING || stream->state == SPDY_OPEN ||
         stream->state == SPDY_ENDED);
  assert(stream->prev ? stream->prev->next == stream : spdy->all == stream);
  assert(stream->state == SPDY_ENDED || stream->content_length < 0 ||
         stream->body_received <= stream->content_length);
  assert(stream->state != SPDY_ENDED || !stream->fin_sent);
  sums->all++;
  sums->own += stream->own;
  sums->receiving += !spdy_stream_end_received(stream);
  sums->probed += stream->in_probe_queue;
  sums->credit += stream->in_credit_queue;
  sums->timed += stream->timer.due_ns != MACHINE_NO_DEADLINE;
  sums->room += stream->room_bytes > 0;
  sums->overfull += stream->overfull;
  sums->held += stream->credit.held;
  sums->lent += stream->lent;
}

static struct sums check_streams(const struct spdy *spdy) {
  struct sums sums = {0};
  for (const struct spdy_stream *stream = spdy->all; stream; stream = stream->next)
    check_stream(spdy, stream, &sums);
  for (const struct spdy_stream *stream = spdy->graves; stream; stream = stream->next) {
    assert(stream->gone);
    sums.lent += stream->lent;
  }
  return sums;
}

static uint32_t probes(const struct spdy *spdy) {
  uint32_t count = 0;
  for (const struct spdy_stream *at = spdy->probe_queue; at; at = at->probe_next) {
    assert(at->in_probe_queue && !at->gone);
    assert(at->probe_next || spdy->probe_queue_tail == at);
    count++;
  }
  return count;
}

static uint32_t credits(const struct spdy *spdy) {
  uint32_t count = 0;
  for (const struct spdy_stream *at = spdy->credit_queue; at; at = at->credit_next) {
    assert(at->in_credit_queue && !at->gone);
    count++;
  }
  return count;
}

static uint32_t alarms(const struct spdy *spdy) {
  uint32_t count = 0;
  for (const struct alarm *at = spdy->timers.first; at; at = at->next) {
    assert(!at->next || at->due_ns <= at->next->due_ns);
    count++;
  }
  return count;
}

static uint32_t segments_that_lend(const struct spdy *spdy) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < spdy->out.count; i++)
    count += spdy->out.segments[(spdy->out.first + i) % OUT_SEGMENTS].lent != NULL;
  return count;
}

static void check_queue(const struct spdy *spdy) {
  size_t bytes = 0;
  for (const struct spdy_chunk *at = spdy->queue.first; at; at = at->next) {
    assert(at->from + at->len <= at->size);
    assert(at->next || spdy->queue.last == at);
    bytes += at->len;
  }
  assert(bytes == spdy->queue.bytes);
}

void spdy_check(const struct spdy *spdy) {
  struct sums sums = check_streams(spdy);
  assert(sums.all == idmap_count(&spdy->streams));
  assert(sums.all == spdy->active_own + spdy->active_peer);
  assert(sums.own == spdy->active_own);
  assert(sums.receiving == spdy->receiving);
  assert(sums.held == spdy->credit.held);
  assert(sums.lent <= segments_that_lend(spdy)); /* the others are counted by a body */
  assert(sums.room == spdy->room_waits);
  assert(sums.overfull == spdy->overfull);
  assert(sums.probed == probes(spdy));
  assert(sums.credit == credits(spdy));
  assert(sums.timed == alarms(spdy));
  assert(spdy->charged_bytes <= spdy->shared->window_bytes_charged);
  assert(!spdy->reader.data || !spdy->reader.data->gone);
  assert(!spdy->dead || !spdy->all);
  check_queue(spdy);
}

#else

void spdy_check(const struct spdy *spdy) {
  (void)spdy;
}

#endif
