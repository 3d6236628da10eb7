/*
 * trace/svg.h - the few shapes that a waterfall is drawn with, written as they come. Units: pixels,
 * origin at the upper left.
 */
#ifndef WEIR_TRACE_SVG_H
#define WEIR_TRACE_SVG_H

#include <stdint.h>
#include <stdio.h>

#include "tools/trace/limits.h"

/* Text in which nothing means anything to XML or HTML. Bytes that are not printable ASCII become a
 * question mark. */
void trace_svg_escape(FILE *to, const char *text);

/* <text>; `style` names a CSS class. */
void trace_svg_text(FILE *to, double x, double y, const char *style, const char *text);

/* The same with room for `characters`: longer text loses its middle. */
void trace_svg_text_fit(FILE *to, double x, double y, const char *style, const char *text,
                        size_t characters);

void trace_svg_line(FILE *to, double x1, double y1, double x2, double y2, const char *style);
void trace_svg_rect(FILE *to, double x, double y, double width, double height, const char *style);

/* A group with a tooltip; whatever is drawn until trace_svg_end() belongs to it. */
void trace_svg_begin(FILE *to, const char *tooltip);
void trace_svg_end(FILE *to);

/* "1.2 KB", "34 MB"; "1,234 ms", "5.6 ms"; always terminated. */
const char *trace_svg_bytes(uint64_t bytes, char text[TRACE_NUMBER_BYTES]);
const char *trace_svg_ms(uint64_t ns, char text[TRACE_NUMBER_BYTES]);

#endif
