/*
 * tls/tickets.c - see tls/tickets.h.
 */
#include "io/tls/tickets.h"

#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "io/base/error.h"

_Static_assert(sizeof(struct tls_ticket_key) == TLS_TICKET_KEY_BYTES, "as in a file");
_Static_assert((int)TLS_TICKET_KEYS <= (int)TLS_TICKET_GIVEN_MAX, "both fit");
_Static_assert(TLS_TICKET_KEYS >= 2 && TLS_TICKET_KEY_SECONDS > TLS_TICKET_LIFE_SECONDS,
               "a key decrypts as long as the last ticket that it encrypted lives");

static int64_t now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* With the lock held, or before there are threads. */
static bool make_key(struct tls_tickets *tickets) {
  struct tls_ticket_key key;
  if (RAND_bytes(key.name, sizeof key.name) != 1 ||
      RAND_priv_bytes(key.cipher, sizeof key.cipher) != 1 ||
      RAND_priv_bytes(key.mac, sizeof key.mac) != 1) {
    OPENSSL_cleanse(&key, sizeof key);
    return false;
  }
  const size_t older = TLS_TICKET_KEYS - 1;
  memmove(tickets->keys + 1, tickets->keys, older * sizeof *tickets->keys);
  memmove(tickets->made_seconds + 1, tickets->made_seconds, older * sizeof *tickets->made_seconds);
  tickets->keys[0] = key;
  tickets->made_seconds[0] = now_seconds();
  if (tickets->count < TLS_TICKET_KEYS) tickets->count++;
  OPENSSL_cleanse(&key, sizeof key);
  return true;
}

/* The key to encrypt with. Without fresh randomness the old one serves on. */
static void newest_key(struct tls_tickets *tickets, struct tls_ticket_key *key) {
  pthread_mutex_lock(&tickets->lock);
  bool old = !tickets->given && now_seconds() - tickets->made_seconds[0] >= TLS_TICKET_KEY_SECONDS;
  if (old && !make_key(tickets)) ERR_clear_error();
  *key = tickets->keys[0];
  pthread_mutex_unlock(&tickets->lock);
}

/* Whether the key may still decrypt: the last ticket that it encrypted lives. */
static bool is_good(const struct tls_tickets *tickets, unsigned index) {
  const int64_t oldest = now_seconds() - TLS_TICKET_KEY_SECONDS - TLS_TICKET_LIFE_SECONDS;
  return tickets->given || tickets->made_seconds[index] > oldest;
}

/* The key of that name, if it is still good; `newest` tells whether it is the one that encrypts. */
static bool find_key(struct tls_tickets *tickets, const unsigned char *name,
                     struct tls_ticket_key *key, bool *newest) {
  bool found = false;
  pthread_mutex_lock(&tickets->lock);
  for (unsigned i = 0; i < tickets->count && !found; i++) {
    const struct tls_ticket_key *candidate = &tickets->keys[i];
    found = memcmp(candidate->name, name, sizeof candidate->name) == 0 && is_good(tickets, i);
    if (!found) continue;
    *key = *candidate;
    *newest = i == 0;
  }
  pthread_mutex_unlock(&tickets->lock);
  return found;
}

/* ---- OpenSSL's side -------------------------------------------------------------------------- */

static bool start_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *key) {
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/* OpenSSL's contract: -1 error, 0 no such key (a full handshake follows), 1 ready, 2 ready and
 * issue a new ticket. */
static int ticket_key_callback(SSL *ssl, unsigned char name[16], unsigned char *iv,
                               EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt) {
  struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
  struct tls_ticket_key key;
  bool newest = true, ok;
  if (encrypt) {
    newest_key(tickets, &key);
    memcpy(name, key.name, sizeof key.name);
    ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
         EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1;
  } else {
    if (!find_key(tickets, name, &key, &newest)) return 0;
    ok = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1;
  }
  ok = ok && start_mac(mac, &key);
  OPENSSL_cleanse(&key, sizeof key);
  if (!ok) return -1;
  /* A ticket of TLS 1.3 is to be used once (RFC 8446 appendix C.4), so there is a new one each
   * time. */
  return newest && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

/* ---- life ------------------------------------------------------------------------------------ */

bool tls_tickets_init(struct tls_tickets *tickets) {
  *tickets = (struct tls_tickets){.count = 0};
  pthread_mutex_init(&tickets->lock, NULL);
  return make_key(tickets);
}

void tls_tickets_destroy(struct tls_tickets *tickets) {
  pthread_mutex_destroy(&tickets->lock);
  OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
}

bool tls_tickets_install(struct tls_tickets *tickets, struct ssl_ctx_st *ssl) {
  SSL_CTX_set_app_data(ssl, tickets);
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, ticket_key_callback) == 1;
}

static bool has_name_twice(const struct tls_ticket_key *keys, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t k = i + 1; k < count; k++)
      if (memcmp(keys[i].name, keys[k].name, sizeof keys[i].name) == 0) return true;
  return false;
}

bool tls_tickets_fit(const void *bytes, size_t len, struct io_error *error) {
  struct tls_ticket_key keys[TLS_TICKET_GIVEN_MAX];
  if (len == 0 || len % sizeof *keys != 0 || len > sizeof keys)
    return io_error_set(error, 0, "%zu bytes are not 1 to %d ticket keys of %d bytes", len,
                        TLS_TICKET_GIVEN_MAX, TLS_TICKET_KEY_BYTES);
  memcpy(keys, bytes, len);
  bool twice = has_name_twice(keys, len / sizeof *keys);
  OPENSSL_cleanse(keys, sizeof keys);
  return !twice || io_error_set(error, 0, "two ticket keys have the same name");
}

bool tls_tickets_give(struct tls_tickets *tickets, const void *bytes, size_t len,
                      struct io_error *error) {
  if (!tls_tickets_fit(bytes, len, error)) return false;
  pthread_mutex_lock(&tickets->lock);
  OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
  memcpy(tickets->keys, bytes, len);
  tickets->count = (unsigned)(len / sizeof *tickets->keys);
  tickets->given = true;
  pthread_mutex_unlock(&tickets->lock);
  return true;
}
