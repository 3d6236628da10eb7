/*
 * h1/bad_input.h - every published form of request smuggling, and what is malformed in other ways; beside them the
 * nearest requests that are valid.
 */
#ifndef WEIR_TESTS_H1_BAD_INPUT_H
#define WEIR_TESTS_H1_BAD_INPUT_H

#include "engine/base/machine.h"

struct bad_input {
  const char *name;
  struct span bytes;
  const char *expected; /* what message_text() says of it: "400" of most */
};

struct bad_input_table {
  const char *name;
  const struct bad_input *rows;
  size_t count;
};

enum { BAD_INPUT_TABLES = 9 };
extern const struct bad_input_table bad_input_tables[BAD_INPUT_TABLES];

#endif
