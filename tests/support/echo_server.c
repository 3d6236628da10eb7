/*
 * support/echo_server.c - see support/echo_server.h.
 */
#include "tests/support/echo_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

void wait_until(const uint64_t *counter, uint64_t value) {
  uint64_t before = 0, now = 0;
  for (int i = 0; i < 10000 && now < value; i++) {
    if (i) usleep(1000);
    now = __atomic_load_n(counter, __ATOMIC_ACQUIRE);
    if (now != before) i = 0;
    before = now;
  }
  if (now < value)
    fail_msg("%lu instead of %lu, for 10 s", (unsigned long)now, (unsigned long)value);
}

/* ---- the server ------------------------------------------------------------------------------ */

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  struct echo_server *server = ctx;
  struct machine_factory factory = {.ctx = &server->world, .create = echo_create};
  return worker_listen(worker, &server->listener, factory) ||
         io_error_set(error, ENOMEM, "no acceptor");
}

struct echo_server *echo_server_make(struct echo_world world) {
  struct echo_server *server = calloc(1, sizeof *server);
  server->world = world;
  return server;
}

void echo_server_free(struct echo_server *server) {
  listener_close(&server->listener);
  free(server);
}

void echo_server_start(struct echo_server *server, const char *disabled,
                       struct worker_config config) {
  struct address address;
  struct io_error error = {.text = ""};
  const char *bad;
  assert_true(address_parse(&address, "127.0.0.1:0"));
  config.count = 1;
  config.hooks = (struct worker_hooks){.ctx = server, .setup = serve};
  assert_true(uring_parse_disabled(disabled, &config.disabled, &bad));
  if (!listener_open(&server->listener, &address, 1, &error)) fail_msg("%s", error.text);
  if (!worker_group_start(&server->group, &config, &error)) fail_msg("%s", error.text);
}

struct loop_counters echo_server_counters(const struct echo_server *server) {
  return worker_group_counters(&server->group);
}

void echo_server_finish(struct echo_server *server) {
  worker_group_drain(&server->group, clock_now_ns() + 3 * IO_SECOND);
  while (counter_get(&server->world.made) != counter_get(&server->world.closed))
    usleep(1000);
  worker_group_join(&server->group);
  assert_int_equal(server->world.made, server->world.closed);
  echo_server_free(server);
}

/* ---- the other end --------------------------------------------------------------------------- */

int echo_server_connect(const struct echo_server *server) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, &server->listener.address.any, server->listener.address.len), 0);
  return fd;
}

void peer_wait_readable(int fd) {
  struct pollfd pollfd = {.fd = fd, .events = POLLIN};
  if (poll(&pollfd, 1, 10000) != 1) fail_msg("nothing to read within 10 s");
}

void peer_read(int fd, uint8_t *into, size_t len) {
  for (size_t at = 0; at < len;) {
    peer_wait_readable(fd);
    ssize_t got = read(fd, into + at, len - at);
    if (got <= 0) fail_msg("read %zd after %zu of %zu bytes: %s", got, at, len, strerror(errno));
    at += (size_t)got;
  }
}

void peer_expect_eof(int fd) {
  uint8_t byte;
  peer_wait_readable(fd);
  assert_int_equal(read(fd, &byte, 1), 0);
}

void peer_write(int fd, const uint8_t *from, size_t len) {
  for (size_t at = 0; at < len;) {
    ssize_t put = write(fd, from + at, len - at);
    if (put <= 0) fail_msg("write %zd after %zu of %zu bytes: %s", put, at, len, strerror(errno));
    at += (size_t)put;
  }
}

uint8_t *peer_pattern(size_t bytes, uint32_t seed) {
  uint8_t *data = malloc(bytes);
  for (size_t i = 0; i < bytes; i++)
    data[i] = (uint8_t)((seed = seed * 69069 + 1) >> 24);
  return data;
}

void *transfer_write(void *argument) {
  struct transfer *transfer = argument;
  uint8_t *data = peer_pattern(transfer->bytes, transfer->seed);
  uint32_t random = transfer->seed;
  for (size_t at = 0; at < transfer->bytes;) {
    random = random * 1664525 + 1013904223;
    size_t len = 1 + (random >> 8) % transfer->chunk_max;
    if (len > transfer->bytes - at) len = transfer->bytes - at;
    ssize_t put = send(transfer->fd, data + at, len, MSG_NOSIGNAL);
    if (put <= 0) break; /* the reader will miss the rest, and report it */
    at += (size_t)put;
  }
  shutdown(transfer->fd, SHUT_WR);
  free(data);
  return NULL;
}

void transfer_read_back(struct transfer *transfer) {
  uint8_t *expected = peer_pattern(transfer->bytes, transfer->seed), *got = malloc(transfer->bytes);
  peer_read(transfer->fd, got, transfer->bytes);
  for (size_t i = 0; i < transfer->bytes; i++)
    if (got[i] != expected[i]) fail_msg("byte %zu differs (seed %u)", i, transfer->seed);
  peer_expect_eof(transfer->fd);
  free(expected);
  free(got);
}

void echo_server_echo(struct echo_server *server, size_t bytes, size_t chunk_max, uint32_t seed) {
  pthread_t thread;
  struct transfer transfer = {
      .fd = echo_server_connect(server), .bytes = bytes, .chunk_max = chunk_max, .seed = seed};
  assert_int_equal(pthread_create(&thread, NULL, transfer_write, &transfer), 0);
  transfer_read_back(&transfer);
  pthread_join(thread, NULL);
  close(transfer.fd);
}

/* ---- ways of using the ring ------------------------------------------------------------------ */

static const char *const ring_ways[] = {
    "",
    "inline_send",
    "multishot_recv",
    "buffer_ring",
    "multishot_accept",
    "defer_taskrun",
    "single_issuer,submit_all,ring_fd",
    "ext_arg",
    "full_queues",
    "inline_send,multishot_recv,multishot_accept",
    ("single_issuer,defer_taskrun,submit_all,ring_fd,ext_arg,multishot_accept,multishot_recv,"
     "buffer_ring,inline_send"),
};
enum { RING_WAYS = sizeof ring_ways / sizeof ring_ways[0] };

int ring_ways_run(const char *group, const struct ring_test *tests, size_t count,
                  const struct CMUnitTest *once, size_t once_count, const char *filter) {
  size_t total = count * RING_WAYS + once_count, made = 0;
  struct CMUnitTest *all = calloc(total, sizeof *all);
  char(*names)[200] = calloc(total, sizeof *names);
  for (size_t i = 0; i < count; i++)
    for (size_t way = 0; way < RING_WAYS; way++, made++) {
      snprintf(names[made], sizeof names[made], "%s without {%s}", tests[i].name, ring_ways[way]);
      all[made] = (struct CMUnitTest){.name = names[made],
                                      .test_func = tests[i].run,
                                      .initial_state = (void *)(uintptr_t)ring_ways[way]};
    }
  if (once_count) memcpy(&all[made], once, once_count * sizeof *once);
  if (filter) cmocka_set_test_filter(filter);
  int failed = _cmocka_run_group_tests(group, all, total, NULL, NULL);
  free(all);
  free(names);
  return failed;
}
