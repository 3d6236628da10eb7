/*
 * client/wrap.c - see client/wrap.h.
 */
#include "tools/client/wrap.h"

static const struct machine *inner_of(const void *self) {
  return &((const struct wrap *)self)->inner;
}

void wrap_around(struct wrap *wrap, const struct machine_ops *ops, struct machine *machine) {
  wrap->inner = *machine;
  *machine = (struct machine){.ops = ops, .self = wrap};
}

size_t wrap_recv(void *self, struct span in, uint64_t now_ns) {
  const struct machine *inner = inner_of(self);
  return inner->ops->recv(inner->self, in, now_ns);
}

size_t wrap_takes_vaulted(const void *self) {
  const struct machine *inner = inner_of(self);
  return inner->ops->takes_vaulted ? inner->ops->takes_vaulted(inner->self) : 0;
}

void wrap_recv_eof(void *self, uint64_t now_ns) {
  const struct machine *inner = inner_of(self);
  inner->ops->recv_eof(inner->self, now_ns);
}

size_t wrap_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                      uint64_t now_ns) {
  const struct machine *inner = inner_of(self);
  return inner->ops->send_peek(inner->self, out, max, budget_bytes, now_ns);
}

uint32_t *wrap_send_loans(const void *self, size_t which) {
  const struct machine *inner = inner_of(self);
  return inner->ops->send_loans ? inner->ops->send_loans(inner->self, which) : NULL;
}

void wrap_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  const struct machine *inner = inner_of(self);
  inner->ops->send_ack(inner->self, bytes, now_ns);
}

void wrap_tick(void *self, uint64_t now_ns) {
  const struct machine *inner = inner_of(self);
  inner->ops->tick(inner->self, now_ns);
}

uint64_t wrap_deadline_ns(const void *self) {
  const struct machine *inner = inner_of(self);
  return inner->ops->deadline_ns(inner->self);
}

unsigned wrap_wants(const void *self) {
  const struct machine *inner = inner_of(self);
  return inner->ops->wants(inner->self);
}

void wrap_drain(void *self, uint64_t now_ns) {
  const struct machine *inner = inner_of(self);
  inner->ops->drain(inner->self, now_ns);
}

uint64_t wrap_idle_since_ns(const void *self) {
  const struct machine *inner = inner_of(self);
  return inner->ops->idle_since_ns ? inner->ops->idle_since_ns(inner->self) : MACHINE_BUSY;
}

void wrap_close(void *self) {
  const struct machine *inner = inner_of(self);
  inner->ops->close(inner->self);
}
