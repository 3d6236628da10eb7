/*
 * tls/receiver.h - the peer's direction of a TLS 1.3 connection after the handshake: records in, plaintext out.
 * Spec: RFC 8446 sections 4.6.1, 4.6.3, 5 and 6.
 *
 * Records may come in any pieces. A record that is whole in the input is opened from where it lies. Of one that is not,
 * what has come is kept, in memory for just that record, so that the host never waits for room.
 *
 * After the handshake a peer may send application data, alerts, KeyUpdate, and a server tickets; whatever else it sends
 * ends the connection with the alert that the RFC names. Tickets are skipped.
 */
#ifndef WEIR_TLS_RECEIVER_H
#define WEIR_TLS_RECEIVER_H

#include "engine/base/machine.h"
#include "io/tls/aead.h"
#include "io/tls/read.h"
#include "io/tls/secret.h"

struct tls_credit;

struct tls_receiver {
  struct tls_aead keys;
  struct tls_aead_pool *pool;
  struct tls_secret secret;
  bool client;                           /* who reads: the peer is a server */
  bool update_requested;                 /* the peer waits for our KeyUpdate; the owner clears it */
  uint8_t header[TLS_AEAD_HEADER_BYTES]; /* of a record that is not whole yet */
  uint8_t message[5], message_len;       /* of a handshake message that is not whole yet */
  uint16_t part_len;                     /* bytes that have come of the record, header included */
  uint32_t skip_bytes;                   /* left of a ticket */
  uint8_t *part;                         /* the record; NULL: only header bytes have come */
  uint8_t alert;                         /* TLS_READ_FAILED: what to tell the peer; 0: nothing */
  const char *error;                     /* and why it failed; static text */
};

/* Begins with the record of number `sequence`. False when the cipher does not fit the secret, or memory was refused:
 * nothing is to be ended then. */
__attribute__((warn_unused_result)) bool tls_receiver_begin(struct tls_receiver *receiver,
                                                            struct tls_aead_pool *pool,
                                                            enum tls_aead_cipher cipher,
                                                            const struct tls_secret *secret,
                                                            uint64_t sequence, bool client);

/* Wipes the keys, and frees a partial record. All zero is allowed. */
void tls_receiver_end(struct tls_receiver *receiver);

/* Room for one record's plaintext with its type: fixed by RFC 8446 section 5.4. */
enum { TLS_RECEIVER_ROOM_BYTES = TLS_RECORD_BYTES + 1 };

/* Opens records at the beginning of `in`, which is then what is left, and appends their plaintext to the `*len` bytes
 * at `out`, as long as there are TLS_RECEIVER_ROOM_BYTES more up to `size`. Records are charged to the credit. */
__attribute__((warn_unused_result)) enum tls_read tls_receiver_read(struct tls_receiver *receiver,
                                                                    struct tls_credit *credit,
                                                                    struct span *in, uint8_t *out,
                                                                    size_t size, size_t *len);

#endif
