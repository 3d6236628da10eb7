/*
 * tls/parts.h - between tls/tls.c (one connection) and tls/factory.c (what a worker's connections
 * share); nobody else includes this.
 */
#ifndef WEIR_IO_TLS_PARTS_H
#define WEIR_IO_TLS_PARTS_H

#include "io/tls/tls.h"

/* tls/tls.c: machine_factory.create() with a struct tls_factory as `ctx`. */
bool tls_machine_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                        uint64_t now_ns, struct machine *out);

/* tls/factory.c: whether one more handshake may begin in this turn. A handshake costs some 150
 * microseconds of signing and key exchange; in a flood of them all other connections would wait for
 * a turn that takes many at once, so a turn has TLS_TURN_HANDSHAKES. A turn is told by its time,
 * which is read once. */
bool tls_factory_admit(struct tls_factory *factory, uint64_t now_ns);

#endif
