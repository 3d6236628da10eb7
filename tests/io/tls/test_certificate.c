/*
 * tls/test_certificate.c - the self-signed certificate's content, and every way in which files can
 * be wrong.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/limits.h"

static struct io_error error;
static char directory[] = "/tmp/weir_test_certificate_XXXXXX";

static const char *at(const char *name) {
  static char text[4][200];
  static unsigned turn;
  char *out = text[turn++ % 4];
  snprintf(out, sizeof text[0], "%s/%s", directory, name);
  return out;
}

static FILE *create(const char *name) {
  FILE *file = fopen(at(name), "w");
  assert_non_null(file);
  return file;
}

static void put_text(const char *name, const char *text) {
  FILE *file = create(name);
  fputs(text, file);
  fclose(file);
}

static void put_key(const char *name, EVP_PKEY *key, bool encrypted) {
  FILE *file = create(name);
  PEM_write_PKCS8PrivateKey(file, key, encrypted ? EVP_aes_256_cbc() : NULL, "pass", 4, NULL, NULL);
  fclose(file);
}

static void put_leaf(const char *name, X509 *leaf, X509 *next) {
  FILE *file = create(name);
  PEM_write_X509(file, leaf);
  if (next) PEM_write_X509(file, next);
  fclose(file);
}

static void make(struct certificate *certificate) {
  if (!certificate_self_signed(certificate, &error)) fail_msg("%s", error.text);
}

/* ---- self-signed ----------------------------------------------------------------------------- */

static void test_self_signed(void **state) {
  (void)state;
  struct certificate a, b;
  char host[256] = "";
  make(&a);
  make(&b);
  assert_int_equal(X509_verify(a.leaf, X509_get0_pubkey(a.leaf)), 1);
  assert_int_equal(EVP_PKEY_get_bits(a.key), 256);
  assert_int_equal(X509_check_host(a.leaf, "localhost", 0, 0, NULL), 1);
  assert_int_equal(X509_check_ip_asc(a.leaf, "127.0.0.1", 0), 1);
  assert_int_equal(X509_check_ip_asc(a.leaf, "::1", 0), 1);
  assert_int_equal(X509_check_ip_asc(a.leaf, "127.0.0.2", 0), 0);
  gethostname(host, sizeof host - 1);
  if (strlen(host) <= 63) assert_int_equal(X509_check_host(a.leaf, host, 0, 0, NULL), 1);
  assert_int_equal(X509_check_ca(a.leaf), 0);
  int days, seconds;
  assert_int_equal(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(a.leaf)), 1);
  assert_in_range(days, CERTIFICATE_DAYS - 1, CERTIFICATE_DAYS);
  assert_true(X509_cmp_current_time(X509_get0_notBefore(a.leaf)) < 0);
  assert_true(ASN1_INTEGER_cmp(X509_get0_serialNumber(a.leaf), X509_get0_serialNumber(b.leaf)));
  assert_string_not_equal(a.fingerprint, b.fingerprint);
  certificate_free(&a);
  certificate_free(&b);
  certificate_free(&a); /* empty is allowed */
}

/* The fingerprint is what `openssl x509 -fingerprint -sha256` prints. */
static void test_fingerprint(void **state) {
  (void)state;
  struct certificate a;
  char command[300], line[200] = "";
  make(&a);
  put_leaf("leaf", a.leaf, NULL);
  snprintf(command, sizeof command, "openssl x509 -noout -fingerprint -sha256 -in %s", at("leaf"));
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  assert_non_null(fgets(line, sizeof line, pipe));
  pclose(pipe);
  assert_int_equal(strlen(a.fingerprint), 95);
  assert_non_null(strstr(line, a.fingerprint));
  certificate_free(&a);
}

/* ---- from files ------------------------------------------------------------------------------ */

static void make_files(void) {
  struct certificate a, b;
  make(&a);
  make(&b);
  put_leaf("leaf", a.leaf, NULL);
  put_leaf("chain", a.leaf, b.leaf);
  put_key("key", a.key, false);
  put_key("other-key", b.key, false);
  put_key("locked-key", a.key, true);
  FILE *both = create("both");
  PEM_write_PrivateKey(both, a.key, NULL, NULL, 0, NULL, NULL);
  PEM_write_X509(both, a.leaf);
  fclose(both);
  put_text("empty", "");
  put_text("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  put_text("text", "hello\n");
  FILE *damaged = create("damaged-chain");
  PEM_write_X509(damaged, a.leaf);
  fputs("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", damaged);
  fclose(damaged);
  EVP_PKEY *weak = EVP_RSA_gen(1024);
  X509_set_pubkey(b.leaf, weak);
  X509_sign(b.leaf, weak, EVP_sha256());
  put_leaf("weak", b.leaf, NULL);
  put_key("weak-key", weak, false);
  EVP_PKEY_free(weak);
  X509_gmtime_adj(X509_getm_notAfter(a.leaf), -10);
  X509_sign(a.leaf, a.key, EVP_sha256());
  put_leaf("expired", a.leaf, NULL);
  X509_gmtime_adj(X509_getm_notAfter(a.leaf), 100000);
  X509_gmtime_adj(X509_getm_notBefore(a.leaf), 50000);
  X509_sign(a.leaf, a.key, EVP_sha256());
  put_leaf("early", a.leaf, NULL);
  certificate_free(&a);
  certificate_free(&b);
}

/* Reads a text; "" for what is no file. */
static const char *text_of(const char *name) {
  static char text[2][8000];
  static unsigned turn;
  char *out = text[turn++ % 2];
  FILE *file = fopen(at(name), "r");
  size_t len = file ? fread(out, 1, sizeof text[0] - 1, file) : 0;
  if (file) fclose(file);
  out[len] = 0;
  return out;
}

/* As files or as texts. */
static void test_load(void **state) {
  bool as_text = *state;
  static const struct {
    const char *certificate, *key;
    const char *error;   /* part of it; NULL: loads */
    const char *named;   /* the file named in the error */
    const char *warning; /* part of it; "" for none */
    int chain;
  } rows[] = {
      {"leaf", "key", NULL, NULL, "", 0},
      {"chain", "key", NULL, NULL, "", 1},
      {"both", "both", NULL, NULL, "", 0},
      {"expired", "key", NULL, NULL, "has expired", 0},
      {"early", "key", NULL, NULL, "not valid yet", 0},
      {"nowhere", "key", "No such file or directory", "nowhere", "", 0},
      {"leaf", "nowhere", "No such file or directory", "nowhere", "", 0},
      {"empty", "key", "not a PEM certificate", "empty", "", 0},
      {"text", "key", "not a PEM certificate", "text", "", 0},
      {"garbage", "key", "not a PEM certificate", "garbage", "", 0},
      {"key", "key", "not a PEM certificate", "key", "", 0},
      {"damaged-chain", "key", "damaged", "damaged-chain", "", 0},
      {"leaf", "empty", "not a PEM private key", "empty", "", 0},
      {"leaf", "leaf", "not a PEM private key", "leaf", "", 0},
      {"leaf", "locked-key", "is encrypted", "locked-key", "", 0},
      {"leaf", "other-key", "does not belong to", "other-key", "", 0},
      {"weak", "weak-key", "key too small", "weak", "", 0},
      {"leaf", ".", "Is a directory", ".", "", 0},
  };
  make_files();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct certificate certificate;
    error.text[0] = 0;
    bool missing = rows[i].named && (!strcmp(rows[i].named, "nowhere") || *rows[i].named == '.');
    if (as_text && missing) continue;
    bool ok =
        as_text ? certificate_read(&certificate, text_of(rows[i].certificate), text_of(rows[i].key),
                                   "TEXT", &error)
                : certificate_load(&certificate, at(rows[i].certificate), at(rows[i].key), &error);
    if (ok != (rows[i].error == NULL))
      fail_msg("%s + %s: %s", rows[i].certificate, rows[i].key, ok ? "loaded" : error.text);
    if (!ok) {
      const char *named = as_text ? "TEXT" : at(rows[i].named);
      if (!strstr(error.text, rows[i].error) || !strstr(error.text, named) ||
          strchr(error.text, '\n'))
        fail_msg("%s + %s: '%s'", rows[i].certificate, rows[i].key, error.text);
      assert_null(certificate.leaf);
      continue;
    }
    if (!strstr(certificate.warning, rows[i].warning) ||
        (!*rows[i].warning && *certificate.warning))
      fail_msg("%s: warning '%s'", rows[i].certificate, certificate.warning);
    assert_int_equal(sk_X509_num(certificate.chain), rows[i].chain);
    assert_int_equal(strlen(certificate.fingerprint), 95);
    certificate_free(&certificate);
  }
}

static int clean_up(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -r %s", directory);
  return system(command);
}

static int set_up(void **state) {
  (void)state;
  return mkdtemp(directory) == NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_self_signed),
      cmocka_unit_test(test_fingerprint),
      cmocka_unit_test_prestate(test_load, NULL),
      cmocka_unit_test_prestate(test_load, directory),
  };
  return cmocka_run_group_tests(tests, set_up, clean_up);
}
