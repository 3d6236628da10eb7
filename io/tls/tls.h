/*
 * tls/tls.h - TLS as a machine around a machine: ciphertext outside, the inner machine's bytes inside.
 * Spec: RFC 8446, RFC 5246; policy in tls/context.h.
 *
 *     host -- recv(ciphertext) --> tls -- recv(plaintext) --> inner machine
 *     host <-- send_peek() ------- slab <-- encrypt <-- send_peek() -- inner machine
 *
 * The inner machine is created when the handshake is complete; its machine_peer then says
 * secure = true and which application protocol ALPN chose ("" when there was none), and its
 * machine_host is the one the tls machine was given.
 *
 * Memory. No memory BIOs: OpenSSL reads from the span given to recv() and writes into a slab, which
 * a connection holds only while it has unsent ciphertext. Plaintext passes through buffers of the
 * factory. An idle connection therefore costs OpenSSL's own state and this room's struct alone. A
 * connection from which nothing has arrived yet does not even have OpenSSL's.
 *
 * Ownership: one factory a worker (its buffers are shared by the worker's connections and nothing
 * locks them); one tls_context for all of them.
 *
 * Notes for hosts, all within the contract of base/machine.h:
 *   - wants() may say MACHINE_SEND and send_peek() then return 0: bytes have moved inside.
 *   - A peer's close_notify and a bare FIN both end in the inner machine's recv_eof(); the counter
 *     `truncated` tells how many came without close_notify.
 *   - recv() consumes less than given only while the inner machine does not want MACHINE_RECV,
 * while OpenSSL has an answer to send and the slab is full, or when TLS_TURN_HANDSHAKES handshakes
 * have begun in this turn already; deadline_ns() is then the next turn. wants() says so each time.
 */
#ifndef WEIR_TLS_H
#define WEIR_TLS_H

#include "engine/base/machine.h"
#include "io/tls/slab.h"

struct tls_context;

struct tls_counters {
  uint64_t handshakes;      /* completed */
  uint64_t resumed;         /* of these, with a ticket */
  uint64_t failed;          /* ended before completion: alert, timeout, not TLS at all */
  uint64_t truncated;       /* FIN without close_notify */
  uint64_t abused;          /* cut off for floods of tiny records or KeyUpdates, or renegotiation */
  uint64_t bytes_decrypted; /* plaintext, in */
  uint64_t bytes_encrypted; /* plaintext, out */
};

struct tls_factory {
  struct tls_context *context;
  struct machine_factory inner;
  struct tls_slab_pool slabs;
  uint8_t *plaintext; /* TLS_PLAINTEXT_BYTES: what was decrypted, until the inner machine took it */
  uint8_t *gather;    /* one record's plaintext, gathered from small spans */
  uint32_t machines;  /* that exist now */
  uint32_t machines_max;
  char server_name[256];          /* client: SNI and the name to verify; "" for none */
  struct ssl_session_st *session; /* client with `resume`: the last ticket */
  uint64_t turn_ns;               /* the turn that handshakes were last begun in */
  uint32_t turn_handshakes;       /* how many, see TLS_TURN_HANDSHAKES */
  const char *error; /* why the connection that failed last did; "" if none has. Static text */
  struct tls_counters counters;
};

/* Prepares a factory for at most `machines_max` machines at once. Borrows `context`, copies
 * `inner`. `server_name` is for clients: the name to ask for and to verify, without a port; NULL
 * for a server, or for none. An IP address is verified but not sent (RFC 6066 section 3). False
 * when memory was refused or the name is too long. */
__attribute__((warn_unused_result)) bool tls_factory_init(struct tls_factory *factory,
                                                          struct tls_context *context,
                                                          const struct machine_factory *inner,
                                                          uint32_t machines_max,
                                                          const char *server_name);

/* All machines must have been closed (asserted). */
void tls_factory_destroy(struct tls_factory *factory);

/* The factory to give to a listener or dialler: create() makes a tls machine. It refuses when
 * machines_max exist or there is no memory. `factory` must outlive it. */
struct machine_factory tls_factory_machines(struct tls_factory *factory);

/* To be called about once a second: gives back the memory of slabs that the last second did not
 * need, so that a crowd leaves nothing behind. */
void tls_factory_trim(struct tls_factory *factory);

/* Why the connection failed, for a client's error message: "" or one line. `machine` must come from
 * a tls factory (asserted). Valid until its close(). */
const char *tls_machine_error(const struct machine *machine);

#endif
