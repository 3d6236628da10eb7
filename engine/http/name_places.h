/*
 * http/name_places.h - from a name to its token, by one look-up and one comparison. The tables are made by
 * tools/generate/header_names.py; for the modules that it writes alone.
 */
#ifndef WEIR_NAME_PLACES_H
#define WEIR_NAME_PLACES_H

#include "engine/http/headers.h"

/* The product of `factor` and a name's key has other top 8 bits than that of any other known name. */
struct name_places {
  uint32_t factor;
  uint8_t tokens[256]; /* enum header_token; TOKEN_UNKNOWN: no name has this place */
};

/* Of a name that is not empty. */
static inline uint32_t name_places_key(struct span name) {
  const uint8_t *at = name.base;
  return (uint32_t)at[0] | (uint32_t)at[name.len / 2] << 8 | (uint32_t)at[name.len - 1] << 16 |
         (uint32_t)name.len << 24;
}

/* The token of `name`, which `names` has by token. */
static inline enum header_token name_places_find(const struct name_places *places,
                                                 const struct span *names, struct span name) {
  if (name.len == 0) return TOKEN_UNKNOWN;
  const unsigned token = places->tokens[name_places_key(name) * places->factor >> 24];
  bool same = names[token].len == name.len && text_same(names[token].base, name.base, name.len);
  return same ? (enum header_token)token : TOKEN_UNKNOWN;
}

#endif
