/*
 * link/accept.c - a port's sockets, and each worker's accepting on its own.
 *
 *     ARMED -- EMFILE, ENOMEM or the cap --> PAUSED -- a link closed, or the timer --> ARMED
 *       |                                     |
 *       +-------- the worker drains ----------+--> CLOSED
 *
 * Connections that the kernel has completed already are not lost when a listener closes: they are
 * accepted once more, and their machines told to drain.
 */
#include "io/link/accept.h"

#include "io/link/accept_parts.h"
#include "io/ring/op.h"
#include "io/worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the port --- */

static bool set_options(int fd, const struct address *address, bool shared) {
  const int on = 1, off = 0, lowat = IO_NOTSENT_LOWAT_BYTES;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) return false;
  if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)) return false;
  if (address->any.sa_family == AF_INET6 &&
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off))
    return false;
  /* Accepted sockets inherit both. */
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) return false;
  return setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat) == 0;
}

/* A bound socket, or -1 with errno. */
static int bind_one(const struct address *address, bool shared) {
  int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (set_options(fd, address, shared) && bind(fd, &address->any, address->len) == 0) return fd;
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

/* Whether somebody listens there already, who a shared bind would join in silence. */
static bool is_free(const struct address *address) {
  if (address_port(address) == 0) return true;
  int fd = bind_one(address, false);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* "[::]" where the kernel has no IPv6 at all: every IPv4 address is then all there is. */
static bool is_any_without_ipv6(const struct address *address) {
  if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr))
    return false;
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

static bool listen_one(struct listener *listener, unsigned index) {
  int fd = bind_one(&listener->address, true);
  if (fd < 0) return false;
  listener->fds[index] = fd;
  listener->count = index + 1;
  if (listen(fd, IO_LISTEN_BACKLOG)) return false;
  socklen_t len = sizeof listener->address.ipv6;
  return getsockname(fd, &listener->address.any, &len) == 0;
}

bool listener_open(struct listener *listener, const struct address *address, unsigned workers,
                   struct io_error *error) {
  assert(workers >= 1 && workers <= IO_WORKERS_MAX);
  char text[ADDRESS_TEXT_BYTES];
  listener->address = *address;
  listener->count = 0;
  if (is_any_without_ipv6(address)) set_any_ipv4(&listener->address);
  bool open = is_free(&listener->address);
  for (unsigned i = 0; open && i < workers; i++)
    open = listen_one(listener, i);
  if (open) return true;
  int code = errno;
  listener_close(listener);
  return io_error_set(error, code, "cannot listen on %s: %s", address_format(address, text),
                      strerror(code));
}

void listener_close(struct listener *listener) {
  for (unsigned i = 0; i < listener->count; i++) {
    if (listener->fds[i] >= 0) close(listener->fds[i]);
    listener->fds[i] = -1;
  }
  listener->count = 0;
}

/* --- one worker's accepting --- */

struct acceptor {
  struct worker *worker;
  struct acceptor *next;
  struct machine_factory factory;
  struct worker_op op;
  struct timer retry;
  int fd;         /* -1: closed */
  bool stopping;  /* cancelled, because of the cap or for good */
  bool multishot; /* what is under way accepts again and again */
};

static void on_accept(struct worker_op *op, int result, unsigned flags);

/* A multishot accepts all that wait before anybody can stop it: beyond the cap they would be
 * refused instead of waiting until there is room. */
static bool may_multishot(const struct worker *worker) {
  uint32_t room = worker->links.max - worker->links.open;
  return worker->uring.features & URING_MULTISHOT_ACCEPT && room > IO_LISTEN_BACKLOG;
}

static void arm(struct acceptor *acceptor) {
  struct worker *worker = acceptor->worker;
  if (acceptor->op.under_way || worker->draining || acceptor->fd < 0) return;
  if (!links_have_room(&worker->links)) {
    links_shed(worker); /* the next link that closes comes back here */
    timer_arm(&worker->timers, &acceptor->retry, worker->now_ns + IO_ACCEPT_RETRY_NS);
    return;
  }
  struct io_uring_sqe *sqe = worker_sqe(worker, &acceptor->op);
  if (!sqe) {
    timer_arm(&worker->timers, &acceptor->retry, worker->now_ns + IO_ACCEPT_RETRY_NS);
    return;
  }
  acceptor->stopping = false;
  acceptor->multishot = may_multishot(worker);
  if (acceptor->multishot)
    io_uring_prep_multishot_accept(sqe, acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
  else
    io_uring_prep_accept(sqe, acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
}

static void retry(struct timer *timer, uint64_t now_ns) {
  (void)now_ns;
  arm(LIST_OWNER(timer, struct acceptor, retry));
}

static void stop(struct acceptor *acceptor) {
  if (!acceptor->op.under_way || acceptor->stopping) return;
  acceptor->stopping = true;
  worker_op_cancel(&acceptor->op);
}

static void make_link(struct acceptor *acceptor, int fd) {
  struct worker *worker = acceptor->worker;
  if (worker->now_ns >= worker->drain_deadline_ns) { /* there is no time left for it */
    close(fd);
    return;
  }
  struct link *link = link_create(worker, fd, &acceptor->factory);
  if (!link) return;
  counter_add(&worker->counters.links_accepted, 1);
  if (worker->draining) link_drain(link);
}

/* What the kernel had accepted before the listener closes; at most one backlog of it. */
static void accept_rest(struct acceptor *acceptor) {
  fcntl(acceptor->fd, F_SETFL, O_NONBLOCK);
  for (int i = 0; i < IO_LISTEN_BACKLOG; i++) {
    int fd = accept4(acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
      make_link(acceptor, fd);
    else if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

static void close_acceptor(struct acceptor *acceptor) {
  if (acceptor->fd < 0) return;
  if (!acceptor->worker->stopping) accept_rest(acceptor);
  close(acceptor->fd);
  acceptor->fd = -1;
  timer_cancel(&acceptor->worker->timers, &acceptor->retry);
}

/* Errors of one connection that was lost while it waited, not of the listener. */
static bool is_passing(int code) {
  return code == ECONNABORTED || code == EINTR || code == EAGAIN || code == EPROTO ||
         code == ENETDOWN || code == EHOSTUNREACH || code == ENETUNREACH || code == ECANCELED;
}

static void on_accept(struct worker_op *op, int result, unsigned flags) {
  struct acceptor *acceptor = LIST_OWNER(op, struct acceptor, op);
  struct worker *worker = acceptor->worker;
  if (result >= 0) make_link(acceptor, result);
  if (acceptor->multishot && !may_multishot(worker)) stop(acceptor);
  if (flags & IORING_CQE_F_MORE) return;
  if (worker->draining) {
    close_acceptor(acceptor);
  } else if (result >= 0 || is_passing(-result)) {
    arm(acceptor);
  } else {
    /* No descriptor, no memory: asking again at once would spin. */
    counter_add(&worker->counters.accept_errors, 1);
    links_shed(worker);
    timer_arm(&worker->timers, &acceptor->retry, worker->now_ns + IO_ACCEPT_RETRY_NS);
  }
}

bool listener_serve(struct listener *listener, struct worker *worker,
                    struct machine_factory factory) {
  assert(worker->index < listener->count && listener->fds[worker->index] >= 0);
  struct acceptor *acceptor = calloc(1, sizeof *acceptor);
  if (!acceptor) return false;
  acceptor->worker = worker;
  acceptor->factory = factory;
  acceptor->op.done = on_accept;
  acceptor->fd = listener->fds[worker->index];
  listener->fds[worker->index] = -1;
  timer_init(&acceptor->retry, retry);
  acceptor->next = worker->acceptors;
  worker->acceptors = acceptor;
  arm(acceptor);
  return true;
}

void acceptors_resume(struct worker *worker) {
  for (struct acceptor *each = worker->acceptors; each; each = each->next)
    arm(each);
}

void acceptors_stop(struct worker *worker) {
  for (struct acceptor *each = worker->acceptors; each; each = each->next) {
    each->stopping = false; /* asked before or not: that request may have been refused */
    stop(each);
    if (!each->op.under_way) close_acceptor(each);
  }
}

bool acceptors_are_open(const struct worker *worker) {
  for (const struct acceptor *each = worker->acceptors; each; each = each->next)
    if (each->fd >= 0) return true;
  return false;
}

void acceptors_free(struct worker *worker) {
  while (worker->acceptors) {
    struct acceptor *acceptor = worker->acceptors;
    worker->acceptors = acceptor->next;
    close_acceptor(acceptor);
    free(acceptor);
  }
}
