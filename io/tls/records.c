/*
 * tls/records.c - see tls/records.h.
 */
#include "io/tls/records.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "io/tls/openssl.h"

/* The secret comes from the key log, and the keys from where the kernel would have them: they must say the same. */
static bool agree(const struct tls_aead *a, const struct tls_aead *b) {
  return a->cipher == b->cipher && CRYPTO_memcmp(a->key, b->key, sizeof a->key) == 0 &&
         CRYPTO_memcmp(a->iv, b->iv, sizeof a->iv) == 0;
}

static bool begin(struct tls_records *records, const struct tls_handover *from,
                  struct tls_aead_pool *pool, struct tls_slab *slab, bool client) {
  return tls_receiver_begin(&records->receiver, pool, from->cipher, from->receive_secret,
                            from->received, client) &&
         tls_sender_begin(&records->sender, pool, slab, from->cipher, from->send_secret,
                          from->sent) &&
         agree(&records->sender.keys, from->sends);
}

struct tls_records *tls_records_take_over(const struct tls_openssl *openssl,
                                          struct tls_aead_pool *pool, struct tls_slab *slab,
                                          bool client) {
  struct tls_handover handover;
  if (!tls_openssl_hand_over(openssl, &handover)) return NULL;
  struct tls_records *records = calloc(1, sizeof *records);
  if (!records || begin(records, &handover, pool, slab, client)) return records;
  tls_records_free(records);
  return NULL;
}

void tls_records_free(struct tls_records *records) {
  if (!records) return;
  tls_receiver_end(&records->receiver);
  tls_sender_end(&records->sender);
  free(records);
}
