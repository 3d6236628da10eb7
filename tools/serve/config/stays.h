/*
 * serve/config/stays.h - which settings of another configuration count only after a restart.
 *
 * Those of TLS (config_key.tls) count from the first configuration with https on, the others from the start.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_STAYS_H
#define WEIR_TOOLS_SERVE_CONFIG_STAYS_H

#include "tools/serve/config/config.h"

/* Calls tell() for each global key that is not live and has another value in `now` than in the configuration that it
 * was taken from: `first`, or of TLS `first_tls`, which is NULL while there is none. */
void config_stays(const struct serve_config *first, const struct serve_config *first_tls,
                  const struct serve_config *now, void (*tell)(void *ctx, const char *name),
                  void *ctx);

#endif
