/*
 * worker/test_adopt.c - listening sockets that another process opened: what is one, and how workers and
 * processes share them; and those of our own that workers share. Here each "process" is a group of workers.
 */
#include "io/worker/group.h"
#include "tests/support/cmocka.h"
#include "tests/support/echo_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- what is no listening socket ------------------------------------------------------------- */

static int make_pipe(void) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[1]);
  return ends[0];
}

static int make_closed(void) {
  int fd = make_pipe();
  close(fd);
  return fd;
}

static int make_udp(void) {
  return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int make_silent(void) {
  return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_local(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un none = {.sun_family = AF_UNIX};
  assert_int_equal(bind(fd, (struct sockaddr *)&none, sizeof none.sun_family), 0);
  assert_int_equal(listen(fd, 1), 0);
  return fd;
}

static int make_listening(const char *text) {
  struct address address;
  assert_true(address_parse(&address, text));
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
  assert_int_equal(bind(fd, &address.any, address.len), 0);
  assert_int_equal(listen(fd, IO_LISTEN_BACKLOG), 0);
  return fd;
}

static void test_what_is_none(void **state) {
  (void)state;
  int (*const rows[])(void) = {make_pipe, make_closed, make_udp, make_silent, make_local};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct address address;
    struct listener listener;
    struct io_error error = {.text = ""};
    char expected[100];
    int fd = rows[i]();
    snprintf(expected, sizeof expected, "descriptor %d: not a listening TCP socket", fd);
    assert_false(listener_inspect(fd, &address, &error));
    assert_string_equal(error.text, expected);
    assert_false(listener_adopt(&listener, &fd, 1, 2, &error));
    assert_string_equal(error.text, expected);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* adopted or closed */
  }
}

static void test_what_is_one(void **state) {
  (void)state;
  static const char *const rows[] = {"127.0.0.1:0", "[::1]:0"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct address address;
    struct listener listener;
    struct io_error error;
    int fd = make_listening(rows[i]), copy;
    assert_int_equal(fcntl(fd, F_SETFD, 0), 0); /* as it is inherited */
    assert_true(listener_inspect(fd, &address, &error));
    assert_true(address_port(&address) > 0);
    assert_true(listener_adopt(&listener, &fd, 1, 3, &error));
    assert_int_equal(listener.count, 3);
    assert_int_equal(address_port(&listener.address), address_port(&address));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(listener_copy(&listener, &copy, &error));
    assert_int_equal(fcntl(copy, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(copy, F_GETFL) & O_NONBLOCK); /* it is of the same socket */
    close(copy);
    listener_close(&listener);
  }
}

/* ---- sharing --------------------------------------------------------------------------------- */

/* How the workers use the kernel. */
struct way {
  enum ring_choice ring;
  unsigned disabled;
};

struct process {
  struct worker_group group;
  struct listener listener;
  struct echo_world worlds[2]; /* one a worker */
};

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  struct process *process = ctx;
  struct machine_factory factory = {.ctx = &process->worlds[worker->index], .create = echo_create};
  return worker_listen(worker, &process->listener, factory) ||
         io_error_set(error, ENOMEM, "no acceptor");
}

static void workers_start(struct process *process, unsigned workers, const struct way *way) {
  struct io_error error = {.text = ""};
  struct worker_config config = {.count = workers,
                                 .ring = way->ring,
                                 .disabled = way->disabled,
                                 .hooks = {.ctx = process, .setup = serve}};
  if (!worker_group_start(&process->group, &config, &error)) fail_msg("%s", error.text);
}

static void process_start(struct process *process, unsigned workers, const int *fds, unsigned count,
                          const struct way *way) {
  struct io_error error = {.text = ""};
  int copies[8];
  for (unsigned i = 0; i < count; i++)
    copies[i] = dup(fds[i]);
  memset(process, 0, sizeof *process);
  if (!listener_adopt(&process->listener, copies, count, workers, &error))
    fail_msg("%s", error.text);
  workers_start(process, workers, way);
}

static void process_end(struct process *process) {
  worker_group_drain(&process->group, clock_now_ns() + 3 * IO_SECOND);
  worker_group_join(&process->group);
  listener_close(&process->listener);
}

static uint64_t accepted(const struct process *process) {
  return worker_group_counters(&process->group).links_accepted;
}

static int dial_to(int listening) {
  struct address address;
  struct io_error error;
  assert_true(listener_inspect(listening, &address, &error));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, &address.any, address.len), 0);
  return fd;
}

/* A connection, and a byte that comes back. */
static void talk(int listening) {
  uint8_t byte = 'x';
  int fd = dial_to(listening);
  peer_write(fd, &byte, 1);
  peer_read(fd, &byte, 1);
  close(fd);
}

static uint64_t accepted_by(const struct process *process, unsigned worker) {
  return counter_get(&process->group.workers[worker].loop.counters.links_accepted);
}

/* Idle workers take turns: no worker is left out, though both wait on one socket. Other programs may keep
 * one from running, so it takes as many calls as it takes. */
static void test_workers_take_turns(void **state) {
  static struct process process;
  enum { ENOUGH = 16, CALLS_MAX = 20000 };
  const struct way *way = *state;
  unsigned calls = 0;
  int fd = make_listening("127.0.0.1:0");
  process_start(&process, 2, &fd, 1, way);
  while (calls < CALLS_MAX &&
         (accepted_by(&process, 0) < ENOUGH || accepted_by(&process, 1) < ENOUGH)) {
    talk(fd);
    calls++;
  }
  assert_in_range(calls, 2 * ENOUGH, CALLS_MAX - 1);
  assert_int_equal(accepted(&process), calls);
  process_end(&process);
  close(fd);
}

/* All connections of a crowd are served, though a worker is woken for one and finds many. */
static void test_crowd(void **state) {
  static struct process process;
  enum { CALLS = 200 };
  const struct way *way = *state;
  int fd = make_listening("127.0.0.1:0"), calls[CALLS];
  uint8_t byte = 'x';
  for (unsigned i = 0; i < CALLS; i++) {
    calls[i] = dial_to(fd);
    if (i == CALLS / 2) process_start(&process, 2, &fd, 1, way);
  }
  for (unsigned i = 0; i < CALLS; i++) {
    peer_write(calls[i], &byte, 1);
    peer_read(calls[i], &byte, 1);
    close(calls[i]);
  }
  process_end(&process);
  close(fd);
}

/* ---- our own sockets -------------------------------------------------------------------------- */

static ino_t socket_of(int fd) {
  struct stat about;
  assert_int_equal(fstat(fd, &about), 0);
  return about.st_ino;
}

static void test_workers_have_one_socket(void **state) {
  (void)state;
  static const enum listener_sharing expected[] = {LISTENER_ALONE, LISTENER_WORKERS,
                                                   LISTENER_WORKERS};
  for (unsigned workers = 1; workers <= 3; workers++) {
    struct address address;
    struct listener listener;
    struct io_error error = {.text = ""};
    assert_true(address_parse(&address, "127.0.0.1:0"));
    if (!listener_open(&listener, &address, workers, &error)) fail_msg("%s", error.text);
    assert_int_equal(listener.sharing, expected[workers - 1]);
    assert_int_equal(listener.count, workers);
    assert_int_equal(listener.sockets, 1);
    for (unsigned i = 0; i < workers; i++) {
      assert_int_equal(socket_of(listener.fds[i]), socket_of(listener.fds[0]));
      assert_int_equal(fcntl(listener.fds[i], F_GETFD), FD_CLOEXEC);
      assert_int_equal(fcntl(listener.fds[i], F_GETFL) & O_NONBLOCK, workers > 1 ? O_NONBLOCK : 0);
    }
    listener_close(&listener);
  }
}

/* Nobody else would take what waits in our own socket when the workers end. */
static void test_what_waits_is_accepted_at_the_end(void **state) {
  static struct process process;
  enum { CALLS = 40 };
  const struct way *way = *state;
  struct address address;
  struct io_error error = {.text = ""};
  int calls[CALLS];
  memset(&process, 0, sizeof process);
  assert_true(address_parse(&address, "127.0.0.1:0"));
  if (!listener_open(&process.listener, &address, 2, &error)) fail_msg("%s", error.text);
  for (unsigned i = 0; i < CALLS; i++)
    calls[i] = dial_to(process.listener.fds[0]);
  workers_start(&process, 2, way);
  process_end(&process);
  assert_int_equal(process.worlds[0].made + process.worlds[1].made, CALLS);
  for (unsigned i = 0; i < CALLS; i++) {
    peer_expect_eof(calls[i]);
    close(calls[i]);
  }
}

/* ---- several processes ------------------------------------------------------------------------ */

/* More sockets than workers, as after the number of workers was reduced: none is forgotten. */
static void test_more_sockets_than_workers(void **state) {
  static struct process process;
  enum { SOCKETS = 3 };
  const struct way *way = *state;
  int fds[SOCKETS];
  for (unsigned i = 0; i < SOCKETS; i++)
    fds[i] = make_listening("127.0.0.1:0");
  process_start(&process, 2, fds, SOCKETS, way);
  for (unsigned i = 0; i < SOCKETS; i++)
    talk(fds[i]);
  process_end(&process);
  for (unsigned i = 0; i < SOCKETS; i++)
    close(fds[i]);
}

/* The next process accepts while this one ends, and after it: no connection is refused or forgotten. */
static void test_process_follows_process(void **state) {
  static struct process first, second;
  const struct way *way = *state;
  int fd = make_listening("127.0.0.1:0");
  uint8_t byte = 'x';
  process_start(&first, 2, &fd, 1, way);
  talk(fd);
  process_start(&second, 1, &fd, 1, way);
  for (unsigned i = 0; i < 20; i++)
    talk(fd);
  process_end(&first);
  for (unsigned i = 0; i < 20; i++)
    talk(fd);
  assert_in_range(accepted(&second), 20, 40);
  process_end(&second);
  int waiting = dial_to(fd); /* nobody accepts: it waits */
  process_start(&first, 2, &fd, 1, way);
  peer_write(waiting, &byte, 1);
  peer_read(waiting, &byte, 1);
  close(waiting);
  process_end(&first);
  close(fd);
}

/* A process that leaves its sockets to the next one goes on with what it has accepted, even if that has not
 * said anything yet. */
static void test_leave(void **state) {
  static struct process first, second;
  const struct way *way = *state;
  int fd = make_listening("127.0.0.1:0");
  uint8_t byte = 'x';
  process_start(&first, 2, &fd, 1, way);
  int silent = dial_to(fd);
  while (accepted(&first) < 1)
    usleep(1000);
  process_start(&second, 2, &fd, 1, way);
  worker_group_leave(&first.group);
  for (unsigned by_second = 0; by_second < 20;) {
    uint64_t before = accepted(&first);
    talk(fd);
    by_second = accepted(&first) == before ? by_second + 1 : 0;
  }
  peer_write(silent, &byte, 1);
  peer_read(silent, &byte, 1);
  close(silent);
  process_end(&first);
  process_end(&second);
  close(fd);
}

/* What the watchdog asks: each worker turns when it is asked to, and one that has ended need not. */
static void test_all_turn(void **state) {
  static struct process process;
  const struct way *way = *state;
  int fd = make_listening("127.0.0.1:0");
  process_start(&process, 2, &fd, 1, way);
  for (unsigned i = 0; i < 3; i++)
    while (!worker_group_has_turned(&process.group))
      usleep(1000);
  worker_group_drain(&process.group, clock_now_ns() + 3 * IO_SECOND);
  for (unsigned i = 0; i < 2; i++)
    while (!atomic_load(&process.group.workers[i].ended))
      usleep(1000);
  for (unsigned i = 0; i < 3; i++)
    assert_true(worker_group_has_turned(&process.group));
  process_end(&process);
  close(fd);
}

/* A worker that hangs is told from others. */
static void hang(struct worker *worker, void *object) {
  const uint64_t *go_on = object;
  (void)worker;
  while (!__atomic_load_n(go_on, __ATOMIC_ACQUIRE))
    usleep(1000);
}

static void test_one_hangs(void **state) {
  static struct process process;
  const struct way *way = *state;
  uint64_t go_on = 0;
  int fd = make_listening("127.0.0.1:0");
  process_start(&process, 2, &fd, 1, way);
  assert_true(worker_group_post(&process.group, 1, hang, &go_on));
  for (unsigned still = 0; still < 20; usleep(1000)) /* until it hangs for good */
    still = worker_group_has_turned(&process.group) ? 0 : still + 1;
  __atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
  while (!worker_group_has_turned(&process.group))
    usleep(1000);
  process_end(&process);
  close(fd);
}

#define EACH_WAY(test)                                                                             \
  cmocka_unit_test_prestate(test, &with_all), cmocka_unit_test_prestate(test, &without),           \
      cmocka_unit_test_prestate(test, &epoll)

int main(void) {
  static struct way with_all = {.ring = RING_IO_URING}, epoll = {.ring = RING_EPOLL},
                    without = {.ring = RING_IO_URING, .disabled = (1u << URING_FEATURE_COUNT) - 1};
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_none),
      cmocka_unit_test(test_what_is_one),
      EACH_WAY(test_workers_take_turns),
      EACH_WAY(test_crowd),
      cmocka_unit_test(test_workers_have_one_socket),
      EACH_WAY(test_what_waits_is_accepted_at_the_end),
      EACH_WAY(test_more_sockets_than_workers),
      EACH_WAY(test_process_follows_process),
      EACH_WAY(test_leave),
      EACH_WAY(test_all_turn),
      EACH_WAY(test_one_hangs),
  };
  return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
