/*
 * pipeline.h - a seeded world of clients of HTTP/1.x that pipeline, against one server engine: bytes are cut at
 * random, handlers answer in several ways and in their own time, and in every other world things go wrong.
 *
 * Clients check that each request is answered once, in order, with its own bytes. Handlers check what is
 * uploaded, and that requests which are not safe are handled alone. In a calm world every request must be
 * answered in the end. Nothing may be left of any connection.
 */
#ifndef WEIR_SIM_PIPELINE_H
#define WEIR_SIM_PIPELINE_H

#include <stdint.h>

struct pipeline_totals {
  uint64_t steps, connections, requests, answers,
      refused; /* refused: answered by the engine itself */
  uint64_t ahead, uploads, chunked, closed, waits, late, lent;
  uint64_t drains, ends, aborts, refusals, jumps, cut;
};

/* Runs `steps` steps and the end of the world; adds to *totals. Fails by sim_fail(). */
void pipeline_run(uint64_t seed, uint64_t steps, struct pipeline_totals *totals);

#endif
