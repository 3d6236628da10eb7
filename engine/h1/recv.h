/*
 * h1/recv.h - received bytes become heads and bodies.
 */
#ifndef WEIR_H1_RECV_H
#define WEIR_H1_RECV_H

#include "engine/h1/connection.h"

/* Returns how many of the bytes it has used. */
size_t h1_recv(struct h1 *h1, struct span in);

/* A head that has waited for its turn is handled, if that has come. */
void h1_recv_resume(struct h1 *h1);

/* Whether more input can be used now. */
__attribute__((warn_unused_result)) bool h1_recv_wanted(const struct h1 *h1);

/* machine_ops.takes_vaulted. */
size_t h1_recv_vaulted_max(const struct h1 *h1);

void h1_recv_free(struct h1 *h1);

#endif
