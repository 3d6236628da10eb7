/*
 * load/test_tls_facts.c - what handshakes agreed on, added up over connections and workers.
 */
#include "tests/support/cmocka.h"
#include "tools/load/tls_facts.h"

#include <stdio.h>

static const struct load_tls_kind one = {.version = "TLSv1.3", .alpn = "h2", .connections = 1},
                                  other = {.version = "TLSv1.2", .alpn = "h2", .connections = 1};

static void test_sums(void **state) {
  struct load_tls_facts a = {0}, b = {0}, sum = {0};
  (void)state;
  load_tls_facts_note(&a, &one, 0);
  load_tls_facts_note(&a, &one, 1);
  load_tls_facts_note(&a, &other, 0);
  assert_string_equal(a.kinds[0].version, "TLSv1.3");
  assert_int_equal(a.connections, 3);
  assert_int_equal(a.resumed, 1);
  assert_int_equal(load_tls_facts_others(&a), 1);
  load_tls_facts_add(&sum, &b);
  load_tls_facts_add(&sum, &a);
  assert_int_equal(load_tls_facts_others(&sum), 1);
}

/* The other worker's first connection is of another kind, and its second of the first kind. */
static void test_workers_with_another_first(void **state) {
  struct load_tls_facts a = {0}, b = {0};
  (void)state;
  load_tls_facts_note(&a, &one, 0);
  load_tls_facts_note(&a, &other, 0);
  load_tls_facts_note(&b, &other, 0);
  load_tls_facts_note(&b, &one, 0);
  load_tls_facts_note(&b, &one, 1);
  load_tls_facts_add(&a, &b);
  assert_string_equal(a.kinds[0].version, "TLSv1.3");
  assert_int_equal(a.connections, 5);
  assert_int_equal(a.resumed, 1);
  assert_int_equal(load_tls_facts_others(&a), 2);
}

static void test_more_kinds_than_places(void **state) {
  struct load_tls_facts facts = {0};
  (void)state;
  for (int i = 0; i < LOAD_TLS_KINDS_MAX + 3; i++) {
    struct load_tls_kind kind = one;
    snprintf(kind.cipher, sizeof kind.cipher, "cipher %d", i);
    load_tls_facts_note(&facts, &kind, 0);
  }
  assert_string_equal(facts.kinds[0].cipher, "cipher 0");
  assert_int_equal(load_tls_facts_others(&facts), LOAD_TLS_KINDS_MAX + 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums),
                                     cmocka_unit_test(test_workers_with_another_first),
                                     cmocka_unit_test(test_more_kinds_than_places)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
