/*
 * client/connection.h - an outgoing connection: it dials, sets up TLS, then runs a protocol's
 * machine.
 *
 *     away --open--> dialing, one address after another --> up: [TLS], then the protocol --> away
 *                              \-- none accepts ----------------------------------------------^
 *
 *     socket <-> [the owner's machine] <-> connection <-> [tls] <-> [the owner's] <-> protocol
 *
 * This module knows no protocol. The owner creates the protocol's machine, and may wrap it and the
 * whole connection in machines of its own. client/h2.h creates the machine for HTTP/2.
 *
 * Ownership: the caller owns both structs. The connections to one server share it, and run on one
 * worker.
 */
#ifndef WEIR_TOOLS_CLIENT_CONNECTION_H
#define WEIR_TOOLS_CLIENT_CONNECTION_H

#include "io/link/dial.h"
#include "io/tls/factory.h"
#include "io/tls/facts.h"
#include "io/worker/worker.h"
#include "tools/client/limits.h"
#include "tools/client/wrap.h"

/* ---- where to ------------------------------------------------------------------------------ */

struct client_server {
  const char *authority;           /* kept; for messages */
  const struct address *addresses; /* kept; one at least */
  unsigned address_count;
  uint64_t connect_ns; /* timeout for each address */
  struct tls_factory tls;
  bool secure;
};

/* Prepares TLS for up to `connections` connections; no TLS if `tls` is NULL. `host` is the name to
 * verify. The caller sets the other members. False when memory was refused. */
__attribute__((warn_unused_result)) bool client_server_init(struct client_server *server,
                                                            struct tls_context *tls,
                                                            const char *host, uint32_t connections);

/* To be called when all its connections are gone. A zeroed server is allowed. */
void client_server_free(struct client_server *server);

/* ---- a connection ---------------------------------------------------------------------------- */

struct client_connection;

/* Callbacks to the owner. Those marked optional may be NULL. */
struct client_ops {
  /* Optional. A socket exists and has not started to connect. */
  void (*prepare)(struct client_connection *connection, int fd);
  /* Optional. TCP is connected. */
  void (*connected)(struct client_connection *connection);
  /* TCP, and TLS if used, are connected: creates the protocol's machine. False, after
   * client_blame(), when that fails. */
  bool (*create)(struct client_connection *connection, const struct machine_peer *peer,
                 struct machine_host *host, uint64_t now_ns, struct machine *out);
  /* Optional. Wraps the whole connection in a machine, or replaces its functions: see
   * client_connection_recv_eof(). */
  void (*around)(struct client_connection *connection, struct machine *machine);
  /* Why the connection failed or ended: one line of printable ASCII. At most once per opening. */
  void (*blamed)(struct client_connection *connection, const char *reason);
  /* All machines are closed, or none was created. The connection may be opened again, even from
   * this call. */
  void (*gone)(struct client_connection *connection);
};

enum client_state { CLIENT_AWAY, CLIENT_DIALING, CLIENT_UP };

struct client_connection {
  struct wrap wrap; /* first */
  struct client_server *server;
  const struct client_ops *ops;
  struct worker *worker;
  enum client_state state;
  bool created; /* CLIENT_UP: the protocol's machine exists */
  bool eof;     /* CLIENT_UP: the server's FIN has come */
  bool blamed;  /* ops->blamed was called */
  unsigned addresses_tried;
  struct dial dial;
  struct machine_host host;  /* as the inner machines see it */
  struct machine_host *link; /* the link's */
};

/* Keeps its arguments. `worker` may be set later, before opening. */
void client_connection_init(struct client_connection *connection, struct client_server *server,
                            struct worker *worker, const struct client_ops *ops);

/* Starts to connect. The connection must be CLIENT_AWAY (asserted). Callbacks come later, except for
 * prepare(). */
void client_connection_open(struct client_connection *connection);

/* Cancels dialling; `gone` follows. Does nothing in other states. */
void client_connection_cancel(struct client_connection *connection);

/* Starts a graceful shutdown. Does nothing unless the connection is up. Not from within a machine's
 * call. */
void client_connection_drain(struct client_connection *connection, uint64_t now_ns);

/* The outermost machine is a wrap whose self is the connection. client_ops.around may replace
 * its table. The new table then uses these two functions instead of wrap_recv_eof() and
 * wrap_close(). */
void client_connection_recv_eof(void *self, uint64_t now_ns);
void client_connection_close(void *self);

/* What TLS has agreed on: from client_ops.create on, if the server is secure. */
struct tls_facts client_connection_tls(const struct client_connection *connection);

/* Reports why the connection failed or ended. Only the first reason counts. Arguments may come from
 * the peer. */
__attribute__((format(printf, 2, 3))) void client_blame(struct client_connection *connection,
                                                        const char *format, ...);

#endif
