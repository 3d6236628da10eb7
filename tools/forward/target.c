/*
 * forward/target.c - see forward/target.h.
 */
#include "tools/forward/target.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"

/* ---- targets --------------------------------------------------------------------------------- */

/* Lower-case letters, digits, dashes and dots, neither of these at an end (RFC 1123). */
bool target_is_object_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len >= OBJECT_NAME_BYTES || strchr("-.", name[0])) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len &&
         !strchr("-.", name[len - 1]);
}

static bool is_kind(const char *text, size_t len, const char *const *names) {
  for (; *names; names++)
    if (strlen(*names) == len && strncasecmp(text, *names, len) == 0) return true;
  return false;
}

/* "pod" or "svc" before the slash. */
static bool parse_object(struct target *target, const char *text) {
  static const char *const pods[] = {"pod", "pods", "po", NULL};
  static const char *const services[] = {"svc", "service", "services", NULL};
  const char *slash = strchr(text, '/');
  target->kind = TARGET_POD;
  if (slash && is_kind(text, (size_t)(slash - text), services))
    target->kind = TARGET_SERVICE;
  else if (slash && !is_kind(text, (size_t)(slash - text), pods))
    return false;
  const char *name = slash ? slash + 1 : text;
  if (!target_is_object_name(name)) return false;
  snprintf(target->name, sizeof target->name, "%s", name);
  return true;
}

/* Whether the path has a part of that name, in any case: kubelets and container runtimes have paths of
 * their own. */
static bool has_part(const char *path, const char *name) {
  size_t len = strlen(name);
  for (const char *at = path; (at = strchr(at, '/')); at++)
    if (strncasecmp(at + 1, name, len) == 0 && strchr("/?", at[1 + len])) return true;
  return false;
}

/* Makes the API's path of "/[NAMESPACE/]POD". */
static bool expand(struct target *target, const char *namespace) {
  char own[2 * OBJECT_NAME_BYTES];
  const char *path = target->url.target + 1, *slash = strchr(path, '/');
  if (strlen(path) >= sizeof own) return false;
  snprintf(own, sizeof own, "%s", path);
  if (slash) own[slash - path] = 0;
  const char *pod = slash ? own + (slash - path) + 1 : own;
  if (slash) namespace = own;
  if (!target_is_object_name(pod) || !target_is_object_name(namespace)) return false;
  memcpy(target->name, pod, strlen(pod) + 1);
  int len = snprintf(target->url.target, sizeof target->url.target,
                     "/api/v1/namespaces/%s/pods/%s/portforward", namespace, target->name);
  return len > 0;
}

static bool parse_url(struct target *target, const char *text, const char *namespace) {
  target->kind = TARGET_URL;
  if (!url_parse(&target->url, text)) return false;
  if (!has_part(target->url.target, "portforward")) return expand(target, namespace);
  snprintf(target->name, sizeof target->name, "%.*s", OBJECT_NAME_BYTES - 1, target->url.authority);
  return true;
}

bool target_parse(struct target *target, const char *text, const char *namespace,
                  const struct failure *failure) {
  *target = (struct target){.kind = TARGET_POD};
  if (strstr(text, "://")) {
    if (parse_url(target, text, namespace)) return true;
    return failure_set(
        failure, "%s: expected http[s]://HOST[:PORT]/[NAMESPACE/]POD, or the whole path", text);
  }
  if (parse_object(target, text)) return true;
  return failure_set(failure, "%s: expected POD, pod/POD, svc/NAME or a URL", failure_shown(text));
}

/* ---- ports ----------------------------------------------------------------------------------- */

static bool is_port_name(const char *text) {
  size_t len = strlen(text);
  return len > 0 && len < PORT_NAME_BYTES &&
         strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
         strpbrk(text, "abcdefghijklmnopqrstuvwxyz");
}

static bool read_number(struct span text, uint64_t min, uint16_t *out) {
  uint64_t value;
  if (!decimal_within(text, min, UINT16_MAX, &value)) return false;
  *out = (uint16_t)value;
  return true;
}

bool target_port_parse(struct target_port *port, const char *text, const struct failure *failure) {
  const char *colon = strchr(text, ':'), *remote = colon ? colon + 1 : text;
  *port = (struct target_port){.local = 0};
  bool local = !colon || colon == text ||
               read_number(span_of(text, (size_t)(colon - text)), 0, &port->local);
  bool number = read_number(span_text(remote), 1, &port->remote);
  bool name = !number && colon && is_port_name(remote);
  if (!colon && is_port_name(text) && strcspn(text, "0123456789") > 0)
    return failure_set(failure, "%s: a port's name follows a colon, as in 8080:%s", text, text);
  if (!local || (!number && !name))
    return failure_set(failure,
                       "%s: expected REMOTE, LOCAL:REMOTE or :REMOTE, ports from 1 to 65535",
                       failure_shown(text));
  if (name) snprintf(port->remote_name, sizeof port->remote_name, "%s", remote);
  if (!colon) port->local = port->remote;
  return true;
}
