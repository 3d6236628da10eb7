/*
 * common/nearest.h - the word that was probably meant.
 */
#ifndef WEIR_TOOLS_NEAREST_H
#define WEIR_TOOLS_NEAREST_H

#include <stddef.h>

/* The distance between two words: letters to insert, to drop, to replace, or to swap with their neighbour;
 * more than any that counts as near when a word is longer than NEAREST_BYTES_MAX. */
unsigned nearest_distance(const char *a, const char *b);

/* The first of `count` words with the least distance, or NULL when none is near: a third of the
 * word's letters may be wrong, and at least one. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
