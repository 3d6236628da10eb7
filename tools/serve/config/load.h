/*
 * serve/config/load.h - looks at what a configuration names: directories and manifests.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_LOAD_H
#define WEIR_TOOLS_SERVE_CONFIG_LOAD_H

#include "tools/serve/config/config.h"

/* Reads manifests into route->hints, and checks that each directory can be opened. All that is wrong becomes
 * a mistake. Before workers have the configuration. False when something is. */
__attribute__((warn_unused_result)) bool config_load(struct serve_config *config,
                                                     struct mistakes *mistakes);

/* Adds a mistake about what the part has of the key, or inherits: "KEY: TEXT" at its place, or "--KEY: TEXT" of a
 * command line. Returns false. */
bool config_load_wrong(const struct config_part *part, const char *key, const char *text,
                       struct mistakes *mistakes);

#endif
