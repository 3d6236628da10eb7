/*
 * trace/frames.h - frames as text, one line each.
 *
 *     123.456 ms  #0 <  HEADERS        17  112 B  END_HEADERS
 */
#ifndef WEIR_TRACE_FRAMES_H
#define WEIR_TRACE_FRAMES_H

#include "tools/trace/record.h"

/* HTTP/2's name of a frame, or "type 0x.."; over HTTP/1.1 "head" or "body". May be put into `text`. */
const char *trace_frame_name(const struct trace_record *record, const struct trace_frame *frame,
                             char text[TRACE_FRAME_NAME_BYTES]);

/* The flags, values and reasons of a frame: one line of printable ASCII, whatever the peer sent.
 * Always terminated. Returns `text`. */
const char *trace_frame_details(const struct trace_record *record, const struct trace_frame *frame,
                                char text[TRACE_FRAME_TEXT_BYTES]);

/* The whole line, without a newline. Returns `text`. */
const char *trace_frame_line(const struct trace_record *record, const struct trace_frame *frame,
                             char text[TRACE_FRAME_TEXT_BYTES]);

/* Prints the whole log, in the order in which the frames ended. */
void trace_frames_print(const struct trace_record *record, FILE *to);

#endif
