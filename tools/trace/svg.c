/*
 * trace/svg.c - see trace/svg.h.
 */
#include "tools/trace/svg.h"

#include <string.h>

#include "tools/trace/record.h"

void trace_svg_escape(FILE *to, const char *text) {
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '&')
      fputs("&amp;", to);
    else if (byte == '<')
      fputs("&lt;", to);
    else if (byte == '>')
      fputs("&gt;", to);
    else if (byte == '"')
      fputs("&quot;", to);
    else
      fputc((byte < ' ' && byte != '\n') || byte >= 0x7f ? '?' : byte, to);
  }
}

void trace_svg_text(FILE *to, double x, double y, const char *style, const char *text) {
  fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style);
  trace_svg_escape(to, text);
  fputs("</text>\n", to);
}

void trace_svg_text_fit(FILE *to, double x, double y, const char *style, const char *text,
                        size_t characters) {
  size_t len = strlen(text);
  char head[128];
  if (len <= characters || characters >= sizeof head) {
    trace_svg_text(to, x, y, style, text);
    return;
  }
  size_t front = (characters - 1) / 2, back = characters - 1 - front;
  fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style);
  snprintf(head, sizeof head, "%.*s", (int)front, text);
  trace_svg_escape(to, head);
  fputs("&#8230;", to);
  trace_svg_escape(to, text + len - back);
  fputs("</text>\n", to);
}

void trace_svg_line(FILE *to, double x1, double y1, double x2, double y2, const char *style) {
  fprintf(to, "<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" class=\"%s\"/>\n", x1, y1, x2,
          y2, style);
}

void trace_svg_rect(FILE *to, double x, double y, double width, double height, const char *style) {
  fprintf(to, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" class=\"%s\"/>\n", x, y,
          width, height, style);
}

void trace_svg_begin(FILE *to, const char *tooltip) {
  fputs("<g><title>", to);
  trace_svg_escape(to, tooltip);
  fputs("</title>\n", to);
}

void trace_svg_end(FILE *to) {
  fputs("</g>\n", to);
}

const char *trace_svg_bytes(uint64_t bytes, char text[TRACE_NUMBER_BYTES]) {
  static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
  double value = (double)bytes;
  unsigned unit = 0;
  while (value >= 999.5 && unit < 4) {
    value /= 1000;
    unit++;
  }
  snprintf(text, TRACE_NUMBER_BYTES, unit == 0 || value >= 99.5 ? "%.0f %s" : "%.1f %s", value,
           units[unit]);
  return text;
}

const char *trace_svg_ms(uint64_t ns, char text[TRACE_NUMBER_BYTES]) {
  double ms = (double)ns / 1e6;
  if (ns == TRACE_NEVER)
    snprintf(text, TRACE_NUMBER_BYTES, "never");
  else if (ms < 99.95)
    snprintf(text, TRACE_NUMBER_BYTES, "%.1f ms", ms);
  else if (ms < 999.5)
    snprintf(text, TRACE_NUMBER_BYTES, "%.0f ms", ms);
  else
    snprintf(text, TRACE_NUMBER_BYTES, "%d,%03d ms", (int)(ms + 0.5) / 1000,
             (int)(ms + 0.5) % 1000);
  return text;
}
