/*
 * tls/peer.c - see tls/peer.h.
 */
#include "io/tls/peer.h"

#include <openssl/ssl.h>

#include "io/tls/context.h"
#include "io/tls/group.h"
#include "io/tls/identities.h"

void tls_peer_fill(struct machine_peer *peer, struct tls_context *context, struct ssl_st *ssl) {
  peer->secure = true;
  peer->secure_version = SSL_get_version(ssl);
  peer->secure_group = tls_group_of(ssl);
  peer->verified = tls_context_verified(ssl);
  if (!tls_context_is_client(context)) peer->identity = tls_context_identity(context, ssl);
}

void tls_peer_clear(struct machine_peer *peer) {
  if (peer->identity) tls_identities_release(tls_identity_set(peer->identity));
  peer->identity = NULL;
}
