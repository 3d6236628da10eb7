/*
 * trace/request.c - see trace/request.h.
 */
#include "tools/trace/request.h"

#include <stdio.h>

#include "engine/h2/h2.h"
#include "tools/common/option_values.h"

/* Derived from the fields that a browser would send, and the bound of those given. */
enum { FIELDS_MAX = 12 + TRACE_FIELDS_MAX };

struct fields {
  struct header at[FIELDS_MAX];
  size_t count;
  char names[TRACE_FIELDS_MAX][OPTION_FIELD_NAME_BYTES]; /* of --header, in lower case */
};

static void add(struct fields *fields, enum header_token token, const char *value) {
  fields->at[fields->count++] = header_of(token, span_text(value));
}

static void add_pseudo(struct fields *fields, const struct trace_request *request) {
  const struct url *url = request->url;
  for (const char *at = request->options->profile->pseudo; *at; at++) {
    if (*at == 'm') add(fields, TOKEN_METHOD, "GET");
    if (*at == 'a') add(fields, TOKEN_AUTHORITY, url->authority);
    if (*at == 's') add(fields, TOKEN_SCHEME, url->secure ? "https" : "http");
    if (*at == 'p') add(fields, TOKEN_PATH, url->target);
  }
}

/* --header replaces fields of the same name. */
static void add_given(struct fields *fields, const struct trace_options *options) {
  for (unsigned i = 0; i < options->field_count; i++) {
    struct header field;
    if (option_field_read(options->fields[i], fields->names[i], &field))
      option_field_set(fields->at, &fields->count, field);
  }
}

void trace_request_signal(const struct trace_request *request) {
  const struct trace_resource *resource = request->resource;
  const struct trace_profile *profile = request->options->profile;
  const struct trace_signal *signal = &profile->signals[resource->kind];
  struct trace_result *result = request->result;
  if (profile->mute || request->options->http1) return;
  const char *priority = resource->priority ? resource->priority : signal->priority;
  snprintf(result->priority, sizeof result->priority, "%s", priority ? priority : "");
  result->weight = resource->weight ? (uint16_t)resource->weight : signal->weight;
  result->exclusive = result->weight > 0 && profile->chain;
}

static void set_windows(const struct trace_request *request, struct stream *stream) {
  const struct trace_options *options = request->options;
  if (request->resource->cap_bytes != UINT64_MAX)
    stream_cap(stream, request->resource->cap_bytes);
  else if (options->profile->widen && options->stream_window_bytes == 0)
    stream_cap(stream, STREAM_UNCAPPED);
}

static void set_dependency(const struct trace_result *result, struct stream *stream) {
  const struct h2_dependency dependency = {
      .stream_id = result->parent_id, .weight = result->weight, .exclusive = result->exclusive};
  if (result->weight) h2_request_depend(stream, dependency);
}

struct stream *trace_request_send(const struct trace_request *request,
                                  const struct client_http *http,
                                  const struct stream_events *events, void *user) {
  struct trace_result *result = request->result;
  struct fields fields = {.count = 0};
  add_pseudo(&fields, request);
  add(&fields, TOKEN_USER_AGENT, "weir-trace");
  add(&fields, TOKEN_ACCEPT, trace_profile_accept(request->resource->kind));
  add(&fields, TOKEN_ACCEPT_ENCODING, "gzip, deflate, br, zstd");
  if (result->priority[0]) add(&fields, TOKEN_PRIORITY, result->priority);
  add_given(&fields, request->options);
  struct stream *stream =
      client_http_request(http, fields.at, fields.count, BODY_NONE, events, user);
  if (!stream) return NULL;
  result->stream_id = (uint32_t)stream->id;
  if (http->h1) {
    result->stream_id = 2 * result->stream_id - 1; /* as HTTP/2 would number them */
    return stream;
  }
  set_dependency(result, stream);
  set_windows(request, stream);
  return stream;
}
