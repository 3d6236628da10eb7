/*
 * h1/diff_source.h - random, mostly valid messages, for comparing parsers.
 */
#ifndef WEIR_TESTS_H1_DIFF_SOURCE_H
#define WEIR_TESTS_H1_DIFF_SOURCE_H

#include "engine/h1/head.h"
#include "tests/support/random.h"

enum { DIFF_BYTES = 4096 };

struct diff_message {
  enum h1_head_kind kind; /* H1_REQUEST or H1_RESPONSE */
  uint8_t bytes[DIFF_BYTES];
  size_t len;
};

/* Makes a message, followed by some bytes of the next one. */
void diff_source_make(struct diff_message *message, struct random *random);

#endif
