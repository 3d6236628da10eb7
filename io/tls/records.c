/*
 * tls/records.c - see tls/records.h.
 */
#include "io/tls/records.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "io/tls/openssl.h"

/* The secrets are derived by tls/schedule.h, and our keys come from where the kernel would have them: they say the
 * same. */
#ifdef WEIR_INVARIANTS
static void invariants(const struct tls_sender *sender) {
  const struct tls_aead *keys = &sender->keys;
  struct tls_aead derived = {0};
  if (!tls_secret_begin(&sender->secret, &derived, sender->pool, keys->cipher, 0)) return;
  assert(CRYPTO_memcmp(keys->key, derived.key, sizeof derived.key) == 0);
  assert(CRYPTO_memcmp(keys->iv, derived.iv, sizeof derived.iv) == 0);
  tls_aead_end(&derived);
}
#else
static void invariants(const struct tls_sender *sender) {
  (void)sender;
}
#endif

static bool begin(struct tls_records *records, const struct tls_handover *from,
                  struct tls_aead_pool *pool, struct tls_slab *slab, bool client) {
  if (!tls_receiver_begin(&records->receiver, pool, from->send_keys->cipher, from->receive_secret,
                          from->received, client) ||
      !tls_sender_begin(&records->sender, pool, slab, from->send_keys, from->send_secret))
    return false;
  invariants(&records->sender);
  return true;
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
