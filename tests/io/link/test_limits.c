/*
 * link/test_limits.c - the bounds of io/link/limits.h on a link's turn, input and output, to the
 * byte, the link and the nanosecond. link/test_limits_ends.c tests ends and crowds.
 */
#include "io/link/limits.h"
#include "io/link/recv.h"
#include "io/link/send.h"
#include "io/ring/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
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

static bool always_room; /* sent bytes are taken at once, and dropped */

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
  if (always_room) return (ssize_t)len;
  return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  int *number = va_arg(list, int *);
  va_end(list);
  if (!always_room || request != SIOCOUTQNSD) return (int)syscall(SYS_ioctl, fd, request, number);
  *number = 0; /* nothing is unsent */
  return 0;
}

static uint64_t acknowledged_bytes; /* by every peer */

int getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
  if (level != IPPROTO_TCP || name != TCP_INFO)
    return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
  *(struct tcp_info *)value = (struct tcp_info){.tcpi_bytes_acked = acknowledged_bytes};
  return 0;
}

static void begin(uint32_t links_max, bool with_room) {
  always_room = with_room;
  acknowledged_bytes = 0;
  meter_begin(&worker, links_max);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

static void test_links_of_a_turn(void **state) {
  (void)state;
  enum { COUNT = 2 * IO_TURN_LINKS + 9 };
  static struct meter *meters[COUNT];
  begin(COUNT, false);
  meter_add_all(&worker, meters, COUNT, 0);
  for (unsigned left = COUNT; left > 0;) {
    unsigned settled = 0;
    meter_turns(&worker, 1);
    for (unsigned i = 0; i < COUNT; i++)
      settled += meters[i]->settled_in == worker.loop.turn;
    assert_int_equal(settled, left < IO_TURN_LINKS ? left : IO_TURN_LINKS);
    left -= settled;
  }
  meter_end(&worker, meters, COUNT);
}

/* Links that each send all they may in a turn: those beyond the bound come in the next turn. */
static void test_bytes_of_a_turn(void **state) {
  (void)state;
  enum { A_TURN = IO_TURN_SEND_BYTES / IO_SEND_BUDGET_MAX, COUNT = 2 * A_TURN + 1 };
  static struct meter *meters[COUNT];
  unsigned senders;
  begin(COUNT, true);
  meter_add_all(&worker, meters, COUNT, IO_SEND_BUDGET_MAX);
  for (unsigned i = 0; i < COUNT; i++)
    meters[i]->link->budget_bytes = IO_SEND_BUDGET_MAX;
  assert_int_equal(meter_turn_sends(&worker, meters, COUNT, &senders), IO_TURN_SEND_BYTES);
  assert_int_equal(senders, A_TURN);
  assert_int_equal(meter_turn_sends(&worker, meters, COUNT, &senders), IO_TURN_SEND_BYTES);
  assert_int_equal(meter_turn_sends(&worker, meters, COUNT, &senders), IO_SEND_BUDGET_MAX);
  meter_end(&worker, meters, COUNT);
}

/* Links in the middle of long sends share IO_TURN_BUSY_BYTES. A link that has sent less than
 * IO_BURST_BYTES is served in each turn. */
static void test_long_sends(void **state) {
  (void)state;
  enum { A_TURN = IO_TURN_BUSY_BYTES / IO_SEND_BUDGET_MAX, COUNT = 3 * A_TURN };
  static struct meter *meters[COUNT + 2];
  unsigned senders;
  begin(COUNT + 2, true);
  meter_add_all(&worker, meters, COUNT, METER_ENDLESS);
  for (unsigned i = 0; i < COUNT; i++)
    meters[i]->link->budget_bytes = IO_SEND_BUDGET_MAX;
  meter_turns(&worker, 1);
  for (unsigned i = 0; i < 10; i++) {
    assert_int_equal(meter_turn_sends(&worker, meters, COUNT, &senders), IO_TURN_BUSY_BYTES);
    assert_int_equal(senders, A_TURN);
  }
  for (unsigned more = 0; more < 2; more++) {
    struct meter *late = meters[COUNT + more] = meter_add(&worker, METER_ENDLESS);
    late->link->budget_bytes = IO_BURST_BYTES - 1 + more;
    meter_turns(&worker, 1);
    assert_int_equal(late->sent, IO_BURST_BYTES - 1 + more);
    meter_turns(&worker, 1);
    assert_int_equal(late->sent > IO_BURST_BYTES, !more);
  }
  meter_end(&worker, meters, COUNT + 2);
}

/* ---- input ----------------------------------------------------------------------------------- */

static size_t fill(int fd) {
  static const uint8_t zeros[IO_BUFFER_BYTES];
  size_t total = 0;
  for (ssize_t put; (put = write(fd, zeros, sizeof zeros)) > 0;)
    total += (size_t)put;
  return total;
}

/* A machine has ended, and its peer sends as fast as it is read. */
static void test_linger_bytes(void **state) {
  (void)state;
  begin(1, false);
  struct meter *meter = meter_add(&worker, 10);
  meter->ends = true;
  meter_turns(&worker, 2);
  for (uint64_t sent = 0; sent <= IO_LINGER_BYTES_MAX; sent += fill(meter->peer)) {
    assert_int_equal(meter->link->state, LINK_LINGER);
    meter_turns(&worker, 1);
  }
  for (unsigned turn = 0; worker.loop.counters.links_closed == 0 && turn < 5000; turn++)
    meter_turns(&worker, 1); /* what the socket has, in pieces */
  assert_int_equal(worker.loop.counters.links_closed, 1);
  meter_end(&worker, &meter, 1);
}

/* The buffer that completes a link's share of a turn is still taken whole. */
static void test_received_in_a_turn(void **state) {
  (void)state;
  begin(1, false);
  struct meter *meter = meter_add(&worker, 0);
  meter_receive_many(&worker, meter);
  size_t given = IO_WHOLES + fill(meter->peer);
  assert_true(given > 2 * IO_TURN_RECV_BYTES);
  uint64_t most = 0;
  for (unsigned i = 0; i < 100 && meter->received < given; i++) {
    uint64_t before = meter->received;
    meter_turns(&worker, 1);
    if (meter->received - before > most) most = meter->received - before;
  }
  assert_int_equal(meter->received, given);
  assert_in_range(most, IO_TURN_RECV_BYTES, IO_TURN_RECV_BYTES + IO_BUFFER_BYTES - 1);
  meter_end(&worker, &meter, 1);
}

/* Other links keep so much that one more small copy may be kept; or a byte more than that. */
static void test_kept_bytes(void **state) {
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    const uint64_t others_bytes = IO_KEEP_BYTES_MAX - IO_KEPT_SMALL_BYTES + more;
    begin(1, false);
    struct meter *meter = meter_add(&worker, 0);
    meter_turns(&worker, 2);
    worker.links.kept_bytes += others_bytes;
    meter->refuses = true;
    assert_int_equal(write(meter->peer, "x", 1), 1);
    meter_turns(&worker, 3);
    assert_int_equal(worker.loop.counters.links_cut, more);
    assert_int_equal(meter->closed, more);
    worker.links.kept_bytes -= others_bytes;
    assert_int_equal(worker.links.kept_bytes, more ? 0 : IO_KEPT_SMALL_BYTES);
    meter_end(&worker, &meter, 1);
  }
}

/* The peer is gone while nothing is received from it: what it left is not kept for a machine that may
 * not want it for long. */
static void test_reset_while_paused(void **state) {
  (void)state;
  begin(1, false);
  struct meter *meter = meter_add(&worker, 0);
  meter_turns(&worker, 2);
  meter->refuses = true;
  assert_int_equal(write(meter->peer, "x", 1), 1);
  meter_turns(&worker, 3);
  link_mark_dirty(meter->link); /* as its timer does */
  meter_turns(&worker, 1);
  assert_false(meter->closed);
  assert_int_equal(shutdown(meter->peer, SHUT_WR), 0); /* it may still read */
  link_mark_dirty(meter->link);
  meter_turns(&worker, 1);
  assert_false(meter->closed);
  assert_int_equal(shutdown(meter->peer, SHUT_RD), 0);
  link_mark_dirty(meter->link);
  meter_turns(&worker, 2);
  assert_true(meter->closed);
  assert_int_equal(worker.loop.counters.links_cut, 1);
  assert_int_equal(worker.links.kept_bytes, 0);
  meter_end(&worker, &meter, 1);
}

/* The ring was empty when this link's turn came. What has arrived is read without a buffer. It waits until
 * buffers have been given back. */
static void starve(struct meter *meter) {
  struct link *link = meter->link;
  assert_int_equal(link->receive_mode, LINK_RECV_MULTISHOT);
  assert_true(link->receiving);
  link->generation++; /* the real request's answer finds no link */
  assert_int_equal(write(meter->peer, "x", 1), 1);
  link_on_recv(link, &(struct ring_completion){.res = -ENOBUFS});
  assert_int_equal(meter->received, 1); /* read without a buffer */
  assert_int_equal(link->receive_mode, LINK_RECV_MULTISHOT);
  assert_true(link->emptied);
  assert_false(link->receiving);
  assert_true(list_is_linked(&link->starved));
}

/* Two links starve. As many go on as there are buffers, the first one first. */
static void test_starved(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct meter *meters[2];
  begin(2, false);
  struct bufring *bufring = &worker.loop.bufring;
  meter_add_all(&worker, meters, 2, 0);
  meter_turns(&worker, 1);
  starve(meters[0]);
  starve(meters[1]);
  assert_int_equal(worker.loop.counters.recv_starved, 2);
  for (uint32_t given = 0; given <= 2; given++) {
    bufring->out = bufring->count - (given > 0); /* as if the others were lent */
    meter_turns(&worker, 1);
    assert_int_equal(links_have_work(&worker.links), given == 1);
    for (uint32_t i = 0; i < 2; i++)
      assert_int_equal(meters[i]->link->receiving, i < given);
  }
  bufring->out = 0;
  meter_end(&worker, meters, 2);
}

/* Whether the request that is under way, and has something to receive, does so many times. */
static bool receives_many(struct meter *meter) {
  struct ring_completion completion;
  ring_enter(&worker.loop.ring, IO_SECOND);
  assert_int_equal(ring_reap(&worker.loop.ring, &completion, 1), 1);
  link_on_recv(meter->link, &completion);
  return completion.flags & RING_MORE;
}

static void receive(struct meter *meter, bool refused) {
  meter->refuses = refused;
  assert_int_equal(write(meter->peer, "x", 1), 1);
  meter_turns(&worker, 2);
  if (!refused) return;
  meter->refuses = meter->full = false;
  link_mark_dirty(meter->link);
  meter_turns(&worker, 2);
}

/* So many receives that the machine takes whole, in a row. */
static void test_wholes(void **state) {
  (void)state;
  static const struct {
    unsigned before; /* then one is refused, if this is not 0 */
    unsigned after;
    bool many;
  } rows[] = {
      {0, IO_WHOLES - 1, false},
      {0, IO_WHOLES, true},
      {IO_WHOLES - 1, IO_WHOLES - 1, false},
      {IO_WHOLES - 1, IO_WHOLES, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(1, false);
    struct meter *meter = meter_add(&worker, 0);
    meter_turns(&worker, 1);
    for (unsigned n = 0; n < rows[i].before; n++)
      receive(meter, false);
    if (rows[i].before) receive(meter, true);
    for (unsigned n = 0; n < rows[i].after; n++)
      receive(meter, false);
    assert_int_equal(write(meter->peer, "x", 1), 1);
    assert_int_equal(receives_many(meter), rows[i].many);
    meter_end(&worker, &meter, 1);
  }
}

/* While its socket has more than a share, it does not, though the machine takes all. */
static void test_without_an_end(void **state) {
  ONLY_IO_URING();
  (void)state;
  begin(1, false);
  struct meter *meter = meter_add(&worker, 0);
  meter_turns(&worker, 1);
  assert_true(fill(meter->peer) > 2 * IO_TURN_RECV_BYTES);
  meter_turns(&worker, 2);
  assert_int_equal(meter->received, 2 * IO_TURN_RECV_BYTES);
  assert_true(meter->link->wholes >= IO_WHOLES);
  assert_false(receives_many(meter));
  meter_end(&worker, &meter, 1);
}

/* After it was told to receive singly. */
static void test_wholes_again(void **state) {
  ONLY_IO_URING();
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    begin(1, false);
    struct meter *meter = meter_add(&worker, 0);
    meter_receive_many(&worker, meter);
    meter->full = true;
    link_mark_dirty(meter->link);
    meter_turns(&worker, 2);
    assert_int_equal(meter->link->receive_mode, LINK_RECV_SINGLE);
    meter->full = false;
    link_mark_dirty(meter->link);
    for (unsigned n = 0; n < IO_WHOLES_AGAIN - 1 + more; n++)
      receive(meter, false);
    assert_int_equal(meter->link->receive_mode, more ? LINK_RECV_MULTISHOT : LINK_RECV_SINGLE);
    assert_int_equal(write(meter->peer, "x", 1), 1);
    assert_int_equal(receives_many(meter), more);
    meter_end(&worker, &meter, 1);
  }
}

/* ---- output ---------------------------------------------------------------------------------- */

/* A socket that always has room: the budget doubles from the first value to the greatest. */
static void test_budget_of_a_fast_peer(void **state) {
  (void)state;
  begin(1, true);
  struct meter *meter = meter_add(&worker, METER_ENDLESS);
  meter_turns(&worker, METER_PEEKS);
  size_t expected = IO_SEND_BUDGET_FIRST;
  for (unsigned i = 0; i < METER_PEEKS; i++) {
    assert_int_equal(meter->budgets[i], expected);
    if (expected < IO_SEND_BUDGET_MAX) expected *= 2;
  }
  assert_int_equal(meter->spans_max, IO_SEND_SPANS);
  meter_end(&worker, &meter, 1);
}

/* The peer reads nothing, and the socket takes no more. */
static struct meter *add_stuck(void) {
  struct meter *meter = meter_add(&worker, METER_ENDLESS);
  meter_turns(&worker, 20);
  uint64_t sent = meter->sent;
  meter_turns(&worker, 3);
  assert_int_equal(meter->sent, sent);
  assert_true(meter->link->waiting_for_room);
  return meter;
}

static void read_everything(int fd) {
  static uint8_t bytes[IO_BUFFER_BYTES];
  while (read(fd, bytes, sizeof bytes) > 0) {
  }
}

/* Returns the budget when the peer reads again after that time. */
static uint64_t expected_budget(const struct link *link, uint64_t waited_ns) {
  uint64_t bytes = 2 * link->budget_bytes;
  if (waited_ns >= IO_SEND_PROMPT_NS)
    bytes = link->ahead_bytes * IO_SEND_AHEAD_NS / (meter_now_ns + waited_ns - link->room_ns);
  if (bytes > IO_SEND_BUDGET_MAX) return IO_SEND_BUDGET_MAX;
  return bytes < IO_SEND_BUDGET_MIN ? IO_SEND_BUDGET_MIN : bytes;
}

static void test_budget_of_a_slow_peer(void **state) {
  (void)state;
  static const struct {
    uint64_t waited_ns;
    bool least;
  } rows[] = {
      {0, false},
      {IO_SEND_PROMPT_NS - 1, false}, /* room so soon: it was not full */
      {IO_SEND_PROMPT_NS, false},
      {4 * IO_SEND_AHEAD_NS, false},
      {IO_SECOND, true},
      {20 * IO_SECOND, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(1, false);
    struct meter *meter = add_stuck();
    meter->link->budget_bytes = 2 * IO_SEND_BUDGET_MIN;
    uint64_t expected = expected_budget(meter->link, rows[i].waited_ns);
    meter_now_ns += rows[i].waited_ns;
    read_everything(meter->peer);
    meter_turns(&worker, 2);
    assert_int_equal(meter->budget, expected);
    assert_int_equal(expected == IO_SEND_BUDGET_MIN, rows[i].least);
    meter_end(&worker, &meter, 1);
  }
}

/* Nothing is acknowledged: the first check remembers, and IO_SEND_STALL_CHECKS later ones find no
 * change. */
static void test_stall(void **state) {
  (void)state;
  const uint64_t check_ns = IO_SEND_STALL_NS / IO_SEND_STALL_CHECKS;
  begin(1, false);
  struct meter *meter = add_stuck();
  for (unsigned check = 0; check <= IO_SEND_STALL_CHECKS; check++) {
    meter_now_ns += check_ns - 1;
    link_mark_dirty(meter->link);
    meter_turns(&worker, 1);
    assert_int_equal(worker.loop.counters.links_stalled, 0);
    meter_now_ns++;
    link_mark_dirty(meter->link);
    meter_turns(&worker, 1);
  }
  assert_int_equal(worker.loop.counters.links_stalled, 1);
  assert_int_equal(worker.loop.counters.links_cut, 1);
  meter_end(&worker, &meter, 1);
}

/* A send through the ring fails: the kernel lacks something for a moment, or the connection is lost. */
static void test_failed_sends(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const struct {
    int error;
    bool passes;
  } rows[] = {{EAGAIN, true}, {EINTR, true}, {ENOBUFS, true}, {EPIPE, false}, {ECONNRESET, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(1, false);
    struct meter *meter = add_stuck();
    struct link *link = meter->link;
    assert_true(link->sending);
    link->generation++; /* the answers to the real requests find no link */
    link_on_recv(link, &(struct ring_completion){.res = -ECANCELED});
    link->waiting_for_room = false;
    link_on_send(link, &(struct ring_completion){.res = -rows[i].error});
    assert_int_equal(link->state, rows[i].passes ? LINK_OPEN : LINK_CUT);
    meter_end(&worker, &meter, 1);
  }
}

/* A link that is settled with nothing to send is no longer in the midst of a long send. */
static void test_end_of_a_long_send(void **state) {
  (void)state;
  begin(1, true);
  struct meter *meter = meter_add(&worker, 2 * IO_BURST_BYTES);
  while (meter->to_send > IO_BURST_BYTES / 2)
    meter_turns(&worker, 1);
  assert_true(meter->link->burst_bytes > IO_BURST_BYTES);
  meter_turns(&worker, 5);
  assert_int_equal(meter->to_send, 0);
  link_mark_dirty(meter->link); /* something else happens to it */
  meter_turns(&worker, 1);
  assert_int_equal(meter->link->burst_bytes, 0);
  meter_end(&worker, &meter, 1);
}

static void let_stall_check_pass(struct meter *meter) {
  meter_now_ns += IO_SEND_STALL_NS / IO_SEND_STALL_CHECKS;
  link_mark_dirty(meter->link);
  meter_turns(&worker, 1);
}

/* A byte just in time starts the count anew, as often as one comes. */
static void test_slow_but_not_stalled(void **state) {
  (void)state;
  begin(1, false);
  struct meter *meter = add_stuck();
  let_stall_check_pass(meter); /* it remembers what is acknowledged */
  for (unsigned byte = 0; byte < 3; byte++) {
    for (unsigned check = 1; check < IO_SEND_STALL_CHECKS; check++)
      let_stall_check_pass(meter);
    acknowledged_bytes++;
    let_stall_check_pass(meter);
  }
  for (unsigned check = 1; check < IO_SEND_STALL_CHECKS; check++)
    let_stall_check_pass(meter);
  assert_int_equal(worker.loop.counters.links_stalled, 0);
  let_stall_check_pass(meter);
  assert_int_equal(worker.loop.counters.links_stalled, 1);
  assert_int_equal(worker.loop.counters.links_cut, 1);
  meter_end(&worker, &meter, 1);
}

int main(void) {
  struct rlimit limit; /* two descriptors a link */
  if (getrlimit(RLIMIT_NOFILE, &limit)) return 1;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit)) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_links_of_a_turn),
      cmocka_unit_test(test_bytes_of_a_turn),
      cmocka_unit_test(test_long_sends),
      cmocka_unit_test(test_linger_bytes),
      cmocka_unit_test(test_received_in_a_turn),
      cmocka_unit_test(test_kept_bytes),
      cmocka_unit_test(test_reset_while_paused),
      cmocka_unit_test(test_starved),
      cmocka_unit_test(test_wholes),
      cmocka_unit_test(test_wholes_again),
      cmocka_unit_test(test_without_an_end),
      cmocka_unit_test(test_budget_of_a_fast_peer),
      cmocka_unit_test(test_budget_of_a_slow_peer),
      cmocka_unit_test(test_failed_sends),
      cmocka_unit_test(test_end_of_a_long_send),
      cmocka_unit_test(test_stall),
      cmocka_unit_test(test_slow_but_not_stalled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
