/*
 * serve/config/make.h - makes a configuration from what was written.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_MAKE_H
#define WEIR_TOOLS_SERVE_CONFIG_MAKE_H

#include "tools/serve/config/config.h"

/* Takes the document, and makes the configuration: one reference is the caller's. NULL with mistakes.
 * `from_line`: it is the command line's. `*impossible` is set when a mistake is of that kind. */
__attribute__((warn_unused_result)) struct serve_config *
config_make(struct config_document *document, bool from_line, struct mistakes *mistakes,
            bool *impossible);

#endif
