/*
 * trace/json.c - see trace/json.h.
 */
#include "tools/trace/json.h"

#include <jansson.h>

#include "engine/h2/frame.h"
#include "tools/trace/frames.h"
#include "tools/trace/summary.h"

static json_t *ms(uint64_t at_ns) {
  return at_ns == TRACE_NEVER ? json_null() : json_real((double)at_ns / 1e6);
}

static json_t *text_or_null(const char *text) {
  return text[0] ? json_string(text) : json_null();
}

static json_t *summary_of(const struct trace_show *show, const struct trace_record *record) {
  struct trace_summary sum = trace_summarize(record, show->manifest);
  return json_pack("{s:i, s:i, s:i, s:i, s:i, s:I, s:o, s:o, s:o}", "resources", (int)sum.resources,
                   "complete", (int)sum.complete, "failed", (int)sum.failed, "critical",
                   (int)sum.critical, "images", (int)sum.images, "bytes", (json_int_t)sum.bytes,
                   "critical_ms", ms(sum.critical_ns), "dimensions_ms", ms(sum.dimensions_ns),
                   "complete_ms", ms(sum.end_ns));
}

static json_t *connections_of(const struct trace_record *record) {
  json_t *list = json_array();
  for (unsigned i = 0; i < record->connection_count; i++) {
    const struct trace_connection *connection = &record->connections[i];
    json_array_append_new(
        list,
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "origin", connection->origin,
                  "protocol", connection->http1 ? "http/1.1" : "h2", "address", connection->address,
                  "begin_ms", ms(connection->begin_ns), "connected_ms",
                  ms(connection->connected_ns), "ready_ms", ms(connection->ready_ns), "end_ms",
                  ms(connection->end_ns), "error", text_or_null(connection->error)));
  }
  return list;
}

static json_t *times_of(const struct trace_result *result) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "due_ms", ms(result->due_ns),
                   "asked_ms", ms(result->asked_ns), "sent_ms", ms(result->sent_ns), "headers_ms",
                   ms(result->headers_ns), "first_byte_ms", ms(result->byte_ns), "dimensions_ms",
                   ms(result->size_ns), "first_scan_ms", ms(result->scan_ns), "end_ms",
                   ms(result->end_ns));
}

static json_t *resource_of(const struct trace_resource *resource,
                           const struct trace_result *result) {
  json_t *object = json_pack(
      "{s:s, s:s, s:b, s:i, s:i, s:i, s:I, s:i, s:i, s:s, s:i, s:i, s:b, s:b, s:i, s:o}", "url",
      resource->reference, "kind", trace_kind_name(result->kind), "critical", resource->critical,
      "connection", result->connection, "stream", (int)result->stream_id, "status",
      (int)result->status, "bytes", (json_int_t)result->bytes, "width", (int)result->width,
      "height", (int)result->height, "priority", result->priority, "weight", result->weight,
      "depends_on", (int)result->parent_id, "exclusive", result->exclusive, "complete",
      result->complete, "error_code", (int)result->error_code, "error",
      text_or_null(result->error));
  json_t *times = times_of(result);
  if (object && times) json_object_update(object, times);
  json_decref(times);
  return object;
}

static json_t *frame_of(const struct trace_record *record, const struct trace_frame *frame) {
  char details[TRACE_FRAME_TEXT_BYTES], type[TRACE_FRAME_NAME_BYTES];
  return json_pack("{s:o, s:o, s:i, s:b, s:s, s:i, s:i, s:i, s:s}", "begin_ms", ms(frame->begin_ns),
                   "end_ms", ms(frame->end_ns), "connection", frame->connection, "sent",
                   frame->sent, "type", trace_frame_name(record, frame, type), "flags",
                   frame->flags, "stream", (int)frame->stream_id, "length", (int)frame->length,
                   "details", trace_frame_details(record, frame, details));
}

static json_t *run_of(const struct trace_show *show, unsigned index) {
  const struct trace_record *record = &show->records[index];
  const char *url = index ? show->options->compare : show->options->urls[0];
  json_t *resources = json_array(), *frames = json_array();
  for (size_t i = 0; i < record->result_count; i++)
    json_array_append_new(resources, resource_of(&show->manifest->at[i], &record->results[i]));
  for (size_t i = 0; i < record->frame_count; i++)
    json_array_append_new(frames, frame_of(record, &record->frames[i]));
  return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:I}", "url", url, "label",
                   record->label, "end_ms", ms(record->end_ns), "bytes_received",
                   (json_int_t)record->bytes_in, "summary", summary_of(show, record), "connections",
                   connections_of(record), "resources", resources, "frames", frames, "frames_lost",
                   (json_int_t)record->frames_lost);
}

bool trace_json_write(const struct trace_show *show, const char *path, FILE *to) {
  (void)path;
  json_t *runs = json_array();
  for (unsigned i = 0; i < show->count; i++)
    json_array_append_new(runs, run_of(show, i));
  json_t *root = json_pack("{s:s, s:I, s:o}", "profile", show->options->profile->name, "limit_rate",
                           (json_int_t)show->options->rate_limit, "runs", runs);
  bool good = root && json_array_size(runs) == show->count &&
              json_dumpf(root, to, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 &&
              fputc('\n', to) != EOF;
  json_decref(root);
  return good;
}
