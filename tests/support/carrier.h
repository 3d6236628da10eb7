/*
 * support/carrier.h - a client's and a server's engine that speak HTTP/1.1 or HTTP/2 to each other, for tests of
 * what travels in a tunnel. Bytes move in pieces of any size; time passes only when no byte moves.
 *
 * Owner: the test; not thread-safe.
 */
#ifndef WEIR_TESTS_CARRIER_H
#define WEIR_TESTS_CARRIER_H

#include "engine/engine.h"
#include "tests/support/counted.h"
#include "tests/support/pipe.h"

struct carrier_side {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct machine_host host;
  struct pipe sent;
  bool told; /* the other side knows that this one is done */
};

struct carrier {
  struct carrier_side client, server;
  bool http1;
  bool vaults; /* set before carrier_begin(): the transport takes vaulted bytes, and gives some */
  size_t cut;
  uint64_t now_ns;
};

/* Makes both engines and connects them; the server's has this handler. */
void carrier_begin(struct carrier *carrier, bool http1, size_t cut, const struct handler *handler);

/* Runs until the server has said that it takes tunnels; HTTP/1.1 needs nothing for that. */
void carrier_settle(struct carrier *carrier);

/* Asks for a tunnel of `protocol` at path "/", with `more` fields. */
struct stream *carrier_ask(struct carrier *carrier, const char *protocol, const struct header *more,
                           size_t more_count, struct body body, const struct stream_events *events,
                           void *user);

/* Moves bytes, and time when there are none, until `is_over`; asserts that this comes to be. */
void carrier_run(struct carrier *carrier, bool (*is_over)(void));

/* Moves bytes until none do. Time stands still. */
void carrier_calm(struct carrier *carrier);

/* Closes the connection at both ends; asserts that no memory is left. */
void carrier_end(struct carrier *carrier);

#endif
