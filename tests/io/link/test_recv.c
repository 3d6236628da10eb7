/*
 * link/test_recv.c - what the kernel may say about a receive request, and what a link then does. The bounds
 * are in link/test_limits.c, input that is not wanted in link/test_kept.c.
 */
#include "io/link/pass.h"
#include "io/link/recv.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <errno.h>
#include <poll.h>
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

/* A link that receives in that way; the real request's answer finds no link. */
static struct link *begin(enum link_receive mode) {
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter->link->receive_mode = (uint8_t)mode;
  meter_turns(&worker, 1);
  assert_true(meter->link->receiving);
  meter->link->generation++;
  return meter->link;
}

static void end(void) {
  meter_end(&worker, &meter, 1);
}

static void put(const char *text, size_t len) {
  assert_int_equal(write(meter->peer, text, len), len);
}

static const struct loop_counters *counters(void) {
  return &worker.loop.counters;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void test_errors(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const struct {
    enum link_receive mode;
    int result;
    bool cut, eof;
  } rows[] = {
      {LINK_RECV_MULTISHOT, -EINTR, false, false},
      {LINK_RECV_MULTISHOT, -EAGAIN, false, false},
      {LINK_RECV_MULTISHOT, -ECANCELED, false, false},
      {LINK_RECV_MULTISHOT, -ECONNRESET, true, false},
      {LINK_RECV_MULTISHOT, 0, false, true},
      {LINK_RECV_POLL, 0, false, false},
      {LINK_RECV_POLL, -EAGAIN, false, false},
      {LINK_RECV_POLL, -ECANCELED, false, false},
      {LINK_RECV_POLL, -EBADF, true, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct link *link = begin(rows[i].mode);
    link_on_recv(link, &(struct ring_completion){.res = rows[i].result});
    assert_false(link->receiving);
    assert_int_equal(link->eof, rows[i].eof);
    assert_int_equal(link->state, rows[i].cut ? LINK_CUT : LINK_OPEN);
    assert_int_equal(counters()->links_cut, rows[i].cut);
    end();
  }
}

/* ---- readiness ------------------------------------------------------------------------------- */

/* Without buffers of the ring the socket is read when it is ready, once, and counted once. */
static void test_ready(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct link *link = begin(LINK_RECV_POLL);
  put("abc", 3);
  link_on_recv(link, &(struct ring_completion){.res = POLLIN});
  assert_int_equal(meter->received, 3);
  assert_int_equal(counters()->recv_calls, 1);
  assert_int_equal(counters()->recv_bytes, 3);
  end();
}

/* It was ready, and is not any more. */
static void test_not_ready(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct link *link = begin(LINK_RECV_POLL);
  link_on_recv(link, &(struct ring_completion){.res = POLLIN});
  assert_int_equal(link->state, LINK_OPEN);
  assert_false(link->eof);
  assert_int_equal(counters()->recv_bytes, 0);
  end();
}

static void test_ready_at_the_end(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct link *link = begin(LINK_RECV_POLL);
  assert_int_equal(shutdown(meter->peer, SHUT_WR), 0);
  link_on_recv(link, &(struct ring_completion){.res = POLLIN});
  assert_true(link->eof);
  assert_int_equal(link->state, LINK_OPEN);
  end();
}

/* A link that has had its share of the turn, or is cut, reads nothing. */
static void test_not_read(void **state) {
  ONLY_IO_URING();
  (void)state;
  for (int cut = 0; cut < 2; cut++) {
    struct link *link = begin(LINK_RECV_POLL);
    put("abc", 3);
    if (cut) link_cut(link);
    link->turn = worker.loop.turn;
    link->turn_bytes = cut ? 0 : IO_TURN_RECV_BYTES;
    link_on_recv(link, &(struct ring_completion){.res = POLLIN});
    assert_int_equal(counters()->recv_calls, 0);
    assert_int_equal(meter->received, 0);
    end();
  }
}

/* What comes after the machine is done is thrown away, and no more than one buffer at a time comes. */
static void test_linger(void **state) {
  (void)state;
  static const enum link_receive modes[] = {LINK_RECV_MULTISHOT, LINK_RECV_SINGLE, LINK_RECV_POLL};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    meter_begin(&worker, 1);
    meter = meter_add(&worker, 0);
    meter->link->receive_mode = (uint8_t)modes[i];
    meter->ends = true;
    meter_turns(&worker, 2);
    assert_int_equal(meter->link->state, LINK_LINGER);
    put("abc", 3);
    meter_turns(&worker, 2);
    assert_int_equal(counters()->recv_bytes, 3);
    assert_int_equal(meter->received, 0);
    assert_int_equal(worker.links.kept_bytes, 0);
    assert_int_equal(worker.loop.bufring.out, 0);
    assert_int_not_equal(meter->link->receive_mode, LINK_RECV_MULTISHOT);
    end();
  }
}

/* ---- an empty ring --------------------------------------------------------------------------- */

/* What the socket has is read without a buffer, if it is wanted and nothing came before it. */
static void test_starved(void **state) {
  ONLY_IO_URING();
  (void)state;
  for (int wanted = 0; wanted < 2; wanted++) {
    struct link *link = begin(LINK_RECV_MULTISHOT);
    put("abc", 3);
    meter->full = !wanted;
    link_on_recv(link, &(struct ring_completion){.res = -ENOBUFS});
    assert_int_equal(meter->received, wanted ? 3 : 0);
    assert_int_equal(counters()->recv_bytes, meter->received);
    assert_int_equal(counters()->recv_calls, wanted ? 2 : 1);
    assert_int_equal(link->receive_mode, LINK_RECV_MULTISHOT);
    assert_int_equal(link->emptied, wanted); /* if not, one buffer comes first */
    assert_true(list_is_linked(&link->starved));
    end();
  }
}

/* A turn that lasts takes more than the ring holds: each few links give back what they took. */
static void test_buffers_are_shown_to_the_kernel(void **state) {
  ONLY_IO_URING();
  (void)state;
  struct ring_completion completion;
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter_turns(&worker, 1);
  put("abc", 3);
  ring_enter(&worker.loop.ring, IO_SECOND);
  assert_int_equal(ring_reap(&worker.loop.ring, &completion, 1), 1);
  link_on_recv(meter->link, &completion);
  assert_int_equal(meter->received, 3);
  assert_int_equal(worker.loop.bufring.unpublished, 1);
  links_settle_dirty(&worker.links);
  assert_int_equal(worker.loop.bufring.unpublished, 0);
  end();
}

static void test_starved_with_deferred_input(void **state) {
  ONLY_IO_URING();
  (void)state;
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter_turns(&worker, 1);
  struct link *link = meter->link;
  put("abc", 3);
  link->turn = worker.loop.turn + 1;
  link->turn_bytes = IO_TURN_RECV_BYTES;
  meter_turns(&worker, 1);
  assert_int_not_equal(link->deferred_first, LINK_NO_BUFFER);
  assert_false(link->receiving);
  link->receiving = true; /* as if a request were under way */
  link->in_flight++;
  put("def", 3);
  link->turn_bytes = 0;
  link_on_recv(link, &(struct ring_completion){.res = -ENOBUFS});
  assert_int_equal(meter->received, 0);
  assert_int_equal(counters()->recv_bytes, 3);
  meter_turns(&worker, 3);
  assert_int_equal(meter->received, 6);
  assert_false(links_have_work(&worker.links));
  end();
}

/* After the peer's end, and after a cut, there is nothing to wait for. */
static void test_starved_at_the_end(void **state) {
  ONLY_IO_URING();
  (void)state;
  for (int cut = 0; cut < 2; cut++) {
    struct link *link = begin(LINK_RECV_MULTISHOT);
    if (cut) link_cut(link);
    assert_int_equal(shutdown(meter->peer, SHUT_WR), 0);
    link_on_recv(link, &(struct ring_completion){.res = -ENOBUFS});
    assert_int_equal(link->eof, !cut);
    assert_false(list_is_linked(&link->starved));
    end();
  }
}

/* ---- one buffer at a time -------------------------------------------------------------------- */

/* A full buffer is a sign of a long transfer: what is behind it is read in the same turn, if it is wanted. */
static void test_read_on(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const char bytes[2 * IO_BUFFER_BYTES + 100];
  static const struct {
    enum link_receive mode;
    size_t len;
    bool wanted;
    size_t read, calls;
  } rows[] = {
      {LINK_RECV_SINGLE, sizeof bytes, true, sizeof bytes, 2},
      {LINK_RECV_SINGLE, sizeof bytes, false, IO_BUFFER_BYTES, 1},
      {LINK_RECV_SINGLE, IO_BUFFER_BYTES - 1, true, IO_BUFFER_BYTES - 1, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    meter_begin(&worker, 1);
    meter = meter_add(&worker, 0);
    meter->link->receive_mode = (uint8_t)rows[i].mode;
    meter_turns(&worker, 1);
    meter->refuses = !rows[i].wanted;
    put(bytes, rows[i].len);
    meter_turns(&worker, 1);
    assert_int_equal(counters()->recv_bytes, rows[i].read);
    assert_int_equal(counters()->recv_calls, rows[i].calls);
    assert_int_equal(meter->received, rows[i].wanted ? rows[i].read : 0);
    end();
  }
}

/* The turn's share bounds that, too. */
static void test_read_on_in_shares(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const char bytes[2 * IO_BUFFER_BYTES];
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter->link->receive_mode = LINK_RECV_SINGLE;
  meter_turns(&worker, 1);
  put(bytes, sizeof bytes);
  meter->link->turn = worker.loop.turn + 1;
  meter->link->turn_bytes = IO_TURN_RECV_BYTES - IO_BUFFER_BYTES - 100;
  meter_turns(&worker, 1);
  assert_int_equal(meter->received, IO_BUFFER_BYTES + 100);
  meter_turns(&worker, 2);
  assert_int_equal(meter->received, sizeof bytes);
  end();
}

/* ---- stopping -------------------------------------------------------------------------------- */

/* Once is enough. */
static void test_stop(void **state) {
  (void)state;
  meter_begin(&worker, 1);
  meter = meter_add(&worker, 0);
  meter_turns(&worker, 1);
  assert_int_equal(meter->link->in_flight, 1);
  for (int i = 0; i < 2; i++) {
    link_recv_stop(meter->link);
    assert_int_equal(meter->link->in_flight, 2); /* with the cancellation */
  }
  end();
}

/* A link that defers more than its part of the ring has its request stopped. From then on it gets one
 * buffer at a time. */
static void test_deferred_part(void **state) {
  ONLY_IO_URING();
  (void)state;
  for (uint32_t more = 0; more < 2; more++) {
    meter_begin(&worker, 1);
    meter = meter_add(&worker, 0);
    meter_receive_many(&worker, meter);
    struct link *link = meter->link;
    struct bufring *bufring = &worker.loop.bufring;
    const uint32_t others = bufring->count / 4 - 1 + more;
    put("abc", 3);
    link->turn = worker.loop.turn + 1;
    link->turn_bytes = IO_TURN_RECV_BYTES;
    bufring->out += others;
    meter_turns(&worker, 1);
    bufring->out -= others;
    assert_int_not_equal(link->deferred_first, LINK_NO_BUFFER);
    assert_int_equal(link->receive_mode, more ? LINK_RECV_SINGLE : LINK_RECV_MULTISHOT);
    assert_int_equal(link->receive_stopping, more);
    end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_ready),
      cmocka_unit_test(test_not_ready),
      cmocka_unit_test(test_ready_at_the_end),
      cmocka_unit_test(test_not_read),
      cmocka_unit_test(test_linger),
      cmocka_unit_test(test_starved),
      cmocka_unit_test(test_buffers_are_shown_to_the_kernel),
      cmocka_unit_test(test_starved_with_deferred_input),
      cmocka_unit_test(test_starved_at_the_end),
      cmocka_unit_test(test_read_on),
      cmocka_unit_test(test_read_on_in_shares),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_deferred_part),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
