/*
 * support/script_seen.h - part of tests/support/script.h: the frames that the machine sent.
 */
#ifndef WEIR_TESTS_SCRIPT_SEEN_H
#define WEIR_TESTS_SCRIPT_SEEN_H

#include "tests/support/script_parts.h"

/* Takes the machine's output, unless the peer is mute. */
void script_pump(struct script *script);

/* Reads bytes from the machine, however cut, into the transcript. Fails the test if a frame is
 * invalid, or comes within a header block. */
void script_receive(struct script *script, struct span bytes);

#endif
