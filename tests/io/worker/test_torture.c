/*
 * worker/test_torture.c - io_uring submissions of each scenario are refused in turn.
 *
 * One worker runs a server and dials it. A scenario runs once to count what the worker submits,
 * then once for each submission with that one refused by the kernel: its operation becomes one that
 * no kernel knows, and the completion that says so then says ENOMEM. Whatever is refused: the
 * worker continues; every exchange ends exactly once, in time, and is complete or reports that it
 * is not; a later connection works; the worker ends when it is told to; nothing is left.
 *
 * Ways: with and without the kernel's optional features, so that each kind of request is among
 * them. TORTURE_SCENARIO, TORTURE_WAY (a number) and TORTURE_AT run one case alone.
 */
#include "engine/conn.h"
#include "io/link/dial.h"
#include "io/worker/group.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/long.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/torture.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the refusing kernel ----------------------------------------------------------------------
 */

enum { OPCODE_NOBODY_KNOWS = 0xfa, PATIENCE_SECONDS = 8 };

/* Which submissions of a long scenario are refused: see next_of(). */
enum { EACH_FIRST = 40, EACH_LAST = 20, SKIP = 7 };

/* Only the worker's thread writes these while it runs. */
static struct {
  bool armed;
  uint64_t submitted;
  uint64_t refuse_at; /* the ordinal to refuse; 0: none */
  uint64_t user_data; /* of the refused one */
  bool pending;       /* refused, and its completion has not been seen */
  uint8_t opcode;     /* its user_data */
  unsigned looked_at; /* the queue's tail when it was last looked at */
} refusal;

static void look_at(struct io_uring_sqe *sqe) {
  if (++refusal.submitted != refusal.refuse_at) return;
  refusal.user_data = sqe->user_data;
  refusal.opcode = sqe->opcode;
  refusal.pending = true;
  sqe->opcode = OPCODE_NOBODY_KNOWS;
}

static void look_at_queued(struct io_uring *ring) {
  if (!refusal.armed) return;
  for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++)
    if ((int)(at - refusal.looked_at) >= 0) look_at(&ring->sq.sqes[at & ring->sq.ring_mask]);
  refusal.looked_at = ring->sq.sqe_tail;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int io_uring_submit(struct io_uring *ring) {
  look_at_queued(ring);
  return REAL(io_uring_submit)(ring);
}

int io_uring_submit_and_get_events(struct io_uring *ring) {
  look_at_queued(ring);
  return REAL(io_uring_submit_and_get_events)(ring);
}

/* Whether the worker sleeps until it tries again to accept. Half a second of that in each case
 * would be most of this test's time, so it passes at once. */
static bool waits_to_accept(const struct __kernel_timespec *timeout) {
  return refusal.opcode == IORING_OP_ACCEPT && timeout && timeout->tv_sec == 0 &&
         timeout->tv_nsec > (long)IO_ACCEPT_RETRY_NS / 2 &&
         timeout->tv_nsec <= (long)IO_ACCEPT_RETRY_NS;
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
                                     unsigned count, struct __kernel_timespec *timeout,
                                     sigset_t *mask) {
  struct __kernel_timespec at_once = {0};
  look_at_queued(ring);
  if (waits_to_accept(timeout)) {
    shifted_clock_add_ns(CLOCK_MONOTONIC, timeout->tv_nsec);
    timeout = &at_once;
  }
  return REAL(io_uring_submit_and_wait_timeout)(ring, cqe, count, timeout, mask);
}

unsigned io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes,
                                 unsigned count) {
  unsigned got = REAL(io_uring_peek_batch_cqe)(ring, cqes, count);
  for (unsigned i = 0; refusal.pending && i < got; i++) {
    if (cqes[i]->user_data != refusal.user_data || cqes[i]->res != -EINVAL) continue;
    cqes[i]->res = -ENOMEM;
    refusal.pending = false;
  }
  return got;
}

/* ---- a worker with both ends ------------------------------------------------------------------
 */

struct scenario {
  const char *name;
  void (*ask)(struct torture_client *client);
};

static struct stage {
  struct worker_group group;
  struct listener listener;
  struct counted_memory memory;
  struct engine server_engine, client_engine;
  struct dial dial;
  const struct scenario *scenario;
  struct torture_client client;
  struct machine machine; /* the client's */
  struct machine_host *host;
  struct worker *worker;
  struct timer goodbye;
  bool connected;
} stage;

/* Connections, or attempts, that are over. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t more;
  uint64_t count;
} ended = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void end_one(void) {
  pthread_mutex_lock(&ended.lock);
  ended.count++;
  pthread_cond_signal(&ended.more);
  pthread_mutex_unlock(&ended.lock);
}

/* The client's machine is an h2; its close() tells that the connection is over. */
static void close_client(void *self) {
  timer_cancel(&stage.worker->loop.timers, &stage.goodbye);
  stage.connected = false;
  h2_machine_ops.close(self);
  end_one();
}

static void say_goodbye(struct timer *timer, uint64_t now_ns) {
  (void)timer;
  stage.machine.ops->drain(stage.machine.self, now_ns);
  stage.host->wake(stage.host);
}

/* Everything is done. The machine is in the middle of a call, so the goodbye comes a little later. */
static void exchange_closed(struct torture_client *client) {
  if (client->open == 0 && stage.connected)
    timer_arm(&stage.worker->loop.timers, &stage.goodbye, stage.worker->loop.now_ns);
}

static bool create_client(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                          uint64_t now_ns, struct machine *out) {
  static struct machine_ops ops;
  (void)ctx;
  if (!h2_client(&stage.client_engine.h2, peer, host, now_ns, out)) return false;
  ops = h2_machine_ops;
  ops.close = close_client;
  out->ops = &ops;
  stage.machine = *out;
  stage.host = host;
  stage.connected = true;
  stage.client.h2 = h2_of(out);
  stage.client.closed = exchange_closed;
  stage.scenario->ask(&stage.client);
  return true;
}

static void on_dialed(struct dial *dial, int error) {
  (void)dial;
  if (error) end_one();
}

static void dial_once(struct worker *worker, void *object) {
  (void)object;
  stage.client = (struct torture_client){.open = 0};
  stage.dial = (struct dial){.address = stage.listener.address,
                             .factory = {.create = create_client},
                             .timeout_ns = 5 * IO_SECOND,
                             .done = on_dialed};
  dial_start(&stage.dial, &worker->links);
}

static void dial_in_peace(struct worker *worker, void *object) {
  refusal.refuse_at = 0;
  dial_once(worker, object);
}

/* From now on, submissions are counted, and perhaps refused: those of the worker's end. */
static void count_again(struct worker *worker, void *object) {
  (void)worker;
  refusal.submitted = 0;
  refusal.refuse_at = *(const uint64_t *)object;
  end_one();
}

static bool set_up(struct worker *worker, void *ctx, struct io_error *error) {
  struct engine_config config = engine_config_default();
  (void)ctx;
  (void)error;
  refusal.looked_at = worker->loop.ring.uring.ring.sq.sqe_tail;
  refusal.armed = true;
  stage.worker = worker;
  timer_init(&stage.goodbye, say_goodbye);
  const struct memory *memory = &stage.memory.memory;
  bool ok = engine_init(&stage.server_engine, memory, &config, &torture_handler) &&
            engine_init(&stage.client_engine, memory, &config, NULL);
  if (!ok || !worker_listen(worker, &stage.listener, conn_factory(&stage.server_engine)))
    return false;
  dial_once(worker, NULL);
  return true;
}

static void stopped(struct worker *worker, void *ctx) {
  (void)worker;
  (void)ctx;
  refusal.armed = false;
  engine_destroy(&stage.server_engine);
  engine_destroy(&stage.client_engine);
}

/* ---- scenarios ----------------------------------------------------------------------------------
 */

static void get(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/", BODY_NONE, 100);
}

static void get_big(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
}

static void post(struct torture_client *client) {
  (void)torture_ask(client, "POST", "/echo", torture_lend(TORTURE_BIG_BYTES), TORTURE_BIG_BYTES);
}

static void many(struct torture_client *client) {
  for (int i = 0; i < 60; i++)
    (void)torture_ask(client, "GET", i % 3 ? "/hints" : "/big", BODY_NONE,
                      i % 3 ? 0 : TORTURE_BIG_BYTES);
}

static void push(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/push", BODY_NONE, 100);
}

static void late_answer(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/late", BODY_NONE, 0);
}

static void head(struct torture_client *client) {
  (void)torture_ask(client, "HEAD", "/big", BODY_NONE, 0);
}

static void hints(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/hints", BODY_NONE, 0);
}

static void posts(struct torture_client *client) {
  for (int i = 0; i < 8; i++)
    (void)torture_ask(client, "POST", "/echo", torture_lend(10000), 10000);
}

static void waiting(struct torture_client *client) {
  for (int i = 0; i < 60; i++)
    (void)torture_ask(client, "GET", "/late", BODY_NONE, 0);
}

static void request_trailers(struct torture_client *client) {
  torture_ask_with_trailers(client);
}

static void response_trailers(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/trailers", BODY_NONE, 10);
}

static void continuation(struct torture_client *client) {
  torture_ask_huge(client, TORTURE_HUGE_BYTES);
}

static void huge_response(struct torture_client *client) {
  (void)torture_ask(client, "GET", "/huge", BODY_NONE, 10);
}

static void tunnel(struct torture_client *client) {
  torture_ask_for_tunnel(client);
}

/* Streams that are cancelled at once, beside one that is not. */
static void resets(struct torture_client *client) {
  get(client);
  for (int i = 0; i < 8; i++) {
    struct torture_item *item = torture_ask(client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
    if (!item->stream) continue;
    item->given_up = true;
    stream_reset(item->stream, H2_CANCEL);
  }
}

static void pings(struct torture_client *client) {
  get(client);
  for (int i = 0; i < 20; i++)
    h2_ping(client->h2, (const uint8_t *)"torture!");
}

static void priorities(struct torture_client *client) {
  for (uint32_t id = 1; id < 9; id += 2)
    h2_reprioritize(client->h2, id, span_text("u=1, i"));
  for (int i = 0; i < 8; i++)
    (void)torture_ask(client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
}

static void dependencies(struct torture_client *client) {
  h2_depend(client->h2, 21, (struct h2_dependency){.weight = 200});
  for (int i = 0; i < 4; i++) {
    struct torture_item *item = torture_ask(client, "GET", "/big", BODY_NONE, TORTURE_BIG_BYTES);
    struct h2_dependency dependency = {.stream_id = 21, .weight = 9, .exclusive = i == 2};
    if (item->stream) h2_request_depend(item->stream, dependency);
  }
}

/* The client says goodbye while its requests are under way. */
static void early_goodbye(struct torture_client *client) {
  get_big(client);
  late_answer(client);
  timer_arm(&stage.worker->loop.timers, &stage.goodbye, stage.worker->loop.now_ns);
}

static const struct scenario scenarios[] = {
    {"get", get},
    {"get big", get_big},
    {"head", head},
    {"post", post},
    {"posts", posts},
    {"many", many},
    {"waiting", waiting},
    {"push", push},
    {"hints", hints},
    {"late", late_answer},
    {"request trailers", request_trailers},
    {"response trailers", response_trailers},
    {"continuation", continuation},
    {"huge response", huge_response},
    {"tunnel", tunnel},
    {"resets", resets},
    {"pings", pings},
    {"priorities", priorities},
    {"dependencies", dependencies},
    {"early goodbye", early_goodbye},
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static const unsigned ways[] = {0, URING_INLINE_SEND, URING_INLINE_SEND | URING_MULTISHOT_RECV,
                                URING_BUFFER_RING | URING_MULTISHOT_ACCEPT};

enum { WAYS = sizeof ways / sizeof *ways };

/* ---- the rack -----------------------------------------------------------------------------------
 */

/* Incomplete exchanges in all runs. */
static uint64_t cut;

static void await_ended(uint64_t count, const char *what) {
  struct timespec until;
  timespec_get(&until, TIME_UTC);
  until.tv_sec += PATIENCE_SECONDS;
  int status = 0;
  pthread_mutex_lock(&ended.lock);
  while (ended.count < count && status == 0)
    status = pthread_cond_timedwait(&ended.more, &ended.lock, &until);
  pthread_mutex_unlock(&ended.lock);
  if (status != 0)
    fail_msg("%s: not over after %d s; opcode %u was refused", what, PATIENCE_SECONDS,
             refusal.opcode);
}

static void stage_open(const struct scenario *scenario, unsigned disabled, uint64_t refuse_at) {
  struct address address;
  struct io_error error = {.text = ""};
  stage = (struct stage){.scenario = scenario};
  refusal.armed = refusal.pending = false;
  refusal.submitted = 0;
  refusal.refuse_at = refuse_at;
  refusal.opcode = IORING_OP_NOP;
  ended.count = 0;
  counted_init(&stage.memory);
  assert_true(address_parse(&address, "127.0.0.1:0"));
  assert_true(listener_open(&stage.listener, &address, 1, &error));
  const struct worker_config config = {
      .count = 1, .disabled = disabled, .hooks = {.setup = set_up, .stopped = stopped}};
  if (!worker_group_start(&stage.group, &config, &error)) fail_msg("%s", error.text);
  await_ended(1, scenario->name);
}

/* The worker must end without help; if it does not, the alarm ends this program. */
static void stage_close(void) {
  worker_group_drain(&stage.group, clock_now_ns() + 200 * IO_MILLISECOND);
  alarm(20);
  worker_group_join(&stage.group);
  alarm(0);
  listener_close(&stage.listener);
  assert_int_equal(stage.memory.count, 0);
}

/* Returns the number of submissions until the first connection was over. */
static uint64_t torture(const struct scenario *scenario, unsigned disabled, uint64_t refuse_at) {
  stage_open(scenario, disabled, refuse_at);
  uint64_t submitted = refusal.submitted;
  bool refused = refuse_at && submitted >= refuse_at;
  torture_check(&stage.client, refused);
  for (uint32_t i = 0; i < stage.client.item_count; i++)
    cut += stage.client.items[i].code != 0;
  assert_true(worker_group_post(&stage.group, 0, dial_in_peace, NULL));
  await_ended(2, "afterwards");
  torture_check(&stage.client, false);
  stage_close();
  return submitted;
}

/* The same while the worker ends. */
static uint64_t torture_end(const struct scenario *scenario, unsigned disabled,
                            uint64_t refuse_at) {
  stage_open(scenario, disabled, 0);
  assert_true(worker_group_post(&stage.group, 0, count_again, &refuse_at));
  await_ended(2, "count again");
  stage_close();
  return refusal.submitted;
}

static void test_end(void **state) {
  (void)state;
  for (unsigned way = 0; way < WAYS; way++) {
    uint64_t count = torture_end(&scenarios[0], ways[way], 0);
    assert_true(count > 0);
    for (uint64_t at = 1; at <= count; at++)
      (void)torture_end(&scenarios[0], ways[way], at);
    printf("end, way %u: %llu submissions refused in turn\n", way, (unsigned long long)count);
  }
}

/* Refusals without an effect prove nothing. Runs last. */
static void test_felt(void **state) {
  (void)state;
  if (!getenv("TORTURE_SCENARIO")) assert_true(cut > 100);
}

/* The next submission to refuse. Of hundreds, those between the first and the last are
 * repetitions of the same sends: every seventh of them is enough, unless tests run at length. */
static uint64_t next_of(uint64_t at, uint64_t count) {
  return !test_is_long() && at >= EACH_FIRST && at + EACH_LAST + SKIP < count ? at + SKIP : at + 1;
}

static void test_scenario(void **state) {
  const struct scenario *scenario = *state;
  const char *only_way = getenv("TORTURE_WAY"), *only_at = getenv("TORTURE_AT");
  for (unsigned way = 0; way < WAYS; way++) {
    if (only_way && strtoul(only_way, NULL, 10) != way) continue;
    uint64_t count = torture(scenario, ways[way], 0);
    assert_true(count > 3);
    uint64_t first = only_at ? strtoull(only_at, NULL, 10) : 1, last = only_at ? first : count;
    for (uint64_t at = first; at <= last; at = next_of(at, count)) {
      printf("TORTURE_SCENARIO='%s' TORTURE_WAY=%u TORTURE_AT=%llu of %llu   \r", scenario->name,
             way, (unsigned long long)at, (unsigned long long)count);
      (void)torture(scenario, ways[way], at);
    }
    printf("%s, way %u: of %llu submissions, each or most refused in turn%20s\n", scenario->name,
           way, (unsigned long long)count, "");
  }
}

int main(void) {
  torture_init();
  struct CMUnitTest tests[SCENARIOS + 2];
  const char *only = getenv("TORTURE_SCENARIO");
  size_t count = 0;
  for (size_t i = 0; i < SCENARIOS; i++)
    if (!only || strcmp(only, scenarios[i].name) == 0)
      tests[count++] = (struct CMUnitTest){.name = scenarios[i].name,
                                           .test_func = test_scenario,
                                           .initial_state = (void *)(uintptr_t)&scenarios[i]};
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_end);
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_felt);
  return _cmocka_run_group_tests("torture", tests, count, NULL, NULL);
}
