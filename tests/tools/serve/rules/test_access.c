/*
 * serve/rules/test_access.c - networks, and which clients a list of rules lets in.
 */
#include "tests/support/cmocka.h"

#include <arpa/inet.h>
#include <string.h>

#include "tools/serve/rules/access.h"

static const uint8_t *at(const char *text) {
  static uint8_t address[16];
  memset(address, 0, sizeof address);
  if (strcmp(text, "unix") == 0) return address;
  if (strchr(text, ':')) {
    assert_int_equal(inet_pton(AF_INET6, text, address), 1);
  } else {
    memset(address + 10, 0xff, 2);
    assert_int_equal(inet_pton(AF_INET, text, address + 12), 1);
  }
  return address;
}

static void test_networks(void **state) {
  static const struct {
    const char *text, *format; /* NULL: refused */
  } rows[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"192.0.2.7", "192.0.2.7"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"::/0", "::/0"},
      {"[fd00::]/8", "fd00::/8"},
      {"2001:db8::/64", "2001:db8::/64"},
      {"::1", "::1"},
      {"10.0.0.1/8", NULL},
      {"10.0.0.0/33", NULL},
      {"::/129", NULL},
      {"10.0.0/8", NULL},
      {"example.org", NULL},
      {"localhost", NULL},
      {"", NULL},
      {"10.0.0.0/", NULL},
      {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[NETWORK_TEXT_BYTES];
    struct network network;
    const char *wrong = network_parse(rows[i].text, strlen(rows[i].text), &network);
    if (!wrong != (rows[i].format != NULL)) fail_msg("%s: %s", rows[i].text, wrong ? wrong : "ok");
    if (!wrong) assert_string_equal(network_format(&network, text), rows[i].format);
  }
}

static void test_rules(void **state) {
  static const struct {
    const char *rules[4], *client;
    bool allowed;
  } rows[] = {
      {{NULL}, "192.0.2.7", true},
      {{"deny 10.0.0.0/8"}, "10.1.2.3", false},
      {{"deny 10.0.0.0/8"}, "11.1.2.3", true},
      {{"deny 10.0.0.0/8"}, "::ffff:10.1.2.3", false},
      {{"deny 10.0.0.0/8"}, "2001:db8::1", true},
      {{"allow 10.0.0.0/8"}, "10.1.2.3", true},
      {{"allow 10.0.0.0/8"}, "11.1.2.3", false},
      {{"allow 2001:db8::/32"}, "2001:db8::1", true},
      {{"allow 2001:db8::/32"}, "192.0.2.7", false},
      {{"deny 10.0.0.7", "allow 10.0.0.0/8"}, "10.0.0.7", false},
      {{"deny 10.0.0.7", "allow 10.0.0.0/8"}, "10.0.0.8", true},
      {{"allow 10.0.0.0/8", "deny 10.0.0.7"}, "10.0.0.7", true},
      {{"deny  10.0.0.7", "allow all"}, "192.0.2.7", true},
      {{"allow ::1", "deny all"}, "192.0.2.7", false},
      {{"deny ::/0"}, "192.0.2.7", true}, /* it is all of IPv6, and no IPv4 */
      {{"deny ::/0"}, "2001:db8::1", false},
      {{"deny 0.0.0.0/0"}, "192.0.2.7", false},
      {{"deny 0.0.0.0/0"}, "2001:db8::1", true},
      {{"deny ::ffff:0:0/96"}, "192.0.2.7", false}, /* the same */
      {{"allow 10.0.0.0/8"}, "unix", true},
      {{"deny ::/0"}, "unix", true},
      {{"deny all"}, "unix", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct access_rules rules = {0};
    for (int k = 0; k < 4 && rows[i].rules[k]; k++)
      assert_null(access_add(&rules, rows[i].rules[k]));
    if (access_allows(&rules, at(rows[i].client)) != rows[i].allowed)
      fail_msg("row %zu: %s, %s", i, rows[i].rules[0], rows[i].client);
  }
}

static void test_mistakes(void **state) {
  static const char *const wrong[] = {
      "",          "allow",   "all", "allow10.0.0.0/8", "deny ", "permit all", "allow 10.0.0.1/8",
      "deny none", "Deny all"};
  struct access_rules rules = {0};
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (!access_add(&rules, wrong[i])) fail_msg("'%s' was taken", wrong[i]);
  assert_int_equal(rules.count, 0);
  for (int i = 0; i < SERVE_ACCESS_RULES_MAX; i++)
    assert_null(access_add(&rules, "deny 192.0.2.7"));
  assert_string_equal(access_add(&rules, "deny 192.0.2.7"), "too many rules");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_networks),
      cmocka_unit_test(test_rules),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
