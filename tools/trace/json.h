/*
 * trace/json.h - everything that was recorded, as JSON.
 *
 *     { "profile": ..., "limit_rate": ..., "runs": [ {
 *         "url", "label", "end_ms", "bytes_received",
 *         "summary": { "resources", "complete", "failed", "bytes", "critical_ms", "dimensions_ms",
 *                      "complete_ms" },
 *         "connections": [ { "origin", "address", "begin_ms", "connected_ms", "ready_ms", "end_ms",
 *                            "error" } ],
 *         "resources": [ { "url", "kind", "critical", "connection", "stream", "status", "bytes",
 *                          "due_ms", "asked_ms", "sent_ms", "headers_ms", "first_byte_ms",
 *                          "dimensions_ms", "end_ms", "width", "height", "priority", "weight",
 *                          "depends_on", "exclusive", "complete", "error_code", "error" } ],
 *         "frames": [ { "begin_ms", "end_ms", "connection", "sent", "type", "flags", "stream",
 *                       "length", "details" } ] } ] }
 *
 * The time of an event that never happened is null.
 */
#ifndef WEIR_TRACE_JSON_H
#define WEIR_TRACE_JSON_H

#include "tools/trace/show.h"

/* False when memory was refused or writing failed. */
__attribute__((warn_unused_result)) bool trace_json_write(const struct trace_show *show,
                                                          const char *path, FILE *to);

#endif
