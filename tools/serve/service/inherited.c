/*
 * serve/service/inherited.c - see serve/service/inherited.h.
 */
#include "tools/serve/service/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "io/link/listener.h"

enum { FIRST_FD = 3 }; /* SD_LISTEN_FDS_START */

/* ---- the environment ------------------------------------------------------------------------- */

/* The count is 0 unless this process is meant: children inherit what was for their parent. */
static bool read_count(unsigned *count, struct io_error *error) {
  const char *whose = getenv("LISTEN_PID"), *text = getenv("LISTEN_FDS");
  uint64_t process, number;
  *count = 0;
  if (!whose || !text) return true;
  if (!decimal_get(span_text(whose), &process) || process != (uint64_t)getpid()) return true;
  if (!decimal_within(span_text(text), 0, SERVE_INHERITED_MAX, &number))
    return io_error_set(error, 0, "LISTEN_FDS=%.100s: not a number from 0 to %d", text,
                        SERVE_INHERITED_MAX);
  *count = (unsigned)number;
  return true;
}

/* Copies the next of the names that colons separate, and returns the rest; NULL after the last. A name that is
 * too long is cut: it is none that means anything here. */
static const char *next_name(const char *names, char name[SERVE_SOCKET_NAME_BYTES]) {
  size_t len = names ? strcspn(names, ":") : 0;
  snprintf(name, SERVE_SOCKET_NAME_BYTES, "%.*s", (int)len, names ? names : "");
  return names && names[len] == ':' ? names + len + 1 : NULL;
}

static bool read_sockets(struct inherited *inherited, unsigned count, struct io_error *error) {
  const char *names = getenv("LISTEN_FDNAMES");
  inherited->sockets = calloc(count, sizeof *inherited->sockets);
  if (!inherited->sockets) return io_error_set(error, ENOMEM, "out of memory");
  inherited->count = count;
  for (unsigned i = 0; i < count; i++) {
    struct inherited_socket *socket = &inherited->sockets[i];
    socket->fd = FIRST_FD + (int)i;
    (void)fcntl(socket->fd, F_SETFD, FD_CLOEXEC); /* what is no descriptor is told below */
    names = next_name(names, socket->name);
  }
  for (unsigned i = 0; i < count; i++)
    if (!listener_inspect(inherited->sockets[i].fd, &inherited->sockets[i].address, error))
      return false;
  return true;
}

bool inherited_read(struct inherited *inherited, struct io_error *error) {
  unsigned count;
  *inherited = (struct inherited){.count = 0};
  bool good = read_count(&count, error);
  if (good && count > 0) good = read_sockets(inherited, count, error);
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  unsetenv("LISTEN_PIDFDID");
  return good;
}

/* ---- who takes them -------------------------------------------------------------------------- */

bool inherited_is_at(const struct inherited_socket *socket, const struct address *other) {
  const struct address *one = &socket->address;
  if (one->any.sa_family != other->any.sa_family || address_port(one) != address_port(other))
    return false;
  if (one->any.sa_family == AF_INET)
    return one->ipv4.sin_addr.s_addr == other->ipv4.sin_addr.s_addr;
  return memcmp(&one->ipv6.sin6_addr, &other->ipv6.sin6_addr, sizeof one->ipv6.sin6_addr) == 0 &&
         one->ipv6.sin6_scope_id == other->ipv6.sin6_scope_id;
}

unsigned inherited_take(struct inherited *inherited, const struct address *address,
                        int fds[IO_WORKERS_MAX], char name[SERVE_SOCKET_NAME_BYTES]) {
  unsigned count = 0;
  for (unsigned i = 0; i < inherited->count && count < IO_WORKERS_MAX; i++) {
    struct inherited_socket *socket = &inherited->sockets[i];
    if (socket->fd < 0 || !inherited_is_at(socket, address)) continue;
    if (count == 0) memcpy(name, socket->name, SERVE_SOCKET_NAME_BYTES);
    fds[count++] = socket->fd;
    socket->fd = -1;
  }
  return count;
}

bool inherited_is_own(const struct inherited_socket *socket) {
  return strcmp(socket->name, INHERITED_OWN_NAME) == 0;
}

bool inherited_has_foreign(const struct inherited *inherited) {
  for (unsigned i = 0; i < inherited->count; i++)
    if (!inherited_is_own(&inherited->sockets[i])) return true;
  return false;
}

bool inherited_protocol(const struct inherited_socket *socket, bool *secure,
                        struct io_error *error) {
  char text[ADDRESS_TEXT_BYTES];
  *secure = strcmp(socket->name, "https") == 0;
  if (*secure || strcmp(socket->name, "http") == 0) return true;
  return io_error_set(
      error, 0,
      "descriptor %d, %s: neither --http nor --https has this address, and its name "
      "is \"%s\", neither \"http\" nor \"https\"",
      socket->fd, address_format(&socket->address, text), socket->name);
}

void inherited_free(struct inherited *inherited) {
  for (unsigned i = 0; i < inherited->count; i++)
    if (inherited->sockets[i].fd >= 0) close(inherited->sockets[i].fd);
  free(inherited->sockets);
  *inherited = (struct inherited){.count = 0};
}
