/*
 * support/script_seen.h - part of tests/support/script.h: the frames that the machine sent.
 */
#ifndef WEIR_TESTS_SCRIPT_SEEN_H
#define WEIR_TESTS_SCRIPT_SEEN_H

#include "tests/support/script.h"

/* Reads the whole frames in `received` into the transcript, and removes them. Fails the test if
 * one is invalid, or comes within a header block. */
void script_seen(struct script *script);

#endif
