/*
 * forward/api.h - the Kubernetes API, as far as port-forwarding needs it: what to ask for, and what the answers
 * say. Nothing here sends or receives.
 * Spec: v1 Pod, v1 Service, discovery.k8s.io/v1 EndpointSlice, v1 Status.
 *
 * Pod:      its phase must be Running, and its ports give numbers to names.
 * Service:  its ports, then its endpoint slices: a ready pod, and the port there. Who may not read these gets the
 *           pods that its selector matches, as kubectl does.
 *
 * Functions that return bool return false with one line in `failure`.
 */
#ifndef WEIR_FORWARD_API_H
#define WEIR_FORWARD_API_H

#include <jansson.h>

#include "tools/forward/target.h"

/* What is being looked up, and what has been found. */
struct api_lookup {
  const struct target_port *ports; /* kept */
  unsigned port_count;
  const char *avoid; /* a pod to be chosen only if there is no other, or NULL */

  char pod[OBJECT_NAME_BYTES];        /* the choice */
  uint16_t remote[FORWARD_PORTS_MAX]; /* there, for each of `ports` */
};

/* Paths, cut at API_PATH_BYTES. */
void api_pod_path(char path[API_PATH_BYTES], const char *namespace, const char *pod);
void api_tunnel_path(char path[API_PATH_BYTES], const char *namespace, const char *pod);
void api_service_path(char path[API_PATH_BYTES], const char *namespace, const char *service);
void api_slices_path(char path[API_PATH_BYTES], const char *namespace, const char *service);

/* The pods that the service's selector matches. False when it has none, or too long a one. */
__attribute__((warn_unused_result)) bool api_pods_path(char path[API_PATH_BYTES],
                                                       const char *namespace, const json_t *service,
                                                       const struct failure *failure);

/* Chooses this pod. */
__attribute__((warn_unused_result)) bool api_read_pod(struct api_lookup *lookup, const json_t *pod,
                                                      const struct failure *failure);

/* Chooses a pod of the slices, and its ports. */
__attribute__((warn_unused_result)) bool api_read_slices(struct api_lookup *lookup,
                                                         const json_t *service,
                                                         const json_t *slices,
                                                         const struct failure *failure);

/* Chooses one of the pods that the service's selector matches, and its ports. */
__attribute__((warn_unused_result)) bool api_read_pods(struct api_lookup *lookup,
                                                       const json_t *service, const json_t *pods,
                                                       const struct failure *failure);

/* Whether the service has the ports. */
__attribute__((warn_unused_result)) bool
api_check_service(struct api_lookup *lookup, const json_t *service, const struct failure *failure);

/* What an answer other than 200 says: the message of its Status, its first line, or only the status. */
void api_explain(unsigned status, const char *body, size_t len, char *text, size_t size);

#endif
