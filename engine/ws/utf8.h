/*
 * ws/utf8.h - validates UTF-8 that arrives in pieces (RFC 3629; RFC 6455 section 8.1).
 *
 * Refused at the first octet that no valid text can have there: overlong forms, surrogates, code
 * points above U+10FFFF, stray and missing continuation octets. Runs of ASCII are skipped 32 octets
 * at a time; ws_utf8_portable() goes octet by octet, and a test compares the two.
 *
 * The state is a place in the text; zero is its beginning. No allocation.
 */
#ifndef WEIR_WS_UTF8_H
#define WEIR_WS_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/machine.h"

struct ws_utf8 {
  uint8_t left;      /* continuation octets that the current character still needs */
  uint8_t low, high; /* range of the next one, while left > 0 */
};

/* Goes on with the next octets. False when they are not UTF-8; the state must not be used then. */
__attribute__((warn_unused_result)) bool ws_utf8(struct ws_utf8 *state, struct span bytes);

__attribute__((warn_unused_result)) bool ws_utf8_portable(struct ws_utf8 *state, struct span bytes);

/* Whether the text may end here: not within a character. */
static inline bool ws_utf8_is_whole(const struct ws_utf8 *state) {
  return state->left == 0;
}

#endif
