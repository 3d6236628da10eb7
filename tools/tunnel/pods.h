/*
 * tunnel/pods.h - the pods that --pod names, and where their ports are.
 *
 * Owner: the command line. Hosts are looked up once, at the start.
 */
#ifndef WEIR_TOOLS_TUNNEL_PODS_H
#define WEIR_TOOLS_TUNNEL_PODS_H

#include "engine/base/text.h"
#include "io/base/address.h"
#include "tools/client/limits.h"
#include "tools/common/failure.h"
#include "tools/tunnel/limits.h"

struct tunnel_pod {
  char namespace[TUNNEL_NAME_BYTES_MAX + 1]; /* "default" unless another was given */
  char name[TUNNEL_NAME_BYTES_MAX + 1];
  char host[TUNNEL_HOST_BYTES]; /* as given, without brackets */
  uint16_t port; /* to which all its ports lead; 0: each to the same port of the host */
  struct address addresses[CLIENT_ADDRESSES_MAX]; /* pods_look_up() */
  unsigned address_count;
};

struct tunnel_pods {
  struct tunnel_pod at[TUNNEL_PODS_MAX];
  unsigned count;
};

/* Adds [NAMESPACE/]NAME=HOST[:PORT]. NULL, or what is wrong with it, a static text. */
const char *pods_add(struct tunnel_pods *pods, const char *text);

/* Looks up the hosts. May block. */
__attribute__((warn_unused_result)) bool pods_look_up(struct tunnel_pods *pods,
                                                      const struct failure *failure);

/* NULL: there is none. */
const struct tunnel_pod *pods_find(const struct tunnel_pods *pods, struct span namespace,
                                   struct span name);

/* The index-th address for a connection to `port` of the pod. */
struct address pod_address(const struct tunnel_pod *pod, unsigned index, uint16_t port);

#endif
