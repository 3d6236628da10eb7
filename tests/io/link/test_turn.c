/*
 * link/test_turn.c - how long the parts of a turn last: input, the passes, and the links of a few completions. Machines
 * of the test spend the time.
 */
#include "io/link/limits.h"
#include "io/ring/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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

/* Sent bytes are taken at once, and dropped. */
ssize_t send(int fd, const void *bytes, size_t len, int flags) {
  (void)fd, (void)bytes, (void)flags;
  return (ssize_t)len;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  int *number = va_arg(list, int *);
  va_end(list);
  if (request != SIOCOUTQNSD) return (int)syscall(SYS_ioctl, fd, request, number);
  *number = 0; /* nothing is unsent */
  return 0;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* A turn ends by the clock, which is read after every few links. The first one uses up the time. */
static void test_time_of_a_turn(void **state) {
  (void)state;
  enum { COUNT = 5 * IO_TURN_LOOK_LINKS };
  static struct meter *meters[COUNT];
  unsigned senders;
  for (unsigned late = 0; late < 2; late++) {
    meter_begin(&worker, COUNT);
    meter_add_all(&worker, meters, COUNT, 0);
    meter_turns(&worker, 1);
    meters[0]->cost_ns = IO_TURN_FLUSH_NS + late;
    for (unsigned i = 0; i < COUNT; i++) {
      meters[i]->to_send = 1;
      meters[i]->link->host.wake(&meters[i]->link->host);
    }
    (void)meter_turn_sends(&worker, meters, COUNT, &senders);
    assert_int_equal(senders, late ? IO_TURN_LOOK_LINKS : COUNT);
    (void)meter_turn_sends(&worker, meters, COUNT, &senders);
    assert_int_equal(senders, late ? COUNT - IO_TURN_LOOK_LINKS : 0);
    meter_end(&worker, meters, COUNT);
  }
}

/* It is read sooner after many bytes, and that ends a turn after one link, or with a byte less after two. */
static void test_time_of_bytes(void **state) {
  (void)state;
  enum { COUNT = IO_TURN_LOOK_LINKS };
  static struct meter *meters[COUNT];
  unsigned senders;
  meter_begin(&worker, COUNT);
  meter_add_all(&worker, meters, COUNT, 0);
  for (unsigned more = 0; more < 2; more++) {
    meter_turns(&worker, 2);
    meters[0]->cost_ns = IO_TURN_FLUSH_NS + 1;
    for (unsigned i = 0; i < COUNT; i++) {
      meters[i]->to_send = 1;
      meters[i]->link->host.wake(&meters[i]->link->host);
    }
    meters[0]->to_send = IO_TURN_LOOK_BYTES - SHARE_CALL_BYTES - 1 + more;
    (void)meter_turn_sends(&worker, meters, COUNT, &senders);
    assert_int_equal(senders, more ? 1 : 2);
  }
  meter_end(&worker, meters, COUNT);
}

/* The links of a few completions also end by the clock, and come first in the flush. */
static void test_time_of_a_few(void **state) {
  (void)state;
  static struct meter *meters[3];
  meter_begin(&worker, 3);
  meter_add_all(&worker, meters, 3, 0);
  meter_turns(&worker, 2);
  meters[0]->cost_ns = IO_TURN_FLUSH_NS;
  for (unsigned i = 0; i < 3; i++) {
    meters[i]->to_send = IO_TURN_LOOK_BYTES;
    link_mark_dirty(meters[i]->link);
  }
  links_settle_dirty(&worker.links);
  assert_int_equal(meters[0]->sent, IO_TURN_LOOK_BYTES);
  assert_int_equal(meters[1]->sent, 0);
  assert_ptr_equal(LIST_OWNER(worker.links.dirty.next, struct link, dirty), meters[1]->link);
  meter_turns(&worker, 1);
  assert_int_equal(meters[1]->sent + meters[2]->sent, 2 * IO_TURN_LOOK_BYTES);
  meter_end(&worker, meters, 3);
}

/* A link that was woken waits for what else the turn brings, and sends it all at once. */
static void test_woken(void **state) {
  (void)state;
  static struct meter *meters[2];
  meter_begin(&worker, 2);
  meter_add_all(&worker, meters, 2, 0);
  meter_turns(&worker, 2);
  uint64_t calls = worker.loop.counters.send_calls;
  for (unsigned i = 1; i <= 3; i++) {
    meters[0]->to_send = 5 * i;
    meters[0]->link->host.wake(&meters[0]->link->host);
    link_mark_dirty(meters[1]->link);
    links_settle_dirty(&worker.links);
    assert_int_equal(meters[0]->sent, 0);
    assert_true(links_have_work(&worker.links));
  }
  meter_turns(&worker, 1);
  assert_int_equal(meters[0]->sent, 15);
  assert_int_equal(worker.loop.counters.send_calls, calls + 1);
  meter_end(&worker, meters, 2);
}

/* ---- input ----------------------------------------------------------------------------------- */

static void give(struct meter *meter, size_t bytes) {
  static const uint8_t zeros[4 * IO_BUFFER_BYTES];
  assert_int_equal(write(meter->peer, zeros, bytes), bytes);
}

static unsigned served(struct meter **meters, unsigned count) {
  unsigned served = 0;
  for (unsigned i = 0; i < count; i++)
    served += meters[i]->received == IO_WHOLES + IO_BUFFER_BYTES;
  return served;
}

/* Links that all send a buffer whose content is expensive. Each turn takes those for which there is time; each has its
 * turn. Then a little is still taken, but no more than that. */
static void test_time_of_input(void **state) {
  (void)state;
  enum { A_TURN = 3, COUNT = 3 * A_TURN };
  static struct meter *meters[COUNT + 2];
  meter_begin(&worker, COUNT + 2);
  meter_add_all(&worker, meters, COUNT + 2, 0);
  for (unsigned i = 0; i < COUNT + 2; i++)
    meter_receive_many(&worker, meters[i]);
  for (unsigned i = 0; i < COUNT; i++) {
    meters[i]->cost_ns = IO_TURN_INPUT_NS / A_TURN;
    give(meters[i], IO_BUFFER_BYTES);
  }
  meter_turns(&worker, 1);
  assert_int_equal(served(meters, COUNT), A_TURN);
  for (unsigned more = 0; more < 2; more++)
    give(meters[COUNT + more], IO_TURN_LITTLE_BYTES + more);
  meter_turns(&worker, 1);
  assert_int_equal(served(meters, COUNT), 2 * A_TURN);
  assert_int_equal(meters[COUNT]->received, IO_WHOLES + IO_TURN_LITTLE_BYTES);
  assert_int_equal(meters[COUNT + 1]->received, IO_WHOLES);
  meter_turns(&worker, 1);
  assert_int_equal(served(meters, COUNT), COUNT);
  assert_int_equal(meters[COUNT + 1]->received, IO_WHOLES);
  meter_turns(&worker, 1);
  assert_int_equal(meters[COUNT + 1]->received, IO_WHOLES + IO_TURN_LITTLE_BYTES + 1);
  meter_end(&worker, meters, COUNT + 2);
}

/* What is read without a buffer can be many buffers long. The time is looked at within it. */
static void test_time_of_one_read(void **state) {
  ONLY_IO_URING();
  (void)state;
  meter_begin(&worker, 1);
  struct meter *meter = meter_add(&worker, 0);
  meter->link->receive_mode = LINK_RECV_SINGLE;
  meter_turns(&worker, 1);
  give(meter, 4 * IO_BUFFER_BYTES);
  meter->cost_ns = IO_TURN_INPUT_NS / 2;
  for (unsigned turn = 1; turn <= 2; turn++) {
    meter_turns(&worker, 1);
    assert_int_equal(worker.loop.counters.recv_bytes, 4 * IO_BUFFER_BYTES);
    assert_int_equal(meter->received, 2 * turn * IO_BUFFER_BYTES);
  }
  assert_int_equal(worker.links.kept_bytes, 0);
  meter_end(&worker, &meter, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_time_of_a_turn),   cmocka_unit_test(test_time_of_bytes),
      cmocka_unit_test(test_time_of_a_few),    cmocka_unit_test(test_time_of_input),
      cmocka_unit_test(test_time_of_one_read), cmocka_unit_test(test_woken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
