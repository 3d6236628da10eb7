/*
 * tls/tls.c - the machine around the machine.
 *
 *     WAITING --first byte--> HANDSHAKE --Finished--> OPEN --inner machine done--> CLOSING
 *        |                        |                     |                            ^
 *        +---- not TLS, timeout --+---- fatal alert ----+----------------------------+
 *
 *   WAITING    a server to which nothing has come yet: no SSL object.
 *   HANDSHAKE  at most TLS_HANDSHAKE_NS and TLS_HANDSHAKE_*_BYTES.
 *   OPEN       the inner machine exists.
 *   CLOSING    what is in the slab, close_notify or an alert last, is still sent; input is thrown
 *              away. Done when the slab is empty, or after TLS_CLOSE_NS.
 *
 * Every entry point ends in settle(), which hands over plaintext that had to wait, tells the inner
 * machine of the end of input, and ends our direction or begins to close as the inner machine wants.
 */
#include "io/tls/tls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/base/limits.h"
#include "io/tls/bio.h"
#include "io/tls/burst.h"
#include "io/tls/context.h"
#include "io/tls/credit.h"
#include "io/tls/kept.h"
#include "io/tls/peer.h"
#include "io/tls/rekey.h"

enum tls_state { TLS_WAITING, TLS_HANDSHAKE, TLS_OPEN, TLS_CLOSING };

/* Why decrypting stopped. */
enum tls_read { TLS_READ_FULL, TLS_READ_MORE, TLS_READ_BLOCKED, TLS_READ_CLOSED, TLS_READ_FAILED };

struct tls {
  struct tls_factory *factory;
  struct machine_host *host;
  struct machine inner; /* ops NULL: not made yet, or closed */
  SSL *ssl;             /* NULL in WAITING */
  struct tls_bio bio;
  const char *error; /* "" or why it failed; static text */

  uint64_t deadline_ns; /* WAITING, HANDSHAKE and CLOSING */
  uint64_t waits_ns;
  struct tls_credit credit;
  struct tls_burst burst;
  uint32_t key_records; /* that our present key has encrypted, about */

  struct tls_kept kept;

  uint8_t state; /* enum tls_state */
  bool blocked;  /* OpenSSL must write before it can go on reading */
  bool eof;      /* the peer has ended its half */
  bool eof_told; /* and the inner machine knows */
  bool ended;    /* the inner machine's direction has: close_notify is in the slab or sent */
  bool draining; /* asked for before there was an inner machine */
  bool abused;   /* a flood, or renegotiation */
  bool waits;    /* WAITING: for the turn after the one at waits_ns */
  bool expired;  /* TLS_CLOSE_NS is over: what is unsent stays so */
  struct machine_peer peer;
};

static bool inner_wants(const struct tls *tls, unsigned bits) {
  return tls->inner.ops && (tls->inner.ops->wants(tls->inner.self) & bits);
}

/* ---- invariants ------------------------------------------------------------------------------ */

#ifdef WEIR_INVARIANTS
static void invariants(const struct tls *tls) {
  assert((tls->inner.ops != NULL) == (tls->state == TLS_OPEN));
  assert((tls->ssl != NULL) == (tls->state != TLS_WAITING) || tls->state == TLS_CLOSING);
  assert(tls->kept.bytes ? tls->kept.begin < tls->kept.end : tls->kept.end == 0);
  assert(tls->kept.end <= TLS_PLAINTEXT_BYTES);
  assert(!tls->kept.bytes || tls->state == TLS_OPEN);
  assert(!tls->eof_told || (tls->eof && !tls->kept.bytes));
  assert(tls->burst.bytes < TLS_SMALL_RECORDS_BYTES + TLS_RECORD_BYTES);
  assert(tls->credit.bytes <= TLS_CREDIT_BYTES);
}
#else
static void invariants(const struct tls *tls) {
  (void)tls;
}
#endif

/* ---- ending ---------------------------------------------------------------------------------- */

static void close_inner(struct tls *tls) {
  if (!tls->inner.ops) return;
  tls->inner.ops->close(tls->inner.self);
  tls->inner.ops = NULL;
}

static void enter_closing(struct tls *tls, uint64_t now_ns) {
  assert(tls->state != TLS_CLOSING);
  if (tls->state != TLS_OPEN) counter_add(&tls->factory->counters.failed, 1);
  if (*tls->error) tls->factory->error = tls->error;
  close_inner(tls);
  tls_kept_drop(&tls->kept);
  tls->state = TLS_CLOSING;
  tls->deadline_ns = now_ns + TLS_CLOSE_NS;
}

/* Our direction ends with close_notify; the peer's may go on (RFC 8446 section 6.1). */
static void end_direction(struct tls *tls) {
  ERR_clear_error();
  if (!tls->ended) SSL_shutdown(tls->ssl);
  tls->ended = true;
}

/* The orderly end: the peer's close_notify is not waited for. */
static void finish(struct tls *tls, uint64_t now_ns) {
  end_direction(tls);
  enter_closing(tls, now_ns);
}

/* OpenSSL reported a fatal error; the alert, if there is one, is in the slab already. */
static void fail_ssl(struct tls *tls, uint64_t now_ns) {
  long verified = SSL_get_verify_result(tls->ssl);
  const char *reason = ERR_reason_error_string(ERR_peek_error());
  if (tls_context_is_client(tls->factory->context) && verified != X509_V_OK &&
      SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE)
    reason = X509_verify_cert_error_string(verified);
  tls->error = reason ? reason : "TLS failed";
  ERR_clear_error();
  enter_closing(tls, now_ns);
}

static void fail(struct tls *tls, const char *error, uint64_t now_ns) {
  tls->error = error;
  enter_closing(tls, now_ns);
}

/* A peer that does not speak TLS is told so in its own language, if the owner knows it; else by an
 * alert, fatal, unexpected_message (RFC 8446 section 5). */
static void refuse_clear_text(struct tls *tls, struct span in, uint64_t now_ns) {
  static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
  struct span answer = tls_context_answer_clear_text(tls->factory->context, in);
  if (answer.len == 0) answer = span_of(alert, sizeof alert);
  /* The slab was empty. Without memory for one, the peer hears nothing. */
  (void)!tls_slab_append(&tls->bio.output, answer.base, answer.len);
  fail(tls, "the peer does not speak TLS", now_ns);
}

/* Cut off for abuse. What was decrypted before is lost; an abuser can bear that. */
static void cut(struct tls *tls, uint64_t now_ns) {
  counter_add(&tls->factory->counters.abused, 1);
  tls->error = "flood of tiny records, key updates or renegotiation";
  finish(tls, now_ns);
}

/* ---- watching for floods --------------------------------------------------------------------- */

/* OpenSSL shows every record header and every handshake message here. */
static void watch(int written, int version, int type, const void *bytes, size_t len, SSL *ssl,
                  void *self) {
  struct tls *tls = self;
  (void)version;
  if (written || tls->state != TLS_OPEN || len == 0) return;
  if (type == SSL3_RT_HEADER) {
    tls_credit_charge(&tls->credit, TLS_RECORD_COST_BYTES);
    /* In TLS 1.2 a handshake record after the handshake can only ask for renegotiation. */
    if (*(const uint8_t *)bytes == SSL3_RT_HANDSHAKE && SSL_version(ssl) == TLS1_2_VERSION)
      tls->abused = true;
  } else if (type == SSL3_RT_HANDSHAKE) {
    tls_credit_charge(&tls->credit, TLS_HANDSHAKE_COST_BYTES);
  }
  if (tls_credit_is_spent(&tls->credit)) tls->abused = true;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Fills the factory's buffer with whole records' plaintext. */
static enum tls_read decrypt(struct tls *tls, size_t *len) {
  uint8_t *buffer = tls->factory->plaintext;
  *len = 0;
  while (TLS_PLAINTEXT_BYTES - *len >= TLS_RECORD_BYTES) {
    size_t got = 0;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, buffer + *len, TLS_PLAINTEXT_BYTES - *len, &got);
    if (tls->abused) return TLS_READ_FAILED;
    if (result == 1) {
      tls_credit_earn(&tls->credit, got);
      *len += got;
      /* Saves asking OpenSSL once more only to hear that it wants input. */
      if (tls->bio.input.len == 0 && !SSL_has_pending(tls->ssl)) return TLS_READ_MORE;
      continue;
    }
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ: return TLS_READ_MORE;
    case SSL_ERROR_WANT_WRITE: return TLS_READ_BLOCKED;
    case SSL_ERROR_ZERO_RETURN: return TLS_READ_CLOSED;
    default: return TLS_READ_FAILED;
    }
  }
  return TLS_READ_FULL;
}

static void deliver(struct tls *tls, size_t len, uint64_t now_ns) {
  counter_add(&tls->factory->counters.bytes_decrypted, len);
  struct span plaintext = span_of(tls->factory->plaintext, len);
  size_t taken = tls->inner.ops->recv(tls->inner.self, plaintext, now_ns);
  assert(taken <= len);
  struct span rest = span_of(plaintext.base + taken, len - taken);
  if (rest.len && !tls_kept_put(&tls->kept, rest)) fail(tls, "no memory", now_ns);
}

/* Whether the inner machine can be given plaintext. */
static bool can_deliver(const struct tls *tls) {
  return tls->state == TLS_OPEN && !tls->kept.bytes && !tls->eof && !tls->blocked &&
         inner_wants(tls, MACHINE_RECV) && !inner_wants(tls, MACHINE_DONE);
}

/* Decrypts and delivers while there is input and the inner machine wants it. */
static void read_records(struct tls *tls, uint64_t now_ns) {
  enum tls_read result = TLS_READ_FULL;
  while (result == TLS_READ_FULL && can_deliver(tls)) {
    size_t len;
    result = decrypt(tls, &len);
    if (tls->abused) return cut(tls, now_ns);
    if (len > 0) deliver(tls, len, now_ns);
  }
  if (tls->state != TLS_OPEN) return;
  switch (result) {
  case TLS_READ_BLOCKED: tls->blocked = true; break;
  case TLS_READ_CLOSED: tls->eof = true; break;
  case TLS_READ_FAILED: fail_ssl(tls, now_ns); break;
  case TLS_READ_FULL:
  case TLS_READ_MORE: break;
  }
}

static void deliver_kept(struct tls *tls, uint64_t now_ns) {
  while (tls->kept.bytes && inner_wants(tls, MACHINE_RECV)) {
    struct span rest = tls_kept_rest(&tls->kept);
    size_t taken = tls->inner.ops->recv(tls->inner.self, rest, now_ns);
    assert(taken <= rest.len);
    tls_kept_took(&tls->kept, taken);
    if (taken == 0) return; /* wants more and takes nothing: not now, then */
  }
}

static void settle(struct tls *tls, uint64_t now_ns) {
  invariants(tls);
  if (tls->state != TLS_OPEN) return;
  deliver_kept(tls, now_ns);
  if (tls->eof && !tls->kept.bytes && !tls->eof_told) {
    tls->eof_told = true;
    tls->inner.ops->recv_eof(tls->inner.self, now_ns);
  }
  if (inner_wants(tls, MACHINE_ENDED)) end_direction(tls);
  if (inner_wants(tls, MACHINE_DONE)) finish(tls, now_ns);
  invariants(tls);
}

/* ---- handshake ------------------------------------------------------------------------------- */

static bool make_ssl(struct tls *tls) {
  struct tls_factory *factory = tls->factory;
  BIO *bio = tls_bio_create(&tls->bio);
  tls->ssl = bio ? tls_context_new_ssl(factory->context) : NULL;
  if (!tls->ssl) {
    BIO_free(bio);
    return false;
  }
  SSL_set_bio(tls->ssl, bio, bio); /* takes the one reference: both directions are one BIO */
  SSL_set_app_data(tls->ssl, &factory->session); /* where tls/context.c puts a client's ticket */
  SSL_set_msg_callback(tls->ssl, watch);
  SSL_set_msg_callback_arg(tls->ssl, tls);
  if (!tls_context_is_client(factory->context)) {
    SSL_set_accept_state(tls->ssl);
    return true;
  }
  SSL_set_connect_state(tls->ssl);
  if (factory->session && SSL_set_session(tls->ssl, factory->session) != 1) ERR_clear_error();
  return tls_context_expect(tls->ssl, factory->server_name);
}

static void open_inner(struct tls *tls, uint64_t now_ns) {
  struct tls_factory *factory = tls->factory;
  const unsigned char *protocol;
  unsigned protocol_len;
  char text[256] = "";
  SSL_get0_alpn_selected(tls->ssl, &protocol, &protocol_len);
  assert(protocol_len < sizeof text);
  if (protocol_len) memcpy(text, protocol, protocol_len);
  tls->peer.application_protocol = text;
  tls_peer_fill(&tls->peer, factory->context, tls->ssl);
  tls_factory_count(factory, tls->ssl);
  tls->state = TLS_OPEN;
  tls_credit_init(&tls->credit, now_ns);
  bool made = factory->inner.create(factory->inner.ctx, &tls->peer, tls->host, now_ns, &tls->inner);
  tls->peer.application_protocol = "";
  if (!made) {
    tls->inner.ops = NULL;
    tls->error = "resources are refused";
    finish(tls, now_ns);
  } else if (tls->draining) {
    tls->inner.ops->drain(tls->inner.self, now_ns);
  }
}

static void continue_handshake(struct tls *tls, uint64_t now_ns) {
  const uint64_t bytes_max = tls_context_is_client(tls->factory->context)
                                 ? TLS_HANDSHAKE_CLIENT_BYTES
                                 : TLS_HANDSHAKE_SERVER_BYTES;
  ERR_clear_error();
  int result = SSL_do_handshake(tls->ssl);
  if (result == 1) {
    open_inner(tls, now_ns);
    return;
  }
  switch (SSL_get_error(tls->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    if (tls->bio.input_bytes > bytes_max) fail(tls, "the handshake is too long", now_ns);
    break;
  case SSL_ERROR_WANT_WRITE: tls->blocked = true; break;
  default: fail_ssl(tls, now_ns); break;
  }
}

/* Whether the handshake has to wait for the next turn: see tls_factory_admit(). */
static bool must_wait(struct tls *tls, uint64_t now_ns) {
  tls->waits = !tls_factory_admit(tls->factory, now_ns);
  tls->waits_ns = now_ns;
  return tls->waits;
}

/* The first bytes have come to a server. */
static void start_handshake(struct tls *tls, struct span in, uint64_t now_ns) {
  if (in.base[0] != SSL3_RT_HANDSHAKE)
    refuse_clear_text(tls, in, now_ns);
  else if (!make_ssl(tls))
    fail(tls, "no memory", now_ns);
  else
    tls->state = TLS_HANDSHAKE;
}

static void advance(struct tls *tls, uint64_t now_ns) {
  if (tls->state == TLS_HANDSHAKE) continue_handshake(tls, now_ns);
  if (tls->state == TLS_OPEN) read_records(tls, now_ns);
  settle(tls, now_ns);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* One record by OpenSSL; returns the bytes that are in it. There is room for it, so OpenSSL takes all of it or
 * has failed. */
static size_t encrypt(struct tls *tls, struct span plaintext, uint64_t now_ns) {
  size_t written = 0;
  ERR_clear_error();
  int result = SSL_write_ex(tls->ssl, plaintext.base, plaintext.len, &written);
  if (result == 1) return written;
  int kind = SSL_get_error(tls->ssl, result);
  if (kind != SSL_ERROR_WANT_WRITE && kind != SSL_ERROR_WANT_READ) fail_ssl(tls, now_ns);
  return 0; /* the same bytes are offered again: nothing of them is acked */
}

/* Whether records may pass by OpenSSL. The KeyUpdate that a peer has asked for goes with the next SSL_write(). */
static bool may_seal(const struct tls *tls) {
  return tls_aead_is_on(&tls->bio.seal) && SSL_get_key_update_type(tls->ssl) == SSL_KEY_UPDATE_NONE;
}

/* The next record, of at most `limit` bytes, into the slab, which has room for it. False when there is none, or
 * not now. */
static bool write_record(struct tls *tls, size_t limit, uint64_t now_ns) {
  enum { SPANS = 16 };
  struct span spans[SPANS];
  size_t len = 0, written;
  size_t count = tls->inner.ops->send_peek(tls->inner.self, spans, SPANS, limit, now_ns);
  assert(count <= SPANS);
  for (size_t i = 0; i < count; i++)
    len += spans[i].len;
  if (len > limit) len = limit;
  if (len == 0) return false;
  if (!may_seal(tls)) {
    written = encrypt(tls, tls_factory_gather(tls->factory, spans, len), now_ns);
  } else {
    written = tls_bio_seal(&tls->bio, spans, len) ? len : 0;
    if (!written) fail(tls, "no memory", now_ns); /* there is room, so nothing else can be */
  }
  if (written == 0) return false;
  tls_burst_wrote(&tls->burst, written, now_ns);
  tls_rekey_count(&tls->key_records, tls->factory->key_records_max, tls->ssl);
  counter_add(&tls->factory->counters.bytes_encrypted, written);
  tls->inner.ops->send_ack(tls->inner.self, written, now_ns);
  return true;
}

static void write_records(struct tls *tls, size_t budget_bytes, uint64_t now_ns) {
  while (tls->state == TLS_OPEN && inner_wants(tls, MACHINE_SEND) &&
         tls_slab_unsent(&tls->bio.output) < budget_bytes) {
    size_t left = budget_bytes - tls_slab_unsent(&tls->bio.output);
    size_t limit = tls_burst_limit(&tls->burst, left, now_ns);
    if (tls_slab_room(&tls->bio.output) < limit + TLS_RECORD_OVERHEAD_BYTES) break;
    if (!write_record(tls, limit, now_ns)) break;
  }
}

/* ---- the machine's operations ---------------------------------------------------------------- */

static size_t tls_recv(void *self, struct span in, uint64_t now_ns) {
  struct tls *tls = self;
  if (tls->state == TLS_WAITING && in.len > 0) {
    if (must_wait(tls, now_ns)) return 0;
    start_handshake(tls, in, now_ns);
  }
  if (tls->state == TLS_CLOSING || tls->eof) return in.len;
  tls_credit_refill(&tls->credit, now_ns);
  tls->bio.input = in;
  advance(tls, now_ns);
  size_t left = tls->bio.input.len;
  tls->bio.input = span_of(NULL, 0);
  if (tls->state == TLS_CLOSING || tls->eof) left = 0; /* nothing after the end counts */
  return in.len - left;
}

static void tls_recv_eof(void *self, uint64_t now_ns) {
  struct tls *tls = self;
  if (tls->state == TLS_WAITING || tls->state == TLS_HANDSHAKE)
    fail(tls, "the peer closed the connection during the handshake", now_ns);
  if (tls->state != TLS_OPEN) return;
  if (!tls->eof) counter_add(&tls->factory->counters.truncated, 1);
  tls->eof = true;
  settle(tls, now_ns);
}

static size_t tls_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct tls *tls = self;
  struct tls_slab *slab = &tls->bio.output;
  settle(tls, now_ns);
  write_records(tls, budget_bytes, now_ns);
  settle(tls, now_ns);
  size_t unsent = tls_slab_unsent(slab);
  if (unsent == 0 || max == 0) return 0;
  /* The last record is sent whole, even beyond the budget. */
  if (unsent > budget_bytes + TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES) unsent = budget_bytes;
  out[0] = span_of(slab->base + slab->head, unsent);
  return 1;
}

static void tls_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct tls *tls = self;
  tls_slab_consume(&tls->bio.output, bytes);
  void (*go_on)(struct tls * tls, uint64_t now_ns) = tls->blocked ? advance : settle;
  tls->blocked = false;
  go_on(tls, now_ns);
}

static void tls_tick(void *self, uint64_t now_ns) {
  struct tls *tls = self;
  if (tls->state == TLS_OPEN) {
    tls->inner.ops->tick(tls->inner.self, now_ns);
    settle(tls, now_ns);
    return;
  }
  if (now_ns > tls->waits_ns) tls->waits = false;
  if (now_ns >= tls->deadline_ns) {
    if (tls->state == TLS_CLOSING)
      tls->expired = true; /* the slab stays: a send may be reading it until close() */
    else
      fail(tls, "the handshake took too long", now_ns);
  }
}

static uint64_t tls_deadline_ns(const void *self) {
  const struct tls *tls = self;
  if (tls->state == TLS_OPEN) return tls->inner.ops->deadline_ns(tls->inner.self);
  if (tls->state == TLS_CLOSING && (tls->expired || tls_slab_unsent(&tls->bio.output) == 0))
    return MACHINE_NO_DEADLINE;
  return tls->waits ? tls->waits_ns + 1 : tls->deadline_ns;
}

static unsigned tls_wants(const void *self) {
  const struct tls *tls = self;
  bool unsent = tls_slab_unsent(&tls->bio.output) > 0 && !tls->expired;
  unsigned wants = unsent ? MACHINE_SEND : 0;
  if (tls->state == TLS_CLOSING) return unsent ? wants | MACHINE_RECV : MACHINE_DONE;
  if (tls->state != TLS_OPEN) return tls->blocked || tls->waits ? wants : wants | MACHINE_RECV;
  unsigned inner = tls->inner.ops->wants(tls->inner.self);
  if (inner & MACHINE_RESET) return MACHINE_RESET; /* what is in the slab is dropped */
  /* Kept plaintext and an inner machine that has ended are dealt with in send_peek(). */
  bool ends = inner & MACHINE_DONE || (inner & MACHINE_ENDED && !tls->ended);
  bool stirs = ends || (tls->kept.bytes && (inner & MACHINE_RECV));
  wants |= inner & MACHINE_MOVES;
  if ((inner & MACHINE_SEND) || stirs) wants |= MACHINE_SEND;
  if (tls->eof || ((inner & MACHINE_RECV) && !tls->kept.bytes && !tls->blocked))
    wants |= MACHINE_RECV;
  return wants;
}

static void tls_drain(void *self, uint64_t now_ns) {
  struct tls *tls = self;
  tls->draining = true;
  if (tls->state == TLS_WAITING) fail(tls, "", now_ns);
  if (tls->state != TLS_OPEN) return;
  tls->inner.ops->drain(tls->inner.self, now_ns);
  settle(tls, now_ns);
}

/* Only what is inside moves. */
static void tls_move(void *self, struct machine *place) {
  struct tls *tls = self;
  (void)place;
  tls->inner.ops->move(tls->inner.self, &tls->inner);
}

/* A handshake has a deadline of its own. */
static uint64_t tls_idle_since_ns(const void *self) {
  const struct tls *tls = self;
  const struct machine_ops *inner = tls->inner.ops;
  if (tls->state != TLS_OPEN || !inner->idle_since_ns) return MACHINE_BUSY;
  return inner->idle_since_ns(tls->inner.self);
}

static void tls_close(void *self) {
  struct tls *tls = self;
  close_inner(tls);
  tls_kept_drop(&tls->kept);
  tls_bio_clear(&tls->bio);
  /* A connection cut without close_notify does not spoil its session: tickets are stateless. */
  if (tls->ssl) SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(tls->ssl);
  tls_peer_clear(&tls->peer);
  assert(tls->factory->machines > 0);
  tls->factory->machines--;
  free(tls);
}

static const struct machine_ops tls_ops = {
    .recv = tls_recv,
    .recv_eof = tls_recv_eof,
    .send_peek = tls_send_peek,
    .send_ack = tls_send_ack,
    .tick = tls_tick,
    .deadline_ns = tls_deadline_ns,
    .wants = tls_wants,
    .drain = tls_drain,
    .idle_since_ns = tls_idle_since_ns,
    .move = tls_move,
    .close = tls_close,
};

/* ---- life ------------------------------------------------------------------------------------ */

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  struct tls_factory *factory = ctx;
  if (factory->machines == factory->machines_max) return false;
  struct tls *tls = calloc(1, sizeof *tls);
  if (!tls) return false;
  factory->machines++;
  tls->factory = factory;
  tls->host = host;
  tls->peer = *peer;
  tls->error = "";
  tls->bio.output.pool = &factory->slabs;
  tls->bio.aeads = &factory->aeads;
  tls->deadline_ns = now_ns + TLS_HANDSHAKE_NS;
  if (tls_context_is_client(factory->context)) {
    if (!make_ssl(tls)) {
      tls_close(tls);
      return false;
    }
    tls->state = TLS_HANDSHAKE;
    continue_handshake(tls, now_ns);
  }
  *out = (struct machine){.ops = &tls_ops, .self = tls};
  return true;
}

struct machine_factory tls_factory_machines(struct tls_factory *factory) {
  return (struct machine_factory){.ctx = factory, .create = create};
}

const char *tls_machine_error(const struct machine *machine) {
  assert(machine->ops == &tls_ops);
  return ((const struct tls *)machine->self)->error;
}

struct ssl_st *tls_machine_ssl(const struct machine *machine) {
  assert(machine->ops == &tls_ops);
  return ((const struct tls *)machine->self)->ssl;
}
