/*
 * trace/waterfall_rows.h - the rows of a waterfall, one per resource: label, lines, blocks, marks.
 */
#ifndef WEIR_TRACE_WATERFALL_ROWS_H
#define WEIR_TRACE_WATERFALL_ROWS_H

#include "tools/trace/waterfall_panel.h"

/* Draw a row's background and label, its thin lines, its marks. */
void trace_draw_row(const struct trace_panel *panel, size_t row);
void trace_draw_spans(const struct trace_panel *panel, size_t row);
void trace_draw_marks(const struct trace_panel *panel, size_t row);

/* For all rows: draw stalls, then DATA above them, so that short blocks between stalls are visible,
 * and resets. */
void trace_draw_stream_stalls(const struct trace_panel *panel);
void trace_draw_data(const struct trace_panel *panel);
void trace_draw_resets(const struct trace_panel *panel);

#endif
