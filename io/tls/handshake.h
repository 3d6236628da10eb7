/*
 * tls/handshake.h - a connection until it is OPEN: its turn among other handshakes, OpenSSL's steps, and the inner
 * machine.
 * Spec: RFC 8446 sections 4 and 5 (the first record), RFC 7301 (ALPN).
 */
#ifndef WEIR_TLS_HANDSHAKE_H
#define WEIR_TLS_HANDSHAKE_H

#include "io/tls/connection.h"

/* A client's connection begins: its ClientHello is in the slab, or it has failed. False when memory was refused. */
__attribute__((warn_unused_result)) bool tls_handshake_offer(struct tls *tls, uint64_t now_ns);

/* The first bytes have come to a server, at least one: WAITING becomes HANDSHAKE, or CLOSING. */
void tls_handshake_start(struct tls *tls, struct span in, uint64_t now_ns);

/* HANDSHAKE: takes a step with what is in tls->input. OPEN is reached when it was the last one. */
void tls_handshake_continue(struct tls *tls, uint64_t now_ns);

/* Whether the handshake has to wait for its turn (tls/queue.h). For as long, its own time stands still. */
__attribute__((warn_unused_result)) bool tls_handshake_must_wait(struct tls *tls, uint64_t now_ns);

#endif
