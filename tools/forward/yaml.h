/*
 * forward/yaml.h - reads one YAML document into a JSON value, as far as kubeconfigs use YAML.
 * Spec: YAML 1.1. JSON is YAML, too.
 *
 * Plain true and false become booleans, plain null, ~ and nothing become null; every other scalar is a
 * string. Not supported, and errors: anchors and aliases, keys that are no scalars, a key that is given
 * twice, several documents, values nested deeper than YAML_DEPTH_MAX.
 */
#ifndef WEIR_FORWARD_YAML_H
#define WEIR_FORWARD_YAML_H

#include <jansson.h>

#include "engine/base/machine.h"
#include "tools/common/failure.h"

/* The caller gets a reference. An empty document is null. NULL with "NAME:LINE: reason" in `failure`. */
__attribute__((warn_unused_result)) json_t *yaml_read(const char *name, struct span text,
                                                      const struct failure *failure);

#endif
