/*
 * h1/answer.c - what handlers do with their streams: the functions behind struct stream_ops.
 *
 * Heads become text here; h1/send.c sends them when their turn comes.
 */
#include "engine/h1/answer.h"

#include "engine/h1/fault.h"
#include "engine/h1/head_memo.h"
#include "engine/h1/life.h"
#include "engine/h1/send.h"
#include "engine/h1/text.h"
#include "engine/http/contract.h"

static struct h1_stream *own(struct stream *base) {
  struct h1_stream *stream = (struct h1_stream *)(void *)base;
  h1_call_in(stream->h1);
  return stream;
}

/* Refuses what a handler may not do: returns false. */
static bool refuse(struct h1_stream *stream, const char *what) {
  h1_stream_mistake(stream, what);
  return false;
}

static bool may_answer(const struct h1_stream *stream) {
  return !stream->told && !stream->final_queued;
}

/* ---- informational responses ----------------------------------------------------------------- */

/* HTTP/1.0 has none, and of HTTP/1.1's clients only some can bear more than 100 (RFC 8297 section 3). */
static bool is_known_to_take(const struct h1_stream *stream, unsigned status) {
  return stream->minor > 0 && (status == 100 || stream->hints);
}

static bool op_inform(struct stream *base, unsigned status, const struct header *fields,
                      size_t count) {
  struct h1_stream *stream = own(base);
  if (status < 100 || status > 199 || status == 101)
    return refuse(stream, "stream_inform() with a status that is not informational");
  if (!may_answer(stream) || !is_known_to_take(stream, status)) return false;
  const char *mistake = contract_given(fields, count, BODY_NONE);
  if (mistake) return refuse(stream, mistake);
  struct h1_survey survey = h1_text_survey(fields, count);
  if (survey.mistake) return refuse(stream, survey.mistake);
  const struct h1_plan plan = {
      .adds = {.status = (uint16_t)status, .leave_length = true}, .fields = fields, .count = count};
  struct h1_text *text = h1_text_make(stream->h1, &plan, &survey);
  if (!text) return false;
  if (status == 100) stream->expects = false;
  h1_stream_append(stream, text);
  h1_wake(stream->h1);
  return true;
}

/* ---- final responses ------------------------------------------------------------------------- */

/* Whether the client may go on with this connection. When the host wants an end, the last request that has
 * come is the last. A client that waits for 100 may send its body or not; and a body of which much is to
 * come is not worth the wait. */
static bool may_keep(const struct h1_stream *stream) {
  bool ends = stream->h1->draining && !stream->next;
  if (!stream->keep || ends) return false;
  if (stream->end_received) return true;
  int64_t left = stream->content_length - stream->body_received;
  return !stream->expects && left <= (int64_t)H1_LINGER_BYTES;
}

/* How the body's length is told (RFC 9112 section 6.3). */
static void plan_length(struct h1_stream *stream, const struct h1_survey *survey, bool no_content,
                        struct h1_adds *adds) {
  bool given = survey->length >= 0;
  if (no_content) { /* HEAD and 304 tell the length of what they do not send */
    adds->leave_length = stream->status == 204;
    return;
  }
  if (!stream->body.ops) {
    if (survey->length > 0) h1_stream_mistake(stream, "content-length without a body");
    adds->leave_length = true;
    adds->add_zero_length = true;
    return;
  }
  stream->length_left = survey->length;
  if (given) return;
  stream->chunked = adds->add_chunked = stream->minor > 0;
  if (!stream->chunked) stream->keep = false;
}

static enum h1_connection connection_of(const struct h1_stream *stream) {
  if (stream->tunnel) return H1_SAY_UPGRADE;
  if (!stream->keep) return H1_SAY_CLOSE;
  return stream->minor > 0 ? H1_SAY_NOTHING : H1_SAY_KEEP_ALIVE;
}

/* What the head of the response says besides its fields; and plans how its body follows. */
static struct h1_adds plan_head(struct h1_stream *stream, const struct h1_survey *survey,
                                bool no_content) {
  struct h1_adds adds = {.status = stream->status,
                         .add_date = !survey->date && stream->h1->http->date[0],
                         .add_server = !survey->server};
  if (stream->tunnel)
    adds.leave_length = true;
  else
    plan_length(stream, survey, no_content, &adds);
  stream->keep = may_keep(stream);
  adds.connection = (uint8_t)connection_of(stream);
  return adds;
}

static struct h1_text *make_head(struct h1_stream *stream, const struct h1_survey *survey,
                                 struct header_set *set, const struct h1_adds *adds) {
  const struct h1_plan plan = {
      .adds = *adds, .fields = survey->fields, .count = survey->count, .upgrade = stream->protocol};
  struct h1_text *text = h1_text_make(stream->h1, &plan, survey);
  if (set && text) h1_head_memo_keep(stream->h1, set, adds, text);
  return text;
}

static bool queue_response(struct h1_stream *stream, const struct h1_survey *survey,
                           struct header_set *set, bool no_content) {
  if (survey->mistake) return refuse(stream, survey->mistake);
  const struct h1_adds adds = plan_head(stream, survey, no_content);
  const struct span ready =
      set ? h1_head_memo_find(stream->h1, set, &adds) : (struct span){.base = NULL};
  if (ready.len > 0 && h1_send_head(stream, ready)) return true;
  struct h1_text *text =
      ready.len > 0 ? h1_text_copy(stream->h1, ready) : make_head(stream, survey, set, &adds);
  if (text) h1_stream_append(stream, text);
  return text;
}

/* `set`: what the fields are of; NULL: they are not sent again. */
static bool answer(struct h1_stream *stream, unsigned status, const struct h1_survey *survey,
                   struct header_set *set, struct body body) {
  bool no_content = stream->head_request || status == 204 || status == 304;
  if (no_content) {
    contract_drop(body);
    body = BODY_NONE;
    if (!may_answer(stream)) return false; /* the body's close() has ended the stream */
  }
  /* It goes on with the body, which the client has not begun to send. */
  if (stream->expects && stream->base.duplex) (void)op_inform(&stream->base, 100, NULL, 0);
  stream->status = (uint16_t)status;
  stream->body = body; /* from here on it is closed with the stream */
  if (!queue_response(stream, survey, set, no_content)) {
    stream->body = BODY_NONE; /* it must not follow the answer that is sent instead */
    stream->length_left = -1;
    stream->chunked = stream->tunnel = false;
    h1_fault_abort(stream, 500, H1_INTERNAL_ERROR);
    contract_drop(body);
    return false;
  }
  stream->final_queued = true;
  stream->asks = false;
  counter_add(&stream->h1->http->counters.responses, 1);
  h1_wake(stream->h1);
  return true;
}

/* Why a handler may not answer so; NULL: it may. */
static const char *mistake_of(const struct h1_stream *stream, unsigned status) {
  if (status < 200 || status > 599) return "stream_respond() with a status outside of 200 to 599";
  if (stream->final_queued && !stream->told)
    return "stream_respond() to a request that was answered";
  if (stream->asks && status < 300)
    return "stream_respond() with 2xx to a request for a tunnel, which stream_tunnel() accepts";
  return NULL;
}

/* Whether the fields may be sent now, as the final response. If not, the body is dropped. */
static bool may_respond(struct h1_stream *stream, unsigned status, const struct header *fields,
                        size_t count, struct body body) {
  const char *mistake = mistake_of(stream, status);
  if (!mistake) mistake = contract_given(fields, count, body);
  bool opens = stream->connect && status < 300; /* a tunnel, which no handler can have here */
  if (!mistake && !opens && may_answer(stream)) return true;
  contract_drop(body);
  if (!mistake && opens) h1_fault_abort(stream, 501, H1_INTERNAL_ERROR);
  return mistake ? refuse(stream, mistake) : false;
}

static bool op_respond(struct stream *base, unsigned status, const struct header *fields,
                       size_t count, struct body body) {
  struct h1_stream *stream = own(base);
  if (!may_respond(stream, status, fields, count, body)) return false;
  struct h1_survey survey = h1_text_survey(fields, count);
  return answer(stream, status, &survey, NULL, body);
}

static bool op_respond_set(struct stream *base, unsigned status, struct header_set *set,
                           struct body body) {
  static struct header_set nothing = {.count = 1}; /* a mistake */
  struct h1_stream *stream = own(base);
  if (!set) set = &nothing;
  if (!may_respond(stream, status, set->at, set->count, body)) return false;
  struct h1_survey survey = h1_text_survey_set(set);
  return answer(stream, status, &survey, set, body);
}

static bool op_trailers(struct stream *base, const struct header *fields, size_t count) {
  struct h1_stream *stream = own(base);
  bool sent_in_chunks = stream->chunked && !stream->body_ended && !stream->trailers;
  if (stream->told || !sent_in_chunks) return false;
  const char *mistake = contract_given(fields, count, BODY_NONE);
  if (mistake) return refuse(stream, mistake);
  struct h1_survey survey = h1_text_survey(fields, count);
  if (survey.mistake) return refuse(stream, survey.mistake);
  stream->trailers = h1_text_trailers(stream->h1, fields, count, &survey);
  return stream->trailers;
}

/* ---- tunnels --------------------------------------------------------------------------------- */

/* The client's bytes have waited in the transport; from now on they are read. */
static void begin_tunnel(struct h1_stream *stream) {
  struct h1 *h1 = stream->h1;
  counter_add(&h1->shared->counters.tunnels, 1);
  stream->end_received = false;
  h1->reading = stream;
  h1->phase = H1_READ_TUNNEL;
  h1->tick_ns = h1->now_ns + PEER_TICK_NS;
}

static bool op_tunnel(struct stream *base, const struct header *fields, size_t count,
                      struct body body) {
  struct h1_stream *stream = own(base);
  if (!stream->asks || !may_answer(stream)) {
    contract_drop(body);
    return stream->told ? false : refuse(stream, "stream_tunnel() to a request that asks for none");
  }
  const char *mistake = contract_given(fields, count, body);
  if (mistake) {
    contract_drop(body);
    return refuse(stream, mistake);
  }
  stream->tunnel = true;
  stream->keep = false;
  struct h1_survey survey = h1_text_survey(fields, count);
  if (!answer(stream, 101, &survey, NULL, body)) return false;
  begin_tunnel(stream);
  return true;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static struct stream *op_push(struct stream *base, const struct header *fields, size_t count) {
  (void)base, (void)fields, (void)count;
  return NULL;
}

static void op_resume(struct stream *base) {
  struct h1_stream *stream = own(base);
  if (stream->told) return;
  stream->body_waiting = false;
  h1_wake(stream->h1);
}

static void op_consume(struct stream *base, size_t bytes) {
  struct h1_stream *stream = own(base);
  if (stream->told) return;
  if (bytes > stream->held_bytes) {
    h1_stream_mistake(stream, "stream_consume() of more than data() gave");
    bytes = stream->held_bytes;
  }
  stream->held_bytes -= bytes;
  h1_wake(stream->h1);
}

static void op_cap(struct stream *base, uint64_t total_bytes) {
  struct h1_stream *stream = own(base);
  if (stream->told) return;
  stream->cap_bytes = total_bytes;
  h1_wake(stream->h1);
}

static void op_timer(struct stream *base, uint64_t deadline_ns) {
  struct h1_stream *stream = own(base);
  if (stream->told) return;
  stream->timer_ns = deadline_ns;
  h1_wake(stream->h1);
}

static uint64_t op_now_ns(const struct stream *base) {
  const struct h1_stream *stream = (const struct h1_stream *)base;
  return http_shared_now_ns(stream->h1->http);
}

static void op_reset(struct stream *base, uint32_t error_code) {
  struct h1_stream *stream = own(base);
  if (stream->told) return;
  unsigned status = error_code == H1_REFUSED_STREAM ? 503 : 500;
  h1_fault_abort(stream, status, error_code ? error_code : H1_CANCEL);
}

static void op_weigh(struct stream *base, unsigned weight) {
  struct h1_stream *stream = own(base);
  if (stream->told) return;
  if (weight < 1 || weight > MACHINE_WEIGHT_MAX) {
    h1_stream_mistake(stream, "stream_weigh_connection() with a weight outside of 1 to 256");
    return;
  }
  if (stream->h1->host) stream->h1->host->weight = (uint16_t)weight;
}

/* Nothing competes with the response. */
static void op_head_start(struct stream *base, uint64_t first_bytes) {
  (void)base, (void)first_bytes;
}

const struct stream_ops h1_stream_ops = {
    .inform = op_inform,
    .respond = op_respond,
    .respond_set = op_respond_set,
    .trailers = op_trailers,
    .push = op_push,
    .resume = op_resume,
    .consume = op_consume,
    .cap = op_cap,
    .timer = op_timer,
    .reset = op_reset,
    .weigh = op_weigh,
    .head_start = op_head_start,
    .tunnel = op_tunnel,
    .now_ns = op_now_ns,
};
