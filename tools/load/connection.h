/*
 * load/connection.h - a connection's life.
 *
 *     away --dial--> dialing --TCP--> greeting --[TLS,] SETTINGS--> open --> closing --+
 *      ^                                                                               |
 *      +-- there is work left ---------------------------------------------------------+--> ended
 *
 * No request is sent before the server's SETTINGS have come, so its limit on streams is obeyed from
 * the first one on. With caps none is sent before ours are acknowledged either: until then the
 * server may send more than the small window that they announce.
 *
 * A server may end a connection (GOAWAY, an idle timeout, a number of requests). While there is
 * work it is made again, at once if it was of use.
 */
#ifndef WEIR_LOAD_CONNECTION_H
#define WEIR_LOAD_CONNECTION_H

#include "engine/engine.h"
#include "tools/client/connection.h"
#include "tools/load/request.h"

enum load_state {
  LOAD_AWAY,     /* not connected; a timer may be running */
  LOAD_DIALING,  /* TCP */
  LOAD_GREETING, /* TLS, then SETTINGS */
  LOAD_OPEN,     /* takes requests */
  LOAD_CLOSING,  /* HTTP/2 has ended; the machines are still to be closed */
  LOAD_ENDED,    /* for good */
};

struct load_connection {
  struct client_connection client; /* first */
  struct load_books *books;
  struct engine *engine;
  enum load_state state;
  bool was_open; /* once at least */
  bool settled;  /* the first attempt is over, one way or the other */
  unsigned futile;
  uint64_t begin_ns, connected_ns, heard_ns;
  struct timer timer; /* until the next attempt */
  uint64_t share;     /* requests still to be started here; not in an open loop */
  struct load_slots slots;
};

/* Keeps what it is given. */
void load_connection_init(struct load_connection *connection, struct load_books *books,
                          struct engine *engine, struct client_server *server, uint64_t share);
void load_connection_free(struct load_connection *connection);
void load_connection_open(struct load_connection *connection);

/* Starts what can be started. */
void load_connection_fill(struct load_connection *connection);

/* Open loop: starts a request that is due, if there is room for it. */
__attribute__((warn_unused_result)) bool
load_connection_start_one(struct load_connection *connection);

/* Once a second: is it stuck? */
void load_connection_look(struct load_connection *connection);

/* The run is over; what is being dialled is given up. */
void load_connection_leave(struct load_connection *connection);

/* The connection of a request. */
struct load_connection *load_connection_of(const struct load_request *request);

#endif
