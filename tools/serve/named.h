/*
 * serve/named.h - looks at the files, the user and the ciphers that a configuration names, before anything opens them: so
 * all that is wrong is told at once, with key and place. serve/config/load.h does the same for what routes name.
 *
 * A FIFO can be read only once, and is left to the one that needs it.
 */
#ifndef WEIR_TOOLS_SERVE_NAMED_H
#define WEIR_TOOLS_SERVE_NAMED_H

#include "tools/serve/config/config.h"

/* Adds a mistake for each that cannot be used, and makes no file. False when there is one. */
__attribute__((warn_unused_result)) bool serve_named_try(const struct serve_config *config,
                                                         struct mistakes *mistakes);

#endif
