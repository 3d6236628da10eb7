/*
 * load/cap.h - how much of a response the server may send at a time: "4 KB of this image for now,
 * 500 KB of that script, then the rest of the image".
 *
 *     --cap '*.jpg=4k,rest' --cap '/app.js=500k,rest'
 *     --cap 4k,500k,rest                                 every response
 *
 * A schedule is a list of steps; the body may come one step at a time, and after the last step
 * named comes the rest. A stream that has received its step gets the next one when every other
 * stream of its connection that was open at that moment has received as many steps as it has, or
 * has ended: what has no schedule is one step. So the first step of everything comes before the
 * second of anything, and nothing waits for what was asked for later.
 *
 * The engine's part is stream_cap(): the cap is kept by giving the server no more credit, so the
 * window that is announced for all streams is the smallest first step.
 */
#ifndef WEIR_LOAD_CAP_H
#define WEIR_LOAD_CAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/failure.h"
#include "tools/load/limits.h"

struct load_cap {
  const char *pattern; /* of the path and query; shell wildcards; NULL: everything */
  size_t pattern_len;
  uint64_t totals[LOAD_CAP_STEPS_MAX]; /* bytes from the beginning, after each step; ascending */
  unsigned count;                      /* steps before the rest, 1 at least */
};

struct load_caps {
  struct load_cap at[LOAD_CAPS_MAX];
  unsigned count;
};

/* Reads one option's value, "[PATTERN=]BYTES[,BYTES...][,rest]"; keeps `text`. K, k, M and m are
 * thousands and millions. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_caps_add(struct load_caps *caps, const char *text,
                                                       const struct failure *failure);

/* The first schedule that a request target matches; NULL: it is not held back. */
const struct load_cap *load_caps_find(const struct load_caps *caps, const char *target);

/* The smallest first step: the window to announce. `caps` has one at least. */
uint64_t load_caps_window(const struct load_caps *caps);

/* What may have arrived once `steps` steps were given away; UINT64_MAX: all of it. */
static inline uint64_t load_cap_total(const struct load_cap *cap, unsigned steps) {
  return steps < cap->count ? cap->totals[steps] : UINT64_MAX;
}

#endif
