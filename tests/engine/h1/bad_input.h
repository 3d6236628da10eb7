/*
 * h1/bad_input.h - every published form of request smuggling, and other malformed requests, with
 * the most similar valid requests beside them.
 */
#ifndef WEIR_TESTS_H1_BAD_INPUT_H
#define WEIR_TESTS_H1_BAD_INPUT_H

#include "engine/base/machine.h"

struct bad_input {
  const char *name;
  struct span bytes;
  const char *expected; /* the text from message_text(): mostly "400" */
};

struct bad_input_table {
  const char *name;
  const struct bad_input *rows;
  size_t count;
};

enum { BAD_INPUT_TABLES = 10 };
extern const struct bad_input_table bad_input_tables[BAD_INPUT_TABLES];

#endif
