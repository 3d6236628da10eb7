/*
 * check.h - what must be true of a connection between any two steps.
 */
#ifndef WEIR_SIM_CHECK_H
#define WEIR_SIM_CHECK_H

#include "tests/sim/end.h"

/* Compares the engine's books with those that wire.c read off the bytes, and with themselves. */
void sim_check_end(struct sim_end *end);

#endif
