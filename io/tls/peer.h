/*
 * tls/peer.h - what a completed handshake adds to struct machine_peer.
 */
#ifndef WEIR_TLS_PEER_H
#define WEIR_TLS_PEER_H

#include "engine/base/machine.h"

struct tls_context;
struct ssl_st;

/* Fills in all but the application protocol. */
void tls_peer_fill(struct machine_peer *peer, struct tls_context *context, struct ssl_st *ssl);

/* Releases what tls_peer_fill() took; a peer that was never filled is allowed. */
void tls_peer_clear(struct machine_peer *peer);

#endif
