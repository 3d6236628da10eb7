/*
 * h2/recv.h - reads what the peer sends.
 */
#ifndef WEIR_H2_RECV_H
#define WEIR_H2_RECV_H

#include "engine/base/machine.h"

struct h2;

/* Whether more may be read: not while our replies pile up, nor after the connection's end. */
bool h2_recv_wanted(const struct h2 *h2);

/* Borrows `in`. Returns how many bytes were consumed: all, unless h2_recv_wanted() has become
 * false. */
size_t h2_recv(struct h2 *h2, struct span in);

#endif
