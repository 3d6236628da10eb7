/*
 * tls/test_secret.c - the lines of a key log, and the keys that are made of secrets.
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

/* ---- lines ----------------------------------------------------------------------------------- */

#define RANDOM "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7"
#define HEX_32 "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
#define HEX_48 HEX_32 "000102030405060708090a0b0c0d0e0f"

static void test_lines(void **state) {
  static const struct {
    const char *name, *line;
    uint8_t client, server; /* bytes of the secrets */
  } rows[] = {
      {"a client's", "CLIENT_TRAFFIC_SECRET_0 " RANDOM " " HEX_32, 32, 0},
      {"a server's", "SERVER_TRAFFIC_SECRET_0 " RANDOM " " HEX_48, 0, 48},
      {"capitals", "SERVER_TRAFFIC_SECRET_0 " RANDOM " ABCDEF", 0, 3},
      {"of the handshake", "CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " HEX_32, 0, 0},
      {"of TLS 1.2", "CLIENT_RANDOM " RANDOM " " HEX_48, 0, 0},
      {"another number", "CLIENT_TRAFFIC_SECRET_01 " RANDOM " " HEX_32, 0, 0},
      {"too long", "CLIENT_TRAFFIC_SECRET_0 " RANDOM " " HEX_48 "00", 0, 0},
      {"half a byte", "CLIENT_TRAFFIC_SECRET_0 " RANDOM " 123", 0, 0},
      {"no digits", "CLIENT_TRAFFIC_SECRET_0 " RANDOM " 12 4", 0, 0},
      {"no secret", "CLIENT_TRAFFIC_SECRET_0 " RANDOM, 0, 0},
      {"nothing", "", 0, 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_secrets secrets = {0};
    tls_secrets_note(&secrets, rows[i].line);
    if (secrets.client.len != rows[i].client || secrets.server.len != rows[i].server)
      fail_msg("%s: %d and %d bytes", rows[i].name, secrets.client.len, secrets.server.len);
  }
  struct tls_secrets secrets = {0};
  uint8_t expected[TLS_SECRET_BYTES_MAX];
  tls_secrets_note(&secrets, rows[0].line);
  tls_secrets_note(&secrets, rows[1].line);
  hex_decode(HEX_48, expected, sizeof expected);
  assert_memory_equal(secrets.client.bytes, expected, 32);
  assert_memory_equal(secrets.server.bytes, expected, 48);
  tls_secrets_wipe(&secrets);
  assert_int_equal(secrets.client.len + secrets.client.bytes[0] + secrets.server.bytes[0], 0);
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
      cmocka_unit_test(test_lines),
      cmocka_unit_test(test_known_keys),
      cmocka_unit_test(test_updates),
      cmocka_unit_test(test_misfits),
  };
  tls_aead_pool_init(&pool);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_aead_pool_destroy(&pool);
  return failed;
}
