/*
 * http/stream.h - one exchange as a handler sees it: a request, its response and the bytes of both,
 * over whatever protocol.
 * Spec: RFC 9110 section 6 (messages); the protocol underneath adds its own rules.
 *
 * Life of a stream on a server:
 *
 *     handler.request()                   the request's header section is complete and valid
 *       stream->events = &my_events       what the handler wants to hear of later
 *       stream->user = my_state
 *     events.data() ... events.trailers() request body, if there is one
 *     stream_inform()                     any number of 1xx responses
 *     stream_respond(status, fields, body)
 *       body.pull() ...                   whenever the scheduler has chosen this stream
 *     events.closed()                     exactly once, last; after it the stream is gone
 *
 * Everything a handler calls may be called from inside an event or from outside (after a file
 * arrived, say) until closed(), but only on the thread that calls the handler for this stream.
 * Nothing re-enters the handler except as stated.
 *
 * Ownership: a stream belongs to its connection. The request and its fields are borrowed by
 * request(): copy what is needed later. A body is taken by stream_respond(); its close() is called
 * exactly once, perhaps after closed(), when no byte it lent is in use.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include "engine/http/headers.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stream;
struct answer_filter;    /* http/answer_filter.h */
struct head_start_rules; /* sched/head_start.h */

/* ---- response and request bodies that are sent -------------------------------------------- */

enum body_result {
  BODY_MORE,  /* chunk->bytes holds the next bytes, at least one unless max is 0; more may follow */
  BODY_END,   /* chunk->bytes holds the last bytes, perhaps none */
  BODY_WAIT,  /* nothing now; stream_resume() will say when to pull again */
  BODY_ROOM,  /* no bytes: the next record does not fit into max; pull again when there is more
                 room. BODY_ROOM_BYTES are always enough */
  BODY_ERROR, /* the bytes are lost: the stream is reset with INTERNAL_ERROR */
};

/* One pull. The body either writes at most `max` bytes to `room` and sets bytes = {room, n}, or
 * sets `bytes` to at most `max` bytes of its own, which stay valid and unchanged until its close();
 * or, if it sets `loans`, for as long as it is told there: the protocol adds one to *loans before the
 * next call of anything, and takes it off when it needs the bytes no more, perhaps after close(). */
struct body_chunk {
  uint8_t *room;   /* max bytes, lent */
  uint32_t *loans; /* NULL before the pull */
  size_t max; /* 0 only asks whether the body has ended: BODY_END; or else BODY_MORE, BODY_ROOM or
                    BODY_WAIT without bytes */
  struct span bytes;
  /* Bytes of the body's own that follow `bytes`, at most lend_max, and not vaulted unless the stream takes that.
   * `loans` must be set. */
  struct span lent;
  size_t lend_max; /* 0: none can be given */
};

/* Room that a body can wait for: a peer's window may stay smaller for as long as the peer likes, but
 * no protocol needs to offer more at once. Part of the interface, so it is not in limits.h. */
enum { BODY_ROOM_BYTES = 1024 };

/* pull() may call everything that a handler may call, including stream_resume(). If it resets its own
 * stream, the result does not matter. */
struct body_ops {
  enum body_result (*pull)(void *self, struct body_chunk *chunk);
  void (*close)(void *self); /* may be NULL */
};

struct body {
  const struct body_ops *ops; /* NULL: no body */
  void *self;
};

#ifdef __cplusplus
#define BODY_NONE (body())
#else
#define BODY_NONE ((struct body){0})
#endif

/* ---- what a handler hears ------------------------------------------------------------------ */

struct request {
  struct span method, scheme, authority, path; /* path is empty for CONNECT */
  struct span protocol;                        /* of the tunnel that is asked for, as the handler
                                                  spells it: see stream_tunnel(); else empty */
  const struct headers *fields;                /* all fields, pseudo-header fields included */
  int64_t content_length;                      /* -1: not given */
  /* Not 0: requests of this engine with the same number have the same fields. Code that passes a changed request on
   * sets it to 0. */
  uint64_t number;
  bool end;    /* no body follows */
  bool pushed; /* the client did not ask: see stream_push() */
};

/* What a header section that was received took, in bytes. */
struct section_size {
  uint32_t wire_bytes;  /* as it came: over HTTP/2 compressed, without frame headers; over SPDY it
                           is not counted and 0 */
  uint32_t plain_bytes; /* of all names and values */
};

/* Every member may be NULL. Spans and lists are borrowed by the event. */
struct stream_events {
  /* Bytes of the peer's body; `end` with the last ones (perhaps empty). See stream_consume(). */
  void (*data)(struct stream *stream, struct span bytes, bool end);
  /* Of the next bytes of the peer's body, how many data() passes on without looking at them: it may then get them
   * vaulted. */
  size_t (*takes_vaulted)(const struct stream *stream);
  /* The peer's trailer section; it ends the peer's message. */
  void (*trailers)(struct stream *stream, const struct headers *fields);
  /* stream_timer() has come due. */
  void (*timer)(struct stream *stream, uint64_t now_ns);
  /* The machine is to end (machine_ops.drain): a stream that would go on for long should end soon. Once,
   * for each stream that is open then, and right after request() for one that comes later. */
  void (*drain)(struct stream *stream);
  /* Client role: a response's header section, 1xx included. `end`: no body follows. */
  void (*response)(struct stream *stream, unsigned status, const struct headers *fields, bool end);
  /* The same in place of response(), for a handler that needs no fields. Cheaper, because a header
   * section that the server repeats need not be decoded again. */
  void (*status)(struct stream *stream, unsigned status, struct section_size size, bool end);
  /* Client role: the server promised `promised`, of the same origin as this stream's request (set
   * its events here, or stream_reset() it). */
  void (*promise)(struct stream *stream, struct stream *promised, const struct request *request);
  /* The stream has ended. `error_code` is 0 after a complete exchange, else the protocol's code. */
  void (*closed)(struct stream *stream, uint32_t error_code);
};

/* What the protocol provides; call the functions below instead. */
struct stream_ops {
  bool (*inform)(struct stream *, unsigned status, const struct header *fields, size_t count);
  bool (*respond)(struct stream *, unsigned status, const struct header *fields, size_t count,
                  struct body body);
  bool (*respond_set)(struct stream *, unsigned status, struct header_set *set, struct body body);
  bool (*trailers)(struct stream *, const struct header *fields, size_t count);
  struct stream *(*push)(struct stream *, const struct header *fields, size_t count);
  void (*resume)(struct stream *);
  void (*consume)(struct stream *, size_t bytes);
  void (*cap)(struct stream *, uint64_t total_bytes);
  void (*timer)(struct stream *, uint64_t deadline_ns);
  void (*reset)(struct stream *, uint32_t error_code);
  void (*weigh)(struct stream *, unsigned weight);
  void (*head_start)(struct stream *, uint64_t first_bytes);
  void (*head_start_rules)(struct stream *, const struct head_start_rules *rules,
                           struct span path); /* may be NULL */
  bool (*tunnel)(struct stream *, const struct header *fields, size_t count, struct body body);
  uint64_t (*now_ns)(const struct stream *);
};

/* When the peer gets new credit for its body (see h2/flow.h). */
enum stream_flow { FLOW_DEFAULT, FLOW_ECHO, FLOW_THRESHOLD, FLOW_CONSUME, FLOW_AUTO };

struct stream {
  const struct stream_ops *ops;
  const struct stream_events *events; /* set by the handler; NULL until then */
  void *user;                         /* the handler's */
  void *log;                          /* for handler.ended(), any code may set it; NULL until set */
  void *route;                        /* the same for a handler that passes requests on to others */
  const struct machine_peer *peer;    /* lent until handler.ended() returns */
  uint64_t id;                        /* the protocol's stream identifier */
  /* What final responses go through on their way to the protocol; NULL: nothing. Set before the handler gets
   * the request, by the code that calls it, which also keeps the note: see http/answer_filter.h. */
  const struct answer_filter *filter;
  uint64_t filter_note;
  enum stream_flow flow; /* set by a handler before body bytes arrive; else the engine's */
  /* Set by a handler that goes on with the request's body after it has answered; otherwise
   * data() and trailers() are not called any more once it has. */
  bool duplex;
  bool sends_vaulted; /* set by the protocol: what its body lends may be vaulted */
  bool consume_later; /* set by a handler that calls stream_consume() itself; otherwise bytes count
                         as consumed when events.data() returns */
};

/* The facts of a request that has ended, for counters and logs; see handler.ended(). */
struct stream_facts {
  const char *protocol; /* "HTTP/2", "HTTP/1.1": static text */
  uint64_t begun_ns;    /* when the request's header section was complete */
  /* When the last byte was handed to the transport, or was lent with a count of loans, or the
   * stream given up. */
  uint64_t ended_ns;
  /* Bytes as they were on the wire: header sections, 1xx and trailers included, and bodies without
   * their framing. */
  uint64_t header_bytes_received, header_bytes_sent;
  uint64_t body_bytes_received, body_bytes_sent;
  uint32_t error_code; /* as of events.closed() */
  uint16_t status;     /* of the final response; 0: there was none */
  bool prioritized;    /* the request, or over HTTP/2 the response, gave a priority (RFC 9218): */
  uint8_t urgency;
  bool incremental;
};

/* ---- what a handler calls ------------------------------------------------------------------- */

/* Fields that a handler gives are sent as they are: names in lower case, none that speak of the
 * connection (connection, keep-alive, proxy-connection, transfer-encoding, upgrade; te other than
 * "trailers" of a request). A client treats a message with such fields as malformed (RFC 9113
 * sections 8.2 and 8.2.2); code that forwards a message of another protocol removes them first. */

/* Sends an informational response (status 100 .. 199, not 101) to a client that is known to take it. Copies
 * the fields. False when it was refused: too large, the final response has begun, or the client may take it
 * for the response. Every client of HTTP/2 takes all of them (RFC 9113 section 8.1). Clients of HTTP/1.1 take
 * 100; others go only to browsers that say they navigate (`sec-fetch-mode: navigate`), as RFC 8297 section 3
 * advises. HTTP/1.0 has none. */
bool stream_inform(struct stream *stream, unsigned status, const struct header *fields,
                   size_t count);

/* Sends the final response: status 200 .. 599, fields without pseudo-header fields, then the body
 * (BODY_NONE for none; a body given for HEAD, 204 or 304 is closed unread). Copies the fields;
 * takes the body in every case. The engine adds `date` and `server` where absent. False when
 * resources were refused: the stream has then been reset. False after a mistake (handler.mistake),
 * too: if that has neither reset nor answered the stream, the handler still has to answer. */
bool stream_respond(struct stream *stream, unsigned status, const struct header *fields,
                    size_t count, struct body body);

/* The same with fields that are sent again and again. Keeps the set, and what it refers to, until
 * the body's close(); without a body, no longer than the call. Cheaper, because the engine
 * remembers what it worked out about the fields. */
bool stream_respond_set(struct stream *stream, unsigned status, struct header_set *set,
                        struct body body);

/* Accepts a request for a tunnel: one whose request.protocol is set, which only a handler gets that names
 * the protocol (handler.protocols). It asked by `Upgrade` over HTTP/1.1, where this answers 101 with
 * `connection` and `upgrade`, or by extended CONNECT over HTTP/2 (RFC 8441), where it answers 200. From
 * then on bytes flow both ways, and neither waits for the other: `body` gives ours, and its end closes only
 * our direction (over HTTP/1.1 that of the connection: TLS close_notify, or FIN); events.data() gets the
 * peer's, and `end` does not end ours. The stream ends when both directions have. What the peer sent
 * earlier is kept back until the call has returned. Copies the fields; takes the body in every case. False
 * as stream_respond(), which refuses the tunnel with any status from 300 on. */
bool stream_tunnel(struct stream *stream, const struct header *fields, size_t count,
                   struct body body);

/* Fields to send after the body. Copies them; to be called before the body's BODY_END is pulled. */
bool stream_trailers(struct stream *stream, const struct header *fields, size_t count);

/* Promises a response to a request the client has not made (RFC 9113 section 8.4). `fields` are the
 * promised request's, pseudo-header fields first: GET or HEAD, no content, scheme and authority
 * those of this stream's own request. The handler's request() is then called for the promised
 * stream. NULL, and nothing is sent, when the client or the protocol does not allow it. */
struct stream *stream_push(struct stream *stream, const struct header *fields, size_t count);

/* The body has bytes again after BODY_WAIT. May be called until the body's close(): for a stream that has ended,
 * nothing happens. */
void stream_resume(struct stream *stream);

/* The handler has used `bytes` of the bytes that events.data() gave it (with consume_later). */
void stream_consume(struct stream *stream, size_t bytes);

/* Lets the peer send at most `total_bytes` of body on this stream, counted from its beginning,
 * until a later call says otherwise: "4 KB of this image for now". STREAM_UNCAPPED removes the cap.
 * The announced initial window cannot be taken back, so a client that wants small caps announces a
 * small one; a cap above it widens the stream's window. */
#define STREAM_UNCAPPED UINT64_MAX
void stream_cap(struct stream *stream, uint64_t total_bytes);

/* Asks for events.timer() at `deadline_ns` on the clock of machine_ops (in a server of weir.h,
 * CLOCK_MONOTONIC); MACHINE_NO_DEADLINE cancels. One timer a stream. */
void stream_timer(struct stream *stream, uint64_t deadline_ns);

/* The time that the call under way has brought, on the clock of machine_ops: for deadlines that begin in
 * an event without a time. */
uint64_t stream_now_ns(const struct stream *stream);

/* Ends the stream at once; events.closed() follows before this returns. `error_code` is the
 * protocol's; 0 means that the rest is not wanted. */
void stream_reset(struct stream *stream, uint32_t error_code);

/* Says how many bytes at the start of the response's body its reader needs before the rest is
 * useful: of a progressive image, those to the end of its first scan (http/first_scan.h finds it in
 * a JPEG). Where the server's rule for the response is `scan` (sched/head_start.h), as it is for
 * images by default, they are sent early, at most HEAD_START_SCAN_BYTES_MAX (128 KiB); otherwise
 * nothing happens. May be called at any time, best before stream_respond(), and also from within
 * pull(). The last call counts; 0 for nothing. */
void stream_head_start(struct stream *stream, uint64_t first_bytes);

/* Rules for the head start of this response, in place of the server's: a route's. To be called before the response.
 * `path` is the request's. Keeps the rules until handler.ended(). */
void stream_head_start_rules(struct stream *stream, const struct head_start_rules *rules,
                             struct span path);

/* Gives the stream's whole connection a weight of 1 .. MACHINE_WEIGHT_MAX (any other is refused, as a mistake): its
 * share of its worker's time while that is short. For paying customers, say, once a request has shown who it is. */
void stream_weigh_connection(struct stream *stream, unsigned weight);

#ifdef __cplusplus
}
#endif

#endif
