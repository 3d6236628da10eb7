/*
 * trace/origin.h - the connections to origins: one to each, or up to six over HTTP/1.1. An origin's name is
 * resolved before the run. A connection is opened when a resource is due that needs it, and not reopened
 * after a failure.
 *
 * Its machines, from the outside in: outside, [tls,] tap, h2; or outside, [tls,] h1.
 */
#ifndef WEIR_TRACE_ORIGIN_H
#define WEIR_TRACE_ORIGIN_H

#include "tools/client/http.h"
#include "tools/common/failure.h"
#include "tools/trace/outside.h"
#include "tools/trace/run.h"
#include "tools/trace/tap.h"

/* One connection, and with it what is known of its origin. */
struct trace_origin {
  struct client_connection client;
  struct client_server server;
  struct trace_origins *all;
  struct url url; /* the first URL of this origin */
  uint8_t index;  /* in record->connections */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  struct trace_tap tap;
  struct trace_outside outside;
  struct client_http http;
  struct trace_origin *next; /* another connection to the same origin */
  bool opened;               /* it was told to connect */
  bool closed;               /* for good */
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

/* A connection of this origin on which a request can be made now; NULL if there is none. Then one is opened,
 * if more requests wait (`waiting` of them, besides this one) than connections are being opened. */
struct trace_origin *trace_origin_with_room(struct trace_origin *origin, size_t waiting);

/* Why no connection of this origin will take a request any more; NULL: one may. */
const char *trace_origin_closed_why(const struct trace_origin *origin);

/* Over HTTP/1.1, which has no frames: notes a head, or bytes of a body, as the frame that HTTP/2 would have
 * (`type` is H2_HEADERS or H2_DATA). */
void trace_origin_note(const struct trace_origin *origin, uint8_t type, uint32_t stream_id,
                       size_t bytes, bool sent);

/* Cancels dialling. */
void trace_origins_leave(struct trace_origins *origins);

#endif
