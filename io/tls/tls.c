/*
 * tls/tls.c - the machine around the machine.
 *
 *     WAITING --first byte--> HANDSHAKE --Finished--> OPEN --inner machine done--> CLOSING
 *        |                        |                     |                            ^
 *        +---- not TLS, timeout --+---- fatal alert ----+----------------------------+
 *
 *   WAITING    a server to which nothing has come yet: nothing of OpenSSL's.
 *   HANDSHAKE  at most TLS_HANDSHAKE_NS and TLS_HANDSHAKE_*_BYTES: tls/handshake.h.
 *   OPEN       the inner machine exists. Records are tls/records.h's, or else OpenSSL's.
 *   CLOSING    what is in the slab, close_notify or an alert last, is still sent; input is thrown
 *              away. Done when the slab is empty, or after TLS_CLOSE_NS.
 *
 * Every entry point ends in settle(), which hands over plaintext that had to wait, tells the inner
 * machine of the end of input, and ends our direction or begins to close as the inner machine wants.
 */
#include "io/tls/tls.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include "io/tls/context.h"
#include "io/tls/handshake.h"
#include "io/tls/limits.h"
#include "io/tls/peer.h"

/* ---- invariants ------------------------------------------------------------------------------ */

#ifdef WEIR_INVARIANTS
static void invariants(const struct tls *tls) {
  assert((tls->inner.ops != NULL) == (tls->state == TLS_OPEN));
  assert(!tls->openssl || !tls->records);
  assert((tls->openssl || tls->records) == (tls->state != TLS_WAITING) ||
         tls->state == TLS_CLOSING);
  assert(!tls->records || tls->state != TLS_HANDSHAKE);
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

/* The peer has sent what it must not, or an alert. */
static void fail_records(struct tls *tls, uint64_t now_ns) {
  const struct tls_receiver *receiver = &tls->records->receiver;
  if (receiver->alert && !tls->ended) tls_sender_alert(&tls->records->sender, receiver->alert);
  tls_fail(tls, receiver->error, now_ns);
}

/* Cut off for abuse. What was decrypted before is lost; an abuser can bear that. */
static void cut(struct tls *tls, uint64_t now_ns) {
  counter_add(&tls->factory->counters.abused, 1);
  tls->error = "flood of tiny records, key updates or renegotiation";
  tls_finish(tls, now_ns);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Fills the factory's buffer with whole records' plaintext. */
static enum tls_read decrypt(struct tls *tls, size_t *len) {
  uint8_t *buffer = tls->factory->plaintext;
  *len = 0;
  if (tls->openssl) return tls_openssl_read(tls->openssl, buffer, TLS_PLAINTEXT_BYTES, len);
  struct tls_records *records = tls->records;
  enum tls_read result = tls_receiver_read(&records->receiver, &tls->credit, &tls->input, buffer,
                                           TLS_PLAINTEXT_BYTES, len);
  if (records->receiver.update_requested) records->sender.update = true;
  records->receiver.update_requested = false;
  return result;
}

static void deliver(struct tls *tls, size_t len, uint64_t now_ns) {
  counter_add(&tls->factory->counters.bytes_decrypted, len);
  struct span plaintext = span_of(tls->factory->plaintext, len);
  size_t taken = tls->inner.ops->recv(tls->inner.self, plaintext, now_ns);
  assert(taken <= len);
  struct span rest = span_of(plaintext.base + taken, len - taken);
  if (rest.len && !tls_kept_put(&tls->kept, rest)) tls_fail(tls, "no memory", now_ns);
}

/* Whether the inner machine can be given plaintext. */
static bool can_deliver(const struct tls *tls) {
  return tls->state == TLS_OPEN && !tls->kept.bytes && !tls->eof && !tls->blocked &&
         tls_inner_wants(tls, MACHINE_RECV) && !tls_inner_wants(tls, MACHINE_DONE);
}

/* Decrypts and delivers while there is input and the inner machine wants it. */
static void read_records(struct tls *tls, uint64_t now_ns) {
  enum tls_read result = TLS_READ_FULL;
  while (result == TLS_READ_FULL && can_deliver(tls)) {
    size_t len;
    result = decrypt(tls, &len);
    if (result == TLS_READ_ABUSED) return cut(tls, now_ns);
    if (len > 0) deliver(tls, len, now_ns);
    if (result <= TLS_READ_FULL && tls->openssl) tls_take_over(tls);
  }
  if (tls->state != TLS_OPEN) return;
  switch (result) {
  case TLS_READ_BLOCKED: tls->blocked = true; break;
  case TLS_READ_CLOSED: tls->eof = true; break;
  case TLS_READ_FAILED: (tls->openssl ? tls_fail_openssl : fail_records)(tls, now_ns); break;
  default: break;
  }
}

static void deliver_kept(struct tls *tls, uint64_t now_ns) {
  while (tls->kept.bytes && tls_inner_wants(tls, MACHINE_RECV)) {
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
    if (tls->cut)
      tls_fail(tls, "", now_ns);
    else
      tls->inner.ops->recv_eof(tls->inner.self, now_ns);
  }
  if (tls_inner_wants(tls, MACHINE_ENDED)) tls_end_direction(tls);
  if (tls_inner_wants(tls, MACHINE_DONE)) tls_finish(tls, now_ns);
  invariants(tls);
}

static void advance(struct tls *tls, uint64_t now_ns) {
  if (tls->state == TLS_HANDSHAKE) tls_handshake_continue(tls, now_ns);
  if (tls->state == TLS_OPEN) read_records(tls, now_ns);
  settle(tls, now_ns);
}

/* ---- sending --------------------------------------------------------------------------------- */

static enum tls_written encrypt(struct tls *tls, const struct span *spans, size_t len) {
  if (tls->openssl) return tls_openssl_write(tls->openssl, tls->factory, spans, len);
  bool sealed = tls_sender_write(&tls->records->sender, spans, len, tls->factory->key_records_max);
  return sealed ? TLS_WRITTEN : TLS_WRITTEN_FAILED;
}

static void fail_write(struct tls *tls, uint64_t now_ns) {
  /* There is room, so without OpenSSL nothing else can be. */
  tls_fail(tls, tls->openssl ? tls_openssl_error(tls->openssl) : "no memory", now_ns);
}

/* The next record, of at most `limit` bytes, into the slab, which has room for it. False when there is none, or
 * not now. */
static bool write_record(struct tls *tls, size_t limit, uint64_t now_ns) {
  enum { SPANS = 16 };
  struct span spans[SPANS];
  size_t len = 0;
  size_t count = tls->inner.ops->send_peek(tls->inner.self, spans, SPANS, limit, now_ns);
  assert(count <= SPANS);
  for (size_t i = 0; i < count; i++)
    len += spans[i].len;
  if (len > limit) len = limit;
  if (len == 0) return false;
  switch (encrypt(tls, spans, len)) {
  case TLS_WRITTEN: break;
  case TLS_WRITTEN_LATER: return false; /* the same bytes are offered again: none is acked */
  case TLS_WRITTEN_FAILED: fail_write(tls, now_ns); return false;
  }
  tls_burst_wrote(&tls->burst, len, now_ns);
  counter_add(&tls->factory->counters.bytes_encrypted, len);
  tls->inner.ops->send_ack(tls->inner.self, len, now_ns);
  return true;
}

static void write_records(struct tls *tls, size_t budget_bytes, uint64_t now_ns) {
  while (tls->state == TLS_OPEN && tls_inner_wants(tls, MACHINE_SEND) &&
         tls_slab_unsent(&tls->output) < budget_bytes) {
    const size_t unsent = tls_slab_unsent(&tls->output);
    const size_t limit = tls_burst_limit(&tls->burst, budget_bytes - unsent, now_ns);
    const size_t most = limit + TLS_RECORD_OVERHEAD_BYTES;
    if (tls_slab_room(&tls->output) < most || unsent + most > tls_burst_ahead(&tls->burst)) break;
    if (!write_record(tls, limit, now_ns)) break;
  }
  if (!tls_inner_wants(tls, MACHINE_SEND)) tls_burst_rest(&tls->burst);
}

/* ---- the machine's operations ---------------------------------------------------------------- */

static size_t tls_recv(void *self, struct span in, uint64_t now_ns) {
  struct tls *tls = self;
  if (in.len > 0 && tls_handshake_must_wait(tls, now_ns)) return 0;
  if (in.len > 0 && tls->state == TLS_WAITING) tls_handshake_start(tls, in, now_ns);
  if (tls->state == TLS_CLOSING || tls->eof) return in.len;
  tls_credit_refill(&tls->credit, now_ns);
  tls->input = in;
  advance(tls, now_ns);
  size_t left = tls->input.len;
  tls->input = span_of(NULL, 0);
  if (tls->state == TLS_CLOSING || tls->eof) left = 0; /* nothing after the end counts */
  return in.len - left;
}

static void tls_recv_eof(void *self, uint64_t now_ns) {
  struct tls *tls = self;
  if (tls->state == TLS_WAITING || tls->state == TLS_HANDSHAKE)
    tls_fail(tls, "the peer closed the connection during the handshake", now_ns);
  if (tls->state != TLS_OPEN) return;
  if (!tls->eof) {
    counter_add(&tls->factory->counters.truncated, 1);
    tls->cut = tls_context_is_client(tls->factory->context);
  }
  tls->eof = true;
  settle(tls, now_ns);
}

static size_t tls_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct tls *tls = self;
  struct tls_slab *slab = &tls->output;
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
  tls_slab_consume(&tls->output, bytes);
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
  if (now_ns >= tls_place_again_ns(&tls->place)) tls->waits = false;
  if (now_ns >= tls_limit_ns(tls)) {
    if (tls->state == TLS_CLOSING)
      tls->expired = true; /* the slab stays: a send may be reading it until close() */
    else
      tls_fail(tls, "the handshake took too long", now_ns);
  }
}

static uint64_t tls_deadline_ns(const void *self) {
  const struct tls *tls = self;
  if (tls->state == TLS_OPEN) return tls->inner.ops->deadline_ns(tls->inner.self);
  if (tls->state == TLS_CLOSING && (tls->expired || tls_slab_unsent(&tls->output) == 0))
    return MACHINE_NO_DEADLINE;
  const uint64_t again_ns = tls->waits ? tls_place_again_ns(&tls->place) : MACHINE_NO_DEADLINE;
  return again_ns < tls_limit_ns(tls) ? again_ns : tls_limit_ns(tls);
}

static unsigned tls_wants(const void *self) {
  const struct tls *tls = self;
  bool unsent = tls_slab_unsent(&tls->output) > 0 && !tls->expired;
  unsigned wants = unsent ? MACHINE_SEND : 0;
  if (tls->state == TLS_CLOSING && !unsent)
    return tls->eof ? MACHINE_DONE | MACHINE_SILENT : MACHINE_DONE;
  if (tls->state == TLS_CLOSING) return wants | MACHINE_RECV;
  if (tls->state != TLS_OPEN) {
    if (tls->blocked || tls->waits) return wants;
    return wants | MACHINE_RECV | (tls->place.begun_ns != 0 ? MACHINE_ANSWERS : 0u);
  }
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
  if (tls->state == TLS_WAITING) tls_fail(tls, "", now_ns);
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
  tls_close_inner(tls);
  tls_kept_drop(&tls->kept);
  tls_queue_leave(&tls->factory->queue, &tls->place);
  tls_openssl_free(tls->openssl);
  tls_records_free(tls->records);
  tls_slab_clear(&tls->output);
  tls_peer_clear(&tls->peer);
  SSL_CTX_free(tls->policy);
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
  tls->place.host = host;
  tls->peer = *peer;
  tls->error = "";
  tls->output.pool = &factory->slabs;
  tls->deadline_ns = now_ns + TLS_HANDSHAKE_NS;
  tls->latest_ns = tls->deadline_ns + TLS_WAIT_NS;
  if (tls_context_is_client(factory->context) && !tls_handshake_offer(tls, now_ns)) {
    tls_close(tls);
    return false;
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

struct tls_facts tls_machine_facts(const struct machine *machine) {
  assert(machine->ops == &tls_ops);
  const struct tls *tls = machine->self;
  assert(tls->facts.version);
  return tls->facts;
}

struct ssl_st *tls_machine_ssl(const struct machine *machine) {
  assert(machine->ops == &tls_ops);
  const struct tls_openssl *openssl = ((const struct tls *)machine->self)->openssl;
  return openssl ? openssl->ssl : NULL;
}
