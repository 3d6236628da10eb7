/*
 * trace/waterfall.h - the picture: a self-contained SVG, alone or in an HTML page.
 *
 * One row per resource, on one time axis for all servers. A row shows when the resource was due,
 * requested and answered, DATA frames as blocks, when an image's dimensions were known and a
 * progressive JPEG's first scan was complete, stalls (our window kept the server from sending), and
 * errors. Above the rows, one strip per connection shows TCP, TLS and the unused part of the
 * connection's window.
 */
#ifndef WEIR_TRACE_WATERFALL_H
#define WEIR_TRACE_WATERFALL_H

#include "tools/trace/show.h"

/* Writes SVG if `path` ends with .svg, else HTML. False when memory was refused or writing
 * failed. */
__attribute__((warn_unused_result)) bool trace_waterfall_write(const struct trace_show *show,
                                                               const char *path, FILE *to);

#endif
