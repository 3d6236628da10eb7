/*
 * forward/limits.h - every bound of `weir forward`, with its reason.
 */
#ifndef WEIR_FORWARD_LIMITS_H
#define WEIR_FORWARD_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* ---- kubeconfig ---- */

  /* Of a kubeconfig, or of a file that it names. Someone with a thousand clusters has about 5 MB. */
  KUBECONFIG_BYTES_MAX = 8 << 20,
  KUBECONFIG_FILES_MAX = 32, /* in KUBECONFIG. Arbitrary */
  YAML_DEPTH_MAX = 32,       /* of nested values; a kubeconfig needs six */

  /* ---- exec plugins ---- */

  PLUGIN_OUTPUT_BYTES_MAX = 1 << 20, /* a token has a few KB, a certificate chain perhaps 20 */
  PLUGIN_ARGUMENTS_MAX = 64,         /* arbitrary */
  PLUGIN_ENVIRONMENT_MAX = 64,       /* variables that a kubeconfig adds. Arbitrary */
};

/* For a plugin to answer: someone may have to log in with a browser. Untested: tests use a shorter time. */
#define PLUGIN_NS (180 * SECOND_NS)

#endif
