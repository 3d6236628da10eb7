/*
 * trace/waterfall_rows.c - see trace/waterfall_rows.h.
 */
#include "tools/trace/waterfall_rows.h"

#include <string.h>

#include "engine/h2/frame.h"
#include "tools/trace/frames.h"
#include "tools/trace/svg.h"
#include "tools/trace/waterfall_marks.h"

static void describe_time(char *tooltip, size_t size, const char *name, uint64_t at_ns) {
  size_t len = strlen(tooltip);
  if (at_ns != TRACE_NEVER)
    snprintf(tooltip + len, size - len, "\n%s: %.3f ms", name, (double)at_ns / 1e6);
}

static void describe(const struct trace_panel *panel, size_t row, char *tooltip, size_t size) {
  const struct trace_resource *resource = &panel->drawing->show->manifest->at[row];
  const struct trace_result *result = &panel->record->results[row];
  snprintf(tooltip, size, "%.300s\n%s%s, stream %u on connection %u, status %u, %llu bytes",
           resource->reference, trace_kind_name(result->kind),
           resource->critical ? " (critical)" : "", result->stream_id, result->connection,
           result->status, (unsigned long long)result->bytes);
  size_t len = strlen(tooltip);
  if (result->priority[0])
    len += (size_t)snprintf(tooltip + len, size - len, "\npriority: %s", result->priority);
  if (result->weight)
    len += (size_t)snprintf(tooltip + len, size - len, "\nweight %u, depends on stream %u%s",
                            result->weight, result->parent_id,
                            result->exclusive ? " exclusively" : "");
  if (result->width)
    snprintf(tooltip + len, size - len, "\n%u x %u pixels", result->width, result->height);
  describe_time(tooltip, size, "due", result->due_ns);
  describe_time(tooltip, size, "request sent", result->sent_ns);
  describe_time(tooltip, size, "headers", result->headers_ns);
  describe_time(tooltip, size, "first byte", result->byte_ns);
  describe_time(tooltip, size, "dimensions known", result->size_ns);
  describe_time(tooltip, size, "first scan complete", result->scan_ns);
  describe_time(tooltip, size, result->complete ? "complete" : "given up", result->end_ns);
  len = strlen(tooltip);
  if (result->error[0]) snprintf(tooltip + len, size - len, "\n%s", result->error);
}

static void draw_label(const struct trace_panel *panel, size_t row) {
  const struct trace_resource *resource = &panel->drawing->show->manifest->at[row];
  const struct trace_result *result = &panel->record->results[row];
  FILE *to = panel->drawing->to;
  double y = trace_row_top(panel, row) + 13;
  char text[TRACE_NUMBER_BYTES], status[16] = "-";
  if (result->status) snprintf(status, sizeof status, "%u", result->status);
  fprintf(to, "<circle cx=\"%d\" cy=\"%.1f\" r=\"4\" class=\"k%d\"/>\n", MARGIN + 5, y - 4,
          result->kind);
  trace_svg_text_fit(to, MARGIN + 15, y, resource->critical ? "strong" : "name",
                     resource->reference, resource->critical ? 27 : 30);
  trace_svg_text(to, STATUS_RIGHT, y,
                 result->failed || result->status >= 400 ? "right bad" : "small right", status);
  trace_svg_text(to, BYTES_RIGHT, y, "small right", trace_svg_bytes(result->bytes, text));
  trace_svg_text_fit(to, SIGNAL_LEFT, y, "small", result->priority, 10);
}

/* Lines from due to sent, from sent to headers, from headers to the end. */
void trace_draw_spans(const struct trace_panel *panel, size_t row) {
  const struct trace_drawing *drawing = panel->drawing;
  const struct trace_result *result = &panel->record->results[row];
  double y = trace_row_top(panel, row) + ROW / 2.0;
  char style[16];
  if (result->due_ns == TRACE_NEVER) return;
  uint64_t end_ns = result->end_ns != TRACE_NEVER ? result->end_ns : panel->record->end_ns;
  uint64_t sent_ns = result->sent_ns != TRACE_NEVER ? result->sent_ns : end_ns;
  uint64_t headers_ns = result->headers_ns != TRACE_NEVER ? result->headers_ns : end_ns;
  trace_svg_line(drawing->to, trace_x_of(drawing, result->due_ns), y, trace_x_of(drawing, sent_ns),
                 y, "queue");
  trace_svg_line(drawing->to, trace_x_of(drawing, sent_ns), y, trace_x_of(drawing, headers_ns), y,
                 "wait");
  snprintf(style, sizeof style, "span k%d", result->kind);
  trace_svg_line(drawing->to, trace_x_of(drawing, headers_ns), y, trace_x_of(drawing, end_ns), y,
                 style);
}

void trace_draw_marks(const struct trace_panel *panel, size_t row) {
  const struct trace_drawing *drawing = panel->drawing;
  const struct trace_result *result = &panel->record->results[row];
  double y = trace_row_top(panel, row) + ROW / 2.0, x;
  if (result->sent_ns != TRACE_NEVER)
    fprintf(drawing->to, "<circle cx=\"%.2f\" cy=\"%.1f\" r=\"2.6\" class=\"asked\"/>\n",
            trace_x_of(drawing, result->sent_ns), y);
  if (result->headers_ns != TRACE_NEVER) {
    x = trace_x_of(drawing, result->headers_ns);
    trace_svg_line(drawing->to, x, y - 5, x, y + 5, "tick");
  }
  if (result->byte_ns != TRACE_NEVER) {
    x = trace_x_of(drawing, result->byte_ns);
    fprintf(drawing->to, "<path d=\"M%.2f %.1fl-3 -4h6z\" class=\"first\"/>\n", x, y - 4);
  }
  if (result->complete) {
    x = trace_x_of(drawing, result->end_ns);
    trace_svg_line(drawing->to, x, y - 7, x, y + 7, "tick");
  }
  if (result->size_ns != TRACE_NEVER)
    fprintf(drawing->to, "<path d=\"M%.2f %.1fl3.4 3.4l-3.4 3.4l-3.4 -3.4z\" class=\"size\"/>\n",
            trace_x_of(drawing, result->size_ns), y - 3.4);
  if (result->scan_ns != TRACE_NEVER)
    fprintf(drawing->to, "<path d=\"M%.2f %.1fl3.4 3.4l-3.4 3.4l-3.4 -3.4z\" class=\"scan\"/>\n",
            trace_x_of(drawing, result->scan_ns), y - 3.4);
  if (result->failed && result->end_ns != TRACE_NEVER)
    trace_draw_cross(drawing->to, trace_x_of(drawing, result->end_ns), y);
}

void trace_draw_row(const struct trace_panel *panel, size_t row) {
  const struct trace_drawing *drawing = panel->drawing;
  char tooltip[1200];
  double y = trace_row_top(panel, row);
  describe(panel, row, tooltip, sizeof tooltip);
  trace_svg_begin(drawing->to, tooltip);
  bool critical = drawing->show->manifest->at[row].critical;
  if (critical || row % 2 == 0)
    trace_svg_rect(drawing->to, MARGIN - 6, y, PLOT_RIGHT - MARGIN + 6, ROW,
                   critical ? "urgent" : "stripe");
  draw_label(panel, row);
  trace_svg_end(drawing->to);
}

/* ---- DATA ------------------------------------------------------------------------------------ */

/* Frames of a stream that touch on the screen become one block. Otherwise the picture of a fast
 * transfer would have megabytes of rectangles. */
struct block {
  uint64_t begin_ns, end_ns, bytes;
  unsigned frames;
};

static void draw_block(const struct trace_panel *panel, int row, struct block *block) {
  const struct trace_drawing *drawing = panel->drawing;
  if (block->frames == 0) return;
  char tooltip[160], bytes[TRACE_NUMBER_BYTES], style[8];
  double x = trace_x_of(drawing, block->begin_ns), width = trace_x_of(drawing, block->end_ns) - x;
  snprintf(tooltip, sizeof tooltip, "%u DATA frame%s, %s, %.3f to %.3f ms", block->frames,
           block->frames == 1 ? "" : "s", trace_svg_bytes(block->bytes, bytes),
           (double)block->begin_ns / 1e6, (double)block->end_ns / 1e6);
  snprintf(style, sizeof style, "k%d", panel->record->results[row].kind);
  trace_svg_begin(drawing->to, tooltip);
  /* Leaves a gap between blocks if there is room. No block is too thin to see. */
  double shown = width > 3 ? width - 0.6 : width > BLOCK_NARROWEST ? width : BLOCK_NARROWEST;
  trace_svg_rect(drawing->to, x, trace_row_top(panel, (size_t)row) + (ROW - BAR) / 2.0, shown, BAR,
                 style);
  trace_svg_end(drawing->to);
  *block = (struct block){0};
}

static void add_to_block(const struct trace_panel *panel, int row, struct block *block,
                         const struct trace_frame *frame) {
  const struct trace_drawing *drawing = panel->drawing;
  double gap = trace_x_of(drawing, frame->begin_ns) - trace_x_of(drawing, block->end_ns);
  double width = trace_x_of(drawing, frame->end_ns) - trace_x_of(drawing, frame->begin_ns);
  bool apart = gap > 0.4 || (width > 3 && frame->begin_ns >= block->end_ns);
  if (block->frames && apart) draw_block(panel, row, block);
  if (block->frames == 0) block->begin_ns = frame->begin_ns;
  block->frames++;
  block->bytes += frame->length;
  block->end_ns = frame->end_ns;
}

void trace_draw_data(const struct trace_panel *panel) {
  const struct trace_record *record = panel->record;
  struct block blocks[TRACE_RESOURCES_MAX] = {0};
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    int row = trace_result_of(&panel->windows, frame->connection, frame->stream_id);
    if (row < 0) continue;
    if (frame->type == H2_DATA && !frame->sent) add_to_block(panel, row, &blocks[row], frame);
  }
  for (size_t row = 0; row < record->result_count; row++)
    draw_block(panel, (int)row, &blocks[row]);
}

void trace_draw_stream_stalls(const struct trace_panel *panel) {
  for (size_t i = 0; i < panel->windows.stall_count; i++) {
    const struct trace_stall *stall = &panel->windows.stalls[i];
    if (stall->result >= 0)
      trace_draw_stall(panel, stall, trace_row_top(panel, (size_t)stall->result) + 4, ROW - 8);
  }
}

void trace_draw_resets(const struct trace_panel *panel) {
  const struct trace_record *record = panel->record;
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    if (frame->type != H2_RST_STREAM) continue;
    int row = trace_result_of(&panel->windows, frame->connection, frame->stream_id);
    if (row >= 0) trace_draw_error(panel, frame, trace_row_top(panel, (size_t)row) + ROW / 2.0);
  }
}
