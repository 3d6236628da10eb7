/*
 * serve/log/record.h - writes down the requests that a server gets, so that `weir load -i FILE --replay`
 * can make them again: one JSON object a line, in the form of load/parse_forms.h.
 *
 *     {"time_ns":             1234567,"method":"GET","url":"/a?b","header":{"accept":["text/css"]},
 *      "protocol":"HTTP/2","scheme":"https","authority":"localhost:8443","body_bytes":0}
 *
 * time_ns is when the header section was complete, counted from the server's start. A line is
 * written when its request has ended, because the size of the body is known only then; the time is
 * right-aligned, so that sort(1) puts the lines into the order of their requests. Bodies are not
 * kept. Fields that hold secrets are left out, unless they are asked for; paths and queries stay as
 * they are. A brace becomes two, since `weir load` would take one for a variable's.
 *
 * Not recorded: CONNECT, WebSockets and other tunnels, and requests that the engine refuses.
 *
 * This is one worker's part: a handler around another one. Nothing here blocks: lines go to a queue
 * whose thread writes them (serve/log/writer.h), and what does not fit is dropped and counted.
 */
#ifndef WEIR_TOOLS_SERVE_LOG_RECORD_H
#define WEIR_TOOLS_SERVE_LOG_RECORD_H

#include "engine/base/memory.h"
#include "engine/http/handler.h"
#include "tools/serve/log/writer.h"

struct record;

struct record_settings {
  const struct memory *memory;
  const struct handler *inner;
  struct log_writer *writer;
  struct log_queue *queue; /* this worker's */
  uint32_t requests_max;   /* at once */
  uint64_t start_ns;       /* times are counted from here, on the engine's clock */
  bool secrets;            /* keep fields with secrets */
};

/* Keeps what the settings refer to. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct record *
record_create(const struct record_settings *settings);

/* All requests must have ended (asserted). NULL is allowed. */
void record_destroy(struct record *record);

const struct handler *record_handler(const struct record *record);

/* Gives memory back; about once a second. */
void record_second(struct record *record);

/* Whether a request field of that name, in lower case, holds a secret. */
bool record_is_secret(struct span name);

#endif
