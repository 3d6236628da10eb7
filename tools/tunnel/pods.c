/*
 * tunnel/pods.c - see tunnel/pods.h.
 */
#include "tools/tunnel/pods.h"

#include <string.h>

#include "tools/client/lookup.h"
#include "tools/common/option_values.h"

/* RFC 1123: letters in lower case, digits, '-' and '.', with a letter or a digit at each end. */
static bool is_name(const char *text) {
  static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  size_t len = strlen(text);
  if (len == 0 || len > TUNNEL_NAME_BYTES_MAX) return false;
  if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") != len) return false;
  return strchr(ends, text[0]) && strchr(ends, text[len - 1]);
}

static bool read_port(const char *text, uint16_t *out) {
  uint64_t port;
  if (!option_number(text, 1, UINT16_MAX, &port)) return false;
  *out = (uint16_t)port;
  return true;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT or an IPv6 address, which has more than one colon. */
static bool read_host(struct tunnel_pod *pod, char *text) {
  char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
  bool bracketed = text[0] == '[';
  if (bracketed && !bracket) return false;
  if (bracketed && colon < bracket) colon = NULL;
  if (!bracketed && strchr(text, ':') != colon) colon = NULL;
  if (bracketed && bracket[1] && bracket + 1 != colon) return false;
  if (colon && !read_port(colon + 1, &pod->port)) return false;
  if (colon) *colon = 0;
  if (bracketed) *bracket = 0;
  const char *host = text + bracketed;
  if (!host[0] || strlen(host) >= sizeof pod->host) return false;
  memcpy(pod->host, host, strlen(host) + 1);
  return true;
}

const char *pods_add(struct tunnel_pods *pods, char *text) {
  char *equals = strchr(text, '='), *slash = strchr(text, '/');
  struct tunnel_pod pod = {.namespace = "default", .name = text};
  if (!equals) return "expected [NAMESPACE/]NAME=HOST[:PORT] such as web=localhost";
  *equals = 0;
  if (slash && slash < equals) {
    *slash = 0;
    pod.namespace = text;
    pod.name = slash + 1;
  }
  if (!is_name(pod.namespace) || !is_name(pod.name))
    return "a name has lower-case letters, digits, '-' and '.', and begins and ends with a letter "
           "or digit";
  if (!read_host(&pod, equals + 1)) return "expected HOST[:PORT] after the name";
  if (pods_find(pods, span_text(pod.namespace), span_text(pod.name)))
    return "a pod of this name was given before";
  if (pods->count == TUNNEL_PODS_MAX) return "too many pods";
  pods->at[pods->count++] = pod;
  return NULL;
}

bool pods_look_up(struct tunnel_pods *pods, const struct failure *failure) {
  for (unsigned i = 0; i < pods->count; i++) {
    struct tunnel_pod *pod = &pods->at[i];
    pod->address_count =
        lookup_host(pod->host, pod->port, pod->addresses, CLIENT_ADDRESSES_MAX, failure);
    if (pod->address_count == 0) return false;
  }
  return true;
}

const struct tunnel_pod *pods_find(const struct tunnel_pods *pods, struct span namespace,
                                   struct span name) {
  for (unsigned i = 0; i < pods->count; i++)
    if (span_is(name, pods->at[i].name) && span_is(namespace, pods->at[i].namespace))
      return &pods->at[i];
  return NULL;
}

struct address pod_address(const struct tunnel_pod *pod, unsigned index, uint16_t port) {
  struct address address = pod->addresses[index];
  address_set_port(&address, pod->port ? pod->port : port);
  return address;
}
