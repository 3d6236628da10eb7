/*
 * trace/record.c - see trace/record.h.
 */
#include "tools/trace/record.h"

#include <stdlib.h>
#include <string.h>

bool trace_record_init(struct trace_record *record, const char *label, size_t resources) {
  *record = (struct trace_record){.label = label, .result_count = resources};
  record->results = calloc(resources ? resources : 1, sizeof *record->results);
  if (!record->results) return false;
  for (size_t i = 0; i < resources; i++) {
    struct trace_result *result = &record->results[i];
    result->due_ns = result->asked_ns = result->sent_ns = result->headers_ns = TRACE_NEVER;
    result->byte_ns = result->end_ns = result->size_ns = result->scan_ns = TRACE_NEVER;
  }
  return true;
}

void trace_record_free(struct trace_record *record) {
  free(record->frames);
  free(record->payloads);
  free(record->results);
  *record = (struct trace_record){0};
}

/* Makes room for `more` elements of `size` bytes after `used`. NULL changes nothing. */
static void *grown(void *base, size_t used, size_t more, size_t size, size_t *capacity) {
  if (used + more <= *capacity) return base;
  size_t count = *capacity ? *capacity * 2 : 1024;
  while (count < used + more)
    count *= 2;
  void *bigger = realloc(base, count * size);
  if (bigger) *capacity = count;
  return bigger;
}

void trace_record_frame(struct trace_record *record, struct trace_frame frame,
                        const uint8_t *payload, size_t payload_bytes) {
  if (payload_bytes > TRACE_PAYLOAD_BYTES_MAX) payload_bytes = TRACE_PAYLOAD_BYTES_MAX;
  struct trace_frame *frames = NULL;
  uint8_t *payloads = NULL;
  if (record->frame_count < TRACE_FRAMES_MAX) {
    frames = grown(record->frames, record->frame_count, 1, sizeof *frames, &record->frame_capacity);
    if (frames) record->frames = frames;
    payloads = grown(record->payloads, record->payload_used, payload_bytes + 1, 1,
                     &record->payload_capacity);
    if (payloads) record->payloads = payloads;
  }
  if (!frames || !payloads) {
    record->frames_lost++;
    return;
  }
  frame.payload_at = record->payload_used;
  frame.payload_bytes = (uint16_t)payload_bytes;
  if (payload_bytes) memcpy(payloads + record->payload_used, payload, payload_bytes);
  record->payload_used += payload_bytes;
  record->frames[record->frame_count++] = frame;
}

void trace_record_sent(struct trace_record *record, const struct trace_frame *frame) {
  for (size_t i = 0; i < record->result_count; i++) {
    struct trace_result *result = &record->results[i];
    if (result->stream_id != frame->stream_id || result->connection != frame->connection) continue;
    if (result->sent_ns == TRACE_NEVER) result->sent_ns = frame->end_ns;
  }
}
