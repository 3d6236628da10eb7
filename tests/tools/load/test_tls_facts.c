/*
 * load/test_tls_facts.c - what handshakes agreed on, added up over connections and workers.
 */
#include "tests/support/cmocka.h"
#include "tools/load/tls_facts.h"

static const struct load_tls_facts one = {.version = "TLSv1.3", .alpn = "h2", .connections = 1},
                                   resumed = {.version = "TLSv1.3",
                                              .alpn = "h2",
                                              .connections = 1,
                                              .resumed = 1},
                                   other = {.version = "TLSv1.2", .alpn = "h2", .connections = 1};

static void test_sums(void **state) {
  struct load_tls_facts a = {0}, b = {0}, none = {0};
  (void)state;
  load_tls_facts_add(&a, &one);
  load_tls_facts_add(&a, &resumed);
  load_tls_facts_add(&a, &other);
  assert_string_equal(a.version, "TLSv1.3");
  assert_int_equal(a.connections, 3);
  assert_int_equal(a.resumed, 1);
  assert_int_equal(a.others, 1);
  load_tls_facts_add(&b, &other);
  load_tls_facts_add(&b, &other);
  load_tls_facts_add(&b, &none);
  load_tls_facts_add(&a, &b); /* all of the other worker's are others */
  assert_int_equal(a.connections, 5);
  assert_int_equal(a.others, 3);
  load_tls_facts_add(&none, &a);
  assert_int_equal(none.others, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
