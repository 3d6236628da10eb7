/*
 * client/wrap.h - a machine around another machine. These functions forward every call. A wrapper
 * uses them in its table for the calls that it does not change:
 *
 *     struct counter {
 *       struct wrap wrap; // first
 *       uint64_t bytes;
 *     };
 *     static size_t counter_recv(void *self, struct span in, uint64_t now_ns) {
 *       struct counter *counter = self;
 *       size_t took = wrap_recv(self, in, now_ns);
 *       counter->bytes += took;
 *       return took;
 *     }
 *     static const struct machine_ops counter_ops = {.recv = counter_recv, .tick = wrap_tick, ...
 *
 *     wrap_around(&counter->wrap, &counter_ops, &machine);
 *
 * Ownership: the caller owns the wrap, which is in use until wrap_close(). That closes the inner
 * machine.
 */
#ifndef WEIR_TOOLS_CLIENT_WRAP_H
#define WEIR_TOOLS_CLIENT_WRAP_H

#include "engine/base/machine.h"

struct wrap {
  struct machine inner;
};

/* Replaces `machine` by one with the functions `ops` and the self `wrap`. */
void wrap_around(struct wrap *wrap, const struct machine_ops *ops, struct machine *machine);

size_t wrap_recv(void *self, struct span in, uint64_t now_ns);
size_t wrap_takes_vaulted(const void *self);
void wrap_recv_eof(void *self, uint64_t now_ns);
size_t wrap_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                      uint64_t now_ns);
uint32_t *wrap_send_loans(const void *self, size_t which);
void wrap_send_ack(void *self, size_t bytes, uint64_t now_ns);
void wrap_tick(void *self, uint64_t now_ns);
uint64_t wrap_deadline_ns(const void *self);
unsigned wrap_wants(const void *self);
void wrap_drain(void *self, uint64_t now_ns);
uint64_t wrap_idle_since_ns(const void *self);
void wrap_close(void *self);

#endif
