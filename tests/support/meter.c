/*
 * support/meter.c - links with watched machines, on a worker that the test drives.
 */
#include "tests/support/meter.h"

#include "io/link/limits.h"
#include "io/link/recv.h"
#include "io/link/send.h"
#include "io/ring/limits.h"
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t meter_now_ns;

/* ---- the machine ----------------------------------------------------------------------------- */

static size_t meter_recv(void *self, struct span in, uint64_t now_ns) {
  struct meter *meter = self;
  (void)now_ns;
  meter_now_ns += meter->cost_ns;
  meter->full = meter->refuses;
  if (meter->refuses || meter->stuck) return 0;
  meter->received += in.len;
  return in.len;
}

static size_t meter_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                              uint64_t now_ns) {
  static const uint8_t zeros[IO_SEND_BUDGET_MAX];
  struct meter *meter = self;
  (void)now_ns;
  meter_now_ns += meter->cost_ns;
  meter->spans_max = max;
  meter->budget = budget_bytes;
  if (meter->peeks < METER_PEEKS) meter->budgets[meter->peeks++] = budget_bytes;
  const uint8_t *bytes = meter->bytes ? meter->bytes : zeros;
  out[0] = span_of(bytes, meter->to_send < budget_bytes ? meter->to_send : budget_bytes);
  return 1;
}

static void meter_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct meter *meter = self;
  (void)now_ns;
  assert_true(bytes > 0);
  meter->sent += bytes;
  if (meter->to_send != METER_ENDLESS) meter->to_send -= bytes;
}

static unsigned meter_wants(const void *self) {
  const struct meter *meter = self;
  if (meter->to_send == 0 && meter->ends)
    return meter->silent ? MACHINE_DONE | MACHINE_SILENT : MACHINE_DONE;
  return (meter->to_send ? MACHINE_SEND : 0u) | (meter->full ? 0u : MACHINE_RECV) |
         (meter->half_ends && !meter->to_send ? MACHINE_ENDED : 0u) |
         (meter->resets ? MACHINE_RESET : 0u) | (meter->answers ? MACHINE_ANSWERS : 0u);
}

/* A link calls this whenever it is settled. */
static uint64_t meter_deadline_ns(const void *self) {
  struct meter *meter = (struct meter *)(uintptr_t)self;
  meter->settled_in = meter->link->loop->turn;
  return meter->deadline_ns ? meter->deadline_ns : MACHINE_NO_DEADLINE;
}

static uint64_t meter_idle_since_ns(const void *self) {
  return ((const struct meter *)self)->idle_since_ns;
}

static void meter_tick(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct meter *)self)->ticks++;
}

static void meter_recv_eof(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct meter *)self)->eofs++;
}

static void meter_drain(void *self, uint64_t now_ns) {
  struct meter *meter = self;
  (void)now_ns;
  meter_now_ns += meter->cost_ns;
  meter->drained++;
}

static void meter_close(void *self) {
  ((struct meter *)self)->closed = true;
}

bool meter_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                  uint64_t now_ns, struct machine *out) {
  static const struct machine_ops ops = {
      .recv = meter_recv,
      .recv_eof = meter_recv_eof,
      .send_peek = meter_send_peek,
      .send_ack = meter_send_ack,
      .tick = meter_tick,
      .deadline_ns = meter_deadline_ns,
      .wants = meter_wants,
      .drain = meter_drain,
      .idle_since_ns = meter_idle_since_ns,
      .close = meter_close,
  };
  struct meter *meter = ctx;
  (void)peer, (void)now_ns;
  meter->link = LIST_OWNER(host, struct link, host);
  *out = (struct machine){.ops = &ops, .self = meter};
  return true;
}

/* ---- the worker ------------------------------------------------------------------------------ */

static void act_on(struct meter_worker *worker, const struct ring_completion *completion) {
  static void (*const of_links[OP_KIND_COUNT])(struct link *, const struct ring_completion *) = {
      [OP_LINK_RECV] = link_on_recv,
      [OP_LINK_SEND] = link_on_send,
      [OP_LINK_CANCEL] = link_on_cancel,
  };
  unsigned kind = op_kind(completion->user_data);
  if (kind == OP_LOOP) loop_op_completed(&worker->loop, completion);
  if (kind >= OP_KIND_COUNT || !of_links[kind]) return;
  struct link *link = links_find(&worker->links, op_slot(completion->user_data),
                                 op_generation(completion->user_data));
  if (link) of_links[kind](link, completion);
}

static void turn(struct meter_worker *worker) {
  struct loop *loop = &worker->loop;
  struct ring_completion completion;
  ring_enter(&loop->ring, 0);
  loop->now_ns = meter_now_ns;
  loop->turn++;
  links_feed(&worker->links);
  while (ring_reap(&loop->ring, &completion, 1))
    act_on(worker, &completion);
  timers_run(&loop->timers, loop->now_ns);
  links_flush(&worker->links);
}

void meter_turns(struct meter_worker *worker, unsigned count) {
  while (count-- > 0)
    turn(worker);
}

void meter_receive_many(struct meter_worker *worker, struct meter *meter) {
  for (unsigned i = 0; i < IO_WHOLES; i++) {
    assert_int_equal(write(meter->peer, "x", 1), 1);
    meter_turns(worker, 2);
  }
}

uint64_t meter_turn_sends(struct meter_worker *worker, struct meter **meters, unsigned count,
                          unsigned *senders) {
  uint64_t bytes = 0;
  *senders = 0;
  for (unsigned i = 0; i < count; i++)
    meters[i]->sent_before = meters[i]->sent;
  turn(worker);
  for (unsigned i = 0; i < count; i++) {
    bytes += meters[i]->sent - meters[i]->sent_before;
    *senders += meters[i]->sent > meters[i]->sent_before;
  }
  return bytes;
}

/* ---- life ------------------------------------------------------------------------------------ */

void meter_begin(struct meter_worker *worker, uint32_t links_max) {
  struct io_error error = {.text = ""};
  meter_now_ns = 1000 * IO_SECOND;
  *worker = (struct meter_worker){.loop = {.now_ns = 0}};
  struct ring_chosen chosen;
  if (!ring_choose(RING_AUTO, 0, &chosen, &error)) fail_msg("%s", error.text);
  if (!loop_open(&worker->loop, chosen.engine, 0, IO_BUFFER_COUNT, IO_BUFFER_BYTES, &error))
    fail_msg("%s", error.text);
  struct links_settings links = {.links_max = links_max,
                                 .keep_bytes_max = IO_KEEP_BYTES_MAX,
                                 .send_stall_ns = IO_SEND_STALL_NS};
  assert_true(links_open(&worker->links, &worker->loop, &links));
}

struct meter *meter_add(struct meter_worker *worker, uint64_t to_send) {
  struct meter *meter = calloc(1, sizeof *meter);
  const struct machine_factory factory = {.ctx = meter, .create = meter_create};
  int pair[2];
  assert_non_null(meter);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
  *meter = (struct meter){.to_send = to_send, .peer = pair[1], .idle_since_ns = MACHINE_BUSY};
  assert_non_null(link_create(&worker->links, pair[0], &factory));
  return meter;
}

void meter_add_all(struct meter_worker *worker, struct meter **meters, unsigned count,
                   uint64_t to_send) {
  for (unsigned i = 0; i < count; i++)
    meters[i] = meter_add(worker, to_send);
}

void meter_end(struct meter_worker *worker, struct meter **meters, unsigned count) {
  for (unsigned i = 0; i < 100 && worker->links.open > 0; i++) {
    links_cut_all(&worker->links);
    turn(worker);
  }
  links_close(&worker->links);
  loop_close(&worker->loop);
  for (unsigned i = 0; i < count; i++) {
    close(meters[i]->peer);
    free(meters[i]);
  }
}
