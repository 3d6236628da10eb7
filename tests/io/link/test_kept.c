/*
 * link/test_kept.c - input that a machine does not want yet: the link stops reading, keeps what has come, and
 * offers it again; and no buffer is lost when a link ends with it.
 */
#include "io/link/limits.h"
#include "io/link/recv.h"
#include "io/ring/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <stdlib.h>
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

/* Bytes that the peer's socket takes now. */
static uint64_t write_all(void) {
  static const char bytes[IO_BUFFER_BYTES];
  uint64_t written = 0;
  ssize_t wrote;
  while ((wrote = send(meter->peer, bytes, sizeof bytes, MSG_NOSIGNAL)) > 0)
    written += (uint64_t)wrote;
  return written;
}

static void begin(void) {
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter_turns(&worker, 2);
}

static void end(void) {
  meter_end(&worker, &meter, 1);
}

static void wants_again(void) {
  meter->refuses = meter->full = false;
  link_mark_dirty(meter->link);
}

/* A machine that wants no more while the link receives. */
static void test_stopped(void **state) {
  (void)state;
  begin();
  assert_true(meter->link->receiving);
  meter->full = true;
  link_mark_dirty(meter->link);
  meter_turns(&worker, 2);
  assert_int_equal(worker.loop.counters.recv_paused, 1);
  assert_false(meter->link->receiving);
  assert_int_equal(meter->link->receive_mode, LINK_RECV_SINGLE); /* from now on */
  uint64_t written = write_all();
  meter_turns(&worker, 4);
  assert_int_equal(worker.loop.counters.recv_bytes, 0);
  wants_again();
  for (unsigned i = 0; i < 100 && meter->received < written; i++)
    meter_turns(&worker, 1);
  assert_int_equal(meter->received, written);
  end();
}

/* A machine that refuses input: the link reads no more than what was on its way, and gives it all as soon as the
 * machine wants it. */
static void test_paused(void **state) {
  (void)state;
  begin();
  meter->refuses = true;
  uint64_t written = write_all();
  meter_turns(&worker, 4);
  uint64_t calls = worker.loop.counters.recv_calls;
  assert_in_range(worker.loop.counters.recv_bytes, 1, written - 1);
  assert_true(worker.links.kept_bytes >= worker.loop.counters.recv_bytes);
  assert_int_equal(meter->received, 0);
  written += write_all();
  meter_turns(&worker, 4);
  assert_int_equal(worker.loop.counters.recv_calls, calls);
  wants_again();
  for (unsigned i = 0; i < 100 && meter->received < written; i++)
    meter_turns(&worker, 1);
  assert_int_equal(meter->received, written);
  assert_true(worker.loop.counters.recv_calls > calls);
  assert_int_equal(worker.loop.counters.recv_bytes, written);
  assert_int_equal(worker.links.kept_bytes, 0);
  assert_int_equal(worker.loop.bufring.out, 0);
  end();
}

/* Kept input, too, comes in shares. */
static void test_kept_in_shares(void **state) {
  ONLY_IO_URING();
  (void)state;
  begin();
  meter_receive_many(&worker, meter);
  meter->refuses = true;
  assert_true(write_all() > 2 * IO_TURN_RECV_BYTES);
  meter_turns(&worker, 4);
  assert_true(worker.links.kept_bytes > IO_TURN_RECV_BYTES);
  meter->received = 0;
  wants_again();
  meter_turns(&worker, 1);
  assert_int_equal(meter->received, IO_TURN_RECV_BYTES);
  link_cut(meter->link); /* it gets no more */
  meter_turns(&worker, 1);
  assert_int_equal(meter->received, IO_TURN_RECV_BYTES);
  end();
}

/* What is kept comes before more is asked for, also if the machine has just begun to want input again. */
static void test_kept_comes_first(void **state) {
  (void)state;
  begin();
  meter->refuses = true;
  assert_int_equal(write(meter->peer, "x", 1), 1);
  meter_turns(&worker, 4);
  assert_false(meter->link->receiving);
  meter->refuses = meter->full = false;
  link_recv_settle(meter->link, MACHINE_RECV);
  assert_false(meter->link->receiving);
  assert_true(links_have_work(&worker.links));
  meter_turns(&worker, 2);
  assert_int_equal(meter->received, 1);
  assert_true(meter->link->receiving);
  assert_false(links_have_work(&worker.links));
  end();
}

/* What comes after it would be kept, too: nothing more is received until it is gone, though the machine wants it. */
static void test_not_received_behind(void **state) {
  ONLY_IO_URING();
  (void)state;
  begin();
  struct link *link = meter->link;
  assert_true(link->receiving);
  link->kept = (struct link_kept){.base = calloc(1, 3), .end = 3, .capacity = 3};
  assert_non_null(link->kept.base);
  worker.links.kept_bytes = 3;
  link->turn = worker.loop.turn + 1;
  link->turn_bytes = IO_TURN_RECV_BYTES;
  link_mark_dirty(link);
  meter_turns(&worker, 1);
  assert_int_equal(meter->received, 0);
  assert_true(link->receive_stopping);
  assert_int_equal(worker.loop.counters.recv_paused, 1);
  meter_turns(&worker, 3);
  assert_int_equal(meter->received, 3);
  assert_true(link->receiving && !link->receive_stopping);
  assert_int_equal(link->receive_mode, LINK_RECV_SINGLE);
  assert_int_equal(worker.links.kept_bytes, 0);
  end();
}

/* What is kept when `count` bytes have come. */
static uint64_t size_of_copy(size_t count) {
  static const char bytes[2 * IO_BUFFER_BYTES + 1];
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter->link->receive_mode = LINK_RECV_POLL;
  meter_turns(&worker, 1);
  meter->refuses = true;
  assert_int_equal(write(meter->peer, bytes, count), count);
  meter_turns(&worker, 2);
  const uint64_t kept_bytes = worker.links.kept_bytes;
  end();
  return kept_bytes;
}

/* In whole buffers, as many as it needs, or less than one. */
static void test_size_of_copy(void **state) {
  ONLY_IO_URING();
  (void)state;
  assert_int_equal(size_of_copy(1), IO_KEPT_SMALL_BYTES);
  assert_int_equal(size_of_copy(IO_KEPT_SMALL_BYTES), IO_KEPT_SMALL_BYTES);
  assert_int_equal(size_of_copy(IO_KEPT_SMALL_BYTES + 1), IO_BUFFER_BYTES);
  assert_int_equal(size_of_copy(2 * IO_BUFFER_BYTES + 1), 3 * IO_BUFFER_BYTES);
}

/* What is kept is not given to a machine that only wants it while the peer listens, once the peer has left. */
static void test_in_vain(void **state) {
  (void)state;
  for (unsigned leaves = 0; leaves < 2; leaves++) {
    for (unsigned answers = 0; answers < 2; answers++) {
      const bool in_vain = leaves && answers;
      begin();
      meter->refuses = true;
      meter->answers = answers;
      assert_int_equal(write(meter->peer, "x", 1), 1);
      meter_turns(&worker, 4);
      if (leaves) assert_int_equal(shutdown(meter->peer, SHUT_WR), 0);
      meter_turns(&worker, 2);
      assert_int_equal(meter->eofs, 0);
      wants_again();
      meter_turns(&worker, 4);
      assert_int_equal(meter->received, in_vain ? 0 : 1);
      assert_int_equal(meter->eofs, leaves);
      assert_int_equal(worker.links.kept_bytes, 0);
      end();
    }
  }
}

/* It would keep the worker busy for ever. */
static void test_stuck(void **state) {
  (void)state;
  begin();
  meter->refuses = true;
  assert_true(write_all() > 0);
  meter_turns(&worker, 4);
  assert_false(meter->closed);
  meter->stuck = true;
  wants_again();
  meter_turns(&worker, 4);
  assert_true(meter->closed);
  assert_int_equal(worker.links.kept_bytes, 0);
  end();
}

/* Input comes when the link has used up its turn's share. Returns the bytes that the peer has sent. */
static uint64_t defer(void) {
  begin();
  uint64_t written = write_all();
  meter->link->turn = worker.loop.turn + 1;
  meter->link->turn_bytes = IO_TURN_RECV_BYTES;
  meter_turns(&worker, 1);
  assert_int_equal(meter->received, 0);
  assert_int_not_equal(meter->link->deferred_first, LINK_NO_BUFFER);
  assert_true(worker.loop.bufring.out > 0);
  return written;
}

/* The next turn brings it, and its buffer is free again. */
static void test_deferred_input(void **state) {
  (void)state;
  uint64_t written = defer();
  for (unsigned i = 0; i < 100 && meter->received < written; i++)
    meter_turns(&worker, 1);
  assert_int_equal(meter->received, written);
  assert_int_equal(worker.loop.bufring.out, 0);
  end();
}

/* So it is when the link is cut before. */
static void test_cut_with_deferred_input(void **state) {
  (void)state;
  assert_true(defer() > 0);
  link_cut(meter->link);
  meter_turns(&worker, 4);
  assert_true(meter->closed);
  assert_int_equal(meter->received, 0);
  assert_int_equal(worker.loop.bufring.out, 0);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stopped),
      cmocka_unit_test(test_paused),
      cmocka_unit_test(test_kept_in_shares),
      cmocka_unit_test(test_kept_comes_first),
      cmocka_unit_test(test_not_received_behind),
      cmocka_unit_test(test_size_of_copy),
      cmocka_unit_test(test_in_vain),
      cmocka_unit_test(test_stuck),
      cmocka_unit_test(test_deferred_input),
      cmocka_unit_test(test_cut_with_deferred_input),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
