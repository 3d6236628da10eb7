/*
 * trace/waterfall.c - draws a record. Positions follow from the sizes in trace/waterfall_panel.h;
 * the style sheet has colours and fonts.
 */
#include "tools/trace/waterfall.h"

#include <string.h>

#include "engine/h2/frame.h"
#include "tools/trace/frames.h"
#include "tools/trace/svg.h"
#include "tools/trace/waterfall_marks.h"
#include "tools/trace/waterfall_rows.h"

static const char style_sheet[] =
    "svg.waterfall{background:#fff;font:11px system-ui,-apple-system,'Segoe UI','Noto Sans',"
    "'DejaVu Sans',sans-serif;fill:#1f2933}\n"
    ".waterfall .page{fill:#fff}\n"
    ".waterfall .title{font-size:18px;font-weight:600}\n"
    ".waterfall .subtitle{font-size:11.5px;fill:#5c6b7a}\n"
    ".waterfall .server{font-size:14px;font-weight:600}\n"
    ".waterfall .value{font-size:14px;font-weight:600}\n"
    ".waterfall .small{font-size:10px;fill:#5c6b7a}\n"
    ".waterfall .right{text-anchor:end}\n"
    ".waterfall .middle{text-anchor:middle}\n"
    ".waterfall .strong{font-weight:600}\n"
    ".waterfall .bad{fill:#c62828}\n"
    ".waterfall .grid{stroke:#e4e8ec;stroke-width:1}\n"
    ".waterfall .axis{stroke:#9aa5b1;stroke-width:1}\n"
    ".waterfall .stripe{fill:#f6f8fa}\n"
    ".waterfall .urgent{fill:#fff8e6}\n"
    ".waterfall .framed{stroke:#e0c98a;stroke-width:.8}\n"
    ".waterfall .strip{fill:#f6f8fa}\n"
    ".waterfall .tcp{fill:#9fb3c8}\n"
    ".waterfall .tls{fill:#b8a9d9}\n"
    ".waterfall .window{fill:#d9e6f2;stroke:#7c9cbf;stroke-width:1}\n"
    ".waterfall .wait{stroke:#c3ccd5;stroke-width:1.5}\n"
    ".waterfall .span{stroke-width:1.5;opacity:.45}\n"
    ".waterfall .queue{stroke:#c3ccd5;stroke-width:1.5;stroke-dasharray:2 2}\n"
    ".waterfall .asked{fill:#fff;stroke:#5c6b7a;stroke-width:1.2}\n"
    ".waterfall .tick{stroke:#1f2933;stroke-width:1.4}\n"
    ".waterfall .first{fill:#1f2933}\n"
    ".waterfall .size{fill:#fff;stroke:#0b5345;stroke-width:1.4}\n"
    ".waterfall .scan{fill:#0b5345;stroke:#fff;stroke-width:0.8}\n"
    ".waterfall .stall{fill:url(#hatch);stroke:#d64545;stroke-width:.6}\n"
    ".waterfall .cross{stroke:#c62828;stroke-width:2}\n"
    ".waterfall .critical{stroke:#b45309;stroke-width:1.3}\n"
    ".waterfall .dimensions{stroke:#0b7a5c;stroke-width:1.3;stroke-dasharray:5 3}\n"
    ".waterfall text.of-critical{fill:#b45309}\n"
    ".waterfall text.of-dimensions{fill:#0b7a5c}\n"
    ".waterfall .k0{fill:#3b6fb6;stroke:#3b6fb6}\n"
    ".waterfall .k1{fill:#8a56b8;stroke:#8a56b8}\n"
    ".waterfall .k2{fill:#e09a26;stroke:#e09a26}\n"
    ".waterfall .k3{fill:#cf4a7d;stroke:#cf4a7d}\n"
    ".waterfall .k4{fill:#35a383;stroke:#35a383}\n"
    ".waterfall .k5{fill:#5f7f95;stroke:#5f7f95}\n"
    ".waterfall .k6{fill:#8a8f98;stroke:#8a8f98}\n"
    ".waterfall rect[class^=k],.waterfall circle[class^=k]{stroke:none}\n";

static double panel_height(const struct trace_record *record) {
  return HEADING + record->connection_count * (STRIP + 4.0) + HEADS +
         (double)record->result_count * ROW + AXIS;
}

/* ---- the time axis --------------------------------------------------------------------------- */

/* About ten ticks, at 1, 2 or 5 times a power of ten. */
static void choose_axis(struct trace_drawing *drawing) {
  uint64_t longest_ns = 1000000;
  for (unsigned i = 0; i < drawing->show->count; i++)
    if (drawing->show->records[i].end_ns > longest_ns)
      longest_ns = drawing->show->records[i].end_ns;
  drawing->end_ns = longest_ns + longest_ns / 50;
  static const unsigned steps[] = {1, 2, 5};
  uint64_t power = 100000; /* 0.1 ms */
  for (unsigned i = 0;; i++) {
    drawing->tick_ns = power * steps[i % 3];
    if (drawing->tick_ns * 11 >= drawing->end_ns) return;
    if (i % 3 == 2) power *= 10;
  }
}

static void draw_grid(const struct trace_panel *panel) {
  const struct trace_drawing *drawing = panel->drawing;
  for (uint64_t at_ns = 0; at_ns <= drawing->end_ns; at_ns += drawing->tick_ns) {
    double x = trace_x_of(drawing, at_ns);
    char text[32];
    trace_svg_line(drawing->to, x, panel->strips - 4, x, panel->bottom, "grid");
    snprintf(text, sizeof text, drawing->tick_ns < 1000000 ? "%.1f" : "%.0f", (double)at_ns / 1e6);
    trace_svg_text(drawing->to, x, panel->bottom + 13, "small middle", text);
  }
  trace_svg_line(drawing->to, PLOT_LEFT, panel->bottom, PLOT_RIGHT, panel->bottom, "axis");
  trace_svg_text(drawing->to, PLOT_LEFT - 14, panel->bottom + 13, "small right", "ms");
}

/* ---- the heading of a server ----------------------------------------------------------------- */

static void draw_number(const struct trace_panel *panel, double x, const char *name,
                        const char *value, const char *style) {
  trace_svg_text(panel->drawing->to, x, panel->top + 14, "small right", name);
  trace_svg_text(panel->drawing->to, x, panel->top + 32, style, value);
}

static void draw_heading(const struct trace_panel *panel) {
  const struct trace_summary *sum = &panel->sum;
  char text[TRACE_NUMBER_BYTES], line[128];
  FILE *to = panel->drawing->to;
  trace_svg_text_fit(to, MARGIN, panel->top + 14, "server", panel->record->label, 60);
  snprintf(line, sizeof line, "%u of %u resources complete, %s", sum->complete, sum->resources,
           trace_svg_bytes(sum->bytes, text));
  trace_svg_text(to, MARGIN, panel->top + 32, sum->failed ? "subtitle bad" : "subtitle", line);
  draw_number(panel, PLOT_RIGHT, "everything", trace_svg_ms(sum->end_ns, text), "value right");
  if (sum->images)
    draw_number(panel, PLOT_RIGHT - 150, "dimensions of all images",
                trace_svg_ms(sum->dimensions_ns, text), "value right of-dimensions");
  if (sum->critical)
    draw_number(panel, PLOT_RIGHT - 330, "last critical byte", trace_svg_ms(sum->critical_ns, text),
                "value right of-critical");
}

static void draw_column_heads(const struct trace_panel *panel) {
  FILE *to = panel->drawing->to;
  double y = panel->rows - 4;
  trace_svg_text(to, MARGIN, y, "small", "resource");
  trace_svg_text(to, STATUS_RIGHT, y, "small right", "status");
  trace_svg_text(to, BYTES_RIGHT, y, "small right", "bytes");
  trace_svg_text(to, SIGNAL_LEFT, y, "small", "priority");
}

/* A vertical line through all rows, for one of the heading's numbers. */
static void draw_moment(const struct trace_panel *panel, uint64_t at_ns, const char *style,
                        const char *text, const char *text_style, double dy) {
  if (at_ns == TRACE_NEVER) return;
  double x = trace_x_of(panel->drawing, at_ns);
  bool late = x > PLOT_RIGHT - 140;
  char class_names[64];
  trace_svg_line(panel->drawing->to, x, panel->strips - 14, x, panel->bottom, style);
  snprintf(class_names, sizeof class_names, "small %s%s", text_style, late ? " right" : "");
  trace_svg_text(panel->drawing->to, late ? x - 4 : x + 4, panel->strips - 7 + dy, class_names,
                 text);
}

/* ---- connections ----------------------------------------------------------------------------- */

static int64_t highest_level(const struct trace_panel *panel, uint8_t index) {
  int64_t highest = panel->record->connection_window_bytes;
  for (size_t i = 0; i < panel->windows.level_count; i++)
    if (panel->windows.levels[i].connection == index && panel->windows.levels[i].bytes > highest)
      highest = panel->windows.levels[i].bytes;
  return highest;
}

/* Draws the unused window as an area with steps. Each half pixel shows its minimum, which is what
 * may have stalled the server. */
static void draw_window(const struct trace_panel *panel, uint8_t index, double top) {
  const struct trace_drawing *drawing = panel->drawing;
  const struct trace_connection *connection = &panel->record->connections[index];
  if (connection->ready_ns == TRACE_NEVER) return;
  double base = top + STRIP - 2, scale = (STRIP - 6) / (double)highest_level(panel, index);
  double from = trace_x_of(drawing, connection->ready_ns), lowest = 0;
  bool pending = false;
  fprintf(drawing->to, "<path class=\"window\" d=\"M%.2f %.2f", from, base);
  for (size_t i = 0; i < panel->windows.level_count; i++) {
    const struct trace_level *level = &panel->windows.levels[i];
    if (level->connection != index) continue;
    double x = trace_x_of(drawing, level->at_ns);
    double height = level->bytes > 0 ? (double)level->bytes * scale : 0;
    if (pending && x - from >= 0.5) fprintf(drawing->to, "H%.2fV%.2f", from, base - lowest);
    if (!pending || x - from >= 0.5) {
      from = x;
      lowest = height;
    }
    pending = true;
    if (height < lowest) lowest = height;
  }
  if (pending) fprintf(drawing->to, "H%.2fV%.2f", from, base - lowest);
  uint64_t end_ns =
      connection->end_ns < panel->record->end_ns ? connection->end_ns : panel->record->end_ns;
  fprintf(drawing->to, "H%.2fV%.2fZ\"/>\n", trace_x_of(drawing, end_ns), base);
}

static void draw_handshake(const struct trace_panel *panel,
                           const struct trace_connection *connection, double top) {
  const struct trace_drawing *drawing = panel->drawing;
  if (connection->begin_ns == TRACE_NEVER) return;
  uint64_t tcp_ns = connection->connected_ns, tls_ns = connection->ready_ns;
  if (tcp_ns == TRACE_NEVER) tcp_ns = connection->end_ns;
  if (tcp_ns == TRACE_NEVER) tcp_ns = panel->record->end_ns;
  if (tls_ns == TRACE_NEVER) tls_ns = connection->end_ns;
  if (tls_ns == TRACE_NEVER) tls_ns = tcp_ns;
  double begin = trace_x_of(drawing, connection->begin_ns), tcp = trace_x_of(drawing, tcp_ns);
  trace_svg_rect(drawing->to, begin, top + 2, tcp - begin > 1 ? tcp - begin : 1, STRIP - 4, "tcp");
  if (connection->secure)
    trace_svg_rect(drawing->to, tcp, top + 2, trace_x_of(drawing, tls_ns) - tcp, STRIP - 4, "tls");
}

static void draw_connection(const struct trace_panel *panel, uint8_t index, double top) {
  const struct trace_connection *connection = &panel->record->connections[index];
  const struct trace_drawing *drawing = panel->drawing;
  char line[400], window[TRACE_NUMBER_BYTES];
  trace_svg_rect(drawing->to, PLOT_LEFT, top, PLOT_RIGHT - PLOT_LEFT, STRIP, "strip");
  trace_svg_bytes((uint64_t)highest_level(panel, index), window);
  int len =
      snprintf(line, sizeof line, "%s (%s), TCP up at %.1f ms, %s at %.1f ms.", connection->origin,
               connection->address, (double)connection->connected_ns / 1e6,
               connection->http1 ? "HTTP/1.1" : "HTTP/2", (double)connection->ready_ns / 1e6);
  if (!connection->http1 && len > 0 && (size_t)len < sizeof line)
    snprintf(line + len, sizeof line - (size_t)len,
             " The blue area is the connection's unused window, at most %s.", window);
  trace_svg_begin(drawing->to, connection->ready_ns == TRACE_NEVER ? connection->error : line);
  trace_svg_text_fit(drawing->to, MARGIN, top + 14, "strong", connection->origin, 52);
  if (connection->error[0])
    trace_svg_text_fit(drawing->to, MARGIN, top + 28, "small bad", connection->error, 66);
  else {
    snprintf(line, sizeof line, "unused window, of %s", window);
    trace_svg_text(drawing->to, MARGIN, top + 28, "small", connection->http1 ? "HTTP/1.1" : line);
  }
  if (!connection->http1) draw_window(panel, index, top);
  draw_handshake(panel, connection, top);
  trace_svg_end(drawing->to);
  for (size_t i = 0; i < panel->windows.stall_count; i++)
    if (panel->windows.stalls[i].result < 0 && panel->windows.stalls[i].connection == index)
      trace_draw_stall(panel, &panel->windows.stalls[i], top + 4, STRIP - 8);
  for (size_t i = 0; i < panel->record->frame_count; i++) {
    const struct trace_frame *frame = &panel->record->frames[i];
    if (frame->type == H2_GOAWAY && frame->connection == index &&
        trace_is_error(panel->record, frame))
      trace_draw_error(panel, frame, top + STRIP / 2.0);
  }
}

/* ---- one server ------------------------------------------------------------------------------ */

static bool draw_panel(struct trace_drawing *drawing, const struct trace_record *record,
                       double top) {
  struct trace_panel panel = {.drawing = drawing, .record = record, .top = top};
  panel.sum = trace_summarize(record, drawing->show->manifest);
  panel.strips = top + HEADING;
  panel.rows = panel.strips + record->connection_count * (STRIP + 4.0) + HEADS;
  panel.bottom = panel.rows + (double)record->result_count * ROW;
  if (!trace_windows_init(&panel.windows, record)) return false;
  for (size_t row = 0; row < record->result_count; row++)
    trace_draw_row(&panel, row);
  draw_grid(&panel);
  draw_heading(&panel);
  draw_column_heads(&panel);
  for (unsigned i = 0; i < record->connection_count; i++)
    draw_connection(&panel, (uint8_t)i, panel.strips + i * (STRIP + 4.0));
  for (size_t row = 0; row < record->result_count; row++)
    trace_draw_spans(&panel, row);
  trace_draw_stream_stalls(&panel);
  trace_draw_data(&panel);
  trace_draw_resets(&panel);
  draw_moment(&panel, panel.sum.critical_ns, "critical", "last critical byte", "of-critical", 0);
  draw_moment(&panel, panel.sum.dimensions_ns, "dimensions", "all dimensions", "of-dimensions",
              -10);
  for (size_t row = 0; row < record->result_count; row++)
    trace_draw_marks(&panel, row);
  trace_windows_free(&panel.windows);
  return true;
}

/* ---- title and legend ------------------------------------------------------------------------ */

static void draw_title(const struct trace_drawing *drawing) {
  const struct trace_options *options = drawing->show->options;
  char line[256], rate[TRACE_NUMBER_BYTES];
  trace_svg_text_fit(drawing->to, MARGIN, 30, "title",
                     options->title ? options->title : "Waterfall", 100);
  int len = snprintf(line, sizeof line, "signals of %s", options->profile->name);
  if (options->rate_limit && len > 0)
    snprintf(line + len, sizeof line - (size_t)len, ", link limited to %s/s",
             trace_svg_bytes(options->rate_limit, rate));
  trace_svg_text(drawing->to, MARGIN, 48, "subtitle", line);
}

static void draw_kinds(const struct trace_drawing *drawing, double y) {
  double x = MARGIN;
  for (int kind = 0; kind < TRACE_KINDS; kind++) {
    char style[8];
    snprintf(style, sizeof style, "k%d", kind);
    trace_svg_rect(drawing->to, x, y - 9, 18, 10, style);
    trace_svg_text(drawing->to, x + 23, y, "name", trace_kind_name((enum trace_kind)kind));
    x += 84;
  }
}

static void draw_legend(const struct trace_drawing *drawing, double top) {
  FILE *to = drawing->to;
  double y = top + 40, middle = y - 4;
  draw_kinds(drawing, top + 18);
  fprintf(to, "<path d=\"M1048 %.1fl4 4l-4 4l-4 -4z\" class=\"scan\"/>\n", top + 10);
  trace_svg_text(to, 1061, top + 18, "name", "first scan complete");
  fprintf(to, "<circle cx=\"%d\" cy=\"%.1f\" r=\"2.6\" class=\"asked\"/>\n", MARGIN + 8, middle);
  trace_svg_text(to, MARGIN + 18, y, "name", "request sent");
  trace_svg_line(to, 132, middle - 5, 132, middle + 5, "tick");
  trace_svg_text(to, 140, y, "name", "headers");
  fprintf(to, "<path d=\"M206 %.1fl-3 -4h6z\" class=\"first\"/>\n", middle);
  trace_svg_text(to, 214, y, "name", "first byte");
  trace_svg_line(to, 290, middle - 7, 290, middle + 7, "tick");
  trace_svg_text(to, 298, y, "name", "complete");
  fprintf(to, "<path d=\"M370 %.1fl4 4l-4 4l-4 -4z\" class=\"size\"/>\n", middle - 4);
  trace_svg_text(to, 380, y, "name", "dimensions known");
  trace_svg_rect(to, 498, middle - 5, 22, 10, "stall");
  trace_svg_text(to, 526, y, "name", "stalled: window used up");
  trace_draw_cross(to, 678, middle);
  trace_svg_text(to, 688, y, "name", "error");
  trace_svg_rect(to, 740, middle - 5, 16, 10, "tcp");
  trace_svg_text(to, 761, y, "name", "TCP");
  trace_svg_rect(to, 800, middle - 5, 16, 10, "tls");
  trace_svg_text(to, 821, y, "name", "TLS");
  trace_svg_rect(to, 860, middle - 5, 16, 10, "window");
  trace_svg_text(to, 881, y, "name", "unused connection window");
  trace_svg_rect(to, 1040, middle - 5, 16, 10, "urgent framed");
  trace_svg_text(to, 1061, y, "name", "critical resource");
}

static bool draw(const struct trace_show *show, FILE *to) {
  struct trace_drawing drawing = {.to = to, .show = show};
  double height = TITLE + GAP, top = TITLE + GAP;
  choose_axis(&drawing);
  for (unsigned i = 0; i < show->count; i++)
    height += panel_height(&show->records[i]) + GAP;
  fprintf(to,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"waterfall\" width=\"%d\" "
          "height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n<style>\n%s</style>\n"
          "<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
          "patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" fill=\"#fdeaea\"/>"
          "<rect width=\"2\" height=\"5\" fill=\"#e57373\"/></pattern></defs>\n",
          PAGE_WIDTH, height + LEGEND, PAGE_WIDTH, height + LEGEND, style_sheet);
  trace_svg_rect(to, 0, 0, PAGE_WIDTH, height + LEGEND, "page");
  draw_title(&drawing);
  bool good = true;
  for (unsigned i = 0; i < show->count && good; i++) {
    good = draw_panel(&drawing, &show->records[i], top);
    top += panel_height(&show->records[i]) + GAP;
  }
  draw_legend(&drawing, top - GAP / 2.0);
  fputs("</svg>\n", to);
  return good;
}

/* ---- HTML ------------------------------------------------------------------------------------ */

static void write_log(const struct trace_record *record, FILE *to) {
  char line[TRACE_FRAME_TEXT_BYTES];
  fputs("<details><summary>Frames of ", to);
  trace_svg_escape(to, record->label);
  fprintf(to, " (%zu)</summary>\n<pre>", record->frame_count);
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    trace_frame_line(record, frame, line);
    trace_svg_escape(to, line);
    fputc('\n', to);
  }
  fputs("</pre></details>\n", to);
}

static bool write_page(const struct trace_show *show, FILE *to) {
  const char *title = show->options->title ? show->options->title : "Waterfall";
  fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
        to);
  trace_svg_escape(to, title);
  fputs("</title>\n<style>\n"
        "body{margin:16px auto;max-width:1280px;background:#fff;color:#1f2933;"
        "font:14px system-ui,-apple-system,'Segoe UI','Noto Sans',sans-serif}\n"
        ".picture{overflow-x:auto}\n"
        "svg{width:100%;min-width:960px;height:auto}\n" /* on a phone it scrolls, and can be read */
        "details{margin:12px 24px}\nsummary{cursor:pointer;font-weight:600}\n"
        "pre{font:12px ui-monospace,'DejaVu Sans Mono',monospace;overflow-x:auto;"
        "background:#f6f8fa;padding:12px}\n"
        "</style>\n</head>\n<body>\n<div class=\"picture\">\n",
        to);
  bool good = draw(show, to);
  fputs("</div>\n", to);
  for (unsigned i = 0; i < show->count; i++)
    write_log(&show->records[i], to);
  fputs("</body>\n</html>\n", to);
  return good;
}

bool trace_waterfall_write(const struct trace_show *show, const char *path, FILE *to) {
  size_t len = strlen(path);
  bool alone = len > 4 && strcmp(path + len - 4, ".svg") == 0;
  return alone ? draw(show, to) : write_page(show, to);
}
