/*
 * lib/guard.h - a machine around a machine that changes nothing and tells when it is closed.
 *
 * Ownership: embedded by whoever wants to know; in use from weir_guard_around() until closed() has
 * been called.
 */
#ifndef WEIR_GUARD_H
#define WEIR_GUARD_H

#include "engine/base/machine.h"

struct weir_guard {
  struct machine inner;
  void (*closed)(struct weir_guard *guard); /* before the inner machine's close() */
};

/* Replaces `machine` by the guard around it. `guard->closed` was set by the caller. */
void weir_guard_around(struct weir_guard *guard, struct machine *machine);

#endif
