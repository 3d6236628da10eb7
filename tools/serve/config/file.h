/*
 * serve/config/file.h - reads a configuration file: YAML, see serve/config/keys.h for its keys.
 *
 *     https: :443
 *     certificates:
 *       - cert: chain.pem
 *         key: key.pem
 *     hosts:
 *       - name: example.org
 *         directory: /var/www
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_FILE_H
#define WEIR_TOOLS_SERVE_CONFIG_FILE_H

#include "tools/serve/config/config.h"

/* Reads a file of at most CONFIG_BYTES_MAX. NULL with mistakes; they are sorted. */
__attribute__((warn_unused_result)) struct serve_config *
config_file_read(const char *path, struct mistakes *mistakes);

/* The same with its text. */
__attribute__((warn_unused_result)) struct serve_config *
config_file_parse(struct span text, struct mistakes *mistakes);

#endif
