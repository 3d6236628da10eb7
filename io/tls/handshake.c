/*
 * tls/handshake.c - see tls/handshake.h.
 */
#include "io/tls/handshake.h"

#include <assert.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/tls/context.h"
#include "io/tls/limits.h"
#include "io/tls/peer.h"
#include "io/tls/schedule.h"

static bool make_openssl(struct tls *tls) {
  tls->openssl = tls_openssl_create(tls->factory, &tls->input, &tls->output, &tls->credit);
  return tls->openssl;
}

/* What is to be known of the handshake when OpenSSL's object has gone. */
static void note_handshake(struct tls *tls) {
  SSL *ssl = tls->openssl->ssl;
  tls->policy = SSL_get_SSL_CTX(ssl);
  SSL_CTX_up_ref(tls->policy);
  tls_peer_fill(&tls->peer, tls->factory->context, ssl);
  tls->facts = tls_facts_read(ssl);
  tls_factory_count(tls->factory, ssl);
}

static void open_inner(struct tls *tls, uint64_t now_ns) {
  struct tls_factory *factory = tls->factory;
  const unsigned char *protocol;
  unsigned protocol_len;
  char text[256] = "";
  SSL_get0_alpn_selected(tls->openssl->ssl, &protocol, &protocol_len);
  assert(protocol_len < sizeof text);
  if (protocol_len) memcpy(text, protocol, protocol_len);
  tls->peer.application_protocol = text;
  note_handshake(tls);
  tls->state = TLS_OPEN;
  tls_credit_init(&tls->credit, now_ns);
  tls_openssl_opened(tls->openssl);
  tls_take_over(tls);
  bool made = factory->inner.create(factory->inner.ctx, &tls->peer, tls->host, now_ns, &tls->inner);
  tls->peer.application_protocol = "";
  if (!made) {
    tls->inner.ops = NULL;
    tls->error = "resources are refused";
    tls_finish(tls, now_ns);
  } else if (tls->draining) {
    tls->inner.ops->drain(tls->inner.self, now_ns);
  }
}

void tls_handshake_continue(struct tls *tls, uint64_t now_ns) {
  const uint64_t bytes_max = tls_context_is_client(tls->factory->context)
                                 ? TLS_HANDSHAKE_CLIENT_BYTES
                                 : TLS_HANDSHAKE_SERVER_BYTES;
  ERR_clear_error();
  tls_schedule_note(&tls->openssl->notes.secrets);
  int result = SSL_do_handshake(tls->openssl->ssl);
  tls_schedule_note(NULL);
  if (result == 1) {
    open_inner(tls, now_ns);
    return;
  }
  switch (SSL_get_error(tls->openssl->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    if (tls->openssl->bio.input_bytes > bytes_max)
      tls_fail(tls, "the handshake is too long", now_ns);
    break;
  case SSL_ERROR_WANT_WRITE: tls->blocked = true; break;
  default: tls_fail_openssl(tls, now_ns); break;
  }
}

bool tls_handshake_must_wait(struct tls *tls, uint64_t now_ns) {
  if (tls->state >= TLS_OPEN || tls_context_is_client(tls->factory->context)) return false;
  const uint64_t begun_ns = tls->place.begun_ns;
  tls->waits = !tls_queue_enter(&tls->factory->queue, &tls->place, now_ns);
  if (begun_ns != 0 && !tls->waits) tls->deadline_ns += now_ns - begun_ns;
  return tls->waits;
}

/* A peer that does not speak TLS is told so in its own language, if the owner knows it; else by an
 * alert, fatal, unexpected_message (RFC 8446 section 5). */
static void refuse_clear_text(struct tls *tls, struct span in, uint64_t now_ns) {
  static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
  struct span answer = tls_context_answer_clear_text(tls->factory->context, in);
  if (answer.len == 0) answer = span_of(alert, sizeof alert);
  /* The slab was empty. Without memory for one, the peer hears nothing. */
  (void)!tls_slab_append(&tls->output, answer.base, answer.len);
  tls_fail(tls, "the peer does not speak TLS", now_ns);
}

void tls_handshake_start(struct tls *tls, struct span in, uint64_t now_ns) {
  if (in.base[0] != SSL3_RT_HANDSHAKE)
    refuse_clear_text(tls, in, now_ns);
  else if (!make_openssl(tls))
    tls_fail(tls, "no memory", now_ns);
  else
    tls->state = TLS_HANDSHAKE;
}

bool tls_handshake_offer(struct tls *tls, uint64_t now_ns) {
  if (!make_openssl(tls)) return false;
  tls->state = TLS_HANDSHAKE;
  tls_handshake_continue(tls, now_ns);
  return true;
}
