/*
 * link/test_send.c - what the kernel may say to a send, and what a link then does: sends more, waits for room,
 * leaves it to the ring, or ends. The bounds are in link/test_limits.c.
 */
#include "io/link/send.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct meter_worker worker;
static struct meter *meter;

/* ---- the kernel, as far as the test plays it ------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = (time_t)(meter_now_ns / IO_SECOND),
                           .tv_nsec = (long)(meter_now_ns % IO_SECOND)};
  return 0;
}

static size_t takes;  /* bytes of each send, at most */
static int fails;     /* errno of each send; 0: it takes bytes */
static int unsent;    /* bytes in the socket */
static unsigned asks; /* how often the link wanted to know that */

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
  (void)fd, (void)bytes;
  assert_true(flags & MSG_NOSIGNAL && flags & MSG_DONTWAIT);
  if (fails) {
    errno = fails;
    return -1;
  }
  return (ssize_t)(len < takes ? len : takes);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  int *number = va_arg(list, int *);
  va_end(list);
  if (request != SIOCOUTQNSD) return (int)syscall(SYS_ioctl, fd, request, number);
  *number = unsent;
  asks++;
  return 0;
}

static struct link *begin(uint64_t to_send) {
  takes = SIZE_MAX;
  fails = unsent = 0;
  asks = 0;
  meter_begin(&worker, 1);
  meter = meter_add(&worker, to_send);
  return meter->link;
}

static void end(void) {
  meter_end(&worker, &meter, 1);
}

static void settle(struct link *link) {
  link_send_settle(link, link_wanted(link));
}

static const struct loop_counters *counters(void) {
  return &worker.loop.counters;
}

/* The request that is under way is answered; the real answer finds no link. */
static void answer(struct link *link, int result) {
  assert_true(link->sending);
  link->generation++;
  link_on_send(link, &(struct ring_completion){.res = result});
  assert_false(link->sending);
}

/* ---- inline ---------------------------------------------------------------------------------- */

static void test_sent(void **state) {
  (void)state;
  struct link *link = begin(1000);
  settle(link);
  assert_int_equal(meter->sent, 1000);
  assert_int_equal(counters()->send_calls, 1);
  assert_int_equal(counters()->send_bytes, 1000);
  assert_int_equal(counters()->send_short, 0);
  assert_false(link->full || link->refused || link->sending);
  settle(link); /* nothing is left */
  assert_int_equal(counters()->send_calls, 1);
  end();
}

/* A socket that takes a part, or nothing for now, is full: the link waits for room. */
static void test_short_and_failed(void **state) {
  (void)state;
  static const struct {
    int fails;
    size_t takes, sent;
    bool cut;
  } rows[] = {{0, 400, 400, false},   {EAGAIN, 0, 0, false},    {EINTR, 0, 0, false},
              {ENOBUFS, 0, 0, false}, {ECONNRESET, 0, 0, true}, {EPIPE, 0, 0, true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct link *link = begin(1000);
    fails = rows[i].fails;
    takes = rows[i].takes;
    settle(link);
    assert_int_equal(meter->sent, rows[i].sent);
    assert_int_equal(counters()->links_cut, rows[i].cut);
    assert_int_equal(counters()->send_short, !rows[i].cut);
    assert_int_equal(link->full, !rows[i].cut);
    assert_false(link->refused);
    if (!rows[i].cut) {
      settle(link);
      assert_true(link->waiting_for_room);
      assert_int_equal(counters()->send_calls, 1);
    }
    end();
  }
}

/* ---- by reference ---------------------------------------------------------------------------- */

/* As settle(), with a budget that no look at the room changes. */
static void settle_with(struct link *link, uint32_t budget_bytes) {
  link->budget_bytes = budget_bytes;
  link->ahead_bytes = 0;
  settle(link);
}

/* Bytes that lie in pages do not go by send(2), and are counted all the same. A full socket is waited for. */
static void test_by_reference(void **state) {
  (void)state;
  static uint8_t got[SPLICER_LEAST_BYTES];
  struct link *link = begin(METER_ENDLESS);
  meter->bytes = pages_take(&worker.loop.pages);
  assert_non_null(meter->bytes);
  signal(SIGPIPE, SIG_IGN);
  settle_with(link,
              SPLICER_LEAST_BYTES - 1); /* the test's send() takes them, and nobody gets them */
  settle_with(link, SPLICER_LEAST_BYTES);
  assert_int_equal(meter->sent, 2 * SPLICER_LEAST_BYTES - 1);
  assert_int_equal(recv(meter->peer, got, sizeof got, 0), SPLICER_LEAST_BYTES);
  assert_int_equal(recv(meter->peer, got, sizeof got, 0), -1);
  while (!link->full) {
    settle_with(link, PAGES_BYTES);
    assert_false(link->sending || link->refused);
  }
  assert_int_equal(counters()->send_short, 1);
  assert_int_equal(counters()->send_bytes, meter->sent);
  settle(link);
  assert_true(link->waiting_for_room);
  end();
}

/* ---- room ------------------------------------------------------------------------------------ */

/* The socket is asked once it may hold as much as we allow, and waited for if half of that is there. */
static void test_room(void **state) {
  (void)state;
  for (int full = 0; full < 2; full++) {
    struct link *link = begin(METER_ENDLESS);
    unsent = IO_NOTSENT_LOWAT_BYTES / 2 - 1 + full;
    assert_int_equal(link->budget_bytes, IO_NOTSENT_LOWAT_BYTES);
    settle(link);
    assert_int_equal(asks, 0);
    settle(link);
    assert_int_equal(asks, 1);
    assert_int_equal(link->waiting_for_room, full);
    assert_int_equal(counters()->send_calls, full ? 1 : 2);
    end();
  }
}

/* The same for a slow peer, with its budget; a fast peer's may be larger than what may be unsent. */
static void test_room_by_budget(void **state) {
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    struct link *link = begin(METER_ENDLESS);
    const bool fast = i / 2, less = i % 2;
    link->budget_bytes = fast ? IO_SEND_BUDGET_MAX : IO_SEND_BUDGET_MIN;
    link->ahead_bytes = (fast ? IO_NOTSENT_LOWAT_BYTES : IO_SEND_BUDGET_MIN) - less;
    settle(link);
    assert_int_equal(asks, !less);
    end();
  }
}

/* A wait that the next turn ends, or a short one, says nothing of the peer: the budget doubles. */
static void test_prompt_room(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const struct {
    unsigned turns;
    uint64_t ns;
    bool paused, prompt;
  } rows[] = {
      {1, IO_SECOND, false, true},
      {1, IO_SECOND, true, false},
      {0, IO_SECOND, false, false},
      {2, IO_SECOND, false, false},
      {2, IO_SEND_PROMPT_NS - 1, true, true},
      {2, IO_SEND_PROMPT_NS, true, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct link *link = begin(METER_ENDLESS);
    worker.loop.turn = 5;
    fails = EAGAIN;
    settle(link);
    settle(link);
    assert_true(link->waiting_for_room);
    worker.loop.turn += rows[i].turns;
    worker.loop.now_ns += rows[i].ns;
    worker.loop.paused = rows[i].paused;
    link->room_ns = worker.loop.now_ns - IO_SECOND;
    link->ahead_bytes = 1;
    answer(link, POLLOUT);
    assert_int_equal(link->budget_bytes,
                     rows[i].prompt ? 2 * IO_SEND_BUDGET_FIRST : IO_SEND_BUDGET_MIN);
    assert_int_equal(link->ahead_bytes, 0);
    assert_true(link->has_room && !link->full);
    end();
  }
}

/* A wait that was ended by us has seen no room. */
static void test_no_room(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct link *link = begin(1000);
  fails = EAGAIN;
  settle(link);
  settle(link);
  answer(link, -ECANCELED);
  assert_true(link->full && !link->has_room && !link->waiting_for_room);
  assert_int_equal(link->state, LINK_OPEN);
  end();
}

/* ---- through the ring ------------------------------------------------------------------------ */

/* A socket that has room and takes nothing: the kernel lacks memory. The ring retries. */
static struct link *refuse(void) {
  struct link *link = begin(1000);
  fails = EAGAIN;
  settle(link);
  settle(link);
  answer(link, POLLOUT);
  settle(link);
  assert_true(link->refused && !link->full && !link->has_room && !link->sending);
  link->stall_checks = 3;
  settle(link);
  assert_true(link->sending && !link->waiting_for_room && !link->refused);
  assert_int_equal(link->stall_checks, 0);
  return link;
}

static void test_through_the_ring(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const struct {
    int result;
    size_t sent;
    bool full, cut;
  } rows[] = {
      {1000, 1000, false, false}, {999, 999, true, false},     {-EAGAIN, 0, false, false},
      {-EINTR, 0, false, false},  {-ENOBUFS, 0, false, false}, {-EPIPE, 0, false, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct link *link = refuse();
    answer(link, rows[i].result);
    assert_int_equal(meter->sent, rows[i].sent);
    assert_int_equal(link->full, rows[i].full);
    assert_int_equal(counters()->links_cut, rows[i].cut);
    end();
  }
}

/* The machine of a link that was cut meanwhile hears of nothing. */
static void test_answer_after_a_cut(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct link *link = refuse();
  link_cut(link);
  answer(link, 1000);
  assert_int_equal(meter->sent, 0);
  end();
}

/* Once is enough. */
static void test_stop(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct link *link = refuse();
  uint16_t in_flight = link->in_flight;
  link_send_stop(link);
  link_send_stop(link);
  assert_int_equal(link->in_flight, in_flight + 1);
  end();
}

/* A machine that has given up does not wait for its peer. */
static void test_given_up(void **state) {
  (void)state;
  static const uint8_t zeros[4096];
  struct link *link = begin(1000);
  while (syscall(SYS_sendto, link->fd, zeros, sizeof zeros, MSG_DONTWAIT, NULL, 0) > 0) {
  }
  fails = EAGAIN;
  settle(link);
  settle(link);
  meter_turns(&worker, 3);
  assert_true(link->waiting_for_room);
  meter->to_send = 0;
  meter->ends = true;
  link_mark_dirty(link);
  for (unsigned i = 0; i < 10 && worker.links.open > 0; i++)
    meter_turns(&worker, 1);
  assert_true(meter->closed);
  assert_int_equal(worker.links.open, 0);
  assert_int_equal(counters()->links_cut, 1);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sent),
      cmocka_unit_test(test_short_and_failed),
      cmocka_unit_test(test_by_reference),
      cmocka_unit_test(test_room),
      cmocka_unit_test(test_room_by_budget),
      cmocka_unit_test(test_prompt_room),
      cmocka_unit_test(test_no_room),
      cmocka_unit_test(test_through_the_ring),
      cmocka_unit_test(test_answer_after_a_cut),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_given_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
