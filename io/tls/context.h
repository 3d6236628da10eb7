/*
 * tls/context.h - what all TLS connections of a process share: policy, certificate, ALPN, tickets.
 * Spec: RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 7301 (ALPN), RFC 5077 (tickets), RFC 9113
 * section 9.2 (the strictest of the policies that protocols above ask for).
 *
 * One context serves every worker; it is thread-safe after tls_context_create(). A server's policy and certificates can
 * be replaced: connections keep what they began with.
 *
 * Policy:
 *   - TLS 1.2 and 1.3. With 1.2 only ECDHE with an AEAD, so no suite that RFC 9113 appendix A
 *     prohibits can be agreed on.
 *   - A server has the suites and groups that OpenSSL or the system's policy has, and follows the
 *     client's order; a client has a short list of its own (tls/suites.h).
 *   - No renegotiation, no compression, no early data, no post-handshake authentication.
 *   - Sessions live in tickets alone: no session cache that a flood of handshakes could fill. See
 *     tls/tickets.h for their keys.
 */
#ifndef WEIR_TLS_CONTEXT_H
#define WEIR_TLS_CONTEXT_H

#include "engine/base/machine.h"
#include "io/tls/secret.h"
#include "io/tls/settings.h"

struct io_error;
struct ssl_session_st;
struct tls_identity;
struct tls_context;
struct ssl_ctx_st;
struct ssl_st;

/* What OpenSSL's callbacks leave for a connection: the app data of its SSL. */
struct tls_notes {
  struct ssl_session_st **session; /* where a client's ticket is kept, with a reference */
  bool ticket;                     /* there was one */
  struct tls_secrets secrets;      /* of TLS 1.3, as they become known */
};

/* NULL when a setting is wrong or OpenSSL refuses, with one line in `error`. */
__attribute__((warn_unused_result)) struct tls_context *
tls_context_create(const struct tls_settings *settings, struct io_error *error);

/* Every factory that borrows it must be gone. NULL is allowed. */
void tls_context_free(struct tls_context *context);

/* Server: replaces all certificates, 1 or more, for handshakes from now on; connections stay as they are. A
 * handshake gets those that tls/identities.h finds for the name it asks for. Borrows them until it returns. Any
 * thread may call it. False, and the old ones stay, when memory was refused. */
__attribute__((warn_unused_result)) bool
tls_context_set_certificates(struct tls_context *context,
                             const struct certificate *const *certificates, size_t count,
                             struct io_error *error);

/* Server: replaces the ticket keys by given ones; see tls_tickets_give(). Any thread may call it. False, and nothing
 * has changed, with one line in `error`. */
__attribute__((warn_unused_result)) bool tls_context_set_ticket_keys(struct tls_context *context,
                                                                     const void *bytes, size_t len,
                                                                     struct io_error *error);

/* Server: the policy that the settings ask for: suites, groups, versions, which certificates clients show. ALPN,
 * tickets, the key log and our certificates are the context's. For tls_policy_use() or tls_policy_free(). Any one
 * thread at a time. NULL, with one line in `error`. */
__attribute__((warn_unused_result)) struct ssl_ctx_st *
tls_policy_make(struct tls_context *context, const struct tls_settings *settings,
                struct io_error *error);

/* Server: whether OpenSSL knows the suites and groups of the settings. False, with one line in `error`. */
__attribute__((warn_unused_result)) bool tls_policy_try(const struct tls_settings *settings,
                                                        struct io_error *error);

/* Puts it in force for new connections, and takes it. */
void tls_policy_use(struct tls_context *context, struct ssl_ctx_st *policy);

/* NULL is allowed. */
void tls_policy_free(struct ssl_ctx_st *policy);

bool tls_context_is_client(const struct tls_context *context);

/* A client's: whether it keeps tickets. */
__attribute__((warn_unused_result)) bool tls_context_resumes(const struct tls_context *context);

/* For tls/tls.c: as tls_settings.answer_clear_text; empty without one. */
struct span tls_context_answer_clear_text(const struct tls_context *context, struct span in);

/* For tls/openssl.c: a new connection's SSL, by the policy in force; NULL when memory was refused. Its app data must
 * become a struct tls_notes before the handshake. */
__attribute__((warn_unused_result)) struct ssl_st *tls_context_new_ssl(struct tls_context *context);

/* For tls/peer.c, a server's, once after the handshake: what the client was shown; after a ticket, what one that asks
 * for its name would be shown now. The caller has a reference to its set, see tls/identities.h. */
const struct tls_identity *tls_context_identity(struct tls_context *context, struct ssl_st *ssl);

#endif
