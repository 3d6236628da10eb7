/*
 * ring/test_limits.c - the bounds of io/ring/limits.h on a loop: its queues, receive buffers and
 * operations, all of them in use.
 */
#include "io/ring/limits.h"
#include "io/ring/loop.h"
#include "io/ring/op.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct loop loop;

static void begin(unsigned disabled) {
  struct io_error error = {.text = ""};
  if (!loop_open(&loop, RING_IO_URING, disabled, IO_BUFFER_COUNT, IO_BUFFER_BYTES, &error))
    fail_msg("%s", error.text);
}

/* Where memory may not be locked the queues are short. */
static void test_queues(void **state) {
  (void)state;
  for (unsigned is_short = 0; is_short < 2; is_short++) {
    begin(is_short ? URING_FULL_QUEUES : 0);
    struct io_uring *ring = &loop.ring.uring.ring;
    if (!(loop.ring.uring.missing & URING_FULL_QUEUES)) {
      assert_int_equal(ring->sq.ring_entries, is_short ? IO_SQ_ENTRIES_SHORT : IO_SQ_ENTRIES);
      assert_int_equal(ring->cq.ring_entries, is_short ? IO_CQ_ENTRIES_SHORT : IO_CQ_ENTRIES);
    }
    loop_close(&loop);
  }
}

/* The kernel takes a ring of IO_BUFFER_COUNT_MAX buffers, and no larger one. */
static void test_buffers(void **state) {
  (void)state;
  enum { SMALL = 16 };
  struct io_error error = {.text = ""};
  struct bufring bufring;
  begin(URING_BUFFER_RING);
  struct io_uring *ring = &loop.ring.uring.ring;
  if (!bufring_open(&bufring, ring, IO_BUFFER_COUNT_MAX, SMALL, &error)) fail_msg("%s", error.text);
  bufring_close(&bufring);
  struct io_uring_buf_reg larger = {.ring_entries = 2 * IO_BUFFER_COUNT_MAX, .bgid = BUFRING_GROUP};
  void *entries = NULL;
  assert_int_equal(posix_memalign(&entries, (size_t)sysconf(_SC_PAGESIZE),
                                  larger.ring_entries * sizeof(struct io_uring_buf)),
                   0);
  larger.ring_addr = (uint64_t)(uintptr_t)entries;
  assert_int_equal(io_uring_register_buf_ring(ring, &larger, 0), -EINVAL);
  free(entries);
  loop_close(&loop);
}

static unsigned ended;

static void op_done(struct loop_op *op, int result, unsigned flags) {
  (void)op, (void)flags;
  assert_int_equal(result, -ECANCELED);
  ended++;
}

static void end_ops(unsigned count) {
  struct ring_completion completion;
  for (ended = 0; ended < count;) {
    ring_enter(&loop.ring, IO_SECOND);
    while (ring_reap(&loop.ring, &completion, 1))
      if (op_kind(completion.user_data) == OP_LOOP) loop_op_completed(&loop, &completion);
  }
}

/* Operations that wait for something that never happens. */
static void test_ops(void **state) {
  (void)state;
  static struct loop_op ops[IO_OPS_MAX], more = {.done = op_done};
  int never = eventfd(0, EFD_CLOEXEC);
  assert_true(never >= 0);
  begin(0);
  for (uint32_t i = 0; i < IO_OPS_MAX; i++) {
    ops[i] = (struct loop_op){.done = op_done};
    assert_true(loop_poll(&loop, &ops[i], never, POLLIN));
  }
  assert_false(loop_poll(&loop, &more, never, POLLIN));
  loop_op_cancel(&ops[7]);
  end_ops(1);
  assert_true(loop_poll(&loop, &more, never, POLLIN));
  loop_cancel_all(&loop);
  end_ops(IO_OPS_MAX);
  loop_close(&loop);
  close(never);
}

/* A repeated or late completion never reaches the slot's next user. */
static void test_late_completion(void **state) {
  (void)state;
  struct loop_op first = {.done = op_done}, second = {.done = op_done};
  int never = eventfd(0, EFD_CLOEXEC);
  begin(0);
  assert_true(loop_poll(&loop, &first, never, POLLIN));
  const struct ring_completion late = {
      .user_data = op_pack(OP_LOOP, first.slot, loop.ops.slots[first.slot].generation)};
  loop_op_cancel(&first);
  end_ops(1);
  assert_true(loop_poll(&loop, &second, never, POLLIN));
  assert_int_equal(second.slot, first.slot);
  loop_op_completed(&loop, &late);
  assert_true(second.under_way);
  assert_int_equal(loop.counters.late_completions, 1);
  loop_cancel_all(&loop);
  end_ops(1);
  loop_close(&loop);
  close(never);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_queues),
      cmocka_unit_test(test_buffers),
      cmocka_unit_test(test_ops),
      cmocka_unit_test(test_late_completion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
