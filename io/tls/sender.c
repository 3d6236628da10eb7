/*
 * tls/sender.c - see tls/sender.h.
 */
#include "io/tls/sender.h"

#include <openssl/crypto.h>

#include "io/tls/alerts.h"

bool tls_seal_into(struct tls_slab *slab, struct tls_aead *keys, struct tls_aead_pool *pool,
                   uint8_t type, const struct span *spans, size_t len) {
  uint8_t *out = tls_slab_reserve(slab, tls_aead_bytes(len));
  bool sealed = out && tls_aead_seal(keys, pool, type, spans, len, out);
  if (sealed)
    tls_slab_wrote(slab, tls_aead_bytes(len));
  else
    tls_slab_settle(slab);
  return sealed;
}

bool tls_sender_begin(struct tls_sender *sender, struct tls_aead_pool *pool, struct tls_slab *slab,
                      const struct tls_aead *keys, const struct tls_secret *secret) {
  *sender = (struct tls_sender){.pool = pool, .slab = slab, .secret = *secret};
  if (tls_aead_begin(&sender->keys, pool, keys->cipher, keys->key, keys->iv, keys->sequence))
    return true;
  tls_sender_end(sender);
  return false;
}

void tls_sender_end(struct tls_sender *sender) {
  tls_aead_end(&sender->keys);
  OPENSSL_cleanse(&sender->secret, sizeof sender->secret);
}

static bool seal(struct tls_sender *sender, uint8_t type, const struct span *spans, size_t len) {
  return tls_seal_into(sender->slab, &sender->keys, sender->pool, type, spans, len);
}

/* The last record with the present key says that the next one has another: RFC 8446 section 4.6.3. */
static bool update_keys(struct tls_sender *sender) {
  static const uint8_t not_requested[] = {TLS_KEY_UPDATE, 0, 0, 1, 0};
  const struct span message = span_of(not_requested, sizeof not_requested);
  sender->update = false;
  sender->key_records = 0;
  return seal(sender, TLS_CONTENT_HANDSHAKE, &message, message.len) &&
         tls_secret_update(&sender->secret, &sender->keys, sender->pool);
}

bool tls_sender_write(struct tls_sender *sender, const struct span *spans, size_t len,
                      uint32_t key_records_max) {
  if (sender->update && !update_keys(sender)) return false;
  if (!seal(sender, TLS_CONTENT_APPLICATION, spans, len)) return false;
  if (++sender->key_records >= key_records_max) sender->update = true;
  return true;
}

/* Section 6: close_notify is a warning, for peers that still look at the level. */
void tls_sender_alert(struct tls_sender *sender, uint8_t alert) {
  enum { WARNING = 1, FATAL = 2 };
  const uint8_t bytes[] = {alert == TLS_ALERT_CLOSE_NOTIFY ? WARNING : FATAL, alert};
  const struct span message = span_of(bytes, sizeof bytes);
  (void)!seal(sender, TLS_CONTENT_ALERT, &message, message.len);
}
