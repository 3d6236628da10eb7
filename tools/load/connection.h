/*
 * load/connection.h - the life of one connection.
 *
 *     away --dial--> dialing --TCP--> greeting --[TLS,] SETTINGS--> open --> closing --+
 *      ^                                                                               |
 *      +-- there is work left ---------------------------------------------------------+--> ended
 *
 * Requests are sent only after the server's SETTINGS have arrived, so that its limit on streams is
 * always respected. With caps, they also wait for the ACK of our SETTINGS: until then the server
 * may send more than our small window.
 *
 * Servers end connections: by GOAWAY, on an idle timeout, after a number of requests. While there
 * is work, we reconnect; at once if the last connection completed a response, else after a pause.
 * With -n, a connection that failed too often fails its requests. With -D, only a reason that stays
 * ends it: a server that refuses connections may be starting.
 *
 * With --requests-per-connection we end them ourselves, when all of their requests have ended.
 *
 * --timeout also limits each phase before a connection is open: TCP; and TLS with SETTINGS.
 *
 * With --ws, each connection carries one WebSocket. It is open when that is, and ends with it.
 */
#ifndef WEIR_LOAD_CONNECTION_H
#define WEIR_LOAD_CONNECTION_H

#include "engine/engine.h"
#include "tools/client/connection.h"
#include "tools/load/request.h"
#include "tools/load/ws.h"

enum load_state {
  LOAD_AWAY,     /* not connected; a timer may be running */
  LOAD_DIALING,  /* TCP */
  LOAD_GREETING, /* TLS, then SETTINGS */
  LOAD_OPEN,     /* takes requests */
  LOAD_CLOSING,  /* HTTP has ended; its machines are not closed yet */
  LOAD_ENDED,    /* for good */
};

struct load_connection {
  struct client_connection client; /* first */
  struct wrap inside;              /* with TLS: between it and the protocol */
  struct load_books *books;
  struct engine *engine;
  enum load_state state;
  bool was_open; /* at least once */
  bool settled;  /* the first attempt has succeeded or failed */
  bool hopeless; /* never open, for a reason that stays: TLS, or another protocol */
  bool cut;      /* its machines are to be closed at once */
  unsigned futile;
  uint64_t begin_ns, connected_ns, heard_ns;
  struct timer timer;        /* until the next attempt, or until this one has lasted too long */
  struct load_caller caller; /* waits for --connect-rate */
  uint64_t asked;            /* requests started since it opened */
  uint64_t asked_max;        /* --requests-per-connection; UINT64_MAX without */
  bool retired;              /* closed by us, for --requests-per-connection */
  bool used_up;              /* its WebSocket has ended, so that it is to be closed */
  uint64_t share;            /* requests that it may still start; not used in open loops */
  struct load_slots slots;
  struct load_ws ws; /* --ws */
};

/* Keeps its arguments. */
void load_connection_init(struct load_connection *connection, struct load_books *books,
                          struct engine *engine, struct client_server *server,
                          struct load_ws_kit *kit, uint64_t share);
void load_connection_free(struct load_connection *connection);
void load_connection_open(struct load_connection *connection);

/* Starts as many requests as there is room for. */
void load_connection_fill(struct load_connection *connection);

/* Open loop: starts one request that is due. False if there is no room. */
__attribute__((warn_unused_result)) bool
load_connection_start_one(struct load_connection *connection);

/* To be called once a second. Gives up on a connection that is stuck. */
void load_connection_look(struct load_connection *connection);

/* The run is over: cancels dialling. */
void load_connection_leave(struct load_connection *connection);

/* Times a request out, and starts others in its place. */
void load_connection_expire(struct load_request *request);

#endif
