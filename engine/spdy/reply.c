/*
 * spdy/reply.c - see spdy/reply.h.
 */
#include "engine/spdy/reply.h"

#include "engine/http/section.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/data.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/life.h"
#include "engine/spdy/message.h"

/* Raw streams have no status: that they are answered is all. */
static struct spdy_verdict read_response(const struct spdy *spdy, struct headers *fields,
                                         unsigned *status) {
  int64_t content_length;
  *status = 200;
  if (fields->overflowed) return spdy_stream_error(SPDY_FRAME_TOO_LARGE, "response is too large");
  if (spdy->session.raw) return SPDY_OK;
  return spdy_message_response(fields, status, &content_length);
}

/* What content-length says is advice, which a body of another length overrules (section 3.2.2): FLAG_FIN tells where it
 * ends. */
static void note_response(struct spdy_stream *stream, unsigned status) {
  stream->status = (uint16_t)status;
  stream->head_request |= status == 204 || status == 304;
}

void spdy_reply_begin(struct spdy *spdy, struct spdy_stream *stream, unsigned status, bool fin,
                      const struct headers *fields) {
  if (status < 200) { /* there are no informational ones */
    spdy_fail_stream(spdy, stream->id, SPDY_PROTOCOL_ERROR);
    return;
  }
  stream->state = SPDY_OPEN;
  stream->awaits_response = false;
  note_response(stream, status);
  if (fin && !spdy_end_received(spdy, stream)) return;
  stream_tell_response(&stream->base, stream->status, fields, 0, fin);
  spdy_stream_settle(spdy, stream);
}

static struct spdy_verdict response(struct spdy *spdy, struct spdy_stream *stream, bool fin,
                                    struct headers *fields) {
  unsigned status;
  struct spdy_verdict verdict = read_response(spdy, fields, &status);
  if (verdict.scope == SPDY_ACCEPT) spdy_reply_begin(spdy, stream, status, fin, fields);
  return verdict;
}

/* More fields may come at any time (section 2.6.7). Those with FLAG_FIN are trailers; the others mean nothing to
 * a message, and go unheard. */
static struct spdy_verdict trailers(struct spdy *spdy, struct spdy_stream *stream, bool fin,
                                    const struct headers *fields) {
  struct spdy_verdict verdict = spdy_message_trailers(fields);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  if (!fin || !spdy_end_received(spdy, stream)) return SPDY_OK;
  const struct stream_events *events = spdy_stream_is_heard(stream) ? stream->base.events : NULL;
  if (events && events->trailers)
    events->trailers(&stream->base, fields);
  else if (events && events->data)
    events->data(&stream->base, (struct span){0}, true); /* the handler must hear of the end */
  spdy_stream_settle(spdy, stream);
  return SPDY_OK;
}

static struct spdy_verdict more_fields(struct spdy *spdy, struct spdy_stream *stream, bool fin,
                                       const struct headers *fields) {
  if (fields->overflowed) return spdy_stream_error(SPDY_FRAME_TOO_LARGE, "HEADERS are too large");
  if (!spdy->session.raw) return trailers(spdy, stream, fin, fields);
  if (fin) spdy_data_bytes(spdy, stream, (struct span){0}, true);
  return SPDY_OK;
}

struct spdy_verdict spdy_reply(struct spdy *spdy, struct spdy_stream *stream,
                               const struct spdy_frame *frame, struct headers *fields) {
  bool fin = frame->header.flags & SPDY_FLAG_FIN;
  stream->header_received += SPDY_FRAME_HEADER_BYTES + frame->header.length;
  if (frame->header.type == SPDY_SYN_REPLY || stream->awaits_response)
    return response(spdy, stream, fin, fields);
  return more_fields(spdy, stream, fin, fields);
}
