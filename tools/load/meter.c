/*
 * load/meter.c - see load/meter.h.
 */
#include "tools/load/meter.h"

/* What completes the last response counts, too. */
static size_t meter_recv(void *self, struct span in, uint64_t now_ns) {
  struct load_meter *meter = self;
  bool counts = !meter->books->over;
  size_t taken = wrap_recv(self, in, now_ns);
  meter->books->stats.requests.http_in += counts ? taken : 0;
  return taken;
}

static void meter_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct load_meter *meter = self;
  if (!meter->books->over) meter->books->stats.requests.http_out += bytes;
  wrap_send_ack(self, bytes, now_ns);
}

static const struct machine_ops meter_ops = {
    .recv = meter_recv,
    .recv_eof = wrap_recv_eof,
    .send_peek = wrap_send_peek,
    .send_ack = meter_send_ack,
    .tick = wrap_tick,
    .deadline_ns = wrap_deadline_ns,
    .wants = wrap_wants,
    .drain = wrap_drain,
    .idle_since_ns = wrap_idle_since_ns,
    .close = wrap_close,
};

void load_meter_around(struct load_meter *meter, struct load_books *books,
                       struct machine *machine) {
  meter->books = books;
  wrap_around(&meter->wrap, &meter_ops, machine);
}
