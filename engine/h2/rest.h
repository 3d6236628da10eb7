/*
 * h2/rest.h - the small machine in which an idle connection rests.
 *
 *     awake --idle for H2_REST_NS, the host moves machines--> at rest --bytes, end, tick, drain--> awake
 *
 * At rest a connection is kept as those words of struct h2 that are not zero, and the entries of its header tables:
 * about a kilobyte instead of six. Nothing is forgotten. Waking takes memory as a new connection does; where that is
 * refused, the connection ends.
 *
 * A server's connections only: a client's owner holds on to its struct h2. The host keeps the machine's place until
 * close(): see move() in base/machine.h.
 */
#ifndef WEIR_H2_REST_H
#define WEIR_H2_REST_H

#include "engine/base/machine.h"

struct h2;

/* What a connection does that is awake. */
struct h2_awake {
  const struct machine_ops *ops;
  void (*finish)(struct h2 *h2); /* frees what the connection holds, and not its struct */
};

/* Whether nothing is under way that the machine at rest could not do. */
bool h2_rest_fits(const struct h2 *h2);

/* Puts the machine at rest into `place` and frees `h2`, which must fit (asserted). Without memory nothing happens.
 * Keeps `place` and `awake`. */
void h2_rest_begin(struct h2 *h2, const struct h2_awake *awake, struct machine *place);

#endif
