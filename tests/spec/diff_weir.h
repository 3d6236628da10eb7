/*
 * spec/diff_weir.h - weir's side of the differential test: an engine with one connection, whose
 * application only logs its events.
 */
#ifndef WEIR_TESTS_DIFF_WEIR_H
#define WEIR_TESTS_DIFF_WEIR_H

#include "engine/engine.h"
#include "engine/h2/h2.h"
#include "tests/spec/diff_log.h"
#include "tests/support/counted.h"

struct diff_weir {
  struct diff_log log;
  struct counted_memory memory;
  struct engine engine;
  struct handler handler;
  struct machine machine;
  struct stream *streams[DIFF_IDS]; /* by identifier; NULL: not open */
  bool complete[DIFF_IDS];          /* the peer's message is complete */
};

/* Makes the engine, which serves one connection after another, because making its pools takes
 * longer than running a connection. */
void diff_weir_open(struct diff_weir *weir, enum h2_role role);

/* Frees it; asserts that no memory is left. */
void diff_weir_close(struct diff_weir *weir);

/* Opens a connection, and logs its first output. */
void diff_weir_begin(struct diff_weir *weir, enum h2_role role);

/* Closes it; asserts that no stream is left. */
void diff_weir_end(struct diff_weir *weir);

/* Gives it bytes, unless it has sent GOAWAY. */
void diff_weir_give(struct diff_weir *weir, const uint8_t *bytes, size_t len);

/* Takes and logs its output. */
void diff_weir_pump(struct diff_weir *weir);

/* Makes a request without content, in the client's role. Returns its identifier. */
uint32_t diff_weir_ask(struct diff_weir *weir, struct header *fields, size_t count);

#endif
