/*
 * common/output.h - error messages, and checks that the output was written.
 */
#ifndef WEIR_TOOLS_OUTPUT_H
#define WEIR_TOOLS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

/* Writes one formatted line to the descriptor `to`, and adds the newline. Never blocks: if a pipe
 * or terminal is full, the line is dropped. The next line that gets through is preceded by one with
 * the number of missing lines. Safe from every thread. */
__attribute__((format(printf, 2, 3))) void output_say(int to, const char *format, ...);

/* Puts `instead` in place of each control character of a text that a peer sent, so that it cannot steer a terminal:
 * C0, DEL, and the two bytes of each C1 character in UTF-8. */
void output_tame(char *text, size_t len, char instead);

/* The number of lines that output_say() dropped or cut. */
uint64_t output_dropped(void);

/* Writes one line to standard error: the command, a colon, and the text. Returns `status`. */
__attribute__((format(printf, 3, 4))) int output_complain(const char *command, int status,
                                                          const char *format, ...);

/* Flushes standard output. Returns `status`, or EXIT_FAILED, after one line on standard error, when
 * something could not be written (full disk, closed pipe). */
__attribute__((warn_unused_result)) int output_end(const char *command, int status);

/* Prints `text`, such as the help, and flushes. Returns EXIT_DONE, or EXIT_FAILED as output_end()
 * does. */
__attribute__((warn_unused_result)) int output_text(const char *command, const char *text);

#endif
