/*
 * h1/fault.c - see h1/fault.h.
 */
#include "engine/h1/fault.h"

#include "engine/base/decimal.h"
#include "engine/h1/client.h"
#include "engine/h1/life.h"
#include "engine/h1/status.h"
#include "engine/h1/text.h"
#include "engine/http/error_text.h"

#include <string.h>

/* ---- what the engine answers ----------------------------------------------------------------- */

/* Derived from the longest reason, which would be cut to fit. */
enum { CONTENT_BYTES_MAX = 160 };

static uint8_t *put(uint8_t *at, struct span text, const uint8_t *end) {
  size_t len = h1_min(text.len, (size_t)(end - at));
  if (len) memcpy(at, text.base, len);
  return at + len;
}

/* "400 Bad Request: LF without CR". What is malformed differs from protocol to protocol, so its reason is told. */
static struct span describe(const char *reason, uint8_t *room) {
  const uint8_t *end = room + CONTENT_BYTES_MAX - 1;
  uint8_t *at = put(room, span_text("400 Bad Request: "), end);
  at = put(at, span_text(reason), end);
  *at++ = '\n';
  return span_of(room, (size_t)(at - room));
}

void h1_fault_answer(struct h1_stream *stream, unsigned status, const char *reason) {
  struct h1 *h1 = stream->h1;
  uint8_t room[CONTENT_BYTES_MAX], length[DECIMAL_BYTES_MAX];
  struct span content = reason && status == 400 ? describe(reason, room) : error_text(status);
  struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text(ERROR_TEXT_TYPE)),
      header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, content.len))),
  };
  struct h1_survey survey = h1_text_survey(fields, 2);
  struct h1_plan plan = {.adds = {.status = (uint16_t)status,
                                  .connection = H1_SAY_CLOSE,
                                  .add_date = true,
                                  .add_server = true},
                         .fields = fields,
                         .count = 2,
                         .content = stream->head_request ? (struct span){0} : content};
  struct h1_text *text = h1_text_make(h1, &plan, &survey);
  stream->final_queued = true;
  stream->status = (uint16_t)status;
  stream->keep = stream->asks = false;
  stream->cut = !text;
  if (text) h1_stream_append(stream, text);
  counter_add(&h1->http->counters.responses, 1);
  h1_wake(h1);
}

static void count(struct h1 *h1, unsigned status) {
  struct h1_counters *counters = &h1->shared->counters;
  counter_add(&counters->refused_heads, 1);
  if (status == 400 || status == 411 || status == 417) counter_add(&counters->refused_syntax, 1);
  if (status == 414 || status == 431 || status == 501) counter_add(&counters->refused_size, 1);
  if (status == 505) counter_add(&counters->refused_version, 1);
  if (status == 431) counter_add(&h1->http->counters.too_large, 1);
  if (status == 503) counter_add(&h1->http->counters.refused, 1);
}

struct h1_stream *h1_fault_open(struct h1 *h1, unsigned status) {
  count(h1, status);
  h1->phase = H1_READ_DISCARD;
  struct h1_stream *stream = h1_stream_open(h1);
  if (stream)
    stream->safe = true;
  else
    h1_close(h1, H1_REFUSED_STREAM);
  return stream;
}

void h1_fault_server(struct h1 *h1, const char *reason) {
  h1_client_end(h1, H1_END_BROKEN, reason);
  h1_lose(h1, H1_PROTOCOL_ERROR);
}

/* ---- early ends ------------------------------------------------------------------------------ */

void h1_fault_abort(struct h1_stream *stream, unsigned status, uint32_t code) {
  struct h1 *h1 = stream->h1;
  bool answered = stream->sent && !stream->tunnel && h1->role == H1_SERVER;
  if (stream->gone || stream->cut || answered) return;
  if (h1->reading == stream) h1->phase = H1_READ_DISCARD;
  h1_stream_end_received(stream);
  if (h1->role == H1_CLIENT) h1->asking = stream; /* and it ends the connection */
  if (h1->role == H1_CLIENT && code == H1_PROTOCOL_ERROR) {
    h1_fault_server(h1, "its body is malformed");
    return;
  }
  if (h1->answering == stream && stream->header_sent > 0) { /* nothing of it may leave */
    out_take_back(&h1->out, stream->header_sent);
    stream->header_sent = 0;
  }
  if (stream->final_queued)
    stream->cut = true;
  else
    h1_fault_answer(stream, status, NULL);
  h1_stream_tell(stream, code);
  h1_wake(h1);
}

/* ---- budgets --------------------------------------------------------------------------------- */

bool h1_fault_charge_chunk(struct h1_stream *stream, uint64_t bytes) {
  struct h1 *h1 = stream->h1;
  struct h1_counters *counters = &h1->shared->counters;
  if (bytes >= H1_CHUNK_SMALL_BYTES || h1->role == H1_CLIENT) return true;
  counter_add(&counters->charged_chunks, 1);
  if (budget_spend(&h1->small_chunks, 1, h1->now_ns)) return true;
  counter_add(&counters->calmed_chunks, 1);
  h1_fault_abort(stream, 400, H1_PROTOCOL_ERROR);
  return false;
}
