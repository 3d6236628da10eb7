/*
 * tls/context.c - the SSL_CTX and what it refers to: ALPN by our own preference, the certificates that handshakes
 * choose from, ticket keys. Suites are set in tls/suites.c, authorities in tls/trust.c.
 */
#include "io/tls/context.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/identities.h"
#include "io/tls/key_log.h"
#include "io/tls/limits.h"
#include "io/tls/refused.h"
#include "io/tls/schedule.h"
#include "io/tls/suites.h"
#include "io/tls/tickets.h"
#include "io/tls/trust.h"

struct tls_context {
  struct span (*answer_clear_text)(struct span in); /* NULL: a TLS alert */
  bool client, resume;
  unsigned char *protocols; /* ALPN wire format: length octet, token, and so on */
  size_t protocols_len;
  pthread_mutex_t lock; /* of the next two */
  SSL_CTX *ssl;
  struct tls_identities *identities; /* a server's */
  struct tls_tickets tickets;        /* a server's */
};

/* ---- ALPN ------------------------------------------------------------------------------------ */

/* Whether the client's list, as it came from the wire, has the token. OpenSSL has checked the
 * list's framing, but a loop that relies on nothing costs nothing. */
static const unsigned char *find_token(const unsigned char *list, size_t len,
                                       const unsigned char *token, size_t token_len) {
  for (size_t at = 0; at < len && list[at] < len - at; at += 1u + list[at])
    if (list[at] == token_len && memcmp(list + at + 1, token, token_len) == 0) return list + at + 1;
  return NULL;
}

/* RFC 7301 section 3.2: the server's preference decides; without overlap the handshake fails. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *ctx) {
  const struct tls_context *context = ctx;
  (void)ssl;
  for (size_t at = 0; at < context->protocols_len; at += 1u + context->protocols[at]) {
    const unsigned char *token = context->protocols + at + 1;
    const unsigned char *found = find_token(offered, offered_len, token, context->protocols[at]);
    if (!found) continue;
    *out = found;
    *out_len = context->protocols[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool copy_protocols(struct tls_context *context, const struct tls_settings *settings,
                           struct io_error *error) {
  size_t len = 0;
  for (size_t i = 0; i < settings->protocol_count; i++) {
    size_t token_len = strlen(settings->protocols[i]);
    if (token_len < 1 || token_len > 255)
      return io_error_set(error, 0, "an ALPN token has %zu characters, 1 to 255 are possible",
                          token_len);
    len += 1 + token_len;
  }
  if (len == 0) return true;
  unsigned char *at = context->protocols = malloc(len);
  if (!at) return io_error_set(error, 0, "no memory for ALPN");
  context->protocols_len = len;
  for (size_t i = 0; i < settings->protocol_count; i++) {
    size_t token_len = strlen(settings->protocols[i]);
    *at++ = (unsigned char)token_len;
    memcpy(at, settings->protocols[i], token_len);
    at += token_len;
  }
  return true;
}

/* ---- certificates ---------------------------------------------------------------------------- */

/* Where an SSL in a handshake keeps the identity that was chosen, with a reference to its set. */
static int identity_place = -1;

static void release_identity(void *ssl, void *value, CRYPTO_EX_DATA *data, int index, long argument,
                             void *pointer) {
  (void)ssl, (void)data, (void)index, (void)argument, (void)pointer;
  if (value) tls_identities_release(tls_identity_set(value));
}

static void make_identity_place(void) {
  identity_place = SSL_get_ex_new_index(0, NULL, NULL, NULL, release_identity);
}

/* The caller has a reference. */
static const struct tls_identity *find_identity(struct tls_context *context, const SSL *ssl) {
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  pthread_mutex_lock(&context->lock);
  struct tls_identities *identities = context->identities;
  tls_identities_hold(identities);
  pthread_mutex_unlock(&context->lock);
  return tls_identities_find(identities, name);
}

/* OpenSSL's contract: 1 to go on, 0 for an alert. Called in each full handshake, perhaps again after the client's
 * second ClientHello. */
static int choose_certificates(SSL *ssl, void *ctx) {
  const struct tls_identity *before = SSL_get_ex_data(ssl, identity_place);
  const struct tls_identity *identity = before ? before : find_identity(ctx, ssl);
  if (before || SSL_set_ex_data(ssl, identity_place, (void *)(uintptr_t)identity) == 1)
    return tls_identity_use(identity, ssl);
  tls_identities_release(tls_identity_set(identity));
  return 0;
}

const struct tls_identity *tls_context_identity(struct tls_context *context, SSL *ssl) {
  const struct tls_identity *chosen = SSL_get_ex_data(ssl, identity_place);
  if (!chosen) return find_identity(context, ssl);
  SSL_set_ex_data(ssl, identity_place, NULL); /* the reference is the caller's now */
  return chosen;
}

/* Tells OpenSSL that names are understood, so that sessions remember theirs. */
static int accept_name(SSL *ssl, int *alert, void *ctx) {
  (void)ssl, (void)alert, (void)ctx;
  return SSL_TLSEXT_ERR_OK;
}

bool tls_context_set_certificates(struct tls_context *context,
                                  const struct certificate *const *certificates, size_t count,
                                  struct io_error *error) {
  assert(!context->client);
  struct tls_identities *identities = tls_identities_create(certificates, count, error);
  if (!identities) return false;
  pthread_mutex_lock(&context->lock);
  struct tls_identities *old = context->identities;
  context->identities = identities;
  pthread_mutex_unlock(&context->lock);
  tls_identities_release(old);
  return true;
}

/* ---- making one ------------------------------------------------------------------------------ */

static bool set_policy(SSL_CTX *ssl, const struct tls_settings *settings, struct io_error *error) {
  int version_min = settings->version_min ? settings->version_min : TLS1_2_VERSION;
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_ENABLE_KTLS); /* see tls/seal.h: not by the kernel */
  /* RELEASE_BUFFERS: an idle connection has no record buffers. The write modes: what does not fit
   * the slab is offered again from wherever it is then. */
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_set_min_proto_version(ssl, version_min) != 1 ||
      SSL_CTX_set_max_proto_version(ssl, settings->version_max) != 1)
    return tls_refused(error, "TLS versions");
  return tls_suites_set(ssl, settings, error);
}

static bool set_certificate(SSL_CTX *ssl, const struct certificate *certificate,
                            struct io_error *error) {
  /* SSL_CTX_use_cert_and_key() has its own references to what it is given. */
  if (SSL_CTX_use_cert_and_key(ssl, certificate->leaf, certificate->key, certificate->chain, 1) !=
      1)
    return tls_refused(error, "certificate and key");
  return true;
}

static bool set_server(struct tls_context *context, SSL_CTX *ssl,
                       const struct tls_settings *settings, struct io_error *error) {
  SSL_CTX_set_cert_cb(ssl, choose_certificates, context);
  SSL_CTX_set_tlsext_servername_callback(ssl, accept_name);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(ssl, TLS_TICKET_LIFE_SECONDS);
  SSL_CTX_set_num_tickets(ssl, 1); /* a client of ours opens one connection, not a dozen */
  SSL_CTX_set_max_early_data(ssl, 0);
  if (!tls_tickets_install(&context->tickets, ssl)) return tls_refused(error, "ticket keys");
  if (context->protocols_len) SSL_CTX_set_alpn_select_cb(ssl, select_protocol, context);
  return tls_trust_set(ssl, settings, error);
}

/* A client's connection leaves its ticket with its factory, which is on the same thread. Returns 1: the reference is
 * kept. */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
  struct tls_notes *notes = SSL_get_app_data(ssl);
  SSL_SESSION_free(*notes->session);
  *notes->session = session;
  notes->ticket = true;
  return 1;
}

static bool set_client(struct tls_context *context, SSL_CTX *ssl,
                       const struct tls_settings *settings, struct io_error *error) {
  if (settings->resume) SSL_CTX_sess_set_new_cb(ssl, keep_session);
  SSL_CTX_set_session_cache_mode(ssl, settings->resume
                                          ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                          : SSL_SESS_CACHE_OFF);
  if (!tls_trust_set(ssl, settings, error)) return false;
  if (settings->certificate && !set_certificate(ssl, settings->certificate, error)) return false;
  /* Zero is this function's success. */
  if (context->protocols_len &&
      SSL_CTX_set_alpn_protos(ssl, context->protocols, (unsigned)context->protocols_len) != 0)
    return tls_refused(error, "ALPN");
  return true;
}

/* What the context has besides must be there already. NULL with one line in `error`. */
static SSL_CTX *make_ssl(struct tls_context *context, const struct tls_settings *settings,
                         struct io_error *error) {
  tls_schedule_install();
  SSL_CTX *ssl = SSL_CTX_new_ex(NULL, TLS_SCHEDULE_QUERY,
                                settings->client ? TLS_client_method() : TLS_server_method());
  if (!ssl) {
    tls_refused(error, "TLS");
    return NULL;
  }
  if (set_policy(ssl, settings, error) &&
      (settings->client ? set_client : set_server)(context, ssl, settings, error))
    return ssl;
  SSL_CTX_free(ssl);
  return NULL;
}

struct tls_context *tls_context_create(const struct tls_settings *settings,
                                       struct io_error *error) {
  struct tls_context *context = calloc(1, sizeof *context);
  if (!context) {
    io_error_set(error, 0, "no memory for TLS");
    return NULL;
  }
  pthread_mutex_init(&context->lock, NULL);
  ERR_clear_error();
  context->client = settings->client;
  context->resume = settings->client && settings->resume;
  context->answer_clear_text = settings->answer_clear_text;
  assert(settings->client || settings->certificate);
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_identity_place);
  bool ok = tls_tickets_init(&context->tickets) && identity_place >= 0;
  ok = ok || tls_refused(error, "TLS");
  ok = ok && copy_protocols(context, settings, error) &&
       (settings->client ||
        tls_context_set_certificates(context, &settings->certificate, 1, error)) &&
       (context->ssl = make_ssl(context, settings, error));
  if (ok && settings->key_log_path)
    ok = tls_key_log_open(context->ssl, settings->key_log_path, error);
  if (ok) return context;
  tls_context_free(context);
  return NULL;
}

void tls_context_free(struct tls_context *context) {
  if (!context) return;
  SSL_CTX_free(context->ssl);
  tls_identities_release(context->identities);
  pthread_mutex_destroy(&context->lock);
  tls_tickets_destroy(&context->tickets);
  free(context->protocols);
  free(context);
}

bool tls_context_set_ticket_keys(struct tls_context *context, const void *bytes, size_t len,
                                 struct io_error *error) {
  return tls_tickets_give(&context->tickets, bytes, len, error);
}

bool tls_context_is_client(const struct tls_context *context) {
  return context->client;
}

bool tls_context_resumes(const struct tls_context *context) {
  return context->resume;
}

struct span tls_context_answer_clear_text(const struct tls_context *context, struct span in) {
  return context->answer_clear_text ? context->answer_clear_text(in) : span_of(NULL, 0);
}

struct ssl_st *tls_context_new_ssl(struct tls_context *context) {
  pthread_mutex_lock(&context->lock);
  SSL_CTX *policy = context->ssl;
  SSL_CTX_up_ref(policy);
  pthread_mutex_unlock(&context->lock);
  SSL *ssl = SSL_new(policy);
  SSL_CTX_free(policy);
  return ssl;
}

/* ---- another policy -------------------------------------------------------------------------- */

struct ssl_ctx_st *tls_policy_make(struct tls_context *context, const struct tls_settings *settings,
                                   struct io_error *error) {
  assert(!context->client && !settings->client);
  ERR_clear_error();
  SSL_CTX *ssl = make_ssl(context, settings, error);
  if (!ssl || tls_key_log_share(ssl, context->ssl, error)) return ssl;
  SSL_CTX_free(ssl);
  return NULL;
}

bool tls_policy_try(const struct tls_settings *settings, struct io_error *error) {
  SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
  bool good = ssl ? tls_suites_set(ssl, settings, error) : tls_refused(error, "TLS");
  SSL_CTX_free(ssl);
  return good;
}

void tls_policy_use(struct tls_context *context, struct ssl_ctx_st *policy) {
  pthread_mutex_lock(&context->lock);
  SSL_CTX *before = context->ssl;
  context->ssl = policy;
  pthread_mutex_unlock(&context->lock);
  SSL_CTX_free(before);
}

void tls_policy_free(struct ssl_ctx_st *policy) {
  SSL_CTX_free(policy);
}
