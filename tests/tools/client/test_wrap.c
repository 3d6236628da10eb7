/*
 * client/test_wrap.c - a wrap forwards each call to its machine, with arguments and result.
 */
#include "tests/support/cmocka.h"
#include "tools/client/wrap.h"

#include <string.h>

static const char *called;
static uint64_t given_ns;

static size_t inner_recv(void *self, struct span in, uint64_t now_ns) {
  called = self;
  given_ns = now_ns;
  return in.len - 1;
}

static void inner_recv_eof(void *self, uint64_t now_ns) {
  called = self;
  given_ns = now_ns;
}

static size_t inner_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                              uint64_t now_ns) {
  called = self;
  given_ns = now_ns;
  out[0] = span_of("x", budget_bytes);
  return max - 1;
}

static void inner_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  called = self;
  given_ns = now_ns + bytes;
}

static void inner_tick(void *self, uint64_t now_ns) {
  called = self;
  given_ns = now_ns;
}

static uint64_t inner_deadline_ns(const void *self) {
  called = self;
  return 71;
}

static unsigned inner_wants(const void *self) {
  called = self;
  return MACHINE_SEND;
}

static void inner_drain(void *self, uint64_t now_ns) {
  called = self;
  given_ns = now_ns;
}

static uint64_t inner_idle_since_ns(const void *self) {
  called = self;
  return 72;
}

static void inner_close(void *self) {
  called = self;
}

static const struct machine_ops wrap_ops = {.recv = wrap_recv,
                                            .recv_eof = wrap_recv_eof,
                                            .send_peek = wrap_send_peek,
                                            .send_ack = wrap_send_ack,
                                            .tick = wrap_tick,
                                            .deadline_ns = wrap_deadline_ns,
                                            .wants = wrap_wants,
                                            .drain = wrap_drain,
                                            .idle_since_ns = wrap_idle_since_ns,
                                            .close = wrap_close};

static char inner_self[] = "inner";
static struct machine_ops inner_ops = {.recv = inner_recv,
                                       .recv_eof = inner_recv_eof,
                                       .send_peek = inner_send_peek,
                                       .send_ack = inner_send_ack,
                                       .tick = inner_tick,
                                       .deadline_ns = inner_deadline_ns,
                                       .wants = inner_wants,
                                       .drain = inner_drain,
                                       .idle_since_ns = inner_idle_since_ns,
                                       .close = inner_close};

/* Asserts that the inner machine was called with `now_ns`. */
static void expect(uint64_t now_ns) {
  assert_ptr_equal(called, inner_self);
  assert_int_equal(given_ns, now_ns);
  called = NULL;
  given_ns = 0;
}

static void test_forwards(void **state) {
  (void)state;
  struct wrap wrap;
  struct span out[4];
  struct machine machine = {.ops = &inner_ops, .self = inner_self};
  wrap_around(&wrap, &wrap_ops, &machine);
  assert_ptr_equal(machine.ops, &wrap_ops);
  assert_ptr_equal(machine.self, &wrap);
  assert_int_equal(machine.ops->recv(machine.self, span_of("abc", 3), 1), 2);
  expect(1);
  machine.ops->recv_eof(machine.self, 2);
  expect(2);
  assert_int_equal(machine.ops->send_peek(machine.self, out, 4, 9, 3), 3);
  assert_int_equal(out[0].len, 9);
  expect(3);
  machine.ops->send_ack(machine.self, 10, 4);
  expect(14);
  machine.ops->tick(machine.self, 5);
  expect(5);
  machine.ops->drain(machine.self, 6);
  expect(6);
  assert_int_equal(machine.ops->deadline_ns(machine.self), 71);
  expect(0);
  assert_int_equal(machine.ops->wants(machine.self), MACHINE_SEND);
  expect(0);
  assert_int_equal(machine.ops->idle_since_ns(machine.self), 72);
  expect(0);
  machine.ops->close(machine.self);
  expect(0);
}

/* A machine may have no idle_since_ns(): it is always busy. */
static void test_never_idle(void **state) {
  (void)state;
  struct machine_ops busy = inner_ops;
  struct wrap wrap;
  struct machine machine = {.ops = &busy, .self = inner_self};
  busy.idle_since_ns = NULL;
  wrap_around(&wrap, &wrap_ops, &machine);
  assert_true(machine.ops->idle_since_ns(machine.self) == MACHINE_BUSY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_forwards),
      cmocka_unit_test(test_never_idle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
