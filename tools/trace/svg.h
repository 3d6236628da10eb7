/*
 * trace/svg.h - writes the few SVG elements of a waterfall. Unit: pixels, from the upper left
 * corner.
 */
#ifndef WEIR_TRACE_SVG_H
#define WEIR_TRACE_SVG_H

#include <stdint.h>
#include <stdio.h>

#include "tools/trace/limits.h"

/* Writes text, escaped for XML and HTML. Bytes that are not printable ASCII become question
 * marks. */
void trace_svg_escape(FILE *to, const char *text);

/* <text>; `style` names a CSS class. */
void trace_svg_text(FILE *to, double x, double y, const char *style, const char *text);

/* The same, but text longer than `characters` loses its middle. */
void trace_svg_text_fit(FILE *to, double x, double y, const char *style, const char *text,
                        size_t characters);

void trace_svg_line(FILE *to, double x1, double y1, double x2, double y2, const char *style);
void trace_svg_rect(FILE *to, double x, double y, double width, double height, const char *style);

/* Starts a group with a tooltip, up to trace_svg_end(). */
void trace_svg_begin(FILE *to, const char *tooltip);
void trace_svg_end(FILE *to);

/* "1.2 KB", "34 MB"; "1,234 ms", "5.6 ms". Always terminated; return `text`. */
const char *trace_svg_bytes(uint64_t bytes, char text[TRACE_NUMBER_BYTES]);
const char *trace_svg_ms(uint64_t ns, char text[TRACE_NUMBER_BYTES]);

#endif
