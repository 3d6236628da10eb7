/*
 * client/connection.c - see client/connection.h.
 */
#include "tools/client/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/tls/facts.h"
#include "io/tls/tls.h"

/* What TLS has against the server; empty if nothing. */
static const char *tls_reason(const struct client_connection *connection) {
  if (connection->state != CLIENT_UP || !connection->server->secure) return "";
  return tls_machine_error(&connection->wrap.inner);
}

/* What OpenSSL says of bytes that are no TLS record. */
static const char *hint_of(const char *failure) {
  return strcmp(failure, "wrong version number") == 0 ? " (if this port speaks no TLS: http://)"
                                                      : "";
}

/* When TLS has failed, that is why the protocol ended. With TLS 1.3, a server refuses a client's
 * certificate by an alert after the handshake. */
void client_blame(struct client_connection *connection, const char *format, ...) {
  char reason[CLIENT_REASON_BYTES];
  const char *failure = tls_reason(connection);
  va_list arguments;
  if (connection->blamed) return;
  connection->blamed = true;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  if (*failure)
    snprintf(reason, sizeof reason, "TLS with %s failed: %s%s", connection->server->authority,
             failure, hint_of(failure));
  for (char *byte = reason; *byte; byte++)
    if (*byte < ' ' || *byte >= 0x7f) *byte = '?';
  connection->ops->blamed(connection, reason);
}

static void leave(struct client_connection *connection) {
  connection->state = CLIENT_AWAY;
  connection->ops->gone(connection);
}

/* ---- the machine between the link and TLS or the protocol ------------------------------------ */

void client_connection_recv_eof(void *self, uint64_t now_ns) {
  struct client_connection *connection = self;
  connection->eof = true;
  wrap_recv_eof(self, now_ns);
}

/* TLS may end before its inner machine exists. */
void client_connection_close(void *self) {
  struct client_connection *connection = self;
  if (connection->server->secure && (!connection->created || *tls_reason(connection)))
    client_blame(connection, "TLS with %s failed: the server closed the connection",
                 connection->server->authority);
  wrap_close(self);
  leave(connection);
}

static const struct machine_ops own_ops = {
    .recv = wrap_recv,
    .takes_vaulted = wrap_takes_vaulted,
    .send_loans = wrap_send_loans,
    .recv_eof = client_connection_recv_eof,
    .send_peek = wrap_send_peek,
    .send_ack = wrap_send_ack,
    .tick = wrap_tick,
    .deadline_ns = wrap_deadline_ns,
    .wants = wrap_wants,
    .drain = wrap_drain,
    .idle_since_ns = wrap_idle_since_ns,
    .close = client_connection_close,
};

/* ---- making the machines --------------------------------------------------------------------- */

/* All connections share the TLS factory. The host identifies the connection. */
static bool create_inside(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                          uint64_t now_ns, struct machine *out) {
  struct client_connection *connection = LIST_OWNER(host, struct client_connection, host);
  (void)ctx;
  connection->created = connection->ops->create(connection, peer, host, now_ns, out);
  return connection->created;
}

static void wake(struct machine_host *host) {
  struct client_connection *connection = LIST_OWNER(host, struct client_connection, host);
  connection->link->wake(connection->link);
}

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  struct client_connection *connection = ctx;
  const struct client_ops *ops = connection->ops;
  struct machine_factory inside = {.create = create_inside};
  connection->link = host;
  if (ops->connected) ops->connected(connection);
  if (connection->server->secure) inside = tls_factory_machines(&connection->server->tls);
  if (!inside.create(inside.ctx, peer, &connection->host, now_ns, out)) return false;
  connection->state = CLIENT_UP;
  wrap_around(&connection->wrap, &own_ops, out);
  if (ops->around) ops->around(connection, out);
  return true;
}

bool client_server_init(struct client_server *server, struct tls_context *tls, const char *host,
                        uint32_t connections) {
  const struct machine_factory inside = {.create = create_inside};
  server->secure = tls && tls_factory_init(&server->tls, tls, &inside, connections, host);
  return server->secure || !tls;
}

void client_server_free(struct client_server *server) {
  if (server->secure) tls_factory_destroy(&server->tls);
  server->secure = false;
}

/* ---- dialling -------------------------------------------------------------------------------- */

static void prepare(struct dial *dial, int fd) {
  struct client_connection *connection = LIST_OWNER(dial, struct client_connection, dial);
  if (connection->ops->prepare) connection->ops->prepare(connection, fd);
}

static void dial_next(struct client_connection *connection);

/* What runs out on this machine, and what to do then. */
static const char *what_to_raise(int error) {
  switch (error) {
  case EMFILE: return " (raise ulimit -n)";
  case ENFILE: return " (raise fs.file-max)";
  case EADDRNOTAVAIL: return " (no free ports: widen net.ipv4.ip_local_port_range)";
  default: return "";
  }
}

static void on_dialed(struct dial *dial, int error) {
  struct client_connection *connection = LIST_OWNER(dial, struct client_connection, dial);
  char text[ADDRESS_TEXT_BYTES];
  if (error == 0) return;
  bool others = connection->addresses_tried < connection->server->address_count;
  if (others && !connection->worker->draining) {
    dial_next(connection);
    return;
  }
  client_blame(connection, "cannot connect to %s: %s%s", address_format(&dial->address, text),
               strerror(error), what_to_raise(error));
  leave(connection);
}

static void dial_next(struct client_connection *connection) {
  const struct client_server *server = connection->server;
  connection->dial = (struct dial){
      .address = server->addresses[connection->addresses_tried++],
      .factory = {.ctx = connection, .create = create},
      .timeout_ns = server->connect_ns,
      .prepare = prepare,
      .done = on_dialed,
  };
  dial_start(&connection->dial, &connection->worker->links);
}

/* ---- life ------------------------------------------------------------------------------------ */

void client_connection_init(struct client_connection *connection, struct client_server *server,
                            struct worker *worker, const struct client_ops *ops) {
  *connection = (struct client_connection){.server = server, .worker = worker, .ops = ops};
  connection->host.wake = wake;
}

void client_connection_open(struct client_connection *connection) {
  assert(connection->state == CLIENT_AWAY);
  connection->state = CLIENT_DIALING;
  connection->created = connection->eof = connection->blamed = false;
  connection->addresses_tried = 0;
  dial_next(connection);
}

void client_connection_cancel(struct client_connection *connection) {
  if (connection->state == CLIENT_DIALING) dial_cancel(&connection->dial);
}

struct tls_facts client_connection_tls(const struct client_connection *connection) {
  return tls_machine_facts(&connection->wrap.inner);
}

void client_connection_drain(struct client_connection *connection, uint64_t now_ns) {
  if (connection->state != CLIENT_UP) return;
  wrap_drain(&connection->wrap, now_ns);
  connection->link->wake(connection->link);
}
