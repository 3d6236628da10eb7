/*
 * spdy/send.h - the machine's output.
 * Spec: SPDY/3.1 sections 2.2 and 2.6.
 */
#ifndef WEIR_SPDY_SEND_H
#define WEIR_SPDY_SEND_H

#include "engine/base/machine.h"

struct spdy;

/* machine_ops.send_peek and send_ack. */
size_t spdy_send_peek(struct spdy *spdy, struct span *spans, size_t max, size_t budget_bytes);
void spdy_send_ack(struct spdy *spdy, size_t bytes);

/* Whether there is something to send. */
bool spdy_send_wanted(const struct spdy *spdy);

/* Drops the output; none of it will leave. */
void spdy_send_free(struct spdy *spdy);

#endif
