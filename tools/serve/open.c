/*
 * serve/open.c - see serve/open.h.
 */
#include "tools/serve/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/conn.h"
#include "io/worker/cpus.h"
#include "tools/common/clear_text.h"
#include "tools/common/process.h"
#include "tools/serve/config_load.h"
#include "tools/serve/metrics_serve.h"

static int read_environment(struct server *server) {
  const char *text = getenv("WEIR_URING_DISABLE"), *bad;
  if (!text || uring_parse_disabled(text, &server->disabled, &bad)) return EXIT_DONE;
  return complain(EXIT_USAGE, "WEIR_URING_DISABLE=%s: %.*s is no feature's name", text,
                  (int)strcspn(bad, ","), bad);
}

/* What the configuration names. */
static int load(struct server *server) {
  struct mistakes mistakes = {0};
  const struct serve_route *only = config_only_route(server->config);
  if (!only || only->action > SERVE_DIRECTORY)
    return complain(EXIT_FAILED, "only one directory, or the built-in site, can be served so far");
  if (config_load(server->config, &mistakes)) return EXIT_DONE;
  return complain(EXIT_FAILED, "%s", mistakes.at[0].text);
}

static int open_logs(struct server *server) {
  struct io_error error = {0};
  bool good = serve_logs_open(&server->logs, server->config, server->workers,
                              server->memory.log_bytes, &error);
  return good ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

static int open_tls(struct server *server) {
  const struct serve_config *config = server->config;
  struct io_error error = {0};
  if (!config_is_secure(config)) return EXIT_DONE;
  const struct serve_certificate *files = config->certificates;
  bool have = config->certificate_count > 0
                  ? certificate_load(&server->certificate, files->certificate, files->key, &error)
                  : certificate_self_signed(&server->certificate, &error);
  if (!have) return complain(EXIT_FAILED, "%s", error.text);
  const char *const *protocols = config->spdy ? conn_protocols_spdy : conn_protocols;
  struct tls_settings settings = {.certificate = &server->certificate,
                                  .protocols = protocols,
                                  .answer_clear_text = clear_text_answer};
  while (protocols[settings.protocol_count])
    settings.protocol_count++;
  server->tls = tls_context_create(&settings, &error);
  return server->tls ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

/* The second address of "localhost:0" gets the same port as the first. */
static void share_port(const struct listener *first, struct address *second) {
  if (address_port(second) == 0) address_set_port(second, address_port(&first->address));
}

/* "[::]" takes IPv4 as well, unless "0.0.0.0" with the same port is asked for besides. */
static bool is_any(const struct address *address, sa_family_t family) {
  if (address->any.sa_family != family) return false;
  return family == AF_INET ? address->ipv4.sin_addr.s_addr == INADDR_ANY
                           : IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
}

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

/* A listener for each inherited socket that has none yet. The default ones are for a server that has no
 * sockets. */
static int add_inherited(struct server *server) {
  struct serve_config *config = server->config;
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

static int open_listeners(struct server *server) {
  for (unsigned i = 0; i < server->config->listener_count; i++) {
    const struct serve_listener *wanted = &server->config->listeners[i];
    struct address address = wanted->address;
    struct io_error error = {0};
    if (wanted->optional && i > 0) share_port(&server->listeners[i - 1], &address);
    address.ipv6_only = leaves_ipv4(server->config, &address);
    server->listening[i] =
        serve_listen(server, &server->listeners[i], &address, server->workers, &error);
    if (server->listening[i]) continue;
    bool no_ipv6 = error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT;
    if (!wanted->optional || !no_ipv6) return complain(EXIT_FAILED, "%s", error.text);
  }
  return EXIT_DONE;
}

/* How many workers, and what each may hold. What the command line says stands. */
static int plan(struct server *server) {
  const struct serve_config *config = server->config;
  uint64_t limit_bytes = cgroup_memory_bytes(&cgroup_files);
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  unsigned fitting = serve_memory_workers(limit_bytes, cpus_default_workers());
  server->workers = config->workers ? config->workers : fitting > 0 ? fitting : 1;
  if (!serve_memory_plan(&server->memory, limit_bytes, server->workers, &failure))
    return complain(EXIT_FAILED, "%s", error);
  if (config->connections)
    server->links_max = (config->connections + server->workers - 1) / server->workers;
  else if (limit_bytes > 0)
    server->links_max = server->memory.connections;
  return EXIT_DONE;
}

int serve_open(struct server *server) {
  (void)process_raise_descriptors();
  int status = plan(server);
  if (status == EXIT_DONE) status = read_environment(server);
  if (status == EXIT_DONE) status = load(server);
  if (status == EXIT_DONE) status = open_logs(server);
  if (status == EXIT_DONE) status = add_inherited(server);
  if (status == EXIT_DONE) status = open_tls(server);
  if (status == EXIT_DONE) status = open_listeners(server);
  if (status == EXIT_DONE) status = serve_metrics_open(server);
  return status;
}

void serve_close(struct server *server) {
  metrics_close(server->metrics);
  for (unsigned i = 0; i < server->config->listener_count; i++)
    if (server->listening[i]) listener_close(&server->listeners[i]);
  tls_context_free(server->tls);
  certificate_free(&server->certificate);
  serve_logs_close(&server->logs);
  config_release(server->config);
}
