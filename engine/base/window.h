/*
 * base/window.h - flow-control credit of one stream or one connection, in one direction.
 * Spec: RFC 9113 sections 5.2 and 6.9, which the comments cite; SPDY/3.1 section 2.6.8 has the same
 * arithmetic. Unit: bytes.
 * Owner: embedded in its stream or connection; no allocation, no failure at init.
 *
 * Two halves:
 *   window         how much we may send. A SETTINGS change may make it negative (6.9.2).
 *   window_credit  how much the peer may send, what has arrived and what was consumed, and when to
 *                  grant more. Invariant: granted + held + returnable >= target, where `target` is
 *                  the window that the policy wants the peer to have. The sum is larger only by
 *                  what was granted before the target shrank.
 */
#ifndef WEIR_BASE_WINDOW_H
#define WEIR_BASE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_MAX 0x7fffffff /* fixed by RFC 9113 section 6.9.1 */

/* ---- sending --------------------------------------------------------------------------------- */

struct window {
  int32_t bytes; /* -(2^31-1) .. 2^31-1 */
};

/* Adds the peer's credit of 1 .. 2^31-1 bytes. False when the sum would exceed 2^31-1
 * (FLOW_CONTROL_ERROR, section 6.9.1); the window is then unchanged. */
__attribute__((warn_unused_result)) bool window_add(struct window *window, uint32_t bytes);

/* Moves the window by the difference of two INITIAL_WINDOW_SIZE values (section 6.9.2). False on
 * overflow; the window is then unchanged. */
__attribute__((warn_unused_result)) bool window_shift(struct window *window, int64_t delta);

/* `bytes` bytes were sent: no more than window_available() (asserted). */
void window_spend(struct window *window, uint32_t bytes);

static inline uint32_t window_available(const struct window *window) {
  return window->bytes > 0 ? (uint32_t)window->bytes : 0;
}

/* ---- receiving ------------------------------------------------------------------------------- */

struct window_credit {
  int64_t granted;     /* what the peer may still send; negative until it has seen a
                          reduction of ours (section 6.9.3) */
  uint32_t held;       /* arrived, not yet consumed */
  uint32_t returnable; /* consumed, and not yet granted again */
  uint32_t target;     /* the window that the peer should have once everything is consumed */
  uint64_t arrived;    /* in total */
  uint64_t cap;        /* how many bytes may arrive in total; WINDOW_UNCAPPED: any number */
  uint64_t counted;    /* bytes of this window in the connection's sum, if it is in there; kept by
                          h2/flow.c */
};

#define WINDOW_UNCAPPED UINT64_MAX

void window_credit_init(struct window_credit *credit, uint32_t bytes);

/* A DATA frame has arrived, with `bytes` bytes of payload and padding. False when that is more than
 * was granted (FLOW_CONTROL_ERROR). */
__attribute__((warn_unused_result)) bool window_credit_arrive(struct window_credit *credit,
                                                              uint32_t bytes);

/* The same without a limit, for a peer that may know no windows: `granted` may fall below 0. */
void window_credit_overrun(struct window_credit *credit, uint32_t bytes);

/* `bytes` of the held bytes were used (asserted: no more than are held). */
void window_credit_consume(struct window_credit *credit, uint32_t bytes);

/* Changes the target. A larger one makes bytes returnable at once. A smaller one returns less
 * later; it never takes back what was granted. */
void window_credit_retarget(struct window_credit *credit, uint32_t target);

/* Sets the cap. It takes back nothing that was granted, so a cap below that only stops further
 * grants. */
void window_credit_cap(struct window_credit *credit, uint64_t bytes);

/* What could be granted now: the returnable bytes, as far as the cap allows. */
uint32_t window_credit_due(const struct window_credit *credit);

/* The peer has acknowledged an initial window `bytes` smaller than the stream began with (section
 * 6.9.2). Both `granted` and the target shrink, `granted` below 0 if need be. */
void window_credit_shrink(struct window_credit *credit, uint32_t bytes);

/* The increment to send now; 0 if fewer than `least` bytes can be returned, unless the cap leaves
 * no more. Counts it as granted: the caller sends it. */
uint32_t window_credit_take(struct window_credit *credit, uint32_t least);

#endif
