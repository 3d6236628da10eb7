/*
 * tls/connection.h - one TLS connection: its state, and how it ends. For tls/tls.c, which is the machine, and
 * tls/handshake.c. The states are explained in tls/tls.c.
 */
#ifndef WEIR_TLS_CONNECTION_H
#define WEIR_TLS_CONNECTION_H

#include "engine/base/machine.h"
#include "io/tls/burst.h"
#include "io/tls/credit.h"
#include "io/tls/factory.h"
#include "io/tls/facts.h"
#include "io/tls/kept.h"
#include "io/tls/openssl.h"
#include "io/tls/records.h"

enum tls_state { TLS_WAITING, TLS_HANDSHAKE, TLS_OPEN, TLS_CLOSING };

struct tls {
  struct tls_factory *factory;
  struct machine_host *host;
  struct machine inner;        /* ops NULL: not made yet, or closed */
  struct tls_openssl *openssl; /* NULL in WAITING, and once `records` has taken over */
  struct tls_records *records;
  struct span input; /* borrowed for the call under way; empty between calls */
  struct tls_slab output;
  const char *error; /* "" or why it failed; static text */

  uint64_t deadline_ns; /* WAITING, HANDSHAKE and CLOSING */
  uint64_t latest_ns;   /* the bound of the first two, however long it waits at `place` */
  struct tls_place place;
  struct tls_credit credit;
  struct tls_burst burst;

  struct tls_kept kept;

  uint8_t state; /* enum tls_state */
  bool blocked;  /* OpenSSL must write before it can go on reading */
  bool eof;      /* the peer has ended its half */
  bool eof_told; /* and the inner machine knows */
  bool cut;      /* a server has, without close_notify */
  bool ended;    /* the inner machine's direction has: close_notify is in the slab or sent */
  bool draining; /* asked for before there was an inner machine */
  bool waits;    /* server, before OPEN: for its turn, at `place` */
  bool expired;  /* TLS_CLOSE_NS is over: what is unsent stays so */
  struct machine_peer peer;
  struct tls_facts facts;    /* from OPEN on */
  struct ssl_ctx_st *policy; /* the same; it keeps the texts of `peer` and `facts` */
};

/* False without an inner machine. */
static inline bool tls_inner_wants(const struct tls *tls, unsigned bits) {
  return tls->inner.ops && (tls->inner.ops->wants(tls->inner.self) & bits);
}

/* The connection goes on without OpenSSL, if that can be. */
void tls_take_over(struct tls *tls);

/* Frees the inner machine, if there is one. */
void tls_close_inner(struct tls *tls);

/* Our direction ends with close_notify; the peer's may go on (RFC 8446 section 6.1). Idempotent. */
void tls_end_direction(struct tls *tls);

/* These three begin CLOSING, and free the inner machine. The state is not CLOSING yet (asserted). */

/* The orderly end: the peer's close_notify is not waited for. */
void tls_finish(struct tls *tls, uint64_t now_ns);

/* `error` is static text; "" for none. */
void tls_fail(struct tls *tls, const char *error, uint64_t now_ns);

/* OpenSSL reported a fatal error; the alert, if there is one, is in the slab already. */
void tls_fail_openssl(struct tls *tls, uint64_t now_ns);

/* When WAITING, HANDSHAKE or CLOSING has taken too long. */
uint64_t tls_limit_ns(const struct tls *tls);

#endif
