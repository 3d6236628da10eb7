/*
 * tunnel/api.c - see tunnel/api.h.
 */
#include "tools/tunnel/api.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/version.h"
#include "tools/tunnel/routes.h"

/* When everything began, as far as anybody needs to know. */
#define BEGINNING "2026-01-01T00:00:00Z"

/* Takes the document. */
static char *text_of(json_t *document) {
  char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
  json_decref(document);
  return text;
}

/* ---- version and discovery ------------------------------------------------------------------- */

char *api_version(void) {
  return text_of(json_pack("{ss ss ss ss ss}", "major", "1", "minor", "32", "gitVersion",
                           TUNNEL_KUBERNETES_VERSION, "gitCommit", "weir-" WEIR_VERSION, "platform",
                           "linux/weir"));
}

static bool holds(struct span text, const char *part) {
  return text.len > 0 && memmem(text.base, text.len, part, strlen(part));
}

enum api_discovery api_discovery(struct span accept) {
  if (!holds(accept, "as=APIGroupDiscoveryList")) return DISCOVERY_PLAIN;
  return holds(accept, "v=v2;") ? DISCOVERY_V2 : DISCOVERY_V2BETA1;
}

const char *api_discovery_type(enum api_discovery how) {
  static const char *const types[] = {
      [DISCOVERY_PLAIN] = "application/json",
      [DISCOVERY_V2BETA1] =
          "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
      [DISCOVERY_V2] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"};
  return types[how];
}

/* A resource in the document for all; takes `subresources`. */
static json_t *discovered(const char *plural, const char *singular, const char *kind,
                          const char *letters, bool namespaced, json_t *subresources) {
  return json_pack("{ss s{ss ss ss} ss ss s[s] s[s s] so}", "resource", plural, "responseKind",
                   "group", "", "version", "v1", "kind", kind, "scope",
                   namespaced ? "Namespaced" : "Cluster", "singularResource", singular,
                   "shortNames", letters, "verbs", "get", "list", "subresources", subresources);
}

static json_t *discovered_forward(void) {
  return json_pack("[{ss s{ss ss ss} s[s s]}]", "subresource", "portforward", "responseKind",
                   "group", "", "version", "v1", "kind", "PodPortForwardOptions", "verbs", "create",
                   "get");
}

static json_t *discovered_v1(void) {
  return json_pack("{s{} s[{ss ss s[o o o]}]}", "metadata", "versions", "version", "v1",
                   "freshness", "Current", "resources",
                   discovered("namespaces", "namespace", "Namespace", "ns", false, json_array()),
                   discovered("pods", "pod", "Pod", "po", true, discovered_forward()),
                   discovered("services", "service", "Service", "svc", true, json_array()));
}

/* Takes the items. */
static json_t *discovery_list(enum api_discovery how, json_t *items) {
  const char *version =
      how == DISCOVERY_V2 ? "apidiscovery.k8s.io/v2" : "apidiscovery.k8s.io/v2beta1";
  return json_pack("{ss ss s{} so}", "kind", "APIGroupDiscoveryList", "apiVersion", version,
                   "metadata", "items", items);
}

char *api_core(enum api_discovery how) {
  if (how != DISCOVERY_PLAIN)
    return text_of(discovery_list(how, json_pack("[o]", discovered_v1())));
  return text_of(json_pack("{ss s[s] s[]}", "kind", "APIVersions", "versions", "v1",
                           "serverAddressByClientCIDRs"));
}

char *api_groups(enum api_discovery how) {
  if (how != DISCOVERY_PLAIN) return text_of(discovery_list(how, json_array()));
  return text_of(json_pack("{ss ss s[]}", "kind", "APIGroupList", "apiVersion", "v1", "groups"));
}

static json_t *resource(const char *plural, const char *singular, const char *kind,
                        const char *letters, bool namespaced) {
  return json_pack("{ss ss sb ss s[s s] s[s]}", "name", plural, "singularName", singular,
                   "namespaced", namespaced, "kind", kind, "verbs", "get", "list", "shortNames",
                   letters);
}

char *api_v1(void) {
  return text_of(
      json_pack("{ss ss s[o o {ss ss sb ss s[s s]} o]}", "kind", "APIResourceList", "groupVersion",
                "v1", "resources", resource("namespaces", "namespace", "Namespace", "ns", false),
                resource("pods", "pod", "Pod", "po", true), "name", "pods/portforward",
                "singularName", "", "namespaced", 1, "kind", "PodPortForwardOptions", "verbs",
                "create", "get", resource("services", "service", "Service", "svc", true)));
}

/* ---- objects --------------------------------------------------------------------------------- */

/* A list; takes the items. */
static char *list_of(const char *kind, json_t *items) {
  return text_of(json_pack("{ss ss s{ss} so}", "kind", kind, "apiVersion", "v1", "metadata",
                           "resourceVersion", "1", "items", items));
}

static json_t *namespace_object(const char *name) {
  return json_pack("{ss ss s{ss ss ss ss} s{ss}}", "kind", "Namespace", "apiVersion", "v1",
                   "metadata", "name", name, "uid", name, "resourceVersion", "1",
                   "creationTimestamp", BEGINNING, "status", "phase", "Active");
}

char *api_namespace(const char *name) {
  return text_of(namespace_object(name));
}

static bool is_first_of_namespace(const struct tunnel_pods *pods, unsigned index) {
  for (unsigned i = 0; i < index; i++)
    if (strcmp(pods->at[i].namespace, pods->at[index].namespace) == 0) return false;
  return true;
}

char *api_namespaces(const struct tunnel_pods *pods) {
  json_t *items = json_array();
  for (unsigned i = 0; i < pods->count; i++)
    if (is_first_of_namespace(pods, i))
      json_array_append_new(items, namespace_object(pods->at[i].namespace));
  return list_of("NamespaceList", items);
}

static json_t *metadata(const struct tunnel_pod *pod) {
  char uid[2 * TUNNEL_NAME_BYTES_MAX + 8];
  snprintf(uid, sizeof uid, "%s.%s", pod->namespace, pod->name);
  return json_pack("{ss ss ss ss ss s{ss}}", "name", pod->name, "namespace", pod->namespace, "uid",
                   uid, "resourceVersion", "1", "creationTimestamp", BEGINNING, "labels",
                   TUNNEL_LABEL, pod->name);
}

static json_t *pod_spec(const struct tunnel_pod *pod) {
  json_t *ports = json_array();
  if (pod->port)
    json_array_append_new(ports,
                          json_pack("{si ss}", "containerPort", (int)pod->port, "protocol", "TCP"));
  return json_pack("{s[{ss ss so}] ss}", "containers", "name", "host", "image", pod->host, "ports",
                   ports, "nodeName", "weir");
}

static json_t *pod_status(const struct tunnel_pod *pod) {
  return json_pack("{ss ss ss s[{ss ss}] s[{ss sb si ss ss s{s{ss}}}]}", "phase", "Running",
                   "podIP", pod->host, "startTime", BEGINNING, "conditions", "type", "Ready",
                   "status", "True", "containerStatuses", "name", "host", "ready", 1,
                   "restartCount", 0, "image", pod->host, "imageID", "", "state", "running",
                   "startedAt", BEGINNING);
}

static json_t *pod_object(const struct tunnel_pod *pod) {
  return json_pack("{ss ss so so so}", "kind", "Pod", "apiVersion", "v1", "metadata", metadata(pod),
                   "spec", pod_spec(pod), "status", pod_status(pod));
}

char *api_pod(const struct tunnel_pod *pod) {
  return text_of(pod_object(pod));
}

static json_t *service_object(const struct tunnel_pod *pod) {
  return json_pack("{ss ss so s{ss ss s{ss} s[{si si ss}]} s{s{}}}", "kind", "Service",
                   "apiVersion", "v1", "metadata", metadata(pod), "spec", "type", "ClusterIP",
                   "clusterIP", "None", "selector", TUNNEL_LABEL, pod->name, "ports", "port",
                   (int)pod->port, "targetPort", (int)pod->port, "protocol", "TCP", "status",
                   "loadBalancer");
}

char *api_service(const struct tunnel_pod *pod) {
  return text_of(service_object(pod));
}

static bool is_listed(const struct tunnel_pod *pod, struct span namespace, struct span query) {
  return (namespace.len == 0 || span_is(namespace, pod->namespace)) &&
         route_selects(query, pod->name);
}

char *api_pods(const struct tunnel_pods *pods, struct span namespace, struct span query) {
  json_t *items = json_array();
  for (unsigned i = 0; i < pods->count; i++)
    if (is_listed(&pods->at[i], namespace, query))
      json_array_append_new(items, pod_object(&pods->at[i]));
  return list_of("PodList", items);
}

char *api_services(const struct tunnel_pods *pods, struct span namespace, struct span query) {
  json_t *items = json_array();
  for (unsigned i = 0; i < pods->count; i++)
    if (pods->at[i].port && is_listed(&pods->at[i], namespace, query))
      json_array_append_new(items, service_object(&pods->at[i]));
  return list_of("ServiceList", items);
}

char *api_status(unsigned code, const char *reason, const char *message) {
  return text_of(json_pack("{ss ss s{} ss ss ss si}", "kind", "Status", "apiVersion", "v1",
                           "metadata", "status", "Failure", "message", message, "reason", reason,
                           "code", (int)code));
}
