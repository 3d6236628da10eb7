/*
 * tls/factory.h - what the TLS connections of one worker share: buffers, slabs, the last ticket, and
 * the queue of handshakes.
 *
 * Ownership: one factory a worker, because nothing locks its buffers; one tls_context for all of
 * them.
 */
#ifndef WEIR_TLS_FACTORY_H
#define WEIR_TLS_FACTORY_H

#include "engine/base/machine.h"
#include "io/tls/aead.h"
#include "io/tls/queue.h"
#include "io/tls/slab.h"

struct tls_context;
struct ssl_session_st;
struct ssl_st;

struct tls_counters {
  uint64_t handshakes;               /* completed */
  uint64_t resumed;                  /* of these, with a ticket */
  uint64_t version_1_2, version_1_3; /* the same, by version */
  /* And by the group of the key exchange. */
  uint64_t group_x25519, group_secp256r1, group_secp384r1, group_x25519mlkem768, group_other;
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
  struct tls_aead_pool aeads;
  uint8_t *plaintext; /* TLS_PLAINTEXT_BYTES: decrypted and not yet taken by the inner machine */
  uint8_t *gather;    /* one record's plaintext, gathered from small spans */
  uint32_t machines;  /* that exist now */
  uint32_t machines_max;
  char server_name[256];          /* client: SNI and the name to verify; "" for none */
  struct ssl_session_st *session; /* client with `resume`: the last ticket */
  uint32_t key_records_max;       /* TLS_KEY_RECORDS; less in tests */
  bool openssl_only;              /* records stay with OpenSSL: tests */
  struct tls_queue queue;         /* server: of handshakes */
  const char *error; /* why the last connection to fail did so; "" if none has. Static text */
  struct tls_counters counters;
};

/* Prepares a factory for at most `machines_max` machines at once; it stays where it is. Borrows
 * `context`, copies `inner`. `server_name` is for clients: the name to ask for and to verify, without
 * a port; NULL for a server, or for none. An IP address is verified but not sent (RFC 6066 section
 * 3). False when memory was refused or the name is too long. */
__attribute__((warn_unused_result)) bool tls_factory_init(struct tls_factory *factory,
                                                          struct tls_context *context,
                                                          const struct machine_factory *inner,
                                                          uint32_t machines_max,
                                                          const char *server_name);

/* All machines must have been closed (asserted). */
void tls_factory_destroy(struct tls_factory *factory);

/* To be called about once a second: frees the memory of slabs and cipher contexts that the last second did not
 * need, so that a crowd leaves nothing behind. */
void tls_factory_trim(struct tls_factory *factory);

/* The first `len` bytes of the spans, at most TLS_RECORD_BYTES, in one piece: where they lie if the first span has
 * them all, else a copy, lent until the next call. */
struct span tls_factory_gather(struct tls_factory *factory, const struct span *spans, size_t len);

/* Counts a handshake that is complete. */
void tls_factory_count(struct tls_factory *factory, struct ssl_st *ssl);

#endif
