/*
 * tls/test_seal.c - records that pass by OpenSSL: who gets them, after what they no longer do, and the cipher
 * contexts that connections share.
 */
#include <string.h>

#include <linux/tls.h>
#include <openssl/ssl.h>

#include "io/tls/limits.h"
#include "io/tls/seal.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_pair.h"

static void expect_all(const struct tls_pair *pair, uint64_t up, uint64_t down) {
  assert_int_equal(pair->server.end.received, up);
  assert_int_equal(pair->client.end.received, down);
  assert_int_equal(pair->server.end.wrong + pair->client.end.wrong, 0);
}

/* ---- on connections -------------------------------------------------------------------------- */

/* Whether sides have sealed is seen at the contexts that their factories lent. */
static void test_ciphers(void **state) {
  static const struct {
    int version;
    const char *suites_1_3;
    bool sealed;
  } rows[] = {
      {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", true},
      {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", true},
      {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", true},
      {TLS1_2_VERSION, NULL, false},
  };
  (void)state;
  for (size_t round = 0; round < 4 * sizeof rows / sizeof *rows; round++) {
    const size_t i = round / 4;
    struct tls_choice choice = tls_choice_plain;
    choice.version = rows[i].version;
    choice.suites_1_3 = rows[i].suites_1_3;
    choice.client_openssl = round & 1;
    choice.server_openssl = round & 2;
    choice.up_bytes = 100000;
    choice.down_bytes = 200000;
    struct tls_pair *pair = tls_pair_create(&choice);
    pair->server.end.span_bytes = 5000; /* several spans in a record */
    tls_pair_run(pair, 7, 30000);
    expect_all(pair, 100000, 200000);
    assert_int_equal(pair->server.factory.aeads.next > 0, rows[i].sealed);
    assert_int_equal(pair->client.factory.aeads.next > 0, rows[i].sealed);
    pair->client.end.done = pair->server.end.done = true; /* close_notify, sealed too */
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
    assert_string_equal(tls_machine_error(&pair->client.machine), "");
    tls_pair_free(pair);
  }
}

/* With OpenSSL on both sides, the KeyUpdate that was asked for goes with the next record, and OpenSSL encrypts from then
 * on. */
static void test_key_update(void **state) {
  static const struct {
    int kind;
    bool both;
  } rows[] = {{SSL_KEY_UPDATE_NOT_REQUESTED, false}, {SSL_KEY_UPDATE_REQUESTED, true}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_choice choice = tls_choice_plain;
    choice.up_bytes = choice.down_bytes = 50000;
    choice.client_openssl = choice.server_openssl = true;
    struct tls_pair *pair = tls_pair_create(&choice);
    SSL *client = NULL;
    tls_pair_run(pair, 0, 65536);
    client = tls_machine_ssl(&pair->client.machine);
    for (unsigned round = 1; round <= 3; round++) {
      assert_int_equal(SSL_key_update(client, rows[i].kind), 1);
      pair->client.end.send_total += 40000;
      tls_pair_run(pair, round, 30000);
      pair->server.end.send_total += 60000;
      tls_pair_run(pair, round, 30000);
      expect_all(pair, 50000 + 40000 * round, 50000 + 60000 * round);
      assert_int_equal(SSL_get_key_update_type(client), SSL_KEY_UPDATE_NONE);
    }
    assert_null(pair->client.factory.aeads.at[0].owner);
    assert_int_equal(pair->server.factory.aeads.at[0].owner == NULL, rows[i].both);
    tls_pair_free(pair);
  }
}

static unsigned key_updates;

static void count_key_updates(int written, int version, int type, const void *bytes, size_t len,
                              SSL *ssl, void *self) {
  (void)version, (void)ssl, (void)self;
  if (!written && type == SSL3_RT_HANDSHAKE && len > 0)
    key_updates += *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE;
}

/* After so many records there is another key: TLS_KEY_RECORDS, with OpenSSL and without. */
static void test_keys_are_renewed(void **state) {
  (void)state;
  for (int round = 0; round < 3; round++) {
    const int version = round ? TLS1_3_VERSION : TLS1_2_VERSION;
    struct tls_choice choice = tls_choice_plain;
    choice.version = version;
    choice.client_openssl = true;
    choice.server_openssl = round == 1;
    struct tls_pair *pair = tls_pair_create(&choice);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(pair->server.factory.key_records_max, TLS_KEY_RECORDS);
    pair->server.factory.key_records_max = 10;
    key_updates = 0;
    SSL_set_msg_callback(tls_machine_ssl(&pair->client.machine), count_key_updates);
    for (unsigned i = 0; i < 35; i++) {
      pair->server.end.send_total += 100;
      tls_pair_run(pair, 0, 65536);
    }
    expect_all(pair, 0, 35 * 100);
    assert_int_equal(key_updates, version == TLS1_3_VERSION ? 3 : 0);
    tls_pair_free(pair);
  }
}

/* ---- keys and contexts ----------------------------------------------------------------------- */

static struct tls12_crypto_info_aes_gcm_128 info_of(uint8_t key) {
  struct tls12_crypto_info_aes_gcm_128 info = {
      .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128},
      .salt = {1, 2, 3, 4},
      .rec_seq = {0, 0, 0, 0, 0, 0, 1, 2}};
  info.key[0] = key;
  return info;
}

static void test_kinds(void **state) {
  (void)state;
  static struct tls_aead_pool pool;
  struct tls_aead seal = {0};
  struct tls12_crypto_info_aes_gcm_128 info = info_of(1);
  tls_aead_pool_init(&pool);
  info.info.version = TLS_1_2_VERSION;
  assert_false(tls_seal_begin(&seal, &pool, &info));
  info.info.version = TLS_1_3_VERSION;
  info.info.cipher_type = TLS_CIPHER_AES_CCM_128;
  assert_false(tls_seal_begin(&seal, &pool, &info));
  assert_false(tls_aead_is_on(&seal));
  info.info.cipher_type = TLS_CIPHER_AES_GCM_128;
  assert_true(tls_seal_begin(&seal, &pool, &info));
  assert_true(tls_aead_is_on(&seal));
  assert_int_equal(seal.sequence, 258);
  tls_aead_end(&seal);
  assert_false(tls_aead_is_on(&seal));
  assert_int_equal(seal.key[0], 0);
  tls_aead_pool_destroy(&pool);
}

static void seal_one(struct tls_aead *seal, struct tls_aead_pool *pool, uint8_t out[27]) {
  const struct span text = span_of("hello", 5);
  assert_int_equal(tls_aead_bytes(5), 27);
  assert_true(tls_aead_seal(seal, pool, 23, &text, 5, out));
}

/* More connections than contexts: each record is what it would be if they did not share. */
static void test_contexts_are_shared(void **state) {
  enum { MANY = TLS_AEAD_CONTEXTS + 1 };
  (void)state;
  static struct tls_aead_pool pool, own;
  static struct tls_aead seals[MANY];
  tls_aead_pool_init(&pool);
  tls_aead_pool_init(&own);
  struct tls_aead alone = {0};
  const struct tls12_crypto_info_aes_gcm_128 seven = info_of(7);
  assert_true(tls_seal_begin(&alone, &own, &seven));
  for (unsigned i = 0; i < MANY; i++) {
    const struct tls12_crypto_info_aes_gcm_128 info = info_of(i % 2 ? 7 : 9);
    assert_true(tls_seal_begin(&seals[i], &pool, &info));
  }
  for (unsigned round = 0; round < 3; round++) {
    uint8_t expected[27], record[27];
    seal_one(&alone, &own, expected);
    for (unsigned i = 0; i < MANY; i++) {
      seal_one(&seals[i], &pool, record);
      assert_int_equal(memcmp(record, expected, sizeof record) == 0, i % 2);
    }
    seal_one(&seals[MANY - 2], &pool, record); /* of the same context, the next number */
    assert_memory_not_equal(record, expected, sizeof record);
    seals[MANY - 2].sequence--;
  }
  const uint32_t next = pool.next;
  seal_one(&seals[MANY - 1], &pool, (uint8_t[27]){0});
  assert_int_equal(pool.next, next); /* it has its context still */
  for (unsigned i = 0; i < MANY; i++)
    tls_aead_end(&seals[i]);
  for (unsigned i = 0; i < TLS_AEAD_CONTEXTS; i++)
    assert_null(pool.at[i].owner);
  tls_aead_end(&alone);
  assert_null(own.at[0].owner);
  assert_true(tls_seal_begin(&alone, &own, &seven));
  for (unsigned i = 0; i < TLS_AEAD_CONTEXTS; i++)
    seal_one(&alone, &own, (uint8_t[27]){0});
  tls_aead_end(&alone);
  tls_aead_pool_destroy(&pool);
  tls_aead_pool_destroy(&own);
}

static int setup(void **state) {
  (void)state;
  tls_pair_begin();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_pair_end();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ciphers),
      cmocka_unit_test(test_key_update),
      cmocka_unit_test(test_keys_are_renewed),
      cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_contexts_are_shared),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
