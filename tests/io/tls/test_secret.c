/*
 * tls/test_secret.c - keys that are made of secrets.
 */
#include <string.h>

#include "io/tls/secret.h"
#include "tests/support/cmocka.h"
#include "tests/support/hex.h"
#include "tests/support/random.h"
#include "tests/support/tls_peer.h"

static struct tls_aead_pool pool;

static const enum tls_aead_cipher ciphers[TLS_PEER_SUITES] = {
    [TLS_PEER_AES_128] = TLS_AEAD_AES_128,
    [TLS_PEER_AES_256] = TLS_AEAD_AES_256,
    [TLS_PEER_CHACHA20] = TLS_AEAD_CHACHA20,
};

#define HEX_32 "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
#define HEX_48 HEX_32 "000102030405060708090a0b0c0d0e0f"

static void test_set(void **state) {
  static const size_t lens[] = {0, 32, 48, 49};
  uint8_t bytes[64];
  (void)state;
  memset(bytes, 7, sizeof bytes);
  for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
    struct tls_secrets secrets = {.client = {.len = 1, .bytes = {1}}};
    const size_t expected = lens[i] <= TLS_SECRET_BYTES_MAX ? lens[i] : 0;
    tls_secret_set(&secrets.client, span_of(bytes, lens[i]));
    assert_int_equal(secrets.client.len, expected);
    assert_memory_equal(secrets.client.bytes, bytes, expected);
    tls_secrets_wipe(&secrets);
    assert_int_equal(secrets.client.len + secrets.client.bytes[0], 0);
  }
}

/* ---- keys ------------------------------------------------------------------------------------ */

static struct tls_secret secret_of(const char *hex) {
  struct tls_secret secret = {0};
  secret.len = (uint8_t)hex_decode(hex, secret.bytes, sizeof secret.bytes);
  return secret;
}

static void expect_hex(const uint8_t *bytes, const char *hex) {
  uint8_t expected[TLS_SECRET_BYTES_MAX];
  assert_memory_equal(bytes, expected, hex_decode(hex, expected, sizeof expected));
}

/* RFC 8448 section 3. */
static void test_known_keys(void **state) {
  static const struct {
    const char *secret, *key, *iv;
  } rows[] = {
      {HEX_32, "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"},
      {"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
       "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct tls_secret secret = secret_of(rows[i].secret);
    struct tls_aead keys = {0};
    assert_true(tls_secret_begin(&secret, &keys, &pool, TLS_AEAD_AES_128, 7));
    expect_hex(keys.key, rows[i].key);
    expect_hex(keys.iv, rows[i].iv);
    assert_int_equal(keys.sequence, 7);
    tls_aead_end(&keys);
  }
}

/* Three updates of each cipher's, beside those that OpenSSL derives. */
static void test_updates(void **state) {
  (void)state;
  struct random random = {11};
  for (unsigned suite = 0; suite < TLS_PEER_SUITES; suite++) {
    struct tls_secret secret = {.len = (uint8_t)tls_peer_secret_bytes(suite)};
    struct tls_aead keys = {0};
    struct tls_peer peer;
    for (unsigned i = 0; i < secret.len; i++)
      secret.bytes[i] = (uint8_t)random_next(&random);
    tls_peer_begin(&peer, suite, secret.bytes);
    assert_true(tls_secret_begin(&secret, &keys, &pool, ciphers[suite], 3));
    for (unsigned update = 0; update < 4; update++) {
      assert_memory_equal(secret.bytes, peer.secret, secret.len);
      assert_memory_equal(keys.key, peer.key, sizeof keys.key);
      assert_memory_equal(keys.iv, peer.iv, sizeof keys.iv);
      assert_int_equal(keys.sequence, update ? 0 : 3);
      tls_peer_update(&peer);
      assert_true(tls_secret_update(&secret, &keys, &pool));
    }
    tls_aead_end(&keys);
  }
}

static void test_misfits(void **state) {
  static const struct {
    const char *secret;
    enum tls_aead_cipher cipher;
  } rows[] = {
      {"", TLS_AEAD_AES_128},      {HEX_48, TLS_AEAD_AES_128}, {HEX_32, TLS_AEAD_AES_256},
      {HEX_48, TLS_AEAD_CHACHA20}, {HEX_32, TLS_AEAD_NONE},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct tls_secret secret = secret_of(rows[i].secret);
    struct tls_aead keys = {0};
    assert_false(tls_secret_begin(&secret, &keys, &pool, rows[i].cipher, 0));
    assert_false(tls_aead_is_on(&keys));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set),
      cmocka_unit_test(test_known_keys),
      cmocka_unit_test(test_updates),
      cmocka_unit_test(test_misfits),
  };
  tls_aead_pool_init(&pool);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_aead_pool_destroy(&pool);
  return failed;
}
