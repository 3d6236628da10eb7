/*
 * serve/listen.c - see serve/listen.h.
 */
#include "tools/serve/listen.h"

#include <errno.h>

/* The second address of "localhost:0" gets the same port as the first. */
static void share_port(const struct listener *first, struct address *second) {
  if (address_port(second) == 0) address_set_port(second, address_port(&first->address));
}

static bool is_any(const struct address *address, sa_family_t family) {
  return address->any.sa_family == family && address_is_any(address);
}

/* "[::]" takes IPv4 as well, unless "0.0.0.0" with the same port is asked for besides. */
static bool leaves_ipv4(const struct serve_config *config, const struct address *address) {
  if (!is_any(address, AF_INET6)) return false;
  for (unsigned i = 0; i < config->listener_count; i++) {
    const struct address *other = &config->listeners[i].address;
    if (is_any(other, AF_INET) && address_port(other) == address_port(address)) return true;
  }
  return false;
}

static bool has_listener(const struct serve_config *config, const struct inherited_socket *socket) {
  for (unsigned i = 0; i < config->listener_count; i++)
    if (inherited_is_at(socket, &config->listeners[i].address)) return true;
  return config->has_metrics && inherited_is_at(socket, &config->metrics);
}

int serve_listen_inherited(const struct server *server, struct serve_config *config) {
  const struct inherited *inherited = &server->supervision.inherited;
  if (config->default_listeners && inherited_has_foreign(inherited)) config->listener_count = 0;
  for (unsigned i = 0; i < inherited->count; i++) {
    const struct inherited_socket *socket = &inherited->sockets[i];
    struct serve_listener listener = {.address = socket->address};
    struct io_error error;
    if (inherited_is_own(socket) || has_listener(config, socket)) continue;
    if (!inherited_protocol(socket, &listener.secure, &error))
      return complain(EXIT_FAILED, "%s", error.text);
    if (config->listener_count == SERVE_LISTENERS_MAX)
      return complain(EXIT_FAILED, "more than %d addresses", SERVE_LISTENERS_MAX);
    config->listeners[config->listener_count++] = listener;
  }
  return EXIT_DONE;
}

bool serve_listen(struct server *server, struct listener *listener, const struct address *address,
                  unsigned workers, struct io_error *error) {
  int fds[IO_WORKERS_MAX];
  char name[SERVE_SOCKET_NAME_BYTES] = INHERITED_OWN_NAME;
  unsigned count = inherited_take(&server->supervision.inherited, address, fds, name);
  bool open = count > 0 ? listener_adopt(listener, fds, count, workers, error)
                        : listener_open(listener, address, workers, error);
  if (!open) return false;
  if (replacement_keep(&server->supervision.replacement, listener, name, error)) return true;
  listener_close(listener);
  return false;
}

/* A machine without IPv6 has no such address. */
static bool is_missing(const struct io_error *error) {
  return error->code == EADDRNOTAVAIL || error->code == EAFNOSUPPORT;
}

bool serve_listen_slot(struct server *server, const struct serve_config *config, unsigned index,
                       unsigned slot, unsigned before, struct io_error *error) {
  const struct serve_listener *wanted = &config->listeners[index];
  struct address address = wanted->address;
  if (wanted->optional && index > 0) share_port(&server->listeners[before], &address);
  address.ipv6_only = leaves_ipv4(config, &address);
  server->slots[slot] = *wanted;
  server->listening[slot] =
      serve_listen(server, &server->listeners[slot], &address, server->workers, error);
  server->used[slot] = server->listening[slot] || (wanted->optional && is_missing(error));
  return server->used[slot];
}

int serve_listen_all(struct server *server) {
  bool none[SERVE_SLOTS_MAX] = {false};
  for (unsigned i = 0; i < server->config->listener_count; i++) {
    struct io_error error = {0};
    if (!serve_listen_slot(server, server->config, i, i, i - 1, &error))
      return complain(EXIT_FAILED, "%s", error.text);
  }
  server->https_port = serve_listen_https_port(server, server->slots, none);
  return EXIT_DONE;
}

uint16_t serve_listen_https_port(const struct server *server, const struct serve_listener *slots,
                                 const bool *without) {
  uint16_t port = 0;
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++) {
    if (!server->listening[i] || !slots[i].secure || without[i]) continue;
    uint16_t this = address_port(&server->listeners[i].address);
    if (port == 0 || this == 443) port = this;
  }
  return port;
}

/* What only the server itself can tell is no mistake: the configuration may be that of one that runs, or that will get
 * a privilege or the socket from whoever starts it. */
static bool may_listen(const struct address *address, bool optional) {
  struct io_error error = {0};
  char text[ADDRESS_TEXT_BYTES];
  if (listener_try(address, &error) || (optional && is_missing(&error))) return true;
  address_format(address, text);
  if (error.code == EADDRINUSE)
    say("note: %s is in use; that is fine if this server runs already", text);
  else if (error.code == EACCES)
    say("note: this user alone may not listen on %s; see Ports below 1024 in weir serve --help",
        text);
  else
    return complain(EXIT_FAILED, "%s", error.text) == EXIT_DONE;
  return true;
}

int serve_listen_try(const struct server *server) {
  const struct serve_config *config = server->config;
  bool good = !config->has_metrics || may_listen(&config->metrics, false);
  for (unsigned i = 0; i < config->listener_count; i++) {
    struct address address = config->listeners[i].address;
    address.ipv6_only = leaves_ipv4(config, &address);
    good &= may_listen(&address, config->listeners[i].optional);
  }
  return good ? EXIT_DONE : EXIT_FAILED;
}
