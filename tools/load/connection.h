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

#include "io/link/dial.h"
#include "io/tls/tls.h"
#include "tools/load/request.h"

enum load_state {
  LOAD_AWAY,     /* not connected; a timer may be running */
  LOAD_DIALING,  /* TCP */
  LOAD_GREETING, /* TLS, then SETTINGS */
  LOAD_OPEN,     /* takes requests */
  LOAD_CLOSING,  /* h2 is gone; TLS says goodbye */
  LOAD_ENDED,    /* for good */
};

struct load_connection {
  struct load_books *books;
  struct engine *engine;
  struct tls_factory *tls; /* NULL: http */
  struct dial dial;
  unsigned address_tried;
  struct machine inner;      /* tls, or h2 */
  struct machine_host host;  /* that the machines inside know */
  struct machine_host *link; /* the real one */
  enum load_state state;
  bool was_open;  /* once at least */
  bool settled;   /* the first attempt is over, one way or the other */
  bool told;      /* why it ended is counted */
  bool went_away; /* the server sent GOAWAY */
  unsigned futile;
  uint64_t begin_ns, connected_ns, heard_ns;
  struct timer timer; /* until the next attempt */
  uint64_t share;     /* requests still to be started here; not in an open loop */
  struct load_slots slots;
};

/* `tls` NULL: http. Keeps what it is given. */
void load_connection_init(struct load_connection *connection, struct load_books *books,
                          struct engine *engine, struct tls_factory *tls, uint64_t share);
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

/* For tls_factory_init(): the h2 machine inside of TLS. */
bool load_connection_make_h2(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                             uint64_t now_ns, struct machine *out);

/* The connection of a request. */
struct load_connection *load_connection_of(const struct load_request *request);

#endif
