/*
 * forward/test_target.c - targets and ports of the command line.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/forward/target.h"

static char error[400];
static const struct failure failure = {error, sizeof error};

#define API "/api/v1/namespaces/"

static const struct target_row {
  const char *text;
  int kind; /* -1: wrong */
  const char *name, *path;
} targets[] = {
    {"web", TARGET_POD, "web", ""},
    {"web-0.x", TARGET_POD, "web-0.x", ""},
    {"pod/web", TARGET_POD, "web", ""},
    {"pods/web", TARGET_POD, "web", ""},
    {"po/web", TARGET_POD, "web", ""},
    {"svc/web", TARGET_SERVICE, "web", ""},
    {"Service/web", TARGET_SERVICE, "web", ""},
    {"services/web", TARGET_SERVICE, "web", ""},
    {"http://h:1/web", TARGET_URL, "web", API "own/pods/web/portforward"},
    {"https://h/space/web", TARGET_URL, "web", API "space/pods/web/portforward"},
    {"https://h/api/v1/namespaces/n/pods/p/portforward", TARGET_URL, "h",
     API "n/pods/p/portforward"},
    {"https://h:10250/portForward/n/p?x=1", TARGET_URL, "h:10250", "/portForward/n/p?x=1"},
    {"http://h/portforward/token", TARGET_URL, "h", "/portforward/token"},
    {"", -1, NULL, NULL},
    {"deployment/web", -1, NULL, NULL},
    {"pod/", -1, NULL, NULL},
    {"pod/a/b", -1, NULL, NULL},
    {"Web", -1, NULL, NULL},
    {"-web", -1, NULL, NULL},
    {"web.", -1, NULL, NULL},
    {"ftp://h/web", -1, NULL, NULL},
    {"http://h", -1, NULL, NULL},
    {"http://h/a/b/c", -1, NULL, NULL},
    {"http://h/web?x", -1, NULL, NULL},
};

static void test_targets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    const struct target_row *row = &targets[i];
    struct target target;
    bool good = target_parse(&target, row->text, "own", &failure);
    if (good != (row->kind >= 0)) fail_msg("%s: %s", row->text, good ? "accepted" : error);
    if (!good) assert_memory_equal(error, row->text, strlen(row->text));
    if (!good) continue;
    assert_int_equal(target.kind, row->kind);
    assert_string_equal(target.name, row->name);
    assert_string_equal(target.url.target, row->path);
  }
}

/* OBJECT_NAME_BYTES */
static void test_long_name(void **state) {
  char text[OBJECT_NAME_BYTES + 1];
  struct target target;
  (void)state;
  memset(text, 'a', sizeof text);
  text[OBJECT_NAME_BYTES - 1] = 0;
  assert_true(target_parse(&target, text, "own", &failure));
  text[OBJECT_NAME_BYTES - 1] = 'a';
  text[OBJECT_NAME_BYTES] = 0;
  assert_false(target_parse(&target, text, "own", &failure));
}

static const struct port_row {
  const char *text;
  bool good;
  uint16_t local, remote;
  const char *name;
} ports[] = {
    {"80", true, 80, 80, ""},
    {"8080:80", true, 8080, 80, ""},
    {":80", true, 0, 80, ""},
    {"0:80", true, 0, 80, ""},
    {"65535:65535", true, 65535, 65535, ""},
    {"8080:http", true, 8080, 0, "http"},
    {":http-alt", true, 0, 0, "http-alt"},
    {":abcdefghijklmno", true, 0, 0, "abcdefghijklmno"},
    {":abcdefghijklmnop", false, 0, 0, ""},
    {"http", false, 0, 0, ""},
    {"", false, 0, 0, ""},
    {":", false, 0, 0, ""},
    {"0", false, 0, 0, ""},
    {"1:0", false, 0, 0, ""},
    {"65536", false, 0, 0, ""},
    {"80:65536", false, 0, 0, ""},
    {"80:80:80", false, 0, 0, ""},
    {"-1", false, 0, 0, ""},
    {"a:80", false, 0, 0, ""},
    {":HTTP", false, 0, 0, ""},
    {" 80", false, 0, 0, ""},
};

static void test_ports(void **state) {
  (void)state;
  assert_int_equal(PORT_NAME_BYTES, sizeof "abcdefghijklmno");
  for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
    const struct port_row *row = &ports[i];
    struct target_port port;
    bool good = target_port_parse(&port, row->text, &failure);
    if (good != row->good) fail_msg("%s: %s", row->text, good ? "accepted" : error);
    if (!good) continue;
    assert_int_equal(port.local, row->local);
    assert_int_equal(port.remote, row->remote);
    assert_string_equal(port.remote_name, row->name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_targets),
      cmocka_unit_test(test_long_name),
      cmocka_unit_test(test_ports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
