/*
 * common/output.h - what a command says when it fails, and the end of what it writes.
 */
#ifndef WEIR_TOOLS_OUTPUT_H
#define WEIR_TOOLS_OUTPUT_H

/* One line on standard error: the command, a colon, and the formatted text. Returns `status`. */
__attribute__((format(printf, 3, 4))) int output_complain(const char *command, int status,
                                                          const char *format, ...);

/* Flushes standard output. Returns `status`, or EXIT_FAILED when something could not be written (a
 * full disk, a closed pipe): standard error then has one line, which begins with `command`. */
__attribute__((warn_unused_result)) int output_end(const char *command, int status);

#endif
