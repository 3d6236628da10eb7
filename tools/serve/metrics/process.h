/*
 * serve/metrics/process.h - metrics about the process, under the names that all Prometheus clients use.
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_PROCESS_H
#define WEIR_TOOLS_SERVE_METRICS_PROCESS_H

#include "tools/serve/metrics/text.h"

/* Reads /proc; what cannot be read is left out. `start_ns`: when the process began, since 1970. */
void metrics_process(struct metrics_text *text, uint64_t start_ns);

#endif
