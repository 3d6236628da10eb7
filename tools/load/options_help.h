/*
 * load/options_help.h - what `weir load --help` prints, made from the tables of options.
 */
#ifndef WEIR_LOAD_OPTIONS_HELP_H
#define WEIR_LOAD_OPTIONS_HELP_H

/* The help on `topic`; NULL: on everything. Returns NULL when there is no such topic. The text
 * stays until the next call. For one thread. */
const char *load_options_help(const char *topic);

#endif
