/*
 * base/pattern.h - patterns in which `*` stands for any bytes, also for none and for slashes.
 */
#ifndef WEIR_PATTERN_H
#define WEIR_PATTERN_H

#include "engine/base/machine.h"

/* Whether the pattern matches all of the text. `fold`: the text's letters count as lower-case ones. The cost
 * is at most the product of both lengths. */
__attribute__((warn_unused_result)) bool pattern_matches(struct span pattern, struct span text,
                                                         bool fold);

#endif
