/*
 * trace/origin.h - one connection an origin: looked up before the run, dialled when its first
 * resource is due. Nobody dials again when it fails.
 *
 * Its machines: outside [tls] tap h2.
 */
#ifndef WEIR_TRACE_ORIGIN_H
#define WEIR_TRACE_ORIGIN_H

#include "tools/client/connection.h"
#include "tools/common/failure.h"
#include "tools/trace/run.h"

struct trace_origin {
  struct client_connection client;
  struct client_server server;
  struct trace_origins *all;
  struct url url; /* the first one of this origin */
  uint8_t index;  /* in record->connections */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  struct trace_tap tap;
  struct trace_outside outside;
  struct h2 *h2; /* NULL unless requests can be made */
  bool opened;   /* somebody has asked for it */
  bool closed;   /* for good */
};

/* All origins of a run. */
struct trace_origins {
  struct trace_run *run;
  struct tls_context *tls;                        /* NULL: no origin is secure */
  struct trace_origin *at[TRACE_CONNECTIONS_MAX]; /* record->connection_count of them */
  /* One of them can take requests, or more of them, or will never take any again. */
  void (*changed)(struct trace_origins *origins);
};

/* Before the run: finds or makes the origin of `url`, and looks its addresses up. NULL with one
 * line in `failure`. */
__attribute__((warn_unused_result)) struct trace_origin *
trace_origin_find(struct trace_origins *origins, const struct url *url,
                  const struct failure *failure);

/* Before the run, with all origins known: prepares TLS. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool trace_origins_prepare(struct trace_origins *origins,
                                                               const struct failure *failure);

void trace_origins_free(struct trace_origins *origins);

/* Begins to connect, if nobody has yet. */
void trace_origin_open(struct trace_origin *origin);

/* The connection takes no more requests. */
bool trace_origin_is_closing(const struct trace_origin *origin);

/* A request can be made now. */
bool trace_origin_has_room(const struct trace_origin *origin);

/* Those that are being dialled are given up. */
void trace_origins_leave(struct trace_origins *origins);

#endif
