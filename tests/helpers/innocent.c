/*
 * helpers/innocent.c - a well-behaved client that measures how an attack affects others.
 *
 *     innocent PORT [PATH]
 *     innocent PORT PATH bulk
 *
 * Sends a GET every 20 ms on one connection until standard input ends. Then prints one line of
 * JSON: the number of requests and of errors, and the latencies' median, 99th percentile and
 * maximum in milliseconds. A latency counts from the time when the request was due, so that a stall
 * of the server shows in every request of that time, not only in one. An error is a request without an answer 10 s
 * after it was sent: many slow answers, one after the other, are no error. With "bulk", it requests PATH
 * once, which should be large, and prints how many bytes came in how many seconds.
 */
#include "tests/helpers/attack/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS  20000000u
#define GIVE_UP_NS UINT64_C(10000000000)
enum { SAMPLES_MAX = 65536 };

static struct peer_options options = {.path = "/plaintext"};
static struct peer_tally tally;
static double samples[SAMPLES_MAX]; /* milliseconds */
static size_t sample_count, errors;

static uint64_t read_clock(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static bool open_peer(struct peer *peer) {
  const struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(options.port)};
  const int on = 1;
  peer_begin(peer, socket(AF_INET, SOCK_STREAM, 0), &options, &tally);
  if (connect(peer->fd, (const struct sockaddr *)&to, sizeof to) != 0) return false;
  setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(peer->fd, F_SETFL, O_NONBLOCK);
  peer_put_preface(peer);
  peer_put_head(peer, 6, SETTINGS, 0, 0);
  peer_put(peer, "\0\4\x7f\xff\0\0", 6); /* the widest windows */
  peer_put_head(peer, 0, SETTINGS, ACK, 0);
  peer_put_number(peer, WINDOW_UPDATE, 0, 0x7fff0000 - 65535);
  return peer_flush(peer);
}

/* Runs until every request has its response. Returns false when the connection is no longer usable. */
static bool await(struct peer *peer) {
  const uint64_t sent_ns = read_clock();
  while (peer->in_flight > 0) {
    struct pollfd waiting = {.fd = peer->fd, .events = POLLIN};
    if (poll(&waiting, 1, 100) > 0 && !peer_drain(peer)) return false;
    if (peer->ending || read_clock() > sent_ns + GIVE_UP_NS) return false;
  }
  return peer_flush(peer); /* answers to PING */
}

static void request(struct peer *peer, uint64_t due_ns) {
  const uint64_t rst_before = tally.frames[RST_STREAM];
  peer_put_request(peer, false, options.path, true);
  const bool answered = peer_flush(peer) && await(peer);
  if (!answered || tally.frames[RST_STREAM] != rst_before) errors++;
  if (sample_count < SAMPLES_MAX) samples[sample_count++] = (double)(read_clock() - due_ns) / 1e6;
  if (answered) return;
  close(peer->fd);
  if (!open_peer(peer)) exit(1);
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double percentile(double p) {
  return sample_count ? samples[(size_t)(p * (double)(sample_count - 1))] : 0;
}

/* Waits until `due_ns`; false when standard input has ended. */
static bool wait_until(uint64_t due_ns) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  const uint64_t now = read_clock(), left = now < due_ns ? due_ns - now : 0;
  const struct timespec time = {.tv_nsec = (long)left}; /* less than a second */
  return ppoll(&input, 1, &time, NULL) == 0;
}

/* Receives a download, as fast as it comes, until standard input ends. */
static int download(struct peer *peer) {
  struct pollfd waiting[] = {{.fd = 0, .events = POLLIN}, {.fd = peer->fd, .events = POLLIN}};
  const uint64_t begun_ns = read_clock();
  uint64_t unread = 0;
  peer_put_request(peer, false, options.path, true);
  while (peer_flush(peer) && poll(waiting, 2, 100) >= 0 && !waiting[0].revents &&
         peer->in_flight > 0) {
    const uint64_t before = tally.data_bytes;
    if (!peer_drain(peer)) return 1;
    unread += tally.data_bytes - before;
    if (unread < 1 << 24) continue;
    peer_put_number(peer, WINDOW_UPDATE, 0, (uint32_t)unread);
    peer_put_number(peer, WINDOW_UPDATE, 1, (uint32_t)unread);
    unread = 0;
  }
  printf("{\"bytes\": %llu, \"seconds\": %.3f}\n", (unsigned long long)tally.data_bytes,
         (double)(read_clock() - begun_ns) / 1e9);
  return 0;
}

int main(int argc, char **argv) {
  static struct peer peer;
  if (argc < 2) return 2;
  options.port = (uint16_t)atoi(argv[1]);
  if (argc > 2) options.path = argv[2];
  if (!open_peer(&peer)) return 1;
  if (argc > 3 && strcmp(argv[3], "bulk") == 0) return download(&peer);
  for (uint64_t due_ns = read_clock(); wait_until(due_ns); due_ns += PERIOD_NS)
    request(&peer, due_ns);
  qsort(samples, sample_count, sizeof samples[0], compare);
  printf("{\"requests\": %zu, \"errors\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
         "\"max_ms\": %.3f}\n",
         sample_count, errors, percentile(0.5), percentile(0.99), percentile(1));
  return 0;
}
