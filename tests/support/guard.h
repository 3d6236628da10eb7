/*
 * support/guard.h - bytes that end at a page without access: an access one byte too far ends the
 * test. There is such a page before `base`, too. Owner: the test.
 */
#ifndef WEIR_TESTS_GUARD_H
#define WEIR_TESTS_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/machine.h"

struct guard {
  uint8_t *base;
  size_t bytes; /* between the guard pages */
};

/* Maps at least `bytes` bytes, between guard pages. Fails the test if that is refused. */
void guard_init(struct guard *guard, size_t bytes);

void guard_destroy(struct guard *guard);

/* Copies `bytes` so that they end at the guard page. The copy is valid until the next call of
 * this or guard_room(). */
struct span guard_put(struct guard *guard, struct span bytes);

/* Returns a buffer of exactly `bytes` bytes before the guard page. */
uint8_t *guard_room(struct guard *guard, size_t bytes);

#endif
