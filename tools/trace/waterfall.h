/*
 * trace/waterfall.h - the picture: one self-contained SVG, alone or inside of an HTML page.
 *
 * A row a resource, on one time axis for all servers: when it was due and asked for, when headers
 * and the first byte came, each DATA frame as a block while its bytes arrived, the moment an
 * image's dimensions were known and a progressive JPEG's first scan was complete, stalls (the
 * server had more to send, and our window did not let it), and errors. Above the rows a strip a
 * connection: TCP and TLS, and how much of the connection's window was left unused.
 */
#ifndef WEIR_TRACE_WATERFALL_H
#define WEIR_TRACE_WATERFALL_H

#include "tools/trace/show.h"

/* SVG when `path` ends with .svg, else HTML. False when memory was refused or writing failed. */
__attribute__((warn_unused_result)) bool trace_waterfall_write(const struct trace_show *show,
                                                               const char *path, FILE *to);

#endif
