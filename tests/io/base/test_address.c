/*
 * base/test_address.c - the forms that --http and --https take.
 */
#include "io/base/address.h"
#include "tests/support/cmocka.h"

#include <string.h>

/* `shown` is NULL where the text is no address. */
static const struct {
  const char *text, *shown;
} rows[] = {
    {"127.0.0.1:8080", "127.0.0.1:8080"},
    {"0.0.0.0:1", "0.0.0.0:1"},
    {"localhost:65535", "127.0.0.1:65535"},
    {"[::1]:8080", "[::1]:8080"},
    {"[::]:80", "[::]:80"},
    {"[2001:db8::5]:443", "[2001:db8::5]:443"},
    {"[fe80::1%lo]:99", "[fe80::1%lo]:99"},
    {":8080", "[::]:8080"},
    {"*:8080", "[::]:8080"},
    {"8080", "127.0.0.1:8080"},
    {"127.0.0.1:0", "127.0.0.1:0"},
    {"", NULL},
    {":", NULL},
    {"127.0.0.1", NULL},
    {"127.0.0.1:", NULL},
    {"127.0.0.1:65536", NULL},
    {"127.0.0.1:99999", NULL},
    {"127.0.0.1:000080", NULL},
    {"127.0.0.1:-1", NULL},
    {"127.0.0.1:+80", NULL},
    {"127.0.0.1: 80", NULL},
    {"127.0.0.1:80 ", NULL},
    {"127.0.0.1:80x", NULL},
    {"127.0.0.256:80", NULL},
    {"127.1:80", NULL},
    {"::1:8080", NULL},
    {"[::1]", NULL},
    {"[::1]8080", NULL},
    {"[::1:8080", NULL},
    {"[]:8080", NULL},
    {"[:8080", NULL},
    {"[127.0.0.1]:8080", NULL},
    {"[::1%nosuchdevice]:8080", NULL},
    {"example.org:80", NULL},
    {"http://127.0.0.1:80", NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
     NULL},
};

static void test_forms(void **state) {
  char text[ADDRESS_TEXT_BYTES];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct address address;
    bool is_address = address_parse(&address, rows[i].text);
    if (is_address != (rows[i].shown != NULL)) fail_msg("\"%s\"", rows[i].text);
    if (is_address) assert_string_equal(address_format(&address, text), rows[i].shown);
  }
}

static void test_parts(void **state) {
  static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1}, own[16] = {[15] = 1};
  struct address address;
  uint8_t bytes[16];
  uint16_t port;
  (void)state;
  assert_true(address_from_host(&address, "192.0.2.1", 70));
  address_to_peer(&address, bytes, &port);
  assert_memory_equal(bytes, mapped, 16);
  assert_int_equal(port, 70);
  assert_true(address_from_host(&address, "::1", 71)); /* no brackets needed without a port */
  address_set_port(&address, 72);
  address_to_peer(&address, bytes, &port);
  assert_memory_equal(bytes, own, 16);
  assert_int_equal(port, 72);
  assert_int_equal(address_port(&address), 72);
  assert_false(address_from_host(&address, "example.org", 70));
}

static void test_loopback(void **state) {
  static const char *const own[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.2"};
  static const char *const others[] = {"128.0.0.1", "0.0.0.0",          "126.0.0.1",   "::",
                                       "::2",       "::ffff:192.0.2.1", "::127.0.0.1", "fe80::1"};
  struct address address;
  (void)state;
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    assert_true(address_from_host(&address, own[i], 80));
    if (!address_is_loopback(&address)) fail_msg("%s", own[i]);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    assert_true(address_from_host(&address, others[i], 80));
    if (address_is_loopback(&address)) fail_msg("%s", others[i]);
  }
  assert_true(address_from_path(&address, "/run/app.sock"));
  assert_false(address_is_loopback(&address));
}

static void test_overlaps(void **state) {
  static const struct {
    const char *one, *other;
    bool overlap;
  } pairs[] = {
      {"127.0.0.1:1", "127.0.0.1:1", true},
      {"127.0.0.1:1", "127.0.0.1:2", false},
      {"127.0.0.1:1", "127.0.0.2:1", false},
      {"127.0.0.1:0", "127.0.0.1:0", false},
      {"127.0.0.1:1", "[::1]:1", false},
      {"127.0.0.1:1", "0.0.0.0:1", true},
      {"127.0.0.1:1", "[::]:1", true},
      {"[::1]:1", "[::]:1", true},
      {"[::1]:1", "0.0.0.0:1", false},
      {"[::]:1", "0.0.0.0:1", false},
      {"[::]:1", "[::]:1", true},
      {"[::]:1", "127.0.0.1:2", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    struct address one, other;
    assert_true(address_parse(&one, pairs[i].one) && address_parse(&other, pairs[i].other));
    if (address_overlaps(&one, &other) != pairs[i].overlap ||
        address_overlaps(&other, &one) != pairs[i].overlap)
      fail_msg("%s, %s", pairs[i].one, pairs[i].other);
  }
}

static void test_paths(void **state) {
  char path[109], text[ADDRESS_TEXT_BYTES];
  struct address address;
  uint8_t bytes[16], zeros[16] = {0};
  uint16_t port;
  (void)state;
  assert_true(address_from_path(&address, "/run/app.sock"));
  assert_int_equal(address.len, offsetof(struct sockaddr_un, sun_path) + sizeof "/run/app.sock");
  assert_string_equal(address_format(&address, text), "unix:/run/app.sock");
  address_to_peer(&address, bytes, &port);
  assert_memory_equal(bytes, zeros, 16);
  assert_true(address_from_path(&address, "@app"));
  assert_int_equal(address.len, offsetof(struct sockaddr_un, sun_path) + 4);
  assert_memory_equal(address.local.sun_path, "\0app", 4);
  assert_string_equal(address_format(&address, text), "unix:@app");
  memset(path, 'a', sizeof path);
  path[108] = 0;
  assert_false(address_from_path(&address, path));
  path[107] = 0;
  assert_true(address_from_path(&address, path));
  assert_int_equal(strlen(address_format(&address, text)), ADDRESS_TEXT_BYTES - 1);
  assert_false(address_from_path(&address, ""));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_parts),
                                     cmocka_unit_test(test_loopback),
                                     cmocka_unit_test(test_overlaps), cmocka_unit_test(test_paths)};
  return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
