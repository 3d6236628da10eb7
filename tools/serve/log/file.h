/*
 * serve/log/file.h - where the lines of the log go: a file that may be rotated, a FIFO, a device, or
 * standard output. Only the thread that writes the log uses it, after it was opened.
 *
 * A file that cannot be written to is complained of once, on standard error, until it can be again.
 * A FIFO that nothing reads is no error: it is opened as soon as something does.
 */
#ifndef WEIR_TOOLS_SERVE_LOG_FILE_H
#define WEIR_TOOLS_SERVE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "io/base/error.h"

struct log_file {
  const char *path; /* "-": standard output, which is then the log's alone: whatever else the
                       program says there goes to standard error */
  int fd;           /* -1: a FIFO without a reader */
  struct stat status;
  bool torn; /* the last write ended within a line */
  bool complained;
};

enum log_file_result {
  LOG_FILE_WRITTEN, /* some bytes */
  LOG_FILE_FULL,    /* of a FIFO or pipe: wait until it can be written to */
  LOG_FILE_FAILED,  /* try again later */
  LOG_FILE_LEFT, /* the reader of a FIFO has gone; the next one must not get the rest of a line */
};

/* Keeps `path`. Makes the file if there is none, and appends to it. False with error->text when it
 * cannot be opened. */
__attribute__((warn_unused_result)) bool log_file_open(struct log_file *file, const char *path,
                                                       struct io_error *error);
void log_file_close(struct log_file *file);

/* Whether the file could be opened, or made; touches nothing, and wakes no reader of a FIFO. False with error->text. */
__attribute__((warn_unused_result)) bool log_file_try(const char *path, struct io_error *error);

/* Opens the path anew if another file or none is there now, if it is not open, or if `always`. True if
 * it did. Keeps the open file if that fails. */
__attribute__((warn_unused_result)) bool log_file_follow(struct log_file *file, bool always);

/* Writes bytes of one or two parts, at least one; `*bytes` is how many. Blocks for no reader. */
__attribute__((warn_unused_result)) enum log_file_result
log_file_write(struct log_file *file, const struct iovec *parts, int count, size_t *bytes);

#endif
