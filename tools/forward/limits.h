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

  /* ---- the command line ---- */

  FORWARD_PORTS_MAX = 32,  /* arbitrary */
  PORT_NAME_BYTES = 16,    /* of a port's name, with NUL: 15 characters (RFC 6335 section 5.1) */
  OBJECT_NAME_BYTES = 254, /* of a pod's name, with NUL: 253 characters (RFC 1123 section 2.1) */

  /* ---- the API ---- */

  /* Of an answer: a hundred pods with long descriptions. */
  API_BODY_BYTES_MAX = 4 << 20,
  API_PATH_BYTES = 2048, /* of a path with namespace, name and selector */
};

/* For a plugin to answer: someone may have to log in with a browser. Untested: tests use a shorter time. */
#define PLUGIN_NS (180 * SECOND_NS)

#endif
