/*
 * spdy/recv.c - received bytes become frames, and frames have effects.
 *
 * Nothing is collected but a frame's first bytes: header blocks are inflated, and data is passed on, as they
 * arrive. All bytes are consumed, except that reading stops while our replies pile up or a peer without
 * windows has sent too much, and pauses when a budget is used up (base/pause.h).
 */
#include "engine/spdy/recv.h"

#include "engine/spdy/accept.h"
#include "engine/spdy/alive.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/control.h"
#include "engine/spdy/data.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/ids.h"
#include "engine/spdy/life.h"
#include "engine/spdy/reply.h"

#include <assert.h>
#include <string.h>

/* ---- phases ---------------------------------------------------------------------------------- */

static void enter(struct spdy *spdy, enum spdy_read_phase phase, uint32_t left) {
  spdy->reader.phase = phase;
  spdy->reader.left = left;
  spdy->reader.have = 0;
}

static void next_frame(struct spdy *spdy) {
  enter(spdy, SPDY_READ_HEADER, 0);
  spdy->reader.data = NULL;
  spdy->reader.begun_ns = 0;
}

static void skip(struct spdy *spdy, uint32_t bytes) {
  enter(spdy, SPDY_READ_SKIP, bytes);
}

/* Collects `size` bytes. True: they are there. */
static bool gather(struct spdy *spdy, struct span in, uint32_t size, size_t *taken) {
  struct spdy_reader *reader = &spdy->reader;
  *taken = spdy_min(in.len, size - reader->have);
  if (*taken) memcpy(reader->bytes + reader->have, in.base, *taken);
  reader->have += (uint8_t)*taken;
  return reader->have == size;
}

/* ---- header blocks --------------------------------------------------------------------------- */

static uint32_t block_bytes(const struct spdy_frame_header *header) {
  return header->length - spdy_frame_fixed_bytes(header);
}

/* What the frame means, before its block is read. */
static struct spdy_verdict judge_block(struct spdy *spdy, const struct spdy_frame *frame,
                                       struct spdy_verdict decoded) {
  if (decoded.scope != SPDY_ACCEPT) return decoded;
  if (frame->header.type == SPDY_SYN_STREAM) return spdy_accept_check(spdy, frame);
  return spdy_stream_receive(spdy_state_of(spdy, frame->stream_id), frame->header.type);
}

static void block_begin(struct spdy *spdy, struct spdy_verdict decoded) {
  struct spdy_reader *reader = &spdy->reader;
  reader->verdict = judge_block(spdy, &reader->frame, decoded);
  if (reader->verdict.scope == SPDY_SESSION_ERROR)
    spdy_act(spdy, 0, reader->verdict);
  else
    enter(spdy, SPDY_READ_BLOCK, block_bytes(&reader->frame.header));
}

/* The stream may have ended while its block arrived. */
static struct spdy_verdict complete(struct spdy *spdy, const struct spdy_frame *frame,
                                    struct headers *fields, bool malformed) {
  struct spdy_verdict verdict = spdy->reader.verdict;
  if (verdict.scope == SPDY_IGNORE) spdy_note_late(spdy);
  if (verdict.scope != SPDY_ACCEPT) return verdict;
  if (frame->header.type == SPDY_SYN_STREAM) {
    spdy_accept(spdy, frame, fields, malformed);
    return SPDY_OK;
  }
  struct spdy_stream *stream = spdy_find(spdy, frame->stream_id);
  if (!stream) return SPDY_OK;
  if (malformed) return spdy_stream_error(SPDY_PROTOCOL_ERROR, "malformed header block");
  return spdy_reply(spdy, stream, frame, fields);
}

static void block_done(struct spdy *spdy, bool malformed) {
  const struct spdy_frame frame = spdy->reader.frame;
  struct spdy_verdict verdict = complete(spdy, &frame, &spdy->http->headers, malformed);
  next_frame(spdy);
  spdy_act(spdy, frame.stream_id, verdict);
}

static void block_failed(struct spdy *spdy, enum spdy_block_result result, const char *reason) {
  struct spdy_counters *counters = &spdy->shared->counters;
  switch (result) {
  case SPDY_BLOCK_CORRUPT:
    counter_add(&counters->failed_compression, 1);
    spdy_fail(spdy, SPDY_GOAWAY_PROTOCOL_ERROR, reason);
    break;
  case SPDY_BLOCK_TOO_LARGE: spdy_calm(spdy, &counters->calmed_headers, reason); break;
  default: spdy_fail(spdy, SPDY_GOAWAY_INTERNAL_ERROR, reason); break;
  }
}

static size_t block_take(struct spdy *spdy, struct span in) {
  struct spdy_reader *reader = &spdy->reader;
  struct headers *fields = &spdy->http->headers;
  size_t take = spdy_min(in.len, reader->left);
  const char *reason = NULL;
  reader->left -= (uint32_t)take;
  headers_clear(fields);
  enum spdy_block_result result =
      spdy_block_read(&spdy->blocks_in, span_of(in.base, take), reader->left == 0, fields, &reason);
  if (result == SPDY_BLOCK_DONE || result == SPDY_BLOCK_MALFORMED)
    block_done(spdy, result == SPDY_BLOCK_MALFORMED);
  else if (result != SPDY_BLOCK_MORE)
    block_failed(spdy, result, reason);
  return take;
}

/* ---- the other frames ------------------------------------------------------------------------ */

static void settings_begin(struct spdy *spdy) {
  uint32_t entries = spdy->reader.frame.settings_entries;
  if (!spdy_control_settings(spdy)) return;
  if (entries)
    enter(spdy, SPDY_READ_SETTING, entries);
  else
    next_frame(spdy);
}

static size_t setting_take(struct spdy *spdy, struct span in) {
  size_t taken;
  if (!gather(spdy, in, SPDY_SETTING_BYTES, &taken)) return taken;
  uint32_t left = spdy->reader.left - 1;
  spdy_control_setting(spdy, spdy_setting_decode(spdy->reader.bytes));
  if (left)
    enter(spdy, SPDY_READ_SETTING, left);
  else
    next_frame(spdy);
  return taken;
}

/* The fixed part is complete. */
static void fixed_done(struct spdy *spdy) {
  struct spdy_reader *reader = &spdy->reader;
  const struct spdy_frame_header header = reader->frame.header;
  struct spdy_verdict checked = reader->verdict;
  struct spdy_verdict verdict = spdy_frame_decode(&header, reader->bytes, &reader->frame);
  if (verdict.scope == SPDY_SESSION_ERROR) {
    spdy_act(spdy, 0, verdict);
  } else if (checked.scope == SPDY_STREAM_ERROR) { /* of another version */
    skip(spdy, block_bytes(&header));
    spdy_act(spdy, reader->frame.stream_id, checked);
  } else if (spdy_frame_has_block(&header)) {
    block_begin(spdy, verdict);
  } else if (header.type == SPDY_SETTINGS) {
    settings_begin(spdy);
  } else {
    const struct spdy_frame frame = reader->frame;
    next_frame(spdy);
    spdy_control_frame(spdy, &frame, verdict);
  }
}

static size_t fixed_take(struct spdy *spdy, struct span in) {
  size_t taken;
  uint32_t size = spdy_frame_fixed_bytes(&spdy->reader.frame.header);
  if (gather(spdy, in, size, &taken)) fixed_done(spdy);
  return taken;
}

static void data_begin(struct spdy *spdy) {
  struct spdy_reader *reader = &spdy->reader;
  reader->data = spdy_data_begin(spdy, &reader->frame.header);
  if (!spdy->dead) enter(spdy, SPDY_READ_DATA, reader->frame.header.length);
}

static void frame_begin(struct spdy *spdy) {
  struct spdy_reader *reader = &spdy->reader;
  reader->frame.header = spdy_frame_header_decode(reader->bytes);
  const struct spdy_frame_header *header = &reader->frame.header;
  reader->verdict = spdy_frame_check(header);
  if (!header->control && !spdy->begun) /* HTTP, say: DATA cannot come first */
    reader->verdict = spdy_session_error(SPDY_GOAWAY_PROTOCOL_ERROR, "not SPDY");
  spdy->begun = true;
  if (reader->verdict.scope == SPDY_SESSION_ERROR) {
    spdy_act(spdy, 0, reader->verdict);
  } else if (reader->verdict.scope == SPDY_IGNORE) {
    spdy_note_glitch(spdy, &spdy->shared->counters.glitches_unknown);
    skip(spdy, header->length);
  } else if (!header->control) {
    data_begin(spdy);
  } else {
    enter(spdy, SPDY_READ_FIXED, 0);
  }
}

static size_t header_take(struct spdy *spdy, struct span in) {
  size_t taken;
  if (spdy->reader.have == 0) spdy->reader.begun_ns = spdy->now_ns;
  if (gather(spdy, in, SPDY_FRAME_HEADER_BYTES, &taken)) frame_begin(spdy);
  return taken;
}

static size_t data_take(struct spdy *spdy, struct span in) {
  struct spdy_reader *reader = &spdy->reader;
  size_t take = spdy_min(in.len, reader->left);
  reader->left -= (uint32_t)take;
  bool last = reader->left == 0;
  bool fin = last && reader->frame.header.flags & SPDY_FLAG_FIN;
  spdy_data_bytes(spdy, reader->data, span_of(in.base, take), fin);
  if (last && !spdy->dead) next_frame(spdy);
  return take;
}

static size_t skip_take(struct spdy *spdy, struct span in) {
  struct spdy_reader *reader = &spdy->reader;
  size_t take = spdy_min(in.len, reader->left);
  reader->left -= (uint32_t)take;
  if (reader->left == 0) next_frame(spdy);
  return take;
}

/* ---- the machine's side ---------------------------------------------------------------------- */

/* Whether the phase is complete without another byte: an empty payload. */
static bool runs_empty(const struct spdy_reader *reader) {
  switch (reader->phase) {
  case SPDY_READ_BLOCK:
  case SPDY_READ_DATA:
  case SPDY_READ_SKIP: return reader->left == 0;
  default: return false;
  }
}

bool spdy_recv_wanted(const struct spdy *spdy) {
  return !spdy->dead && !spdy->lost && !spdy->eof && !spdy->pause.on && spdy->overfull == 0 &&
         spdy->queue.bytes <= SPDY_QUEUE_BYTES_MAX;
}

/* Streams pass on what they get as it is. */
size_t spdy_recv_vaulted_max(const struct spdy *spdy) {
  const struct spdy_reader *reader = &spdy->reader;
  const struct spdy_stream *stream = reader->data;
  if (!spdy_recv_wanted(spdy) || reader->phase != SPDY_READ_DATA || !stream) return 0;
  const struct stream_events *events = stream->base.events;
  bool heard = spdy_stream_is_heard(stream) && !stream->asks && !stream->lingers;
  if (!heard || !events || !events->takes_vaulted) return 0;
  return spdy_min(events->takes_vaulted(&stream->base), reader->left);
}

size_t spdy_recv(struct spdy *spdy, struct span in) {
  typedef size_t take_fn(struct spdy * spdy, struct span in);
  static take_fn *const takes[] = {
      [SPDY_READ_HEADER] = header_take, [SPDY_READ_FIXED] = fixed_take,
      [SPDY_READ_BLOCK] = block_take,   [SPDY_READ_SETTING] = setting_take,
      [SPDY_READ_DATA] = data_take,     [SPDY_READ_SKIP] = skip_take,
  };
  size_t done = 0;
  if (in.len) spdy_alive_heard(spdy);
  while ((spdy_recv_wanted(spdy) && done < in.len) || (!spdy->dead && runs_empty(&spdy->reader)))
    done += takes[spdy->reader.phase](spdy, span_of(in.base + done, in.len - done));
  return spdy->dead ? in.len : done; /* after a session error the rest is dropped */
}
