/*
 * worker/test_limits.c - the bounds of io/worker/limits.h on a worker's turn, and its default
 * configuration. Time stands still unless a machine of the test spends some: clock_gettime() is
 * defined here.
 */
#include "io/link/life.h"
#include "io/link/limits.h"
#include "io/link/pass.h"
#include "io/ring/limits.h"
#include "io/worker/group.h"
#include "io/worker/limits.h"
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t now_ns = 1000 * IO_SECOND;

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = (time_t)(now_ns / IO_SECOND),
                           .tv_nsec = (long)(now_ns % IO_SECOND)};
  return 0;
}

/* ---- machines whose input is expensive ------------------------------------------------------- */

enum { LINKS = 10 * IO_SETTLE_BATCH };

/* The test reads it once `received` shows that the worker is done with it. */
static struct crowd {
  uint64_t cost_ns;  /* of each receive */
  uint64_t early_ns; /* of one that is due before the completions of a turn, if not 0 */
  int peers[LINKS];
  struct loop *loop;
  uint64_t turns[LINKS]; /* in which each byte was received, in order */
  uint64_t received;
} crowd;

static size_t recv_one(void *self, struct span in, uint64_t at_ns) {
  (void)self, (void)at_ns;
  if (in.base[0] == 'e') {
    now_ns += crowd.early_ns;
    return in.len;
  }
  now_ns += crowd.cost_ns;
  crowd.turns[crowd.received] = crowd.loop->turn;
  counter_add(&crowd.received, 1);
  return in.len;
}

static size_t peek_nothing(void *self, struct span *out, size_t max, size_t budget_bytes,
                           uint64_t at_ns) {
  (void)self, (void)out, (void)max, (void)budget_bytes, (void)at_ns;
  return 0;
}

static unsigned wants_input(const void *self) {
  (void)self;
  return MACHINE_RECV;
}

static uint64_t no_deadline(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

static void ignore_time(void *self, uint64_t at_ns) {
  (void)self, (void)at_ns;
}

static void ignore_bytes(void *self, size_t bytes, uint64_t at_ns) {
  (void)self, (void)bytes, (void)at_ns;
}

static void ignore_close(void *self) {
  (void)self;
}

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t at_ns, struct machine *out) {
  static const struct machine_ops ops = {
      .recv = recv_one,
      .recv_eof = ignore_time,
      .send_peek = peek_nothing,
      .send_ack = ignore_bytes,
      .tick = ignore_time,
      .deadline_ns = no_deadline,
      .wants = wants_input,
      .drain = ignore_time,
      .close = ignore_close,
  };
  (void)peer, (void)host, (void)at_ns;
  *out = (struct machine){.ops = &ops, .self = ctx};
  return true;
}

/* Gives a link input that it did not get when that arrived. */
static void keep_early(struct links *links) {
  struct link *link = links_at(links, 0);
  links_flush(links); /* it may be new, and that settles it */
  link->kept = (struct link_kept){.base = malloc(IO_BUFFER_BYTES), .capacity = IO_BUFFER_BYTES};
  if (!link->kept.base)
    return; /* the bytes of the test are not all received, and the alarm ends it */
  link->kept.base[link->kept.end++] = 'e';
  links->kept_bytes += IO_BUFFER_BYTES;
  link_mark_waiting(link);
}

/* All of them send at once. */
static void speak(struct links *links) {
  if (crowd.early_ns) keep_early(links);
  for (unsigned i = 0; i < LINKS; i++) {
    ssize_t put = write(crowd.peers[i], "x", 1);
    (void)put; /* bytes that were not written never arrive, and the alarm ends the test */
  }
}

/* They speak before the first turn, and not by a message, whose wake-up would be one of the completions. */
static bool set_up(struct worker *worker, void *ctx, struct io_error *error) {
  const struct machine_factory factory = {.ctx = ctx, .create = create};
  (void)error;
  crowd.loop = &worker->loop;
  for (unsigned i = 0; i < LINKS; i++) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    crowd.peers[i] = pair[1];
    if (!link_create(&worker->links, pair[0], &factory)) return false;
  }
  speak(&worker->links);
  return true;
}

static void start(struct worker_group *group, struct worker_hooks hooks) {
  const struct worker_config config = {.count = 1, .hooks = hooks};
  struct io_error error = {.text = ""};
  if (!worker_group_start(group, &config, &error)) fail_msg("%s", error.text);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

static void run_crowd(uint64_t cost_ns, uint64_t early_ns) {
  static struct worker_group group;
  crowd = (struct crowd){.cost_ns = cost_ns, .early_ns = early_ns};
  start(&group, (struct worker_hooks){.setup = set_up});
  while (counter_get(&crowd.received) < LINKS)
    usleep(1000);
  worker_group_stop(&group);
  worker_group_join(&group);
  for (unsigned i = 0; i < LINKS; i++)
    close(crowd.peers[i]);
}

/* Completions are handled in batches, until the turn has lasted for this long. */
static void test_time_of_completions(void **state) {
  (void)state;
  for (unsigned batches = 1; batches <= 5; batches *= 5) {
    const unsigned each = batches * IO_SETTLE_BATCH;
    run_crowd(IO_TURN_REAP_NS / each, 0);
    for (unsigned i = 0; i < LINKS; i++)
      assert_int_equal(crowd.turns[i] - crowd.turns[0], i / each);
  }
}

/* Input that came before counts, too. */
static void test_time_before_completions(void **state) {
  (void)state;
  enum { BATCHES = 5, EACH = BATCHES * IO_SETTLE_BATCH };
  const uint64_t cost_ns = IO_TURN_REAP_NS / EACH;
  run_crowd(cost_ns, IO_TURN_REAP_NS - IO_SETTLE_BATCH * cost_ns);
  for (unsigned i = 0; i < LINKS; i++)
    assert_int_equal(crowd.turns[i] - crowd.turns[0],
                     i < IO_SETTLE_BATCH ? 0 : 1 + (i - IO_SETTLE_BATCH) / EACH);
}

/* After a dear batch they come one by one, and the turn ends behind the first that is too late. */
static void test_dear_completions(void **state) {
  (void)state;
  const uint64_t cost_ns = 4 * IO_COMPLETION_SLOW_NS;
  const unsigned each = (unsigned)((IO_TURN_REAP_NS + cost_ns - 1) / cost_ns);
  assert_true(each < IO_SETTLE_BATCH);
  run_crowd(cost_ns, 0);
  for (unsigned i = 0; i < LINKS; i++)
    assert_int_equal(crowd.turns[i] - crowd.turns[0],
                     i < IO_SETTLE_BATCH ? 0 : 1 + (i - IO_SETTLE_BATCH) / each);
}

/* ---- defaults -------------------------------------------------------------------------------- */

static void test_defaults(void **state) {
  (void)state;
  static struct worker_group group;
  start(&group, (struct worker_hooks){.ctx = NULL});
  assert_int_equal(group.workers[0].links.max, IO_LINKS_MAX);
  assert_int_equal(group.workers[0].links.send_stall_ns, IO_SEND_STALL_NS);
  assert_int_equal(group.config.buffer_count, IO_BUFFER_COUNT);
  assert_int_equal(group.config.buffer_bytes, IO_BUFFER_BYTES);
  worker_group_stop(&group);
  worker_group_join(&group);
}

int main(void) {
  alarm(60); /* the test must not wait for ever for a byte */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_time_of_completions),
      cmocka_unit_test(test_time_before_completions),
      cmocka_unit_test(test_dear_completions),
      cmocka_unit_test(test_defaults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
