/*
 * http/shared.h - what all connections of one worker share, whatever their protocol: the handler,
 * scratch space for one header section, and the fields that every response gets.
 *
 * Ownership: embedded in its engine; keeps `memory` and `handler` for its whole life.
 */
#ifndef WEIR_HTTP_SHARED_H
#define WEIR_HTTP_SHARED_H

#include "engine/base/pool.h"
#include "engine/http/date.h"
#include "engine/http/handler.h"
#include "engine/http/headers.h"

/* Of all protocols together. The worker writes them; readers use counter_get(). */
struct http_counters {
  uint64_t connections_opened, connections_closed;
  /* Times that a connection got a stream and had none, and that the last of its streams ended: the
   * difference is how many are busy now. */
  uint64_t connections_busied, connections_quieted;
  uint64_t streams_opened, streams_closed;
  uint64_t requests;  /* handed to the handler */
  uint64_t responses; /* final responses that were begun */
  uint64_t body_bytes_received, body_bytes_sent;
  uint64_t too_large; /* got 431: PEER_HEADER_LIST_BYTES_DEFAULT, PEER_HEADER_FIELDS_MAX */
  uint64_t idled;     /* connections closed after PEER_IDLE_NS: no fault */
  uint64_t refused;   /* connections or streams refused for lack of resources */
};

/* A request on its way from HTTP/1.1 to HTTP/2 (RFC 7540 section 3.2). */
struct http_upgrade {
  const char *protocol;          /* "h2c" or "spdy/3.1" */
  const struct request *request; /* lent; complete, and without a body */
  struct span settings;          /* h2c: the value of HTTP2-Settings */
  size_t head_bytes;
};

struct http_shared {
  const struct memory *memory;
  const struct handler *handler; /* server role; NULL in a pure client */
  uint64_t idle_ns;              /* how long a connection without streams lives */
  const uint64_t *clock_ns;      /* the host's, or NULL: see http_shared_now_ns() */
  uint64_t entered_ns; /* the time that the last machine call brought, of any connection */

  struct http_counters counters;

  /* Scratch for one header section, which is decoded and handled before the next one. Its
   * list_bytes_max is the largest section that is accepted. */
  struct headers headers;
  struct header *fields; /* fields_max of them: as many as fit into header_list_bytes */
  uint32_t fields_max;
  uint8_t *arena;
  size_t arena_bytes;

  uint64_t requests_numbered; /* the last request.number that was given */

  int64_t date_seconds;                   /* of `date` */
  char date[HTTP_DATE_BYTES];             /* IMF-fixdate; begins with 0 until it is known */
  struct header date_field, server_field; /* ready to be sent */
};

/* `header_list_bytes`: the largest header section that is accepted. False when memory was refused;
 * nothing is held then. */
__attribute__((warn_unused_result)) bool
http_shared_init(struct http_shared *shared, const struct memory *memory,
                 const struct handler *handler, uint32_t header_list_bytes, uint64_t idle_ns);

void http_shared_destroy(struct http_shared *shared);

/* The time, for what reaches a connection from outside of its own calls: a handler's timer, or another
 * connection's event. Its own last call may be long ago. */
static inline uint64_t http_shared_now_ns(const struct http_shared *shared) {
  uint64_t now_ns = shared->clock_ns ? *shared->clock_ns : 0;
  return now_ns > shared->entered_ns ? now_ns : shared->entered_ns;
}

/* Sets the wall clock: seconds since 1970. */
void http_shared_set_date(struct http_shared *shared, int64_t unix_seconds);

#endif
