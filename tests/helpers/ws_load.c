/*
 * helpers/ws_load.c - a WebSocket client for measuring servers that echo.
 *
 *     ws_load PORT SECONDS CONNECTIONS BYTES DEPTH
 *
 * Over HTTP/1.1 in clear text to 127.0.0.1, path /ws. On each connection DEPTH binary messages of BYTES bytes are
 * under way; each that comes back is followed by the next. Prints one line of JSON: messages that came back, and
 * seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, RECEIVE_BYTES = 1 << 18 };

struct connection {
  int fd;
  size_t to_send, to_come; /* bytes of the messages under way */
};

static size_t frame_bytes, echo_bytes, batch_bytes;
static uint8_t *batch; /* `depth` frames */
static uint64_t messages;

static void die(const char *what) {
  fprintf(stderr, "ws_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Masked with zeros. */
static void make_batch(size_t bytes, size_t depth) {
  uint8_t head[14] = {0x82};
  size_t used = bytes < 126 ? 2 : bytes < 65536 ? 4 : 10;
  head[1] = (uint8_t)(0x80 | (used == 2 ? bytes : used == 4 ? 126 : 127));
  for (size_t i = 2; i < used; i++)
    head[i] = (uint8_t)((uint64_t)bytes >> (8 * (used - 1 - i)));
  echo_bytes = used + bytes;
  frame_bytes = used + 4 + bytes;
  batch_bytes = depth * frame_bytes;
  batch = calloc(depth, frame_bytes);
  if (!batch) die("calloc");
  for (size_t i = 0; i < depth; i++)
    memcpy(batch + i * frame_bytes, head, used);
}

static void shake_hands(int fd) {
  static const char request[] =
      "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  char answer[1024];
  size_t have = 0;
  if (send(fd, request, sizeof request - 1, 0) != sizeof request - 1) die("send");
  while (have < 4 || memcmp(answer + have - 4, "\r\n\r\n", 4) != 0)
    if (have == sizeof answer || recv(fd, answer + have++, 1, 0) != 1) die("no answer");
  if (memcmp(answer, "HTTP/1.1 101", 12) != 0) die("not accepted");
}

static int open_connection(uint16_t port) {
  const struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  shake_hands(fd);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
  return fd;
}

static void send_more(struct connection *connection) {
  while (connection->to_send > 0) {
    size_t len = connection->to_send < batch_bytes ? connection->to_send : batch_bytes;
    size_t at = (batch_bytes - connection->to_send % frame_bytes) % frame_bytes;
    if (len > batch_bytes - at) len = batch_bytes - at;
    ssize_t n = send(connection->fd, batch + at, len, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) die("send");
    connection->to_send -= (size_t)n;
  }
}

/* Counts what comes back; as many are to be sent again. False when there is nothing more. */
static bool receive(struct connection *connection) {
  static uint8_t buffer[RECEIVE_BYTES];
  ssize_t n = recv(connection->fd, buffer, sizeof buffer, 0);
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) die("the server has closed");
  size_t before = connection->to_come, left = before - (size_t)n;
  size_t back = (before + echo_bytes - 1) / echo_bytes - (left + echo_bytes - 1) / echo_bytes;
  messages += back;
  connection->to_come = left + back * echo_bytes;
  connection->to_send += back * frame_bytes;
  return true;
}

static void run(struct connection *connections, size_t count, int poller, double seconds) {
  struct epoll_event events[EVENTS];
  const double end = now() + seconds;
  for (size_t i = 0; i < count; i++)
    send_more(&connections[i]);
  while (now() < end) {
    int ready = epoll_wait(poller, events, EVENTS, 100);
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      while (receive(connection))
        send_more(connection);
      send_more(connection);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "ws_load PORT SECONDS CONNECTIONS BYTES DEPTH\n"), 2;
  const size_t count = strtoul(argv[3], NULL, 10), depth = strtoul(argv[5], NULL, 10);
  struct connection *connections = calloc(count, sizeof *connections);
  const int poller = epoll_create1(0);
  if (!connections || poller < 0) die("start");
  make_batch(strtoul(argv[4], NULL, 10), depth);
  for (size_t i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = &connections[i]};
    connections[i] = (struct connection){.fd = open_connection((uint16_t)atoi(argv[1])),
                                         .to_send = batch_bytes,
                                         .to_come = depth * echo_bytes};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) die("epoll_ctl");
  }
  const double begun = now();
  run(connections, count, poller, atof(argv[2]));
  printf("{\"messages\": %llu, \"seconds\": %.3f}\n", (unsigned long long)messages, now() - begun);
  return 0;
}
