/*
 * spec/spec_states_ways.h - reads a table of states and frames: which steps lead where, what its rows
 * say, and the ways to each state.
 */
#ifndef WEIR_TESTS_SPEC_STATES_WAYS_H
#define WEIR_TESTS_SPEC_STATES_WAYS_H

#include "tests/spec/spec_states_table.h"

enum { SPEC_STATES_PREFIX_BYTES = 1200 };

/* Shortest prefix to each state that can be reached. */
struct spec_states_ways {
  char to[STATE_COUNT][SPEC_STATES_PREFIX_BYTES];
  bool reached[STATE_COUNT];
};

void spec_states_explore(const struct spec_states_table *table,
                         const struct spec_states_start *start, struct spec_states_ways *ways);

/* List 0 is the role's own, list 1 is for both roles. */
enum { SPEC_STATES_LISTS = 2 };

const struct spec_states_rows *spec_states_rows_of(const struct spec_states_table *table,
                                                   size_t list);
const struct spec_states_steps *spec_states_steps_of(const struct spec_states_table *table,
                                                     size_t list);

/* The state to which a step leads; STATE_NONE: it is not taken there. */
unsigned spec_states_next(const struct spec_states_step *step, unsigned state);

/* Appends a step to a prefix. Fails the test if there is no room for it. */
void spec_states_append(const char *before, const struct spec_states_step *step,
                        char out[SPEC_STATES_PREFIX_BYTES]);

/* The row's verdict in this state. */
const char *spec_states_verdict(const struct spec_states_table *table,
                                const struct spec_states_row *row, unsigned state);

/* Runs a text for stream `id`. `promised` is the last identifier that `&` stood for. */
void spec_states_script(struct script *script, const struct spec_states_table *table,
                        const char *text, unsigned id, unsigned *promised);

#endif
