/*
 * worker/worker.c - one worker: its turn and its end.
 *
 *     RUNNING -- drain --> DRAINING -- last link gone, or the deadline --> ENDING --> done
 *        \------------------------- stop ------------------------------------/
 *
 * ENDING cancels the operations that are left and waits for them, so that no memory is written to
 * after the hook stopped() has freed it.
 */
#include "io/worker/worker.h"

#include "io/link/life.h"
#include "io/link/pass.h"
#include "io/link/recv.h"
#include "io/link/send.h"
#include "io/worker/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- completions --- */

static void link_completed(struct worker *worker, const struct ring_completion *completion) {
  static void (*const handlers[OP_KIND_COUNT])(struct link *, const struct ring_completion *) = {
      [OP_LINK_RECV] = link_on_recv,
      [OP_LINK_SEND] = link_on_send,
      [OP_LINK_CANCEL] = link_on_cancel,
  };
  uint64_t data = completion->user_data;
  struct link *link = links_find(&worker->links, op_slot(data), op_generation(data));
  /* A link is freed only when nothing is in flight, so this is a mistake, the kernel's or ours. It
   * must not reach the link that has the slot now. */
  if (!link)
    counter_add(&worker->loop.counters.late_completions, 1);
  else
    handlers[op_kind(data)](link, completion);
}

static void op_completed(struct worker *worker, const struct ring_completion *completion) {
  loop_op_completed(&worker->loop, completion);
}

static void ignore(struct worker *worker, const struct ring_completion *completion) {
  (void)worker;
  (void)completion;
}

static void dispatch(struct worker *worker, const struct ring_completion *completion) {
  static void (*const handlers[OP_KIND_COUNT])(struct worker *, const struct ring_completion *) = {
      [OP_NONE] = ignore,
      [OP_LINK_RECV] = link_completed,
      [OP_LINK_SEND] = link_completed,
      [OP_LINK_CANCEL] = link_completed,
      [OP_LOOP] = op_completed,
  };
  unsigned kind = op_kind(completion->user_data);
  /* Other kinds are liburing's own: LIBURING_UDATA_TIMEOUT. */
  if (kind < OP_KIND_COUNT) handlers[kind](worker, completion);
}

/* Of many connections, none is in the cache. Fetched one beside the other they take the time of one. */
static void prefetch(struct worker *worker, const struct ring_completion *completions,
                     unsigned count, enum links_part part) {
  for (unsigned i = 0; i < count; i++)
    if (op_kind(completions[i].user_data) == OP_LINK_RECV)
      links_prefetch(&worker->links, op_slot(completions[i].user_data), part);
}

/* Acts on a few completions, then lets the links that they touched send, while their streams and
 * tables are still in the cache. Links that were waiting before keep their place for the flush at
 * the end of the turn, where all links get an equal share. */
static void dispatch_few(struct worker *worker, const struct ring_completion *completions,
                         unsigned count) {
  struct list_node waiting;
  list_init(&waiting);
  list_splice(&waiting, &worker->links.dirty);
  prefetch(worker, completions, count, LINKS_LINK);
  prefetch(worker, completions, count, LINKS_MACHINE);
  for (unsigned i = 0; i < count; i++)
    dispatch(worker, &completions[i]);
  links_settle_dirty(&worker->links);
  list_splice(&waiting, &worker->links.dirty);
  list_splice(&worker->links.dirty, &waiting);
}

/* Acts on the completions that are there, but for no longer than a turn may take: the rest stay in
 * the queue until all links have had a chance to send. Slow ones come one by one, and so do all when the turn has
 * lasted long: a few slow ones at once would take it beyond its end. */
static void reap(struct worker *worker) {
  struct ring_completion batch[IO_SETTLE_BATCH];
  struct links *links = &worker->links;
  if (links->shares.turn_cost > 0) links_look(links); /* links were fed */
  do {
    const bool late = links->spent_ns >= IO_TURN_INPUT_NS;
    const unsigned most = worker->reaps_singly || late ? 1 : IO_SETTLE_BATCH;
    const uint64_t begun_ns = links->spent_ns;
    const unsigned count = ring_reap(&worker->loop.ring, batch, most);
    dispatch_few(worker, batch, count);
    if (count < most) return;
    worker->reaps_singly = links_look(links) - begun_ns > count * IO_COMPLETION_SLOW_NS;
  } while (links->spent_ns < IO_TURN_REAP_NS);
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
  bool waits = loop_read_ready(&worker->loop, &worker->wake_op, worker->wake_fd,
                               &worker->wake_value, sizeof worker->wake_value);
  (void)waits; /* if not, the worker is ending */
}

static void woken(struct loop_op *op, int result, unsigned flags) {
  (void)result;
  (void)flags;
  wait_for_wake(LIST_OWNER(op, struct worker, wake_op));
}

static void obey(struct worker *worker) {
  unsigned order = atomic_load(&worker->orders->order);
  if (order == WORKER_RUN) return;
  if (order == WORKER_LEAVE) {
    acceptors_leave(&worker->acceptors);
    return;
  }
  uint64_t deadline_ns = order == WORKER_STOP ? 0 : atomic_load(&worker->orders->drain_deadline_ns);
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

/* Repeated until the worker ends, for links that were born later, and for cancellations that the
 * kernel refused. */
static void drain_time_is_up(struct timer *timer, uint64_t now_ns) {
  struct worker *worker = LIST_OWNER(timer, struct worker, drain_timer);
  acceptors_stop(&worker->acceptors, now_ns);
  links_cut_all(&worker->links);
  timer_arm(&worker->loop.timers, timer, now_ns + 100 * IO_MILLISECOND);
}

void worker_drain(struct worker *worker, uint64_t deadline_ns) {
  bool first = !worker->draining;
  worker->draining = true;
  acceptors_stop(&worker->acceptors, deadline_ns);
  if (first) links_drain_all(&worker->links);
  if (deadline_ns >= worker->drain_deadline_ns) return; /* an earlier one stands */
  worker->drain_deadline_ns = deadline_ns;
  timer_arm(&worker->loop.timers, &worker->drain_timer, deadline_ns);
}

/* --- a turn --- */

static uint64_t wait_ns(const struct worker *worker) {
  if (links_have_work(&worker->links)) return 0;
  if (atomic_load_explicit(&worker->wake_pending, memory_order_relaxed)) return 0;
  uint64_t next_ns = timers_next_ns(&worker->loop.timers);
  if (next_ns == TIMER_NEVER) return UINT64_MAX;
  uint64_t now_ns = clock_now_ns();
  return next_ns > now_ns ? next_ns - now_ns : 0;
}

/* Whatever hostile peers do, no turn may keep other links waiting for long: turns that use much CPU
 * time are counted. Reading that time is a system call, so it is done only after a turn that was
 * slow by the clock, which may be another process's fault. */
static void watch_begin(struct worker *worker) {
  struct turn_watch *watch = &worker->watch;
  watch->cpu_ns = watch->slow ? clock_thread_cpu_ns() : 0;
}

static void watch_end(struct worker *worker) {
  struct turn_watch *watch = &worker->watch;
  watch->slow = clock_now_ns() - worker->loop.now_ns > IO_TURN_SLOW_NS;
  if (!watch->cpu_ns) return;
  uint64_t used_ns = clock_thread_cpu_ns() - watch->cpu_ns;
  counter_add(&worker->loop.counters.turns_watched, 1);
  counter_add(&worker->loop.counters.turns_long, used_ns > IO_TURN_LONG_NS);
}

/* After a slow turn much may have come. Then the worker goes on without a pause, and has to look
 * first whether anything has: the kernel would not say. */
static void wait_for_work(struct worker *worker) {
  struct loop *loop = &worker->loop;
  uint64_t timeout_ns = wait_ns(worker);
  if (timeout_ns > 0 && worker->watch.slow) {
    ring_enter(&loop->ring, 0);
    loop->paused = !ring_is_ready(&loop->ring);
    if (!loop->paused) return;
  }
  loop->paused = timeout_ns > 0 && !ring_is_ready(&loop->ring);
  ring_enter(&loop->ring, timeout_ns);
}

static void count_turn(struct loop *loop) {
  struct loop_counters *counters = &loop->counters;
  loop->turn++;
  counter_add(&counters->turns, 1);
  uint64_t overflows = ring_overflows(&loop->ring);
  if (overflows != counters->cq_overflows)
    counter_add(&counters->cq_overflows, overflows - counters->cq_overflows);
}

/* Links that closed have left room for others. */
static void resume_accepting(struct worker *worker) {
  uint64_t closed = worker->loop.counters.links_closed;
  if (closed == worker->closed_before) return;
  worker->closed_before = closed;
  acceptors_resume(&worker->acceptors);
}

static void turn(struct worker *worker) {
  wait_for_work(worker);
  worker->loop.now_ns = clock_now_ns();
  watch_begin(worker);
  count_turn(&worker->loop);
  links_feed(&worker->links);
  reap(worker);
  timers_run(&worker->loop.timers, worker->loop.now_ns);
  read_messages(worker);
  links_flush(&worker->links);
  resume_accepting(worker);
  watch_end(worker);
}

bool worker_run(struct worker *worker) {
  while (!worker->draining || worker->links.open || acceptors_are_open(&worker->acceptors)) {
    turn(worker);
    if (ring_refused(&worker->loop.ring)) return false;
  }
  return true;
}

/* --- begin and end --- */

static void second_passed(struct timer *timer, uint64_t now_ns) {
  struct worker *worker = LIST_OWNER(timer, struct worker, second_timer);
  const struct worker_hooks *hooks = &worker->config->hooks;
  timer_arm(&worker->loop.timers, timer, now_ns + IO_SECOND);
  if (hooks->second) hooks->second(worker, hooks->ctx);
}

bool worker_listen(struct worker *worker, struct listener *listener,
                   struct machine_factory factory) {
  for (unsigned i = worker->index; i < listener->count; i += worker->config->count)
    if (!acceptors_add(&worker->acceptors, listener_take(listener, i), listener->sharing, factory))
      return false;
  return true;
}

void worker_unlisten(struct worker *worker, const void *ctx) {
  acceptors_end(&worker->acceptors, ctx);
}

static bool open_parts(struct worker *worker, struct io_error *error) {
  const struct worker_config *config = worker->config;
  if (!loop_open(&worker->loop, config->ring, config->disabled, config->buffer_count,
                 config->buffer_bytes, error))
    return false;
  worker->wake_fd = eventfd(0, EFD_CLOEXEC);
  if (worker->wake_fd < 0)
    return io_error_set(error, errno, "cannot make an eventfd: %s", strerror(errno));
  struct links_settings links = {.links_max = config->links_max,
                                 .keep_bytes_max = config->keep_bytes_max,
                                 .send_stall_ns = config->send_stall_ns,
                                 .yield_ns = config->yield_ns};
  if (!links_open(&worker->links, &worker->loop, &links))
    return io_error_set(error, ENOMEM, "no memory for a worker");
  return true;
}

bool worker_open(struct worker *worker, struct io_error *error) {
  if (!open_parts(worker, error)) return false;
  acceptors_init(&worker->acceptors, &worker->links);
  worker->drain_deadline_ns = TIMER_NEVER;
  worker->wake_op.done = woken;
  timer_init(&worker->second_timer, second_passed);
  timer_init(&worker->drain_timer, drain_time_is_up);
  wait_for_wake(worker);
  timer_arm(&worker->loop.timers, &worker->second_timer, worker->loop.now_ns + IO_SECOND);
  return true;
}

/* Also for links and listening sockets of a worker whose group never started. */
void worker_end(struct worker *worker) {
  struct loop *loop = &worker->loop;
  worker->draining = true;
  acceptors_stop(&worker->acceptors, 0);
  links_cut_all(&worker->links);
  while (worker->links.open)
    turn(worker);
  loop->ending = true;
  uint64_t give_up_ns = clock_now_ns() + IO_END_WAIT_NS;
  while (loop->ops.under_way && clock_now_ns() < give_up_ns) {
    loop_cancel_all(loop); /* again each time: the kernel may have refused one */
    ring_enter(&loop->ring, 50 * IO_MILLISECOND);
    loop->now_ns = clock_now_ns();
    reap(worker);
  }
}

void worker_close(struct worker *worker) {
  acceptors_free(&worker->acceptors);
  links_close(&worker->links);
}

void worker_release(struct worker *worker) {
  if (worker->wake_fd >= 0) close(worker->wake_fd);
  loop_close(&worker->loop);
}
