/*
 * tls/trust.c - see tls/trust.h.
 */
#include "io/tls/trust.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/base/error.h"
#include "io/tls/refused.h"

/* Trusts the authorities of a PEM text. */
static bool trust(SSL_CTX *ssl, const char *pem, struct io_error *error) {
  X509_STORE *store = SSL_CTX_get_cert_store(ssl);
  BIO *bio = BIO_new_mem_buf(pem, -1);
  X509 *authority = NULL;
  unsigned count = 0;
  bool good = bio != NULL;
  while (good && (authority = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
    good = X509_STORE_add_cert(store, authority) == 1;
    X509_free(authority);
    count++;
  }
  unsigned long last = ERR_peek_last_error(); /* the end of the text shows as PEM_R_NO_START_LINE */
  good = good && count > 0 && ERR_GET_LIB(last) == ERR_LIB_PEM &&
         ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  BIO_free(bio);
  if (!good) return tls_refused(error, "certificate authorities");
  ERR_clear_error();
  return true;
}

/* The authorities that we trust. */
static bool set_authorities(SSL_CTX *ssl, const struct tls_settings *settings,
                            struct io_error *error) {
  if (settings->ca_pem) return trust(ssl, settings->ca_pem, error);
  if (settings->ca_path && SSL_CTX_load_verify_file(ssl, settings->ca_path) != 1)
    return tls_refused(error, settings->ca_path);
  if (!settings->ca_path && SSL_CTX_set_default_verify_paths(ssl) != 1)
    return tls_refused(error, "the system's certificate authorities");
  return true;
}

/* Tells clients which authorities we trust, so that they choose a certificate of theirs. Adds the names to the
 * digest. */
static bool name_authorities(SSL_CTX *ssl, EVP_MD_CTX *digest) {
  STACK_OF(X509) *all = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(ssl));
  bool good = all != NULL;
  for (int i = 0; i < sk_X509_num(all) && good; i++) {
    X509 *authority = sk_X509_value(all, i);
    unsigned char name[EVP_MAX_MD_SIZE];
    unsigned len;
    good = SSL_CTX_add_client_CA(ssl, authority) == 1 &&
           X509_digest(authority, EVP_sha256(), name, &len) == 1 &&
           EVP_DigestUpdate(digest, name, len) == 1;
  }
  sk_X509_pop_free(all, X509_free);
  return good;
}

/* Sessions are good at servers that ask the same of clients: a ticket of one that asks for no certificate, and has the
 * same ticket keys, must not get around one that does. */
static bool set_session_context(SSL_CTX *ssl, const struct tls_settings *settings) {
  unsigned char id[SSL_MAX_SSL_SESSION_ID_LENGTH] = "weir";
  unsigned len = 4;
  bool good = true;
  if (settings->verify) {
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    unsigned char wanted[EVP_MAX_MD_SIZE];
    good = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
           EVP_DigestUpdate(digest, &settings->require, sizeof settings->require) == 1 &&
           name_authorities(ssl, digest) && EVP_DigestFinal_ex(digest, wanted, &len) == 1;
    if (good) memcpy(id, wanted, len = sizeof id);
    EVP_MD_CTX_free(digest);
  }
  return good && SSL_CTX_set_session_id_context(ssl, id, len) == 1;
}

static bool set_clients(SSL_CTX *ssl, const struct tls_settings *settings, struct io_error *error) {
  int mode = SSL_VERIFY_PEER | (settings->require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
  if (settings->verify && !set_authorities(ssl, settings, error)) return false;
  if (settings->verify) SSL_CTX_set_verify(ssl, mode, NULL);
  return set_session_context(ssl, settings) || tls_refused(error, "session context");
}

static bool set_servers(SSL_CTX *ssl, const struct tls_settings *settings, struct io_error *error) {
  SSL_CTX_set_verify(ssl, settings->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
  return !settings->verify || set_authorities(ssl, settings, error);
}

bool tls_trust_set(SSL_CTX *ssl, const struct tls_settings *settings, struct io_error *error) {
  return (settings->client ? set_servers : set_clients)(ssl, settings, error);
}

bool tls_trust_expect(SSL *ssl, const char *name) {
  struct in6_addr address;
  if (!*name) return true;
  if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1)
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
  return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

bool tls_trust_verified(const SSL *ssl) {
  bool asked = SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
  return asked && SSL_get0_peer_certificate(ssl) && SSL_get_verify_result(ssl) == X509_V_OK;
}
