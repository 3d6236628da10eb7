/*
 * load/options_families.h - all tables of options; see load/options_rows.h.
 */
#ifndef WEIR_LOAD_OPTIONS_FAMILIES_H
#define WEIR_LOAD_OPTIONS_FAMILIES_H

#include "tools/load/options_rows.h"

/* All of them, in the order of --help; ends with NULL. */
extern const struct load_option_family *const load_option_families[];

#endif
