/*
 * trace/waterfall_marks.h - the marks that rows and connections of a waterfall have in common.
 */
#ifndef WEIR_TRACE_WATERFALL_MARKS_H
#define WEIR_TRACE_WATERFALL_MARKS_H

#include "tools/trace/waterfall_panel.h"

void trace_draw_cross(FILE *to, double x, double y);
void trace_draw_stall(const struct trace_panel *panel, const struct trace_stall *stall, double top,
                      double height);

/* RST_STREAM, and GOAWAY with an error, of either side. */
bool trace_is_error(const struct trace_record *record, const struct trace_frame *frame);
void trace_draw_error(const struct trace_panel *panel, const struct trace_frame *frame, double y);

#endif
