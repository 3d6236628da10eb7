/*
 * load/connection.h - one connection: its states, and the requests that it starts.
 *
 *     away --dial--> dialing --TCP--> greeting --[TLS,] SETTINGS--> open --> closing --+
 *      ^                                                                               |
 *      +-- there is work left ---------------------------------------------------------+--> ended
 *
 * Requests are sent only after the server's SETTINGS have arrived, so that its limit on streams is
 * always respected. With caps, they also wait for the ACK of our SETTINGS: until then the server
 * may send more than our small window.
 *
 * Servers end connections: by GOAWAY, on an idle timeout, after a number of requests. load/retry.h
 * says whether one comes again.
 *
 * With --requests-per-connection we end them ourselves, when all of their requests have ended.
 *
 * --timeout also limits each phase before a connection is open: TCP; and TLS with SETTINGS.
 *
 * With --ws, each connection carries one WebSocket. It is open when that is, and ends with it.
 *
 * load/life.h opens it, and turns what happens to it into these states.
 */
#ifndef WEIR_LOAD_CONNECTION_H
#define WEIR_LOAD_CONNECTION_H

#include "engine/engine.h"
#include "tools/client/connection.h"
#include "tools/load/meter.h"
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
  struct load_meter meter;         /* with TLS: between it and the protocol */
  struct load_books *books;
  struct engine *engine;
  enum load_state state;
  bool was_open; /* at least once */
  bool settled;  /* the first attempt has succeeded or failed */
  bool hopeless; /* never open, for a reason that stays: TLS, or another protocol */
  bool cut;      /* its machines are to be closed at once */
  bool graceful; /* the server has begun to end it as the protocol provides for it */
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

static inline void load_connection_set_state(struct load_connection *connection,
                                             enum load_state state) {
  connection->state = state;
  connection->slots.ended = state == LOAD_ENDED;
}

static inline bool load_connection_is_ws(const struct load_connection *connection) {
  return connection->ws.kit;
}

/* The first attempt is over: the books wait for that of each connection. Later calls do nothing. */
void load_connection_settle(struct load_connection *connection);

/* It is away. Arms the timer for the next attempt, or ends it for good. */
void load_connection_retry(struct load_connection *connection);

/* Gives up on it and its remaining requests. The timer drains it, since this may be within a machine's call. Borrows
 * `reason`. */
void load_connection_give_up(struct load_connection *connection, const char *reason);

/* Starts as many requests as there is room for. */
void load_connection_fill(struct load_connection *connection);

/* Open loop: starts one request that is due. False if there is no room. */
__attribute__((warn_unused_result)) bool
load_connection_start_one(struct load_connection *connection);

/* To be called once a second. Gives up on a connection that is stuck. */
void load_connection_look(struct load_connection *connection);

/* Times a request out, and starts others in its place. */
void load_connection_expire(struct load_request *request);

#endif
