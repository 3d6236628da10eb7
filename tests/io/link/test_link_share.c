/*
 * link/test_link_share.c - links of one worker that all want more than it can do, over real
 * sockets: their shares are proportional to their weights, sending and receiving, and a link with
 * little to send does not wait.
 *
 * Everything happens on the worker's own thread: in each turn, the completion of an operation that
 * does nothing plays all the other ends. So there is always more to do, and the worker is never idle.
 * The test measures bytes over turns.
 */
#include "io/worker/group.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS = 12, BLOCK_BYTES = 1 << 18, TURNS_BEFORE = 300, TURNS = 900, PING_EVERY = 7 };

struct world;

/* A machine that sends or takes without end, or (the first one) returns what it gets. */
struct load {
  struct world *world;
  unsigned index;
  uint64_t bytes; /* sent, or received */
  uint64_t owed;  /* the first one's: to be returned */
};

struct world {
  struct worker_group group;
  struct listener listener;
  bool sends; /* the worker does; else it receives */
  const unsigned *weights;
  struct load *loads[LINKS];
  unsigned made;
  uint64_t closed;
  int fds[LINKS];
  struct loop_op op; /* one that does nothing, each turn */
  uint64_t turns;    /* since its start */
  uint64_t pings, pongs;
  uint64_t pinged_turn;  /* the worker's, in which the last ping reached its machine */
  uint64_t slowest_pong; /* turns from there to the answer, at most */
  uint64_t before[LINKS], after[LINKS];
  uint64_t held;
  uint64_t done;
  bool over; /* machines are done */
};

static uint8_t block[BLOCK_BYTES];

/* ---- the machines ---------------------------------------------------------------------------- */

static bool is_light(const struct load *load) {
  return load->index == 0;
}

static uint64_t turn_of(const struct world *world) {
  return world->group.workers[0].loop.turn;
}

static size_t load_recv(void *self, struct span in, uint64_t now_ns) {
  struct load *load = self;
  (void)now_ns;
  load->bytes += in.len;
  if (is_light(load)) {
    load->owed += in.len;
    load->world->pinged_turn = turn_of(load->world);
  }
  return in.len;
}

static void load_recv_eof(void *self, uint64_t now_ns) {
  (void)self;
  (void)now_ns;
}

static size_t load_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                             uint64_t now_ns) {
  struct load *load = self;
  size_t len = budget_bytes < BLOCK_BYTES ? budget_bytes : BLOCK_BYTES;
  (void)now_ns;
  assert_true(max > 0);
  if (is_light(load)) {
    uint64_t turns = turn_of(load->world) - load->world->pinged_turn;
    if (len > load->owed) len = load->owed;
    if (len > 0 && turns > load->world->slowest_pong) load->world->slowest_pong = turns;
  }
  out[0] = span_of(block, len);
  return len > 0;
}

static void load_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct load *load = self;
  (void)now_ns;
  if (is_light(load))
    load->owed -= bytes;
  else
    load->bytes += bytes;
}

static void load_tick(void *self, uint64_t now_ns) {
  (void)self;
  (void)now_ns;
}

static uint64_t load_deadline_ns(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

static unsigned load_wants(const void *self) {
  const struct load *load = self;
  if (load->world->over) return MACHINE_DONE;
  bool sends = is_light(load) ? load->owed > 0 : load->world->sends;
  return sends ? MACHINE_SEND | MACHINE_RECV : MACHINE_RECV;
}

static void load_close(void *self) {
  struct load *load = self;
  counter_add(&load->world->closed, 1);
  free(load);
}

static bool load_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                        uint64_t now_ns, struct machine *out) {
  static const struct machine_ops ops = {
      .recv = load_recv,
      .recv_eof = load_recv_eof,
      .send_peek = load_send_peek,
      .send_ack = load_send_ack,
      .tick = load_tick,
      .deadline_ns = load_deadline_ns,
      .wants = load_wants,
      .drain = load_tick,
      .close = load_close,
  };
  struct world *world = ctx;
  struct load *load = calloc(1, sizeof *load);
  (void)peer;
  (void)now_ns;
  if (!load || world->made == LINKS) return false;
  *load = (struct load){.world = world, .index = world->made};
  host->weight = (uint16_t)world->weights[load->index];
  world->loads[load->index] = load;
  world->made++;
  *out = (struct machine){.ops = &ops, .self = load};
  return true;
}

/* ---- the other ends -------------------------------------------------------------------------- */

static void ping(struct world *world) {
  uint8_t bytes[8];
  if (recv(world->fds[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0) world->pongs++;
  if (world->pings != world->pongs || world->turns % PING_EVERY != 0) return;
  if (send(world->fds[0], "ping", 4, MSG_DONTWAIT) == 4) world->pings++;
}

/* Drops all received bytes, or sends as many as there is room for. */
static void play(struct world *world, int fd) {
  ssize_t moved;
  do {
    if (world->sends)
      moved = recv(fd, NULL, 1 << 30, MSG_DONTWAIT | MSG_TRUNC);
    else
      moved = send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (moved > 0);
}

static void note(struct world *world, uint64_t bytes[LINKS]) {
  for (unsigned i = 0; i < LINKS; i++)
    bytes[i] = world->loads[i]->bytes;
}

/* Completes in the next turn. */
static void submit(struct world *world) {
  assert_true(loop_nop(&world->group.workers[0].loop, &world->op));
}

static void play_all(struct loop_op *op, int result, unsigned flags) {
  struct world *world = LIST_OWNER(op, struct world, op);
  (void)result;
  (void)flags;
  world->turns++;
  ping(world);
  for (unsigned i = 1; i < LINKS; i++)
    play(world, world->fds[i]);
  if (world->turns == TURNS_BEFORE) note(world, world->before);
  if (world->turns < TURNS_BEFORE + TURNS) {
    submit(world);
    return;
  }
  note(world, world->after);
  world->held = op->loop->counters.links_held;
  world->over = true;
  for (unsigned i = 0; i < LINKS; i++)
    close(world->fds[i]);
  __atomic_store_n(&world->done, 1, __ATOMIC_RELEASE);
}

static void begin(struct worker *worker, void *object) {
  struct world *world = object;
  (void)worker;
  world->op.done = play_all;
  submit(world);
}

/* ---- one run --------------------------------------------------------------------------------- */

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  struct world *world = ctx;
  struct machine_factory factory = {.ctx = world, .create = load_create};
  return worker_listen(worker, &world->listener, factory) ||
         io_error_set(error, ENOMEM, "no acceptor");
}

/* One after the other, so that the first to connect is the first machine. */
static void connect_all(struct world *world) {
  const struct address *to = &world->listener.address;
  for (unsigned i = 0; i < LINKS; i++) {
    world->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(world->fds[i], &to->any, to->len), 0);
    const uint64_t *accepted = &world->group.workers[0].loop.counters.links_accepted;
    for (int wait = 0; wait < 10000 && counter_get(accepted) <= i; wait++)
      usleep(1000);
    assert_int_equal(counter_get(accepted), i + 1);
  }
}

static struct world *run(bool sends, const unsigned weights[LINKS], const char *disabled) {
  struct world *world = calloc(1, sizeof *world);
  struct worker_config config = {.count = 1, .hooks = {.ctx = world, .setup = serve}};
  struct address address;
  struct io_error error = {.text = ""};
  const char *bad;
  world->sends = sends;
  world->weights = weights;
  assert_true(address_parse(&address, "127.0.0.1:0"));
  assert_true(uring_parse_disabled(disabled, &config.disabled, &bad));
  if (!listener_open(&world->listener, &address, 1, &error)) fail_msg("%s", error.text);
  if (!worker_group_start(&world->group, &config, &error)) fail_msg("%s", error.text);
  connect_all(world);
  assert_true(worker_group_post(&world->group, 0, begin, world));
  for (int i = 0; i < 60000 && !__atomic_load_n(&world->done, __ATOMIC_ACQUIRE); i++)
    usleep(1000);
  assert_int_equal(world->done, 1);
  worker_group_stop(&world->group);
  worker_group_join(&world->group);
  assert_int_equal(world->closed, LINKS);
  listener_close(&world->listener);
  return world;
}

/* Bytes per unit of weight, over all links of one weight. */
static double bytes_by_weight(const struct world *world, unsigned weight) {
  double bytes = 0, sum = 0;
  for (unsigned i = 1; i < LINKS; i++) {
    if (world->weights[i] != weight) continue;
    bytes += (double)(world->after[i] - world->before[i]);
    sum += weight;
  }
  return bytes / sum;
}

/* Ways of using the ring. The second disables the most important feature in that direction. */
static const char *const ways[2][2] = {{"", "buffer_ring"}, {"", "inline_send"}};

/* 1 : 4 : 16, several of each, and one that asks for little and has the least weight. Bytes differ
 * from the weights by what pieces cost (a light link sends 16 KiB at once, a heavy one 256), and
 * when the kernel leaves packets for later and the worker meanwhile serves other links. A ping is
 * answered in its own turn, unless that ended early because it took too long (IO_TURN_FLUSH_NS). */
static void test_parts_follow_weights(void **state) {
  static const unsigned weights[LINKS] = {1, 1, 4, 16, 1, 4, 16, 1, 4, 16, 4, 16};
  const bool *sends = *state;
  for (unsigned i = 0; i < 2; i++) {
    struct world *world = run(*sends, weights, ways[*sends][i]);
    double one = bytes_by_weight(world, 1), four = bytes_by_weight(world, 4) / one;
    double sixteen = bytes_by_weight(world, 16) / one;
    print_message("%s, without \"%s\": 1 : %.2f : %.2f, held %lu times, pong after %lu turns\n",
                  *sends ? "sends" : "receives", ways[*sends][i], 4 * four, 16 * sixteen,
                  (unsigned long)world->held, (unsigned long)world->slowest_pong);
    assert_true(four > 0.85 && four < 1.15);
    assert_true(sixteen > 0.85 && sixteen < 1.15);
    assert_true(world->held > 0);
    assert_true(world->pongs > TURNS / PING_EVERY / 2);
    assert_true(world->slowest_pong <= 2);
    free(world);
  }
}

static void test_equal_weights_are_not_held(void **state) {
  static const unsigned weights[LINKS] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
  const bool *sends = *state;
  struct world *world = run(*sends, weights, "");
  assert_int_equal(world->held, 0);
  assert_true(world->slowest_pong <= 2);
  for (unsigned i = 1; i < LINKS; i++)
    assert_true(world->after[i] > world->before[i]);
  free(world);
}

int main(void) {
  static bool sends = true, receives = false;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_parts_follow_weights, &sends),
      cmocka_unit_test_prestate(test_parts_follow_weights, &receives),
      cmocka_unit_test_prestate(test_equal_weights_are_not_held, &sends),
      cmocka_unit_test_prestate(test_equal_weights_are_not_held, &receives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
