/*
 * serve/config/print.h - writes a configuration as a file: what is in force, defaults included.
 *
 * Reading the file gives the same configuration. What a route inherits is written with the route.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_PRINT_H
#define WEIR_TOOLS_SERVE_CONFIG_PRINT_H

#include <stdio.h>

#include "tools/common/failure.h"
#include "tools/serve/config/config.h"

/* False when a text is not UTF-8, which YAML cannot say: it is then named in `failure`. Errors of writing are
 * left to the stream. */
__attribute__((warn_unused_result)) bool config_print(const struct serve_config *config, FILE *out,
                                                      const struct failure *failure);

#endif
