/*
 * load/test_origin.c - the servers of a run, and where to connect for them.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/load/origin.h"

static char error[256];
static const struct failure failure = {.text = error, .size = sizeof error};

static struct url url_of(const char *text) {
  struct url url;
  if (!url_parse(&url, text)) fail_msg("%s", text);
  return url;
}

/* Scheme, host and port decide. */
static void test_numbers(void **state) {
  static const struct {
    const char *text;
    uint32_t number;
  } rows[] = {{"http://a/1", 0},
              {"https://a/2", 1},
              {"http://a:80/3", 0},
              {"http://a:81/4", 2},
              {"http://A/5", 0}};
  struct load_origins origins = {0};
  uint32_t number;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct url url = url_of(rows[i].text);
    assert_true(load_origins_find(&origins, &url, &number, &failure));
    assert_int_equal(number, rows[i].number);
  }
  assert_int_equal(origins.count, 3);
  assert_true(origins.at[1].url.secure);
  load_origins_free(&origins);
  assert_int_equal(origins.count, 0);
}

static void test_as_many_as_there_may_be(void **state) {
  struct load_origins origins = {0};
  uint32_t number;
  char text[64];
  (void)state;
  for (uint32_t i = 0; i <= LOAD_ORIGINS_MAX; i++) {
    snprintf(text, sizeof text, "http://a:%u/", 1000 + i);
    struct url url = url_of(text);
    assert_int_equal(load_origins_find(&origins, &url, &number, &failure), i < LOAD_ORIGINS_MAX);
  }
  assert_string_equal(error, "a:1064: more than 64 servers");
  load_origins_free(&origins);
}

static void look_up(const char *connect_to, const char *sni, const char *address,
                    const char *name) {
  const struct load_options options = {.connect_to = connect_to, .sni = sni};
  struct load_origin origin = {.url = url_of("https://127.0.0.1:444/")};
  char text[ADDRESS_TEXT_BYTES];
  if (!load_origin_look_up(&origin, &options, &failure)) fail_msg("%s", error);
  assert_string_equal(address_format(&origin.addresses[0], text), address);
  assert_string_equal(origin.tls_name, name);
}

static void test_where_to_connect(void **state) {
  (void)state;
  look_up(NULL, NULL, "127.0.0.1:444", "127.0.0.1");
  look_up(NULL, "other", "127.0.0.1:444", "other");
  look_up("127.0.0.2", NULL, "127.0.0.2:444", "127.0.0.1");
  look_up("[::1]:80", NULL, "[::1]:80", "127.0.0.1");
  look_up("unix:/run/a", "other", "unix:/run/a", "other");
}

static void test_wrong_places(void **state) {
  static const char *const rows[] = {"a/b", "a:x", "[::1", "?"};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct load_options options = {.connect_to = rows[i]};
    struct load_origin origin = {.url = url_of("http://127.0.0.1/")};
    assert_false(load_origin_look_up(&origin, &options, &failure));
    assert_non_null(strstr(error, "expected HOST, HOST:PORT or unix:PATH"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers), cmocka_unit_test(test_as_many_as_there_may_be),
      cmocka_unit_test(test_where_to_connect), cmocka_unit_test(test_wrong_places)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
