/*
 * spdy/dictionary.h - the text that both ends give zlib before the first header block.
 * Spec: SPDY Protocol - Draft 3.1, section 2.6.10.1. Static.
 */
#ifndef WEIR_SPDY_DICTIONARY_H
#define WEIR_SPDY_DICTIONARY_H

#include "engine/base/machine.h"

extern const struct span spdy_dictionary;

#endif
