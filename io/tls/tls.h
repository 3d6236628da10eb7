/*
 * tls/tls.h - TLS as a machine around a machine: ciphertext outside, the inner machine's bytes inside.
 * Spec: RFC 8446, RFC 5246; policy in tls/context.h.
 *
 *     host -- recv(ciphertext) --> tls -- recv(plaintext) --> inner machine
 *     host <-- send_peek() ------- slab <-- encrypt <-- send_peek() -- inner machine
 *
 * The inner machine is created when the handshake is complete. Its machine_peer then says
 * secure = true and which application protocol ALPN chose ("" when it chose none), and its
 * machine_host is the one that the tls machine was given.
 *
 * OpenSSL does the handshake. In TLS 1.3 it is then given up, and tls/records.h goes on; where that cannot be, OpenSSL
 * stays (tls/openssl.h).
 *
 * Memory. Input is read from the span given to recv(), and output goes into a slab, which a connection holds only while
 * it has unsent ciphertext. Plaintext passes through buffers of the factory. So an idle connection of TLS 1.3 costs
 * 600 bytes here, and one of TLS 1.2 OpenSSL's state, 14 KB. Until a connection's first byte
 * arrives, it has neither.
 *
 * Notes for hosts, all within the contract of base/machine.h:
 *   - wants() may say MACHINE_SEND and send_peek() then return 0: bytes have moved inside.
 *   - The inner machine's MACHINE_ENDED sends close_notify, and does not close the transport's half.
 *   - A peer's close_notify and a bare FIN both end in the inner machine's recv_eof(); the counter
 *     `truncated` tells how many came without close_notify. To a client's inner machine such an end is none: it is
 *     closed instead, so that a response that only the end would complete stays incomplete (RFC 9112 section 9.8).
 *   - recv() consumes less than it was given only in three cases: the inner machine does not want
 *     MACHINE_RECV; OpenSSL has an answer to send and the slab is full; or other handshakes have had
 *     their time of this turn, and it waits in the factory's queue (tls/queue.h). wants() says so each
 *     time.
 */
#ifndef WEIR_TLS_H
#define WEIR_TLS_H

#include "engine/base/machine.h"
#include "io/tls/factory.h"
#include "io/tls/facts.h"

struct ssl_st;

/* The factory to give to a listener or dialler: create() makes a tls machine. It refuses when
 * machines_max exist or there is no memory. `factory` must outlive it. */
struct machine_factory tls_factory_machines(struct tls_factory *factory);

/* Why the connection failed, for a client's error message: "" or one line. `machine` must come from
 * a tls factory (asserted). Valid until its close(). */
const char *tls_machine_error(const struct machine *machine);

/* The facts of a machine of a tls factory (asserted) whose handshake is complete (asserted): from the
 * inner machine's create() on. The texts live until its close(). */
struct tls_facts tls_machine_facts(const struct machine *machine);

/* For tests: OpenSSL's object, NULL without one. `machine` must come from a tls factory (asserted). */
struct ssl_st *tls_machine_ssl(const struct machine *machine);

#endif
