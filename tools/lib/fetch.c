/*
 * lib/fetch.c - see lib/fetch.h.
 */
#include "tools/lib/fetch.h"

#include <string.h>

#include "engine/base/decimal.h"
#include "engine/h2/frame.h"
#include "tools/lib/response.h"

/* ---- the response and the end ---------------------------------------------------------------- */

/* Lets the fetch return once nothing of it is in use. */
static void settle(struct fetch *fetch) {
  struct weir_client *client = fetch->client;
  if (!fetch->closed || fetch->lent) return;
  pthread_mutex_lock(&client->lock);
  fetch->done = true;
  pthread_cond_broadcast(&client->changed);
  pthread_mutex_unlock(&client->lock);
}

static void body_released(void *ctx) {
  struct fetch *fetch = ctx;
  fetch->lent = false;
  settle(fetch);
}

static void keep(struct stream *stream, struct weir_fields *kept, const struct headers *fields) {
  struct fetch *fetch = stream->user;
  if (response_keep(kept, fields)) return;
  response_blame(fetch->response, "out of memory");
  stream_reset(stream, H2_CANCEL);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct fetch *fetch = stream->user;
  if (status < 200) return;
  fetch->response->status = status;
  fetch->ended = end;
  keep(stream, &fetch->response->fields, fields);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct fetch *fetch = stream->user;
  fetch->ended = end;
  if (!response_add(fetch->response, bytes, &fetch->body_capacity, fetch->client->body_bytes_max))
    stream_reset(stream, H2_CANCEL);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct fetch *fetch = stream->user;
  fetch->ended = true;
  keep(stream, &fetch->response->trailers, fields);
}

static void blame_time(struct fetch *fetch) {
  response_blame(fetch->response, "timed out after %llu s",
                 (unsigned long long)(fetch->client->timeout_ns / SECOND_NS));
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  struct fetch *fetch = stream->user;
  (void)now_ns;
  blame_time(fetch);
  stream_reset(stream, H2_CANCEL);
}

static bool is_safe(const char *method) {
  return !method || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A server of HTTP/1.1 may end an idle connection while a request is on its way. One that was not the first
 * on its connection, got no answer, and does no harm when repeated, is asked again, once (RFC 9110 section
 * 9.2.2). */
static bool ask_again(struct fetch *fetch, const struct stream *stream) {
  struct weir_client *client = fetch->client;
  const struct weir_response *response = fetch->response;
  bool idle = client->http.http1 && stream->id > 1 && response->status == 0 && !response->error[0];
  bool safe = is_safe(fetch->request->method) && fetch->request->body.len == 0;
  if (!idle || !safe || fetch->repeated) return false;
  fetch->repeated = true;
  fetch->next = client->queue;
  if (!client->queue) client->end = &fetch->next;
  client->queue = fetch;
  fetch_flush_soon(client);
  return true;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct fetch *fetch = stream->user;
  struct weir_client *client = fetch->client;
  if (error_code == H2_CONNECT_ERROR && ask_again(fetch, stream)) return;
  if (error_code != H2_NO_ERROR)
    response_blame(fetch->response, "the stream ended with %s", h2_error_name(error_code));
  else if (!fetch->ended)
    response_blame(fetch->response, "the connection is closed");
  fetch->response->error_code = error_code;
  fetch->response->unprocessed = error_code == H2_REFUSED_STREAM;
  fetch_flush_soon(client); /* room for others */
  fetch->closed = true;
  settle(fetch);
}

static const struct stream_events fetch_events = {.response = on_response,
                                                  .data = on_data,
                                                  .trailers = on_trailers,
                                                  .timer = on_timer,
                                                  .closed = on_closed};

static void end_unsent(struct fetch *fetch) {
  fetch->response->unprocessed = true;
  fetch->closed = true;
  settle(fetch);
}

void fetch_fail(struct fetch *fetch, const char *reason) {
  response_blame(fetch->response, "%s", reason);
  end_unsent(fetch);
}

void fetch_fail_late(struct fetch *fetch) {
  blame_time(fetch);
  end_unsent(fetch);
}

/* ---- the request ---------------------------------------------------------------------------- */

static bool has_content_length(const struct weir_request *request) {
  for (size_t i = 0; i < request->field_count; i++)
    if (span_is_ignoring_case(request->fields[i].name, "content-length")) return true;
  return false;
}

void fetch_ask(struct fetch *fetch) {
  struct weir_client *client = fetch->client;
  const struct weir_request *request = fetch->request;
  uint8_t length[DECIMAL_BYTES_MAX];
  size_t count = 4 + request->field_count;
  struct header fields[4 + LIB_FIELDS_MAX + 1] = {
      header_of(TOKEN_METHOD, span_text(request->method ? request->method : "GET")),
      header_of(TOKEN_SCHEME, span_text(client->url.secure ? "https" : "http")),
      header_of(TOKEN_AUTHORITY, span_text(client->url.authority)),
      header_of(TOKEN_PATH, span_text(request->path))};
  for (size_t i = 0; i < request->field_count; i++)
    fields[4 + i] = request->fields[i];
  if (request->body.len > 0 && !has_content_length(request))
    fields[count++] =
        header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, request->body.len)));
  struct body body = BODY_NONE;
  fetch->lent = request->body.len > 0;
  if (fetch->lent) body = body_bytes(&fetch->body, request->body, body_released, fetch);
  struct stream *stream =
      client_http_request(&client->http, fields, count, body, &fetch_events, fetch);
  if (stream)
    stream_timer(stream, fetch->deadline_ns);
  else
    fetch_fail(fetch, "the request could not be sent");
}

const char *fetch_fault_of(const struct weir_request *request) {
  static const char *const faults[] = {
      [HEADER_NAME_BAD] = "a field's name is not a lower-case token",
      [HEADER_VALUE_BAD] = "a field's value has bytes that no field may have"};
  const char *path = request->path;
  if (!path) return "no path is given";
  if (request->field_count > 0 && !request->fields) return "fields are given by their count alone";
  if (request->body.len > 0 && !request->body.base) return "the body's bytes are missing";
  bool asterisk =
      strcmp(path, "*") == 0 && request->method && strcmp(request->method, "OPTIONS") == 0;
  if (path[0] != '/' && !asterisk) return "the path does not begin with a slash";
  if (request->method && !request->method[0]) return "the method is empty";
  for (size_t i = 0; i < request->field_count; i++) {
    const struct header *field = &request->fields[i];
    unsigned bad = header_name_flags(field->name);
    if (!bad) bad = header_value_flags(field->value);
    if (bad || field->name.base[0] == ':') return faults[bad ? bad : HEADER_NAME_BAD];
  }
  return NULL;
}
