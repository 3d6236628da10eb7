/*
 * spdy/stream.h - one stream: its state, its windows, and what it has to send.
 * Spec: SPDY/3.1 section 2.3.
 *
 * The state says what the peer may still send:
 *
 *     we open it:      WAITING --- SYN_REPLY ---> OPEN --- FLAG_FIN ---> ENDED
 *     the peer does:                              OPEN --- FLAG_FIN ---> ENDED
 *
 * A stream that we open and that is unidirectional is ENDED from the beginning. Our own half is `fin_sent`;
 * when both have ended the stream is CLOSED. Either side may end it at any time: RESET_LOCAL, RESET_REMOTE.
 * A table tells what each state may receive: spdy_stream_receive().
 */
#ifndef WEIR_SPDY_STREAM_H
#define WEIR_SPDY_STREAM_H

#include "engine/base/alarm.h"
#include "engine/base/window.h"
#include "engine/http/field_copy.h"
#include "engine/http/kept.h"
#include "engine/http/pace.h"
#include "engine/http/stream.h"
#include "engine/sched/sched.h"
#include "engine/spdy/frame.h"

enum spdy_state {
  SPDY_IDLE, /* no stream had this identifier yet */
  SPDY_WAITING,
  SPDY_OPEN,
  SPDY_ENDED,
  /* There is no such stream any more, because: */
  SPDY_CLOSED,       /* both sides have ended it, or it was closed too long ago to remember how */
  SPDY_RESET_LOCAL,  /* we reset it: the peer may not know yet */
  SPDY_RESET_REMOTE, /* the peer reset it */
  SPDY_STATE_COUNT
};

struct spdy;

struct spdy_stream {
  struct stream base; /* first, because handlers hold a pointer to it */
  struct spdy *spdy;
  uint32_t id;
  uint32_t associated_id; /* of a push: the stream with the page, which may have ended; 0: none */
  uint8_t state;          /* enum spdy_state */

  bool own;             /* we opened it */
  bool replied;         /* SYN_REPLY was queued, or need not be: the stream is ours */
  bool fin_sent;        /* our half has ended */
  bool gone;            /* it has finished, and waits to be freed */
  bool delivered;       /* handler.request() was called */
  bool final_queued;    /* server: the response, or the acceptance, was given */
  bool asks;            /* raw server: stream_tunnel() was not called yet */
  bool tunnel;          /* raw */
  bool awaits_response; /* client: a push whose response has not begun */
  bool pushed_named;    /* `pushed` holds at least one URL */
  uint8_t origin;       /* number of its origin, for pushes: http/origin.h; 0: none */
  bool head_request;    /* the response has no body */
  bool malformed;       /* server: the request was; it is reset after its 400 */
  bool drain_told;      /* events.drain() was called */
  bool lingers;         /* server: answered, and the rest of the request is dropped */
  bool body_waiting;    /* BODY_WAIT: nothing to pull until stream_resume() */
  bool body_ended;      /* BODY_END was pulled, or there is no body */
  bool in_probe_queue;  /* see spdy/ready.h */
  bool in_credit_queue; /* see spdy/flow.h */
  bool overfull;        /* it holds more than SPDY_STREAM_HELD_BYTES_MAX */
  bool charged;         /* SPDY/3: its window is charged to the budget */
  uint16_t status;      /* of the response; 0: none yet */
  uint32_t error_code;  /* that closed() was told */

  struct sched_node node;
  struct window window;        /* what we may send */
  struct window_credit credit; /* what the peer may send */

  struct body body;
  struct field_copy *trailers;    /* to send after the body */
  uint32_t room_bytes;            /* at which the body said BODY_ROOM; 0: any number is enough */
  uint32_t lent;                  /* pieces of the body that the transport holds */
  struct spdy_named_text *pushed; /* URLs that were pushed on it: spdy/named.h */
  struct kept *kept;              /* raw server: what came before stream_tunnel() */

  int64_t content_length;           /* of the peer's message; -1: not given */
  int64_t body_received;            /* of the peer's direction */
  int64_t linger_bytes;             /* body_received at which a lingering stream is reset */
  uint64_t linger_until_ns;         /* when it is reset at the latest */
  uint64_t header_received;         /* bytes on the wire */
  uint64_t header_sent;             /* bytes on the wire */
  uint64_t opened_ns, body_seen_ns; /* for the deadlines of the body */
  uint64_t spoke_ns;                /* when we last sent DATA; 0: never */
  uint64_t body_sent;
  struct pace pace;       /* against PEER_BODY_BYTES_PER_SECOND_MIN */
  uint64_t held_since_ns; /* since when it has been slow behind its own window; 0: not looked at */
  uint64_t held_bytes;    /* body_sent when it was last looked at for that */
  struct alarm timer;     /* of the handler, or of the lingering */

  struct spdy_stream *next, *prev; /* all live streams, or the graveyard */
  struct spdy_stream *probe_next;
  struct spdy_stream *credit_next;
};

/* What receiving a frame of `type` means for a stream in `state`. Who may open streams, and which, is checked
 * elsewhere: SYN_STREAM is not in the table (asserted). */
__attribute__((warn_unused_result)) struct spdy_verdict spdy_stream_receive(enum spdy_state state,
                                                                            uint16_t type);

static inline struct spdy_stream *spdy_stream_of(struct stream *base) {
  return (struct spdy_stream *)(void *)base;
}

/* Whether the peer's direction has ended, or never was. */
__attribute__((warn_unused_result)) static inline bool
spdy_stream_end_received(const struct spdy_stream *stream) {
  return stream->state >= SPDY_ENDED;
}

#endif
