/*
 * ring/test_limits.c - the bounds of io/base/limits.h on a loop: its queues, receive buffers and
 * operations, all of them in use.
 */
#include "io/base/limits.h"
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
  if (!loop_open(&loop, disabled, IO_BUFFER_COUNT, IO_BUFFER_BYTES, &error))
    fail_msg("%s", error.text);
}

/* Where memory may not be locked the queues are short. */
static void test_queues(void **state) {
  (void)state;
  for (unsigned is_short = 0; is_short < 2; is_short++) {
    begin(is_short ? URING_FULL_QUEUES : 0);
    struct io_uring *ring = &loop.uring.ring;
    if (!(loop.uring.missing & URING_FULL_QUEUES)) {
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
  struct io_uring *ring = &loop.uring.ring;
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

static void wait_on(struct io_uring_sqe *sqe, int fd) {
  assert_non_null(sqe);
  io_uring_prep_poll_add(sqe, fd, POLLIN);
}

static void end_ops(unsigned count) {
  struct io_uring_cqe *cqe;
  for (ended = 0; ended < count;) {
    uring_enter(&loop.uring, IO_SECOND);
    while (io_uring_peek_cqe(&loop.uring.ring, &cqe) == 0) {
      struct io_uring_cqe copy = {
          .user_data = cqe->user_data, .res = cqe->res, .flags = cqe->flags};
      io_uring_cqe_seen(&loop.uring.ring, cqe);
      if (op_kind(copy.user_data) == OP_LOOP) loop_op_completed(&loop, &copy);
    }
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
    wait_on(loop_sqe(&loop, &ops[i]), never);
  }
  assert_null(loop_sqe(&loop, &more));
  loop_op_cancel(&ops[7]);
  end_ops(1);
  wait_on(loop_sqe(&loop, &more), never);
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
  struct io_uring_sqe *sqe = loop_sqe(&loop, &first);
  const struct io_uring_cqe late = {.user_data = sqe->user_data};
  wait_on(sqe, never);
  loop_op_cancel(&first);
  end_ops(1);
  wait_on(loop_sqe(&loop, &second), never);
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
