/*
 * worker/test_worker.c - groups of workers: start, messages, operations, dials, ends. Run it under
 * ThreadSanitizer as well.
 */
#include "io/link/dial.h"
#include "io/ring/op.h"
#include "io/worker/group.h"
#include "io/worker/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/echo_server.h"
#include "tests/support/engine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 2 };

static void start(struct worker_group *group, struct worker_config config) {
  struct io_error error = {.text = ""};
  if (!config.count) config.count = WORKERS;
  if (!worker_group_start(group, &config, &error)) fail_msg("%s", error.text);
}

/* --- hooks --- */

struct hooks {
  uint64_t set_up, seconds, stopped;
  unsigned fail_index; /* this worker's setup fails; past the last one: none does */
};

static void count_atomically(uint64_t *counter) {
  __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static bool hook_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct hooks *hooks = ctx;
  if (worker->index == hooks->fail_index)
    return io_error_set(error, EIO, "worker %u has no coffee", worker->index);
  count_atomically(&hooks->set_up);
  worker->user = hooks;
  return true;
}

static void hook_second(struct worker *worker, void *ctx) {
  struct hooks *hooks = ctx;
  assert(worker->user == hooks);
  count_atomically(&hooks->seconds);
}

static void hook_stopped(struct worker *worker, void *ctx) {
  struct hooks *hooks = ctx;
  assert(worker->user == hooks);
  count_atomically(&hooks->stopped);
}

static struct worker_config config_of(struct hooks *hooks) {
  return (struct worker_config){
      .pin = true,
      .hooks = {.ctx = hooks, .setup = hook_setup, .second = hook_second, .stopped = hook_stopped}};
}

static void test_hooks(void **state) {
  (void)state;
  struct hooks hooks = {.fail_index = 99};
  struct worker_group group;
  start(&group, config_of(&hooks));
  assert_int_equal(counter_get(&hooks.set_up), WORKERS);
  uint64_t begin_ns = clock_now_ns();
  wait_until(&hooks.seconds, 2 * WORKERS);
  assert_true(clock_now_ns() - begin_ns >= IO_SECOND);
  worker_group_drain(&group, clock_now_ns() + IO_SECOND);
  worker_group_join(&group);
  assert_int_equal(hooks.stopped, WORKERS);
}

/* One setup fails: its text is the error, and the other workers are stopped again. */
static void test_setup_fails(void **state) {
  (void)state;
  for (unsigned fail_index = 0; fail_index < WORKERS; fail_index++) {
    struct hooks hooks = {.fail_index = fail_index};
    struct worker_group group;
    struct io_error error = {.text = ""};
    struct worker_config config = config_of(&hooks);
    char expected[40];
    config.count = WORKERS;
    snprintf(expected, sizeof expected, "worker %u has no coffee", fail_index);
    assert_false(worker_group_start(&group, &config, &error));
    assert_string_equal(error.text, expected);
    assert_int_equal(hooks.set_up, WORKERS - 1);
    assert_int_equal(hooks.stopped, WORKERS - 1);
  }
}

/* --- messages --- */

struct ball {
  uint64_t bounces[WORKERS];
};

static void bounce(struct worker *worker, void *object) {
  struct ball *ball = object;
  __atomic_fetch_add(&ball->bounces[worker->index], 1, __ATOMIC_RELEASE);
}

/* The workers sleep between messages, so every message needs its own wake-up. */
static void test_messages_wake(void **state) {
  const unsigned *disabled = *state;
  struct worker_group group;
  struct ball ball = {0};
  start(&group, (struct worker_config){.disabled = *disabled});
  for (uint64_t round = 1; round <= 300; round++) {
    for (unsigned i = 0; i < WORKERS; i++)
      assert_true(worker_group_post(&group, i, bounce, &ball));
    for (unsigned i = 0; i < WORKERS; i++)
      wait_until(&ball.bounces[i], round);
  }
  worker_group_stop(&group);
  worker_group_join(&group);
}

struct flood {
  uint64_t refused, received;
};

/* The first message holds its worker up until its mailbox is full, or for 10 seconds. */
static void arrive(struct worker *worker, void *object) {
  struct flood *flood = object;
  (void)worker;
  if (flood->received == 0)
    for (int i = 0; i < 10000 && counter_get(&flood->refused) == 0; i++)
      usleep(1000);
  __atomic_fetch_add(&flood->received, 1, __ATOMIC_RELEASE);
}

/* A full mailbox reports that, loses nothing, and is usable again later. */
static void test_mailbox_fills(void **state) {
  enum { FLOOD = 20000 };
  struct worker_group group;
  struct flood flood = {0};
  (void)state;
  start(&group, (struct worker_config){.count = 1});
  for (int sent = 0; sent < FLOOD;) {
    if (worker_group_post(&group, 0, arrive, &flood)) {
      sent++;
    } else {
      counter_add(&flood.refused, 1);
      usleep(10);
    }
  }
  wait_until(&flood.received, FLOOD);
  worker_group_stop(&group);
  worker_group_join(&group);
  assert_true(flood.refused > 0);
  assert_int_equal(flood.received, FLOOD);
}

/* --- operations --- */

enum { READS = 200 };

struct reads {
  struct {
    struct loop_op op;
    int pipe[2];
    char byte;
    int result;
  } each[READS];
  struct reads *self;
  uint64_t done;
};

static struct reads *the_reads;

static void read_done(struct loop_op *op, int result, unsigned flags) {
  size_t index = (size_t)((char *)op - (char *)the_reads->each) / sizeof the_reads->each[0];
  assert(&the_reads->each[index].op == op && !op->under_way);
  (void)flags;
  the_reads->each[index].result = result;
  counter_add(&the_reads->done, 1);
}

static void begin_reads(struct worker *worker, void *object) {
  struct reads *reads = object;
  for (int i = 0; i < READS; i++) {
    reads->each[i].op.done = read_done;
    bool begun = loop_read_ready(&worker->loop, &reads->each[i].op, reads->each[i].pipe[0],
                                 &reads->each[i].byte, 1);
    assert(begun);
  }
}

static void cancel_last(struct worker *worker, void *object) {
  struct reads *reads = object;
  (void)worker;
  loop_op_cancel(&reads->each[READS - 1].op);
  loop_op_cancel(&reads->each[0].op); /* long done: nothing happens */
}

/* Many operations under way. One is cancelled, and the others end before the worker does. */
static void test_operations(void **state) {
  static struct reads reads;
  (void)state;
  struct worker_group group;
  the_reads = &reads;
  for (int i = 0; i < READS; i++)
    assert_int_equal(pipe2(reads.each[i].pipe, O_CLOEXEC), 0);
  start(&group, (struct worker_config){.count = 1});
  assert_true(worker_group_post(&group, 0, begin_reads, &reads));
  for (int i = 0; i < READS / 2; i++) {
    char letter = (char)('A' + i % 26);
    assert_int_equal(write(reads.each[i].pipe[1], &letter, 1), 1);
  }
  wait_until(&reads.done, READS / 2);
  assert_true(worker_group_post(&group, 0, cancel_last, &reads));
  wait_until(&reads.done, READS / 2 + 1);
  worker_group_stop(&group);
  worker_group_join(&group);
  assert_int_equal(reads.done, READS);
  for (int i = 0; i < READS; i++) {
    assert_int_equal(reads.each[i].result, i < READS / 2 ? 1 : -ECANCELED);
    if (i < READS / 2) assert_int_equal(reads.each[i].byte, 'A' + i % 26);
    close(reads.each[i].pipe[0]);
    close(reads.each[i].pipe[1]);
  }
}

/* --- both ends on workers --- */

struct both {
  struct listener listener;
  struct echo_world server[WORKERS], client;
  struct dial dials[64];
  uint64_t done, failed;
  int last_error;
};

static bool serve_both(struct worker *worker, void *ctx, struct io_error *error) {
  struct both *both = ctx;
  (void)error;
  struct machine_factory factory = {.ctx = &both->server[worker->index], .create = echo_create};
  return worker_listen(worker, &both->listener, factory);
}

static struct both *the_both;

static void dialed(struct dial *dial, int error) {
  (void)dial;
  if (error) counter_add(&the_both->failed, 1);
  the_both->last_error = error;
  __atomic_fetch_add(&the_both->done, 1, __ATOMIC_RELEASE); /* the dial is the test's again */
}

static void dial_all(struct worker *worker, void *object) {
  struct both *both = object;
  for (int i = 0; i < 64; i++) {
    both->dials[i] = (struct dial){
        .address = both->listener.address,
        .factory = {.ctx = &both->client, .create = echo_create},
        .timeout_ns = 60 * IO_SECOND, /* only ends hangs */
        .done = dialed,
    };
    dial_start(&both->dials[i], &worker->links);
  }
}

/* The clients talk, both workers serve; drained together, everything is accounted for. */
/* Little enough that no link lingers for as long as IO_LINGER_IDLE_NS, however busy the machine is; more
 * than a receive buffer. */
enum { TALK_BYTES = 40000 };

static void test_dial_both_ends(void **state) {
  const unsigned *disabled = *state;
  static struct both both;
  struct address address;
  struct io_error error;
  struct worker_group group;
  both = (struct both){.client = {.talk_bytes = TALK_BYTES}};
  the_both = &both;
  assert_true(address_parse(&address, "localhost:0"));
  assert_true(listener_open(&both.listener, &address, WORKERS, &error));
  start(&group, (struct worker_config){.disabled = *disabled,
                                       .hooks = {.ctx = &both, .setup = serve_both}});
  assert_true(worker_group_post(&group, 0, dial_all, &both));
  wait_until(&both.done, 64);
  assert_int_equal(both.failed, 0);
  struct loop_counters counters = worker_group_counters(&group);
  for (int i = 0; i < 10000 && counters.links_closed < 128; i++) {
    uint64_t before = counters.links_closed;
    usleep(1000);
    counters = worker_group_counters(&group);
    if (counters.links_closed != before) i = 0;
  }
  assert_int_equal(counters.links_dialed, 64);
  assert_int_equal(counters.links_accepted, 64);
  assert_int_equal(counters.links_closed, 128);
  assert_int_equal(counters.links_cut, 0);
  assert_int_equal(counters.late_completions, 0);
  assert_true(counters.send_bytes >= 64ul * 2 * TALK_BYTES); /* and all came back */
  worker_group_drain(&group, clock_now_ns() + 2 * IO_SECOND);
  worker_group_join(&group);
  listener_close(&both.listener);
}

static void dial_one(struct worker *worker, void *object) {
  dial_start(((struct both *)object)->dials, &worker->links);
}

static void cancel_one(struct worker *worker, void *object) {
  (void)worker;
  dial_cancel(((struct both *)object)->dials);
}

static int dial_error(struct worker_group *group, struct both *both, bool cancel) {
  both->done = 0;
  assert_true(worker_group_post(group, 0, dial_one, both));
  if (cancel) {
    usleep(20000);
    assert_true(worker_group_post(group, 0, cancel_one, both));
  }
  wait_until(&both->done, 1);
  return both->last_error;
}

/* A port with a full queue, where nothing accepts: connecting hangs. */
static int open_hanging(struct address *address, int fillers[4]) {
  socklen_t len = sizeof address->ipv4;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(address_parse(address, "127.0.0.1:0"));
  assert_int_equal(bind(fd, &address->any, address->len), 0);
  assert_int_equal(listen(fd, 0), 0);
  assert_int_equal(getsockname(fd, &address->any, &len), 0);
  for (int i = 0; i < 4; i++) {
    fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(fillers[i], &address->any, address->len);
  }
  usleep(20000);
  return fd;
}

static void test_dial_fails(void **state) {
  (void)state;
  static struct both both;
  struct worker_group group;
  struct address hanging;
  int fillers[4], fd = open_hanging(&hanging, fillers);
  both = (struct both){.client = {.talk_bytes = 10}};
  the_both = &both;
  struct dial *dial = both.dials;
  dial->factory = (struct machine_factory){.ctx = &both.client, .create = echo_create};
  dial->done = dialed;
  start(&group, (struct worker_config){.count = 1, .links_max = 1});

  assert_true(address_parse(&dial->address, "127.0.0.1:1"));
  assert_int_equal(dial_error(&group, &both, false), ECONNREFUSED);

  dial->address = hanging;
  dial->timeout_ns = 100 * IO_MILLISECOND;
  uint64_t begin_ns = clock_now_ns();
  assert_int_equal(dial_error(&group, &both, false), ETIMEDOUT);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_true(passed_ns >= 100 * IO_MILLISECOND && passed_ns < 2 * IO_SECOND);

  dial->timeout_ns = 0;
  assert_int_equal(dial_error(&group, &both, true), ECANCELED);

  both.client.refuse = true;
  close(fd); /* queued connections are reset; from here on, the port must answer */
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t len = sizeof dial->address.ipv4;
  assert_true(address_parse(&dial->address, "127.0.0.1:0"));
  assert_int_equal(bind(fd, &dial->address.any, dial->address.len), 0);
  assert_int_equal(listen(fd, 5), 0);
  assert_int_equal(getsockname(fd, &dial->address.any, &len), 0);
  assert_int_equal(dial_error(&group, &both, false), ENOBUFS);

  assert_int_equal(worker_group_counters(&group).links_dialed, 0);
  worker_group_stop(&group);
  worker_group_join(&group);
  close(fd);
  for (int i = 0; i < 4; i++)
    close(fillers[i]);
}

/* A dial that hangs while its worker ends fails. */
static void test_dial_at_the_end(void **state) {
  (void)state;
  static struct both both;
  struct worker_group group;
  int fillers[4];
  both = (struct both){.client = {.talk_bytes = 10}};
  the_both = &both;
  struct dial *dial = both.dials;
  int fd = open_hanging(&dial->address, fillers);
  dial->factory = (struct machine_factory){.ctx = &both.client, .create = echo_create};
  dial->done = dialed;
  start(&group, (struct worker_config){.count = 1});
  assert_true(worker_group_post(&group, 0, dial_one, &both));
  usleep(50000);
  worker_group_stop(&group);
  worker_group_join(&group);
  assert_int_equal(both.done, 1);
  assert_int_equal(both.last_error, ECANCELED);
  close(fd);
  for (int i = 0; i < 4; i++)
    close(fillers[i]);
}

/* The last turn begins the dial, and the connection is made when the links have ended. */
static void dial_last(struct worker *worker, void *object) {
  dial_one(worker, object);
  worker_drain(worker, 0);
}

static void test_dial_after_the_end(void **state) {
  (void)state;
  static struct both both;
  struct worker_group group;
  struct address address;
  struct io_error error;
  both = (struct both){.client = {.talk_bytes = 10}};
  the_both = &both;
  assert_true(address_parse(&address, "127.0.0.1:0"));
  assert_true(listener_open(&both.listener, &address, 1, &error));
  both.dials[0] = (struct dial){.address = both.listener.address,
                                .factory = {.ctx = &both.client, .create = echo_create},
                                .done = dialed};
  start(&group, (struct worker_config){.count = 1});
  assert_true(worker_group_post(&group, 0, dial_last, &both));
  worker_group_join(&group);
  assert_int_equal(both.done, 1);
  assert_int_equal(both.last_error, ECANCELED);
  assert_int_equal(both.client.made, both.client.closed);
  listener_close(&both.listener);
}

/* --- late completions --- */

/* Puts unexpected completions into a worker's ring, as a faulty kernel would. */
static void send_completion(struct uring *from, const struct worker *to, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(from);
  struct io_uring_cqe *cqe;
  io_uring_prep_msg_ring(sqe, to->loop.ring.uring.ring.ring_fd, 7, user_data, 0);
  sqe->user_data = 1;
  uring_enter(from, IO_SECOND);
  assert_int_equal(io_uring_peek_cqe(&from->ring, &cqe), 0);
  assert_int_equal(cqe->res, 0);
  io_uring_cqe_seen(&from->ring, cqe);
}

/* None of them reaches the links, operations or slots that exist. */
static void test_late_completions(void **state) {
  ONLY_IO_URING();
  (void)state;
  static struct both both;
  struct address address;
  struct io_error error;
  struct worker_group group;
  struct uring own;
  uint8_t byte = 'q';
  both = (struct both){.done = 0};
  assert_true(address_parse(&address, "localhost:0"));
  assert_true(listener_open(&both.listener, &address, 1, &error));
  start(&group, (struct worker_config){.count = 1, .hooks = {.ctx = &both, .setup = serve_both}});
  assert_true(uring_open(&own, 0, &error));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, &both.listener.address.any, both.listener.address.len), 0);
  wait_until(&group.workers[0].loop.counters.links_accepted, 1);
  static const enum op_kind kinds[] = {OP_LINK_RECV, OP_LINK_SEND, OP_LINK_CANCEL, OP_LOOP};
  unsigned count = 0;
  for (uint32_t slot = 0; slot < 70; slot++)
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++, count++)
      send_completion(&own, &group.workers[0], op_pack(kinds[i], slot, 0xfffffff0));
  send_completion(&own, &group.workers[0], op_pack(OP_LINK_RECV, OP_SLOT_MAX, 0));
  send_completion(&own, &group.workers[0], UINT64_C(0xfe) << 56); /* an invalid kind */
  send_completion(&own, &group.workers[0], UINT64_MAX);
  wait_until(&group.workers[0].loop.counters.late_completions, count + 1);
  assert_int_equal(write(fd, &byte, 1), 1);
  assert_int_equal(read(fd, &byte, 1), 1);
  assert_int_equal(worker_group_counters(&group).links_closed, 0);
  close(fd);
  uring_close(&own);
  worker_group_drain(&group, clock_now_ns() + IO_SECOND);
  worker_group_join(&group);
  listener_close(&both.listener);
}

/* --- orders from a signal handler --- */

static struct worker_group *signalled;

static void on_signal(int number) {
  (void)number;
  worker_group_stop(signalled);
}

static void test_stop_from_a_signal_handler(void **state) {
  (void)state;
  struct worker_group group;
  struct sigaction action = {.sa_handler = on_signal}, before;
  start(&group, (struct worker_config){.disabled = 0});
  signalled = &group;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  raise(SIGUSR1);
  worker_group_join(&group);
  assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* Nothing to do: asleep, but for the wake-up once a second. */
static void test_idle_workers_sleep(void **state) {
  (void)state;
  struct worker_group group;
  start(&group, (struct worker_config){.disabled = 0});
  usleep(50000);
  uint64_t turns = worker_group_counters(&group).turns;
  usleep(500000);
  assert_true(worker_group_counters(&group).turns - turns <= 4 * WORKERS);
  worker_group_stop(&group);
  worker_group_join(&group);
}

/* --- turns --- */

static uint64_t burnt;

static void burn(struct worker *worker, void *object) {
  const uint64_t *ns = object;
  (void)worker;
  for (uint64_t end_ns = clock_thread_cpu_ns() + *ns; clock_thread_cpu_ns() < end_ns;)
    ;
  __atomic_fetch_add(&burnt, 1, __ATOMIC_RELEASE);
}

/* The first of several turns of that length only makes the worker check. */
static struct loop_counters after_burning(uint64_t ns) {
  struct worker_group group;
  burnt = 0;
  start(&group, (struct worker_config){.count = 1});
  for (uint64_t i = 1; i <= 5; i++) {
    assert_true(worker_group_post(&group, 0, burn, &ns));
    wait_until(&burnt, i);
  }
  usleep(20000); /* for the last turn to end */
  struct loop_counters counters = worker_group_counters(&group);
  worker_group_stop(&group);
  worker_group_join(&group);
  return counters;
}

static void test_long_turns_are_counted(void **state) {
  (void)state;
  struct loop_counters counters = after_burning(IO_TURN_LONG_NS + IO_MILLISECOND);
  assert_in_range(counters.turns_long, 2, 4);
  assert_in_range(counters.turns_watched, counters.turns_long, 6);
  counters = after_burning(2 * IO_TURN_SLOW_NS);
  assert_true(counters.turns_watched >= 2);
  assert_int_equal(counters.turns_long, 0);
}

int main(void) {
  static unsigned nothing = 0, no_defer = URING_DEFER_TASKRUN,
                  everything = (1u << URING_FEATURE_COUNT) - 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hooks),
      cmocka_unit_test(test_setup_fails),
      cmocka_unit_test_prestate(test_messages_wake, &nothing),
      cmocka_unit_test_prestate(test_messages_wake, &no_defer),
      cmocka_unit_test(test_mailbox_fills),
      cmocka_unit_test(test_operations),
      cmocka_unit_test_prestate(test_dial_both_ends, &nothing),
      cmocka_unit_test_prestate(test_dial_both_ends, &everything),
      cmocka_unit_test(test_dial_fails),
      cmocka_unit_test(test_dial_at_the_end),
      cmocka_unit_test(test_dial_after_the_end),
      cmocka_unit_test(test_late_completions),
      cmocka_unit_test(test_stop_from_a_signal_handler),
      cmocka_unit_test(test_idle_workers_sleep),
      cmocka_unit_test(test_long_turns_are_counted),
  };
  return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
