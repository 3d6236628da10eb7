/*
 * worker/worker.c - one worker: its turn, its operations, its end.
 *
 *     RUNNING -- drain --> DRAINING -- last link gone, or the deadline --> ENDING --> done
 *        \------------------------- stop ------------------------------------/
 *
 * ENDING cancels what operations are left and waits for them, so that nobody's memory is written
 * to after the hook stopped() has freed it.
 */
#include "io/worker/worker.h"

#include "io/base/clock.h"
#include "io/link/accept_parts.h"
#include "io/link/parts.h"
#include "io/ring/op.h"
#include "io/worker/parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NO_SLOT = UINT32_MAX, OPS_AT_FIRST = 64 };

/* How long the end of a worker waits for operations that do not obey their cancellation. */
#define END_WAIT_NS (5 * IO_SECOND)

/* --- operations --- */

static bool ops_grow(struct op_table *table) {
  uint32_t capacity = table->capacity ? table->capacity * 2 : OPS_AT_FIRST;
  if (capacity > IO_OPS_MAX) return false;
  struct op_slot *slots = realloc(table->slots, capacity * sizeof *slots);
  if (!slots) return false;
  for (uint32_t i = table->capacity; i < capacity; i++)
    slots[i] = (struct op_slot){.free_next = i + 1 < capacity ? i + 1 : NO_SLOT};
  table->free_first = table->capacity;
  table->capacity = capacity;
  table->slots = slots;
  return true;
}

struct io_uring_sqe *worker_sqe(struct worker *worker, struct worker_op *op) {
  struct op_table *table = &worker->ops;
  assert(op->done && !op->under_way);
  if (worker->stopping) return NULL;
  if (table->free_first == NO_SLOT && !ops_grow(table)) return NULL;
  op->worker = worker;
  op->slot = table->free_first;
  op->under_way = true;
  struct op_slot *slot = &table->slots[op->slot];
  table->free_first = slot->free_next;
  slot->op = op;
  table->under_way++;
  struct io_uring_sqe *sqe = uring_sqe(&worker->uring);
  sqe->user_data = op_pack(OP_WORKER_OP, op->slot, slot->generation);
  return sqe;
}

static void cancel_slot(struct worker *worker, uint32_t slot) {
  struct io_uring_sqe *sqe = uring_sqe(&worker->uring);
  io_uring_prep_cancel64(sqe, op_pack(OP_WORKER_OP, slot, worker->ops.slots[slot].generation), 0);
  sqe->user_data = op_pack(OP_NONE, 0, 0);
}

void worker_op_cancel(struct worker_op *op) {
  if (op->under_way) cancel_slot(op->worker, op->slot);
}

static void op_completed(struct worker *worker, const struct io_uring_cqe *cqe) {
  uint32_t index = op_slot(cqe->user_data);
  struct op_table *table = &worker->ops;
  struct op_slot *slot = index < table->capacity ? &table->slots[index] : NULL;
  if (!slot || !slot->op || slot->generation != op_generation(cqe->user_data)) {
    counter_add(&worker->counters.late_completions, 1);
    return;
  }
  struct worker_op *op = slot->op;
  if (!(cqe->flags & IORING_CQE_F_MORE)) {
    slot->op = NULL;
    slot->generation++;
    slot->free_next = table->free_first;
    table->free_first = index;
    table->under_way--;
    op->under_way = false;
  }
  op->done(op, cqe->res, cqe->flags);
}

/* --- completions --- */

static void link_completed(struct worker *worker, const struct io_uring_cqe *cqe) {
  static void (*const handlers[OP_KIND_COUNT])(struct link *, const struct io_uring_cqe *) = {
      [OP_LINK_RECV] = link_on_recv,
      [OP_LINK_SEND] = link_on_send,
      [OP_LINK_CANCEL] = link_on_cancel,
  };
  uint64_t data = cqe->user_data;
  struct link *link = links_find(&worker->links, op_slot(data), op_generation(data));
  /* A link is freed only when nothing is in flight, so this is a kernel's or our own mistake: it
   * must not reach whoever has the slot now. */
  if (!link)
    counter_add(&worker->counters.late_completions, 1);
  else
    handlers[op_kind(data)](link, cqe);
}

static void ignore(struct worker *worker, const struct io_uring_cqe *cqe) {
  (void)worker;
  (void)cqe;
}

static void dispatch(struct worker *worker, const struct io_uring_cqe *cqe) {
  static void (*const handlers[OP_KIND_COUNT])(struct worker *, const struct io_uring_cqe *) = {
      [OP_NONE] = ignore,
      [OP_LINK_RECV] = link_completed,
      [OP_LINK_SEND] = link_completed,
      [OP_LINK_CANCEL] = link_completed,
      [OP_WORKER_OP] = op_completed,
  };
  unsigned kind = op_kind(cqe->user_data);
  /* Other kinds are liburing's own: LIBURING_UDATA_TIMEOUT. */
  if (kind < OP_KIND_COUNT) handlers[kind](worker, cqe);
}

/* Acts on a few completions, then lets the links that they touched send: while their streams and
 * tables are still in the cache. Links that were waiting before keep their place for the flush at
 * the end of the turn, where everybody gets an equal share. */
static void dispatch_few(struct worker *worker, const struct io_uring_cqe *cqes, unsigned count) {
  struct list_node waiting;
  list_init(&waiting);
  list_splice(&waiting, &worker->links.dirty);
  for (unsigned i = 0; i < count; i++)
    dispatch(worker, &cqes[i]);
  links_settle(worker);
  list_splice(&waiting, &worker->links.dirty);
  list_splice(&worker->links.dirty, &waiting);
}

/* Everything that is there, but no more than a turn has time for: what is left stays in the queue,
 * and is looked at when everybody has had a chance to send. Completions are copied out before
 * anybody acts on them: acting submits, and a kernel whose completion queue is full may refuse to
 * take submissions. */
static void reap(struct worker *worker) {
  struct io_uring_cqe *batch[IO_SETTLE_BATCH], copies[IO_SETTLE_BATCH];
  const uint64_t end_ns = clock_now_ns() + IO_TURN_REAP_NS;
  unsigned count;
  do {
    count = io_uring_peek_batch_cqe(&worker->uring.ring, batch, IO_SETTLE_BATCH);
    for (unsigned i = 0; i < count; i++) {
      copies[i].user_data = batch[i]->user_data;
      copies[i].res = batch[i]->res;
      copies[i].flags = batch[i]->flags;
    }
    io_uring_cq_advance(&worker->uring.ring, count);
    dispatch_few(worker, copies, count);
  } while (count == IO_SETTLE_BATCH && clock_now_ns() < end_ns);
}

/* --- messages and wake-ups --- */

/* One eventfd write for any number of messages between two turns. */
void worker_wake(struct worker *worker) {
  uint64_t one = 1;
  if (atomic_exchange(&worker->wake_pending, true)) return;
  /* Fails only when the counter is about to overflow, and then a wake-up is pending anyway. */
  ssize_t written = write(worker->wake_fd, &one, sizeof one);
  (void)written;
}

static void wait_for_wake(struct worker *worker) {
  struct io_uring_sqe *sqe = worker_sqe(worker, &worker->wake_op);
  if (!sqe) return; /* the worker is ending */
  io_uring_prep_read(sqe, worker->wake_fd, &worker->wake_value, sizeof worker->wake_value, 0);
}

static void woken(struct worker_op *op, int result, unsigned flags) {
  (void)result;
  (void)flags;
  wait_for_wake(op->worker);
}

static void obey(struct worker *worker) {
  unsigned order = atomic_load(&worker->group->order);
  if (order == GROUP_RUN) return;
  uint64_t deadline_ns = order == GROUP_STOP ? 0 : atomic_load(&worker->group->drain_deadline_ns);
  worker_drain(worker, deadline_ns);
}

static void read_messages(struct worker *worker) {
  struct mailbox_message message;
  if (!atomic_load_explicit(&worker->wake_pending, memory_order_relaxed)) return;
  atomic_exchange(&worker->wake_pending, false);
  obey(worker);
  /* One mailbox full: a busy sender does not keep this turn from ending. What is left is taken next
   * turn, without another wake-up. */
  unsigned taken = 0;
  while (taken < IO_MAILBOX_ENTRIES && mailbox_take(&worker->inbox, &message)) {
    message.deliver(worker, message.object);
    taken++;
  }
  if (taken == IO_MAILBOX_ENTRIES) atomic_store(&worker->wake_pending, true);
}

/* --- draining --- */

/* Again and again until the worker ends, for links that were born too late for the first time, and
 * for cancellations that the kernel refused. */
static void drain_time_is_up(struct timer *timer, uint64_t now_ns) {
  struct worker *worker = LIST_OWNER(timer, struct worker, drain_timer);
  acceptors_stop(worker);
  links_cut(worker);
  timer_arm(&worker->timers, timer, now_ns + 100 * IO_MILLISECOND);
}

void worker_drain(struct worker *worker, uint64_t deadline_ns) {
  if (!worker->draining) {
    worker->draining = true;
    acceptors_stop(worker);
    links_drain(worker);
  }
  if (deadline_ns >= worker->drain_deadline_ns) return; /* an earlier one stands */
  worker->drain_deadline_ns = deadline_ns;
  timer_arm(&worker->timers, &worker->drain_timer, deadline_ns);
}

void worker_link_closed(struct worker *worker) {
  acceptors_resume(worker);
}

/* --- a turn --- */

static uint64_t wait_ns(const struct worker *worker, bool busy) {
  uint64_t next_ns = timers_next_ns(&worker->timers);
  if (busy || atomic_load_explicit(&worker->wake_pending, memory_order_relaxed)) return 0;
  if (next_ns == TIMER_NEVER) return UINT64_MAX;
  uint64_t now_ns = clock_now_ns();
  return next_ns > now_ns ? next_ns - now_ns : 0;
}

/* Whatever hostile peers do, no turn may keep the others waiting for long: those that use much CPU
 * time are counted. Reading that time is a system call, so it is done only after a turn that was
 * slow by the clock, which may be another process's fault. */
static void watch_begin(struct worker *worker) {
  struct turn_watch *watch = &worker->watch;
  watch->cpu_ns = watch->slow ? clock_thread_cpu_ns() : 0;
}

static void watch_end(struct worker *worker) {
  struct turn_watch *watch = &worker->watch;
  watch->slow = clock_now_ns() - worker->now_ns > IO_TURN_SLOW_NS;
  if (!watch->cpu_ns) return;
  uint64_t used_ns = clock_thread_cpu_ns() - watch->cpu_ns;
  counter_add(&worker->counters.turns_watched, 1);
  counter_add(&worker->counters.turns_long, used_ns > IO_TURN_LONG_NS);
}

/* After a slow turn much may have come: then the worker goes on without a pause, and looks first
 * whether that is so, for the kernel would not tell. */
static void wait_for_work(struct worker *worker, bool busy) {
  uint64_t timeout_ns = wait_ns(worker, busy);
  if (timeout_ns > 0 && worker->watch.slow) {
    uring_enter(&worker->uring, 0);
    worker->paused = io_uring_cq_ready(&worker->uring.ring) == 0;
    if (!worker->paused) return;
  }
  worker->paused = timeout_ns > 0 && io_uring_cq_ready(&worker->uring.ring) == 0;
  uring_enter(&worker->uring, timeout_ns);
}

/* Returns whether work is left, so that the next turn must not wait. */
static bool turn(struct worker *worker, bool busy) {
  wait_for_work(worker, busy);
  worker->now_ns = clock_now_ns();
  watch_begin(worker);
  worker->turn++;
  counter_add(&worker->counters.turns, 1);
  if (worker->uring.overflows != worker->counters.cq_overflows)
    counter_add(&worker->counters.cq_overflows,
                worker->uring.overflows - worker->counters.cq_overflows);
  links_feed(worker);
  reap(worker);
  timers_run(&worker->timers, worker->now_ns);
  read_messages(worker);
  bool more = links_flush(worker);
  watch_end(worker);
  return more;
}

void worker_run(struct worker *worker) {
  bool busy = false;
  while (!worker->draining || worker->links.open || acceptors_are_open(worker))
    busy = turn(worker, busy);
}

/* --- begin and end --- */

static void second_passed(struct timer *timer, uint64_t now_ns) {
  struct worker *worker = LIST_OWNER(timer, struct worker, second_timer);
  const struct worker_hooks *hooks = &worker->group->config.hooks;
  timer_arm(&worker->timers, timer, now_ns + IO_SECOND);
  if (hooks->second) hooks->second(worker, hooks->ctx);
}

/* A kernel that refuses the buffer ring, for lack of memory say, is like one that has none. */
static void open_buffers(struct worker *worker) {
  const struct worker_config *config = &worker->group->config;
  const unsigned needing = URING_BUFFER_RING | URING_MULTISHOT_RECV;
  if (!(worker->uring.features & URING_BUFFER_RING)) return;
  if (bufring_open(&worker->bufring, &worker->uring.ring, config->buffer_count,
                   config->buffer_bytes, NULL))
    return;
  worker->uring.missing |= worker->uring.features & needing;
  worker->uring.features &= ~needing;
}

static bool open_parts(struct worker *worker, struct io_error *error) {
  const struct worker_config *config = &worker->group->config;
  if (!uring_open(&worker->uring, config->disabled, error)) return false;
  worker->has_ring = true;
  open_buffers(worker);
  worker->wake_fd = eventfd(0, EFD_CLOEXEC);
  if (worker->wake_fd < 0)
    return io_error_set(error, errno, "cannot make an eventfd: %s", strerror(errno));
  worker->scratch = malloc(IO_TURN_RECV_BYTES);
  worker->send_arena = send_arena_open();
  if (!worker->scratch || !worker->send_arena || !links_open(&worker->links, config->links_max))
    return io_error_set(error, ENOMEM, "no memory for a worker");
  return true;
}

bool worker_open(struct worker *worker, struct io_error *error) {
  worker->ops.free_first = NO_SLOT;
  worker->wake_fd = -1;
  worker->now_ns = clock_now_ns();
  worker->drain_deadline_ns = TIMER_NEVER;
  worker->wake_op.done = woken;
  timers_init(&worker->timers, worker->now_ns);
  timer_init(&worker->second_timer, second_passed);
  timer_init(&worker->drain_timer, drain_time_is_up);
  if (!open_parts(worker, error)) return false;
  wait_for_wake(worker);
  timer_arm(&worker->timers, &worker->second_timer, worker->now_ns + IO_SECOND);
  return true;
}

/* Also for links and listeners of a worker whose group never started. */
void worker_end(struct worker *worker) {
  worker->draining = true;
  acceptors_stop(worker);
  links_cut(worker);
  for (bool busy = true; worker->links.open;)
    busy = turn(worker, busy);
  worker->stopping = true; /* no new operations */
  uint64_t give_up_ns = clock_now_ns() + END_WAIT_NS;
  while (worker->ops.under_way && clock_now_ns() < give_up_ns) {
    for (uint32_t i = 0; i < worker->ops.capacity; i++) /* again: one may have been refused */
      if (worker->ops.slots[i].op) cancel_slot(worker, i);
    uring_enter(&worker->uring, 50 * IO_MILLISECOND);
    reap(worker);
  }
}

void worker_close(struct worker *worker) {
  acceptors_free(worker);
  if (worker->links.chunks) links_close(&worker->links);
  if (worker->bufring.ring) bufring_close(&worker->bufring);
  free(worker->ops.slots);
  free(worker->scratch);
  free(worker->send_arena);
  worker->ops = (struct op_table){.free_first = NO_SLOT};
  worker->scratch = NULL;
  worker->send_arena = NULL;
}

void worker_release(struct worker *worker) {
  if (worker->wake_fd >= 0) close(worker->wake_fd);
  if (worker->has_ring) uring_close(&worker->uring);
}
