/*
 * trace/waterfall_panel.h - the sizes in a waterfall, and the positions of its parts.
 */
#ifndef WEIR_TRACE_WATERFALL_PANEL_H
#define WEIR_TRACE_WATERFALL_PANEL_H

#include "tools/trace/show.h"
#include "tools/trace/summary.h"
#include "tools/trace/windows.h"

enum { /* pixels */
       PAGE_WIDTH = 1280,
       MARGIN = 24,
       PLOT_LEFT = 392, /* labels are to its left */
       PLOT_RIGHT = PAGE_WIDTH - MARGIN,
       STATUS_RIGHT = 262,
       BYTES_RIGHT = 318,
       SIGNAL_LEFT = 326,
       ROW = 19,
       BAR = 11, /* height of a block */
       BLOCK_NARROWEST = 2,
       STRIP = 34, /* of a connection */
       HEADS = 16, /* of the columns */
       HEADING = 62,
       AXIS = 22,
       LEGEND = 66,
       TITLE = 46,
       GAP = 26, /* between servers */
};

struct trace_drawing {
  FILE *to;
  const struct trace_show *show;
  uint64_t end_ns; /* of the time axis */
  uint64_t tick_ns;
};

struct trace_panel {
  struct trace_drawing *drawing;
  const struct trace_record *record;
  struct trace_summary sum;
  struct trace_windows windows;
  double top, strips, rows, bottom; /* y of its parts */
};

static inline double trace_x_of(const struct trace_drawing *drawing, uint64_t at_ns) {
  double part = (double)at_ns / (double)drawing->end_ns;
  return PLOT_LEFT + (part < 1 ? part : 1) * (PLOT_RIGHT - PLOT_LEFT);
}

static inline double trace_row_top(const struct trace_panel *panel, size_t row) {
  return panel->rows + (double)row * ROW;
}

#endif
