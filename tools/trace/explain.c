/*
 * trace/explain.c - see trace/explain.h.
 */
#include "tools/trace/explain.h"

#include <string.h>

#include "engine/base/wire.h"
#include "engine/h2/frame.h"

/* The RST_STREAM of a stream, if there was one. */
static const struct trace_frame *reset_of(const struct trace_record *record,
                                          const struct trace_result *result) {
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    if (frame->type == H2_RST_STREAM && frame->stream_id == result->stream_id &&
        frame->connection == result->connection)
      return frame;
  }
  return NULL;
}

/* The code in the frame. The engine reports another one when a server sent NO_ERROR too early. */
static uint32_t code_of(const struct trace_record *record, const struct trace_frame *reset,
                        uint32_t otherwise) {
  return reset->payload_bytes < 4 ? otherwise : wire_get32(trace_payload(record, reset));
}

void trace_explain(struct trace_record *record) {
  for (size_t i = 0; i < record->result_count; i++) {
    struct trace_result *result = &record->results[i];
    if (!result->cut) continue;
    const char *why = record->connections[result->connection].error;
    const struct trace_frame *reset = reset_of(record, result);
    if (reset) {
      result->error_code = code_of(record, reset, result->error_code);
      snprintf(result->error, sizeof result->error, "%s RST_STREAM (%s)",
               reset->sent ? "invalid response: weir sent" : "the server sent",
               h2_error_name(result->error_code));
    } else if (*why) {
      memcpy(result->error, why, sizeof result->error);
    }
  }
}
