/*
 * h2/recv.h - received bytes become frames, and frames become effects.
 */
#ifndef WEIR_H2_RECV_H
#define WEIR_H2_RECV_H

#include "engine/base/machine.h"

struct h2;

/* False while nothing may be read: replies pile up, or the connection has ended. */
bool h2_recv_wanted(const struct h2 *h2);

/* Borrows `in`; returns how many bytes were consumed: all, unless h2_recv_wanted() has become
 * false. */
size_t h2_recv(struct h2 *h2, struct span in);

#endif
