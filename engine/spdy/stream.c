/*
 * spdy/stream.c - the table of what a stream may receive.
 *
 * RST_STREAM and WINDOW_UPDATE may cross the end of a stream, and are ignored then. So is everything that comes
 * for a stream that we have reset. Other frames for streams that have ended are answered by RST_STREAM, never
 * by more: other streams are not harmed.
 */
#include "engine/spdy/stream.h"

#include <assert.h>

struct row {
  enum spdy_scope scope;
  enum spdy_status status;
  const char *reason;
};

#define OK                                                                                         \
  { .scope = SPDY_ACCEPT }
#define LATE                                                                                       \
  { .scope = SPDY_IGNORE }
#define WRONG(code, text)                                                                          \
  { .scope = SPDY_STREAM_ERROR, .status = SPDY_##code, .reason = (text) }

enum column { ON_DATA, ON_REPLY, ON_RESET, ON_HEADERS, ON_UPDATE, COLUMN_COUNT };

static const struct row rows[SPDY_STATE_COUNT][COLUMN_COUNT] = {
    [SPDY_IDLE] = {[ON_DATA] = WRONG(INVALID_STREAM, "DATA for a stream that was never opened"),
                   [ON_REPLY] =
                       WRONG(INVALID_STREAM, "SYN_REPLY for a stream that was never opened"),
                   [ON_HEADERS] =
                       WRONG(INVALID_STREAM, "HEADERS for a stream that was never opened"),
                   [ON_RESET] = LATE,
                   [ON_UPDATE] = LATE},
    [SPDY_WAITING] = {[ON_DATA] = WRONG(PROTOCOL_ERROR, "DATA before SYN_REPLY"), /* 2.3.5 */
                      [ON_REPLY] = OK,
                      [ON_HEADERS] = WRONG(PROTOCOL_ERROR, "HEADERS before SYN_REPLY"),
                      [ON_RESET] = OK,
                      [ON_UPDATE] = OK},
    [SPDY_OPEN] = {[ON_DATA] = OK,
                   [ON_REPLY] = WRONG(STREAM_IN_USE, "a second SYN_REPLY"), /* 2.6.2 */
                   [ON_HEADERS] = OK,
                   [ON_RESET] = OK,
                   [ON_UPDATE] = OK},
    [SPDY_ENDED] = {[ON_DATA] = WRONG(STREAM_ALREADY_CLOSED, "DATA after FLAG_FIN"), /* 2.3.6 */
                    [ON_REPLY] = WRONG(STREAM_ALREADY_CLOSED, "SYN_REPLY after FLAG_FIN"),
                    [ON_HEADERS] = WRONG(STREAM_ALREADY_CLOSED, "HEADERS after FLAG_FIN"),
                    [ON_RESET] = OK,
                    [ON_UPDATE] = OK},
    [SPDY_CLOSED] = {[ON_DATA] =
                         WRONG(INVALID_STREAM, "DATA for a stream that has ended"), /* 2.3.5 */
                     [ON_REPLY] = WRONG(INVALID_STREAM, "SYN_REPLY for a stream that has ended"),
                     [ON_HEADERS] = WRONG(INVALID_STREAM, "HEADERS for a stream that has ended"),
                     [ON_RESET] = LATE,
                     [ON_UPDATE] = LATE},
    [SPDY_RESET_LOCAL] =
        {[ON_DATA] = LATE,
         [ON_REPLY] = LATE,
         [ON_HEADERS] = LATE,
         [ON_RESET] = LATE,
         [ON_UPDATE] = LATE},
    [SPDY_RESET_REMOTE] = {[ON_DATA] =
                               WRONG(INVALID_STREAM, "DATA for a stream that the peer reset"),
                           [ON_REPLY] = WRONG(INVALID_STREAM, "SYN_REPLY after RST_STREAM"),
                           [ON_HEADERS] = WRONG(INVALID_STREAM, "HEADERS after RST_STREAM"),
                           [ON_RESET] = LATE,
                           [ON_UPDATE] = LATE},
};

static enum column column_of(uint16_t type) {
  switch (type) {
  case SPDY_SYN_REPLY: return ON_REPLY;
  case SPDY_RST_STREAM: return ON_RESET;
  case SPDY_HEADERS: return ON_HEADERS;
  case SPDY_WINDOW_UPDATE: return ON_UPDATE;
  default: assert(type == SPDY_DATA); return ON_DATA;
  }
}

struct spdy_verdict spdy_stream_receive(enum spdy_state state, uint16_t type) {
  const struct row *row = &rows[state][column_of(type)];
  return (struct spdy_verdict){.scope = row->scope, .code = row->status, .reason = row->reason};
}
