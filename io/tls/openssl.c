/*
 * tls/openssl.c - see tls/openssl.h.
 */
#include "io/tls/openssl.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/tls/credit.h"
#include "io/tls/factory.h"
#include "io/tls/limits.h"
#include "io/tls/rekey.h"
#include "io/tls/trust.h"

/* ---- watching -------------------------------------------------------------------------------- */

static void watch_record(struct tls_openssl *openssl, const uint8_t *header) {
  openssl->record_bytes += 5 + ((size_t)header[3] << 8 | header[4]);
  if (!openssl->open) return;
  openssl->records++;
  tls_credit_charge(openssl->credit, TLS_RECORD_COST_BYTES);
  /* In TLS 1.2 a handshake record after the handshake can only ask for renegotiation. */
  if (header[0] == SSL3_RT_HANDSHAKE && SSL_version(openssl->ssl) == TLS1_2_VERSION)
    openssl->abused = true;
}

static void watch_message(struct tls_openssl *openssl, uint8_t type) {
  if (!openssl->open) return;
  if (type == SSL3_MT_KEY_UPDATE) openssl->updated = true;
  tls_credit_charge(openssl->credit, TLS_HANDSHAKE_COST_BYTES);
}

/* OpenSSL shows every record header and every handshake message here. */
static void watch(int written, int version, int type, const void *bytes, size_t len, SSL *ssl,
                  void *self) {
  struct tls_openssl *openssl = self;
  (void)version, (void)ssl;
  if (written || len == 0) return;
  if (type == SSL3_RT_HEADER && len == SSL3_RT_HEADER_LENGTH) watch_record(openssl, bytes);
  if (type == SSL3_RT_HANDSHAKE) watch_message(openssl, *(const uint8_t *)bytes);
  if (openssl->open && tls_credit_is_spent(openssl->credit)) openssl->abused = true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool prepare(struct tls_openssl *openssl, struct tls_factory *factory) {
  BIO *bio = tls_bio_create(&openssl->bio);
  SSL *ssl = openssl->ssl = bio ? tls_context_new_ssl(factory->context) : NULL;
  if (!ssl) {
    BIO_free(bio);
    return false;
  }
  SSL_set_bio(ssl, bio, bio); /* takes the one reference: both directions are one BIO */
  SSL_set_app_data(ssl, &openssl->notes);
  SSL_set_msg_callback(ssl, watch);
  SSL_set_msg_callback_arg(ssl, openssl);
  if (!tls_context_is_client(factory->context)) {
    SSL_set_accept_state(ssl);
    return true;
  }
  SSL_set_connect_state(ssl);
  openssl->resumes = tls_context_resumes(factory->context);
  if (factory->session && SSL_set_session(ssl, factory->session) != 1) ERR_clear_error();
  return tls_trust_expect(ssl, factory->server_name);
}

struct tls_openssl *tls_openssl_create(struct tls_factory *factory, struct span *input,
                                       struct tls_slab *output, struct tls_credit *credit) {
  struct tls_openssl *openssl = calloc(1, sizeof *openssl);
  if (!openssl) return NULL;
  openssl->bio.input = input;
  openssl->bio.output = output;
  openssl->bio.aeads = &factory->aeads;
  openssl->notes.session = &factory->session;
  openssl->credit = credit;
  if (prepare(openssl, factory)) return openssl;
  tls_openssl_free(openssl);
  return NULL;
}

void tls_openssl_free(struct tls_openssl *openssl) {
  if (!openssl) return;
  /* A connection cut without close_notify does not spoil its session: tickets are stateless. */
  if (openssl->ssl) SSL_set_shutdown(openssl->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(openssl->ssl);
  tls_bio_clear(&openssl->bio);
  tls_secrets_wipe(&openssl->notes.secrets);
  free(openssl);
}

void tls_openssl_opened(struct tls_openssl *openssl) {
  openssl->open = true;
}

/* ---- handing over ---------------------------------------------------------------------------- */

/* Whether OpenSSL has used up all that it has read, and what it has read were whole records. */
static bool is_between_records(const struct tls_openssl *openssl) {
  return openssl->record_bytes == openssl->bio.input_bytes && !SSL_has_pending(openssl->ssl);
}

bool tls_openssl_hand_over(const struct tls_openssl *openssl, struct tls_handover *handover) {
  const SSL *ssl = openssl->ssl;
  const struct tls_secrets *secrets = &openssl->notes.secrets;
  const bool client = !SSL_is_server(ssl);
  if (!openssl->open || openssl->abused || SSL_version(ssl) != TLS1_3_VERSION) return false;
  if (openssl->resumes && !openssl->notes.ticket) return false;
  if (secrets->client.len != secrets->server.len) return false; /* one is not known */
  /* The secrets of keys that were changed are not noted; the BIO's keys are gone once ours were changed. */
  if (openssl->updated || !tls_aead_is_on(&openssl->bio.seal)) return false;
  if (!is_between_records(openssl)) return false;
  *handover = (struct tls_handover){
      .receive_secret = client ? &secrets->server : &secrets->client,
      .send_secret = client ? &secrets->client : &secrets->server,
      .received = openssl->records,
      .send_keys = &openssl->bio.seal,
  };
  return true;
}

/* ---- records --------------------------------------------------------------------------------- */

enum tls_read tls_openssl_read(struct tls_openssl *openssl, uint8_t *out, size_t size,
                               size_t *len) {
  *len = 0;
  while (size - *len >= TLS_RECORD_BYTES) {
    size_t got = 0;
    ERR_clear_error();
    int result = SSL_read_ex(openssl->ssl, out + *len, size - *len, &got);
    if (openssl->abused) return TLS_READ_ABUSED;
    if (result == 1) {
      tls_credit_earn(openssl->credit, got);
      *len += got;
      /* Saves asking OpenSSL once more only to hear that it wants input. */
      if (openssl->bio.input->len == 0 && !SSL_has_pending(openssl->ssl)) return TLS_READ_MORE;
      continue;
    }
    switch (SSL_get_error(openssl->ssl, result)) {
    case SSL_ERROR_WANT_READ: return TLS_READ_MORE;
    case SSL_ERROR_WANT_WRITE: return TLS_READ_BLOCKED;
    case SSL_ERROR_ZERO_RETURN: return TLS_READ_CLOSED;
    default: return TLS_READ_FAILED;
    }
  }
  return TLS_READ_FULL;
}

/* Whether records may pass by OpenSSL. The KeyUpdate that a peer has asked for goes with the next SSL_write(). */
static bool may_seal(const struct tls_openssl *openssl) {
  return tls_aead_is_on(&openssl->bio.seal) &&
         SSL_get_key_update_type(openssl->ssl) == SSL_KEY_UPDATE_NONE;
}

/* There is room, so OpenSSL takes all of it or has failed. */
static enum tls_written encrypt(struct tls_openssl *openssl, struct span plaintext) {
  size_t written = 0;
  ERR_clear_error();
  int result = SSL_write_ex(openssl->ssl, plaintext.base, plaintext.len, &written);
  if (result == 1) return TLS_WRITTEN;
  int kind = SSL_get_error(openssl->ssl, result);
  bool later = kind == SSL_ERROR_WANT_WRITE || kind == SSL_ERROR_WANT_READ;
  return later ? TLS_WRITTEN_LATER : TLS_WRITTEN_FAILED;
}

enum tls_written tls_openssl_write(struct tls_openssl *openssl, struct tls_factory *factory,
                                   const struct span *spans, size_t len) {
  enum tls_written written = TLS_WRITTEN_FAILED;
  if (!may_seal(openssl))
    written = encrypt(openssl, tls_factory_gather(factory, spans, len));
  else if (tls_bio_seal(&openssl->bio, spans, len))
    written = TLS_WRITTEN;
  if (written == TLS_WRITTEN)
    tls_rekey_count(&openssl->key_records, factory->key_records_max, openssl->ssl);
  return written;
}

void tls_openssl_close(struct tls_openssl *openssl) {
  ERR_clear_error();
  SSL_shutdown(openssl->ssl);
}

/* A client's certificate check has better words than the alert. */
const char *tls_openssl_error(const struct tls_openssl *openssl) {
  const SSL *ssl = openssl->ssl;
  long verified = SSL_get_verify_result(ssl);
  const char *reason = ERR_reason_error_string(ERR_peek_error());
  if (!SSL_is_server(ssl) && verified != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
    reason = X509_verify_cert_error_string(verified);
  ERR_clear_error();
  return reason ? reason : "TLS failed";
}
