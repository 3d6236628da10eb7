/*
 * spec/spec_states.h - runs a table of states and frames. Steps lead from state to state, according
 * to the table's author and not the engine. Rows give the verdict on a frame in each state.
 *
 * A verdict is a set of allowed results: "-" no error, "S:x" RST_STREAM with code x, "C:x" GOAWAY
 * with code x, "~" no error, and the connection takes nothing new. The first is weir's choice. Any
 * other result fails, even an allowed one, so that a change is noticed. Section 5.4.1 lets any
 * stream error be a connection error, so S:x comes with C:x.
 *
 * Every row of a stream runs in every state that steps lead to, reached by the shortest way and by
 * every step that can be taken there before; and after every prefix of two steps from where the table
 * begins. Rows of stream 0 run in every state, reached by the shortest way, and after every first
 * step (at length, after the same prefixes as the others). All of that whole, and the part up to one
 * more step byte by byte as well.
 *
 * After each frame that does not end the connection, HPACK and the connection's window must still
 * be in step (script_check()). Frames on closed streams must update both, too (sections 4.3, 5.1,
 * 6.9).
 */
#ifndef WEIR_TESTS_SPEC_STATES_H
#define WEIR_TESTS_SPEC_STATES_H

#include "tests/spec/spec_states_table.h"

/* A test program: checks that the table is complete (tests/spec/spec_states_check.h), then runs
 * it for the client's stream 1 and for stream 2, which a server promises. Returns main()'s
 * status. */
int spec_states_main(const struct spec_states_table *table);

#endif
