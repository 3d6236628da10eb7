/*
 * support/script_log.h - part of tests/support/script.h: its transcript, to which a test may add.
 */
#ifndef WEIR_TESTS_SCRIPT_LOG_H
#define WEIR_TESTS_SCRIPT_LOG_H

#include "tests/support/script_parts.h"

/* Appends an entry; entries are separated by commas. Fails the test when the log is full. */
__attribute__((format(printf, 2, 3))) void script_log(struct script *script, const char *format,
                                                      ...);

/* Appends "WHAT ID BYTES[ end]", or adds to the last entry if it is about the same data in the
 * same step, because scripts do not test how data is cut. */
void script_log_data(struct script *script, const char *what, uint64_t id, size_t bytes, bool end);

/* A span as a string. Valid until the fourth call from now. */
const char *script_log_text(struct span text);

#endif
