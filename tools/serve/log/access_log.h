/*
 * serve/log/access_log.h - one worker's part of the access log: a handler around another one, which notes
 * each request, and queues its line when it has ended.
 *
 * A request's texts are copied when it arrives, since they are only borrowed; they wait in a pool.
 * Nothing here blocks: what does not fit is dropped, and counted by the queue.
 */
#ifndef WEIR_TOOLS_SERVE_LOG_ACCESS_LOG_H
#define WEIR_TOOLS_SERVE_LOG_ACCESS_LOG_H

#include "engine/base/pool.h"
#include "engine/http/handler.h"
#include "tools/serve/log/line.h"
#include "tools/serve/log/writer.h"

struct access_log;

struct access_log_settings {
  const struct memory *memory;
  const struct handler *inner; /* answers the requests; must leave stream->log alone */
  struct log_writer *writer;
  struct log_queue *queue; /* this worker's */
  enum log_format format;
  uint32_t requests_max; /* at once */
};

/* Keeps what the settings refer to. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct access_log *
access_log_create(const struct access_log_settings *settings);

/* All requests must have ended (asserted). NULL is allowed. */
void access_log_destroy(struct access_log *log);

const struct handler *access_log_handler(const struct access_log *log);

/* Compares the engine's clock, `now_ns`, with the wall clock, and gives memory back. About once a
 * second. */
void access_log_second(struct access_log *log, uint64_t now_ns);

#endif
