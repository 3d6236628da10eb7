/*
 * link/accept_parts.h - what a worker asks of its acceptors; for worker/worker.c only.
 */
#ifndef WEIR_IO_ACCEPT_PARTS_H
#define WEIR_IO_ACCEPT_PARTS_H

#include <stdbool.h>

struct worker;

/* A link was closed: those that ran out of descriptors or of the cap go on. */
void acceptors_resume(struct worker *worker);

/* The worker drains: no new connections; sockets are closed as soon as their request has ended. */
void acceptors_stop(struct worker *worker);

/* Whether a socket still listens. */
bool acceptors_are_open(const struct worker *worker);

void acceptors_free(struct worker *worker);

#endif
