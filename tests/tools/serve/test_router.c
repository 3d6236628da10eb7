/*
 * serve/test_router.c - which host and which route a request is for.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/base/text.h"
#include "tools/serve/config_file.h"
#include "tools/serve/host.h"
#include "tools/serve/router.h"

static const char text[] = "hosts:\n"
                           "- {name: a.example, answer: x}\n"
                           "- {name: '*.a.example', answer: x}\n"
                           "- {name: '*.b.a.example', answer: x}\n"
                           "- {name: '[::1]', answer: x}\n"
                           "- name: default\n"
                           "  routes:\n"
                           "  - {path: /, answer: x}\n"
                           "  - {path: /docs, answer: x}\n"
                           "  - {path: /docs/new/, answer: x}\n"
                           "  - {path: /docs%20old, answer: x}\n";

static struct serve_config *read_config(const char *from) {
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_parse(span_text(from), &mistakes);
  if (!config) fail_msg("%s", mistakes.at[0].text);
  return config;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void test_normal_names(void **state) {
  static const struct {
    const char *authority, *expected; /* NULL: none */
  } rows[] = {
      {"", ""},
      {"a.example", "a.example"},
      {"A.Example.", "a.example"},
      {"a.example:8080", "a.example"},
      {"a.example:", "a.example"},
      {"a.example.:1", "a.example"},
      {"x_y-z", "x_y-z"},
      {"127.0.0.1:80", "127.0.0.1"},
      {"[::1]", "[::1]"},
      {"[0:0::0:1]:443", "[::1]"},
      {"[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"},
      {"a..example", NULL},
      {".a", NULL},
      {".", NULL},
      {"a:b", NULL},
      {"a:1:2", NULL},
      {"user@a", NULL},
      {"a%41", NULL},
      {"a b", NULL},
      {"[::1", NULL},
      {"[::1]x", NULL},
      {"[::1]:x", NULL},
      {"[]", NULL},
      {"[1.2.3.4]", NULL},
      {"[00000000000000000000000000000000000000000000000000001]", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char room[HOST_BYTES_MAX];
    struct span got;
    bool named = host_normal(span_text(rows[i].authority), room, &got);
    if (named != (rows[i].expected != NULL)) fail_msg("%s: %d", rows[i].authority, named);
    if (named && !span_is(got, rows[i].expected))
      fail_msg("%s: %.*s", rows[i].authority, (int)got.len, (const char *)got.base);
  }
}

static void test_long_name(void **state) {
  char name[HOST_BYTES_MAX + 2], room[HOST_BYTES_MAX];
  struct span got;
  (void)state;
  memset(name, 'A', sizeof name);
  assert_true(host_normal(span_of(name, HOST_BYTES_MAX), room, &got));
  assert_int_equal(got.len, HOST_BYTES_MAX);
  assert_false(host_normal(span_of(name, HOST_BYTES_MAX + 1), room, &got));
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static void test_hosts(void **state) {
  static const struct {
    const char *authority, *expected; /* the host's first name */
  } rows[] = {
      {"a.example", "a.example"},
      {"A.EXAMPLE:99", "a.example"},
      {"x.a.example", "*.a.example"},
      {"y.x.a.example", "*.a.example"},
      {"x.b.a.example", "*.b.a.example"},
      {"b.a.example", "*.a.example"},
      {"[::0:1]:80", "[::1]"},
      {"example", "default"},
      {"aa.example", "default"},
      {"", "default"},
      {"a..example", "default"},
      {"x.a.example.", "*.a.example"},
  };
  (void)state;
  struct serve_config *config = read_config(text);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct serve_host *host = router_find_host(config, span_text(rows[i].authority));
    if (!host || strcmp(host->name, rows[i].expected) != 0)
      fail_msg("%s: %s", rows[i].authority, host ? host->name : "none");
  }
  config_release(config);
}

static void test_no_default(void **state) {
  (void)state;
  struct serve_config *config = read_config("hosts:\n- {name: a.example, answer: x}\n");
  assert_non_null(router_find_host(config, span_text("a.example")));
  assert_null(router_find_host(config, span_text("b.example")));
  assert_null(router_find_host(config, span_text("")));
  assert_null(router_find_host(config, span_text("a b")));
  config_release(config);
}

/* Without other hosts the default answers for every name, also one that is none. */
static void test_only_default(void **state) {
  (void)state;
  struct serve_config *config = read_config("answer: x\n");
  assert_ptr_equal(router_find_host(config, span_text("a b")), config->any);
  config_release(config);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static void test_routes(void **state) {
  static const struct {
    const char *path, *expected;
  } rows[] = {
      {"", ""},
      {"doc", ""},
      {"docs", "docs"},
      {"docs/a", "docs"},
      {"docsx", ""},
      {"docs/new", "docs/new"},
      {"docs/new/a", "docs/new"},
      {"docs/newer", "docs"},
      {"docs old/a", "docs old"},
      {"a/docs", ""},
  };
  (void)state;
  struct serve_config *config = read_config(text);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct serve_route *route = router_find_route(config->any, span_text(rows[i].path));
    assert_non_null(route);
    if (!span_is(route->path, rows[i].expected))
      fail_msg("%s: %.*s", rows[i].path, (int)route->path.len, (const char *)route->path.base);
  }
  config_release(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_normal_names), cmocka_unit_test(test_long_name),
      cmocka_unit_test(test_hosts),        cmocka_unit_test(test_no_default),
      cmocka_unit_test(test_only_default), cmocka_unit_test(test_routes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
