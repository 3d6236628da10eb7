/*
 * trace/origin.h - one connection per origin. Its name is resolved before the run. It is opened
 * when its first resource is due, and not reopened after a failure.
 *
 * Its machines, from the outside in: outside, [tls,] tap, h2.
 */
#ifndef WEIR_TRACE_ORIGIN_H
#define WEIR_TRACE_ORIGIN_H

#include "tools/client/connection.h"
#include "tools/common/failure.h"
#include "tools/trace/outside.h"
#include "tools/trace/run.h"
#include "tools/trace/tap.h"

struct trace_origin {
  struct client_connection client;
  struct client_server server;
  struct trace_origins *all;
  struct url url; /* the first URL of this origin */
  uint8_t index;  /* in record->connections */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  struct trace_tap tap;
  struct trace_outside outside;
  struct h2 *h2; /* NULL: not ready, or ended */
  bool opened;   /* trace_origin_open() was called */
  bool closed;   /* for good */
};

/* All origins of a run. */
struct trace_origins {
  struct trace_run *run;
  struct tls_context *tls;                        /* NULL: no origin is secure */
  struct trace_origin *at[TRACE_CONNECTIONS_MAX]; /* record->connection_count of them */
  /* Called when a connection can take more requests, or will take none any more. */
  void (*changed)(struct trace_origins *origins);
};

/* Before the run: finds or creates the origin of `url`, and resolves its name. NULL with one line
 * in `failure`. */
__attribute__((warn_unused_result)) struct trace_origin *
trace_origin_find(struct trace_origins *origins, const struct url *url,
                  const struct failure *failure);

/* Before the run, when all origins are known: prepares TLS. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool trace_origins_prepare(struct trace_origins *origins,
                                                               const struct failure *failure);

void trace_origins_free(struct trace_origins *origins);

/* Starts to connect. Does nothing when called again. */
void trace_origin_open(struct trace_origin *origin);

/* Whether the connection takes no more requests. */
bool trace_origin_is_closing(const struct trace_origin *origin);

/* Whether a request can be made now. */
bool trace_origin_has_room(const struct trace_origin *origin);

/* Cancels dialling. */
void trace_origins_leave(struct trace_origins *origins);

#endif
