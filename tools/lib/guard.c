/*
 * lib/guard.c - see lib/guard.h.
 */
#include "tools/lib/guard.h"

static size_t guard_recv(void *self, struct span in, uint64_t now_ns) {
  struct machine *inner = &((struct weir_guard *)self)->inner;
  return inner->ops->recv(inner->self, in, now_ns);
}

static void guard_recv_eof(void *self, uint64_t now_ns) {
  struct machine *inner = &((struct weir_guard *)self)->inner;
  inner->ops->recv_eof(inner->self, now_ns);
}

static size_t guard_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                              uint64_t now_ns) {
  struct machine *inner = &((struct weir_guard *)self)->inner;
  return inner->ops->send_peek(inner->self, out, max, budget_bytes, now_ns);
}

static void guard_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct machine *inner = &((struct weir_guard *)self)->inner;
  inner->ops->send_ack(inner->self, bytes, now_ns);
}

static void guard_tick(void *self, uint64_t now_ns) {
  struct machine *inner = &((struct weir_guard *)self)->inner;
  inner->ops->tick(inner->self, now_ns);
}

static uint64_t guard_deadline_ns(const void *self) {
  const struct machine *inner = &((const struct weir_guard *)self)->inner;
  return inner->ops->deadline_ns(inner->self);
}

static unsigned guard_wants(const void *self) {
  const struct machine *inner = &((const struct weir_guard *)self)->inner;
  return inner->ops->wants(inner->self);
}

static void guard_drain(void *self, uint64_t now_ns) {
  struct machine *inner = &((struct weir_guard *)self)->inner;
  inner->ops->drain(inner->self, now_ns);
}

static uint64_t guard_idle_since_ns(const void *self) {
  const struct machine *inner = &((const struct weir_guard *)self)->inner;
  return inner->ops->idle_since_ns ? inner->ops->idle_since_ns(inner->self) : MACHINE_BUSY;
}

static void guard_close(void *self) {
  struct weir_guard *guard = self;
  guard->closed(guard);
  guard->inner.ops->close(guard->inner.self);
}

static const struct machine_ops guard_ops = {
    .recv = guard_recv,
    .recv_eof = guard_recv_eof,
    .send_peek = guard_send_peek,
    .send_ack = guard_send_ack,
    .tick = guard_tick,
    .deadline_ns = guard_deadline_ns,
    .wants = guard_wants,
    .drain = guard_drain,
    .idle_since_ns = guard_idle_since_ns,
    .close = guard_close,
};

void weir_guard_around(struct weir_guard *guard, struct machine *machine) {
  guard->inner = *machine;
  *machine = (struct machine){.ops = &guard_ops, .self = guard};
}
