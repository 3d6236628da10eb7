/*
 * h1/send.c - see h1/send.h.
 *
 * Heads are ready-made texts. A body is pulled into the output, behind its head, or lends its bytes. It
 * goes out as it is when its length is known (content-length), when the end of the connection says it
 * (HTTP/1.0), and in a tunnel; else in chunks, one for each pull:
 *
 *     SIZE CRLF data CRLF ... 0 CRLF [trailers] CRLF
 */
#include "engine/h1/send.h"

#include "engine/h1/body.h"
#include "engine/h1/fault.h"
#include "engine/h1/life.h"
#include "engine/h1/text.h"
#include "engine/http/contract.h"

#include <assert.h>
#include <string.h>

/* Room in front of a chunk's data, for its size and CRLF; and behind it, for CRLF and the last chunk. */
enum { CHUNK_DIGITS = 4, CHUNK_FRONT = CHUNK_DIGITS + 2, CHUNK_TAIL = 2 + 5 };

/* Derived from the digits of its size: the largest chunk. */
enum { CHUNK_BYTES = (1 << (4 * CHUNK_DIGITS)) - 1 };

/* ---- texts ----------------------------------------------------------------------------------- */

static void put(struct out *out, struct span bytes) {
  uint8_t *at = out_at(out);
  memcpy(at, bytes.base, bytes.len);
  out_wrote(out, at + bytes.len);
}

bool h1_send_head(struct h1_stream *stream, struct span head) {
  struct h1 *h1 = stream->h1;
  if (h1->answering != stream || stream->texts) return false;
  if (!out_begin(&h1->out, &h1->shared->outs) || !out_has_room(&h1->out, head.len)) return false;
  put(&h1->out, head);
  stream->header_sent += (uint32_t)head.len;
  return true;
}

static void write_text(struct h1_stream *stream, const struct h1_text *text) {
  put(&stream->h1->out, span_of(text->bytes, text->len));
  stream->header_sent += text->len - text->content_len;
  if (text->content_len == 0) return;
  stream->body_sent += text->content_len;
  counter_add(&stream->h1->http->counters.body_bytes_sent, text->content_len);
}

/* False when there is no room for one of them now. */
static bool send_texts(struct h1 *h1, struct h1_stream *stream) {
  while (stream->texts) {
    struct h1_text *text = stream->texts;
    if (!out_has_room(&h1->out, text->len)) return false;
    write_text(stream, text);
    stream->texts = text->next;
    h1_text_free(h1, text);
  }
  return true;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

/* Writes the size of a chunk so that it ends at `end`; returns its beginning. */
static uint8_t *put_size(uint8_t *end, size_t bytes) {
#ifdef WEIR_CANARY_PIPELINE_CHUNK_SIZE /* a bug on demand, which the simulation must find */
  bytes += bytes % 61 == 17;
#endif
  *--end = '\n';
  *--end = '\r';
  do {
    *--end = (uint8_t) "0123456789abcdef"[bytes % 16];
    bytes /= 16;
  } while (bytes);
  return end;
}

/* Writes what is in front of a chunk's data at the end of the output; data that was written in place moves
 * up to it. Returns where the data belongs. */
static uint8_t *put_front(uint8_t *at, struct span *bytes, bool in_place) {
  uint8_t size[CHUNK_FRONT];
  uint8_t *begin = put_size(size + CHUNK_FRONT, bytes->len);
  size_t len = (size_t)(size + CHUNK_FRONT - begin);
  if (in_place && len < CHUNK_FRONT) memmove(at + len, bytes->base, bytes->len);
  memcpy(at, begin, len);
  if (in_place) bytes->base = at + len;
  return at + len;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* Puts the bytes into the output: those in place are there already, few are copied, others are lent. */
static void write_body(struct h1_stream *stream, const struct body_chunk *chunk, bool in_place) {
  struct span bytes = chunk->bytes;
  struct out *out = &stream->h1->out;
  uint8_t *at = out_at(out);
  if (stream->chunked) at = put_front(at, &bytes, in_place);
  bool copied = !in_place && bytes.len <= OUT_COPY_BYTES_MAX &&
                bytes.len + CHUNK_FRONT + CHUNK_TAIL <= out_room(out);
  if (copied) memcpy(at, bytes.base, bytes.len);
  if (copied || in_place) at += bytes.len;
  if (at > out_at(out)) out_wrote(out, at);
  if (!copied && !in_place) out_lend(out, bytes, chunk->loans ? chunk->loans : &stream->lent);
  if (chunk->lent.len) out_lend_foreign(out, chunk->lent, chunk->loans);
  if (!stream->chunked) return;
  at = out_at(out);
  memcpy(at, "\r\n", 2);
  out_wrote(out, at + 2);
}

/* A body that resumes its stream within pull() and then returns BODY_WAIT has bytes by now. */
static enum body_result pull(struct h1_stream *stream, struct body_chunk *chunk) {
  stream->body_waiting = true;
  enum body_result result = stream->body.ops->pull(stream->body.self, chunk);
  bool resumed = !stream->body_waiting;
  stream->body_waiting = false;
  const char *mistake = stream->cut || stream->gone ? NULL : contract_pulled(result, chunk);
  if (mistake) {
    h1_stream_mistake(stream, mistake);
    return BODY_ERROR;
  }
  return result == BODY_WAIT && resumed ? BODY_MORE : result;
}

static void body_sent(struct h1_stream *stream, const struct body_chunk *chunk) {
  const size_t len = chunk->bytes.len + chunk->lent.len;
  if (len == 0) return;
  write_body(stream, chunk, chunk->bytes.base == chunk->room || chunk->bytes.len == 0);
  stream->spoke_ns = stream->h1->now_ns;
  stream->body_sent += len;
  if (stream->length_left >= 0) stream->length_left -= (int64_t)len;
  counter_add(&stream->h1->http->counters.body_bytes_sent, len);
}

/* How many bytes a tunnel's body may lend, which need no room: as many as the budget, whatever waits, and a bit more,
 * for the frames within. What comes in pieces of that size would else be cut, and each cut costs a frame and two
 * sends. */
static size_t most_to_lend(const struct h1_stream *stream, size_t budget_bytes) {
  bool may = stream->tunnel && budget_bytes > stream->h1->out.bytes;
  return may ? budget_bytes + OUT_COPY_BYTES_MAX : 0;
}

/* How many bytes the stream's body may give now. One that waits for room gets it beyond the budget, if
 * nothing else is in the way. */
static size_t room_for(const struct h1_stream *stream, size_t budget_bytes) {
  const struct out *out = &stream->h1->out;
  size_t budget = budget_bytes > out->bytes ? budget_bytes - out->bytes : 0;
  if (stream->room_bytes > 0 && out->bytes == 0 && budget < BODY_ROOM_BYTES)
    budget = BODY_ROOM_BYTES;
  size_t room = out_room(out), framing = stream->chunked ? CHUNK_FRONT + CHUNK_TAIL : 0;
  if (stream->chunked) budget = h1_min(budget, CHUNK_BYTES);
  return h1_min(budget, room > framing ? room - framing : 0);
}

/* All that content-length promised has been given: the body should have ended. */
static enum body_result beyond_length(struct h1_stream *stream) {
  struct body_chunk chunk = {.room = out_at(&stream->h1->out), .max = 0};
  enum body_result result = pull(stream, &chunk);
  if (result == BODY_MORE) h1_stream_mistake(stream, "a body is longer than its content-length");
  return BODY_END;
}

/* Whether the body has given less than content-length promised, or cannot give the rest of it. */
static bool breaks_length(struct h1_stream *stream, enum body_result result, size_t max) {
  if (stream->length_left < 0) return false;
  bool less = result == BODY_END && stream->length_left > 0;
  bool more = result == BODY_ROOM && max >= (uint64_t)stream->length_left;
  if (less) h1_stream_mistake(stream, "a body is shorter than its content-length");
  if (more) h1_stream_mistake(stream, "a body is longer than its content-length");
  return less || more;
}

/* How many bytes to pull; 0: not now. */
static size_t bytes_to_pull(const struct h1_stream *stream, size_t budget_bytes) {
  size_t most = room_for(stream, budget_bytes);
  bool rest = stream->length_left >= 0 && most >= (uint64_t)stream->length_left;
  if (rest) return (size_t)stream->length_left;
  return most > stream->room_bytes ? most : 0;
}

/* Pulls once. False when nothing more can be sent now. */
static bool send_body(struct h1 *h1, struct h1_stream *stream, size_t budget_bytes) {
  const size_t most = bytes_to_pull(stream, budget_bytes);
  const bool full = stream->length_left == 0;
  if (most == 0 && !full) return false;
  uint8_t *room = out_at(&h1->out) + (stream->chunked ? CHUNK_FRONT : 0);
  struct body_chunk chunk = {
      .room = room, .max = most, .lend_max = most_to_lend(stream, budget_bytes)};
  enum body_result result = full ? beyond_length(stream) : pull(stream, &chunk);
  if (stream->cut || stream->gone) return true; /* it was reset meanwhile */
  if (result != BODY_ERROR) body_sent(stream, &chunk);
  if (result == BODY_ERROR || breaks_length(stream, result, most)) {
    h1_fault_abort(stream, 500, H1_INTERNAL_ERROR);
    return true;
  }
  stream->room_bytes = result == BODY_ROOM ? (uint32_t)most : 0;
  stream->body_ended = result == BODY_END;
  stream->body_waiting = result == BODY_WAIT;
  return result != BODY_WAIT;
}

/* ---- the end of a response ------------------------------------------------------------------- */

/* What ends a body in chunks. False when there is no room for it now. */
static bool send_last_chunk(struct h1 *h1, struct h1_stream *stream) {
  const struct h1_text *trailers = stream->trailers;
  if (!out_has_room(&h1->out, CHUNK_TAIL + (trailers ? trailers->len : 0))) return false;
  uint8_t *at = out_at(&h1->out);
  memcpy(at, "0\r\n", 3);
  out_wrote(&h1->out, at + 3);
  if (trailers) write_text(stream, trailers);
  at = out_at(&h1->out);
  memcpy(at, "\r\n", 2);
  out_wrote(&h1->out, at + 2);
  return true;
}

/* The rest of the request is read and dropped, within bounds. */
static void linger(struct h1 *h1, struct h1_stream *stream) {
  stream->linger_bytes = (uint64_t)stream->body_received + H1_LINGER_BYTES;
  stream->timer_ns = h1->now_ns + H1_LINGER_NS;
}

static void response_sent(struct h1 *h1, struct h1_stream *stream) {
  h1->stalled_ended = true;
  if (h1->role == H1_CLIENT) {
    h1_stream_asked(stream);
    h1_body_settle(stream);
    return;
  }
  stream->sent = true;
  if (stream->tunnel && !stream->end_received) return; /* the client's direction goes on */
  bool last = !stream->next;
  bool closes = !stream->keep || (h1->draining && last);
  if (closes) h1->closing = true;
  h1_stream_tell(stream, H1_NO_ERROR);
  if (closes)
    h1_close(h1, H1_CONNECT_ERROR);
  else if (stream->end_received)
    h1_stream_remove_first(h1);
  else
    linger(h1, stream);
}

/* ---- the machine's side ---------------------------------------------------------------------- */

/* Whose turn it is to make output. */
static struct h1_stream *speaker(const struct h1 *h1) {
  return h1->role == H1_CLIENT ? h1->asking : h1->first;
}

/* The stream, if there is one, has output to make. */
static bool has_output(const struct h1_stream *stream) {
  if (!stream) return false;
  if (stream->cut) return true;
  if (stream->sent) return false;
  if (stream->asks && h1_is_client(stream)) return stream->texts; /* for a tunnel */
  return stream->texts || (stream->final_queued && !stream->body_waiting);
}

static void send_cut(struct h1 *h1) {
  if (h1->role == H1_CLIENT)
    h1_lose(h1, H1_CANCEL);
  else
    h1_close(h1, H1_CONNECT_ERROR);
}

/* Pulls once, if there may be more output. False when nothing more can be sent now. */
static bool send_more(struct h1 *h1, struct h1_stream *stream, size_t budget_bytes) {
  return h1->out.bytes < budget_bytes && out_has_room(&h1->out, CHUNK_FRONT + CHUNK_TAIL) &&
         send_body(h1, stream, budget_bytes);
}

/* Makes output for the stream whose turn it is, which has some to make. False when nothing more can be made now. */
static bool send_next(struct h1 *h1, struct h1_stream *stream, size_t budget_bytes) {
  if (stream->cut) {
    send_cut(h1);
    return false;
  }
  if (stream->texts && (!send_texts(h1, stream) || !has_output(stream))) return false;
  if (stream->body.ops && !stream->body_ended) {
    if (!send_more(h1, stream, budget_bytes)) return false;
    if (!stream->body_ended || stream->cut || stream->gone) return true;
  }
  if (stream->chunked && !send_last_chunk(h1, stream)) return false;
  response_sent(h1, stream);
  return true;
}

void h1_send_compose(struct h1 *h1, size_t budget_bytes) {
  struct h1_stream *stream;
  while (!h1->lost && has_output(stream = speaker(h1))) {
    if (!out_begin(&h1->out, &h1->shared->outs)) {
      h1_lose(h1, H1_REFUSED_STREAM); /* the host cannot wait for memory */
      return;
    }
    if (!send_next(h1, stream, budget_bytes)) break;
  }
  out_end(&h1->out, &h1->shared->outs);
}

size_t h1_send_peek(struct h1 *h1, struct span *spans, size_t max, size_t budget_bytes) {
  h1_send_compose(h1, budget_bytes);
  return out_peek(&h1->out, spans, max);
}

void h1_send_ack(struct h1 *h1, size_t bytes) {
  h1->stalled_bytes += bytes;
  out_ack(&h1->out, bytes);
  out_end(&h1->out, &h1->shared->outs);
}

bool h1_send_wanted(const struct h1 *h1) {
  if (h1->lost) return false;
  return h1->out.count || has_output(speaker(h1));
}

void h1_send_free(struct h1 *h1) {
  out_drop(&h1->out);
  out_end(&h1->out, &h1->shared->outs);
}
