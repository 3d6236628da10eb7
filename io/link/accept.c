/*
 * link/accept.c - one listening socket's requests to accept.
 *
 *     ARMED -- EMFILE, ENOMEM or the cap --> PAUSED -- a link closed, or the timer --> ARMED
 *       |                                     |
 *       +-------- stopped --------------------+--> CLOSED
 *
 * Connections that the kernel has completed already are not lost when a socket closes: they are
 * accepted once more, and their machines told to drain. A socket of several processes lives on elsewhere, and so does
 * its queue.
 *
 * A socket of several workers is polled and then accepted from. A multishot would not do: the kernel would give
 * all connections to the worker that asked first. Near the cap all sockets are polled: each of them may have a
 * connection for the last link, and those that come too late are to stay in the kernel.
 */
#include "io/link/accept.h"

#include "io/link/life.h"
#include "io/link/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct acceptor {
  struct acceptors *all;
  struct acceptor *next;
  struct machine_factory factory;
  struct loop_op op;
  struct timer retry;
  int fd; /* -1: closed */
  enum listener_sharing sharing;
  bool ending;   /* this one alone: closed as soon as its request has ended */
  bool stopping; /* cancelled, because of the cap or for good */
  bool polls;    /* what is under way accepts nothing by itself */
};

static void on_accept(struct loop_op *op, int result, unsigned flags);
static void on_readable(struct loop_op *op, int result, unsigned flags);

/* A multishot accepts every connection that waits before it can be stopped. Beyond the cap they would
 * be refused instead of waiting for room. */
static bool is_near_cap(const struct links *links) {
  return links->max - links->open <= IO_LISTEN_BACKLOG;
}

static bool is_shared(const struct acceptor *acceptor) {
  return acceptor->sharing != LISTENER_ALONE;
}

static void retry_after(struct acceptor *acceptor, uint64_t pause_ns) {
  struct loop *loop = acceptor->all->links->loop;
  if (is_shared(acceptor)) ring_detach(&loop->ring, acceptor->fd);
  timer_arm(&loop->timers, &acceptor->retry, loop->now_ns + pause_ns);
}

static void retry_later(struct acceptor *acceptor) {
  retry_after(acceptor, IO_ACCEPT_RETRY_NS);
}

/* The next link that closes leads back to arm(). */
static void make_room(struct acceptor *acceptor) {
  struct links *links = acceptor->all->links;
  if (links->born_ns)
    links_yield_one(links);
  else
    links_shed_some(links);
  retry_after(acceptor, links->born_ns ? links->yield_ns : IO_ACCEPT_RETRY_NS);
}

static void arm(struct acceptor *acceptor) {
  struct links *links = acceptor->all->links;
  if (acceptor->op.under_way || acceptor->all->stopping || acceptor->ending || acceptor->fd < 0)
    return;
  if (!links_have_room(links)) {
    make_room(acceptor);
    return;
  }
  acceptor->stopping = false;
  acceptor->polls = is_shared(acceptor) || is_near_cap(links);
  acceptor->op.done = acceptor->polls ? on_readable : on_accept;
  unsigned events = POLLIN | (is_shared(acceptor) ? EPOLLEXCLUSIVE : 0);
  bool again = ring_features(&links->loop->ring) & URING_MULTISHOT_ACCEPT;
  bool begun = acceptor->polls ? loop_poll(links->loop, &acceptor->op, acceptor->fd, events)
                               : loop_accept(links->loop, &acceptor->op, acceptor->fd, again);
  if (!begun) retry_later(acceptor);
}

static void retry(struct timer *timer, uint64_t now_ns) {
  (void)now_ns;
  arm(LIST_OWNER(timer, struct acceptor, retry));
}

static void stop(struct acceptor *acceptor) {
  if (!acceptor->op.under_way || acceptor->stopping) return;
  acceptor->stopping = true;
  loop_op_cancel(&acceptor->op);
}

/* Near the cap no socket accepts by itself. At the cap none is polled: the kernel would wake this worker in place of
 * others. */
static void stop_at_cap(struct acceptors *acceptors) {
  if (!is_near_cap(acceptors->links)) return;
  bool full = !links_have_room(acceptors->links);
  for (struct acceptor *each = acceptors->first; each; each = each->next)
    if (full || !each->polls) stop(each);
}

static bool is_too_late(const struct acceptors *acceptors) {
  return acceptors->links->loop->now_ns >= acceptors->until_ns;
}

static void make_link(struct acceptor *acceptor, int fd) {
  struct links *links = acceptor->all->links;
  if (is_too_late(acceptor->all)) {
    close(fd);
    return;
  }
  struct link *link = link_create(links, fd, &acceptor->factory);
  if (!link) return;
  counter_add(&links->loop->counters.links_accepted, 1);
  if (acceptor->all->stopping && !acceptor->all->leaving) link_drain(link);
}

/* What the kernel had accepted before the listener closes; at most one backlog of it. Of one that lives on
 * elsewhere a single connection: the kernel may have woken this worker, and no other, just for that one. */
static void accept_rest(struct acceptor *acceptor) {
  bool lives_on = acceptor->sharing == LISTENER_PROCESSES || acceptor->all->leaving;
  int most = lives_on ? 1 : IO_LISTEN_BACKLOG;
  fcntl(acceptor->fd, F_SETFL, O_NONBLOCK);
  for (int i = 0; i < most; i++) {
    int fd = accept4(acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
      make_link(acceptor, fd);
    else if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

static void close_acceptor(struct acceptor *acceptor) {
  if (acceptor->fd < 0) return;
  if (!is_too_late(acceptor->all)) accept_rest(acceptor);
  ring_close_fd(&acceptor->all->links->loop->ring, acceptor->fd);
  acceptor->fd = -1;
  timer_cancel(&acceptor->all->links->loop->timers, &acceptor->retry);
}

/* Errors of one connection that was lost while it waited, not of the listener. */
static bool is_passing(int code) {
  return code == ECONNABORTED || code == EINTR || code == EAGAIN || code == EPROTO ||
         code == ENETDOWN || code == EHOSTUNREACH || code == ENETUNREACH || code == ECANCELED;
}

static void on_accept(struct loop_op *op, int result, unsigned flags) {
  struct acceptor *acceptor = LIST_OWNER(op, struct acceptor, op);
  struct links *links = acceptor->all->links;
  if (result >= 0) make_link(acceptor, result);
  if (result >= 0) stop_at_cap(acceptor->all);
  if (flags & RING_MORE) return;
  if (acceptor->all->stopping || acceptor->ending) {
    close_acceptor(acceptor);
  } else if (result >= 0 || is_passing(-result)) {
    arm(acceptor);
  } else {
    /* No descriptor, no memory: asking again at once would spin. */
    counter_add(&links->loop->counters.accept_errors, 1);
    links_shed_some(links);
    retry_later(acceptor);
  }
}

/* What waits in a socket of this worker alone goes on waiting until it is accepted here, so accept4() does not block;
 * other sockets do not block anyway. Another socket may have had the last link. */
static void on_readable(struct loop_op *op, int result, unsigned flags) {
  struct acceptor *acceptor = LIST_OWNER(op, struct acceptor, op);
  if (result >= 0 && !links_have_room(acceptor->all->links)) result = -EAGAIN;
  if (result >= 0) {
    int fd = accept4(acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
    result = fd >= 0 ? fd : -errno;
  }
  on_accept(op, result, flags);
}

void acceptors_init(struct acceptors *acceptors, struct links *links) {
  *acceptors = (struct acceptors){.links = links, .until_ns = TIMER_NEVER};
}

/* One whose socket was closed, or a new one in the list. */
static struct acceptor *find_or_add(struct acceptors *acceptors) {
  for (struct acceptor *each = acceptors->first; each; each = each->next)
    if (each->fd < 0 && !each->op.under_way) return each;
  struct acceptor *acceptor = calloc(1, sizeof *acceptor);
  if (!acceptor) return NULL;
  acceptor->all = acceptors;
  acceptor->next = acceptors->first;
  acceptors->first = acceptor;
  return acceptor;
}

bool acceptors_add(struct acceptors *acceptors, int fd, enum listener_sharing sharing,
                   struct machine_factory factory) {
  struct acceptor *acceptor = find_or_add(acceptors);
  if (!acceptor) {
    close(fd);
    return false;
  }
  acceptor->factory = factory;
  acceptor->fd = fd;
  acceptor->sharing = sharing;
  acceptor->ending = acceptor->stopping = false;
  timer_init(&acceptor->retry, retry);
  arm(acceptor);
  return true;
}

void acceptors_end(struct acceptors *acceptors, const void *ctx) {
  for (struct acceptor *each = acceptors->first; each; each = each->next) {
    if (each->factory.ctx != ctx || each->fd < 0) continue;
    each->ending = true;
    each->stopping = false; /* asked before or not: that request may have been refused */
    stop(each);
    if (!each->op.under_way) close_acceptor(each);
  }
}

void acceptors_resume(struct acceptors *acceptors) {
  for (struct acceptor *each = acceptors->first; each; each = each->next)
    arm(each);
}

void acceptors_stop(struct acceptors *acceptors, uint64_t until_ns) {
  acceptors->stopping = true;
  if (until_ns < acceptors->until_ns) acceptors->until_ns = until_ns;
  for (struct acceptor *each = acceptors->first; each; each = each->next) {
    each->stopping = false; /* asked before or not: that request may have been refused */
    stop(each);
    if (!each->op.under_way) close_acceptor(each);
  }
}

void acceptors_leave(struct acceptors *acceptors) {
  if (acceptors->stopping) return;
  acceptors->leaving = true;
  acceptors_stop(acceptors, acceptors->until_ns);
}

bool acceptors_are_open(const struct acceptors *acceptors) {
  for (const struct acceptor *each = acceptors->first; each; each = each->next)
    if (each->fd >= 0) return true;
  return false;
}

void acceptors_free(struct acceptors *acceptors) {
  while (acceptors->first) {
    struct acceptor *acceptor = acceptors->first;
    acceptors->first = acceptor->next;
    close_acceptor(acceptor);
    free(acceptor);
  }
}
