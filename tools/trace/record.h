/*
 * trace/record.h - what happened in one run: connections, resources, and every frame with its time.
 *
 * Filled during the run, and read by the outputs (frame log, waterfall, JSON) afterwards. Times are
 * nanoseconds since the start of the run; TRACE_NEVER if the event has not happened.
 *
 * Ownership: the record owns its arrays. The names of resources belong to the manifest, which must
 * outlive it. One thread at a time: the worker's during the run, then the main thread.
 */
#ifndef WEIR_TRACE_RECORD_H
#define WEIR_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/client/url.h"
#include "tools/trace/kind.h"
#include "tools/trace/limits.h"

#define TRACE_NEVER UINT64_MAX

struct trace_frame {
  uint64_t begin_ns; /* the first byte of its header passed */
  uint64_t end_ns;   /* its last byte could be used: with TLS, when its record was complete */
  uint64_t payload_at;
  uint32_t stream_id;
  uint32_t length; /* of the payload, bytes */
  uint16_t payload_bytes;
  uint8_t connection; /* index */
  uint8_t type, flags;
  bool sent; /* by us */
};

struct trace_connection {
  char origin[URL_ORIGIN_BYTES];
  char address[96];
  uint64_t begin_ns;     /* connect() was called */
  uint64_t connected_ns; /* TCP is up */
  uint64_t ready_ns;     /* HTTP is ready, after TLS if used */
  uint64_t end_ns;       /* closed */
  bool secure;
  bool http1; /* its `frames` are heads and pieces of bodies, and there are no windows */
  char error[TRACE_ERROR_BYTES]; /* why it failed, or "" */
};

/* The result of the resource with the same index in the manifest. */
struct trace_result {
  uint64_t due_ns;     /* its start time has come */
  uint64_t asked_ns;   /* given to the connection */
  uint64_t sent_ns;    /* its HEADERS frame left; over HTTP/1.1 the same as asked_ns */
  uint64_t headers_ns; /* of the final response */
  uint64_t byte_ns;    /* the first byte of the body */
  uint64_t end_ns;     /* complete, or given up */
  uint64_t size_ns;    /* an image's dimensions were known */
  uint64_t scan_ns;    /* a progressive JPEG's first scan was complete: engine/http/first_scan.h */
  uint64_t bytes;      /* of the body */
  uint32_t width, height;
  uint32_t stream_id;
  uint32_t error_code; /* of RST_STREAM or of the connection; meaningful with `failed` */
  unsigned status;     /* 0: no response */
  uint8_t connection;
  enum trace_kind kind; /* the manifest's, or what content-type says */
  bool complete, failed;
  bool cut;          /* its stream ended early */
  char priority[32]; /* the `priority` field that was sent */
  uint16_t weight;   /* in HEADERS; 0: none */
  uint32_t parent_id;
  bool exclusive;
  char error[TRACE_ERROR_BYTES];
};

struct trace_record {
  const char *label; /* the base URL, for headings */
  struct trace_frame *frames;
  size_t frame_count, frame_capacity;
  uint64_t frames_lost; /* beyond TRACE_FRAMES_MAX, or out of memory */
  uint8_t *payloads;
  size_t payload_used, payload_capacity;
  struct trace_connection connections[TRACE_CONNECTIONS_MAX];
  unsigned connection_count;
  struct trace_result *results;
  size_t result_count;
  uint64_t origin_ns;  /* of the monotonic clock: time 0 of this record */
  uint64_t end_ns;     /* of the run */
  uint64_t bytes_in;   /* from the sockets, TLS included */
  uint64_t rate_limit; /* bytes per second, 0: none */
  uint32_t window_bytes, connection_window_bytes; /* that we announce at first */
};

/* False when memory was refused. */
__attribute__((warn_unused_result)) bool trace_record_init(struct trace_record *record,
                                                           const char *label, size_t resources);
void trace_record_free(struct trace_record *record);

/* Appends a frame; copies at most TRACE_PAYLOAD_BYTES_MAX bytes of its payload. */
void trace_record_frame(struct trace_record *record, struct trace_frame frame,
                        const uint8_t *payload, size_t payload_bytes);

/* A HEADERS frame has left: sets sent_ns of its resource, if it is not set. */
void trace_record_sent(struct trace_record *record, const struct trace_frame *frame);

static inline const uint8_t *trace_payload(const struct trace_record *record,
                                           const struct trace_frame *frame) {
  return record->payloads + frame->payload_at;
}

#endif
