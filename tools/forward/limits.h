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

  FORWARD_PORTS_MAX = 32,    /* arbitrary */
  FORWARD_ADDRESSES_MAX = 8, /* of --address. Arbitrary */
  PORT_NAME_BYTES = 16,      /* of a port's name, with NUL: 15 characters (RFC 6335 section 5.1) */
  OBJECT_NAME_BYTES = 254,   /* of a pod's name, with NUL: 253 characters (RFC 1123 section 2.1) */

  /* ---- the session ---- */

  /* Keys of WebSocket frames that are made at once: the generator's call costs some microseconds, as much as all else of
   * a small frame. Untested: any number is right. */
  FORWARD_RANDOM_AHEAD = 64,

  /* ---- the API ---- */

  /* Of an answer: a hundred pods with long descriptions. */
  API_BODY_BYTES_MAX = 4 * MIB,
  API_PATH_BYTES = 2048, /* of a path with namespace, name and selector */

  /* ---- the session ---- */

  /* Dials for one answer: a server may close between two answers, but not before each. Untested: servers that do
   * so end with the reason of the last dial, as with the first. */
  ATTEMPT_OPENINGS_MAX = 3,

  /* Connections at once, open or waiting for the session. Descriptors usually run out first; some of
   * them are kept for the session and the pipes of io/link/vault.h. Untested: arbitrary. */
  FORWARD_CONNECTIONS_MAX = 16384,
  FORWARD_DESCRIPTORS_KEPT = 128,
  /* Times that a connection is refused by a server that has too many streams, until it is given up: 20 s. */
  FORWARD_TRIES_MAX = 100,
  FORWARD_REASON_BYTES = 400,     /* why something failed. Untested: longer texts are cut */
  FORWARD_ERROR_TEXT_BYTES = 512, /* of what comes over an error stream. What is longer is cut */
};

/* How long a connection that the server had no room for waits until it is tried again. */
#define FORWARD_REFUSED_NS (200 * MILLISECOND_NS)

/* How long to wait for the answers to the two SYN_STREAMs of a connection, as kubectl does. */
#define FORWARD_REPLY_NS (30 * SECOND_NS)

/* How long the other end may take, after a connection has ended, to say on its error stream whether it ended well. */
#define FORWARD_ERROR_NS (2 * SECOND_NS)

/* Between attempts to connect again: at once, then after this, then twice as long each time, until the
 * longest. Untested: the time between attempts; a longest wait of a few seconds keeps a laptop that wakes up
 * from waiting long. */
#define FORWARD_RETRY_NS     (250 * MILLISECOND_NS)
#define FORWARD_RETRY_NS_MAX (5 * SECOND_NS)

/* For one attempt in all: connecting, looking up and upgrading. Untested: tests would wait so long. */
#define FORWARD_ATTEMPT_NS (30 * SECOND_NS)

/* Without a byte for half of this the server gets a PING, and with none for all of it the session is lost. */
#define FORWARD_KEEPALIVE_SECONDS_DEFAULT 10

/* For a plugin to answer: someone may have to log in with a browser. Untested: tests use a shorter time. */
#define PLUGIN_NS (180 * SECOND_NS)

#endif
