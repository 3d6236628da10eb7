/*
 * client/test_url.c - reading URLs, resolving references against a base, and comparing origins.
 */
#include "tests/support/cmocka.h"
#include "tools/client/url.h"

#include <string.h>

static void test_urls(void **state) {
  static const struct {
    const char *text, *authority, *target; /* NULL: the URL is refused */
    unsigned port;
    bool secure;
  } rows[] = {
      {"https://example.org", "example.org", "/", 443, true},
      {"http://example.org/", "example.org", "/", 80, false},
      {"HTTPS://Example.org:8443/a?b=c#d", "Example.org:8443", "/a?b=c", 8443, true},
      {"https://example.org:443/", "example.org", "/", 443, true},
      {"http://example.org:/x", "example.org", "/x", 80, false},
      {"http://[::1]:8080/x", "[::1]:8080", "/x", 8080, false},
      {"https://[::1]", "[::1]", "/", 443, true},
      {"http://example.org?q", "example.org", "/?q", 80, false},
      {"http://example.org#f", "example.org", "/", 80, false},
      {"http://127.0.0.1:1/a%20b", "127.0.0.1:1", "/a%20b", 1, false},
      {.text = "ftp://example.org/"},
      {.text = "example.org"},
      {.text = "http:/example.org/"},
      {.text = "http:///path"},
      {.text = "http://user@example.org/"},
      {.text = "http://example.org:0/"},
      {.text = "http://example.org:65536/"},
      {.text = "http://example.org:80x/"},
      {.text = "http://[::1/"},
      {.text = "http://[::1]x/"},
      {.text = "http://[]/"},
      {.text = "http://example.org/a b"},
      {.text = "http://example.org/\x01"},
      {.text = "http://ex\xc3\xa4mple.org/"},
      {.text = ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct url url;
    bool good = url_parse(&url, rows[i].text);
    if (good != (rows[i].authority != NULL)) fail_msg("%s", rows[i].text);
    if (!good) continue;
    assert_string_equal(url.authority, rows[i].authority);
    assert_string_equal(url.target, rows[i].target);
    assert_int_equal(url.port, rows[i].port);
    assert_int_equal(url.secure, rows[i].secure);
  }
}

static void test_url_too_long(void **state) {
  (void)state;
  static char text[2 * URL_BYTES_MAX];
  struct url url;
  for (size_t len = URL_BYTES_MAX - 2; len < URL_BYTES_MAX + 2; len++) {
    memset(text, 'a', sizeof text);
    memcpy(text, "http://h/", 9);
    text[8 + len] = 0; /* the target, with its slash, has `len` bytes */
    assert_int_equal(url_parse(&url, text), len < URL_BYTES_MAX);
  }
}

static void test_references(void **state) {
  static const struct {
    const char *reference, *authority, *target;
  } rows[] = {
      {"", "h:81", "/d/e?q"},        {"/x", "h:81", "/x"},          {"x", "h:81", "/d/x"},
      {"x/y?z", "h:81", "/d/x/y?z"}, {"?r", "h:81", "/d/e?r"},      {"//other/x", "other", "/x"},
      {"http://k/l", "k", "/l"},     {"https://k:81", "k:81", "/"}, {"x#f", "h:81", "/d/x"},
  };
  struct url base, url;
  (void)state;
  assert_true(url_parse(&base, "http://h:81/d/e?q"));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_true(url_resolve(&url, &base, rows[i].reference));
    assert_string_equal(url.authority, rows[i].authority);
    assert_string_equal(url.target, rows[i].target);
  }
  assert_false(url_resolve(&url, &base, "a b"));
  assert_false(url_resolve(&url, &base, "http://"));
}

static void test_origins(void **state) {
  static const struct {
    const char *a, *b;
    bool same;
  } rows[] = {
      {"http://h/", "http://h:80/x", true},  {"https://h/", "https://H:443/", true},
      {"http://h/", "https://h:80/", false}, {"http://h/", "http://h:81/", false},
      {"http://h/", "http://i/", false},     {"http://[::1]/", "http://[::1]:80/", true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct url a, b;
    assert_true(url_parse(&a, rows[i].a) && url_parse(&b, rows[i].b));
    if (url_same_origin(&a, &b) != rows[i].same) fail_msg("%s and %s", rows[i].a, rows[i].b);
  }
}

static void test_origin_text(void **state) {
  (void)state;
  struct url url;
  char text[URL_ORIGIN_BYTES];
  assert_true(url_parse(&url, "https://[::1]:8443/x?y"));
  url_origin(&url, text);
  assert_string_equal(text, "https://[::1]:8443");
  assert_true(url_parse(&url, "http://h:80"));
  url_origin(&url, text);
  assert_string_equal(text, "http://h");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_urls),        cmocka_unit_test(test_url_too_long),
      cmocka_unit_test(test_references),  cmocka_unit_test(test_origins),
      cmocka_unit_test(test_origin_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
