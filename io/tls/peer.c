/*
 * tls/peer.c - see tls/peer.h.
 */
#include "io/tls/peer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "io/tls/context.h"
#include "io/tls/group.h"
#include "io/tls/identities.h"
#include "io/tls/limits.h"
#include "io/tls/trust.h"

/* As RFC 4514 writes it, in UTF-8; cut if it is too long. NULL when memory was refused. */
static char *subject_of(const SSL *ssl) {
  const unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
  const X509 *leaf = SSL_get0_peer_certificate(ssl);
  char *text = NULL;
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(leaf), 0, form) >= 0) {
    char *bytes;
    size_t len = (size_t)BIO_get_mem_data(bio, &bytes);
    if (len > TLS_SUBJECT_BYTES_MAX) len = TLS_SUBJECT_BYTES_MAX;
    text = calloc(1, len + 1); /* the BIO's bytes end without a zero */
    if (text && len > 0) memcpy(text, bytes, len);
  }
  BIO_free(bio);
  return text;
}

void tls_peer_fill(struct machine_peer *peer, struct tls_context *context, struct ssl_st *ssl) {
  peer->secure = true;
  peer->vault = NULL; /* what is encrypted has to be read */
  peer->secure_version = SSL_get_version(ssl);
  peer->secure_group = tls_group_of(ssl);
  peer->verified = tls_trust_verified(ssl);
  if (tls_context_is_client(context)) return;
  peer->identity = tls_context_identity(context, ssl);
  if (peer->verified) peer->subject = subject_of(ssl);
}

void tls_peer_clear(struct machine_peer *peer) {
  if (peer->identity) tls_identities_release(tls_identity_set(peer->identity));
  peer->identity = NULL;
  free((char *)peer->subject);
  peer->subject = NULL;
}
