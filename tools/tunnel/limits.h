/*
 * tunnel/limits.h - every bound of `weir tunnel`, with its reason.
 */
#ifndef WEIR_TOOLS_TUNNEL_LIMITS_H
#define WEIR_TOOLS_TUNNEL_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* ---- what the command line may ask for; all arbitrary ---- */

  TUNNEL_LISTENERS_MAX = 8,
  TUNNEL_PODS_MAX = 256,
  TUNNEL_TOKENS_MAX = 16,
  TUNNEL_FAULTS_MAX = 8,
  TUNNEL_TOKEN_BYTES_MAX = 4096, /* a service account's has about 1,200 */

  /* The name of a pod or a namespace: a DNS subdomain (RFC 1123), as Kubernetes has it. */
  TUNNEL_NAME_BYTES_MAX = 253,
  /* The host of a pod, with NUL. Longer names do not exist in DNS. */
  TUNNEL_HOST_BYTES = 256,

  /* ---- pairs of streams ---- */

  /* Pairs of one session that still lack a stream. kubectl opens both at once; each new stream is
   * compared with all of them. */
  TUNNEL_WAITING_MAX = 256,
  /* A requestID. kubectl counts from 0; others send UUIDs. */
  TUNNEL_REQUEST_BYTES_MAX = 64,
  /* A text for an error stream. Untested: longer ones are cut. */
  TUNNEL_MESSAGE_BYTES = 256,
  /* Streams of one session at once: two for each forwarded connection. spdystream opens as many as it
   * likes, because it does not look at SETTINGS. Untested: it is an engine's concurrent_streams. */
  TUNNEL_STREAMS_MAX = 4096,
  /* Forwarded connections of a worker at once, and pieces of PIPE_PIECE_BYTES that they may hold: 512 MiB
   * when nobody reads. Untested: a test of that would need as much. */
  TUNNEL_PIPES_MAX = 8192,
  TUNNEL_PIECES_MAX = 32768,

  /* Lines of a worker about streams and targets that failed: a client can fail thousands of times a second, and the log
   * would grow without an end. The others are counted. */
  TUNNEL_LINES_BURST = 100,
  TUNNEL_LINES_PER_SECOND = 10,
};

/* How long to wait for the second stream of a pair, as a kubelet does. */
#define TUNNEL_PAIR_NS (30 * SECOND_NS)

/* From a pair's two streams until what --fault asks for, so that bytes are under way; and for a SYN_REPLY that it
 * delays. Arbitrary.
 * Untested: test_tunnel.py waits for what happens then. */
#define TUNNEL_FAULT_NS       (100 * MILLISECOND_NS)
#define TUNNEL_FAULT_DELAY_NS (3 * SECOND_NS)

/* After SIGTERM, to say GOAWAY. Untested: another value only makes the end earlier or later. */
#define TUNNEL_FAREWELL_NS (300 * MILLISECOND_NS)

/* How long a client may be silent until it gets a PING, and then as long again until it is given up. kubectl cannot
 * answer while a program behind one of its connections stands still. While output waits for the client, it is not given
 * up. But if all output fits into the buffers on the way, some megabytes, it looks dead, and has two minutes. */
#define TUNNEL_KEEPALIVE_SECONDS 60u

#endif
