/*
 * serve/rules/refusals.h - why a path is answered with 403, told once for each path, with --verbose.
 * Safe from every thread.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_REFUSALS_H
#define WEIR_TOOLS_SERVE_RULES_REFUSALS_H

#include "engine/base/machine.h"

/* One line on standard output. `error` is an errno value, of io/files/files.h. Once
 * SERVE_REFUSALS_MAX paths were told, no more are: a client that asks for more would fill a
 * disk. */
void refusals_tell(struct span path, int error);

#endif
