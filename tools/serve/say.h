/*
 * serve/say.h - what `weir serve` tells its operator at the start and at the end, and when asked.
 */
#ifndef WEIR_TOOLS_SERVE_SAY_H
#define WEIR_TOOLS_SERVE_SAY_H

#include "tools/serve/server.h"

/* What is served, where, by what: after all workers have started. */
void serve_say_start(const struct server *server, const struct worker_group *group);

/* One line about a slot: `what` is "listening on", say. */
void serve_say_listener(const struct server *server, unsigned slot, const char *what);

/* Totals, with --verbose. */
void serve_say_end(const struct server *server, const struct worker_group *group);

/* What is wrong with a configuration, on standard error: all of it with its place in `file`; of a command line
 * (NULL) the first. */
void serve_tell_mistakes(struct mistakes *mistakes, const char *file);

/* All counters, on standard error. */
void serve_say_counters(struct server *server, const struct worker_group *group);

#endif
