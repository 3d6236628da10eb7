/*
 * h1/life.c - see h1/life.h.
 */
#include "engine/h1/life.h"

#include "engine/h1/client.h"
#include "engine/h1/text.h"
#include "engine/http/contract.h"

#include <assert.h>

/* ---- birth ----------------------------------------------------------------------------------- */

struct h1_stream *h1_stream_open(struct h1 *h1) {
  struct h1_stream *stream = pool_take(&h1->shared->streams);
  if (!stream) return NULL;
  *stream = (struct h1_stream){
      .base = {.ops = h1->stream_ops,
               .peer = &h1->peer,
               .id = ++h1->requests,
               .sends_vaulted = h1->peer.vault},
      .h1 = h1,
      .minor = 1,
      .end_received = true,
      .length_left = -1,
      .content_length = -1,
      .cap_bytes = STREAM_UNCAPPED,
      .opened_ns = h1->now_ns,
      .heard_ns = h1->now_ns,
      .timer_ns = MACHINE_NO_DEADLINE,
  };
  if (!h1->first) counter_add(&h1->http->counters.connections_busied, 1);
  *(h1->last ? &h1->last->next : &h1->first) = stream;
  h1->last = stream;
  h1->queued++;
  counter_add(&h1->http->counters.streams_opened, 1);
  return stream;
}

void h1_stream_append(struct h1_stream *stream, struct h1_text *text) {
  *(stream->texts ? &stream->texts_tail->next : &stream->texts) = text;
  stream->texts_tail = text;
}

/* ---- what the handler hears ------------------------------------------------------------------ */

bool h1_stream_is_heard(const struct h1_stream *stream) {
  if (stream->told) return false;
  if (stream->h1->role == H1_CLIENT) return true;
  return !stream->final_queued || stream->base.duplex || stream->tunnel;
}

void h1_stream_mistake(struct h1_stream *stream, const char *what) {
  const struct handler *handler = stream->h1->http->handler;
  if (handler && handler->mistake) handler->mistake(handler->ctx, &stream->base, what);
}

void h1_stream_tell(struct h1_stream *stream, uint32_t code) {
  if (stream->told) return;
  const struct stream_events *events = stream->base.events;
  stream->told = true;
  stream->error_code = code;
  stream->timer_ns = MACHINE_NO_DEADLINE;
  stream->base.events = NULL;
  stream->base.consume_later = false;
  stream->held_bytes = 0;
  counter_add(&stream->h1->http->counters.streams_closed, 1);
  if (events && events->closed) events->closed(&stream->base, code);
  stream->base.user = NULL; /* the handler may have freed it */
}

void h1_stream_drain(struct h1_stream *stream) {
  const struct stream_events *events = stream->base.events;
  if (events && events->drain) events->drain(&stream->base);
}

/* ---- death ----------------------------------------------------------------------------------- */

void h1_stream_end_received(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  if (stream->end_received) return;
  assert(h1->reading == stream || h1->role == H1_CLIENT);
  stream->end_received = true;
  if (h1->reading == stream) h1->reading = NULL;
  h1->shared->uploads -= stream->counted;
  stream->counted = false;
}

void h1_stream_asked(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  stream->sent = true;
  if (h1->asking == stream) h1->asking = stream->next;
}

static void texts_free(struct h1_stream *stream) {
  while (stream->texts) {
    struct h1_text *text = stream->texts;
    stream->texts = text->next;
    h1_text_free(stream->h1, text);
  }
  h1_text_free(stream->h1, stream->trailers);
  stream->trailers = NULL;
}

void h1_stream_remove_first(struct h1 *h1) {
  struct h1_stream *stream = h1->first;
  assert(stream->told);
  h1->first = stream->next;
  if (!h1->first) {
    h1->last = NULL;
    h1->idle_since_ns = h1->now_ns;
    counter_add(&h1->http->counters.connections_quieted, 1);
  }
  h1->queued--;
  h1->queued_unsafe -= !stream->safe;
  h1_stream_end_received(stream);
  if (h1->asking == stream) h1->asking = stream->next;
  if (h1->role == H1_CLIENT) h1->reading = h1->first;
  texts_free(stream);
  stream->gone = true;
  stream->next = h1->graves;
  h1->graves = stream;
}

static uint32_t code_of(const struct h1_stream *stream, uint32_t code) {
  bool unsent = h1_is_client(stream) && stream->header_sent == 0;
  return unsent ? H1_REFUSED_STREAM : code;
}

void h1_close(struct h1 *h1, uint32_t code) {
  h1_client_end(h1, H1_END_CLOSED, NULL);
  h1->closing = true;
  h1->held = false;
  h1->begun_ns = 0; /* a head that has begun gets no answer, not even 408 */
  h1->phase = H1_READ_DISCARD;
  while (h1->first) {
    struct h1_stream *stream = h1->first;
    h1_stream_tell(stream, code_of(stream, code));
    if (h1->first == stream) h1_stream_remove_first(h1);
  }
}

void h1_lose(struct h1 *h1, uint32_t code) {
  h1->lost = true;
  h1_close(h1, code);
}

/* ---- the graveyard --------------------------------------------------------------------------- */

/* Only now has the last byte left, except those that a body counts itself: body_chunk.loans. */
static void tell_ended(struct h1 *h1, struct h1_stream *stream) {
  const struct handler *handler = h1->http->handler;
  if (!stream->delivered || !handler->ended) return; /* a client's are not delivered */
  const struct stream_facts facts = {
      .protocol = stream->minor ? "HTTP/1.1" : "HTTP/1.0",
      .begun_ns = stream->opened_ns,
      .ended_ns = h1->now_ns,
      .header_bytes_received = stream->header_received,
      .header_bytes_sent = stream->header_sent,
      .body_bytes_received = (uint64_t)stream->body_received,
      .body_bytes_sent = stream->body_sent,
      .error_code = stream->error_code,
      .status = stream->status,
      .prioritized = stream->prioritized,
      .urgency = stream->urgency,
      .incremental = stream->incremental,
  };
  handler->ended(handler->ctx, &stream->base, &facts);
}

void h1_bury(struct h1 *h1) {
  struct h1_stream **at = &h1->graves;
  while (*at) {
    struct h1_stream *stream = *at;
    if (stream->lent) {
      at = &stream->next;
      continue;
    }
    *at = stream->next;
    struct body body = stream->body;
    stream->body = BODY_NONE;
    contract_drop(body);
    tell_ended(h1, stream);
#ifdef WEIR_CANARY_PIPELINE_LEAKED_STREAM /* a bug on demand, which the simulation must find */
    if (stream->base.id % 128 == 77) continue;
#endif
    pool_give(&h1->shared->streams, stream);
  }
}
