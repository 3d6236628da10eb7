/*
 * serve/counters.h - the counters of all workers as one line of JSON.
 */
#ifndef WEIR_TOOLS_SERVE_COUNTERS_H
#define WEIR_TOOLS_SERVE_COUNTERS_H

#include "engine/engine.h"
#include "io/ring/loop.h"

/* Adds what `from` holds now; its writer may go on meanwhile. */
void serve_counters_add(struct engine_counters *sum, const struct engine_counters *from);

/* One line to the descriptor `to`: every counter of both structs by its name in engine/engine.h and
 * io/ring/loop.h, and `lines_dropped` of common/output.h. */
void serve_counters_say(int to, const struct engine_counters *engine,
                        const struct loop_counters *worker);

#endif
