/*
 * load/stages.c - see load/stages.h.
 */
#include "tools/load/stages.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/option_values.h"

bool load_stage_parse(struct load_stage *stage, const char *text) {
  size_t len = strcspn(text, ":");
  const char *rate = text + len + 1;
  char time[LOAD_TEXT_BYTES] = "";
  *stage = (struct load_stage){.text = text};
  if (text[len] != ':' || len >= sizeof time) return false;
  memcpy(time, text, len);
  if (!option_seconds(time, &stage->seconds)) return false;
  if (strcmp(rate, "0") == 0) return true; /* a pause */
  return option_rate(rate, &stage->rate) && stage->rate >= OPTION_RATE_MIN &&
         stage->rate <= LOAD_RATE_MAX;
}

const char *load_arrivals_text(const struct load_options *options, char text[LOAD_TEXT_BYTES]) {
  if (options->arrivals == LOAD_BURSTS)
    snprintf(text, LOAD_TEXT_BYTES, "burst=%u", options->burst);
  else
    snprintf(text, LOAD_TEXT_BYTES, "%s",
             options->arrivals == LOAD_POISSON ? "poisson" : "constant");
  return text;
}

void load_stages_shape(const struct load_options *options, struct load_shape *shape) {
  double rate = options->begin_rate, duration = options->duration_seconds;
  *shape = (struct load_shape){
      .arrivals = options->arrivals, .burst = options->burst, .seed = options->seed};
  if (options->warm_up_seconds > 0) load_shape_add(shape, options->warm_up_seconds, rate, rate);
  if (options->stage_count == 0)
    load_shape_add(shape, duration > 0 ? duration : (double)INFINITY, rate, rate);
  for (unsigned i = 0; i < options->stage_count; i++) {
    const struct load_stage *stage = &options->stages[i];
    if (stage->seconds > 0) load_shape_add(shape, stage->seconds, rate, stage->rate);
    rate = stage->rate;
  }
}
