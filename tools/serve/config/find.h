/*
 * serve/config/find.h - finds keys by their names, also misspelt ones.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_FIND_H
#define WEIR_TOOLS_SERVE_CONFIG_FIND_H

#include "tools/serve/config/keys.h"

/* NULL when there is none. */
const struct config_key *config_key_find(const char *name);
const struct config_list *config_list_find(const char *name);

/* Writes what to do about a key that may not stand in a part of that scope: its right place, the key that
 * was probably meant, or nothing, to `out`. */
void config_key_advice(const char *name, enum config_scope scope, char *out, size_t size);

#endif
