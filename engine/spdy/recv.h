/*
 * spdy/recv.h - the machine's input.
 * Spec: SPDY/3.1 sections 2.2 and 2.6.
 */
#ifndef WEIR_SPDY_RECV_H
#define WEIR_SPDY_RECV_H

#include "engine/base/machine.h"

struct spdy;

/* machine_ops.recv. */
size_t spdy_recv(struct spdy *spdy, struct span in);

/* machine_ops.takes_vaulted. */
size_t spdy_recv_vaulted_max(const struct spdy *spdy);

/* Whether more may be read now. */
bool spdy_recv_wanted(const struct spdy *spdy);

#endif
