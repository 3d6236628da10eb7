/*
 * load/cap.h - limits how much of a response the server may send at a time: "4 KB of this image for
 * now, 500 KB of that script, then the rest of the image".
 *
 *     --cap '*.jpg=4k,rest' --cap '/app.js=500k,rest'
 *     --cap 4k,500k,rest                                 every response
 *
 * A schedule is a list of steps. The body is allowed one step at a time, and the rest after the
 * last step. When a stream has received a step, it waits for all other streams that are open on its
 * connection at that moment: each must have received as many steps, or have ended. A stream without
 * a schedule has a single step. So every stream's first step comes before any second step, and no
 * stream waits for later requests.
 *
 * The engine enforces the cap (stream_cap()) by withholding credit. The initial window is announced
 * for all streams, so it is the smallest first step.
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
  uint64_t totals[LOAD_CAP_STEPS_MAX]; /* bytes from the start, after each step; ascending */
  unsigned count;                      /* steps before the rest, 1 at least */
};

struct load_caps {
  struct load_cap at[LOAD_CAPS_MAX];
  unsigned count;
};

/* Parses the value of one option, "[PATTERN=]BYTES[,BYTES...][,rest]"; keeps `text`. K, k, M and m
 * are thousands and millions. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_caps_add(struct load_caps *caps, const char *text,
                                                       const struct failure *failure);

/* The first schedule whose pattern matches a request target, or NULL. */
const struct load_cap *load_caps_find(const struct load_caps *caps, const char *target);

/* The initial window to announce: the smallest first step. `caps` must not be empty. */
uint64_t load_caps_window(const struct load_caps *caps);

/* The bytes allowed after `steps` completed steps. UINT64_MAX: no limit. */
static inline uint64_t load_cap_total(const struct load_cap *cap, unsigned steps) {
  return steps < cap->count ? cap->totals[steps] : UINT64_MAX;
}

#endif
