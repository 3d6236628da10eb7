/*
 * h2/stream.h - one HTTP/2 stream: its state, its windows, and what it has to send.
 * Spec: RFC 9113 section 5.1.
 *
 *                  send/recv HEADERS
 *           idle ---------------------> open ------ recv END_STREAM ----> half-closed (remote)
 *            |                           |                                        |
 *            | PUSH_PROMISE              | send END_STREAM                        | send END_STREAM
 *            v                           v                                        v
 *         reserved --- HEADERS ---> half-closed (local) -- recv END_STREAM --> closed
 *                                                   RST_STREAM, from anywhere --> closed
 *
 * Only h2_stream_event() changes the state. A table tells what each state may receive:
 * h2_stream_receive().
 */
#ifndef WEIR_H2_STREAM_H
#define WEIR_H2_STREAM_H

#include "engine/base/alarm.h"
#include "engine/base/window.h"
#include "engine/h2/frame.h"
#include "engine/http/kept.h"
#include "engine/http/pace.h"
#include "engine/http/stream.h"
#include "engine/sched/sched.h"

enum h2_state {
  H2_IDLE,
  H2_RESERVED_LOCAL,
  H2_RESERVED_REMOTE,
  H2_OPEN,
  H2_HALF_CLOSED_LOCAL,
  H2_HALF_CLOSED_REMOTE,
  /* Closed. How it was closed decides what may still arrive. */
  H2_CLOSED,              /* both sides sent END_STREAM */
  H2_CLOSED_RESET_LOCAL,  /* we sent RST_STREAM: the peer may not know yet */
  H2_CLOSED_RESET_REMOTE, /* the peer sent RST_STREAM */
  H2_CLOSED_FORGOTTEN, /* skipped by a higher identifier, or closed too long ago to remember how */
  H2_STATE_COUNT
};

enum h2_event {
  H2_RECV_HEADERS,
  H2_RECV_END_STREAM,
  H2_RECV_RST_STREAM,
  H2_RECV_PUSH_PROMISE, /* this stream is the promised one */
  H2_SEND_HEADERS,
  H2_SEND_END_STREAM,
  H2_SEND_RST_STREAM,
  H2_SEND_PUSH_PROMISE, /* this stream is the promised one */
  H2_EVENT_COUNT
};

struct h2;

/* A header section that waits to be sent. h2/section.h makes and frees it. */
struct h2_section {
  struct h2_section *next; /* of its stream */
  const struct header *fields;
  const struct header_set *set; /* that lends the fields; NULL: a copy follows this struct */
  uint32_t size;                /* bytes of this allocation; 0: embedded */
  uint32_t promised_id;
  uint32_t count;
  uint32_t bound;  /* the most bytes of the encoded block */
  uint16_t status; /* 0: none (requests, trailers, promises) */
  uint8_t type;    /* H2_HEADERS or H2_PUSH_PROMISE */
  bool end_stream;
  bool add_date, add_server;
  bool varies; /* some fields of its set are flagged HEADER_VARIES */
  bool has_dependency;
  struct h2_dependency dependency; /* of a request: the priority in HEADERS */
};

struct h2_stream {
  struct stream base; /* first, because handlers hold a pointer to it */
  struct h2 *h2;
  uint32_t id;
  uint32_t promised_on; /* of a promised stream: the stream with its PUSH_PROMISE; 0: none */
  uint8_t state;        /* enum h2_state; only h2_stream_event() writes it */

  /* A byte each: setting one bit means to load the byte, or two, that was stored just before. */
  bool end_received;   /* the peer's message is complete */
  bool final_queued;   /* server: the final response is queued; client: the request is */
  bool headers_sent;   /* the final header section has left, and none is waiting */
  bool body_waiting;   /* the last pull said BODY_WAIT */
  bool body_ended;     /* the last pull said BODY_END; trailers may follow */
  bool head_request;   /* no body in the response, whatever its content-length */
  bool connect;        /* a tunnel: each direction goes on until it ends */
  bool final_received; /* client: the final response's header section has arrived */
  bool delivered;      /* the handler knows the stream */
  bool drained;        /* and has been told that the connection is to end */
  bool malformed; /* a request that is; it is reset behind its 400, once it has ended or lingered */
  bool gone;      /* closed() was called; the stream is in the graveyard */
  bool in_urgent_queue;
  bool takes_part; /* in the scheduler's turns: `node` is in use */
  bool announced;  /* the peer has heard of this stream */
  bool brief;      /* its answer waits to go as a whole: h2/brief.h */
  bool probe_end;  /* see h2_queue_probe() */
  bool in_credit_queue;
  bool lingers; /* see h2_stream_linger(): closed() was called, but the message is still read */
  bool asks;    /* for a tunnel that is neither made nor refused: what the peer sends is kept */

  /* What every exchange uses comes first, and shares a few cache lines. */
  uint8_t origin;  /* number of its origin, if promises are allowed on it: h2/origin.h; 0: none */
  uint16_t status; /* of our final response; 0: none */
  uint32_t error_code;                   /* that closed() told */
  uint32_t header_received, header_sent; /* bytes of header sections, with frame headers */
  struct window window;                  /* what we may send */
  struct window_credit credit;           /* what the peer may send */
  int64_t content_length;                /* of the peer's message; -1: not given */
  int64_t body_received;                 /* of the peer's body, without padding */
  uint64_t opened_ns, body_seen_ns;      /* for the deadlines of the body */
  struct h2_stream *next, *prev;         /* all live streams, or the graveyard */
  struct body body;
  struct h2_section *sections, *sections_tail; /* header sections to send, in order */
  struct h2_section *trailers;                 /* to send after the body */
  struct kept *kept;                           /* what the peer sent before its tunnel was made */
  uint32_t room_bytes;           /* at which the body said BODY_ROOM; 0: any number is enough */
  uint32_t lent;                 /* pieces of the body that the transport holds */
  struct alarm timer;            /* of the handler, or of the lingering */
  struct h2_stream *urgent_next; /* urgent queue */
  struct h2_stream *credit_next; /* credit queue */

  const struct head_start_rules *head_start_rules; /* in place of the server's; NULL: those */
  uint16_t head_start_paths; /* rules of sched/head_start.h that the request's path matches */
  uint32_t head_start_bytes; /* needed first, as the handler says */
  const struct head_start_rule *head_start; /* the rule of the response; NULL: none */

  int64_t linger_bytes;         /* body_received at which a lingering stream is reset */
  uint64_t linger_until_ns;     /* when it is reset at the latest */
  uint64_t informational_bytes; /* client: of all 1xx header sections until now */
  uint64_t spoke_ns;            /* when we last sent DATA; 0: never */
  uint64_t body_sent;           /* of our body, without padding */
  struct pace pace;             /* against PEER_BODY_BYTES_PER_SECOND_MIN */
  uint64_t held_since_ns; /* since when it has been slow behind its own window; 0: not looked at */
  uint64_t held_bytes;    /* body_sent when it was last looked at for that */

  /* Not cleared with the rest when a stream opens: undefined until they are used. */
  struct h2_section lent_section; /* the final response, or a request, if its fields are lent */
  struct header_set *brief_set;   /* of a final response that goes as a whole */
  struct sched_node node;         /* while it takes part */
};

/* What receiving a frame of `type` means for a stream in `state`: it is accepted, ignored, or an
 * error (section 5.1). Who may open streams, and which, is checked before. */
__attribute__((warn_unused_result)) struct h2_verdict h2_stream_receive(enum h2_state state,
                                                                        uint8_t type);

/* Changes the state. The event must be in the table (asserted): what the peer sends has passed
 * h2_stream_receive(). */
void h2_stream_event(struct h2_stream *stream, enum h2_event event);

/* The same when a stream is given up, with or without a frame: `reset` is H2_SEND_RST_STREAM or
 * H2_RECV_RST_STREAM. Also for a stream of ours that is still idle, since its HEADERS have not
 * left. */
void h2_stream_cut(struct h2_stream *stream, enum h2_event reset);

static inline bool h2_stream_may_send(const struct h2_stream *stream) {
  return stream->state == H2_OPEN || stream->state == H2_HALF_CLOSED_REMOTE;
}

static inline bool h2_stream_may_receive(const struct h2_stream *stream) {
  return stream->state == H2_OPEN || stream->state == H2_HALF_CLOSED_LOCAL;
}

#endif
