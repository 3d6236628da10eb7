/*
 * support/fuzz.h - shared code of the fuzz targets of whole connections: a host without sockets
 * that lets the input decide, and handlers of both roles that do a bit of everything.
 *
 * An input is FUZZ_CHOICE_BYTES of choices, then bytes of the wire. The choices seed the run's only
 * source of chance, which decides how the bytes are cut, how much of the engine's output is taken,
 * and when time passes.
 *
 * Asserts check, beyond not crashing: the peer's decoder accepts every frame that the engine sends;
 * lent bytes stay unchanged until they are acked; the memory of one connection is bounded; a
 * connection whose peer is gone ends, and nothing is left of it.
 *
 * Life: fuzz_open(), then the target makes `machine`, then any number of fuzz_receive() and
 * fuzz_send(), optionally fuzz_finish(), and fuzz_close().
 */
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include "engine/engine.h"
#include "engine/h2/h2.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

enum {
  FUZZ_CHOICE_BYTES = 8,
  FUZZ_OUT_BYTES = 1 << 17,
  FUZZ_STREAMS = 160,
  FUZZ_BODY_BYTES = 40000, /* the longest body */
};

struct fuzz_exchange {
  struct fuzz_run *run;
  struct stream *stream; /* NULL: this slot is free */
  uint32_t bytes, sent;  /* of our body */
  bool body_open, waiting, gone;
  /* What it does: x its body fails, w it waits, e data() resumes; other letters are the target's. */
  char kind;
};

struct fuzz_run {
  struct random random;
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  enum h2_role role;
  uint64_t now_ns;
  struct fuzz_exchange exchanges[FUZZ_STREAMS];
  uint8_t out[FUZZ_OUT_BYTES]; /* sent, not yet a whole frame */
  size_t out_len;
  uint32_t preface_left;
  bool http1; /* the engine answered in HTTP/1.1: no frames */
  /* Sees all that is sent, instead of the check of frames; NULL: none. The target sets it before
   * fuzz_open(). */
  void (*on_sent)(struct fuzz_run *run, struct span bytes);
};

/* ---- life ------------------------------------------------------------------------------------ */

/* Makes an engine with a configuration that the choices decide. `handler` is for the server's
 * role, else NULL. */
void fuzz_open(struct fuzz_run *run, const uint8_t *choices, enum h2_role role,
               const struct handler *handler);

/* Closes the connection. Asserts that nothing is left. */
void fuzz_close(struct fuzz_run *run);

/* The peer is gone. Takes everything that is still to be sent: the machine must end. */
void fuzz_finish(struct fuzz_run *run);

/* ---- the host -------------------------------------------------------------------------------- */

unsigned fuzz_wants(const struct fuzz_run *run);

/* Gives all of `bytes` to the machine in pieces, each in memory of its exact size. Other events
 * happen in between. */
void fuzz_receive(struct fuzz_run *run, const uint8_t *bytes, size_t len);

/* Takes some of the output, and checks the frames in it. Returns false when there was none. */
bool fuzz_send(struct fuzz_run *run);

/* ---- exchanges ------------------------------------------------------------------------------- */

/* Returns a free slot, or NULL. A slot is in use once the target sets its `stream`, and free
 * again when the stream and its body have closed. */
struct fuzz_exchange *fuzz_exchange_new(struct fuzz_run *run, char kind);

/* A body of `bytes` bytes, at most FUZZ_BODY_BYTES. */
struct body fuzz_body(struct fuzz_exchange *exchange, uint32_t bytes);

/* Events of streams whose `user` is a fuzz_exchange. */
void fuzz_data(struct stream *stream, struct span bytes, bool end);
void fuzz_closed(struct stream *stream, uint32_t error_code);

#endif
