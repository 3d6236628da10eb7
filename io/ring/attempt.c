/*
 * ring/attempt.c - see ring/attempt.h.
 */
#include "io/ring/attempt.h"

#include "io/ring/bufring.h"
#include "io/ring/limits.h"
#include "io/ring/op.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int attempt_poll(int fd, unsigned events) {
  struct pollfd one = {.fd = fd, .events = (short)(events & (POLLIN | POLLOUT | POLLRDHUP))};
  return poll(&one, 1, 0) > 0 ? one.revents : 0;
}

ssize_t attempt_send(int fd, const struct span *spans, size_t count) {
  struct msghdr header = {.msg_iov = (struct iovec *)(uintptr_t)spans, .msg_iovlen = count};
  ssize_t sent;
  assert(count >= 1 && count <= IO_SEND_SPANS);
  do
    sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

int attempt_connect(int fd) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len)) return -errno;
  return -error;
}

/* The listening socket does not block. Whether another connection waits is asked for: an accept4() in vain makes a
 * socket first, and takes ten times as long as poll(2). */
static int32_t try_accept(struct watch *watch, uint32_t *flags) {
  int fd;
  do
    fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return -errno;
  watch->readable = attempt_poll(watch->fd, POLLIN);
  if (watch->in.again) *flags = RING_MORE;
  return fd;
}

/* A socket that gives less than asked for has no more now, and another event will tell of what comes. */
static int32_t try_receive(struct watch *watch, struct bufring *bufring, uint32_t *flags) {
  int id = bufring_spare(bufring);
  if (id < 0) return -ENOBUFS;
  ssize_t got;
  do
    got = recv(watch->fd, bufring_base(bufring, (uint16_t)id), bufring->bytes, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  if (got == 0) return 0;
  bufring_lend(bufring);
  *flags = RING_BUFFER | (uint32_t)id << RING_BUFFER_SHIFT | (watch->in.again ? RING_MORE : 0u);
  if ((size_t)got < bufring->bytes && !watch->hung_up) watch->readable = false;
  return (int32_t)got;
}

/* Eventfds and pipes, which may block: whether there is more is asked for. */
static int32_t try_read(struct watch *watch) {
  const struct item *item = &watch->in;
  ssize_t got = read(watch->fd, item->buffer, item->len);
  int32_t result = got < 0 ? -errno : (int32_t)got;
  watch->readable = attempt_poll(watch->fd, POLLIN);
  return result;
}

int32_t attempt_input(struct watch *watch, struct bufring *bufring, uint32_t *flags) {
  int32_t result;
  *flags = 0;
  if (watch->in.kind == ITEM_RECEIVE)
    result = try_receive(watch, bufring, flags);
  else if (watch->in.kind == ITEM_ACCEPT)
    result = try_accept(watch, flags);
  else
    result = try_read(watch);
  if (result == -EAGAIN) watch->readable = false;
  return result;
}
