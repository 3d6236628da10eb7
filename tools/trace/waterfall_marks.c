/*
 * trace/waterfall_marks.c - see trace/waterfall_marks.h.
 */
#include "tools/trace/waterfall_marks.h"

#include "engine/h2/frame.h"
#include "tools/trace/frames.h"
#include "tools/trace/svg.h"

void trace_draw_cross(FILE *to, double x, double y) {
  trace_svg_line(to, x - 4, y - 4, x + 4, y + 4, "cross");
  trace_svg_line(to, x - 4, y + 4, x + 4, y - 4, "cross");
}

void trace_draw_stall(const struct trace_panel *panel, const struct trace_stall *stall, double top,
                      double height) {
  const struct trace_drawing *drawing = panel->drawing;
  char tooltip[256], began[TRACE_NUMBER_BYTES], update[TRACE_NUMBER_BYTES],
      lasted[TRACE_NUMBER_BYTES];
  double x = trace_x_of(drawing, stall->begin_ns), width = trace_x_of(drawing, stall->end_ns) - x;
  snprintf(
      tooltip, sizeof tooltip,
      "stall: the window of the %s was used up at %s; WINDOW_UPDATE left at %s; no data for %s",
      stall->result < 0 ? "connection" : "stream", trace_svg_ms(stall->begin_ns, began),
      trace_svg_ms(stall->update_ns, update),
      trace_svg_ms(stall->end_ns - stall->begin_ns, lasted));
  trace_svg_begin(drawing->to, tooltip);
  trace_svg_rect(drawing->to, x, top, width > 1 ? width : 1, height, "stall");
  trace_svg_end(drawing->to);
}

bool trace_is_error(const struct trace_record *record, const struct trace_frame *frame) {
  const uint8_t *payload = trace_payload(record, frame);
  if (frame->type == H2_RST_STREAM) return true;
  if (frame->type != H2_GOAWAY || frame->payload_bytes < 8) return false;
  return payload[4] | payload[5] | payload[6] | payload[7];
}

void trace_draw_error(const struct trace_panel *panel, const struct trace_frame *frame, double y) {
  char details[TRACE_FRAME_TEXT_BYTES], tooltip[TRACE_FRAME_TEXT_BYTES + 64];
  snprintf(tooltip, sizeof tooltip, "%s %s at %.3f ms: %s", h2_frame_name(frame->type),
           frame->sent ? "sent" : "received", (double)frame->end_ns / 1e6,
           trace_frame_details(panel->record, frame, details));
  trace_svg_begin(panel->drawing->to, tooltip);
  trace_draw_cross(panel->drawing->to, trace_x_of(panel->drawing, frame->end_ns), y);
  trace_svg_end(panel->drawing->to);
}
