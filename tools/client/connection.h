/*
 * client/connection.h - a connection that we make: an address that accepts it, TLS, and then a
 * protocol's machine.
 *
 *     away --open--> dialing, one address after another --> up: [TLS], then the protocol --> away
 *                              \-- none accepts ----------------------------------------------^
 *
 *     socket <-> [the owner's machine] <-> connection <-> [tls] <-> [the owner's] <-> protocol
 *
 * It knows no protocol: the owner makes that machine, and may put others around it and around the
 * whole. client/h2.h makes the one of HTTP/2.
 *
 * Ownership: a server is shared by its connections, all on one worker; both are the caller's memory.
 */
#ifndef WEIR_TOOLS_CLIENT_CONNECTION_H
#define WEIR_TOOLS_CLIENT_CONNECTION_H

#include "io/link/dial.h"
#include "io/tls/factory.h"
#include "io/worker/worker.h"
#include "tools/client/limits.h"
#include "tools/client/wrap.h"

/* ---- where to ------------------------------------------------------------------------------ */

struct client_server {
  const char *authority;           /* kept; for messages */
  const struct address *addresses; /* kept; one at least */
  unsigned address_count;
  uint64_t connect_ns; /* for each address */
  struct tls_factory tls;
  bool secure;
};

/* Prepares TLS for at most `connections` at once; `tls` NULL: none. `host` is the name to verify.
 * The other members are the caller's to set. False when memory was refused. */
__attribute__((warn_unused_result)) bool client_server_init(struct client_server *server,
                                                            struct tls_context *tls,
                                                            const char *host, uint32_t connections);

/* All its connections are gone. Also for a server that is all zeros. */
void client_server_free(struct client_server *server);

/* ---- a connection ---------------------------------------------------------------------------- */

struct client_connection;

/* What the owner decides and hears; those that say so may be NULL. */
struct client_ops {
  /* A socket exists and has not begun to connect. May be NULL. */
  void (*prepare)(struct client_connection *connection, int fd);
  /* TCP is up. May be NULL. */
  void (*connected)(struct client_connection *connection);
  /* TLS, if there is any, is up: makes the protocol's machine. False when it cannot be, after
   * client_blame(). */
  bool (*create)(struct client_connection *connection, const struct machine_peer *peer,
                 struct machine_host *host, uint64_t now_ns, struct machine *out);
  /* Puts a machine around the whole; or gives it other functions, see below. May be NULL. */
  void (*around)(struct client_connection *connection, struct machine *machine);
  /* Why the connection failed or ended: one line of printable ASCII, once for each opening. */
  void (*blamed)(struct client_connection *connection, const char *reason);
  /* All its machines are closed, or none was made. It may be opened again, from here even. */
  void (*gone)(struct client_connection *connection);
};

enum client_state { CLIENT_AWAY, CLIENT_DIALING, CLIENT_UP };

struct client_connection {
  struct wrap wrap; /* first */
  struct client_server *server;
  const struct client_ops *ops;
  struct worker *worker;
  enum client_state state;
  bool created; /* CLIENT_UP: the protocol's machine was made */
  bool eof;     /* CLIENT_UP: the server's FIN has come */
  bool blamed;  /* ops->blamed was called */
  unsigned addresses_tried;
  struct dial dial;
  struct machine_host host;  /* that the machines inside know */
  struct machine_host *link; /* the real one */
};

/* Keeps all it is given. `worker` may be set later, before the opening. */
void client_connection_init(struct client_connection *connection, struct client_server *server,
                            struct worker *worker, const struct client_ops *ops);

/* Begins to connect. The connection is away (asserted). Nothing is called within. */
void client_connection_open(struct client_connection *connection);

/* Gives up dialling; `gone` follows. Does nothing in another state. */
void client_connection_cancel(struct client_connection *connection);

/* Begins to end it, politely. Does nothing unless it is up. Not from within a machine's call. */
void client_connection_drain(struct client_connection *connection, uint64_t now_ns);

/* The outermost machine: a wrap whose self is the connection. In client_ops.around an owner may give it
 * a table of its own, which has these two instead of wrap_recv_eof() and wrap_close(). */
void client_connection_recv_eof(void *self, uint64_t now_ns);
void client_connection_close(void *self);

/* Says why it failed or ended; the first reason is the one that is told. What a peer said may be
 * among the arguments. */
__attribute__((format(printf, 2, 3))) void client_blame(struct client_connection *connection,
                                                        const char *format, ...);

#endif
