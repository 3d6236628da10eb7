/*
 * tls/test_schedule.c - the function of weir's provider beside OpenSSL's own.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "io/tls/schedule.h"
#include "tests/support/cmocka.h"
#include "tests/support/random.h"

enum { WITHOUT = 1 << 20 }; /* in place of a length: the parameter is not there */

/* Lengths of what is asked for; -1 for `mode`: there is none. */
struct ask {
  const char *name;
  int mode;
  const char *digest, *label;
  size_t key, salt, data, out;
};

struct answer {
  bool made;
  uint8_t bytes[128];
};

static const char *const owners[] = {"provider=default", TLS_SCHEDULE_QUERY};

static void add(OSSL_PARAM **param, const char *name, uint8_t *bytes, size_t len) {
  if (len != WITHOUT) *(*param)++ = OSSL_PARAM_construct_octet_string(name, bytes, len);
}

static struct answer answer_of(const char *owner, const struct ask *ask, uint64_t seed) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", owner);
  EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
  struct random random = {seed};
  struct answer answer = {0};
  uint8_t bytes[3][64];
  OSSL_PARAM params[8], *param = params;
  int mode = ask->mode;
  assert_non_null(context);
  assert_string_equal(EVP_KDF_get0_description(kdf) ? EVP_KDF_get0_description(kdf) : "",
                      owner == owners[1] ? "weir's" : "");
  for (size_t i = 0; i < sizeof bytes; i++)
    ((uint8_t *)bytes)[i] = (uint8_t)random_next(&random);
  if (mode >= 0) *param++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  if (ask->digest)
    *param++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)ask->digest, 0);
  add(&param, OSSL_KDF_PARAM_KEY, bytes[0], ask->key);
  add(&param, OSSL_KDF_PARAM_SALT, bytes[1], ask->salt);
  add(&param, OSSL_KDF_PARAM_DATA, bytes[2], ask->data);
  add(&param, OSSL_KDF_PARAM_PREFIX, (uint8_t *)"tls13 ", 6);
  add(&param, OSSL_KDF_PARAM_LABEL, (uint8_t *)ask->label, strlen(ask->label));
  *param = OSSL_PARAM_construct_end();
  answer.made = EVP_KDF_derive(context, answer.bytes, ask->out, params) == 1;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return answer;
}

static const int expand = EVP_KDF_HKDF_MODE_EXPAND_ONLY, extract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;

static void test_same_as_openssl(void **state) {
  const struct ask rows[] = {
      {"a secret", expand, "SHA2-256", "c hs traffic", 32, WITHOUT, 32, 32},
      {"a secret, SHA-384", expand, "SHA2-384", "s hs traffic", 48, WITHOUT, 48, 48},
      {"a key", expand, "SHA2-256", "key", 32, WITHOUT, WITHOUT, 16},
      {"an IV", expand, "SHA2-384", "iv", 48, WITHOUT, WITHOUT, 12},
      {"without context", expand, "SHA2-256", "finished", 32, WITHOUT, 0, 32},
      {"exported, long", expand, "SHA2-256", "exporter", 32, WITHOUT, 32, 100},
      {"the first", extract, "SHA2-256", "derived", WITHOUT, WITHOUT, WITHOUT, 32},
      {"the first, of a ticket", extract, "SHA2-384", "derived", 48, WITHOUT, WITHOUT, 48},
      {"the handshake's", extract, "SHA2-256", "derived", 32, 32, WITHOUT, 32},
      {"the handshake's, of a longer input", extract, "SHA2-256", "derived", 64, 32, WITHOUT, 32},
      {"the master's", extract, "SHA2-384", "derived", WITHOUT, 48, WITHOUT, 48},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct answer theirs = answer_of(owners[0], &rows[i], i + 1);
    struct answer ours = answer_of(owners[1], &rows[i], i + 1);
    assert_true(theirs.made);
    if (!ours.made || memcmp(ours.bytes, theirs.bytes, sizeof ours.bytes) != 0)
      fail_msg("%s: %s", rows[i].name, ours.made ? "another secret" : "none");
  }
}

static void test_refused(void **state) {
  const struct ask rows[] = {
      {"no mode", -1, "SHA2-256", "key", 32, WITHOUT, 32, 32},
      {"both at once", EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, "SHA2-256", "key", 32, 32, 32, 32},
      {"no digest", expand, NULL, "key", 32, WITHOUT, 32, 32},
      {"another digest", expand, "SHA2-512", "key", 32, WITHOUT, 32, 32},
      {"a long key", expand, "SHA2-256", "key", 33, WITHOUT, 32, 32},
      {"a long salt", extract, "SHA2-256", "derived", 32, 33, WITHOUT, 32},
      {"a short secret", extract, "SHA2-256", "derived", 32, 32, WITHOUT, 31},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (answer_of(owners[1], &rows[i], 1).made) fail_msg("%s: accepted", rows[i].name);
}

static void test_notes(void **state) {
  static const struct {
    const char *label;
    bool client, server;
  } rows[] = {
      {"c ap traffic", true, false},
      {"s ap traffic", false, true},
      {"c hs traffic", false, false},
      {"c ap traffic2", false, false},
      {"", false, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct ask ask = {"", expand, "SHA2-256", rows[i].label, 32, WITHOUT, 32, 32};
    struct tls_secrets secrets = {0};
    tls_schedule_note(&secrets);
    struct answer answer = answer_of(owners[1], &ask, 1);
    tls_schedule_note(NULL);
    assert_true(answer.made);
    assert_int_equal(secrets.client.len, rows[i].client ? 32 : 0);
    assert_int_equal(secrets.server.len, rows[i].server ? 32 : 0);
    assert_memory_equal(secrets.client.bytes, answer.bytes, secrets.client.len);
    assert_memory_equal(secrets.server.bytes, answer.bytes, secrets.server.len);
    const struct tls_secrets before = secrets;
    assert_true(answer_of(owners[1], &ask, 2).made); /* not noted */
    assert_memory_equal(&secrets, &before, sizeof secrets);
  }
}

/* Whatever else is asked for with the same words is found as without them. */
static void test_others(void **state) {
  (void)state;
  EVP_MD *digest = EVP_MD_fetch(NULL, "SHA256", TLS_SCHEDULE_QUERY);
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", TLS_SCHEDULE_QUERY);
  assert_non_null(digest);
  assert_non_null(kdf);
  EVP_MD_free(digest);
  EVP_KDF_free(kdf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_as_openssl),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_notes),
      cmocka_unit_test(test_others),
  };
  tls_schedule_install();
  tls_schedule_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
