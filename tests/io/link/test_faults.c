/*
 * link/test_faults.c - links on a kernel that refuses: sends take less than offered, fail for a
 * moment, or go through the ring in pieces.
 *
 * send, sendmsg and the submitting functions of liburing are defined here, in front of the real
 * ones. Their behaviour follows from a seed. A failure prints it, and `test_faults SEED` replays
 * it. All bytes still come back in order.
 */
#include "io/worker/group.h"
#include "tests/support/cmocka.h"
#include "tests/support/echo.h"
#include "tests/support/engine.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- the kernel that refuses --- */

static size_t min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* The test may set the numbers at any time. Only the worker uses `random`. */
static struct faults {
  uint64_t random;
  unsigned first_send_bytes; /* bytes taken by the first send; 0: like the rest */
  unsigned fail_percent;     /* of sends that fail with EAGAIN, EINTR or ENOBUFS */
  unsigned short_percent;    /* of sends that take only a part */
  uint64_t sends, shortened, failed, ring_shortened;
} faults;

static uint32_t draw(uint32_t bound) {
  faults.random = faults.random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(faults.random >> 33) % bound;
}

static unsigned setting(const unsigned *number) {
  return __atomic_load_n(number, __ATOMIC_RELAXED);
}

/* The number of the `len` bytes that the next send may take; -1 with errno for none. */
static ssize_t allowance(size_t len) {
  static const int errors[] = {EAGAIN, EINTR, ENOBUFS};
  counter_add(&faults.sends, 1);
  size_t exactly = __atomic_exchange_n(&faults.first_send_bytes, 0, __ATOMIC_RELAXED);
  if (exactly) {
    counter_add(&faults.shortened, exactly < len);
    return (ssize_t)min(exactly, len);
  }
  if (draw(100) < setting(&faults.fail_percent)) {
    counter_add(&faults.failed, 1);
    errno = errors[draw(3)];
    return -1;
  }
  if (draw(100) >= setting(&faults.short_percent)) return (ssize_t)len;
  counter_add(&faults.shortened, 1);
  return 1 + (ssize_t)draw((uint32_t)len);
}

/* Only links use MSG_DONTWAIT. */
ssize_t send(int fd, const void *bytes, size_t len, int flags) {
  if (flags & MSG_DONTWAIT) {
    ssize_t allowed = allowance(len);
    if (allowed < 0) return -1;
    len = (size_t)allowed;
  }
  return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *header, int flags) {
  struct iovec spans[IO_SEND_SPANS];
  struct msghdr part = *header;
  size_t total = 0;
  for (size_t i = 0; i < header->msg_iovlen; i++)
    total += header->msg_iov[i].iov_len;
  ssize_t allowed = flags & MSG_DONTWAIT ? allowance(total) : (ssize_t)total;
  if (allowed < 0) return -1;
  part.msg_iov = spans;
  part.msg_iovlen = 0;
  for (size_t left = (size_t)allowed; left > 0; part.msg_iovlen++) {
    spans[part.msg_iovlen] = header->msg_iov[part.msg_iovlen];
    spans[part.msg_iovlen].iov_len = min(left, spans[part.msg_iovlen].iov_len);
    left -= spans[part.msg_iovlen].iov_len;
  }
  return syscall(SYS_sendmsg, fd, &part, flags);
}

/* Shortens a request's send, as a kernel may. */
static void shorten(struct io_uring_sqe *sqe) {
  if (sqe->opcode != IORING_OP_SEND && sqe->opcode != IORING_OP_SENDMSG) return;
  if (draw(100) >= setting(&faults.short_percent)) return;
  counter_add(&faults.ring_shortened, 1);
  sqe->msg_flags &= ~(uint32_t)MSG_WAITALL;
  if (sqe->opcode == IORING_OP_SEND) {
    sqe->len = 1 + draw(sqe->len);
    return;
  }
  struct msghdr *header = (struct msghdr *)(uintptr_t)sqe->addr;
  header->msg_iovlen = 1 + draw((uint32_t)header->msg_iovlen);
  struct iovec *last = &header->msg_iov[header->msg_iovlen - 1];
  last->iov_len = 1 + draw((uint32_t)last->iov_len);
}

static void shorten_queued(struct io_uring *ring) {
  for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++)
    shorten(&ring->sq.sqes[at & ring->sq.ring_mask]);
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int io_uring_submit(struct io_uring *ring) {
  shorten_queued(ring);
  return REAL(io_uring_submit)(ring);
}

int io_uring_submit_and_get_events(struct io_uring *ring) {
  shorten_queued(ring);
  return REAL(io_uring_submit_and_get_events)(ring);
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                     unsigned count, struct __kernel_timespec *timeout,
                                     sigset_t *mask) {
  shorten_queued(ring);
  return REAL(io_uring_submit_and_wait_timeout)(ring, cqe, count, timeout, mask);
}

/* --- one server, one client --- */

static struct server {
  struct worker_group group;
  struct listener listener;
  struct echo_world world;
} server;

static uint64_t seed;

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  struct machine_factory factory = {.ctx = &server.world, .create = echo_create};
  (void)ctx;
  (void)error;
  return worker_listen(worker, &server.listener, factory);
}

static void start(const char *disabled) {
  struct address address;
  struct io_error error = {.text = ""};
  const char *bad;
  struct worker_config config = {.count = 1, .hooks = {.setup = serve}};
  server = (struct server){.world = {.talk_bytes = 0}};
  faults = (struct faults){.random = seed};
  assert_true(address_parse(&address, "127.0.0.1:0"));
  assert_true(uring_parse_disabled(disabled, &config.disabled, &bad));
  if (!listener_open(&server.listener, &address, 1, &error)) fail_msg("%s", error.text);
  if (!worker_group_start(&server.group, &config, &error)) fail_msg("%s", error.text);
}

static void finish(void) {
  worker_group_drain(&server.group, clock_now_ns() + 3 * IO_SECOND);
  worker_group_join(&server.group);
  listener_close(&server.listener);
  assert_int_equal(server.world.made, server.world.closed);
}

static int connect_to_server(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct address *to = &server.listener.address;
  assert_int_equal(connect(fd, &to->any, to->len), 0);
  return fd;
}

/* Sends `len` bytes while reading them back, whichever is possible, up to both ends' FIN. */
static void exchange(size_t len) {
  int fd = connect_to_server();
  uint8_t buffer[30000];
  size_t sent = 0, got = 0;
  bool at_end = false;
  while (!at_end) {
    struct pollfd pollfd = {.fd = fd, .events = (short)(POLLIN | (sent < len ? POLLOUT : 0))};
    if (poll(&pollfd, 1, 10000) != 1)
      fail_msg("stuck at %zu of %zu bytes, seed %lu", got, len, (unsigned long)seed);
    if (pollfd.revents & POLLOUT) {
      size_t part = min(sizeof buffer, len - sent);
      for (size_t i = 0; i < part; i++)
        buffer[i] = echo_byte(sent + i);
      ssize_t put = syscall(SYS_sendto, fd, buffer, part, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
      if (put > 0) sent += (size_t)put;
      if (sent == len) shutdown(fd, SHUT_WR);
    }
    if (!(pollfd.revents & (POLLIN | POLLHUP | POLLERR))) continue;
    ssize_t read_bytes = read(fd, buffer, sizeof buffer);
    if (read_bytes < 0) fail_msg("%s, seed %lu", strerror(errno), (unsigned long)seed);
    for (ssize_t i = 0; i < read_bytes; i++, got++)
      if (buffer[i] != echo_byte(got)) fail_msg("byte %zu, seed %lu", got, (unsigned long)seed);
    at_end = read_bytes == 0;
  }
  if (got != len) fail_msg("%zu of %zu bytes, seed %lu", got, len, (unsigned long)seed);
  close(fd);
}

/* --- tests --- */

/* The first send stops after each number of bytes in turn. */
static void test_cut_at_every_byte(void **state) {
  enum { LEN = 300 };
  start(*state);
  for (unsigned cut = 1; cut <= LEN; cut++) {
    __atomic_store_n(&faults.first_send_bytes, cut, __ATOMIC_RELAXED);
    exchange(LEN);
  }
  if (!strstr(*state, "inline_send")) assert_true(counter_get(&faults.shortened) >= LEN - 1);
  finish();
}

/* The kernel does anything to each send, and the ring is used in every way. */
static void test_unkind_kernel(void **state) {
  static const size_t sizes[] = {1, 1000, 100000, 1000000};
  static const struct {
    unsigned fail_percent, short_percent;
  } moods[] = {{0, 100}, {50, 50}, {100, 0}, {90, 100}, {10, 10}};
  bool inlined = !strstr(*state, "inline_send"); /* only those can fail for a moment */
  for (size_t mood = 0; mood < sizeof moods / sizeof moods[0]; mood++) {
    start(*state);
    unsigned fail_percent = inlined ? moods[mood].fail_percent : 0;
    if (engine_is_epoll() && fail_percent == 100)
      fail_percent = 90; /* there is no other way to send */
    __atomic_store_n(&faults.fail_percent, fail_percent, __ATOMIC_RELAXED);
    __atomic_store_n(&faults.short_percent, moods[mood].short_percent, __ATOMIC_RELAXED);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
      exchange(sizes[i]);
    if (moods[mood].short_percent == 100 || fail_percent == 100)
      assert_true(counter_get(&faults.shortened) + counter_get(&faults.failed) +
                      counter_get(&faults.ring_shortened) >
                  10);
    finish();
  }
}

int main(int argc, char **argv) {
  seed = argc > 1 ? strtoul(argv[1], NULL, 10) : clock_now_ns();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_cut_at_every_byte, (char[]){""}),
      cmocka_unit_test_prestate(test_cut_at_every_byte, (char[]){"multishot_recv"}),
      cmocka_unit_test_prestate(test_cut_at_every_byte, (char[]){"inline_send"}),
      cmocka_unit_test_prestate(test_unkind_kernel, (char[]){""}),
      cmocka_unit_test_prestate(test_unkind_kernel, (char[]){"inline_send"}),
      cmocka_unit_test_prestate(test_unkind_kernel, (char[]){"buffer_ring"}),
      cmocka_unit_test_prestate(test_unkind_kernel, (char[]){"inline_send,multishot_recv"}),
  };
  return cmocka_run_group_tests_name("link_faults", tests, NULL, NULL);
}
