/*
 * h1/message_check.h - checks how a message is read, however its bytes are cut.
 */
#ifndef WEIR_TESTS_H1_MESSAGE_CHECK_H
#define WEIR_TESTS_H1_MESSAGE_CHECK_H

#include "tests/engine/h1/message.h"

/* Fails the test unless the message in `bytes`, with what follows it, gives `expected` whole,
 * byte by byte and in two pieces at every place, each piece before a guard page. The bytes after
 * the message are appended to the text. */
void message_check(const char *name, enum h1_head_kind kind, struct h1_asked asked,
                   struct span bytes, const char *expected);

#endif
