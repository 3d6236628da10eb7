/*
 * load/live.h - the display of a run on a terminal, drawn in place on standard error.
 *
 * It never waits for the terminal: a frame for which there is no room is left out. Colors are off when
 * NO_COLOR is set, and block characters without a UTF-8 locale. A terminal that becomes narrower wraps
 * the lines that are there; the next frame counts with that.
 */
#ifndef WEIR_LOAD_LIVE_H
#define WEIR_LOAD_LIVE_H

#include "tools/load/frame.h"

struct load_live {
  bool active; /* the terminal is ours: load_live_end() must be called before the process ends */
  int fd; /* while active: standard error, opened anew, since O_NONBLOCK would hold for all who share it */
  struct load_look look;
  struct load_frame frame; /* as drawn */
};

/* Becomes active if standard error is a terminal that can move its cursor. Hides the cursor. */
void load_live_begin(struct load_live *live);

/* Replaces the frame. */
void load_live_draw(struct load_live *live, const struct load_progress *progress);

/* Removes the frame, so that text can be written. The next load_live_draw() draws it below. */
void load_live_erase(struct load_live *live);

/* Removes the frame and shows the cursor. Also when it has not begun, or has ended. */
void load_live_end(struct load_live *live);

#endif
