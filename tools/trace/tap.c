/*
 * trace/tap.c - see trace/tap.h.
 */
#include "tools/trace/tap.h"

#include <string.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Records only what the inner machine took, since the rest is offered again. */
static size_t tap_recv(void *self, struct span in, uint64_t now_ns) {
  struct trace_tap *tap = self;
  size_t took = wrap_recv(self, in, now_ns);
  trace_cutter_pass(&tap->in, span_of(in.base, took), tap->since_ns ? *tap->since_ns : now_ns,
                    now_ns);
  return took;
}

static size_t tap_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct trace_tap *tap = self;
  max = least(max, sizeof tap->peeked / sizeof tap->peeked[0]);
  tap->peeked_count = wrap_send_peek(self, out, max, budget_bytes, now_ns);
  memcpy(tap->peeked, out, tap->peeked_count * sizeof *out);
  return tap->peeked_count;
}

/* Called before the ack is forwarded, since that frees the spans. The rest will be peeked again. */
static void note_sent(struct trace_tap *tap, size_t bytes, uint64_t now_ns) {
  for (size_t i = 0; i < tap->peeked_count && bytes > 0; i++) {
    struct span *span = &tap->peeked[i];
    size_t took = least(span->len, bytes);
    trace_cutter_pass(&tap->out, span_of(span->base, took), now_ns, now_ns);
    *span = span_of(span->base + took, span->len - took);
    bytes -= took;
  }
}

static void tap_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  note_sent(self, bytes, now_ns);
  wrap_send_ack(self, bytes, now_ns);
}

void trace_tap_around(struct trace_tap *tap, struct machine *machine) {
  static const struct machine_ops ops = {
      .recv = tap_recv,
      .recv_eof = wrap_recv_eof,
      .send_peek = tap_send_peek,
      .send_ack = tap_send_ack,
      .tick = wrap_tick,
      .deadline_ns = wrap_deadline_ns,
      .wants = wrap_wants,
      .drain = wrap_drain,
      .idle_since_ns = wrap_idle_since_ns,
      .close = wrap_close,
  };
  wrap_around(&tap->wrap, &ops, machine);
}
