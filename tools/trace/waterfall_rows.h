/*
 * trace/waterfall_rows.h - what a waterfall shows of each resource, one a row: label, lines, blocks,
 * marks.
 */
#ifndef WEIR_TRACE_WATERFALL_ROWS_H
#define WEIR_TRACE_WATERFALL_ROWS_H

#include "tools/trace/waterfall_panel.h"

/* The background and label of a row; its thin lines; its marks. */
void trace_draw_row(const struct trace_panel *panel, size_t row);
void trace_draw_spans(const struct trace_panel *panel, size_t row);
void trace_draw_marks(const struct trace_panel *panel, size_t row);

/* Of all rows: stalls; DATA, which is drawn above them, so that a short block between two stalls is
 * seen; resets. */
void trace_draw_stream_stalls(const struct trace_panel *panel);
void trace_draw_data(const struct trace_panel *panel);
void trace_draw_resets(const struct trace_panel *panel);

#endif
