/*
 * tunnel/pods.c - see tunnel/pods.h.
 */
#include "tools/tunnel/pods.h"

#include <string.h>

#include "tools/client/lookup.h"
#include "tools/common/option_values.h"

/* Takes a name of RFC 1123: letters in lower case, digits, '-' and '.', with a letter or a digit at each end. */
static bool read_name(struct span text, char out[TUNNEL_NAME_BYTES_MAX + 1]) {
  static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  if (text.len == 0 || text.len > TUNNEL_NAME_BYTES_MAX) return false;
  memcpy(out, text.base, text.len);
  out[text.len] = 0;
  if (strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-.") != text.len) return false;
  return strchr(ends, out[0]) && strchr(ends, out[text.len - 1]);
}

static bool read_port(const char *text, uint16_t *out) {
  uint64_t port;
  if (!option_number(text, 1, UINT16_MAX, &port)) return false;
  *out = (uint16_t)port;
  return true;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT or an IPv6 address, which has more than one colon. */
static bool read_host(struct tunnel_pod *pod, const char *text) {
  const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
  bool bracketed = text[0] == '[';
  if (bracketed && !bracket) return false;
  if (bracketed && colon < bracket) colon = NULL;
  if (!bracketed && strchr(text, ':') != colon) colon = NULL;
  if (bracketed && bracket[1] && bracket + 1 != colon) return false;
  if (colon && !read_port(colon + 1, &pod->port)) return false;
  const char *host = text + bracketed, *end = bracketed ? bracket : colon;
  size_t len = end ? (size_t)(end - host) : strlen(host);
  if (len == 0 || len >= sizeof pod->host) return false;
  memcpy(pod->host, host, len);
  return true;
}

const char *pods_add(struct tunnel_pods *pods, const char *text) {
  const char *equals = strchr(text, '='), *slash = strchr(text, '/'), *name = text;
  struct span namespace = span_text("default");
  struct tunnel_pod pod = {.port = 0};
  if (!equals) return "expected [NAMESPACE/]NAME=HOST[:PORT] such as web=localhost";
  if (slash && slash < equals) {
    namespace = span_of(text, (size_t)(slash - text));
    name = slash + 1;
  }
  struct span named = span_of(name, (size_t)(equals - name));
  if (!read_name(namespace, pod.namespace) || !read_name(named, pod.name))
    return "a name has lower-case letters, digits, '-' and '.', and begins and ends with a letter "
           "or digit";
  if (!read_host(&pod, equals + 1)) return "expected HOST[:PORT] after the name";
  if (pods_find(pods, namespace, named)) return "a pod of this name was given before";
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
