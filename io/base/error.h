/*
 * base/error.h - why a part of io/ could not start: one line for a person, without the program's
 * name and without a newline.
 */
#ifndef WEIR_IO_ERROR_H
#define WEIR_IO_ERROR_H

struct io_error {
  int code; /* errno value, or 0 when none fits */
  char text[240];
};

/* Fills `error` (may be NULL) and returns false, so that a failure is `return io_error_set(...)`. */
__attribute__((format(printf, 3, 4))) _Bool io_error_set(struct io_error *error, int code,
                                                         const char *format, ...);

#endif
