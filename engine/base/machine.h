/*
 * base/machine.h - the seam between io/ (which moves bytes) and engine/ (which understands them).
 *
 * A machine is one end of one connection with every system call taken out: received bytes go in,
 * bytes to send come out, time is an argument. This is the only header that both sides include.
 *
 *     host                       machine
 *      | recv(bytes) ------------> |   borrows the bytes, returns how many it took
 *      | <------------ send_peek() |   keeps the spans it returned until they are acked
 *      | send_ack(n) ------------> |   n bytes have left; the spans before them are free
 *      | tick(now) --------------> |   when deadline_ns() has passed
 *      | wants() ----------------> |   asked after each of the calls above
 *      | move() -----------------> |   if it wants that: another machine takes its place
 *      | close() ----------------> |   the last call; the machine frees itself
 *
 * Words used in every contract: *borrows* (until return), *keeps* (until ack or close),
 * *takes* (owns from now on), *lends* (the receiver borrows or keeps).
 */
#ifndef WEIR_MACHINE_H
#define WEIR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that someone else owns. `base` may be NULL when `len` is 0. */
struct span {
  const uint8_t *base;
  size_t len;
};

/* A *vaulted* span has no bytes in the process: they stayed in the kernel on their way from one socket to another.
 * It can be cut, queued and sent like any other, in the order in which its bytes came, but not read: its address
 * points to nothing in this process. Only machines that ask for it get one: see takes_vaulted() and
 * machine_peer.vault. */
static inline bool span_is_vaulted(struct span span) {
  return sizeof span.base == sizeof(int64_t) && (intptr_t)span.base < 0;
}

/* Keeps vaulted bytes for machines that want them for longer than a call. */
struct machine_vault {
  /* For a part of a vaulted span that recv() borrows: its bytes stay until as many calls of release(). Then what was
   * not sent is lost. */
  void (*hold)(struct machine_vault *vault, struct span vaulted);
  void (*release)(struct machine_vault *vault, struct span vaulted);
};

/* What a machine wants, as a bit set. */
enum {
  /* Input. Absent: the host stops reading from the peer. */
  MACHINE_RECV = 1,
  /* A call of send_peek(): there may be something to send. */
  MACHINE_SEND = 2,
  /* The end. Only when nothing is left to send: the host closes the connection (half-close first, so that the last
   * bytes arrive). */
  MACHINE_DONE = 4,
  /* Our direction has ended, and the peer's goes on. Only when nothing is left to send; nothing is sent any more. The
   * host closes our direction of the transport, and goes on as before. */
  MACHINE_ENDED = 8,
  /* The host ends the connection at once, and so that the peer knows that it was cut short (TCP RST). */
  MACHINE_RESET = 16,
  /* A call of move(). A host that never moves machines ignores it. */
  MACHINE_MOVES = 32,
  /* With MACHINE_DONE: the peer has said that it sends nothing more, so the connection may be closed at once. */
  MACHINE_SILENT = 64,
  /* With MACHINE_RECV: the input that it refused before is of no use once the peer has ended its half. A host that
   * finds so drops it, and calls recv_eof(). */
  MACHINE_ANSWERS = 128
};

#define MACHINE_NO_DEADLINE UINT64_MAX
#define MACHINE_BUSY        UINT64_MAX

struct machine;

/* All times are nanoseconds of one monotonic clock. Calls never fail: an error of the peer makes
 * the machine queue its farewell and report MACHINE_DONE once that has drained. */
struct machine_ops {
  /* Borrows `in`; returns the bytes consumed. Less than `in.len` only while MACHINE_RECV is not
   * wanted: the host keeps the rest and offers it again once MACHINE_RECV is back. */
  size_t (*recv)(void *self, struct span in, uint64_t now_ns);

  /* How many of the next bytes of its input the machine passes on without looking at them: if its next input is
   * not longer, it may be vaulted, and all of it is consumed. NULL: always 0. */
  size_t (*takes_vaulted)(const void *self);

  /* The peer will send nothing more (TCP FIN, or TLS close_notify). */
  void (*recv_eof)(void *self, uint64_t now_ns);

  /* Fills at most `max` spans with the next bytes to send, about `budget_bytes` in all; returns the
   * number of spans. Bytes that earlier peeks returned and no ack has covered come first,
   * unchanged. */
  size_t (*send_peek)(void *self, struct span *out, size_t max, size_t budget_bytes,
                      uint64_t now_ns);

  /* Whose the bytes of the last peek's span `which` are: a count of loans if they are good for as long as that is not
   * 0, even if the machine is closed; NULL: the machine's own. So a host that is not a socket can pass them on
   * without a copy: it adds one until it needs them no more. NULL: all are the machine's own. */
  uint32_t *(*send_loans)(const void *self, size_t which);

  /* The first `bytes` of what the last peek returned have left. */
  void (*send_ack)(void *self, size_t bytes, uint64_t now_ns);

  /* Time has passed; called at deadline_ns() or later. */
  void (*tick)(void *self, uint64_t now_ns);

  /* When tick() is next needed; MACHINE_NO_DEADLINE for never. */
  uint64_t (*deadline_ns)(const void *self);

  /* MACHINE_* bits. */
  unsigned (*wants)(const void *self);

  /* Begin to finish: take on nothing new, complete what has begun, then report MACHINE_DONE. */
  void (*drain)(void *self, uint64_t now_ns);

  /* When the last work ended, so that an idle connection can be drained to make room for another;
   * MACHINE_BUSY while there is work. NULL: always busy. */
  uint64_t (*idle_since_ns)(const void *self);

  /* Only while MACHINE_MOVES is wanted; NULL: it never is. The machine puts another into `place`, where the host
   * keeps it, and frees itself: an idle connection rests in a smaller one, or one that has done its work leaves
   * the rest to the one inside. That one may put others into `place` during any later call but close(), so the
   * host keeps it there, and reads `ops` and `self` anew for each call. */
  void (*move)(void *self, struct machine *place);

  /* Frees the machine. Nothing may be called afterwards; lent spans are no longer in use. */
  void (*close)(void *self);
};

struct machine {
  const struct machine_ops *ops;
  void *self;
};

/* Part of the seam: weights are 1 .. 256, so that the least is not noticed beside the greatest. */
#define MACHINE_WEIGHT_MAX     256
#define MACHINE_WEIGHT_DEFAULT 16

/* Told when a connection is over. */
struct machine_end {
  void (*ended)(struct machine_end *end, uint32_t note);
};

/* Lent by a host to its machine for the machine's whole life. */
struct machine_host {
  /* Call when the wants changed outside of the calls above (a handler finished later, a file
   * arrived). Cheap, idempotent, never re-enters the machine: the host acts later in its turn. */
  void (*wake)(struct machine_host *host);
  /* The machine's share of the host's time while time is short: 1 .. MACHINE_WEIGHT_MAX; twice the
   * weight gets twice the bytes; 0 means MACHINE_WEIGHT_DEFAULT. Factories and machines may set it
   * at any time; it applies from the next work on. */
  uint16_t weight;
  /* A factory that is about to create a machine may set these two, and no other field: once the machine was made,
   * `end` is told when the transport's connection has been closed, later than the machine. It must live as long. */
  uint32_t note;
  struct machine_end *end;
};

struct tls_identity;

/* The peer, as far as the transport knows it. */
struct machine_peer {
  const char *application_protocol; /* ALPN token that TLS agreed on; "" without TLS or ALPN */
  bool secure;                      /* bytes are encrypted on the wire */
  bool verified; /* it has shown a certificate that an authority vouches for which we trust */
  /* A server's: whom that certificate names, as "CN=alice,O=example"; NULL unless verified. Valid until
   * close(). */
  const char *subject;
  const char *secure_version; /* "TLSv1.3": static text; NULL without TLS */
  /* Of its key exchange: "x25519", "X25519MLKEM768"; lives as long as the TLS context. "" for none, NULL
   * without TLS. */
  const char *secure_group;
  /* Which certificates of ours it was shown (io/tls/identities.h): says for which names it may take
   * us. Valid until close(). NULL without TLS, and for clients. */
  const struct tls_identity *identity;
  /* What the machine sends may have vaulted spans, which are kept here; NULL: it must not. */
  struct machine_vault *vault;
  uint8_t address[16]; /* IPv6, or IPv4 mapped into it; all zero when unknown */
  uint16_t port;
};

/* Makes machines for new connections. create() returns false when resources are refused; the host
 * then closes the connection. `peer` is borrowed, `host` is kept. */
struct machine_factory {
  void *ctx;
  bool (*create)(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                 uint64_t now_ns, struct machine *out);
};

static inline struct span span_of(const void *base, size_t len) {
  struct span span = {(const uint8_t *)base, len};
  return span;
}

/* A counter has one writer; any thread may read it with counter_get(). */
static inline void counter_add(uint64_t *counter, uint64_t delta) {
  __atomic_store_n(counter, *counter + delta, __ATOMIC_RELAXED);
}

static inline uint64_t counter_get(const uint64_t *counter) {
  return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#ifdef __cplusplus
}
#endif

#endif
