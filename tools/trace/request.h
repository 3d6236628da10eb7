/*
 * trace/request.h - makes requests: their fields, and the profile's priorities.
 */
#ifndef WEIR_TRACE_REQUEST_H
#define WEIR_TRACE_REQUEST_H

#include "tools/client/http.h"
#include "tools/trace/manifest.h"
#include "tools/trace/options.h"
#include "tools/trace/record.h"

struct trace_request {
  const struct trace_options *options;
  const struct trace_resource *resource;
  const struct url *url;
  struct trace_result *result; /* filled by the functions below */
};

/* Chooses what the request signals: result->priority, weight and exclusive. */
void trace_request_signal(const struct trace_request *request);

/* Opens the stream and sets result->stream_id. The caller has set result->parent_id. NULL when the
 * connection refuses. */
struct stream *trace_request_send(const struct trace_request *request,
                                  const struct client_http *http,
                                  const struct stream_events *events, void *user);

#endif
