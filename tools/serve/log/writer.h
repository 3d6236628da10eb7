/*
 * serve/log/writer.h - the thread that writes the access log, and the queues that it reads: one of
 * each worker. The text of the lines is made on this thread, too.
 *
 * After it has written, it rests for ACCESS_LOG_REST_MILLISECONDS, so that a busy server has many
 * lines in one write; a queue that is half full wakes it earlier. An idle one sleeps. While the file
 * cannot be written to, lines stay in the queues; those for which there is no room are dropped.
 *
 * Owner: the main thread. The queues must not be used after log_writer_close().
 */
#ifndef WEIR_TOOLS_SERVE_LOG_WRITER_H
#define WEIR_TOOLS_SERVE_LOG_WRITER_H

#include "io/base/error.h"
#include "tools/serve/log/queue.h"

struct log_writer;

struct log_counts {
  uint64_t lines;   /* that were queued */
  uint64_t dropped; /* that were not, or could not be written */
};

/* Opens the file, with `queues` queues for it, of `queue_bytes` each: a power of two. NULL with
 * error->text when that fails. Keeps `path`. */
__attribute__((warn_unused_result)) struct log_writer *
log_writer_open(const char *path, unsigned queues, size_t queue_bytes, struct io_error *error);

/* Starts the thread, which inherits the caller's signal mask. */
__attribute__((warn_unused_result)) bool log_writer_start(struct log_writer *writer,
                                                          struct io_error *error);

/* Writes what the queues hold, for ACCESS_LOG_END_MILLISECONDS at most, and ends the thread. NULL is
 * allowed. */
void log_writer_close(struct log_writer *writer);

struct log_queue *log_writer_queue(struct log_writer *writer, unsigned index);

/* From any thread: a queue wants to be read. */
void log_writer_wake(struct log_writer *writer);

/* From any thread: opens the file by its name, which may be another one by now. */
void log_writer_reopen(struct log_writer *writer);

/* From any thread. */
struct log_counts log_writer_counts(const struct log_writer *writer);

#endif
