/*
 * h1/recv.c - see h1/recv.h.
 *
 * A head that arrives as a whole is read where it was received; the pieces of others are gathered. What
 * was parsed of a head does not outlive the call, since all connections share one list of fields: it is
 * parsed once more when its last piece has come.
 *
 * Requests that come ahead of their turn (pipelining) are handled at once as long as all of them are safe
 * and no more than config.concurrent_streams wait. Otherwise input waits in the transport.
 */
#include "engine/h1/recv.h"

#include "engine/h1/body.h"
#include "engine/h1/client.h"
#include "engine/h1/fault.h"
#include "engine/h1/framing.h"
#include "engine/h1/life.h"
#include "engine/h1/request.h"
#include "engine/h1/response.h"
#include "engine/h1/send.h"

#include <string.h>

/* ---- heads in pieces ------------------------------------------------------------------------- */

static void gathered_free(struct h1 *h1, struct h1_gathered *gathered) {
  if (!gathered) return;
  if (gathered->size == H1_GATHER_BYTES)
    pool_give(&h1->shared->gathers, gathered);
  else
    memory_free(h1->http->memory, gathered, gathered->size);
}

static void drop_gathered(struct h1 *h1) {
  gathered_free(h1, h1->gathered);
  h1->gathered = NULL;
}

static size_t gathered_room(const struct h1_gathered *gathered) {
  return gathered->size - sizeof *gathered - gathered->len;
}

/* Makes room for `bytes` more. False when memory was refused. */
static bool reserve(struct h1 *h1, size_t bytes) {
  struct h1_gathered *old = h1->gathered, *gathered;
  if (old && gathered_room(old) >= bytes) return true;
  size_t need = sizeof *old + (old ? old->len : 0) + bytes, size = H1_GATHER_BYTES;
  while (size < need)
    size *= 2;
  gathered = size == H1_GATHER_BYTES ? pool_take(&h1->shared->gathers)
                                     : memory_alloc(h1->http->memory, size);
  if (!gathered) return false;
  *gathered = (struct h1_gathered){.size = (uint32_t)size};
  if (old) {
    gathered->head = old->head;
    gathered->len = old->len;
    memcpy(gathered->bytes, old->bytes, old->len);
    gathered_free(h1, old);
  }
  h1->gathered = gathered;
  return true;
}

/* Keeps bytes of a head. False: the connection has ended for lack of memory. */
static bool gather(struct h1 *h1, struct span bytes) {
  if (!reserve(h1, bytes.len)) {
    h1_lose(h1, H1_REFUSED_STREAM);
    return false;
  }
  struct h1_gathered *gathered = h1->gathered;
  if (bytes.len) memcpy(gathered->bytes + gathered->len, bytes.base, bytes.len);
  gathered->len += (uint32_t)bytes.len;
  return true;
}

/* The list of fields has been used for others since. */
static struct h1_verdict read_gathered(struct h1 *h1) {
  struct h1_gathered *gathered = h1->gathered;
  gathered->head.base = NULL;
  return h1_head_read(&gathered->head, span_of(gathered->bytes, gathered->len));
}

/* Appends as much of `in` as there is room for, which is at least a part, and reads on. Returns how many
 * bytes belong to the head. */
static size_t gather_more(struct h1 *h1, struct span in, struct h1_verdict *verdict) {
  struct h1_gathered *gathered = h1->gathered;
  size_t room = gathered_room(gathered);
  struct span piece = span_of(in.base, h1_min(in.len, room ? room : gathered->size));
  if (!gather(h1, piece)) {
    *verdict = H1_MORE;
    return in.len;
  }
  *verdict = read_gathered(h1);
  if (verdict->outcome != H1_COMPLETE) return piece.len;
  size_t beyond = h1->gathered->len - h1->gathered->head.bytes;
  h1->gathered->len -= (uint32_t)beyond;
  return piece.len - beyond;
}

/* ---- heads -------------------------------------------------------------------------------- */

/* The list of fields for the head that is read. */
static void begin_fields(struct h1 *h1) {
  if (h1->role == H1_CLIENT)
    h1_response_fields(h1);
  else
    h1_request_fields(h1);
}

/* Most answers are ready now: the queue need not grow, and the next request gets the same memory. */
static void answer_now(struct h1 *h1) {
  h1_send_compose(h1, H1_EAGER_BYTES);
  h1_bury(h1);
}

static void handle(struct h1 *h1, const struct h1_head *head, const struct h1_section_memo *memo) {
  h1->begun_ns = h1->grace_ns = 0;
  if (h1->role == H1_CLIENT) {
    h1_response_handle(h1, head);
    return;
  }
  h1_request_handle(h1, head, memo);
  if (!h1->handed_over) answer_now(h1);
}

/* Handles the head at the beginning of `in` if it came before. Returns its bytes, or 0. */
static size_t handle_again(struct h1 *h1, struct span in) {
  if (h1->role == H1_CLIENT) return h1_response_again(h1, in);
  const size_t bytes = h1_request_again(h1, in);
  if (bytes > 0) answer_now(h1);
  return bytes;
}

static bool may_handle(const struct h1 *h1, const struct h1_head *head) {
  return h1->role == H1_CLIENT || h1_request_may(h1, head);
}

static void handle_gathered(struct h1 *h1) {
  struct h1_gathered *gathered = h1->gathered;
  h1->gathered = NULL; /* the handler may do what it likes */
  handle(h1, &gathered->head, NULL);
  gathered_free(h1, gathered);
}

static void refuse_head(struct h1 *h1, const struct h1_verdict *verdict, struct span begin) {
  h1->begun_ns = h1->grace_ns = 0;
  if (h1->role == H1_CLIENT)
    h1_fault_server(h1, verdict->reason);
  else
    h1_request_refuse(h1, *verdict, begin);
  drop_gathered(h1);
}

static void refuse_gathered(struct h1 *h1, const struct h1_verdict *verdict) {
  refuse_head(h1, verdict, span_of(h1->gathered->bytes, h1->gathered->len));
}

/* The head is in `gathered`, to its end. */
static void gathered_complete(struct h1 *h1) {
  h1->held = !may_handle(h1, &h1->gathered->head);
  if (!h1->held) handle_gathered(h1);
}

static void note_begin(struct h1 *h1, const struct h1_head *head) {
  if (h1->begun_ns == 0 && h1_head_has_begun(head)) h1->begun_ns = h1->now_ns;
}

static size_t take_gathered_head(struct h1 *h1, struct span in) {
  struct h1_verdict verdict;
  begin_fields(h1);
  size_t taken = gather_more(h1, in, &verdict);
  if (h1->lost) return taken;
  switch (verdict.outcome) {
  case H1_INCOMPLETE: note_begin(h1, &h1->gathered->head); break;
  case H1_COMPLETE: gathered_complete(h1); break;
  case H1_REFUSED: refuse_gathered(h1, &verdict); break;
  }
  return taken;
}

/* Keeps what there is of a head that was read in place. */
static void keep_head(struct h1 *h1, const struct h1_head *head, struct span bytes) {
  if (!gather(h1, bytes)) return;
  h1->gathered->head = *head;
  note_begin(h1, head);
}

/* Bytes that answer no request, or one that has not left yet: what is taken for its response would be
 * someone else's. Servers give idle connections up so, with 408. */
static bool is_unasked(const struct h1 *h1) {
  const struct h1_stream *stream = h1->first;
  return h1->role == H1_CLIENT && (!stream || stream->end_received || stream->header_sent == 0);
}

static size_t take_unasked(struct h1 *h1, struct span in) {
  h1_client_end(h1, h1->first ? H1_END_BROKEN : H1_END_DONE, "bytes that answer no request");
  h1_lose(h1, H1_PROTOCOL_ERROR);
  return in.len;
}

/* Reads the head where it was received. Sets *memo if its fields are those of a request before. */
static struct h1_verdict read_in_place(struct h1 *h1, struct h1_head *head, struct span in,
                                       const struct h1_section_memo **memo) {
  *memo = NULL;
  if (h1->memo_mark == 0) return h1_head_read(head, in);
  const struct h1_verdict verdict = h1_head_read_start(head, in);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  const struct span rest = span_skip(in, head->line);
  if (head->minor > 0) *memo = h1_section_memo_find(h1->shared->sections, h1->memo_mark, rest);
  if (!*memo) return h1_head_read(head, in);
  h1_section_memo_recall(*memo, &h1->http->headers);
  h1_head_skip(head, (*memo)->len);
  return H1_OK;
}

static size_t take_head(struct h1 *h1, struct span in) {
  if (is_unasked(h1)) return take_unasked(h1, in);
  if (h1->gathered) return take_gathered_head(h1, in);
  const size_t known = handle_again(h1, in);
  if (known > 0) return known;
  struct h1_head head;
  begin_fields(h1);
  h1_head_begin(&head, h1->role == H1_CLIENT ? H1_RESPONSE : H1_REQUEST, &h1->http->headers);
  const struct h1_section_memo *memo;
  struct h1_verdict verdict = read_in_place(h1, &head, in, &memo);
  if (verdict.outcome == H1_REFUSED) {
    refuse_head(h1, &verdict, in);
    return in.len;
  }
  bool may = verdict.outcome == H1_COMPLETE && may_handle(h1, &head);
  if (may) {
    handle(h1, &head, memo);
    return head.bytes;
  }
  h1->held = verdict.outcome == H1_COMPLETE;
  size_t taken = h1->held ? head.bytes : in.len;
  keep_head(h1, &head, span_of(in.base, taken));
  return taken;
}

/* It is read again: fields, as well as spans into where it was. */
void h1_recv_resume(struct h1 *h1) {
  while (h1->held && !h1->first && !h1->closing) {
    h1_request_fields(h1);
    h1_head_begin(&h1->gathered->head, H1_REQUEST, &h1->http->headers);
    struct h1_verdict verdict = read_gathered(h1);
    h1->held = false;
    if (verdict.outcome == H1_COMPLETE)
      handle_gathered(h1);
    else
      refuse_gathered(h1, &verdict); /* the scratch list is the same, so this does not happen */
  }
  if (h1->closing) drop_gathered(h1);
}

/* ---- trailers -------------------------------------------------------------------------------- */

static void trailers_complete(struct h1 *h1, struct h1_stream *stream) {
  const struct headers *fields = &h1->http->headers;
  struct h1_verdict verdict = h1_framing_trailers(fields);
  if (verdict.outcome == H1_COMPLETE)
    h1_body_end(stream, fields);
  else
    h1_fault_abort(stream, 400, H1_PROTOCOL_ERROR);
}

/* They are gathered in every case: few requests have any. */
static size_t take_trailers(struct h1 *h1, struct span in) {
  struct h1_stream *stream = h1->reading;
  struct headers *fields = &h1->http->headers;
  headers_clear(fields);
  if (!h1->gathered) {
    if (!gather(h1, (struct span){0})) return in.len;
    h1_head_begin(&h1->gathered->head, H1_TRAILERS, fields);
  }
  struct h1_verdict verdict;
  size_t taken = gather_more(h1, in, &verdict);
  if (h1->lost || verdict.outcome == H1_INCOMPLETE) return taken;
  stream->header_received += (uint32_t)h1->gathered->head.bytes;
  if (verdict.outcome == H1_COMPLETE && fields->count <= PEER_HEADER_FIELDS_MAX)
    trailers_complete(h1, stream);
  else
    h1_fault_abort(stream, verdict.outcome == H1_COMPLETE ? 431 : verdict.status,
                   H1_PROTOCOL_ERROR);
  drop_gathered(h1);
  return taken;
}

/* ---- all phases ------------------------------------------------------------------------------ */

static size_t take_discard(struct h1 *h1, struct span in) {
  h1->discarded_bytes += (uint32_t)h1_min(in.len, H1_LINGER_BYTES);
  return in.len;
}

/* Whether the next request may begin. */
static bool has_turn(const struct h1 *h1) {
  if (h1->role == H1_CLIENT) return true;
  if (h1->held || h1->queued >= h1->shared->config.concurrent_streams) return false;
  if (h1->last && h1->last->asks) return false;
  return !h1->draining || h1->begun_ns || h1->grace_ns;
}

bool h1_recv_wanted(const struct h1 *h1) {
  if (h1->lost || h1->eof || h1->handed_over) return false;
  switch ((enum h1_phase)h1->phase) {
  case H1_READ_HEAD: return has_turn(h1);
  case H1_READ_LENGTH:
  case H1_READ_UNTIL_EOF:
  case H1_READ_TUNNEL: return h1_body_room(h1->reading) > 0;
  case H1_READ_CHUNKED:
    return h1_body_room(h1->reading) > 0 || !h1_chunked_in_data(&h1->reading->decoder);
  case H1_READ_TRAILERS: return true;
  case H1_READ_DISCARD: return h1->discarded_bytes < H1_LINGER_BYTES;
  }
  return false;
}

/* Only tunnels pass on what they get as it is. */
size_t h1_recv_vaulted_max(const struct h1 *h1) {
  if (h1->phase != H1_READ_TUNNEL || !h1_recv_wanted(h1)) return 0;
  const struct h1_stream *stream = h1->reading;
  const struct stream_events *events = stream->base.events;
  if (!h1_stream_is_heard(stream) || !events || !events->takes_vaulted) return 0;
  return h1_min(events->takes_vaulted(&stream->base), h1_body_room(stream));
}

size_t h1_recv(struct h1 *h1, struct span in) {
  typedef size_t take_fn(struct h1 * h1, struct span in);
  static take_fn *const takes[] = {
      [H1_READ_HEAD] = take_head,
      [H1_READ_LENGTH] = h1_body_take_length,
      [H1_READ_CHUNKED] = h1_body_take_chunked,
      [H1_READ_TRAILERS] = take_trailers,
      [H1_READ_UNTIL_EOF] = h1_body_take_all,
      [H1_READ_TUNNEL] = h1_body_take_all,
      [H1_READ_DISCARD] = take_discard,
  };
  size_t done = 0;
  while (done < in.len && h1_recv_wanted(h1))
    done += takes[h1->phase](h1, span_of(in.base + done, in.len - done));
  return done;
}

void h1_recv_free(struct h1 *h1) {
  drop_gathered(h1);
}
