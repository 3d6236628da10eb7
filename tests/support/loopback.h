/*
 * support/loopback.h - a client engine and a server engine in one process, without sockets.
 *
 * Both ends take their memory from one counted_memory, which can refuse. loopback_close() asserts
 * that all of it was freed. Only loopback_advance(), or a test that sets `now_ns`, moves the time.
 * Failures are asserts, so that fuzz targets can use it, too.
 */
#ifndef WEIR_TESTS_LOOPBACK_H
#define WEIR_TESTS_LOOPBACK_H

#include "engine/conn.h"
#include "engine/h2/h2.h"
#include "tests/support/counted.h"

struct loopback {
  struct counted_memory memory;
  struct engine client_engine, server_engine;
  struct machine client, server;
  uint64_t now_ns;
  size_t piece_bytes; /* maximum bytes per recv; 0: as they come */
  uint64_t moved;     /* bytes in both directions */
};

/* Facts of a peer that chose h2 in its TLS handshake. */
extern const struct machine_peer loopback_peer;

/* Makes both engines and one connection, on which nothing has been sent. `handler` answers on the
 * server, and is kept until loopback_close(). `config` is for both; NULL: the default. */
void loopback_open(struct loopback *loop, const struct handler *handler,
                   const struct engine_config *config);

/* Closes the connection and frees everything. Asserts that no memory is left. */
void loopback_close(struct loopback *loop);

/* Gives `bytes` to a machine in pieces of `piece_bytes`. Bytes that it does not take are lost,
 * as with a reset. */
void loopback_deliver(struct loopback *loop, struct machine *to, struct span bytes);

/* Moves the current output of `from`. Returns false when there was none. */
bool loopback_move(struct loopback *loop, struct machine *from, struct machine *to);

/* Moves bytes until neither side has anything to send. */
void loopback_run(struct loopback *loop);

/* Calls the machine's tick if its deadline has come. */
void loopback_tick(struct loopback *loop, struct machine *machine);

/* Lets `ns` pass in steps of at most 100 ms, so that no deadline is late by more than that.
 * Moves bytes after each. */
void loopback_advance(struct loopback *loop, uint64_t ns);

#endif
