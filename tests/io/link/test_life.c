/*
 * link/test_life.c - a link from birth to end, one turn at a time: its timer, the ends that its machine wants, and
 * that nothing of it stays on any list.
 */
#include "io/link/life.h"
#include "io/link/send.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct meter_worker worker;
static struct meter *meter;

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = (time_t)(meter_now_ns / IO_SECOND),
                           .tv_nsec = (long)(meter_now_ns % IO_SECOND)};
  return 0;
}

static struct link *begin(uint64_t to_send) {
  meter_begin(&worker, 1);
  meter = meter_add(&worker, to_send);
  return meter->link;
}

static void end(void) {
  meter_end(&worker, &meter, 1);
}

static void settle(void) {
  link_mark_dirty(meter->link);
  meter_turns(&worker, 1);
}

static const struct loop_counters *counters(void) {
  return &worker.loop.counters;
}

/* Whether the peer's end of the socket says that no more will come. */
static bool peer_has_eof(void) {
  char byte;
  return recv(meter->peer, &byte, 1, MSG_DONTWAIT) == 0;
}

/* ---- birth ----------------------------------------------------------------------------------- */

static bool refuse(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  (void)ctx, (void)peer, (void)now_ns, (void)out;
  host->wake(host);
  return false;
}

/* No machine, or no room: the socket is closed, and nothing is left. */
static void test_refused(void **state) {
  (void)state;
  static const struct machine_factory refusing = {.create = refuse};
  static struct meter unused;
  const struct machine_factory making = {.ctx = &unused, .create = meter_create};
  begin(0);
  for (int full = 0; full < 2; full++) {
    int fd = dup(meter->peer);
    worker.links.max = full ? 1 : 2;
    assert_null(link_create(&worker.links, fd, full ? &making : &refusing));
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(counters()->links_refused, full + 1);
    assert_int_equal(worker.links.open, 1);
    meter_turns(&worker, 2);
  }
  assert_false(links_have_work(&worker.links));
  end();
}

/* A factory that wants to know when the connection is over. */
static struct machine_end told;
static unsigned told_count;
static uint32_t told_note;

static void count_end(struct machine_end *ending, uint32_t note) {
  assert_ptr_equal(ending, &told);
  told_count++;
  told_note = note;
}

static bool create_told(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                        uint64_t now_ns, struct machine *out) {
  host->note = 7;
  host->end = &told;
  return ctx && meter_create(ctx, peer, host, now_ns, out);
}

/* Once, when the socket is closed, and not while the link lingers; never when no machine was made. */
static void test_end_is_told(void **state) {
  (void)state;
  static struct meter another;
  int first[2],
      second[2]; /* not the same socket twice: its entry in an epoll set outlives its descriptor */
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, first), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, second), 0);
  const struct machine_factory none = {.create = create_told};
  const struct machine_factory telling = {.ctx = &another, .create = create_told};
  begin(0);
  told.ended = count_end;
  told_count = 0;
  worker.links.max = 2;
  assert_null(link_create(&worker.links, first[0], &none));
  assert_int_equal(told_count, 0);
  struct link *link = link_create(&worker.links, second[0], &telling);
  assert_non_null(link);
  another.ends = true;
  link_mark_dirty(link);
  meter_turns(&worker, 2);
  assert_int_equal(link->state, LINK_LINGER);
  assert_int_equal(told_count, 0);
  link_cut(link);
  meter_turns(&worker, 3);
  assert_int_equal(told_count, 1);
  assert_int_equal(told_note, 7);
  close(first[1]);
  close(second[1]);
  end();
}

/* ---- the timer ------------------------------------------------------------------------------- */

static void test_timer(void **state) {
  (void)state;
  struct link *link = begin(0);
  settle();
  assert_false(timer_is_armed(&link->timer));
  const uint64_t due_ns = meter_now_ns + IO_SECOND;
  meter->deadline_ns = due_ns;
  settle();
  assert_int_equal(link->timer.deadline_ns, due_ns);
  meter->deadline_ns = due_ns + 1; /* later: the timer stays, and only looks */
  settle();
  assert_int_equal(link->timer.deadline_ns, due_ns);
  meter->deadline_ns = due_ns - 1;
  settle();
  assert_int_equal(link->timer.deadline_ns, due_ns - 1);
  meter_now_ns = due_ns - 2;
  settle();
  assert_int_equal(meter->ticks, 0);
  meter_now_ns = due_ns - 1;
  settle();
  assert_int_equal(meter->ticks, 1);
  end();
}

/* The timer alone makes a link settle. A deadline that stays in the past gets a tick a millisecond, or two: as
 * exactly as the timers are. */
static void test_ticks(void **state) {
  (void)state;
  struct link *link = begin(0);
  meter->deadline_ns = meter_now_ns + 5 * IO_MILLISECOND;
  settle();
  for (unsigned i = 1; i <= 3; i++) {
    unsigned passed_ms = 0;
    for (; passed_ms < 20 && meter->ticks < i; passed_ms++) {
      meter_now_ns += IO_MILLISECOND;
      meter_turns(&worker, 3);
    }
    assert_int_equal(meter->ticks, i);
    assert_in_range(passed_ms, i == 1 ? 5 : 1, i == 1 ? 6 : 2);
    assert_int_equal(link->timer.deadline_ns, meter_now_ns + IO_MILLISECOND);
  }
  end();
}

/* A link that sends is also looked at for a stall. */
static void test_timer_of_a_send(void **state) {
  (void)state;
  struct link *link = begin(0);
  settle();
  link->sending = true; /* as if a send were under way */
  link->in_flight++;
  link->stall_check_ns = meter_now_ns + 2 * IO_SECOND;
  meter->deadline_ns = meter_now_ns + 3 * IO_SECOND;
  settle();
  assert_int_equal(link->timer.deadline_ns, link->stall_check_ns);
  meter->deadline_ns = meter_now_ns + IO_SECOND;
  settle();
  assert_int_equal(link->timer.deadline_ns, meter->deadline_ns);
  link->sending = false;
  link->in_flight--;
  end();
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* The machine's direction ends, once, and the peer's input still arrives. */
static void test_half_close(void **state) {
  (void)state;
  struct link *link = begin(100);
  meter->half_ends = true;
  char bytes[100];
  meter_turns(&worker, 2);
  assert_int_equal(recv(meter->peer, bytes, sizeof bytes, MSG_DONTWAIT), 100);
  assert_true(link->ended && peer_has_eof());
  assert_int_equal(write(meter->peer, "x", 1), 1);
  meter_turns(&worker, 2);
  assert_int_equal(meter->received, 1);
  assert_int_equal(link->state, LINK_OPEN);
  end();
}

/* The peer's end is told once, after all that came before it. */
static void test_eof(void **state) {
  (void)state;
  begin(0);
  meter->refuses = true;
  assert_int_equal(write(meter->peer, "x", 1), 1);
  meter_turns(&worker, 3);
  assert_int_equal(shutdown(meter->peer, SHUT_WR), 0);
  settle();
  assert_int_equal(meter->eofs, 0);
  meter->refuses = meter->full = false;
  settle();
  meter_turns(&worker, 3);
  settle();
  assert_int_equal(meter->received, 1);
  assert_int_equal(meter->eofs, 1);
  end();
}

/* Our half is shut, and the link waits for the peer. */
static void test_linger(void **state) {
  (void)state;
  struct link *link = begin(0);
  meter->ends = true;
  settle();
  assert_int_equal(link->state, LINK_LINGER);
  assert_true(meter->closed && peer_has_eof());
  assert_int_equal(link->timer.deadline_ns, meter_now_ns + IO_LINGER_IDLE_NS);
  meter_now_ns += IO_LINGER_IDLE_NS + IO_MILLISECOND; /* by the timer alone */
  for (unsigned i = 0; i < 10 && worker.links.open > 0; i++)
    meter_turns(&worker, 1);
  assert_int_equal(worker.links.open, 0);
  assert_int_equal(counters()->links_cut, 0);
  end();
}

static void test_linger_until_eof(void **state) {
  (void)state;
  begin(0);
  meter->ends = true;
  settle();
  assert_int_equal(shutdown(meter->peer, SHUT_WR), 0);
  for (unsigned i = 0; i < 10 && worker.links.open > 0; i++)
    meter_turns(&worker, 1);
  assert_int_equal(worker.links.open, 0);
  end();
}

/* After the peer's FIN, or when it is known to be silent, there is nothing to wait for. What it says all the same before that
 * is known is read first. */
static void test_no_linger(void **state) {
  (void)state;
  for (int silent = 0; silent < 2; silent++) {
    begin(5);
    meter->ends = silent;
    meter->silent = silent;
    if (!silent) assert_int_equal(shutdown(meter->peer, SHUT_WR), 0);
    settle();
    if (!silent) {
      meter_turns(&worker, 3);
      assert_int_equal(meter->eofs, 1);
      assert_int_equal(worker.links.open, 1);
      meter->ends = true;
      settle();
    }
    assert_true(meter->closed);
    assert_int_equal(worker.links.open, 0);
    char bytes[8];
    assert_int_equal(recv(meter->peer, bytes, sizeof bytes, MSG_DONTWAIT), 5);
    assert_true(peer_has_eof());
    end();
  }
}

/* One that makes room for others does not linger. */
static void test_shed(void **state) {
  (void)state;
  struct link *link = begin(0);
  settle();
  meter->idle_since_ns = MACHINE_BUSY;
  assert_false(link_shed(link));
  meter->idle_since_ns = meter_now_ns - IO_SHED_IDLE_NS;
  assert_true(link_shed(link));
  assert_false(link_shed(link)); /* once */
  assert_int_equal(meter->drained, 1);
  assert_int_equal(worker.links.shedding, 1);
  meter->ends = true;
  for (unsigned i = 0; i < 10 && worker.links.open > 0; i++)
    meter_turns(&worker, 1); /* to be drained has marked it */
  assert_int_equal(worker.links.open, 0);
  assert_int_equal(worker.links.shedding, 0);
  end();
}

/* A machine that wants a reset, or is done while its last bytes are not taken. */
static void test_cut(void **state) {
  ONLY_IO_URING();
  (void)state;
  for (int done = 0; done < 2; done++) {
    struct link *link = begin(0);
    settle();
    if (done) {
      link->sending = true; /* as if a send were under way, which is not answered yet */
      link->in_flight++;
      meter->ends = true;
    } else {
      meter->resets = true;
    }
    settle();
    assert_int_equal(counters()->links_cut, 1);
    if (done) {
      assert_int_equal(link->state, LINK_CLOSING);
      link_on_send(link, &(struct ring_completion){.res = -ECANCELED});
    }
    for (unsigned i = 0; i < 10 && worker.links.open > 0; i++)
      meter_turns(&worker, 1);
    assert_int_equal(worker.links.open, 0);
    assert_true(meter->closed);
    end();
  }
}

/* Whatever it waited for: its slot is free of it when it is used again. */
static void test_nothing_stays(void **state) {
  (void)state;
  for (int lingers = 0; lingers < 2; lingers++) {
    struct link *link = begin(0);
    meter->deadline_ns = meter_now_ns + IO_SECOND;
    settle();
    assert_true(timer_is_armed(&link->timer));
    assert_int_equal(write(meter->peer, "x", 1), 1);
    link->turn = worker.loop.turn + 1;
    link->turn_bytes = IO_TURN_RECV_BYTES;
    meter_turns(&worker, 1);
    assert_true(list_is_linked(&link->waiting)); /* with deferred input */
    if (!lingers) list_append(&worker.links.starved, &link->starved);
    if (lingers)
      meter->ends = true;
    else
      link_cut(link);
    link_mark_dirty(link);
    links_flush(&worker.links);
    assert_false(list_is_linked(&link->waiting));
    assert_int_equal(worker.loop.bufring.out, 0);
    if (!lingers) assert_false(list_is_linked(&link->starved) || timer_is_armed(&link->timer));
    end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_end_is_told),
      cmocka_unit_test(test_timer),
      cmocka_unit_test(test_ticks),
      cmocka_unit_test(test_timer_of_a_send),
      cmocka_unit_test(test_half_close),
      cmocka_unit_test(test_eof),
      cmocka_unit_test(test_linger),
      cmocka_unit_test(test_linger_until_eof),
      cmocka_unit_test(test_no_linger),
      cmocka_unit_test(test_shed),
      cmocka_unit_test(test_cut),
      cmocka_unit_test(test_nothing_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
