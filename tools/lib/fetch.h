/*
 * lib/fetch.h - a fetch on the worker's thread: a request when its turn comes, events that fill the response, and an
 * end that its caller waits for.
 *
 * The struct of the client is here, too. What its connection does is up to tools/lib/client.c.
 */
#ifndef WEIR_LIB_FETCH_H
#define WEIR_LIB_FETCH_H

#include "engine/engine.h"
#include "tools/client/http.h"
#include "tools/client/lookup.h"
#include "tools/client/url.h"
#include "tools/lib/group.h"
#include "tools/lib/limits.h"
#include "tools/lib/weir.h"

/* Of the connection, as tools/lib/client.c says. */
enum weir_client_state { DIALING, READY, LOST };

struct fetch {
  struct weir_client *client;
  const struct weir_request *request;
  struct weir_response *response;
  struct fetch *next; /* in the queue */
  struct body_bytes body;
  size_t body_capacity; /* allocated for the response's */
  uint64_t deadline_ns;
  bool closed;
  bool repeated; /* it was asked again */
  bool lent;     /* the request's body is still in use */
  bool ended;    /* the response is complete */
  bool done;     /* under the lock: its fetch may return */
};

/* Its members belong to the worker, except those under the lock. */
struct weir_client {
  struct url url;
  struct address addresses[CLIENT_ADDRESSES_MAX];
  struct tls_context *tls;
  size_t body_bytes_max;
  uint64_t timeout_ns;

  struct worker_group group;
  struct worker *worker;
  struct engine engine;
  bool has_engine;
  struct client_server server;
  struct client_connection connection;
  struct client_http http;
  enum client_versions versions;
  struct timer flush;         /* looks at the queue again */
  struct fetch *queue, **end; /* waiting for room on the connection */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  enum weir_client_state state; /* written under the lock; the worker may read it without */
  char reason[WEIR_ERROR_BYTES];
};

/* Looks at the queue again: soon, not now. */
static inline void fetch_flush_soon(struct weir_client *client) {
  struct loop *loop = &client->worker->loop;
  timer_arm(&loop->timers, &client->flush, loop->now_ns);
}

/* NULL: nothing is wrong with the request, whatever the server. */
const char *fetch_fault_of(const struct weir_request *request);

/* Makes the request: there is room for it. */
void fetch_ask(struct fetch *fetch);

/* Ends a fetch whose request was never sent. */
void fetch_fail(struct fetch *fetch, const char *reason);

/* The same, because its time is over. */
void fetch_fail_late(struct fetch *fetch);

#endif
