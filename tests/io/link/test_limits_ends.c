/*
 * link/test_limits_ends.c - the bounds of io/link/limits.h on how links end, how crowds of them
 * make room, and how new ones are accepted and dialled.
 */
#include "io/link/accept.h"
#include "io/link/dial.h"
#include "io/link/limits.h"
#include "io/link/listener.h"
#include "io/ring/op.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct meter_worker worker;

/* ---- the kernel, as far as the test plays it ------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = (time_t)(meter_now_ns / IO_SECOND),
                           .tv_nsec = (long)(meter_now_ns % IO_SECOND)};
  return 0;
}

static unsigned pauses;     /* while a port is taken */
static int taken_port = -1; /* the socket that has it */
static unsigned freed_in;   /* which pause */

int nanosleep(const struct timespec *pause, struct timespec *left) {
  (void)left;
  assert_int_equal(pause->tv_nsec, IO_BIND_PAUSE_NS);
  if (++pauses == freed_in) assert_int_equal(close(taken_port), 0);
  return 0;
}

static const int *accept_errors; /* that accept4() has first, up to a 0 */
static unsigned accept_calls;

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags) {
  accept_calls++;
  if (accept_errors && *accept_errors) {
    errno = *accept_errors;
    if (accept_errors[1] != -1) accept_errors++; /* the last one for ever */
    return -1;
  }
  return (int)syscall(SYS_accept4, fd, address, len, flags);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static struct meter *add_lingering(void) {
  struct meter *meter = meter_add(&worker, 10);
  meter->ends = true;
  meter_turns(&worker, 2);
  assert_true(meter->closed);
  assert_int_equal(meter->link->state, LINK_LINGER);
  return meter;
}

static bool is_closed_at(struct meter *meter, uint64_t at_ns) {
  meter_now_ns = at_ns;
  link_mark_dirty(meter->link);
  meter_turns(&worker, 1);
  if (meter->link->state == LINK_LINGER) return false;
  meter_turns(&worker, 2);
  assert_int_equal(worker.loop.counters.links_closed, 1);
  return true;
}

static void test_linger_idle(void **state) {
  (void)state;
  meter_begin(&worker, 1);
  struct meter *meter = add_lingering();
  assert_false(is_closed_at(meter, meter_now_ns + IO_LINGER_IDLE_NS - 1));
  assert_true(is_closed_at(meter, meter_now_ns + 1));
  meter_end(&worker, &meter, 1);
}

/* The peer continues to send. */
static void test_linger_total(void **state) {
  (void)state;
  meter_begin(&worker, 1);
  struct meter *meter = add_lingering();
  const uint64_t until_ns = meter_now_ns + IO_LINGER_TOTAL_NS;
  while (meter_now_ns + IO_LINGER_IDLE_NS / 2 < until_ns) {
    assert_int_equal(write(meter->peer, "x", 1), 1);
    assert_false(is_closed_at(meter, meter_now_ns + IO_LINGER_IDLE_NS / 2));
  }
  assert_int_equal(write(meter->peer, "x", 1), 1);
  assert_false(is_closed_at(meter, until_ns - 1));
  assert_true(is_closed_at(meter, until_ns));
  meter_end(&worker, &meter, 1);
}

/* ---- crowds ---------------------------------------------------------------------------------- */

/* Links that have been idle for long enough: a part of all links, and one more. */
static void test_shed(void **state) {
  (void)state;
  enum { COUNT = 3 * IO_SHED_PART };
  static struct meter *meters[COUNT];
  meter_begin(&worker, COUNT);
  meter_add_all(&worker, meters, COUNT, 0);
  meter_turns(&worker, 1);
  for (unsigned i = 0; i < COUNT; i++)
    meters[i]->idle_since_ns = meter_now_ns;
  meter_now_ns += IO_SHED_IDLE_NS - 1;
  meter_turns(&worker, 1);
  links_shed_some(&worker.links);
  assert_int_equal(worker.loop.counters.links_shed, 0);
  meter_now_ns++;
  meter_turns(&worker, 1);
  links_shed_some(&worker.links);
  assert_int_equal(worker.loop.counters.links_shed, COUNT / IO_SHED_PART + 1);
  meter_end(&worker, meters, COUNT);
}

/* Draining takes time, too: at most the time of a turn, whatever the crowd. */
static void test_shed_time(void **state) {
  (void)state;
  enum { COUNT = 4 * IO_TURN_LOOK_LINKS * IO_SHED_PART };
  static struct meter *meters[COUNT];
  meter_begin(&worker, COUNT);
  meter_add_all(&worker, meters, COUNT, 0);
  meter_turns(&worker, 1);
  for (unsigned i = 0; i < COUNT; i++)
    meters[i]->idle_since_ns = meter_now_ns;
  meter_now_ns += IO_SHED_IDLE_NS;
  meter_turns(&worker, 1);
  for (unsigned i = 0; i < COUNT; i++)
    meters[i]->cost_ns = IO_TURN_FLUSH_NS / IO_TURN_LOOK_LINKS + 1;
  links_shed_some(&worker.links);
  assert_int_equal(worker.loop.counters.links_shed, IO_TURN_LOOK_LINKS);
  for (unsigned i = 0; i < COUNT; i++)
    meters[i]->cost_ns = 0;
  meter_end(&worker, meters, COUNT);
}

/* The only idle link stands behind `others` slots in which there is nothing to shed. */
static bool is_found_behind(uint32_t others) {
  static struct link *taken[IO_SHED_LOOKS + 1];
  meter_begin(&worker, others + 1);
  for (uint32_t i = 0; i < others; i++)
    assert_non_null(taken[i] = links_take(&worker.links));
  struct meter *meter = meter_add(&worker, 0);
  assert_int_equal(meter->link->slot, others);
  meter_turns(&worker, 1);
  meter->idle_since_ns = 0;
  links_shed_some(&worker.links);
  bool found = worker.loop.counters.links_shed == 1;
  links_shed_some(&worker.links); /* those after are checked the next time */
  assert_int_equal(worker.loop.counters.links_shed, 1);
  for (uint32_t i = 0; i < others; i++)
    links_give(&worker.links, taken[i]);
  meter_end(&worker, &meter, 1);
  return found;
}

static void test_shed_looks(void **state) {
  (void)state;
  assert_true(is_found_behind(IO_SHED_LOOKS));
  assert_false(is_found_behind(IO_SHED_LOOKS + 1));
}

static void test_links(void **state) {
  (void)state;
  static struct link *taken[IO_LINKS_MAX];
  meter_begin(&worker, IO_LINKS_MAX);
  for (uint32_t i = 0; i < IO_LINKS_MAX; i++)
    assert_non_null(taken[i] = links_take(&worker.links));
  assert_false(links_have_room(&worker.links));
  assert_null(links_take(&worker.links));
  for (uint32_t i = 0; i < IO_LINKS_MAX; i++)
    links_give(&worker.links, taken[i]);
  meter_end(&worker, NULL, 0);
}

/* The kernel cannot cancel a request: the link is cut, and its socket shut, which ends the request. That
 * it has ended already, or is ending, is no error. */
static void test_failed_cancellation(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const struct {
    int result;
    bool is_cut;
  } rows[] = {{0, false}, {-ENOENT, false}, {-EALREADY, false}, {-EINVAL, true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char byte;
    meter_begin(&worker, 1);
    struct meter *meter = meter_add(&worker, 0);
    meter_turns(&worker, 1);
    meter->link->in_flight++; /* as if it had asked */
    link_on_cancel(meter->link, &(struct ring_completion){.res = rows[i].result});
    assert_int_equal(meter->link->state, rows[i].is_cut ? LINK_CUT : LINK_OPEN);
    assert_int_equal(read(meter->peer, &byte, 1), rows[i].is_cut ? 0 : -1);
    meter_end(&worker, &meter, 1);
  }
}

/* ---- accepting ------------------------------------------------------------------------------- */

static struct link *others[2]; /* links that take the places */

static void open_listener(struct listener *listener) {
  struct io_error error = {.text = ""};
  struct address address;
  assert_true(address_parse(&address, "127.0.0.1:0"));
  if (!listener_open(listener, &address, 1, &error)) fail_msg("%s", error.text);
}

static int connect_to(const struct listener *listener) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, &listener->address.any, listener->address.len), 0);
  return fd;
}

/* The kernel reports a listening socket's backlog in tcpi_sacked. */
static void test_backlog(void **state) {
  (void)state;
  struct listener listener;
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  unsigned most = 0;
  FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%u", &most), 1);
  fclose(file);
  open_listener(&listener);
  assert_int_equal(getsockopt(listener.fds[0], IPPROTO_TCP, TCP_INFO, &info, &len), 0);
  assert_int_equal(info.tcpi_sacked, most < IO_LISTEN_BACKLOG ? most : IO_LISTEN_BACKLOG);
  listener_close(&listener);
}

/* A port that is taken until the last pause is waited for. One that is taken for longer is not. */
static void test_bind(void **state) {
  (void)state;
  enum { PAUSES = IO_BIND_WAIT_NS / IO_BIND_PAUSE_NS };
  for (unsigned late = 0; late < 2; late++) {
    struct listener first, second;
    struct io_error error = {.text = ""};
    pauses = 0;
    freed_in = PAUSES + late;
    open_listener(&first);
    taken_port = listener_take(&first, 0);
    assert_int_equal(listener_open(&second, &first.address, 1, &error), !late);
    assert_int_equal(pauses, PAUSES);
    if (late)
      close(taken_port);
    else
      listener_close(&second);
    listener_close(&first);
  }
}

static struct meter accepted;
static struct listener listener;
static struct acceptors acceptors;

/* Room for `most` links, of which `taken` are in use. */
static void begin_accepting_of(unsigned most, unsigned taken) {
  meter_begin(&worker, most);
  for (unsigned i = 0; i < taken; i++)
    others[i] = links_take(&worker.links);
  accepted = (struct meter){.idle_since_ns = MACHINE_BUSY};
  open_listener(&listener);
  acceptors_init(&acceptors, &worker.links);
  assert_true(acceptors_add(&acceptors, listener_take(&listener, 0), LISTENER_ALONE,
                            (struct machine_factory){.ctx = &accepted, .create = meter_create}));
  assert_true(acceptors_are_open(&acceptors));
}

static void begin_accepting(unsigned taken) {
  begin_accepting_of(2, taken);
}

static void end_accepting(void) {
  acceptors_stop(&acceptors, meter_now_ns);
  meter_turns(&worker, 2);
  assert_false(acceptors_are_open(&acceptors));
  acceptors_free(&acceptors);
  meter_end(&worker, NULL, 0);
  listener_close(&listener);
}

/* There is room for a link again, but accepting is not notified, or cannot begin: it checks again by itself. */
static void test_accept_retry(void **state) {
  (void)state;
  begin_accepting(2);
  int client = connect_to(&listener);
  links_give(&worker.links, others[0]);
  for (int may_begin = 0; may_begin < 2; may_begin++) {
    worker.loop.ending = !may_begin;
    meter_now_ns += IO_ACCEPT_RETRY_NS - 1;
    meter_turns(&worker, 2);
    assert_int_equal(worker.loop.counters.links_accepted, 0);
    meter_now_ns += 1 + 2 * IO_MILLISECOND; /* as late as a timer may be */
    meter_turns(&worker, 2);
    assert_int_equal(worker.loop.counters.links_accepted, may_begin);
  }
  links_give(&worker.links, others[1]);
  end_accepting();
  close(client);
}

/* A connection that the kernel had completed when accepting stops: it is accepted, whatever became of
 * those before it in the queue, and told to drain. When there is no time left, it is not accepted. */
static void test_late_connections_drain(void **state) {
  (void)state;
  static const int errors[] = {ECONNABORTED, EINTR, 0};
  for (unsigned late = 0; late < 2; late++) {
    begin_accepting(2); /* so that accepting waits */
    int client = connect_to(&listener);
    links_give(&worker.links, others[0]);
    links_give(&worker.links, others[1]);
    accept_errors = errors;
    acceptors_stop(&acceptors, meter_now_ns + !late);
    accept_errors = NULL;
    assert_false(acceptors_are_open(&acceptors));
    acceptors_leave(&acceptors); /* another may not take the rest over any more */
    assert_false(acceptors.leaving);
    assert_int_equal(worker.loop.counters.links_accepted, !late);
    assert_int_equal(accepted.drained, !late);
    end_accepting();
    close(client);
  }
}

/* At most a backlog of them, even if the kernel goes on and on. */
static void test_late_connections_are_bounded(void **state) {
  (void)state;
  static const int errors[] = {ECONNABORTED, -1};
  begin_accepting(2);
  links_give(&worker.links, others[0]);
  links_give(&worker.links, others[1]);
  accept_errors = errors;
  accept_calls = 0;
  acceptors_stop(&acceptors, meter_now_ns + 1);
  accept_errors = NULL;
  assert_int_equal(accept_calls, IO_LISTEN_BACKLOG);
  assert_int_equal(timers_next_ns(&worker.loop.timers), TIMER_NEVER); /* nor will it ask again */
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(client, &listener.address.any, listener.address.len), -1);
  assert_int_equal(errno, ECONNREFUSED);
  close(client);
  end_accepting();
}

/* What the kernel says about the request to accept. The request itself is never answered. */
static void say_of_accept(int result) {
  struct loop_op_slot *slot = worker.loop.ops.slots;
  while (!slot->op)
    slot++;
  uint32_t index = (uint32_t)(slot - worker.loop.ops.slots);
  struct ring_completion cqe = {.user_data = op_pack(OP_LOOP, index, slot->generation),
                                .res = result};
  loop_op_completed(&worker.loop, &cqe);
}

/* Errors of one connection: the next is accepted at once. Others: it waits, and asks again later. */
static void test_errors_of_accept(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const struct {
    int error;
    bool passes;
  } rows[] = {
      {ECONNABORTED, true}, {EINTR, true},        {EAGAIN, true},      {EPROTO, true},
      {ENETDOWN, true},     {EHOSTUNREACH, true}, {ENETUNREACH, true}, {ECANCELED, true},
      {EMFILE, false},      {ENFILE, false},      {ENOMEM, false},     {ENOBUFS, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin_accepting(0);
    assert_int_equal(worker.loop.ops.under_way, 1);
    say_of_accept(-rows[i].error);
    if (worker.loop.ops.under_way != rows[i].passes)
      fail_msg("%s: %u", strerror(rows[i].error), worker.loop.ops.under_way);
    assert_int_equal(worker.loop.counters.accept_errors, !rows[i].passes);
    meter_now_ns += IO_ACCEPT_RETRY_NS + 2 * IO_MILLISECOND;
    meter_turns(&worker, 1);
    assert_int_equal(worker.loop.ops.under_way, 1);
    end_accepting();
  }
}

/* A connection is accepted after the last moment: it is closed. */
static void test_accepted_too_late(void **state) {
  ONLY_IO_URING();
  (void)state;
  int pair[2];
  char byte;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  begin_accepting_of(IO_LISTEN_BACKLOG + 1, 0); /* so far from the cap the kernel accepts */
  acceptors_stop(&acceptors, meter_now_ns);
  say_of_accept(pair[0]);
  assert_int_equal(worker.loop.counters.links_accepted, 0);
  assert_int_equal(read(pair[1], &byte, 1), 0);
  end_accepting();
  close(pair[1]);
}

/* Only sockets with that context. */
static void test_another_socket_ends(void **state) {
  (void)state;
  begin_accepting(0);
  acceptors_end(&acceptors, &listener); /* nobody's context */
  meter_turns(&worker, 2);
  assert_true(acceptors_are_open(&acceptors));
  int client = connect_to(&listener);
  meter_turns(&worker, 2);
  assert_int_equal(worker.loop.counters.links_accepted, 1);
  acceptors_end(&acceptors, &accepted);
  meter_turns(&worker, 2);
  assert_false(acceptors_are_open(&acceptors));
  end_accepting();
  close(client);
}

/* The peer of a link that is cut gets a reset, and not an orderly end. */
static void test_cut_resets(void **state) {
  (void)state;
  char byte;
  begin_accepting(0);
  int client = connect_to(&listener);
  meter_turns(&worker, 2);
  assert_int_equal(worker.loop.counters.links_accepted, 1);
  links_cut_all(&worker.links);
  meter_turns(&worker, 3);
  assert_int_equal(worker.loop.counters.links_closed, 1);
  assert_int_equal(read(client, &byte, 1), -1);
  assert_int_equal(errno, ECONNRESET);
  end_accepting();
  close(client);
}

/* A link has closed: each socket asks again. */
static void test_accepting_is_resumed(void **state) {
  (void)state;
  begin_accepting(2);
  assert_int_equal(worker.loop.ops.under_way, 0);
  acceptors_resume(&acceptors);
  assert_int_equal(worker.loop.ops.under_way, 0);
  links_give(&worker.links, others[0]);
  acceptors_resume(&acceptors);
  assert_int_equal(worker.loop.ops.under_way, 1);
  links_give(&worker.links, others[1]);
  end_accepting();
}

/* The connection that brings the worker near the cap stops the kernel from accepting by itself: of those that wait, a turn
 * takes one. */
static void test_near_the_cap(void **state) {
  (void)state;
  enum { WAITING = 3 };
  begin_accepting_of(IO_LISTEN_BACKLOG + 1, 0);
  int first = connect_to(&listener), waiting[WAITING];
  meter_turns(&worker, 3);
  assert_int_equal(worker.loop.counters.links_accepted, 1);
  for (unsigned i = 0; i < WAITING; i++)
    waiting[i] = connect_to(&listener);
  for (unsigned i = 0; i < WAITING; i++) {
    uint64_t before = worker.loop.counters.links_accepted;
    for (unsigned turns = 0; turns < 3 && worker.loop.counters.links_accepted == before; turns++)
      meter_turns(&worker, 1);
    assert_int_equal(worker.loop.counters.links_accepted, before + 1);
  }
  links_cut_all(&worker.links);
  meter_turns(&worker, 3);
  end_accepting();
  close(first);
  for (unsigned i = 0; i < WAITING; i++)
    close(waiting[i]);
}

/* The last link is in use: no socket is watched, not even those that it did not come from. */
static void test_cap_stops_all_sockets(void **state) {
  (void)state;
  struct listener second;
  begin_accepting(1);
  open_listener(&second);
  assert_true(acceptors_add(&acceptors, listener_take(&second, 0), LISTENER_ALONE,
                            (struct machine_factory){.ctx = &accepted, .create = meter_create}));
  assert_int_equal(worker.loop.ops.under_way, 2);
  int client = connect_to(&listener);
  meter_turns(&worker, 3);
  assert_int_equal(worker.loop.counters.links_accepted, 1);
  assert_int_equal(worker.loop.ops.under_way, 0);
  links_give(&worker.links, others[0]);
  end_accepting();
  listener_close(&second);
  close(client);
}

/* ---- dialling -------------------------------------------------------------------------------- */

static int dial_fd, dial_error;
static unsigned dials_done;

static int option_of(int fd, int name) {
  int value = -1;
  socklen_t len = sizeof value;
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, name, &value, &len), 0);
  return value;
}

static void note_socket(struct dial *dial, int fd) {
  (void)dial;
  dial_fd = fd;
  assert_int_equal(option_of(fd, TCP_NODELAY), 1);
  assert_int_equal(option_of(fd, TCP_NOTSENT_LOWAT), IO_NOTSENT_LOWAT_BYTES);
}

static void note_error(struct dial *dial, int error) {
  (void)dial;
  dial_error = error;
  dials_done++;
}

/* Dials while the process may open no descriptor. */
static void dial_without_descriptors(struct dial *dial) {
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  dial_start(dial, &worker.links);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* There is no listener, no operation can begin, or no descriptor is left: the caller learns why, and the socket
 * is closed. */
static void test_failed_dials(void **state) {
  static const int errors[] = {ECONNREFUSED, ENOBUFS, EMFILE};
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    static struct dial dial;
    meter_begin(&worker, 1);
    open_listener(&listener);
    listener_close(&listener);
    dial = (struct dial){.address = listener.address,
                         .factory = {.ctx = &accepted, .create = meter_create},
                         .timeout_ns = 3600 * IO_SECOND,
                         .prepare = note_socket,
                         .done = note_error};
    dial_error = dial_fd = -1;
    dials_done = 0;
    worker.loop.ending = errors[i] == ENOBUFS;
    if (errors[i] == EMFILE)
      dial_without_descriptors(&dial);
    else
      dial_start(&dial, &worker.links);
    assert_int_equal(dial_error, -1); /* never at once */
    for (unsigned turn = 0; turn < 10000 && dial_error < 0; turn++) {
      meter_now_ns += IO_MILLISECOND;
      meter_turns(&worker, 1);
    }
    assert_int_equal(dial_error, errors[i]);
    assert_int_equal(dial_fd < 0, errors[i] == EMFILE); /* nothing to prepare */
    assert_int_equal(fcntl(dial_fd, F_GETFD), -1);
    meter_now_ns += 2 * dial.timeout_ns;
    meter_turns(&worker, 2);
    assert_int_equal(dials_done, 1); /* its time is over, and so is the dial */
    meter_end(&worker, NULL, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_linger_idle),
      cmocka_unit_test(test_linger_total),
      cmocka_unit_test(test_shed),
      cmocka_unit_test(test_shed_time),
      cmocka_unit_test(test_shed_looks),
      cmocka_unit_test(test_links),
      cmocka_unit_test(test_backlog),
      cmocka_unit_test(test_bind),
      cmocka_unit_test(test_accept_retry),
      cmocka_unit_test(test_late_connections_drain),
      cmocka_unit_test(test_late_connections_are_bounded),
      cmocka_unit_test(test_errors_of_accept),
      cmocka_unit_test(test_accepting_is_resumed),
      cmocka_unit_test(test_near_the_cap),
      cmocka_unit_test(test_cap_stops_all_sockets),
      cmocka_unit_test(test_accepted_too_late),
      cmocka_unit_test(test_another_socket_ends),
      cmocka_unit_test(test_cut_resets),
      cmocka_unit_test(test_failed_dials),
      cmocka_unit_test(test_failed_cancellation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
