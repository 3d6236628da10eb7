/*
 * spec/spec_states_check.h - holds a table of states and frames to being complete: each frame type
 * with each flag, each length that matters, on a stream and on stream 0; and among the steps, in each
 * state, each type that may be received there.
 */
#ifndef WEIR_TESTS_SPEC_STATES_CHECK_H
#define WEIR_TESTS_SPEC_STATES_CHECK_H

#include "tests/spec/spec_states.h"

/* Prints what is missing, and then fails the test. */
void spec_states_check(const struct spec_states_table *table,
                       const struct spec_states_start *start);

#endif
