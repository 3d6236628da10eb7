/*
 * h1/connection.h - the structs that the modules of an HTTP/1.1 connection share, and nothing else.
 *
 * Requests are answered in the order in which they came. Each has a struct h1_stream in the queue
 * from `first` to `last`; `reading` is the last one while its body is incomplete.
 *
 * A client's queue holds its requests in the order in which they were made; `reading` is the first of them,
 * and `asking` the first that has not left. Where a comment speaks of a request that is received and of a
 * response that is sent, it is the other way round for a client.
 */
#ifndef WEIR_H1_CONNECTION_H
#define WEIR_H1_CONNECTION_H

#include "engine/base/budget.h"
#include "engine/base/out.h"
#include "engine/h1/chunked.h"
#include "engine/h1/head.h"
#include "engine/h1/shared.h"
#include "engine/http/pace.h"

/* What closed() tells: HTTP/1.1 has no codes of its own, so these are HTTP/2's (RFC 9113 section 7). */
enum h1_code {
  H1_NO_ERROR = 0,
  H1_PROTOCOL_ERROR = 1,
  H1_INTERNAL_ERROR = 2,
  H1_REFUSED_STREAM = 7,
  H1_CANCEL = 8,
  H1_CONNECT_ERROR = 10,
};

enum h1_role { H1_SERVER, H1_CLIENT };

enum h1_phase {
  H1_READ_HEAD,
  H1_READ_LENGTH,    /* a body of content-length bytes */
  H1_READ_CHUNKED,   /* one in chunks */
  H1_READ_UNTIL_EOF, /* client: a response's, which the end of the connection ends */
  H1_READ_TRAILERS,  /* after the last chunk */
  H1_READ_TUNNEL,    /* bytes of another protocol, once the tunnel is made */
  H1_READ_DISCARD,   /* nothing that follows is of use */
};

/* A head, or trailers, that arrive in pieces: all bytes from its start. */
struct h1_gathered {
  struct h1_head head;
  uint32_t len, size;
  uint8_t bytes[];
};

/* Bytes of a head, or of several, that wait to be sent. */
struct h1_text {
  struct h1_text *next;
  uint32_t len, size;
  uint32_t content_len; /* of `len`, at the end: content, which counts as a body's */
  uint8_t bytes[];
};

struct h1;

struct h1_stream {
  struct stream base; /* first, because handlers hold a pointer to it */
  struct h1 *h1;
  struct h1_stream *next; /* in the queue, or in the graveyard */
  uint8_t minor;          /* of the request's version */

  bool safe;         /* its method is: others may be handled at the same time */
  bool head_request; /* no body in the response, whatever its content-length */
  bool delivered;    /* the handler knows the stream */
  bool told;         /* closed() was called */
  bool gone;         /* out of the queue: in the graveyard */
  bool keep;         /* the connection goes on after this exchange */
  bool expects;      /* the client waits for 100 before it sends the body */
  bool hints;        /* the client is known to take 103 */
  bool connect;      /* CONNECT */
  bool prioritized;  /* by the client, so: */
  bool incremental;
  uint8_t urgency;
  bool asks;         /* for a tunnel that is neither made nor refused */
  bool tunnel;       /* it is made */
  bool end_received; /* the request is complete; of a tunnel, the client's direction */
  bool counted;      /* in shared->uploads */
  bool final_queued; /* the final response has begun */
  bool body_waiting; /* the last pull said BODY_WAIT */
  bool body_ended;   /* the last pull said BODY_END; what ends the message may follow */
  bool chunked;      /* the response's body is sent in chunks */
  bool cut;          /* the response ends here, incomplete, and the connection with it */
  bool sent;         /* the response is complete, in the output */
  bool responded;    /* client: the final response's head has come */

  uint16_t status;     /* of the final response; 0: none */
  uint32_t error_code; /* that closed() told */
  uint32_t header_received, header_sent;
  uint32_t room_bytes; /* at which the body said BODY_ROOM; 0: any number is enough */
  uint32_t lent;       /* pieces of the body that the transport holds */

  struct span protocol;               /* of the tunnel: the handler's spelling, static */
  struct h1_text *texts, *texts_tail; /* to be sent before the body */
  struct h1_text *trailers;           /* and after it */
  struct body body;
  int64_t length_left; /* bytes of the body that content-length still promises; -1: not given */
  uint64_t body_sent;

  struct h1_chunked decoder;
  int64_t content_length; /* of the request; -1: not given */
  int64_t body_received;
  uint64_t held_bytes;   /* that the handler has and has not consumed */
  uint64_t cap_bytes;    /* see stream_cap() */
  uint64_t linger_bytes; /* body_received at which a request that was answered is given up */
  uint64_t opened_ns, heard_ns, spoke_ns;
  uint64_t timer_ns; /* of the handler, or of the lingering; MACHINE_NO_DEADLINE: none */
  struct pace pace;
};

/* Takes over a connection whose client asks for another protocol (asked->protocol). Borrows `asked`. False: it goes
 * on in HTTP/1.1. True: nothing more is done with this machine but to close it. */
typedef bool h1_upgrade_fn(void *ctx, const struct http_upgrade *asked, uint64_t now_ns);

struct h1 {
  struct http_shared *http; /* shared with all protocols */
  struct h1_shared *shared; /* shared with all HTTP/1.1 connections */
  struct machine_host *host;
  const struct stream_ops *stream_ops;
  const struct h1_client_events *client; /* client role; may be NULL */
  void *client_ctx;
  h1_upgrade_fn *upgrade; /* server; NULL: such requests are ordinary ones */
  void *upgrade_ctx;
  struct machine_peer peer;
  uint64_t now_ns; /* of the current machine call, or of the last one */

  struct out out;
  struct h1_gathered *gathered;
  struct h1_stream *first, *last; /* requests that are not answered completely, in order */
  struct h1_stream *reading;      /* whose body is incomplete; client: whose response is */
  struct h1_stream *asking;       /* client: whose request is not complete in the output */
  struct h1_stream *answering; /* server: the only one, whose request the handler is being given */
  struct h1_stream *graves;    /* out of the queue, and not freed yet */
  uint32_t queued, queued_unsafe; /* length of the queue, and how many of it are not safe */
  uint32_t discarded_bytes;       /* in H1_READ_DISCARD */
  uint64_t requests;              /* that have come: the identifier of the last */
  struct budget small_chunks;

  uint64_t opened_ns, idle_since_ns;
  uint64_t begun_ns;         /* when the head's first byte arrived; 0: none has */
  uint64_t grace_ns;         /* draining: until then one more request may begin; 0: none may */
  uint64_t stalled_since_ns; /* when output last began to wait for the peer; 0: none waits */
  uint64_t stalled_bytes;    /* bytes that the peer has taken since */
  uint64_t tick_ns;          /* when the request's body is looked at next */

  uint32_t memo_mark;                      /* server: of the last request's fields; 0: none */
  uint32_t head_bytes;                     /* client: of the head that came last */
  uint32_t depth;                          /* client: requests that may be under way at once */
  uint8_t protocol[H1_PROTOCOL_BYTES_MAX]; /* client: of the tunnel that is asked for */
  uint8_t protocol_len;
  uint8_t role;       /* enum h1_role */
  uint8_t phase;      /* enum h1_phase */
  bool in_call;       /* a machine call is running */
  bool held;          /* a complete head waits in `gathered` for its turn */
  bool closing;       /* nothing new is begun: once the output has left, the connection ends */
  bool lost;          /* nothing more is sent, either */
  bool eof;           /* the peer has closed its direction */
  bool draining;      /* the host wants an end */
  bool handed_over;   /* to another protocol */
  bool stalled_ended; /* a response has ended since stalled_since_ns */
  bool end_told;      /* h1_client_events.ended was called */
  bool last_said;     /* by the client, of the last request that was read, which has no body */
};

static inline size_t h1_min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Brings the time when a call comes from outside of the machine's calls: from a handler, say. */
static inline void h1_call_in(struct h1 *h1) {
  uint64_t now_ns = http_shared_now_ns(h1->http);
  if (!h1->in_call && now_ns > h1->now_ns) h1->now_ns = now_ns;
}

static inline bool h1_is_client(const struct h1_stream *stream) {
  return stream->h1->role == H1_CLIENT;
}

/* Tells the host that there may be something to do. */
static inline void h1_wake(struct h1 *h1) {
  if (!h1->in_call && h1->host) h1->host->wake(h1->host);
}

#endif
