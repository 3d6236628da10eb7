/*
 * attack/catalogue.h - the attacks, by name.
 */
#ifndef WEIR_TESTS_ATTACK_CATALOGUE_H
#define WEIR_TESTS_ATTACK_CATALOGUE_H

#include "tests/helpers/attack/attack.h"

/* The attack with this name, or NULL. */
const struct attack *catalogue_find(const char *name);

/* Prints names and descriptions, one per line. */
void catalogue_print(void);

#endif
