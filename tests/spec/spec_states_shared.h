/*
 * spec/spec_states_shared.h - rows and steps of both roles.
 */
#ifndef WEIR_TESTS_SPEC_STATES_SHARED_H
#define WEIR_TESTS_SPEC_STATES_SHARED_H

#include "tests/spec/spec_states_table.h"

extern const struct spec_states_rows spec_states_shared_rows;
extern const struct spec_states_steps spec_states_shared_steps;

#endif
