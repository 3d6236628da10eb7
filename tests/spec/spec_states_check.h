/*
 * spec/spec_states_check.h - checks that a table of states and frames is complete: rows for each
 * frame type with each flag and each length that matters, on a stream and on stream 0; and steps,
 * in each state, for each type that is allowed there.
 */
#ifndef WEIR_TESTS_SPEC_STATES_CHECK_H
#define WEIR_TESTS_SPEC_STATES_CHECK_H

#include "tests/spec/spec_states_table.h"

/* Prints the missing rows and steps, and then fails the test. */
void spec_states_check(const struct spec_states_table *table,
                       const struct spec_states_start *start);

#endif
