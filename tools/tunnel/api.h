/*
 * tunnel/api.h - the JSON documents of the API: as much of Kubernetes' as kubectl needs to find a pod.
 *
 * Each function returns text for the caller to free, or NULL when memory was refused.
 */
#ifndef WEIR_TOOLS_TUNNEL_API_H
#define WEIR_TOOLS_TUNNEL_API_H

#include "tools/tunnel/pods.h"

/* Begins with "v": what kubectl compares with its own. */
#define TUNNEL_KUBERNETES_VERSION "v1.32.0"

char *api_version(void);

/* How a client wants to discover resources: one document for all of them (since Kubernetes 1.26), or one for each group
 * and version. */
enum api_discovery { DISCOVERY_PLAIN, DISCOVERY_V2BETA1, DISCOVERY_V2 };

/* By the Accept field, which may be empty. */
enum api_discovery api_discovery(struct span accept);

/* The content-type of a document of /api and /apis. Static text. */
const char *api_discovery_type(enum api_discovery how);

char *api_core(enum api_discovery how);   /* /api */
char *api_groups(enum api_discovery how); /* /apis: none */
char *api_v1(void);                       /* /api/v1 */

char *api_namespace(const char *name);
char *api_namespaces(const struct tunnel_pods *pods);

char *api_pod(const struct tunnel_pod *pod);
/* Those of a namespace (empty: of all) that `selects(query, name)`; see routes.h. */
char *api_pods(const struct tunnel_pods *pods, struct span namespace, struct span query);

/* The service of a pod whose ports all lead to one: it has the pod's name, and that port. */
char *api_service(const struct tunnel_pod *pod);
char *api_services(const struct tunnel_pods *pods, struct span namespace, struct span query);

/* A failure. `reason` is one of Kubernetes' words, such as "NotFound". */
char *api_status(unsigned code, const char *reason, const char *message);

#endif
