/*
 * link/test_link.c - links over real loopback sockets: every byte, every ending, every fallback.
 *
 * One worker runs an echo machine; the test's own thread is the other end, with plain system calls.
 * Every transfer test runs once per way of using the ring, chosen as WEIR_URING_DISABLE does.
 */
#include "io/link/pass.h"
#include "io/worker/group.h"
#include "tests/support/echo.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct way {
  const char *name; /* what is disabled */
} ways[] = {
    {""},
    {"inline_send"},
    {"multishot_recv"},
    {"buffer_ring"},
    {"multishot_accept"},
    {"defer_taskrun"},
    {"single_issuer,submit_all,ring_fd"},
    {"ext_arg"},
    {"full_queues"},
    {"inline_send,multishot_recv,multishot_accept"},
    {"single_issuer,defer_taskrun,submit_all,ring_fd,ext_arg,multishot_accept,multishot_recv,"
     "buffer_ring,inline_send"},
};
enum { WAY_COUNT = sizeof ways / sizeof ways[0] };

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* --- one server --- */

struct server {
  struct worker_group group;
  struct listener listener;
  struct echo_world world;
};

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  struct server *server = ctx;
  struct machine_factory factory = {.ctx = &server->world, .create = echo_create};
  return worker_listen(worker, &server->listener, factory) ||
         io_error_set(error, ENOMEM, "no acceptor");
}

/* Not on the stack, which a failed test leaves behind under its still running worker. */
static struct server *new_server(struct echo_world world) {
  struct server *server = calloc(1, sizeof *server);
  server->world = world;
  return server;
}

static void end_server(struct server *server) {
  listener_close(&server->listener);
  free(server);
}

static void start(struct server *server, const char *disabled, struct worker_config config) {
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

static struct loop_counters counters(const struct server *server) {
  return worker_group_counters(&server->group);
}

/* Ends the server; every link must be accounted for. */
static void finish(struct server *server) {
  worker_group_drain(&server->group, clock_now_ns() + 3 * IO_SECOND);
  while (counter_get(&server->world.made) != counter_get(&server->world.closed))
    usleep(1000);
  worker_group_join(&server->group);
  assert_int_equal(server->world.made, server->world.closed);
  end_server(server);
}

/* --- one client --- */

static int connect_to(const struct server *server) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, &server->listener.address.any, server->listener.address.len), 0);
  return fd;
}

static void wait_readable(int fd) {
  struct pollfd pollfd = {.fd = fd, .events = POLLIN};
  if (poll(&pollfd, 1, 10000) != 1) fail_msg("nothing to read within 10 s");
}

/* Reads exactly `len` bytes. */
static void read_all(int fd, uint8_t *into, size_t len) {
  for (size_t at = 0; at < len;) {
    wait_readable(fd);
    ssize_t got = read(fd, into + at, len - at);
    if (got <= 0) fail_msg("read %zd after %zu of %zu bytes: %s", got, at, len, strerror(errno));
    at += (size_t)got;
  }
}

static void expect_eof(int fd) {
  uint8_t byte;
  wait_readable(fd);
  assert_int_equal(read(fd, &byte, 1), 0);
}

static void write_all(int fd, const uint8_t *from, size_t len) {
  for (size_t at = 0; at < len;) {
    ssize_t put = write(fd, from + at, len - at);
    if (put <= 0) fail_msg("write %zd after %zu of %zu bytes: %s", put, at, len, strerror(errno));
    at += (size_t)put;
  }
}

/* Waits until `*counter` is at least `value`, while there is progress within ten seconds. */
static void wait_until(const uint64_t *counter, uint64_t value) {
  uint64_t before = 0, now = counter_get(counter);
  for (int i = 0; i < 10000 && now < value; i++) {
    usleep(1000);
    now = counter_get(counter);
    if (now != before) i = 0;
    before = now;
  }
  if (now < value)
    fail_msg("%lu instead of %lu, for 10 s", (unsigned long)now, (unsigned long)value);
}

static const uint64_t *counter_of(const struct server *server, size_t offset) {
  return (const uint64_t *)((const char *)&server->group.workers[0].loop.counters + offset);
}
#define COUNTER(server, name) counter_of(server, offsetof(struct loop_counters, name))

/* --- transfers --- */

struct transfer {
  int fd;
  size_t bytes, chunk_max;
  uint32_t seed;
};

static uint8_t *pattern(size_t bytes, uint32_t seed) {
  uint8_t *data = malloc(bytes);
  for (size_t i = 0; i < bytes; i++)
    data[i] = (uint8_t)((seed = seed * 69069 + 1) >> 24);
  return data;
}

/* Writes in pieces of random size, then closes its half. */
static void *writer(void *argument) {
  struct transfer *transfer = argument;
  uint8_t *data = pattern(transfer->bytes, transfer->seed);
  uint32_t random = transfer->seed;
  for (size_t at = 0; at < transfer->bytes;) {
    random = random * 1664525 + 1013904223;
    size_t len = min(1 + (random >> 8) % transfer->chunk_max, transfer->bytes - at);
    ssize_t put = send(transfer->fd, data + at, len, MSG_NOSIGNAL);
    if (put <= 0) break; /* the reader will miss the rest, and say so */
    at += (size_t)put;
  }
  shutdown(transfer->fd, SHUT_WR);
  free(data);
  return NULL;
}

/* Reads back what the writer sends, up to the server's FIN. */
static void read_back(struct transfer *transfer) {
  uint8_t *expected = pattern(transfer->bytes, transfer->seed), *got = malloc(transfer->bytes);
  read_all(transfer->fd, got, transfer->bytes);
  for (size_t i = 0; i < transfer->bytes; i++)
    if (got[i] != expected[i]) fail_msg("byte %zu differs (seed %u)", i, transfer->seed);
  expect_eof(transfer->fd);
  free(expected);
  free(got);
}

static void echo_once(struct server *server, size_t bytes, size_t chunk_max, uint32_t seed) {
  pthread_t thread;
  struct transfer transfer = {
      .fd = connect_to(server), .bytes = bytes, .chunk_max = chunk_max, .seed = seed};
  assert_int_equal(pthread_create(&thread, NULL, writer, &transfer), 0);
  read_back(&transfer);
  pthread_join(thread, NULL);
  close(transfer.fd);
}

/* Sizes around those of buffers, budgets and the machine's own ring. */
static void test_bytes_come_back(void **state) {
  const struct way *way = *state;
  static const size_t sizes[] = {1,     100,        16383,       16384,      16385,
                                 65536, ECHO_BYTES, 3000000 + 7, 262144 + 1, 12000000};
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  start(server, way->name, (struct worker_config){.pin = false});
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    echo_once(server, sizes[i], i % 2 ? 70000 : 3000, (uint32_t)i + 1);
  wait_until(COUNTER(server, links_closed), sizeof sizes / sizeof sizes[0]);
  assert_int_equal(counters(server).links_cut, 0);
  finish(server);
}

/* The client writes all before it reads anything: the machine fills up and wants no input. */
static void test_slow_reader(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  struct transfer transfer = {.bytes = 24000000, .chunk_max = 100000, .seed = 7};
  pthread_t thread;
  start(server, way->name, (struct worker_config){.pin = false});
  transfer.fd = connect_to(server);
  assert_int_equal(pthread_create(&thread, NULL, writer, &transfer), 0);
  wait_until(&server->world.full, 1);
  usleep(200000);
  /* While nobody reads, the worker sleeps, and holds no more than the machine and one ring full. */
  uint64_t turns = counters(server).turns;
  usleep(300000);
  assert_true(counters(server).turns - turns < 20);
  assert_true(counter_get(&server->group.workers[0].links.kept_bytes) <=
              2 * IO_BUFFER_COUNT * IO_BUFFER_BYTES);
  read_back(&transfer);
  pthread_join(thread, NULL);
  close(transfer.fd);
  wait_until(COUNTER(server, links_closed), 1);
  finish(server);
}

/* A machine that is done while the peer still sends: its last bytes arrive all the same. */
static void test_last_bytes_arrive(void **state) {
  const struct way *way = *state;
  enum { BYTES = 1500000 };
  struct server *server = new_server((struct echo_world){.talk_bytes = BYTES});
  start(server, way->name, (struct worker_config){.pin = false});
  int fd = connect_to(server);
  uint8_t *junk = pattern(200000, 3), *got = malloc(BYTES);
  write_all(fd, junk, 200000);
  usleep(50000);
  write_all(fd, junk, 50000);
  for (size_t at = 0; at < BYTES;) {
    size_t len = min(BYTES - at, 100000);
    read_all(fd, got + at, len);
    at += len;
    write_all(fd, junk, 1000);
  }
  for (size_t i = 0; i < BYTES; i++)
    assert_int_equal(got[i], echo_byte(i));
  expect_eof(fd);
  write_all(fd, junk, 1000); /* still thrown away, not answered with RST */
  wait_until(&server->world.closed, 1);
  assert_int_equal(counters(server).links_closed, 0);
  close(fd);
  wait_until(COUNTER(server, links_closed), 1);
  assert_int_equal(counters(server).links_cut, 0);
  free(junk);
  free(got);
  finish(server);
}

/* The peer neither closes nor sends after the machine is done: two seconds of patience. */
static void test_linger_ends(void **state) {
  (void)state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 10});
  uint8_t got[10];
  start(server, "", (struct worker_config){.pin = false});
  int fd = connect_to(server);
  uint64_t begin_ns = clock_now_ns();
  read_all(fd, got, sizeof got);
  expect_eof(fd);
  wait_until(COUNTER(server, links_closed), 1);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_true(passed_ns >= IO_LINGER_IDLE_NS - 50 * IO_MILLISECOND);
  assert_true(passed_ns < 2 * IO_LINGER_IDLE_NS);
  close(fd);
  finish(server);
}

static void abort_connection(int fd) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close(fd);
}

/* RST while idle, while sending to us, and while we are stuck sending to it. */
static void test_abrupt_reset(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  uint8_t *data = pattern(400000, 9);
  start(server, way->name, (struct worker_config){.pin = false});
  for (int round = 0; round < 30; round++) {
    int fd = connect_to(server);
    if (round % 3 == 1) write_all(fd, data, 1000);
    if (round % 3 == 2) {
      fcntl(fd, F_SETFL, O_NONBLOCK);
      while (write(fd, data, 400000) > 0)
        usleep(1000);
    }
    abort_connection(fd);
  }
  wait_until(COUNTER(server, links_closed), 30);
  echo_once(server, 100000, 5000, 1);
  free(data);
  finish(server);
}

/* Cut by the server in the middle of a send that the kernel still reads from. */
static void cut_all(struct worker *worker, void *object) {
  (void)object;
  links_cut(&worker->links);
}

static void test_cut_while_sending(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 1 << 30});
  int fds[8];
  start(server, way->name, (struct worker_config){.pin = false});
  for (int i = 0; i < 8; i++)
    fds[i] = connect_to(server);
  wait_until(COUNTER(server, links_accepted), 8);
  usleep(100000);
  assert_int_equal(counter_get(&server->world.closed), 0);
  assert_true(worker_group_post(&server->group, 0, cut_all, NULL));
  wait_until(COUNTER(server, links_closed), 8);
  assert_int_equal(counters(server).links_cut, 8);
  for (int i = 0; i < 8; i++)
    close(fds[i]);
  finish(server);
}

/* A peer that never reads is cut, one that reads slowly is not. */
static void test_stall(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 8000000});
  uint8_t buffer[40000];
  start(server, way->name, (struct worker_config){.send_stall_ns = 600 * IO_MILLISECOND});
  int stuck = connect_to(server), slow = connect_to(server);
  wait_until(COUNTER(server, links_accepted), 2);
  for (int i = 0; i < 80 && counters(server).links_closed == 0; i++) {
    read_all(slow, buffer, sizeof buffer);
    usleep(25000);
  }
  assert_int_equal(counters(server).links_stalled, 1);
  for (int i = 0; i < 20; i++)
    read_all(slow, buffer, sizeof buffer);
  assert_int_equal(counters(server).links_closed, 1);
  close(stuck);
  close(slow);
  finish(server);
}

/* --- many --- */

static void test_many_connections(void **state) {
  const struct way *way = *state;
  enum { COUNT = 5000, ASK = 100 };
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  int *fds = malloc(COUNT * sizeof *fds);
  uint8_t *data = pattern(ASK, 5), got[ASK];
  start(server, way->name, (struct worker_config){.pin = false});
  for (int i = 0; i < COUNT; i++)
    fds[i] = connect_to(server);
  wait_until(COUNTER(server, links_accepted), COUNT);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < COUNT; i++)
      write_all(fds[i], data, ASK);
    for (int i = 0; i < COUNT; i++) {
      read_all(fds[i], got, ASK);
      assert_memory_equal(got, data, ASK);
    }
  }
  assert_int_equal(counters(server).links_closed, 0);
  for (int i = 0; i < COUNT; i++)
    close(fds[i]);
  wait_until(COUNTER(server, links_closed), COUNT);
  assert_int_equal(counters(server).late_completions, 0);
  free(fds);
  free(data);
  finish(server);
}

/* Two buffers for fifty links that all receive at once. */
static void test_starved_ring(void **state) {
  const struct way *way = *state;
  enum { COUNT = 50, ASK = 60000 };
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  struct worker_config config = {.buffer_count = 2, .buffer_bytes = 2048};
  int fds[COUNT];
  uint8_t *data = pattern(ASK, 11), *got = malloc(ASK);
  start(server, way->name, config);
  for (int i = 0; i < COUNT; i++)
    fds[i] = connect_to(server);
  wait_until(COUNTER(server, links_accepted), COUNT);
  for (int i = 0; i < COUNT; i++)
    write_all(fds[i], data, ASK);
  for (int i = 0; i < COUNT; i++) {
    shutdown(fds[i], SHUT_WR);
    read_all(fds[i], got, ASK);
    assert_memory_equal(got, data, ASK);
    expect_eof(fds[i]);
    close(fds[i]);
  }
  wait_until(COUNTER(server, links_closed), COUNT);
  if (!strstr(way->name, "buffer_ring")) assert_true(counters(server).recv_starved > 0);
  free(data);
  free(got);
  finish(server);
}

/* --- limits --- */

/* Takes descriptors until only `left` remain; returns how many it took. */
static int take_descriptors(int *fds, int max, int left) {
  int count = 0;
  while (count < max && (fds[count] = dup(0)) >= 0)
    count++;
  assert_true(count > left && count < max);
  for (int i = 0; i < left; i++)
    close(fds[--count]);
  return count;
}

/* Out of descriptors: those connected wait, nothing spins, and closing one lets the next in. */
static void test_no_descriptor_left(void **state) {
  const struct way *way = *state;
  enum { COUNT = 40, EXTRA = 10, LIMIT = 200 };
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  struct rlimit before, few;
  int fds[COUNT], taken[LIMIT];
  uint8_t byte = 'x';
  /* The kernel notes the limit when the accept request is made. */
  getrlimit(RLIMIT_NOFILE, &before);
  few = before;
  few.rlim_cur = LIMIT;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  start(server, way->name, (struct worker_config){.pin = false});
  for (int i = 0; i < COUNT; i++)
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int taken_count = take_descriptors(taken, LIMIT, EXTRA);
  const struct address *to = &server->listener.address;
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(connect(fds[i], &to->any, to->len), 0);
    write_all(fds[i], &byte, 1);
  }
  wait_until(COUNTER(server, links_accepted), EXTRA);
  wait_until(COUNTER(server, accept_errors), 1);
  usleep(20000);
  uint64_t turns = counters(server).turns;
  usleep(500000);
  assert_true(counters(server).turns - turns < 20);
  assert_int_equal(counters(server).links_accepted, EXTRA);
  /* Each one that is served and closed makes room for one that waits. */
  for (int i = 0; i < COUNT; i++) {
    read_all(fds[i], &byte, 1);
    shutdown(fds[i], SHUT_RDWR);
  }
  wait_until(COUNTER(server, links_closed), COUNT);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < taken_count; i++)
    close(taken[i]);
  for (int i = 0; i < COUNT; i++)
    close(fds[i]);
  finish(server);
}

/* The cap of links is not exceeded, and nobody beyond it is lost for good. */
static void test_cap_of_links(void **state) {
  const struct way *way = *state;
  enum { COUNT = 30, CAP = 4 };
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  int fds[COUNT];
  uint8_t byte = 'y';
  unsigned served = 0;
  start(server, way->name, (struct worker_config){.links_max = CAP});
  for (int i = 0; i < COUNT; i++) {
    fds[i] = connect_to(server);
    ssize_t put = send(fds[i], &byte, 1, MSG_NOSIGNAL);
    (void)put; /* may have been refused already */
  }
  for (int i = 0; i < COUNT; i++) {
    wait_readable(fds[i]);
    served += read(fds[i], &byte, 1) == 1;
    assert_true(counter_get(&server->world.made) - counter_get(&server->world.closed) <= CAP);
    close(fds[i]);
  }
  assert_int_equal(served, COUNT); /* who comes too early waits */
  wait_until(COUNTER(server, links_closed), served);
  assert_int_equal(counters(server).links_shed, 0); /* nobody was idle */
  assert_int_equal(counters(server).links_refused, 0);
  echo_once(server, 1000, 100, 1);
  finish(server);
}

/* Idle links that take every place make room for others, and go without lingering. */
static void test_idle_links_are_shed(void **state) {
  const struct way *way = *state;
  enum { CAP = 16 };
  struct server *server = new_server((struct echo_world){.idle = true});
  int fds[CAP];
  start(server, way->name, (struct worker_config){.links_max = CAP});
  for (int i = 0; i < CAP; i++)
    fds[i] = connect_to(server);
  wait_until(COUNTER(server, links_accepted), CAP);
  echo_once(server, 1000, 100, 1);
  uint64_t shed = counters(server).links_shed;
  assert_in_range(shed, 1, CAP);
  unsigned ended = 0;
  for (int i = 0; i < CAP; i++) {
    struct pollfd pollfd = {.fd = fds[i], .events = POLLIN};
    ended += poll(&pollfd, 1, 0) == 1;
    close(fds[i]);
  }
  assert_in_range(ended, 1, CAP);
  finish(server);
}

static void test_factory_refuses(void **state) {
  (void)state;
  struct server *server = new_server((struct echo_world){.refuse = true});
  start(server, "", (struct worker_config){.pin = false});
  int fd = connect_to(server);
  expect_eof(fd);
  close(fd);
  wait_until(COUNTER(server, links_refused), 1);
  assert_int_equal(counters(server).links_accepted, 0);
  finish(server);
}

/* --- time and ends --- */

static void test_machine_deadline(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.tick_ns = 60 * IO_MILLISECOND});
  uint8_t byte = 0;
  start(server, way->name, (struct worker_config){.pin = false});
  uint64_t begin_ns = clock_now_ns();
  int fd = connect_to(server);
  read_all(fd, &byte, 1);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_int_equal(byte, '!');
  assert_true(passed_ns >= 60 * IO_MILLISECOND && passed_ns < 2 * IO_SECOND);
  assert_int_equal(counter_get(&server->world.ticks), 1);
  close(fd);
  finish(server);
}

struct options {
  int nodelay, lowat;
};

/* Worker's thread: of its first link. */
static void read_options(struct worker *worker, void *object) {
  struct options *options = object;
  int fd = worker->links.chunks[0][0].fd;
  socklen_t len = sizeof(int);
  getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &options->nodelay, &len);
  getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &options->lowat, &len);
}

/* What the listener was told holds for the sockets that it accepts; the machine learns its peer. */
static void test_socket_and_peer(void **state) {
  (void)state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  struct sockaddr_in own;
  socklen_t len = sizeof own;
  start(server, "", (struct worker_config){.pin = false});
  int fd = connect_to(server);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
  wait_until(&server->world.made, 1);
  static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
  struct options options = {0};
  wait_until(COUNTER(server, links_accepted), 1);
  assert_true(worker_group_post(&server->group, 0, read_options, &options));
  worker_group_stop(&server->group);
  worker_group_join(&server->group);
  assert_int_equal(options.nodelay, 1);
  assert_int_equal(options.lowat, IO_NOTSENT_LOWAT_BYTES);
  assert_memory_equal(server->world.peer_address, mapped, sizeof mapped);
  assert_int_equal(server->world.peer_port, ntohs(own.sin_port));
  close(fd);
  end_server(server);
}

/* A drain lets what has begun complete, and ends when the last link has. */
static void test_drain(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  uint8_t bytes[4] = "abc", got[4];
  start(server, way->name, (struct worker_config){.pin = false});
  int idle = connect_to(server), busy = connect_to(server);
  wait_until(COUNTER(server, links_accepted), 2);
  write_all(busy, bytes, 3);
  read_all(busy, got, 3);
  uint64_t begin_ns = clock_now_ns();
  worker_group_drain(&server->group, clock_now_ns() + 5 * IO_SECOND);
  expect_eof(idle);
  expect_eof(busy);
  close(idle);
  close(busy);
  worker_group_join(&server->group);
  assert_true(clock_now_ns() - begin_ns < 5 * IO_SECOND); /* not because of the deadline */
  assert_int_equal(server->world.drained, 2);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct address *to = &server->listener.address;
  assert_int_equal(connect(fd, &to->any, to->len), -1);
  assert_int_equal(errno, ECONNREFUSED);
  close(fd);
  end_server(server);
}

/* Machines that never finish are cut at the deadline. */
static void test_drain_deadline(void **state) {
  const struct way *way = *state;
  struct server *server = new_server((struct echo_world){.never_done = true});
  start(server, way->name, (struct worker_config){.pin = false});
  int fd = connect_to(server);
  wait_until(COUNTER(server, links_accepted), 1);
  uint64_t begin_ns = clock_now_ns();
  worker_group_drain(&server->group, begin_ns + 300 * IO_MILLISECOND);
  worker_group_join(&server->group);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_true(passed_ns >= 299 * IO_MILLISECOND && passed_ns < 3 * IO_SECOND);
  assert_int_equal(server->world.closed, 1);
  close(fd);
  end_server(server);
}

static void test_stop_at_once(void **state) {
  const struct way *way = *state;
  enum { COUNT = 20 };
  struct server *server =
      new_server((struct echo_world){.talk_bytes = 1 << 30, .never_done = true});
  start(server, way->name, (struct worker_config){.pin = false});
  int fds[COUNT];
  for (int i = 0; i < COUNT; i++)
    fds[i] = connect_to(server);
  wait_until(COUNTER(server, links_accepted), COUNT / 2); /* and the others while it stops */
  uint64_t begin_ns = clock_now_ns();
  worker_group_stop(&server->group);
  worker_group_join(&server->group);
  assert_true(clock_now_ns() - begin_ns < 2 * IO_SECOND);
  assert_int_equal(server->world.made, server->world.closed);
  end_server(server);
  for (int i = 0; i < COUNT; i++)
    close(fds[i]);
}

/* A port in use is an error with its name, also when both sides allow sharing. */
static void test_port_in_use(void **state) {
  (void)state;
  struct server *server = new_server((struct echo_world){.talk_bytes = 0});
  struct listener second;
  struct io_error error;
  char text[ADDRESS_TEXT_BYTES], expected[200];
  start(server, "", (struct worker_config){.pin = false});
  assert_false(listener_open(&second, &server->listener.address, 2, &error));
  snprintf(expected, sizeof expected, "cannot listen on %s: Address already in use",
           address_format(&server->listener.address, text));
  assert_string_equal(error.text, expected);
  assert_int_equal(error.code, EADDRINUSE);
  finish(server);
}

/* A completion that names the slot's former owner finds nobody. */
static void test_reused_slot(void **state) {
  (void)state;
  struct links links;
  assert_true(links_open(&links, NULL, 1, 0));
  struct link *first = links_take(&links);
  assert_non_null(first);
  first->state = LINK_CLOSING;
  uint64_t late = op_pack(OP_LINK_RECV, first->slot, first->generation);
  assert_ptr_equal(links_find(&links, op_slot(late), op_generation(late)), first);
  assert_null(links_take(&links)); /* at the cap */
  links_give(&links, first);
  assert_null(links_find(&links, op_slot(late), op_generation(late)));
  for (int i = 0; i < 64; i++) { /* until the same slot comes round */
    struct link *next = links_take(&links);
    next->state = LINK_OPEN;
    assert_null(links_find(&links, op_slot(late), op_generation(late)));
    assert_ptr_equal(links_find(&links, next->slot, next->generation), next);
    links_give(&links, next);
  }
  assert_null(links_find(&links, OP_SLOT_MAX, 0));
  links_close(&links);
}

/* One address after another: a listener on it is reached through it. */
static void test_kinds_of_addresses(void **state) {
  (void)state;
  static const struct {
    const char *listen;
    const char *reach[3];
  } rows[] = {
      {"127.0.0.1:0", {"127.0.0.1"}},
      {"localhost:0", {"127.0.0.1"}},
      {"[::1]:0", {"[::1]"}},
      {"[::]:0", {"[::1]", "127.0.0.1"}},
      {":0", {"127.0.0.1", "[::1]", "127.0.0.2"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct listener listener;
    struct address address;
    struct io_error error = {.text = ""};
    assert_true(address_parse(&address, rows[i].listen));
    if (!listener_open(&listener, &address, 3, &error)) fail_msg("%s", error.text);
    assert_int_equal(listener.count, 3);
    for (int j = 0; j < 3 && rows[i].reach[j]; j++) {
      assert_true(address_from_host(&address, rows[i].reach[j], address_port(&listener.address)));
      int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd, &address.any, address.len)) fail_msg("%s", rows[i].reach[j]);
      close(fd);
    }
    listener_close(&listener);
  }
}

#define EACH_WAY(test)                                                                             \
  for (unsigned i = 0; i < WAY_COUNT; i++) {                                                       \
    names[count] = (char *)malloc(200);                                                            \
    snprintf(names[count], 200, "%s without {%s}", #test, ways[i].name);                           \
    tests[count] = (struct CMUnitTest){                                                            \
        .name = names[count], .test_func = test, .initial_state = (void *)(uintptr_t)&ways[i]};    \
    count++;                                                                                       \
  }

/* An argument selects tests by name, with * and ?. */
int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  static struct CMUnitTest tests[400];
  static char *names[400];
  size_t count = 0;
  EACH_WAY(test_bytes_come_back)
  EACH_WAY(test_slow_reader)
  EACH_WAY(test_last_bytes_arrive)
  EACH_WAY(test_abrupt_reset)
  EACH_WAY(test_cut_while_sending)
  EACH_WAY(test_stall)
  EACH_WAY(test_starved_ring)
  EACH_WAY(test_no_descriptor_left)
  EACH_WAY(test_cap_of_links)
  EACH_WAY(test_idle_links_are_shed)
  EACH_WAY(test_machine_deadline)
  EACH_WAY(test_drain)
  EACH_WAY(test_drain_deadline)
  EACH_WAY(test_stop_at_once)
  const struct CMUnitTest once[] = {
      cmocka_unit_test_prestate(test_many_connections, (void *)(uintptr_t)&ways[0]),
      cmocka_unit_test_prestate(test_many_connections, (void *)(uintptr_t)&ways[3]),
      cmocka_unit_test_prestate(test_many_connections, (void *)(uintptr_t)&ways[8]),
      cmocka_unit_test(test_linger_ends),
      cmocka_unit_test(test_factory_refuses),
      cmocka_unit_test(test_socket_and_peer),
      cmocka_unit_test(test_reused_slot),
      cmocka_unit_test(test_kinds_of_addresses),
      cmocka_unit_test(test_port_in_use),
  };
  for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
    tests[count++] = once[i];
  for (size_t i = count; i < sizeof tests / sizeof tests[0]; i++)
    tests[i] = (struct CMUnitTest){.name = NULL};
  int failed = _cmocka_run_group_tests("link", tests, count, NULL, NULL);
  for (size_t i = 0; i < count; i++)
    free(names[i]);
  return failed;
}
