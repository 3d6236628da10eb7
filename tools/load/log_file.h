/*
 * load/log_file.h - --log-file: a line for each request, with h2load's columns, separated by tabs:
 *
 *     1795839313753079  200  412
 *
 * The time when it was due (when it was sent, in a closed loop) in microseconds since 1970, its status
 * (-1 if there was no complete response), and the microseconds until its end. Requests of a warm-up
 * are left out. With several threads, lines may be slightly out of order.
 *
 * A thread of its own writes the file, so that no worker waits for the disk. Requests that come faster
 * than it writes for a while are lost, and counted.
 */
#ifndef WEIR_LOAD_LOG_FILE_H
#define WEIR_LOAD_LOG_FILE_H

#include <pthread.h>
#include <stdio.h>

#include "tools/common/failure.h"
#include "tools/load/log_queue.h"

struct load_log_file {
  const char *path; /* NULL: there is no log */
  struct load_log_queue *queues;
  unsigned count;
  FILE *file;
  pthread_t thread;
  bool started, ending;   /* ending: atomic */
  int64_t wall_offset_ns; /* wall clock minus clock_now_ns() */
  int error;              /* errno of the first write that failed, or 0 */
  uint64_t lost;          /* after the end */
};

/* Opens the file and starts its thread, which has the signal mask of the caller. Keeps `path`, which
 * may be NULL. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_log_file_begin(struct load_log_file *log,
                                                             const char *path, unsigned workers,
                                                             const struct failure *failure);

/* The queue of a worker, or NULL. */
struct load_log_queue *load_log_file_queue(struct load_log_file *log, unsigned worker);

/* Writes what is left, and closes the file. After the workers have ended. Also for one that is all
 * zeros, and again. */
void load_log_file_end(struct load_log_file *log);

#endif
