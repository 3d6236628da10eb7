/*
 * helpers/attacker.c - a hostile client of HTTP/2 or HTTP/1.1, for tests of a server's defences.
 *
 *     attacker PORT ATTACK [--count N] [--connections N] [--seconds N] [--variant N]
 *              [--path PATH] [--source N] [--unread] [--relentless] [--again]
 *     attacker --list
 *
 * Sends `count` units of the attack on each connection to 127.0.0.1, then a PING, if it is HTTP/2. It ends when the
 * PING is answered or the server has closed, on all connections, or after `seconds`. Prints one
 * line of JSON: what was sent, and what came back. --unread: receives nothing until the server has
 * closed. --relentless: continues to send after GOAWAY. --again: reconnects until the time is over.
 * --source: connects from 127.0.0.N, since one address has only 28,000 ports.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/helpers/attack/catalogue.h"

/* Looking at thousands of connections takes a millisecond. */
enum { TURN_MS = 5, TURN_MS_OF_MANY = 50, MANY = 1000 };

static struct peer_options options = {
    .count = 100000, .connections = 1, .seconds = 5, .path = "/plaintext"};
static struct peer_tally tally;
static uint64_t now_ns; /* of the current turn */
static const struct attack *attack;
static struct peer *peers;
static struct pollfd *polls;

static void die(const char *what) {
  fprintf(stderr, "attacker: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void read_clock(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  now_ns = (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void bind_source(int fd) {
  const struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(0x7f000000u + options.source)};
  const int late = 1; /* the port is chosen by connect(), per destination */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
  if (bind(fd, (const struct sockaddr *)&from, sizeof from) != 0) die("bind");
}

static void allow_files(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

static int open_socket(void) {
  const struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(options.port)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, little = 4096;
  const struct linger at_once = {.l_onoff = 1};
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); /* it leaves with RST */
  if (options.source) bind_source(fd);
  if (options.unread) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
  return fd;
}

static void open_peer(struct peer *peer) {
  peer_begin(peer, open_socket(), &options, &tally);
  peer->now_ns = now_ns;
  tally.connections++;
  peer_put_preface(peer);
  if (attack->begin)
    attack->begin(peer);
  else
    peer_put_head(peer, 0, SETTINGS, 0, 0);
  if (!attack->quiet) peer_put_head(peer, 0, SETTINGS, ACK, 0); /* of what must arrive */
}

static void close_peer(struct peer *peer) {
  close(peer->fd);
  peer->fd = -1;
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void make(struct peer *peer) {
  if (peer->ending && !options.relentless) return;
  while (peer->made < PEER_OUT_ENOUGH && peer->units < options.count) {
    if (!attack->step(peer)) return;
    peer->units++;
    tally.units++;
  }
  if (peer->units < options.count || peer->fence_sent || attack->quiet) return;
  peer_put_frame(peer, PING, 0, 0, "thefence", 8);
  peer->fence_sent = true;
}

/* Whether the server has closed, for a client that does not read. Sending tells. */
static bool is_gone(const struct peer *peer) {
  struct tcp_info info;
  socklen_t len = sizeof info;
  if (getsockopt(peer->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return true;
  return info.tcpi_state != TCP_ESTABLISHED;
}

static void turn(struct peer *peer, short events) {
  bool open = true;
  if (events & (POLLOUT | POLLERR)) open = peer_flush(peer);
  if (options.unread && open) {
    if (is_gone(peer)) open = peer_drain(peer), tally.closed += open, open = false;
  } else if (events & (POLLIN | POLLERR | POLLHUP) || !open) {
    open = peer_drain(peer);
  }
  if (open && !peer->done) return;
  close_peer(peer);
  if (options.again) open_peer(peer);
}

/* Runs one turn of all connections. Returns false when none is left. */
static bool turn_all(void) {
  size_t open = 0;
  read_clock();
  for (size_t i = 0; i < options.connections; i++) {
    struct peer *peer = &peers[i];
    polls[i] = (struct pollfd){.fd = peer->fd};
    if (peer->fd < 0) continue;
    open++;
    peer->now_ns = now_ns;
    if (peer->made < PEER_OUT_ENOUGH) make(peer);
    polls[i].events = options.unread ? 0 : POLLIN;
    if (peer->made > 0) polls[i].events |= POLLOUT;
  }
  const int wait_ms = options.connections < MANY ? TURN_MS : TURN_MS_OF_MANY;
  if (poll(polls, options.connections, wait_ms) < 0 && errno != EINTR) die("poll");
  for (size_t i = 0; i < options.connections; i++)
    if (peers[i].fd >= 0) turn(&peers[i], polls[i].revents);
  return open > 0;
}

/* ---- the result ------------------------------------------------------------------------------ */

static void print_map(const char *name, const char *const *keys, const uint64_t *counts, int n) {
  printf("\"%s\": {", name);
  const char *separator = "";
  for (int i = 0; i < n; i++) {
    if (counts[i] == 0) continue;
    if (keys)
      printf("%s\"%s\": %llu", separator, keys[i], (unsigned long long)counts[i]);
    else
      printf("%s\"%d\": %llu", separator, i, (unsigned long long)counts[i]);
    separator = ", ";
  }
  printf("}, ");
}

static void print_number(const char *name, uint64_t value) {
  printf("\"%s\": %llu, ", name, (unsigned long long)value);
}

static void print_result(double seconds) {
  static const char *const types[PEER_TYPES] = {"DATA",
                                                "HEADERS",
                                                "PRIORITY",
                                                "RST_STREAM",
                                                "SETTINGS",
                                                "PUSH_PROMISE",
                                                "PING",
                                                "GOAWAY",
                                                "WINDOW_UPDATE",
                                                "CONTINUATION",
                                                "10",
                                                "11",
                                                "12",
                                                "13",
                                                "14",
                                                "15"};
  static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  printf("{\"attack\": \"%s\", ", attack->name);
  print_number("connections", tally.connections);
  print_number("units", tally.units);
  print_number("bytes_sent", tally.bytes_sent);
  print_number("bytes_received", tally.bytes_received);
  print_number("data_bytes", tally.data_bytes);
  print_number("small_data", tally.small_data);
  print_number("ended", tally.ended);
  print_number("ping_acks", tally.acks);
  print_number("fences", tally.fences);
  print_number("closed", tally.closed);
  print_number("cut", tally.cut);
  print_number("last_stream_id", tally.last_stream_id);
  print_map("frames", types, tally.frames, PEER_TYPES);
  print_map("rst", NULL, tally.rst, PEER_CODES);
  print_map("goaway", NULL, tally.goaway, PEER_CODES);
  print_map("status", classes, tally.statuses, 6);
  printf("\"reason\": \"%s\", \"seconds\": %.3f}\n", tally.reason, seconds);
}

/* ---- the command line ------------------------------------------------------------------------ */

static void read_options(int argc, char **argv) {
  static const struct option names[] = {{"count", 1, NULL, 'c'},      {"connections", 1, NULL, 'n'},
                                        {"seconds", 1, NULL, 's'},    {"variant", 1, NULL, 'v'},
                                        {"path", 1, NULL, 'p'},       {"unread", 0, NULL, 'u'},
                                        {"relentless", 0, NULL, 'r'}, {"again", 0, NULL, 'a'},
                                        {"source", 1, NULL, 'o'},     {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
    switch (option) {
    case 'c': options.count = strtoull(optarg, NULL, 10); break;
    case 'n': options.connections = strtoull(optarg, NULL, 10); break;
    case 's': options.seconds = strtod(optarg, NULL); break;
    case 'v': options.variant = (unsigned)strtoul(optarg, NULL, 10); break;
    case 'p': options.path = optarg; break;
    case 'u': options.unread = true; break;
    case 'r': options.relentless = true; break;
    case 'a': options.again = true; break;
    case 'o': options.source = (uint32_t)strtoul(optarg, NULL, 10); break;
    default: exit(2);
    }
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    catalogue_print();
    return 0;
  }
  read_options(argc, argv);
  attack = argc - optind == 2 ? catalogue_find(argv[optind + 1]) : NULL;
  if (!attack) {
    fprintf(stderr, "usage: attacker PORT ATTACK [OPTIONS], or attacker --list\n");
    return 2;
  }
  options.port = (uint16_t)atoi(argv[optind]);
  peers = calloc(options.connections, sizeof *peers);
  polls = calloc(options.connections, sizeof *polls);
  if (!peers || !polls) die("calloc");
  allow_files();
  read_clock();
  const uint64_t begun_ns = now_ns;
  for (size_t i = 0; i < options.connections; i++)
    open_peer(&peers[i]);
  while (turn_all())
    if ((double)(now_ns - begun_ns) / 1e9 > options.seconds) break;
  print_result((double)(now_ns - begun_ns) / 1e9);
  return 0;
}
