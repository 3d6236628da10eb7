/*
 * serve/logs.c - see serve/logs.h.
 */
#include "tools/serve/logs.h"

#include <errno.h>

#include "io/base/clock.h"
#include "tools/common/process.h"
#include "tools/serve/log/file.h"

/* ---- the server's part ----------------------------------------------------------------------- */

static bool open_one(struct log_writer **out, const char *path, unsigned workers,
                     size_t queue_bytes, struct io_error *error) {
  if (!path) return true;
  *out = log_writer_open(path, workers, queue_bytes, error);
  return *out;
}

bool serve_logs_open(struct serve_logs *logs, const struct serve_config *config, unsigned workers,
                     size_t queue_bytes, struct io_error *error) {
  *logs = (struct serve_logs){.config = config, .start_ns = clock_now_ns()};
  if (config->access_log && config->record)
    queue_bytes /= 2; /* what the plan of memory has is for both */
  return open_one(&logs->access, config->access_log, workers, queue_bytes, error) &&
         open_one(&logs->record, config->record, workers, queue_bytes, error);
}

bool serve_logs_start(const struct serve_logs *logs, struct io_error *error) {
  if (logs->access && !log_writer_start(logs->access, error)) return false;
  return !logs->record || log_writer_start(logs->record, error);
}

void serve_logs_reopen(const struct serve_logs *logs) {
  if (logs->access) log_writer_reopen(logs->access);
  if (logs->record) log_writer_reopen(logs->record);
}

void serve_logs_close(struct serve_logs *logs) {
  log_writer_close(logs->access);
  log_writer_close(logs->record);
}

static struct log_counts counts_of(const struct log_writer *writer) {
  return writer ? log_writer_counts(writer) : (struct log_counts){0};
}

struct log_counts serve_logs_access_counts(const struct serve_logs *logs) {
  return counts_of(logs->access);
}

struct log_counts serve_logs_record_counts(const struct serve_logs *logs) {
  return counts_of(logs->record);
}

/* ---- a worker's part ------------------------------------------------------------------------- */

static const struct handler *wrap_access(const struct serve_logs *logs,
                                         struct serve_worker_logs *mine, unsigned index,
                                         const struct handler *inner, uint32_t requests_max) {
  if (!logs->access) return inner;
  const struct access_log_settings settings = {
      .memory = &process_memory,
      .inner = inner,
      .writer = logs->access,
      .queue = log_writer_queue(logs->access, index),
      .format = logs->config->log_format,
      .requests_max = requests_max,
  };
  mine->access = access_log_create(&settings);
  return mine->access ? access_log_handler(mine->access) : NULL;
}

static const struct handler *wrap_record(const struct serve_logs *logs,
                                         struct serve_worker_logs *mine, unsigned index,
                                         const struct handler *inner, uint32_t requests_max) {
  if (!logs->record) return inner;
  const struct record_settings settings = {
      .memory = &process_memory,
      .inner = inner,
      .writer = logs->record,
      .queue = log_writer_queue(logs->record, index),
      .requests_max = requests_max,
      .start_ns = logs->start_ns,
      .secrets = logs->config->record_secrets,
  };
  mine->record = record_create(&settings);
  return mine->record ? record_handler(mine->record) : NULL;
}

const struct handler *serve_logs_wrap(const struct serve_logs *logs, struct serve_worker_logs *mine,
                                      unsigned index, const struct handler *inner,
                                      uint32_t requests_max, struct io_error *error) {
  const struct handler *outer = wrap_access(logs, mine, index, inner, requests_max);
  if (outer) outer = wrap_record(logs, mine, index, outer, requests_max);
  if (!outer) io_error_set(error, ENOMEM, "out of memory");
  return outer;
}

void serve_worker_logs_second(const struct serve_worker_logs *mine, uint64_t now_ns) {
  if (mine->access) access_log_second(mine->access, now_ns);
  if (mine->record) record_second(mine->record);
}

void serve_worker_logs_destroy(struct serve_worker_logs *mine) {
  record_destroy(mine->record);
  access_log_destroy(mine->access);
}
