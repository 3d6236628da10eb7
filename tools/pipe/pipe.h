/*
 * pipe/pipe.h - copies bytes both ways between a socket and a stream of another connection: one
 * forwarded connection, on either end of a tunnel.
 *
 *     socket --recv--> [at most PIPE_READ_BYTES_MAX] --pull--> stream's body
 *     socket <--send-- [what the stream's window allows] <--data-- stream
 *
 * The socket's machine and the stream may be attached in either order, and what one of them brings
 * before the other is there waits. The directions are independent:
 *   socket's FIN           the body ends once it has been pulled empty
 *   peer's end of stream   the socket's direction is closed once everything was sent
 *   socket fails           the stream is reset, with `reset_code`
 *   stream is reset        the socket is reset, and what was queued for it is dropped
 * Back-pressure: a full queue stops reading from the socket; the stream gets its credit back when the
 * socket has taken the bytes (consume_later).
 *
 *     pipe_new() --> pipe_socket(), pipe_body() + pipe_attach() in either order
 *       --> events.closed()   socket, stream and body are gone: those that were attached
 *       --> pipe_free()
 *
 * Ownership: the caller owns the pipe. While anything is attached only pipe_cut() ends it; closed()
 * follows. Thread: one worker's.
 */
#ifndef WEIR_TOOLS_PIPE_H
#define WEIR_TOOLS_PIPE_H

#include "engine/http/stream.h"
#include "engine/spdy/shared.h"
#include "tools/pipe/queue.h"

struct pipe;

/* What the pipes of one worker share. */
struct pipes {
  struct pool pipes;
  struct pipe_heap heap;
  uint32_t reset_code; /* the protocol's code for a stream whose socket has failed */
  /* A reset counts as the end of the stream once our own direction has ended: set where clients always
   * reset at the end, even after a complete exchange, as kubectl does. */
  bool reset_ends;
};

/* At most `pipes_max` pipes, with `pieces_max` pieces of PIPE_PIECE_BYTES in their queues. Keeps `memory`;
 * allocates nothing yet. */
void pipes_init(struct pipes *pipes, const struct memory *memory, uint32_t pipes_max,
                uint32_t pieces_max);

/* Sets the windows of SPDY for an engine whose streams are pipes. Their budget is unlimited: pieces_max bounds what
 * they hold. */
void pipes_set_windows(struct spdy_config *config);

/* Every pipe must have been freed (asserted). */
void pipes_destroy(struct pipes *pipes);

/* Why a pipe ended. */
enum pipe_end {
  PIPE_DONE,   /* both directions ended in order; or it has not ended */
  PIPE_SOCKET, /* the socket failed, or its peer reset it */
  PIPE_STREAM, /* the stream was reset, with pipe.stream_code, or its connection was lost */
  PIPE_CUT,    /* pipe_cut(), or no memory */
};

/* What the owner hears. Every member may be NULL. */
struct pipe_events {
  /* Client role: the answer to the stream's request. */
  void (*response)(struct pipe *pipe, unsigned status, const struct headers *fields, bool end);
  /* Client role, after pipe_hold(): the stream was reset, with stream_code, before it was answered. Nothing was sent,
   * and nothing of the stream is left. Another one may be attached, after pipe_hold() again; or pipe_cut(). Not called
   * once the socket has gone. */
  void (*released)(struct pipe *pipe);
  /* Nothing is attached any more; pipe->end says why. It may be freed in this call. Socket or stream may
   * also be attached again later, if they never were. */
  void (*closed)(struct pipe *pipe);
};

struct pipe {
  /* For the owner to read. */
  void *user; /* the owner's */
  enum pipe_end end;
  uint32_t stream_code;  /* PIPE_STREAM, and in released() */
  uint64_t socket_bytes; /* received from the socket */
  uint64_t stream_bytes; /* and from the stream */
  struct stream *stream; /* NULL: none is attached */
  bool has_socket;

  /* Private. */
  struct pipes *pipes;
  const struct pipe_events *events;
  struct machine_host *host; /* has_socket: the socket's; may be NULL */
  struct pipe_queue in;      /* from the socket */
  struct pipe_queue out;     /* to the socket */
  bool has_body;
  bool held;         /* the body waits for the answer */
  bool socket_ended; /* the socket's FIN has come */
  bool body_ended;   /* and the stream knows */
  bool stream_ended; /* the peer of the stream has ended its direction */
};

/* Nothing is attached. Keeps its arguments. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct pipe *
pipe_new(struct pipes *pipes, const struct pipe_events *events, void *user);

/* Nothing may be attached (asserted). */
void pipe_free(struct pipe *pipe);

/* Attaches a socket: makes its machine. `host` is kept, and may be NULL in tests. Once only. */
void pipe_socket(struct pipe *pipe, struct machine_host *host, struct machine *out);

/* The stream's body, to be given to stream_tunnel() or with a request. Once for each stream. When the request is refused,
 * the body is closed, and closed() may be called inside. */
struct body pipe_body(struct pipe *pipe);

/* Client role, before pipe_body(): the body gives nothing until the request was answered. */
void pipe_hold(struct pipe *pipe);

/* The stream's events, with the pipe as `user`, to be given with a request. */
extern const struct stream_events pipe_stream_events;

/* Attaches a stream: sets its events, its user and the flags that a pipe needs. A server's handler calls this
 * before stream_tunnel(), a client when its request has returned the stream. */
void pipe_attach(struct pipe *pipe, struct stream *stream);

/* Ends it at once: resets the socket and the stream. The stream has gone when this returns, the
 * socket goes later. */
void pipe_cut(struct pipe *pipe);

#endif
