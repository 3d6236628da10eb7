/*
 * tls/certificate.h - a certificate chain with its private key, from files or made on the spot.
 * Spec: RFC 5280 (the certificate), RFC 9525 (which names it is good for).
 *
 * Ownership: the struct owns the OpenSSL objects it points to; certificate_free() frees them. It is
 * read-only once filled, so several tls_contexts may borrow one.
 *
 * Errors are one readable line without a newline, which names the file, written to `error`; the
 * struct then holds nothing and needs no certificate_free().
 */
#ifndef WEIR_CERTIFICATE_H
#define WEIR_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_error;

struct certificate {
  struct x509_st *leaf;
  struct stack_st_X509 *chain; /* intermediates, in the order of the file; may be empty or NULL */
  struct evp_pkey_st *key;
  char fingerprint[96];    /* SHA-256 of the leaf: 32 upper-case hex pairs with colons between */
  char warning[256];       /* "" or one line to show: expired, not yet valid */
  int64_t expires_seconds; /* since 1970 */
  bool key_refused; /* after certificate_load() has failed: because of the key's file alone */
};

/* Makes a certificate that is signed by its own key: ECDSA P-256, a random serial number, valid
 * from an hour ago (clocks differ) for 90 days, for localhost, 127.0.0.1, ::1 and this host's name.
 * False when OpenSSL refuses (no randomness, no memory). */
__attribute__((warn_unused_result)) bool certificate_self_signed(struct certificate *certificate,
                                                                 struct io_error *error);

/* Reads a PEM chain (leaf first) and a PEM private key, perhaps from the same file, and checks that
 * they belong together. False when a file cannot be read, holds no such object, the key is
 * encrypted (no person is asked for a passphrase), the two do not match, or OpenSSL
 * refuses them for TLS (a key that is too short, say). */
__attribute__((warn_unused_result)) bool certificate_load(struct certificate *certificate,
                                                          const char *certificate_path,
                                                          const char *key_path,
                                                          struct io_error *error);

/* The same from PEM texts; `name` says where they are from, in messages. */
__attribute__((warn_unused_result)) bool certificate_read(struct certificate *certificate,
                                                          const char *certificate_pem,
                                                          const char *key_pem, const char *name,
                                                          struct io_error *error);

/* Whether the file could be given as tls_settings.ca_path. False when it cannot be read or holds no PEM certificate. */
__attribute__((warn_unused_result)) bool certificate_authorities_try(const char *path,
                                                                     struct io_error *error);

/* Makes `out` a second owner of the same objects. False, and nothing is held, when memory was refused. */
__attribute__((warn_unused_result)) bool certificate_share(const struct certificate *certificate,
                                                           struct certificate *out);

/* Frees what the struct owns; a zeroed struct is allowed. */
void certificate_free(struct certificate *certificate);

#endif
