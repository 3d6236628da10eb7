/*
 * support/certificates.h - certificates of any names, kinds of keys and dates, signed by themselves or by
 * another.
 */
#ifndef WEIR_TESTS_CERTIFICATES_H
#define WEIR_TESTS_CERTIFICATES_H

#include "io/tls/certificate.h"

struct certificate_wish {
  const char *kind;  /* of the key: "EC" (also for NULL), "RSA" or "ED25519" */
  const char *names; /* "DNS:a.test,DNS:*.b.test,IP:127.0.0.1"; NULL: no subjectAltName */
  const char *common_name;
  long begins_seconds, ends_seconds; /* from now; both 0: from an hour ago for a day */
  const struct certificate *signer;  /* NULL: itself */
};

/* The caller frees it with certificate_free(). */
void certificate_make(struct certificate *out, const struct certificate_wish *wish);

/* Writes the certificate, its chain and its key to files. Either path may be NULL. */
void certificate_write(const struct certificate *certificate, const char *certificate_path,
                       const char *key_path);

#endif
