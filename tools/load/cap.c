/*
 * load/cap.c - parses schedules and finds the one for a path. load/request.c applies them.
 */
#include "tools/load/cap.h"

#include <fnmatch.h>
#include <string.h>

#include "engine/base/window.h"
#include "tools/common/option_values.h"

/* Adds one step. "rest" ends the list. */
static bool add_step(struct load_cap *cap, const char *text, bool *rest) {
  double bytes;
  if (*rest) return false;
  *rest = strcmp(text, "rest") == 0;
  if (*rest) return cap->count > 0;
  if (cap->count == LOAD_CAP_STEPS_MAX || !option_bytes(text, &bytes)) return false;
  if (!(bytes >= 1 && bytes <= WINDOW_MAX)) return false;
  uint64_t before = cap->count ? cap->totals[cap->count - 1] : 0;
  cap->totals[cap->count++] = before + (uint64_t)bytes;
  return true;
}

static bool read_steps(struct load_cap *cap, const char *text) {
  bool rest = false;
  for (;;) {
    char step[LOAD_CAP_STEP_BYTES];
    size_t len = strcspn(text, ",");
    if (len >= sizeof step) return false;
    memcpy(step, text, len);
    step[len] = 0;
    if (!add_step(cap, step, &rest)) return false;
    if (text[len] == 0) return true;
    text += len + 1;
  }
}

/* A path may contain equals signs, steps do not: the last one is the separator. */
bool load_caps_add(struct load_caps *caps, const char *text, const struct failure *failure) {
  if (caps->count == LOAD_CAPS_MAX)
    return failure_set(failure, "--cap %s: more than %d", text, LOAD_CAPS_MAX);
  struct load_cap *cap = &caps->at[caps->count];
  const char *equals = strrchr(text, '=');
  *cap = (struct load_cap){.pattern = equals ? text : NULL,
                           .pattern_len = equals ? (size_t)(equals - text) : 0};
  bool good = !equals || (cap->pattern_len > 0 && cap->pattern_len < LOAD_CAP_PATTERN_BYTES);
  if (good && read_steps(cap, equals ? equals + 1 : text)) {
    caps->count++;
    return true;
  }
  return failure_set(failure, "--cap %s: expected [PATTERN=]BYTES[,BYTES...][,rest], such as %s",
                     failure_shown(text), "'*.jpg=4k,rest'");
}

static bool matches(const struct load_cap *cap, const char *target) {
  char pattern[LOAD_CAP_PATTERN_BYTES];
  if (!cap->pattern) return true;
  memcpy(pattern, cap->pattern, cap->pattern_len);
  pattern[cap->pattern_len] = 0;
  return fnmatch(pattern, target, 0) == 0;
}

const struct load_cap *load_caps_find(const struct load_caps *caps, const char *target) {
  for (unsigned i = 0; i < caps->count; i++)
    if (matches(&caps->at[i], target)) return &caps->at[i];
  return NULL;
}

uint64_t load_caps_window(const struct load_caps *caps) {
  uint64_t window = UINT64_MAX;
  for (unsigned i = 0; i < caps->count; i++)
    if (caps->at[i].totals[0] < window) window = caps->at[i].totals[0];
  return window;
}
