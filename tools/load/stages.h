/*
 * load/stages.h - the shape of a run as --rate, --stage, --duration and --warm-up-time ask for it.
 *
 * The warm-up holds the rate with which the first stage begins.
 */
#ifndef WEIR_LOAD_STAGES_H
#define WEIR_LOAD_STAGES_H

#include "tools/load/options.h"

/* Parses a --stage, "TIME:RATE". Keeps the text. */
__attribute__((warn_unused_result)) bool load_stage_parse(struct load_stage *stage,
                                                          const char *text);

/* --arrivals as an option's value: "constant", "burst=7". Returns `text`. */
const char *load_arrivals_text(const struct load_options *options, char text[LOAD_TEXT_BYTES]);

/* The shape of an open loop. */
void load_stages_shape(const struct load_options *options, struct load_shape *shape);

#endif
