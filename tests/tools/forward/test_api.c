/*
 * forward/test_api.c - which pod and which ports the answers of the API lead to.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/forward/api.h"

static char error[400];
static const struct failure failure = {error, sizeof error};

/* Single quotes stand for double ones. */
static json_t *json(const char *text) {
  char copy[4000];
  json_error_t where;
  snprintf(copy, sizeof copy, "%s", text);
  for (char *at = copy; *at; at++)
    if (*at == '\'') *at = '"';
  json_t *value = json_loads(copy, 0, &where);
  if (!value) fail_msg("%s: %s", text, where.text);
  return value;
}

/* "POD PORT PORT ...", or the error. */
static const char *outcome(bool good, const struct api_lookup *lookup) {
  static char text[400];
  if (!good) return error;
  int len = snprintf(text, sizeof text, "%s", lookup->pod);
  for (unsigned i = 0; i < lookup->port_count; i++)
    len += snprintf(text + len, sizeof text - (size_t)len, " %u", lookup->remote[i]);
  return text;
}

static const struct target_port numbers[] = {{.remote = 80}, {.remote = 443}};
static const struct target_port names[] = {{.remote_name = "http"}};

#define LOOKUP(of, but)                                                                            \
  (struct api_lookup) {                                                                            \
    .ports = of, .port_count = sizeof of / sizeof *of, .avoid = but                                \
  }

/* ---- pods ------------------------------------------------------------------------------------ */

#define POD(name, phase, more)                                                                     \
  "{'metadata':{'name':'" name "'" more "},'status':{'phase':'" phase "',"                         \
  "'conditions':[{'type':'Initialized','status':'True'},{'type':'Ready','status':'True'}]},"       \
  "'spec':{'containers':[{'name':'a'},{'ports':[{'name':'http','containerPort':8080},"             \
  "{'containerPort':9}]}]}}"

static void test_pod(void **state) {
  static const struct {
    const char *pod, *numbers, *names;
  } rows[] = {
      {POD("web", "Running", ""), "web 80 443", "web 8080"},
      {POD("web", "Pending", ""), "pod web is not running: it is Pending",
       "pod web is not running: it is Pending"},
      {"{'metadata':{'name':'web'}}", "pod web is not running: it is unknown",
       "pod web is not running: it is unknown"},
      {"{'metadata':{'name':'web'},'status':{'phase':'Running'}}", "web 80 443",
       "pod web has no port named http"},
      {"{'status':{'phase':'Running'}}", "the answer names no pod", "pod  has no port named http"},
      {POD("a/b?c", "Running", ""), "the answer names no pod", "the answer names no pod"},
      {POD("a\\u001b[2J", "Running", ""), "the answer names no pod", "the answer names no pod"},
      {"[]", "pod  is not running: it is unknown", "pod  is not running: it is unknown"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    json_t *pod = json(rows[i].pod);
    struct api_lookup lookup = LOOKUP(numbers, NULL);
    assert_string_equal(outcome(api_read_pod(&lookup, pod, &failure), &lookup), rows[i].numbers);
    lookup = LOOKUP(names, NULL);
    assert_string_equal(outcome(api_read_pod(&lookup, pod, &failure), &lookup), rows[i].names);
    json_decref(pod);
  }
}

/* ---- services -------------------------------------------------------------------------------- */

#define SERVICE                                                                                    \
  "{'metadata':{'name':'web'},'spec':{'clusterIP':'10.0.0.1','selector':{'app':'web','a/b':'c "    \
  "d'},"                                                                                           \
  "'ports':[{'name':'http','port':80,'targetPort':'http'},{'name':'tls','port':443,"               \
  "'targetPort':8443}]}}"

static void test_service_ports(void **state) {
  (void)state;
  static const struct target_port other[] = {{.remote = 81}}, named[] = {{.remote_name = "x"}};
  json_t *service = json(SERVICE);
  struct api_lookup lookup = LOOKUP(numbers, NULL);
  assert_true(api_check_service(&lookup, service, &failure));
  lookup = LOOKUP(names, NULL);
  assert_true(api_check_service(&lookup, service, &failure));
  lookup = LOOKUP(other, NULL);
  assert_false(api_check_service(&lookup, service, &failure));
  assert_string_equal(error, "service web has no port 81 (there are: 80 http, 443 tls)");
  lookup = LOOKUP(named, NULL);
  assert_false(api_check_service(&lookup, service, &failure));
  assert_string_equal(error, "service web has no port x (there are: 80 http, 443 tls)");
  json_decref(service);
}

#define SLICE(endpoints)                                                                           \
  "{'ports':[{'name':'http','port':8080},{'name':'tls','port':8443}],'endpoints':[" endpoints "]}"
#define ENDPOINT(pod, conditions)                                                                  \
  "{'targetRef':{'kind':'Pod','name':'" pod "'},'conditions':{" conditions "}}"

static void test_slices(void **state) {
  static const struct {
    const char *slices, *avoid, *expected;
  } rows[] = {
      {SLICE(ENDPOINT("a", "'ready':true") "," ENDPOINT("b", "")), NULL, "a 8080 8443"},
      {SLICE(ENDPOINT("a", "'ready':false") "," ENDPOINT("b", "")), NULL, "b 8080 8443"},
      {SLICE(ENDPOINT("a", "'terminating':true") "," ENDPOINT("b", "'ready':true")), NULL,
       "b 8080 8443"},
      {SLICE(ENDPOINT("a", "") "," ENDPOINT("b", "")), "a", "b 8080 8443"},
      {SLICE(ENDPOINT("a", "") "," ENDPOINT("b", "")), "b", "a 8080 8443"},
      {SLICE(ENDPOINT("a", "")), "a", "a 8080 8443"},
      {SLICE("") "," SLICE(ENDPOINT("c", "")), NULL, "c 8080 8443"},
      {SLICE("{'addresses':['10.1.1.1']}," ENDPOINT("b", "")), NULL, "b 8080 8443"},
      {SLICE("{'targetRef':{'kind':'Node','name':'n'}}"), NULL, "no pod of service web is ready"},
      {"{'ports':[{'name':'http','port':1}],'endpoints':[" ENDPOINT("a", "") "]}", NULL,
       "pod a has no port for port 443 of service web"},
      {"", NULL, "no pod of service web is ready"},
      {"3,{'endpoints':7}", NULL, "no pod of service web is ready"},
  };
  (void)state;
  json_t *service = json(SERVICE);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[3000];
    snprintf(text, sizeof text, "{'items':[%s]}", rows[i].slices);
    json_t *slices = json(text);
    struct api_lookup lookup = LOOKUP(numbers, rows[i].avoid);
    assert_string_equal(outcome(api_read_slices(&lookup, service, slices, &failure), &lookup),
                        rows[i].expected);
    json_decref(slices);
  }
  json_decref(service);
}

/* Without slices: the pods that the selector matches. */
static void test_pods_of_service(void **state) {
  static const struct {
    const char *pods, *avoid, *expected;
  } rows[] = {
      {POD("a", "Running", "") "," POD("b", "Running", ""), NULL, "a 8080 8443"},
      {POD("a", "Running", "") "," POD("b", "Running", ""), "a", "b 8080 8443"},
      {POD("a", "Pending", "") "," POD("b", "Running", ""), NULL, "b 8080 8443"},
      {POD("a", "Running", ",'deletionTimestamp':'2026'") "," POD("b", "Running", ""), NULL,
       "b 8080 8443"},
      {"{'metadata':{'name':'a'},'status':{'phase':'Running'}}", NULL,
       "no pod of service web is ready"},
      {"", NULL, "no pod of service web is ready"},
  };
  (void)state;
  json_t *service = json(SERVICE);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[3000];
    snprintf(text, sizeof text, "{'items':[%s]}", rows[i].pods);
    json_t *pods = json(text);
    struct api_lookup lookup = LOOKUP(numbers, rows[i].avoid);
    assert_string_equal(outcome(api_read_pods(&lookup, service, pods, &failure), &lookup),
                        rows[i].expected);
    json_decref(pods);
  }
  json_decref(service);
}

/* A port of a headless service that it does not list goes to the pod as it is. */
static void test_headless(void **state) {
  (void)state;
  json_t *service = json("{'metadata':{'name':'db'},'spec':{'clusterIP':'None','ports':["
                         "{'port':80,'targetPort':8080}]}}");
  json_t *slices =
      json("{'items':[{'ports':[{'port':8080}],'endpoints':[" ENDPOINT("a", "") "]}]}");
  struct api_lookup lookup = LOOKUP(numbers, NULL);
  assert_true(api_check_service(&lookup, service, &failure));
  assert_string_equal(outcome(api_read_slices(&lookup, service, slices, &failure), &lookup),
                      "a 8080 443");
  lookup = LOOKUP(names, NULL);
  assert_false(api_check_service(&lookup, service, &failure));
  json_decref(service);
  json_decref(slices);
}

/* ---- paths and errors ------------------------------------------------------------------------ */

static void test_paths(void **state) {
  char path[API_PATH_BYTES];
  (void)state;
  api_pod_path(path, "n", "p");
  assert_string_equal(path, "/api/v1/namespaces/n/pods/p");
  api_tunnel_path(path, "n", "p");
  assert_string_equal(path, "/api/v1/namespaces/n/pods/p/portforward");
  api_service_path(path, "n", "s");
  assert_string_equal(path, "/api/v1/namespaces/n/services/s");
  api_slices_path(path, "n", "s");
  assert_string_equal(path, "/apis/discovery.k8s.io/v1/namespaces/n/endpointslices"
                            "?labelSelector=kubernetes.io%2Fservice-name%3Ds");
  json_t *service = json(SERVICE);
  assert_true(api_pods_path(path, "n", service, &failure));
  assert_string_equal(path, "/api/v1/namespaces/n/pods?labelSelector=app%3Dweb%2Ca%2Fb%3Dc%20d");
  json_decref(service);
}

/* API_PATH_BYTES: a selector that does not fit is refused, not cut. */
static void test_bad_selectors(void **state) {
  char path[API_PATH_BYTES], value[API_PATH_BYTES];
  (void)state;
  memset(value, 'v', sizeof value);
  value[sizeof value - 1] = 0;
  json_t *service = json_pack("{s:{s:s},s:{s:{s:s}}}", "metadata", "name", "web", "spec",
                              "selector", "app", value);
  assert_false(api_pods_path(path, "n", service, &failure));
  assert_string_equal(error, "service web has too long a selector");
  json_decref(service);
  service = json("{'metadata':{'name':'web'},'spec':{}}");
  assert_false(api_pods_path(path, "n", service, &failure));
  assert_string_equal(error, "service web has no selector");
  json_decref(service);
}

static void test_errors(void **state) {
  static const struct {
    const char *body, *expected;
  } rows[] = {
      {"{\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" not found\",\"code\":404}",
       "pods \"x\" not found (status 404)"},
      {"not here\nmore", "not here (status 404)"},
      {"", "status 404"},
      {"{}", "status 404"},
      {"\n", "status 404"},
  };
  char text[300];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    api_explain(404, rows[i].body, strlen(rows[i].body), text, sizeof text);
    assert_string_equal(text, rows[i].expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pod),           cmocka_unit_test(test_service_ports),
      cmocka_unit_test(test_slices),        cmocka_unit_test(test_pods_of_service),
      cmocka_unit_test(test_headless),      cmocka_unit_test(test_paths),
      cmocka_unit_test(test_bad_selectors), cmocka_unit_test(test_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
