/*
 * support/certificates.c - see support/certificates.h.
 */
#include "tests/support/certificates.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tests/support/cmocka.h"

static EVP_PKEY *make_key(const char *kind) {
  EVP_PKEY *key = !kind || strcmp(kind, "EC") == 0 ? EVP_EC_gen("P-256")
                  : strcmp(kind, "RSA") == 0       ? EVP_RSA_gen(2048)
                                                   : EVP_PKEY_Q_keygen(NULL, NULL, kind);
  assert_non_null(key);
  return key;
}

static void set_names(X509 *leaf, const struct certificate_wish *wish) {
  if (wish->common_name)
    X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf), "CN", MBSTRING_ASC,
                               (const unsigned char *)wish->common_name, -1, -1, 0);
  if (!wish->names) return;
  X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, wish->names);
  assert_non_null(names);
  X509_add_ext(leaf, names, -1);
  X509_EXTENSION_free(names);
}

static void set_dates(X509 *leaf, const struct certificate_wish *wish) {
  long begins = wish->begins_seconds, ends = wish->ends_seconds;
  X509_gmtime_adj(X509_getm_notBefore(leaf), begins || ends ? begins : -3600);
  X509_gmtime_adj(X509_getm_notAfter(leaf), begins || ends ? ends : 86400);
}

void certificate_make(struct certificate *out, const struct certificate_wish *wish) {
  const struct certificate *signer = wish->signer;
  int64_t serial;
  *out = (struct certificate){.key = make_key(wish->kind), .leaf = X509_new()};
  assert_int_equal(RAND_bytes((unsigned char *)&serial, sizeof serial), 1);
  X509_set_version(out->leaf, X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(out->leaf), serial & INT64_MAX);
  X509_set_pubkey(out->leaf, out->key);
  set_names(out->leaf, wish);
  set_dates(out->leaf, wish);
  X509_set_issuer_name(out->leaf, X509_get_subject_name(signer ? signer->leaf : out->leaf));
  EVP_PKEY *key = signer ? signer->key : out->key;
  const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
  assert_true(X509_sign(out->leaf, key, digest) > 0);
}

void certificate_write(const struct certificate *certificate, const char *certificate_path,
                       const char *key_path) {
  if (certificate_path) {
    FILE *file = fopen(certificate_path, "w");
    assert_non_null(file);
    PEM_write_X509(file, certificate->leaf);
    for (int i = 0; i < sk_X509_num(certificate->chain); i++)
      PEM_write_X509(file, sk_X509_value(certificate->chain, i));
    fclose(file);
  }
  if (!key_path) return;
  FILE *file = fopen(key_path, "w");
  assert_non_null(file);
  PEM_write_PrivateKey(file, certificate->key, NULL, NULL, 0, NULL, NULL);
  fclose(file);
}
