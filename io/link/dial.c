/*
 * link/dial.c - connect, with a timeout, then a link.
 */
#include "io/link/dial.h"

#include "io/link/life.h"
#include "io/link/socket.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

/* Every way out ends here; the dial is the caller's again. */
static void finish(struct dial *dial, int error) {
  timer_cancel(&dial->links->loop->timers, &dial->timer);
  if (dial->fd >= 0) ring_close_fd(&dial->links->loop->ring, dial->fd);
  dial->done(dial, error);
}

static void on_connected(struct loop_op *op, int result, unsigned flags) {
  struct dial *dial = LIST_OWNER(op, struct dial, connect);
  (void)flags;
  /* Of a worker that has ended its links nobody would end this one. */
  if (result >= 0 && dial->links->loop->ending) result = -ECANCELED;
  if (result < 0 || dial->error) {
    finish(dial, dial->error ? dial->error : -result); /* given up, by the caller or the timeout */
    return;
  }
  int fd = dial->fd;
  dial->fd = -1;
  if (!link_create(dial->links, fd, &dial->factory)) {
    finish(dial, ENOBUFS);
    return;
  }
  counter_add(&dial->links->loop->counters.links_dialed, 1);
  finish(dial, 0);
}

static void give_up(struct dial *dial, int error) {
  if (dial->error) return;
  dial->error = error;
  if (dial->connect.under_way) loop_op_cancel(&dial->connect);
}

/* Also fires, at once, for a dial that could not even begin. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct dial *dial = LIST_OWNER(timer, struct dial, timer);
  (void)now_ns;
  if (dial->connect.under_way)
    give_up(dial, ETIMEDOUT);
  else
    finish(dial, dial->error);
}

static void fail_soon(struct dial *dial, int error) {
  dial->error = error;
  timer_arm(&dial->links->loop->timers, &dial->timer, dial->links->loop->now_ns);
}

static int open_socket(const struct address *address) {
  int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || socket_set_options(fd, address)) return fd;
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

void dial_start(struct dial *dial, struct links *links) {
  struct loop *loop = links->loop;
  assert(dial->done && dial->factory.create);
  dial->links = links;
  dial->connect = (struct loop_op){.done = on_connected};
  dial->error = 0;
  timer_init(&dial->timer, on_timer);
  dial->fd = open_socket(&dial->address);
  if (dial->fd < 0) {
    fail_soon(dial, errno);
    return;
  }
  if (dial->prepare) dial->prepare(dial, dial->fd);
  if (!loop_connect(loop, &dial->connect, dial->fd, &dial->address.any, dial->address.len)) {
    fail_soon(dial, ENOBUFS);
    return;
  }
  if (dial->timeout_ns) timer_arm(&loop->timers, &dial->timer, loop->now_ns + dial->timeout_ns);
}

void dial_cancel(struct dial *dial) {
  give_up(dial, ECANCELED);
}
