/*
 * link/listener.c - a port's sockets: bound, listening, handed out one by one.
 */
#include "io/link/listener.h"

#include "io/link/limits.h"
#include "io/link/socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool set_options(int fd, const struct address *address) {
  const int on = 1, only = address->ipv6_only;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) return false;
  if (address->any.sa_family == AF_INET6 &&
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only))
    return false;
  return socket_set_options(fd, address);
}

/* A bound socket, or -1 with errno. */
static int bind_one(const struct address *address) {
  int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (set_options(fd, address) && bind(fd, &address->any, address->len) == 0) return fd;
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

/* The same. A server that was just killed leaves its port taken for as long as the kernel closes its
 * connections, which the next one waits for. */
static int bind_when_free(const struct address *address) {
  const struct timespec pause = {.tv_nsec = IO_BIND_PAUSE_NS};
  for (uint64_t waited_ns = 0;; waited_ns += IO_BIND_PAUSE_NS) {
    int fd = bind_one(address);
    if (fd >= 0 || errno != EADDRINUSE || waited_ns >= IO_BIND_WAIT_NS) return fd;
    (void)nanosleep(&pause, NULL);
    errno = EADDRINUSE;
  }
}

/* "[::]" where the kernel has no IPv6 at all: every IPv4 address is then all there is. */
static bool is_any_without_ipv6(const struct address *address) {
  if (address->any.sa_family != AF_INET6 || !address_is_any(address)) return false;
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd < 0 && errno == EAFNOSUPPORT;
}

static void set_any_ipv4(struct address *address) {
  uint16_t port = address_port(address);
  *address = (struct address){.len = sizeof address->ipv4};
  address->ipv4.sin_family = AF_INET;
  address_set_port(address, port);
}

/* Listens on the bound socket, and reads where. A worker finds a connection gone that it was woken for, when another
 * one was faster: then it must not block. */
static bool listen_on(struct listener *listener, int fd, unsigned workers) {
  socklen_t len = sizeof listener->address.ipv6;
  listener->fds[0] = fd;
  listener->count = listener->sockets = 1;
  listener->sharing = workers > 1 ? LISTENER_WORKERS : LISTENER_ALONE;
  if (workers > 1 && fcntl(fd, F_SETFL, O_NONBLOCK)) return false;
  return listen(fd, IO_LISTEN_BACKLOG) == 0 && getsockname(fd, &listener->address.any, &len) == 0;
}

/* Copies of the sockets, until each worker has a descriptor. */
static bool copy_for(struct listener *listener, unsigned workers) {
  while (listener->count < workers) {
    int fd = fcntl(listener->fds[listener->count % listener->sockets], F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return false;
    listener->fds[listener->count++] = fd;
  }
  return true;
}

bool listener_try(const struct address *address, struct io_error *error) {
  char text[ADDRESS_TEXT_BYTES];
  struct address bound = *address;
  if (is_any_without_ipv6(address)) set_any_ipv4(&bound);
  int fd = bind_one(&bound), code = errno;
  if (fd >= 0) close(fd);
  return fd >= 0 || io_error_set(error, code, "cannot listen on %s: %s",
                                 address_format(address, text), strerror(code));
}

bool listener_open(struct listener *listener, const struct address *address, unsigned workers,
                   struct io_error *error) {
  assert(workers >= 1 && workers <= IO_WORKERS_MAX);
  char text[ADDRESS_TEXT_BYTES];
  *listener = (struct listener){.address = *address};
  if (is_any_without_ipv6(address)) set_any_ipv4(&listener->address);
  int fd = bind_when_free(&listener->address);
  if (fd >= 0 && listen_on(listener, fd, workers) && copy_for(listener, workers)) return true;
  int code = errno;
  listener_close(listener);
  return io_error_set(error, code, "cannot listen on %s: %s", address_format(address, text),
                      strerror(code));
}

/* ---- adopted sockets ------------------------------------------------------------------------- */

static bool is_tcp(const struct address *address) {
  return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

bool listener_inspect(int fd, struct address *address, struct io_error *error) {
  int listens = 0, protocol = 0, only = 0;
  socklen_t len = sizeof listens;
  *address = (struct address){.len = sizeof address->local};
  bool good = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens &&
              getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
              protocol == IPPROTO_TCP && getsockname(fd, &address->any, &address->len) == 0 &&
              is_tcp(address);
  if (!good) return io_error_set(error, EINVAL, "descriptor %d: not a listening TCP socket", fd);
  if (address->any.sa_family == AF_INET6 &&
      getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0)
    address->ipv6_only = only;
  return true;
}

/* Other processes may have set other options. */
static bool prepare(int fd, const struct address *address) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
         fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && socket_set_options(fd, address);
}

bool listener_adopt(struct listener *listener, const int *fds, unsigned count, unsigned workers,
                    struct io_error *error) {
  assert(workers >= 1 && workers <= IO_WORKERS_MAX && count >= 1 && count <= IO_WORKERS_MAX);
  char text[ADDRESS_TEXT_BYTES];
  *listener = (struct listener){.sharing = LISTENER_PROCESSES, .count = count, .sockets = count};
  memcpy(listener->fds, fds, count * sizeof *fds);
  bool good = listener_inspect(fds[0], &listener->address, error);
  for (unsigned i = 0; good && i < count; i++)
    good = prepare(fds[i], &listener->address) ||
           io_error_set(error, errno, "descriptor %d: %s", fds[i], strerror(errno));
  if (good && !copy_for(listener, workers))
    good = io_error_set(error, errno, "cannot share %s: %s",
                        address_format(&listener->address, text), strerror(errno));
  if (!good) listener_close(listener);
  return good;
}

bool listener_copy(const struct listener *listener, int *fds, struct io_error *error) {
  char text[ADDRESS_TEXT_BYTES];
  for (unsigned i = 0; i < listener->sockets; i++) {
    assert(listener->fds[i] >= 0);
    fds[i] = fcntl(listener->fds[i], F_DUPFD_CLOEXEC, 0);
    if (fds[i] >= 0) continue;
    int code = errno;
    while (i > 0)
      close(fds[--i]);
    return io_error_set(error, code, "cannot keep a copy of %s: %s",
                        address_format(&listener->address, text), strerror(code));
  }
  return true;
}

/* ---- handing out ----------------------------------------------------------------------------- */

void listener_close(struct listener *listener) {
  for (unsigned i = 0; i < listener->count; i++) {
    if (listener->fds[i] >= 0) close(listener->fds[i]);
    listener->fds[i] = -1;
  }
  listener->count = listener->sockets = 0;
}

int listener_take(struct listener *listener, unsigned index) {
  assert(index < listener->count && listener->fds[index] >= 0);
  int fd = listener->fds[index];
  listener->fds[index] = -1;
  return fd;
}
