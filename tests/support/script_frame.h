/*
 * support/script_frame.h - part of tests/support/script.h: frames from text.
 */
#ifndef WEIR_TESTS_SCRIPT_FRAME_H
#define WEIR_TESTS_SCRIPT_FRAME_H

#include "tests/support/script_parts.h"

/* The bytes of the frame that `text` .. `end` describes; valid until the next call. Records in
 * the script the settings, table entries and streams of the frame. Fails the test if the text
 * makes no sense. */
struct span script_frame(struct script *script, const char *text, const char *end);

#endif
