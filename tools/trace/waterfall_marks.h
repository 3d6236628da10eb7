/*
 * trace/waterfall_marks.h - marks that appear in rows and in connection strips of a waterfall.
 */
#ifndef WEIR_TRACE_WATERFALL_MARKS_H
#define WEIR_TRACE_WATERFALL_MARKS_H

#include "tools/trace/waterfall_panel.h"

void trace_draw_cross(FILE *to, double x, double y);
void trace_draw_stall(const struct trace_panel *panel, const struct trace_stall *stall, double top,
                      double height);

/* Whether a frame is RST_STREAM, or GOAWAY with an error, from either side. */
bool trace_is_error(const struct trace_record *record, const struct trace_frame *frame);
void trace_draw_error(const struct trace_panel *panel, const struct trace_frame *frame, double y);

#endif
