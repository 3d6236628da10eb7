/*
 * ring/loop.c - opening and closing a loop; the table of operations.
 */
#include "io/ring/loop.h"

#include "io/base/clock.h"
#include "io/base/limits.h"
#include "io/ring/op.h"

#include <assert.h>
#include <stdlib.h>

enum { NO_SLOT = UINT32_MAX };

/* A kernel that refuses the buffer ring, perhaps for lack of memory, is treated as one without it. */
static void open_buffers(struct loop *loop, uint32_t count, uint32_t bytes) {
  const unsigned needing = URING_BUFFER_RING | URING_MULTISHOT_RECV;
  if (!(loop->uring.features & URING_BUFFER_RING)) return;
  if (bufring_open(&loop->bufring, &loop->uring.ring, count, bytes, NULL)) return;
  loop->uring.missing |= loop->uring.features & needing;
  loop->uring.features &= ~needing;
}

bool loop_open(struct loop *loop, unsigned disabled, uint32_t buffer_count, uint32_t buffer_bytes,
               struct io_error *error) {
  *loop = (struct loop){.now_ns = clock_now_ns(), .ops = {.free_first = NO_SLOT}};
  timers_init(&loop->timers, loop->now_ns);
  if (!uring_open(&loop->uring, disabled, error)) return false;
  loop->has_ring = true;
  open_buffers(loop, buffer_count, buffer_bytes);
  return true;
}

void loop_close(struct loop *loop) {
  bufring_close(&loop->bufring);
  if (loop->has_ring) uring_close(&loop->uring);
  loop->has_ring = false;
  free(loop->ops.slots);
  loop->ops = (struct loop_ops){.free_first = NO_SLOT};
}

/* --- operations --- */

#ifdef WEIR_INVARIANTS
static void invariants(const struct loop_ops *ops) {
  assert(ops->under_way <= ops->capacity);
  assert((ops->free_first == NO_SLOT) == (ops->under_way == ops->capacity));
  assert(ops->free_first == NO_SLOT || !ops->slots[ops->free_first].op);
}
#else
static void invariants(const struct loop_ops *ops) {
  (void)ops;
}
#endif

static bool grow(struct loop_ops *ops) {
  uint32_t capacity = ops->capacity ? ops->capacity * 2 : IO_OPS_FIRST;
  if (capacity > IO_OPS_MAX) return false;
  struct loop_op_slot *slots = realloc(ops->slots, capacity * sizeof *slots);
  if (!slots) return false;
  for (uint32_t i = ops->capacity; i < capacity; i++)
    slots[i] = (struct loop_op_slot){.free_next = i + 1 < capacity ? i + 1 : NO_SLOT};
  ops->free_first = ops->capacity;
  ops->capacity = capacity;
  ops->slots = slots;
  return true;
}

struct io_uring_sqe *loop_sqe(struct loop *loop, struct loop_op *op) {
  struct loop_ops *ops = &loop->ops;
  assert(op->done && !op->under_way);
  if (loop->ending) return NULL;
  if (ops->free_first == NO_SLOT && !grow(ops)) return NULL;
  op->loop = loop;
  op->slot = ops->free_first;
  op->under_way = true;
  struct loop_op_slot *slot = &ops->slots[op->slot];
  ops->free_first = slot->free_next;
  slot->op = op;
  ops->under_way++;
  invariants(ops);
  struct io_uring_sqe *sqe = uring_sqe(&loop->uring);
  sqe->user_data = op_pack(OP_LOOP, op->slot, slot->generation);
  return sqe;
}

static void cancel_slot(struct loop *loop, uint32_t slot) {
  struct io_uring_sqe *sqe = uring_sqe(&loop->uring);
  io_uring_prep_cancel64(sqe, op_pack(OP_LOOP, slot, loop->ops.slots[slot].generation), 0);
  sqe->user_data = op_pack(OP_NONE, 0, 0);
}

void loop_op_cancel(struct loop_op *op) {
  if (op->under_way) cancel_slot(op->loop, op->slot);
}

void loop_cancel_all(struct loop *loop) {
  for (uint32_t slot = 0; slot < loop->ops.capacity; slot++)
    if (loop->ops.slots[slot].op) cancel_slot(loop, slot);
}

void loop_op_completed(struct loop *loop, const struct io_uring_cqe *cqe) {
  struct loop_ops *ops = &loop->ops;
  uint32_t index = op_slot(cqe->user_data);
  struct loop_op_slot *slot = index < ops->capacity ? &ops->slots[index] : NULL;
  if (!slot || !slot->op || slot->generation != op_generation(cqe->user_data)) {
    counter_add(&loop->counters.late_completions, 1);
    return;
  }
  struct loop_op *op = slot->op;
  if (!(cqe->flags & IORING_CQE_F_MORE)) {
    slot->op = NULL;
    slot->generation++;
    slot->free_next = ops->free_first;
    ops->free_first = index;
    ops->under_way--;
    op->under_way = false;
    invariants(ops);
  }
  op->done(op, cqe->res, cqe->flags);
}
