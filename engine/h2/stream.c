/*
 * h2/stream.c - the transition table of RFC 9113 section 5.1, and what each state may receive.
 */
#include "engine/h2/stream.h"

#include <assert.h>

#define NEVER H2_STATE_COUNT

static const uint8_t transitions[H2_STATE_COUNT][H2_EVENT_COUNT] = {
    [H2_IDLE] = {H2_OPEN, NEVER, NEVER, H2_RESERVED_REMOTE, H2_OPEN, NEVER, NEVER,
                 H2_RESERVED_LOCAL},
    [H2_RESERVED_LOCAL] = {NEVER, NEVER, H2_CLOSED_RESET_REMOTE, NEVER, H2_HALF_CLOSED_REMOTE,
                           NEVER, H2_CLOSED_RESET_LOCAL, NEVER},
    [H2_RESERVED_REMOTE] = {H2_HALF_CLOSED_LOCAL, NEVER, H2_CLOSED_RESET_REMOTE, NEVER, NEVER,
                            NEVER, H2_CLOSED_RESET_LOCAL, NEVER},
    [H2_OPEN] = {H2_OPEN, H2_HALF_CLOSED_REMOTE, H2_CLOSED_RESET_REMOTE, NEVER, H2_OPEN,
                 H2_HALF_CLOSED_LOCAL, H2_CLOSED_RESET_LOCAL, NEVER},
    [H2_HALF_CLOSED_LOCAL] = {H2_HALF_CLOSED_LOCAL, H2_CLOSED, H2_CLOSED_RESET_REMOTE, NEVER, NEVER,
                              NEVER, H2_CLOSED_RESET_LOCAL, NEVER},
    [H2_HALF_CLOSED_REMOTE] = {NEVER, NEVER, H2_CLOSED_RESET_REMOTE, NEVER, H2_HALF_CLOSED_REMOTE,
                               H2_CLOSED, H2_CLOSED_RESET_LOCAL, NEVER},
    [H2_CLOSED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [H2_CLOSED_RESET_LOCAL] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [H2_CLOSED_RESET_REMOTE] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [H2_CLOSED_FORGOTTEN] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
};

void h2_stream_event(struct h2_stream *stream, enum h2_event event) {
  uint8_t next = transitions[stream->state][event];
  assert(next != NEVER);
  stream->state = next;
}

void h2_stream_cut(struct h2_stream *stream, enum h2_event reset) {
  if (stream->state == H2_IDLE) h2_stream_event(stream, H2_SEND_HEADERS);
  h2_stream_event(stream, reset);
}

/* The answers of the table below. */
enum answer { OK, SKIP, C_PROTOCOL, C_CLOSED, S_CLOSED };

/* Columns: DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, WINDOW_UPDATE. The other types belong
 * to the connection, or to a header block that has begun. */
enum { COLUMNS = 6 };

static const uint8_t receive[H2_STATE_COUNT][COLUMNS] = {
    [H2_IDLE] = {C_PROTOCOL, OK, OK, C_PROTOCOL, C_PROTOCOL, C_PROTOCOL},
    [H2_RESERVED_LOCAL] = {C_PROTOCOL, C_PROTOCOL, OK, OK, C_PROTOCOL, OK},
    [H2_RESERVED_REMOTE] = {C_PROTOCOL, OK, OK, OK, C_PROTOCOL, C_PROTOCOL},
    [H2_OPEN] = {OK, OK, OK, OK, OK, OK},
    [H2_HALF_CLOSED_LOCAL] = {OK, OK, OK, OK, OK, OK},
    [H2_HALF_CLOSED_REMOTE] = {S_CLOSED, S_CLOSED, OK, OK, C_PROTOCOL, OK},
    [H2_CLOSED] = {C_CLOSED, C_CLOSED, OK, SKIP, C_PROTOCOL, SKIP},
    /* Section 5.1: what the peer sent before it saw our RST_STREAM is no error. A promise must
     * still be noted (section 6.6). */
    [H2_CLOSED_RESET_LOCAL] = {SKIP, SKIP, OK, SKIP, OK, SKIP},
    [H2_CLOSED_RESET_REMOTE] = {C_CLOSED, C_CLOSED, OK, SKIP, C_PROTOCOL, SKIP},
    /* DATA may be on its way on a stream that we reset. HEADERS would open a stream whose
     * identifier does not rise (section 5.1.1). */
    [H2_CLOSED_FORGOTTEN] = {S_CLOSED, C_PROTOCOL, OK, SKIP, C_PROTOCOL, SKIP},
};

struct h2_verdict h2_stream_receive(enum h2_state state, uint8_t type) {
  static const int8_t columns[] = {
      [H2_DATA] = 0,         [H2_HEADERS] = 1,       [H2_PRIORITY] = 2,  [H2_RST_STREAM] = 3,
      [H2_PUSH_PROMISE] = 4, [H2_WINDOW_UPDATE] = 5, [H2_SETTINGS] = -1, [H2_PING] = -1,
      [H2_GOAWAY] = -1,      [H2_CONTINUATION] = -1,
  };
  if (type >= sizeof columns || columns[type] < 0) return H2_OK;
  switch ((enum answer)receive[state][columns[type]]) {
  case OK: return H2_OK;
  case SKIP: return (struct h2_verdict){.scope = H2_IGNORE};
  case S_CLOSED: return h2_stream_error(H2_STREAM_CLOSED, "the peer has ended this stream");
  case C_CLOSED: return h2_connection_error(H2_STREAM_CLOSED, "stream is closed");
  case C_PROTOCOL: break;
  }
  return h2_connection_error(H2_PROTOCOL_ERROR, "frame is not allowed in this stream state");
}
