/*
 * tls/sender.h - our direction of a TLS 1.3 connection after the handshake: plaintext in, records out.
 * Spec: RFC 8446 sections 4.6.3, 5 and 6.
 *
 * Records go into the connection's slab. Application data leaves room there for what else is to be said, see
 * TLS_SLAB_RESERVE_BYTES. Another key comes before the next application data when the peer has asked for it, or when
 * this one has sealed enough records.
 */
#ifndef WEIR_TLS_SENDER_H
#define WEIR_TLS_SENDER_H

#include "engine/base/machine.h"
#include "io/tls/aead.h"
#include "io/tls/secret.h"
#include "io/tls/slab.h"

struct tls_sender {
  struct tls_aead keys;
  struct tls_aead_pool *pool;
  struct tls_slab *slab;
  struct tls_secret secret;
  uint32_t key_records; /* of application data, with the present key */
  bool update;          /* a KeyUpdate goes before the next application data */
};

/* Goes on with a copy of the keys, which are those of the secret. Keeps pool and slab. False when no library has their
 * cipher: nothing is to be ended then. */
__attribute__((warn_unused_result)) bool
tls_sender_begin(struct tls_sender *sender, struct tls_aead_pool *pool, struct tls_slab *slab,
                 const struct tls_aead *keys, const struct tls_secret *secret);

/* Wipes the keys. All zero is allowed. */
void tls_sender_end(struct tls_sender *sender);

/* Appends a record with the first `len` bytes of the spans, at most TLS_RECORD_BYTES, for which tls_slab_room() has
 * room, after a KeyUpdate if one is due. `key_records_max` of them make the next one due. False when memory was
 * refused: the connection must end. */
__attribute__((warn_unused_result)) bool tls_sender_write(struct tls_sender *sender,
                                                          const struct span *spans, size_t len,
                                                          uint32_t key_records_max);

/* Appends an alert; `alert` is of tls/alerts.h. Without memory the peer hears nothing. */
void tls_sender_alert(struct tls_sender *sender, uint8_t alert);

/* Appends a record of content `type` to a slab. False, and nothing has changed, if there is no room, or memory was
 * refused: `slab->base` is then NULL only if there was no slab. */
__attribute__((warn_unused_result)) bool tls_seal_into(struct tls_slab *slab, struct tls_aead *keys,
                                                       struct tls_aead_pool *pool, uint8_t type,
                                                       const struct span *spans, size_t len);

#endif
