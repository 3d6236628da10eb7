/*
 * common/output.h - a command's line when it fails, and whether its output was written.
 */
#ifndef WEIR_TOOLS_OUTPUT_H
#define WEIR_TOOLS_OUTPUT_H

#include <stdint.h>

/* One formatted line to the descriptor `to`; the newline is added. Never waits for a reader: what a
 * full pipe or terminal does not take at once is dropped. The next line that gets through is
 * preceded by one that tells how many lines are missing. Safe from every thread. */
__attribute__((format(printf, 2, 3))) void output_say(int to, const char *format, ...);

/* Lines that output_say() dropped, in whole or in part. */
uint64_t output_dropped(void);

/* One line on standard error: the command, a colon, and the formatted text. Returns `status`. */
__attribute__((format(printf, 3, 4))) int output_complain(const char *command, int status,
                                                          const char *format, ...);

/* Flushes standard output. Returns `status`, or EXIT_FAILED when something could not be written (a
 * full disk, a closed pipe): standard error then has one line, which begins with `command`. */
__attribute__((warn_unused_result)) int output_end(const char *command, int status);

/* Prints `text`, such as a help, and flushes. Returns EXIT_DONE, or EXIT_FAILED as output_end() does. */
__attribute__((warn_unused_result)) int output_text(const char *command, const char *text);

#endif
