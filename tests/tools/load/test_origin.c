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

/* Scheme, host and port decide. Items keep their order. */
static void test_items(void **state) {
  static const char *const texts[] = {"http://a/1", "https://a/2", "http://a:80/3", "http://a:81/4",
                                      "http://A/5"};
  static const uint32_t first[] = {0, 2, 4};
  struct load_origins origins = {0};
  (void)state;
  for (uint32_t i = 0; i < 5; i++) {
    struct url url = url_of(texts[i]);
    assert_true(load_origins_add(&origins, &url, i, &failure));
  }
  assert_int_equal(origins.count, 3);
  assert_int_equal(origins.at[0].item_count, 3);
  assert_memory_equal(origins.at[0].items, first, sizeof first);
  assert_true(origins.at[1].url.secure);
  assert_int_equal(origins.at[2].items[0], 3);
  load_origins_free(&origins);
  assert_int_equal(origins.count, 0);
}

static void test_as_many_as_there_may_be(void **state) {
  struct load_origins origins = {0};
  char text[64];
  (void)state;
  for (uint32_t i = 0; i <= LOAD_ORIGINS_MAX; i++) {
    snprintf(text, sizeof text, "http://a:%u/", 1000 + i);
    struct url url = url_of(text);
    assert_int_equal(load_origins_add(&origins, &url, i, &failure), i < LOAD_ORIGINS_MAX);
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
      cmocka_unit_test(test_items), cmocka_unit_test(test_as_many_as_there_may_be),
      cmocka_unit_test(test_where_to_connect), cmocka_unit_test(test_wrong_places)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
