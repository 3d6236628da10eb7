/*
 * forward/run.h - the run of `weir forward`: listeners, a worker for all sockets, and the main thread, which does
 * what blocks (files, names, plugins) when the worker asks for it.
 */
#ifndef WEIR_FORWARD_RUN_H
#define WEIR_FORWARD_RUN_H

#include "tools/forward/options.h"

/* Forwards until a signal or the end of the session. Returns the exit status, after one line on standard error
 * if it failed. */
__attribute__((warn_unused_result)) int forward_run(const struct forward_options *options);

#endif
