/*
 * load/log_file.c - see load/log_file.h.
 */
#include "tools/load/log_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/decimal.h"
#include "io/base/clock.h"
#include "tools/load/start_at.h"

/* ---- lines ----------------------------------------------------------------------------------- */

static void write_row(struct load_log_file *log, const struct load_log_row *row) {
  char line[LOAD_LOG_LINE_BYTES], *at = line;
  at += decimal_put((uint8_t *)at, ((uint64_t)((int64_t)row->due_ns + log->wall_offset_ns)) / 1000);
  *at++ = '\t';
  if (row->status < 0) *at++ = '-';
  at += decimal_put((uint8_t *)at, (uint64_t)(row->status < 0 ? -row->status : row->status));
  *at++ = '\t';
  at += decimal_put((uint8_t *)at, row->age_us);
  *at++ = '\n';
  if (log->error) return;
  errno = EIO;
  if (fwrite(line, 1, (size_t)(at - line), log->file) != (size_t)(at - line)) log->error = errno;
}

/* Whether there was anything. */
static bool write_all(struct load_log_file *log) {
  struct load_log_row row;
  bool some = false;
  for (unsigned i = 0; i < log->count; i++)
    while (load_log_queue_take(&log->queues[i], &row)) {
      write_row(log, &row);
      some = true;
    }
  return some;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *run(void *ctx) {
  struct load_log_file *log = ctx;
  const struct timespec pause = {.tv_nsec = LOAD_LOG_PAUSE_NS};
  for (bool ending = false; !ending;) {
    ending = __atomic_load_n(&log->ending, __ATOMIC_ACQUIRE);
    if (!write_all(log) && !ending) nanosleep(&pause, NULL);
  }
  return NULL;
}

static bool fail(struct load_log_file *log, const struct failure *failure, int error) {
  failure_set(failure, "cannot write %s: %s", log->path, strerror(error));
  load_log_file_end(log);
  return false;
}

bool load_log_file_begin(struct load_log_file *log, const char *path, unsigned workers,
                         const struct failure *failure) {
  *log = (struct load_log_file){.path = path, .count = workers};
  if (!path) return true;
  log->wall_offset_ns = load_start_at_now() - (int64_t)clock_now_ns();
  log->queues = aligned_alloc(_Alignof(struct load_log_queue), workers * sizeof *log->queues);
  if (!log->queues) return fail(log, failure, ENOMEM);
  memset(log->queues, 0, workers * sizeof *log->queues);
  if (!(log->file = fopen(path, "we"))) return fail(log, failure, errno);
  int error = pthread_create(&log->thread, NULL, run, log);
  if (error) return fail(log, failure, error);
  log->started = true;
  return true;
}

struct load_log_queue *load_log_file_queue(struct load_log_file *log, unsigned worker) {
  return log->queues ? &log->queues[worker] : NULL;
}

void load_log_file_end(struct load_log_file *log) {
  if (log->started) {
    __atomic_store_n(&log->ending, true, __ATOMIC_RELEASE);
    pthread_join(log->thread, NULL);
  }
  if (log->file && fclose(log->file) != 0 && !log->error) log->error = errno;
  for (unsigned i = 0; log->queues && i < log->count; i++)
    log->lost += log->queues[i].lost;
  free(log->queues);
  log->queues = NULL;
  log->file = NULL;
  log->started = false;
}
