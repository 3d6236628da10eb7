/*
 * tunnel/pair.h - one forwarded connection: an error stream and a data stream, which belong together, and the
 * connection to the target.
 *
 *                  --error stream--+
 *     pairs_stream()               +--> complete: dials the target --> copies (tools/pipe) --> ends
 *                  --data stream---+
 *
 * A stream is accepted when it comes. Its partner gets TUNNEL_PAIR_NS. The error stream ends, from our side, when
 * the data stream has: empty after success. Clients like kubectl end their whole session for a byte on it. So
 * what is wrong with one target is written only if the session's `tells` is set. Otherwise the data stream is
 * reset, which ends that connection alone.
 *
 * Owner: itself. It is freed when its streams, its socket and its dial are gone. It may outlive its session, for
 * a socket closes later.
 */
#ifndef WEIR_TOOLS_TUNNEL_PAIR_H
#define WEIR_TOOLS_TUNNEL_PAIR_H

#include "io/link/dial.h"
#include "tools/tunnel/wish.h"
#include "tools/tunnel/worker.h"

/* The pairs of one session. */
struct pairs {
  struct tunnel_worker *worker;
  const struct tunnel_pod *pod;
  bool tells; /* errors of targets are written to error streams */
  void (*fault)(struct pairs *pairs, unsigned faults); /* FAULT_DROP or FAULT_VANISH has come due */
  struct list_node all;                                /* struct pair.node */
  unsigned waiting;                                    /* those that are not complete */
};

struct pair;

void pairs_init(struct pairs *pairs);

/* A stream of a session: makes it one of a pair, or resets it: when its fields are wrong, its pair has such a stream
 * already, or too many pairs wait. */
void pairs_stream(struct pairs *pairs, struct stream *stream, const struct headers *fields);

/* Ends all connections at once. */
void pairs_cut(struct pairs *pairs);

/* The session has ended, and all of its streams. */
void pairs_close(struct pairs *pairs);

#endif
