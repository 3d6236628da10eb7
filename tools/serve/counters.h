/*
 * serve/counters.h - prints the counters of all workers as one line of JSON.
 */
#ifndef WEIR_TOOLS_SERVE_COUNTERS_H
#define WEIR_TOOLS_SERVE_COUNTERS_H

#include "engine/engine.h"
#include "io/ring/loop.h"
#include "tools/serve/log_writer.h"

void serve_counters_add(struct engine_counters *sum, const struct engine_counters *counters);

/* Writes one line to the descriptor `to`: every counter by its name in its struct, those of the access
 * log and of the recording, and `lines_dropped` of common/output.h. */
void serve_counters_say(int to, const struct engine_counters *engine,
                        const struct loop_counters *worker, const struct log_counts *log,
                        const struct log_counts *record);

#endif
