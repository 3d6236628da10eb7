/*
 * output.h - the end of what a command writes to standard output.
 */
#ifndef WEIR_TOOLS_OUTPUT_H
#define WEIR_TOOLS_OUTPUT_H

/* Flushes standard output. Returns `status`, or EXIT_FAILED when something could not be written (a
 * full disk, a closed pipe): standard error then has one line, which begins with `command`. */
__attribute__((warn_unused_result)) int output_end(const char *command, int status);

#endif
