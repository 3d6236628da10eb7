/*
 * support/script_frame.h - part of tests/support/script.h: frames out of text.
 */
#ifndef WEIR_TESTS_SCRIPT_FRAME_H
#define WEIR_TESTS_SCRIPT_FRAME_H

#include "tests/support/script.h"

/* The bytes of the frame that `text` .. `end` describes; valid until the next call. Notes in the script
 * what the peer has thereby announced, inserted and opened. Fails the test if the text makes no sense. */
struct span script_frame(struct script *script, const char *text, const char *end);

#endif
