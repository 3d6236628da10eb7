/*
 * forward/api.c - see forward/api.h.
 */
#include "tools/forward/api.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

static const json_t *member(const json_t *object, const char *name) {
  return json_object_get(object, name);
}

static const char *text_member(const json_t *object, const char *name) {
  const char *text = json_string_value(member(object, name));
  return text ? text : "";
}

static const char *name_of(const json_t *object) {
  return text_member(member(object, "metadata"), "name");
}

static uint16_t port_member(const json_t *object, const char *name) {
  json_int_t port = json_integer_value(member(object, name));
  return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* ---- paths ----------------------------------------------------------------------------------- */

void api_pod_path(char path[API_PATH_BYTES], const char *namespace, const char *pod) {
  snprintf(path, API_PATH_BYTES, "/api/v1/namespaces/%s/pods/%s", namespace, pod);
}

void api_tunnel_path(char path[API_PATH_BYTES], const char *namespace, const char *pod) {
  snprintf(path, API_PATH_BYTES, "/api/v1/namespaces/%s/pods/%s/portforward", namespace, pod);
}

void api_service_path(char path[API_PATH_BYTES], const char *namespace, const char *service) {
  snprintf(path, API_PATH_BYTES, "/api/v1/namespaces/%s/services/%s", namespace, service);
}

void api_slices_path(char path[API_PATH_BYTES], const char *namespace, const char *service) {
  snprintf(path, API_PATH_BYTES,
           "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"
           "?labelSelector=kubernetes.io%%2Fservice-name%%3D%s",
           namespace, service);
}

/* Appends `text` to a query. */
static void append_encoded(char *path, size_t *len, const char *text) {
  for (; *text && *len + 4 < API_PATH_BYTES; text++) {
    uint8_t byte = (uint8_t)*text;
    bool plain = (byte >= '0' && byte <= '9') ||
                 (text_lower(byte) >= 'a' && text_lower(byte) <= 'z') || strchr("-._", byte);
    *len += (size_t)snprintf(path + *len, API_PATH_BYTES - *len, plain ? "%c" : "%%%02X", byte);
  }
}

bool api_pods_path(char path[API_PATH_BYTES], const char *namespace, const json_t *service,
                   const struct failure *failure) {
  json_t *selector = json_object_get(member(service, "spec"), "selector"), *value;
  const char *key, *before = "";
  size_t len = (size_t)snprintf(path, API_PATH_BYTES,
                                "/api/v1/namespaces/%s/pods?labelSelector=", namespace);
  if (json_object_size(selector) == 0)
    return failure_set(failure, "service %s has no selector", name_of(service));
  json_object_foreach (selector, key, value) {
    append_encoded(path, &len, before);
    append_encoded(path, &len, key);
    append_encoded(path, &len, "=");
    append_encoded(path, &len, json_string_value(value) ? json_string_value(value) : "");
    before = ",";
  }
  if (len + 4 < API_PATH_BYTES) return true;
  return failure_set(failure, "service %s has too long a selector", name_of(service));
}

/* ---- pods ------------------------------------------------------------------------------------ */

static bool is_true_condition(const json_t *pod, const char *type) {
  size_t i;
  const json_t *condition;
  json_array_foreach (member(member(pod, "status"), "conditions"), i, condition) {
    if (strcmp(text_member(condition, "type"), type) == 0)
      return strcmp(text_member(condition, "status"), "True") == 0;
  }
  return false;
}

static bool is_running(const json_t *pod) {
  return strcmp(text_member(member(pod, "status"), "phase"), "Running") == 0;
}

static bool is_terminating(const json_t *pod) {
  return json_is_string(member(member(pod, "metadata"), "deletionTimestamp"));
}

/* The number of the port that a container of the pod has by that name; 0: none has. */
static uint16_t named_port(const json_t *pod, const char *name) {
  size_t i, k;
  const json_t *container, *port;
  json_array_foreach (member(member(pod, "spec"), "containers"), i, container) {
    json_array_foreach (member(container, "ports"), k, port) {
      if (strcmp(text_member(port, "name"), name) == 0) return port_member(port, "containerPort");
    }
  }
  return 0;
}

static bool choose(struct api_lookup *lookup, const char *pod, const struct failure *failure) {
  if (!target_is_object_name(pod)) return failure_set(failure, "the answer names no pod");
  snprintf(lookup->pod, sizeof lookup->pod, "%s", pod);
  return true;
}

bool api_read_pod(struct api_lookup *lookup, const json_t *pod, const struct failure *failure) {
  const char *name = name_of(pod), *phase = text_member(member(pod, "status"), "phase");
  if (!is_running(pod))
    return failure_set(failure, "pod %s is not running: it is %s", name,
                       *phase ? phase : "unknown");
  for (unsigned i = 0; i < lookup->port_count; i++) {
    const struct target_port *port = &lookup->ports[i];
    lookup->remote[i] = port->remote ? port->remote : named_port(pod, port->remote_name);
    if (!lookup->remote[i])
      return failure_set(failure, "pod %s has no port named %s", name, port->remote_name);
  }
  return choose(lookup, name, failure);
}

/* ---- services -------------------------------------------------------------------------------- */

static bool is_headless(const json_t *service) {
  return strcmp(text_member(member(service, "spec"), "clusterIP"), "None") == 0;
}

/* The service's port that `port` names; NULL: none. */
static const json_t *service_port(const json_t *service, const struct target_port *port) {
  size_t i;
  const json_t *at;
  json_array_foreach (member(member(service, "spec"), "ports"), i, at) {
    if (port->remote ? port_member(at, "port") == port->remote
                     : strcmp(text_member(at, "name"), port->remote_name) == 0)
      return at;
  }
  return NULL;
}

static bool no_such_port(const json_t *service, const struct target_port *port,
                         const struct failure *failure) {
  char there[200] = "", asked[PORT_NAME_BYTES];
  size_t i, len = 0;
  const json_t *at;
  json_array_foreach (member(member(service, "spec"), "ports"), i, at) {
    const char *name = text_member(at, "name");
    if (len < sizeof there)
      len += (size_t)snprintf(there + len, sizeof there - len, "%s%u%s%s", len ? ", " : "",
                              port_member(at, "port"), *name ? " " : "", name);
  }
  snprintf(asked, sizeof asked, "%u", port->remote);
  return failure_set(failure, "service %s has no port %s (there are: %s)", name_of(service),
                     port->remote ? asked : port->remote_name, there);
}

bool api_check_service(struct api_lookup *lookup, const json_t *service,
                       const struct failure *failure) {
  for (unsigned i = 0; i < lookup->port_count; i++) {
    const struct target_port *port = &lookup->ports[i];
    bool as_it_is = is_headless(service) && port->remote;
    if (!service_port(service, port) && !as_it_is) return no_such_port(service, port, failure);
  }
  return true;
}

/* The ports of a pod that is chosen for a service. `resolve` finds the number for a port of the service;
 * 0: the pod has none. */
static bool resolve_ports(struct api_lookup *lookup, const json_t *service, const json_t *from,
                          uint16_t (*resolve)(const json_t *port, const json_t *from),
                          const char *pod, const struct failure *failure) {
  for (unsigned i = 0; i < lookup->port_count; i++) {
    const json_t *port = service_port(service, &lookup->ports[i]);
    lookup->remote[i] = port ? resolve(port, from) : lookup->ports[i].remote;
    if (lookup->remote[i]) continue;
    return failure_set(failure, "pod %s has no port for port %u of service %s", pod,
                       port_member(port, "port"), name_of(service));
  }
  return choose(lookup, pod, failure);
}

static bool none_is_ready(const json_t *service, const struct failure *failure) {
  return failure_set(failure, "no pod of service %s is ready", name_of(service));
}

/* Of a slice the ports have the names of the service's, and the pods' numbers. */
static uint16_t slice_port(const json_t *port, const json_t *slice) {
  size_t i;
  const json_t *at;
  json_array_foreach (member(slice, "ports"), i, at) {
    if (strcmp(text_member(at, "name"), text_member(port, "name")) == 0)
      return port_member(at, "port");
  }
  return 0;
}

/* Ready unless it says otherwise; what is no pod cannot be forwarded to. */
static const char *ready_pod(const json_t *endpoint) {
  const json_t *to = member(endpoint, "targetRef"), *conditions = member(endpoint, "conditions");
  bool ready = !json_is_false(member(conditions, "ready")) &&
               !json_is_true(member(conditions, "terminating"));
  return ready && strcmp(text_member(to, "kind"), "Pod") == 0 ? text_member(to, "name") : "";
}

bool api_read_slices(struct api_lookup *lookup, const json_t *service, const json_t *slices,
                     const struct failure *failure) {
  size_t i, k;
  const json_t *slice, *endpoint, *of = NULL;
  const char *chosen = NULL;
  json_array_foreach (member(slices, "items"), i, slice) {
    json_array_foreach (member(slice, "endpoints"), k, endpoint) {
      const char *pod = ready_pod(endpoint);
      bool avoided = chosen && lookup->avoid && strcmp(chosen, lookup->avoid) == 0;
      if (!*pod || (chosen && !avoided)) continue;
      chosen = pod;
      of = slice;
    }
  }
  if (!chosen) return none_is_ready(service, failure);
  return resolve_ports(lookup, service, of, slice_port, chosen, failure);
}

static uint16_t target_port(const json_t *port, const json_t *pod) {
  const json_t *target = member(port, "targetPort");
  if (json_is_string(target)) return named_port(pod, json_string_value(target));
  return target ? port_member(port, "targetPort") : port_member(port, "port");
}

bool api_read_pods(struct api_lookup *lookup, const json_t *service, const json_t *pods,
                   const struct failure *failure) {
  size_t i;
  const json_t *pod, *chosen = NULL;
  json_array_foreach (member(pods, "items"), i, pod) {
    bool avoided = chosen && lookup->avoid && strcmp(name_of(chosen), lookup->avoid) == 0;
    bool good = is_running(pod) && is_true_condition(pod, "Ready") && !is_terminating(pod);
    if (good && (!chosen || avoided)) chosen = pod;
  }
  if (!chosen) return none_is_ready(service, failure);
  return resolve_ports(lookup, service, chosen, target_port, name_of(chosen), failure);
}

/* ---- errors ---------------------------------------------------------------------------------- */

void api_explain(unsigned status, const char *body, size_t len, char *text, size_t size) {
  json_t *answer = json_loadb(body, len, 0, NULL);
  const char *message = text_member(answer, "message");
  size_t line = 0;
  while (line < len && body[line] != '\n' && body[line] != '\r')
    line++;
  if (*message)
    snprintf(text, size, "%s (status %u)", message, status);
  else if (!answer && line > 0)
    snprintf(text, size, "%.*s (status %u)", (int)(line < 200 ? line : 200), body, status);
  else
    snprintf(text, size, "status %u", status);
  json_decref(answer);
}
