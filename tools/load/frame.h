/*
 * load/frame.h - what the live display shows at one moment: a few lines that fit the terminal. Cells
 * that have no room are left out, so a line never wraps.
 *
 *     weir load http://localhost:8080/plaintext  20 connections of 10 streams
 *      31% [###########------------------------]  6.9s left
 *     rate      1998/s of 2000/s asked, 99.9% kept      .:+###########
 *     latency   p50 82.4us  p99 1.20ms  max 3.10ms      ......:.......
 *     ...
 */
#ifndef WEIR_LOAD_FRAME_H
#define WEIR_LOAD_FRAME_H

#include "tools/load/progress.h"

/* What a terminal can show. */
struct load_look {
  unsigned columns, rows;
  bool color;
  bool utf8;
};

struct load_line {
  char text[LOAD_FRAME_LINE_BYTES]; /* with escape sequences for colors, without a newline */
  unsigned bytes, columns;
};

struct load_frame {
  struct load_line lines[LOAD_FRAME_LINES];
  unsigned count; /* at most look->rows - 1 */
};

void load_frame_make(struct load_frame *frame, const struct load_progress *progress,
                     const struct load_look *look);

#endif
