/*
 * serve/logs.h - the access log and the recording of a server: their threads, and each worker's
 * part in them.
 *
 * Owner: the main thread has struct serve_logs; a worker has struct serve_worker_logs.
 */
#ifndef WEIR_TOOLS_SERVE_LOGS_H
#define WEIR_TOOLS_SERVE_LOGS_H

#include "tools/serve/config/config.h"
#include "tools/serve/log/access_log.h"
#include "tools/serve/log/record.h"

struct serve_logs {
  const struct serve_config *config;
  struct log_writer *access; /* NULL: no access log */
  struct log_writer *record; /* NULL: requests are not recorded */
  uint64_t start_ns;         /* the recording's times are counted from here */
};

struct serve_worker_logs {
  struct access_log *access;
  struct record *record;
};

/* Opens the files that the configuration names, with queues of `queue_bytes` for each worker. Keeps
 * `config`. False with error->text. Call serve_logs_close() in either case. */
__attribute__((warn_unused_result)) bool serve_logs_open(struct serve_logs *logs,
                                                         const struct serve_config *config,
                                                         unsigned workers, size_t queue_bytes,
                                                         struct io_error *error);

/* Starts the threads, which inherit the caller's signal mask. False with error->text. */
__attribute__((warn_unused_result)) bool serve_logs_start(const struct serve_logs *logs,
                                                          struct io_error *error);

/* Opens the files by their names, which may be others by now. */
void serve_logs_reopen(const struct serve_logs *logs);

void serve_logs_close(struct serve_logs *logs);

struct log_counts serve_logs_access_counts(const struct serve_logs *logs);
struct log_counts serve_logs_record_counts(const struct serve_logs *logs);

/* Worker `index`: wraps the handler in those that log. NULL with error->text when memory was refused;
 * call serve_worker_logs_destroy() in either case. */
__attribute__((warn_unused_result)) const struct handler *
serve_logs_wrap(const struct serve_logs *logs, struct serve_worker_logs *mine, unsigned index,
                const struct handler *inner, uint32_t requests_max, struct io_error *error);

/* About once a second. */
void serve_worker_logs_second(const struct serve_worker_logs *mine, uint64_t now_ns);

/* All requests must have ended (asserted). */
void serve_worker_logs_destroy(struct serve_worker_logs *mine);

#endif
