/*
 * serve/config/config.c - see serve/config/config.h.
 */
#include "tools/serve/config/config.h"

#include <stdlib.h>

#include "tools/serve/config/hints.h"

struct serve_config *config_retain(struct serve_config *config) {
  __atomic_add_fetch(&config->references, 1, __ATOMIC_RELAXED);
  return config;
}

void config_release(struct serve_config *config) {
  if (!config || __atomic_sub_fetch(&config->references, 1, __ATOMIC_ACQ_REL) > 0) return;
  for (unsigned i = 0; i < config->host_count; i++)
    for (unsigned k = 0; k < config->hosts[i].route_count; k++)
      serve_hints_free(config->hosts[i].routes[k].hints);
  config_document_free(&config->document);
  free(config);
}

bool config_is_secure(const struct serve_config *config) {
  for (unsigned i = 0; i < config->listener_count; i++)
    if (config->listeners[i].secure) return true;
  return false;
}

const struct serve_route *config_only_route(const struct serve_config *config) {
  const struct serve_host *any = config->any;
  bool only = any && config->host_count == 1 && config->exact.count == 0 &&
              config->wildcards.count == 0 && any->route_count == 1 && !any->routes[0].https_only;
  return only && any->routes[0].path.len == 0 ? &any->routes[0] : NULL;
}
