/*
 * tunnel/test_pods.c - what --pod may say, and which of the API's paths mean what.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/tunnel/pods.h"
#include "tools/tunnel/routes.h"

/* ---- pods ------------------------------------------------------------------------------------ */

static const struct {
  const char *text, *namespace, *name, *host; /* host NULL: refused */
  uint16_t port;
} pods[] = {
    {"web=localhost", "default", "web", "localhost", 0},
    {"web=10.0.0.1:80", "default", "web", "10.0.0.1", 80},
    {"prod/web-1.a=db.example.org:5432", "prod", "web-1.a", "db.example.org", 5432},
    {"web=[::1]", "default", "web", "::1", 0},
    {"web=[::1]:8080", "default", "web", "::1", 8080},
    {"web=fe80::1:2", "default", "web", "fe80::1:2", 0},
    {"web=a/b", "default", "web", "a/b",
     0}, /* a slash behind the name is the host's; no lookup finds it */
    {"web", NULL, NULL, NULL, 0},
    {"=localhost", NULL, NULL, NULL, 0},
    {"/web=localhost", NULL, NULL, NULL, 0},
    {"a/b/web=localhost", NULL, NULL, NULL, 0},
    {"Web=localhost", NULL, NULL, NULL, 0},
    {"-web=localhost", NULL, NULL, NULL, 0},
    {"web.=localhost", NULL, NULL, NULL, 0},
    {"web=", NULL, NULL, NULL, 0},
    {"web=:80", NULL, NULL, NULL, 0},
    {"web=host:0", NULL, NULL, NULL, 0},
    {"web=host:65536", NULL, NULL, NULL, 0},
    {"web=host:", NULL, NULL, NULL, 0},
    {"web=[::1", NULL, NULL, NULL, 0},
    {"web=[::1]80", NULL, NULL, NULL, 0},
};

static void texts_of_pods(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof pods / sizeof *pods; i++) {
    struct tunnel_pods list = {.count = 0};
    char text[128];
    snprintf(text, sizeof text, "%s", pods[i].text);
    const char *wrong = pods_add(&list, text);
    if (!wrong != (pods[i].host != NULL)) fail_msg("%s: %s", pods[i].text, wrong ? wrong : "taken");
    if (wrong) continue;
    assert_string_equal(list.at[0].namespace, pods[i].namespace);
    assert_string_equal(list.at[0].name, pods[i].name);
    assert_string_equal(list.at[0].host, pods[i].host);
    assert_int_equal(list.at[0].port, pods[i].port);
  }
}

static void pods_have_bounds(void **state) {
  (void)state;
  static struct tunnel_pods list;
  static char texts[TUNNEL_PODS_MAX + 1][32];
  char twice[] = "p0=b", long_name[TUNNEL_NAME_BYTES_MAX + 8], long_host[TUNNEL_HOST_BYTES + 8];
  for (int i = 0; i <= TUNNEL_PODS_MAX; i++) {
    snprintf(texts[i], sizeof texts[i], "p%d=a", i);
    assert_true(!pods_add(&list, texts[i]) == (i < TUNNEL_PODS_MAX));
  }
  list.count = 1;
  assert_non_null(pods_add(&list, twice));
  for (int over = 0; over < 2; over++) {
    memset(long_name, 'n', sizeof long_name);
    strcpy(long_name + TUNNEL_NAME_BYTES_MAX + over, "=a");
    assert_true(!pods_add(&list, long_name) == !over);
    memset(long_host, 'h', sizeof long_host);
    memcpy(long_host, over ? "x=" : "y=", 2);
    long_host[TUNNEL_HOST_BYTES - 1 + over + 2] = 0;
    assert_true(!pods_add(&list, long_host) == !over);
  }
}

static void ports_are_mapped(void **state) {
  (void)state;
  static struct tunnel_pods list;
  char any[] = "any=127.0.0.1", one[] = "one=[::1]:9", error[256], text[ADDRESS_TEXT_BYTES];
  const struct failure failure = {error, sizeof error};
  list.count = 0;
  assert_null(pods_add(&list, any));
  assert_null(pods_add(&list, one));
  assert_true(pods_look_up(&list, &failure));
  struct address address = pod_address(&list.at[0], 0, 8080);
  assert_string_equal(address_format(&address, text), "127.0.0.1:8080");
  address = pod_address(&list.at[1], 0, 8080);
  assert_string_equal(address_format(&address, text), "[::1]:9");
  assert_ptr_equal(pods_find(&list, span_text("default"), span_text("one")), &list.at[1]);
  assert_null(pods_find(&list, span_text("other"), span_text("one")));
}

static void no_such_host(void **state) {
  (void)state;
  static struct tunnel_pods list;
  char text[] = "web=a/b", error[256] = "";
  const struct failure failure = {error, sizeof error};
  list.count = 0;
  assert_null(pods_add(&list, text));
  assert_false(pods_look_up(&list, &failure));
  assert_non_null(strstr(error, "a/b"));
}

/* ---- paths ----------------------------------------------------------------------------------- */

#define V1 "/api/v1"

static const struct {
  const char *path;
  enum tunnel_route_kind kind;
  const char *namespace, *name, *query;
} paths[] = {
    {"/version", ROUTE_VERSION, "", "", ""},
    {"/version?timeout=32s", ROUTE_VERSION, "", "", "timeout=32s"},
    {"/healthz", ROUTE_HEALTH, "", "", ""},
    {"/livez", ROUTE_HEALTH, "", "", ""},
    {"/readyz?verbose", ROUTE_HEALTH, "", "", "verbose"},
    {"/api", ROUTE_CORE, "", "", ""},
    {"/apis", ROUTE_GROUPS, "", "", ""},
    {V1, ROUTE_V1, "", "", ""},
    {V1 "/namespaces", ROUTE_NAMESPACES, "", "", ""},
    {V1 "/namespaces/a", ROUTE_NAMESPACE, "a", "", ""},
    {V1 "/pods?limit=500", ROUTE_PODS, "", "", "limit=500"},
    {V1 "/services", ROUTE_SERVICES, "", "", ""},
    {V1 "/namespaces/a/pods", ROUTE_PODS, "a", "", ""},
    {V1 "/namespaces/a/pods/b", ROUTE_POD, "a", "b", ""},
    {V1 "/namespaces/a/services/b", ROUTE_SERVICE, "a", "b", ""},
    {V1 "/namespaces/a/pods/b/portforward", ROUTE_FORWARD, "a", "b", ""},
    {V1 "/namespaces/a/pods/b/portforward?ports=80", ROUTE_FORWARD, "a", "b", "ports=80"},
    {V1 "/namespaces/a/services/b/portforward", ROUTE_NONE, "a", "b", ""},
    {V1 "/namespaces/a/pods/b/exec", ROUTE_NONE, "a", "b", ""},
    {V1 "/namespaces/a/pods/b/portforward/c", ROUTE_NONE, "", "", ""},
    {V1 "/namespaces/a/secrets", ROUTE_NONE, "a", "", ""},
    {V1 "/nodes", ROUTE_NONE, "", "", ""},
    {"/api/v2", ROUTE_NONE, "", "", ""},
    {"/apis/apps/v1", ROUTE_NONE, "", "", ""},
    {"/", ROUTE_NONE, "", "", ""},
    {"", ROUTE_NONE, "", "", ""},
    {"api", ROUTE_NONE, "", "", ""},
};

static void paths_mean_what_they_say(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    struct tunnel_route route = route_read(span_text(paths[i].path));
    bool same = route.kind == paths[i].kind && span_is(route.namespace, paths[i].namespace) &&
                span_is(route.name, paths[i].name) && span_is(route.query, paths[i].query);
    if (!same) fail_msg("%s: %d", paths[i].path, (int)route.kind);
  }
}

static const struct {
  const char *query;
  bool selects;
} queries[] = {
    {"", true},
    {"limit=500", true},
    {"labelSelector=", true},
    {"labelSelector=app.kubernetes.io%2Fname%3Dweb", true},
    {"labelSelector=app.kubernetes.io%2fname%3dweb&limit=1", true},
    {"limit=1&labelSelector=app.kubernetes.io/name%3Dweb", true},
    {"labelSelector=app.kubernetes.io%2Fname%3Dwe", false},
    {"labelSelector=app.kubernetes.io%2Fname%3Dwebs", false},
    {"labelSelector=app%3Dweb", false},
    {"labelSelector=app.kubernetes.io%2Fname%3Dweb%2Ca%3Db", false},
    {"labelSelector=%", false},
    {"labelSelector=%3", false},
};

static void labels_select(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
    if (route_selects(span_text(queries[i].query), "web") != queries[i].selects)
      fail_msg("%s", queries[i].query);
  char longest[4096] = "labelSelector=";
  memset(longest + strlen(longest), 'a', sizeof longest - 1 - strlen(longest));
  assert_false(route_selects(span_text(longest), "web"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts_of_pods),
                                     cmocka_unit_test(pods_have_bounds),
                                     cmocka_unit_test(ports_are_mapped),
                                     cmocka_unit_test(no_such_host),
                                     cmocka_unit_test(paths_mean_what_they_say),
                                     cmocka_unit_test(labels_select)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
