/*
 * check.h - what must hold for a connection between any two steps.
 */
#ifndef WEIR_SIM_CHECK_H
#define WEIR_SIM_CHECK_H

#include "tests/sim/end.h"

/* Compares the engine's books with those that wire.c keeps from the bytes, and checks that they
 * agree with each other. */
void sim_check_end(struct sim_end *end);

#endif
