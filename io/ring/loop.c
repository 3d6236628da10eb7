/*
 * ring/loop.c - opening and closing a loop; the table of operations.
 */
#include "io/ring/loop.h"

#include "io/base/clock.h"
#include "io/ring/limits.h"
#include "io/ring/op.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { NO_SLOT = UINT32_MAX };

/* A kernel that refuses the buffer ring, perhaps for lack of memory, is treated as one without it. */
static void open_buffers(struct loop *loop, uint32_t count, uint32_t bytes) {
  const unsigned needing = URING_BUFFER_RING | URING_MULTISHOT_RECV;
  struct ring *ring = &loop->ring;
  if (!(ring->features & URING_BUFFER_RING)) return;
  struct io_uring *kernels = ring->poller ? NULL : &ring->uring.ring;
  if (bufring_open(&loop->bufring, kernels, count, bytes, NULL)) return;
  ring->uring.missing |= ring->features & needing;
  ring->uring.features &= ~needing;
  ring->features &= ~needing;
}

bool loop_open(struct loop *loop, enum ring_choice engine, unsigned disabled, uint32_t buffer_count,
               uint32_t buffer_bytes, struct io_error *error) {
  *loop = (struct loop){.now_ns = clock_now_ns(), .ops = {.free_first = NO_SLOT}};
  timers_init(&loop->timers, loop->now_ns);
  if (!ring_open(&loop->ring, engine, disabled, &loop->bufring, error)) return false;
  loop->has_ring = true;
  open_buffers(loop, buffer_count, buffer_bytes);
  return true;
}

void loop_close(struct loop *loop) {
  bufring_close(&loop->bufring);
  pages_close(&loop->pages);
  writes_close(&loop->writes);
  if (loop->has_ring) ring_close(&loop->ring);
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

/* A slot for an operation that begins, and the user_data that leads back to it. `fd` is -1 for a job. */
static bool take_slot(struct loop *loop, struct loop_op *op, int fd, uint64_t *user_data) {
  struct loop_ops *ops = &loop->ops;
  assert(op->done && !op->under_way);
  if (loop->ending) return false;
  if (ops->free_first == NO_SLOT && !grow(ops)) return false;
  op->loop = loop;
  op->slot = ops->free_first;
  op->fd = fd;
  op->under_way = true;
  struct loop_op_slot *slot = &ops->slots[op->slot];
  ops->free_first = slot->free_next;
  slot->op = op;
  ops->under_way++;
  invariants(ops);
  *user_data = op_pack(OP_LOOP, op->slot, slot->generation);
  return true;
}

/* The same for an operation of a descriptor that a poller watches. */
static bool take_watched(struct loop *loop, struct loop_op *op, int fd, unsigned events,
                         uint64_t *user_data) {
  return ring_attach(&loop->ring, fd, events) && take_slot(loop, op, fd, user_data);
}

bool loop_accept(struct loop *loop, struct loop_op *op, int fd, bool again) {
  uint64_t user_data;
  if (!take_watched(loop, op, fd, 0, &user_data)) return false;
  ring_accept(&loop->ring, fd, again, user_data);
  return true;
}

bool loop_connect(struct loop *loop, struct loop_op *op, int fd, const struct sockaddr *address,
                  unsigned len) {
  uint64_t user_data;
  if (!take_watched(loop, op, fd, 0, &user_data)) return false;
  ring_connect(&loop->ring, fd, address, len, user_data);
  return true;
}

bool loop_poll(struct loop *loop, struct loop_op *op, int fd, unsigned events) {
  uint64_t user_data;
  if (!take_watched(loop, op, fd, events & EPOLLEXCLUSIVE ? events : 0, &user_data)) return false;
  ring_poll(&loop->ring, fd, events, user_data);
  return true;
}

bool loop_read_ready(struct loop *loop, struct loop_op *op, int fd, void *buffer, unsigned len) {
  uint64_t user_data;
  if (!take_watched(loop, op, fd, EPOLLIN, &user_data)) return false;
  if (loop->ring.poller)
    poller_read_ready(loop->ring.poller, fd, buffer, len, user_data);
  else
    uring_read(&loop->ring.uring, fd, buffer, len, 0, user_data);
  return true;
}

bool loop_read(struct loop *loop, struct loop_op *op, int fd, void *buffer, unsigned len,
               uint64_t offset) {
  uint64_t user_data;
  if (!take_slot(loop, op, -1, &user_data)) return false;
  if (loop->ring.poller)
    poller_read(loop->ring.poller, &op->job, fd, buffer, len, offset, user_data);
  else
    uring_read(&loop->ring.uring, fd, buffer, len, offset, user_data);
  return true;
}

bool loop_timeout(struct loop *loop, struct loop_op *op, uint64_t at_ns) {
  uint64_t user_data;
  if (!take_slot(loop, op, -1, &user_data)) return false;
  if (loop->ring.poller) {
    poller_timeout(loop->ring.poller, &op->job, at_ns, user_data);
    return true;
  }
  op->at.tv_sec = (long long)(at_ns / IO_SECOND);
  op->at.tv_nsec = (long long)(at_ns % IO_SECOND);
  uring_timeout(&loop->ring.uring, &op->at, user_data);
  return true;
}

bool loop_nop(struct loop *loop, struct loop_op *op) {
  uint64_t user_data;
  if (!take_slot(loop, op, -1, &user_data)) return false;
  if (loop->ring.poller)
    poller_nop(loop->ring.poller, &op->job, user_data);
  else
    uring_nop(&loop->ring.uring, user_data);
  return true;
}

static void cancel_slot(struct loop *loop, uint32_t slot) {
  struct loop_op *op = loop->ops.slots[slot].op;
  if (loop->ring.poller && op->fd < 0)
    poller_cancel_job(loop->ring.poller, &op->job);
  else
    ring_cancel(&loop->ring, op->fd, op_pack(OP_LOOP, slot, loop->ops.slots[slot].generation),
                op_pack(OP_NONE, 0, 0));
}

void loop_op_cancel(struct loop_op *op) {
  if (op->under_way) cancel_slot(op->loop, op->slot);
}

void loop_cancel_all(struct loop *loop) {
  for (uint32_t slot = 0; slot < loop->ops.capacity; slot++)
    if (loop->ops.slots[slot].op) cancel_slot(loop, slot);
}

void loop_op_completed(struct loop *loop, const struct ring_completion *completion) {
  struct loop_ops *ops = &loop->ops;
  uint32_t index = op_slot(completion->user_data);
  struct loop_op_slot *slot = index < ops->capacity ? &ops->slots[index] : NULL;
  if (!slot || !slot->op || slot->generation != op_generation(completion->user_data)) {
    counter_add(&loop->counters.late_completions, 1);
    return;
  }
  struct loop_op *op = slot->op;
  if (!(completion->flags & RING_MORE)) {
    slot->op = NULL;
    slot->generation++;
    slot->free_next = ops->free_first;
    ops->free_first = index;
    ops->under_way--;
    op->under_way = false;
    invariants(ops);
  }
  op->done(op, completion->res, completion->flags);
}
