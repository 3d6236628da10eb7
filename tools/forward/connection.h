/*
 * forward/connection.h - one forwarded connection: a local socket, a data stream, and the error stream beside it.
 *
 *     WAITING  accepted; the session is not up, or takes no more streams. What the client sends is kept (pipe/pipe.h)
 *     ASKED    both streams are opened; nothing is sent before their SYN_REPLYs, because servers drop that. If the
 *              session is lost now, it waits again
 *     OPEN     bytes go both ways
 *     ENDED    the pipe has ended; the error stream may still say something
 *
 * A text on the error stream, a reset of the data stream or a missing SYN_REPLY resets the local connection, and
 * no other.
 *
 * Ownership: a connection frees itself. Thread: the worker's.
 */
#ifndef WEIR_FORWARD_CONNECTION_H
#define WEIR_FORWARD_CONNECTION_H

#include "engine/spdy/spdy.h"
#include "io/base/list.h"
#include "io/worker/worker.h"
#include "tools/forward/limits.h"
#include "tools/pipe/pipe.h"

struct connection;

/* How one ended, for counts and the lines of --verbose. */
enum connection_end {
  CONNECTION_DONE,    /* both ends have closed it */
  CONNECTION_LOCAL,   /* the local client reset it */
  CONNECTION_REMOTE,  /* the other end reset it, or did not answer */
  CONNECTION_REFUSED, /* the error stream said why */
  CONNECTION_LOST,    /* with the session */
  CONNECTION_STOPPED, /* by connections_stop() */
  CONNECTION_ENDS
};

struct connections_events {
  /* Text of an error stream, without control characters. */
  void (*error)(void *ctx, const struct connection *connection, const char *text);
  void (*opened)(void *ctx, const struct connection *connection);
  void (*ended)(void *ctx, const struct connection *connection);
};

/* All of them. */
struct connections {
  struct worker *worker;
  const struct connections_events *events;
  void *ctx;
  struct spdy *spdy;      /* where to open streams; NULL: the session is not up */
  const uint16_t *remote; /* ports, by connection.port */
  struct pipes pipes;
  struct list_node all;
  struct timer timer; /* for those that wait for room in the session */
  uint32_t count, count_max;
  uint64_t next_id; /* requestID */
  bool losing;      /* the session ends, and its streams with it */
  bool stopping;
};

enum connection_state { CONNECTION_WAITING, CONNECTION_ASKED, CONNECTION_OPEN, CONNECTION_ENDED };

struct connection {
  struct connections *all;
  struct list_node node; /* in all->all */
  unsigned port;         /* index of the local port that accepted it */
  uint16_t remote;       /* 0: not asked for yet */
  char client[64];       /* the local client's address, for lines */
  uint64_t begun_ns;
  uint64_t bytes_sent, bytes_received; /* to and from the pod; good once ended */
  enum connection_state state;
  enum connection_end end;
  unsigned answers;     /* SYN_REPLYs, of two */
  unsigned tries;       /* that the server refused */
  bool refused;         /* the last of them was: not to be tried again at once */
  struct pipe *pipe;    /* NULL: has ended */
  struct stream *error; /* the error stream; NULL: none, or it has ended */
  bool error_answered;  /* its SYN_REPLY has come */
  bool error_body;      /* its body is in use */
  struct timer timer;
  size_t text_len;
  char text[FORWARD_ERROR_TEXT_BYTES];
};

/* At most `count_max` at once; more are refused. */
void connections_begin(struct connections *all, struct worker *worker, uint32_t count_max,
                       const struct connections_events *events, void *ctx);

/* Every one must have ended. */
void connections_destroy(struct connections *all);

/* Makes the machine of an accepted socket. As machine_factory.create(). */
__attribute__((warn_unused_result)) bool connection_accept(struct connections *all, unsigned port,
                                                           const struct machine_peer *peer,
                                                           struct machine_host *host,
                                                           uint64_t now_ns, struct machine *out);

/* The session is up: those that wait are opened, as far as it has room. `remote` is kept. */
void connections_up(struct connections *all, struct spdy *spdy, const uint16_t *remote);

/* It has room for more. */
void connections_room(struct connections *all);

/* It takes no more streams: from now on connections wait. Returns how many are open, which go on. */
unsigned connections_retired(struct connections *all);

/* It is lost: its streams end next. Returns how many connections are open. */
unsigned connections_lost(struct connections *all);

/* Resets all of them. Returns how many there were. */
unsigned connections_stop(struct connections *all);

#endif
