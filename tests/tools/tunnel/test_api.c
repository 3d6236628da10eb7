/*
 * tunnel/test_api.c - the JSON documents that kubectl reads.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/tunnel/api.h"

static struct tunnel_pods pods;

static int set_up(void **state) {
  static char texts[3][64];
  static const char *const given[] = {"web=10.0.0.1", "db=10.0.0.2:5432", "prod/web=10.0.0.3:80"};
  (void)state;
  pods.count = 0;
  for (int i = 0; i < 3; i++) {
    strcpy(texts[i], given[i]);
    if (pods_add(&pods, texts[i])) return 1;
  }
  return 0;
}

/* The value at a path such as "items.0.kind", as text; "" when there is none. Takes the document. */
static const char *look(char *text, const char *path) {
  static char found[512];
  char steps[256];
  json_t *document = json_loads(text, 0, NULL), *at = document;
  assert_non_null(document);
  snprintf(steps, sizeof steps, "%s", path);
  for (char *step = strtok(steps, "."); step && at; step = strtok(NULL, "."))
    at =
        json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10)) : json_object_get(at, step);
  if (json_is_string(at))
    snprintf(found, sizeof found, "%s", json_string_value(at));
  else if (json_is_integer(at))
    snprintf(found, sizeof found, "%lld", json_integer_value(at));
  else if (json_is_array(at))
    snprintf(found, sizeof found, "%zu items", json_array_size(at));
  else
    snprintf(found, sizeof found, "%s", json_is_true(at) ? "true" : "");
  json_decref(document);
  free(text);
  return found;
}

#define LOOK(document, path, expected) assert_string_equal(look(document, path), expected)

/* ---- discovery ------------------------------------------------------------------------------- */

/* What kubectl 1.32 sends. */
#define ACCEPT                                                                                     \
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"                          \
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

static void discovery_is_negotiated(void **state) {
  (void)state;
  assert_int_equal(api_discovery(span_text(ACCEPT)), DISCOVERY_V2);
  assert_int_equal(api_discovery(span_text("application/json;g=apidiscovery.k8s.io;v=v2beta1;"
                                           "as=APIGroupDiscoveryList,application/json")),
                   DISCOVERY_V2BETA1);
  assert_int_equal(api_discovery(span_text("application/json, */*")), DISCOVERY_PLAIN);
  assert_int_equal(api_discovery(span_of(NULL, 0)), DISCOVERY_PLAIN);
  assert_string_equal(api_discovery_type(DISCOVERY_PLAIN), "application/json");
  assert_non_null(strstr(ACCEPT, api_discovery_type(DISCOVERY_V2)));
  assert_non_null(strstr(ACCEPT, api_discovery_type(DISCOVERY_V2BETA1)));
}

static void discovery_lists_resources(void **state) {
  (void)state;
  LOOK(api_core(DISCOVERY_PLAIN), "versions.0", "v1");
  LOOK(api_core(DISCOVERY_V2), "apiVersion", "apidiscovery.k8s.io/v2");
  LOOK(api_core(DISCOVERY_V2BETA1), "apiVersion", "apidiscovery.k8s.io/v2beta1");
  LOOK(api_core(DISCOVERY_V2), "items.0.versions.0.resources.1.resource", "pods");
  LOOK(api_core(DISCOVERY_V2), "items.0.versions.0.resources.1.subresources.0.subresource",
       "portforward");
  LOOK(api_groups(DISCOVERY_PLAIN), "groups", "0 items");
  LOOK(api_groups(DISCOVERY_V2), "items", "0 items");
  LOOK(api_v1(), "resources", "4 items");
  LOOK(api_v1(), "resources.2.name", "pods/portforward");
  LOOK(api_version(), "gitVersion", TUNNEL_KUBERNETES_VERSION);
}

/* ---- objects --------------------------------------------------------------------------------- */

static void pods_run(void **state) {
  (void)state;
  LOOK(api_pod(&pods.at[0]), "status.phase", "Running");
  LOOK(api_pod(&pods.at[0]), "metadata.namespace", "default");
  LOOK(api_pod(&pods.at[0]), "spec.containers.0.ports", "0 items");
  LOOK(api_pod(&pods.at[1]), "spec.containers.0.ports.0.containerPort", "5432");
  LOOK(api_pod(&pods.at[1]), "status.containerStatuses.0.ready", "true");
}

static void lists_hold_what_was_asked(void **state) {
  struct span all = span_of(NULL, 0), none = all;
  (void)state;
  LOOK(api_pods(&pods, all, none), "items", "3 items");
  LOOK(api_pods(&pods, span_text("prod"), none), "items.0.status.podIP", "10.0.0.3");
  LOOK(api_pods(&pods, span_text("prod"), none), "items", "1 items");
  LOOK(api_pods(&pods, span_text("none"), none), "items", "0 items");
  LOOK(api_pods(&pods, all, span_text("labelSelector=app.kubernetes.io%2Fname%3Dweb")), "items",
       "2 items");
  LOOK(api_services(&pods, all, none), "items", "2 items"); /* one has no port of its own */
  LOOK(api_service(&pods.at[1]), "spec.ports.0.port", "5432");
  LOOK(api_namespaces(&pods), "items", "2 items");
  LOOK(api_namespace("prod"), "metadata.name", "prod");
}

static void failures_are_told(void **state) {
  (void)state;
  LOOK(api_status(404, "NotFound", "no \"x\""), "code", "404");
  LOOK(api_status(404, "NotFound", "no \"x\""), "reason", "NotFound");
  LOOK(api_status(404, "NotFound", "no \"x\""), "message", "no \"x\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(discovery_is_negotiated), cmocka_unit_test(discovery_lists_resources),
      cmocka_unit_test(pods_run), cmocka_unit_test(lists_hold_what_was_asked),
      cmocka_unit_test(failures_are_told)};
  return cmocka_run_group_tests(tests, set_up, NULL);
}
