/*
 * relay.c - the floor under a forwarded port: accepts connections, connects to a port of 127.0.0.1 for each, and
 * passes bytes on both ways, with nothing else done to them.
 *
 *     relay LISTEN-PORT TARGET-PORT [splice]
 *
 * One thread, epoll, one read and one write for up to 64 KiB; or, with `splice`, two calls of splice(2) for up to 256 KiB,
 * which do not copy. A socket that does not take all of them is waited for: good enough to measure one direction at a
 * time, and no program to use.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536, SPLICE_BYTES = 262144, SOCKETS = 65536, EVENTS = 256 };

static int other[SOCKETS]; /* the other end of a connection, by descriptor; 0: closed */
static int poller;

__attribute__((noreturn)) static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in local(const char *port) {
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)atoi(port)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int socket) {
  int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll_ctl");
}

static void open_pair(int listener, struct sockaddr_in target) {
  int near = accept(listener, NULL, NULL), far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (near < 0 || far < 0 || near >= SOCKETS || far >= SOCKETS) fail("accept");
  if (connect(far, (struct sockaddr *)&target, sizeof target) != 0) fail("connect");
  other[near] = far;
  other[far] = near;
  watch(near);
  watch(far);
}

static void close_pair(int socket) {
  int far = other[socket];
  other[socket] = other[far] = 0;
  close(socket);
  close(far);
}

static void copy(int from) {
  static char bytes[PIECE_BYTES];
  ssize_t len = read(from, bytes, sizeof bytes);
  for (ssize_t at = 0, wrote; at < len; at += wrote) {
    wrote = write(other[from], bytes + at, (size_t)(len - at));
    if (wrote <= 0) len = 0;
  }
  if (len <= 0) close_pair(from);
}

static int through[2]; /* a pipe, which is empty between two calls */

static void splice_on(int from) {
  ssize_t len = splice(from, NULL, through[1], NULL, SPLICE_BYTES, SPLICE_F_NONBLOCK);
  if (len < 0 && errno == EAGAIN) return;
  for (ssize_t at = 0, wrote; at < len; at += wrote) {
    wrote = splice(through[0], NULL, other[from], NULL, (size_t)(len - at), 0);
    if (wrote <= 0) fail("splice"); /* the pipe is not empty */
  }
  if (len <= 0) close_pair(from);
}

static void open_pipe(void) {
  if (pipe2(through, O_CLOEXEC) != 0 || fcntl(through[1], F_SETPIPE_SZ, SPLICE_BYTES) < 0)
    fail("pipe2");
}

int main(int count, char **arguments) {
  if (count != 3 && count != 4) return 2;
  if (count == 4) open_pipe();
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = local(arguments[1]);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(listener, 1024) != 0) fail("listen");
  poller = epoll_create1(EPOLL_CLOEXEC);
  watch(listener);
  puts("listening");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      int socket = events[i].data.fd;
      if (socket == listener)
        open_pair(listener, local(arguments[2]));
      else if (other[socket] && count == 4)
        splice_on(socket);
      else if (other[socket])
        copy(socket);
    }
  }
}
