/*
 * tls/certificate.c - reads PEM files and checks them; makes self-signed certificates.
 */
#include "io/tls/certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/base/error.h"
#include "io/tls/limits.h"

/* The text of OpenSSL's latest complaint. */
static const char *openssl_reason(void) {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason ? reason : "no reason given";
}

/* No person is there to type a passphrase: an encrypted key is an error, not a prompt. */
static int refuse_passphrase(char *buffer, int size, int writing, void *asked) {
  (void)buffer, (void)size, (void)writing;
  *(bool *)asked = true;
  return -1;
}

/* A time that cannot be read is one that is over. */
static int64_t seconds_of(const ASN1_TIME *time) {
  struct tm parts;
  return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : INT64_MIN;
}

static void describe(struct certificate *certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  char *text = certificate->fingerprint;
  certificate->expires_seconds = seconds_of(X509_get0_notAfter(certificate->leaf));
  X509_digest(certificate->leaf, EVP_sha256(), digest, &len);
  for (unsigned i = 0; i < len && i < 32; i++)
    text += sprintf(text, i ? ":%02X" : "%02X", digest[i]);
}

/* ---- from files ------------------------------------------------------------------------------ */

/* Reads one byte and puts it back: a directory, for one, can be opened but not read. */
static bool can_read(FILE *file) {
  int first = getc(file);
  if (first != EOF) ungetc(first, file);
  return !ferror(file);
}

static BIO *open_file(const char *what, const char *path, struct io_error *error) {
  FILE *file = fopen(path, "re");
  if (!file || !can_read(file)) {
    io_error_set(error, errno, "cannot read %s %s: %s", what, path, strerror(errno));
    if (file) fclose(file);
    return NULL;
  }
  BIO *bio = BIO_new_fp(file, BIO_CLOSE);
  if (bio) return bio;
  io_error_set(error, errno, "cannot read %s %s: no memory", what, path);
  fclose(file);
  return NULL;
}

/* The intermediates that follow the leaf. The end of the file shows as PEM_R_NO_START_LINE. */
static bool read_chain(struct certificate *certificate, BIO *bio) {
  certificate->chain = sk_X509_new_null();
  X509 *next;
  while (certificate->chain && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
    if (!sk_X509_push(certificate->chain, next)) return X509_free(next), false;
  unsigned long last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE) return false;
  ERR_clear_error();
  return true;
}

/* `path` is a file, or names where the text is from. Frees `bio`, which may be NULL. */
static bool read_certificates(struct certificate *certificate, BIO *bio, const char *path,
                              struct io_error *error) {
  if (!bio) return false;
  certificate->leaf = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
  bool whole = certificate->leaf && read_chain(certificate, bio);
  BIO_free(bio);
  if (!certificate->leaf)
    return io_error_set(error, 0, "certificate %s: not a PEM certificate (%s)", path,
                        openssl_reason());
  if (!whole)
    return io_error_set(error, 0, "certificate %s: a certificate after the first is damaged (%s)",
                        path, openssl_reason());
  return true;
}

static bool read_key(struct certificate *certificate, BIO *bio, const char *path,
                     struct io_error *error) {
  bool asked = false;
  if (!bio) return false;
  certificate->key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &asked);
  BIO_free(bio);
  if (certificate->key) return true;
  if (asked)
    return io_error_set(error, 0,
                        "private key %s: is encrypted; decrypt it first, for example "
                        "with openssl pkey",
                        path);
  return io_error_set(error, 0, "private key %s: not a PEM private key (%s)", path,
                      openssl_reason());
}

static void check_dates(struct certificate *certificate, const char *path) {
  const char *problem = NULL;
  if (X509_cmp_current_time(X509_get0_notAfter(certificate->leaf)) < 0)
    problem = "has expired";
  else if (X509_cmp_current_time(X509_get0_notBefore(certificate->leaf)) > 0)
    problem = "is not valid yet";
  if (problem)
    snprintf(certificate->warning, sizeof certificate->warning, "certificate %s %s", path, problem);
}

/* Whether TLS would take it: OpenSSL refuses some key sizes and signatures. */
static bool check_use(const struct certificate *certificate, const char *path,
                      struct io_error *error) {
  SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
  bool ok = trial && SSL_CTX_use_cert_and_key(trial, certificate->leaf, certificate->key,
                                              certificate->chain, 1) == 1;
  SSL_CTX_free(trial);
  return ok ||
         io_error_set(error, 0, "certificate %s: OpenSSL refuses it (%s)", path, openssl_reason());
}

/* Checks what was read. */
static bool take(struct certificate *certificate, const char *certificate_path,
                 const char *key_path, struct io_error *error) {
  if (X509_check_private_key(certificate->leaf, certificate->key) != 1)
    return io_error_set(error, 0, "private key %s does not belong to certificate %s", key_path,
                        certificate_path);
  if (!check_use(certificate, certificate_path, error)) return false;
  check_dates(certificate, certificate_path);
  describe(certificate);
  return true;
}

static bool give_up(struct certificate *certificate) {
  certificate_free(certificate);
  ERR_clear_error();
  return false;
}

bool certificate_load(struct certificate *certificate, const char *certificate_path,
                      const char *key_path, struct io_error *error) {
  *certificate = (struct certificate){0};
  ERR_clear_error();
  bool has_leaf = read_certificates(certificate, open_file("certificate", certificate_path, error),
                                    certificate_path, error);
  bool has_key =
      has_leaf && read_key(certificate, open_file("private key", key_path, error), key_path, error);
  if (has_key && take(certificate, certificate_path, key_path, error)) return true;
  (void)give_up(certificate);
  certificate->key_refused = has_leaf && !has_key;
  return false;
}

bool certificate_authorities_try(const char *path, struct io_error *error) {
  BIO *file = open_file("certificates", path, error);
  if (!file) return false;
  BIO_free(file);
  SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
  bool good = (trial && SSL_CTX_load_verify_file(trial, path) == 1) ||
              io_error_set(error, 0, "certificates %s: %s", path, openssl_reason());
  SSL_CTX_free(trial);
  ERR_clear_error();
  return good;
}

static BIO *open_text(const char *text, const char *name, struct io_error *error) {
  BIO *bio = BIO_new_mem_buf(text, -1);
  if (!bio) io_error_set(error, 0, "cannot read %s: no memory", name);
  return bio;
}

bool certificate_read(struct certificate *certificate, const char *certificate_pem,
                      const char *key_pem, const char *name, struct io_error *error) {
  *certificate = (struct certificate){0};
  ERR_clear_error();
  return (read_certificates(certificate, open_text(certificate_pem, name, error), name, error) &&
          read_key(certificate, open_text(key_pem, name, error), name, error) &&
          take(certificate, name, name, error)) ||
         give_up(certificate);
}

/* ---- self-signed ----------------------------------------------------------------------------- */

/* 159 random bits and a first bit that is set: positive and never zero. RFC 5280 section 4.1.2.2. */
static bool set_serial(X509 *leaf) {
  unsigned char bytes[20];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
  BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
  bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(leaf));
  BN_free(number);
  return ok;
}

static bool add_extension(X509 *leaf, X509V3_CTX *context, int kind, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, kind, value);
  bool ok = extension && X509_add_ext(leaf, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

/* A host name goes into a configuration string, so only what a DNS name may hold is let through. */
static bool is_plain_name(const char *name) {
  size_t len = strlen(name);
  return len > 0 && len <= 63 &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len &&
         strcmp(name, "localhost") != 0;
}

static bool add_extensions(X509 *leaf) {
  char host[256] = "", names[400];
  if (gethostname(host, sizeof host - 1) != 0) host[0] = 0;
  bool plain = is_plain_name(host);
  snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s", plain ? ",DNS:" : "",
           plain ? host : "");
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, leaf, leaf, NULL, NULL, 0);
  /* CA:FALSE, although it signs itself: several clients refuse an authority as a server's own. */
  return add_extension(leaf, &context, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(leaf, &context, NID_key_usage, "critical,digitalSignature") &&
         add_extension(leaf, &context, NID_ext_key_usage, "serverAuth") &&
         add_extension(leaf, &context, NID_subject_key_identifier, "hash") &&
         add_extension(leaf, &context, NID_subject_alt_name, names);
}

static bool fill_leaf(X509 *leaf, EVP_PKEY *key) {
  X509_NAME *name = X509_get_subject_name(leaf);
  return X509_set_version(leaf, X509_VERSION_3) == 1 && set_serial(leaf) &&
         X509_gmtime_adj(X509_getm_notBefore(leaf), -3600) &&
         X509_gmtime_adj(X509_getm_notAfter(leaf), CERTIFICATE_DAYS * 86400L) &&
         X509_set_pubkey(leaf, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost",
                                    -1, -1, 0) == 1 &&
         X509_set_issuer_name(leaf, name) == 1 && add_extensions(leaf) &&
         X509_sign(leaf, key, EVP_sha256()) > 0;
}

bool certificate_self_signed(struct certificate *certificate, struct io_error *error) {
  *certificate = (struct certificate){0};
  ERR_clear_error();
  certificate->key = EVP_EC_gen("P-256");
  certificate->leaf = X509_new();
  if (!certificate->key || !certificate->leaf || !fill_leaf(certificate->leaf, certificate->key)) {
    io_error_set(error, 0, "cannot make a self-signed certificate: %s", openssl_reason());
    certificate_free(certificate);
    ERR_clear_error();
    return false;
  }
  describe(certificate);
  return true;
}

bool certificate_share(const struct certificate *certificate, struct certificate *out) {
  STACK_OF(X509) *chain = certificate->chain ? X509_chain_up_ref(certificate->chain) : NULL;
  *out = (struct certificate){0};
  if (certificate->chain && !chain) return false;
  *out = *certificate;
  out->chain = chain;
  X509_up_ref(out->leaf);
  EVP_PKEY_up_ref(out->key);
  return true;
}

void certificate_free(struct certificate *certificate) {
  X509_free(certificate->leaf);
  sk_X509_pop_free(certificate->chain, X509_free);
  EVP_PKEY_free(certificate->key);
  *certificate = (struct certificate){0};
}
