/*
 * helpers/hold_connections.c - holds many HTTP/2 connections to 127.0.0.1 open at once, sends a request on
 * each, waits for every response, sends a second round, and only then closes them.
 *
 *     hold_connections PORT CONNECTIONS PATH BODY_BYTES
 *
 * It knows just enough HTTP/2 for that: fixed requests, frame headers, counting DATA bytes. It uses
 * source addresses 127.0.0.1, 127.0.0.2, ... so that it does not run out of local ports. Exit
 * status: 0 if each response ended with BODY_BYTES bytes of DATA.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PER_ADDRESS   20000 /* connections from one source address; it has 28,000 ports */
#define CONNECTING    512   /* concurrent handshakes: fewer than any listen backlog */
#define ROUNDS        2     /* requests on each connection */
#define LIMIT_SECONDS 120   /* for everything */

struct connection {
  int fd;
  int round;          /* responses complete */
  uint8_t header[9];  /* of the current frame */
  size_t header_have; /* bytes of it */
  size_t payload;     /* bytes of the current frame still to come */
  size_t data;        /* bytes of DATA in this response */
};

static struct {
  struct sockaddr_in server;
  size_t count, body_bytes;
  struct connection *connections;
  uint8_t request[2][512]; /* preface and first request; second request */
  size_t request_len[2];
  int epoll;
  size_t started, answered;
} hold;

static void die(const char *what) {
  fprintf(stderr, "hold_connections: %s: %s\n", what, strerror(errno));
  exit(1);
}

static size_t put_frame(uint8_t *at, size_t len, uint8_t type, uint8_t flags, uint32_t stream) {
  const uint8_t header[9] = {(uint8_t)(len >> 16),
                             (uint8_t)(len >> 8),
                             (uint8_t)len,
                             type,
                             flags,
                             (uint8_t)(stream >> 24),
                             (uint8_t)(stream >> 16),
                             (uint8_t)(stream >> 8),
                             (uint8_t)stream};
  memcpy(at, header, sizeof header);
  return sizeof header;
}

/* HEADERS with END_STREAM and END_HEADERS: :method GET, :scheme http, :path, :authority. */
static size_t put_request(uint8_t *at, uint32_t stream, const char *path) {
  const size_t path_len = strlen(path);
  uint8_t block[256] = {0x82, 0x86, 0x04, (uint8_t)path_len};
  memcpy(block + 4, path, path_len);
  const uint8_t authority[] = {0x01, 9, 'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't'};
  memcpy(block + 4 + path_len, authority, sizeof authority);
  const size_t len = 4 + path_len + sizeof authority;
  const size_t header = put_frame(at, len, 1, 5, stream);
  memcpy(at + header, block, len);
  return header + len;
}

static void make_requests(const char *path) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  uint8_t *at = hold.request[0];
  memcpy(at, preface, sizeof preface - 1);
  at += sizeof preface - 1;
  at += put_frame(at, 0, 4, 0, 0); /* SETTINGS */
  at += put_request(at, 1, path);
  hold.request_len[0] = (size_t)(at - hold.request[0]);
  hold.request_len[1] = put_request(hold.request[1], 3, path);
}

static void start_one(void) {
  struct connection *connection = &hold.connections[hold.started];
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connection->fd < 0) die("socket");
  struct sockaddr_in source = {.sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + (uint32_t)(hold.started / PER_ADDRESS))};
  const int late = 1; /* the port is chosen by connect(), per destination */
  setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
  if (bind(connection->fd, (struct sockaddr *)&source, sizeof source) != 0) die("bind");
  if (connect(connection->fd, (struct sockaddr *)&hold.server, sizeof hold.server) != 0 &&
      errno != EINPROGRESS)
    die("connect");
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
  if (epoll_ctl(hold.epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) die("epoll_ctl");
  hold.started++;
}

static void send_request(struct connection *connection, int round) {
  const ssize_t len = (ssize_t)hold.request_len[round];
  if (send(connection->fd, hold.request[round], (size_t)len, MSG_NOSIGNAL) != len) die("send");
}

static void connected(struct connection *connection) {
  int error = 0;
  socklen_t len = sizeof error;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &len);
  if (error) {
    errno = error;
    die("connect");
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(hold.epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0) die("epoll_ctl");
  send_request(connection, 0);
}

static void frame_ended(struct connection *connection) {
  enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, GOAWAY = 7, END_STREAM = 1 };
  const uint8_t type = connection->header[3], flags = connection->header[4];
  if (type == RST_STREAM || type == GOAWAY) {
    errno = 0;
    die(type == GOAWAY ? "GOAWAY received" : "RST_STREAM received");
  }
  if ((type != DATA && type != HEADERS) || !(flags & END_STREAM)) return;
  if (connection->data != hold.body_bytes) {
    errno = EBADMSG;
    die("a response of the wrong length");
  }
  connection->data = 0;
  connection->round++;
  hold.answered++;
}

static void received(struct connection *connection, const uint8_t *bytes, size_t len) {
  while (len > 0) {
    if (connection->header_have < 9) {
      connection->header[connection->header_have++] = *bytes++;
      len--;
      if (connection->header_have < 9) continue;
      const uint8_t *h = connection->header;
      connection->payload = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
    }
    const size_t part = len < connection->payload ? len : connection->payload;
    if (connection->header[3] == 0) connection->data += part;
    connection->payload -= part;
    bytes += part;
    len -= part;
    if (connection->payload == 0) {
      connection->header_have = 0;
      frame_ended(connection);
    }
  }
}

static void readable(struct connection *connection) {
  static uint8_t buffer[65536];
  const ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got < 0) die("recv");
  if (got == 0) {
    errno = ECONNRESET;
    die("a connection was closed");
  }
  received(connection, buffer, (size_t)got);
}

/* Runs until `answers` responses have ended. Starts connections meanwhile. */
static void run_until(size_t answers, time_t end) {
  struct epoll_event events[256];
  while (hold.answered < answers) {
    while (hold.started < hold.count && hold.started - hold.answered < CONNECTING)
      start_one();
    const int count = epoll_wait(hold.epoll, events, 256, 1000);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; i++) {
      if (events[i].events & EPOLLOUT)
        connected(events[i].data.ptr);
      else
        readable(events[i].data.ptr);
    }
    if (time(NULL) > end) {
      fprintf(stderr, "hold_connections: too slow: %zu of %zu responses\n", hold.answered, answers);
      exit(1);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 5 || strlen(argv[3]) > 100) {
    fprintf(stderr, "usage: hold_connections PORT CONNECTIONS PATH BODY_BYTES\n");
    return 2;
  }
  hold.server = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)atoi(argv[1])),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  hold.count = strtoul(argv[2], NULL, 10);
  hold.body_bytes = strtoul(argv[4], NULL, 10);
  hold.connections = calloc(hold.count, sizeof *hold.connections);
  hold.epoll = epoll_create1(0);
  if (!hold.connections || hold.epoll < 0) die("start");
  make_requests(argv[3]);

  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  const time_t end = time(NULL) + LIMIT_SECONDS;
  run_until(hold.count, end);
  printf("%zu connections held\n", hold.started);
  for (size_t i = 0; i < hold.count; i++)
    send_request(&hold.connections[i], 1);
  run_until(ROUNDS * hold.count, end);
  printf("%zu responses\n", hold.answered);
  for (size_t i = 0; i < hold.count; i++)
    close(hold.connections[i].fd);
  free(hold.connections);
  return 0;
}
