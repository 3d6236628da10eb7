/*
 * spdy/check.h - the invariants of a session, checked after each machine call where WEIR_INVARIANTS is defined.
 */
#ifndef WEIR_SPDY_CHECK_H
#define WEIR_SPDY_CHECK_H

struct spdy;

void spdy_check(const struct spdy *spdy);

#endif
