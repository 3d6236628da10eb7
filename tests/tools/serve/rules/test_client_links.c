/*
 * serve/rules/test_client_links.c - how many connections a client has open: who is counted together, what is told,
 * a full set.
 */
#include "tests/support/cmocka.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/counted.h"
#include "tools/serve/limits.h"
#include "tools/serve/rules/client_links.h"

static struct counted_memory memory;
static struct client_links links;

static int set_up(void **state) {
  (void)state;
  assert_true(client_links_open(&links, counted_init(&memory)));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  client_links_close(&links);
  assert_int_equal(memory.bytes, 0);
  return 0;
}

static enum client_links_verdict begin(uint32_t most, const char *text, uint32_t *note) {
  uint8_t address[16] = {0};
  assert_int_equal(inet_pton(AF_INET6, text, address), 1);
  return client_links_begin(&links, most, address, note);
}

static void test_a_client_has_as_many(void **state) {
  uint32_t notes[3], other, none;
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_int_equal(begin(3, "::ffff:192.0.2.7", &notes[i]), CLIENT_LINKS_COUNTED);
  assert_int_equal(begin(3, "::ffff:192.0.2.7", &none), CLIENT_LINKS_REFUSED_NOW);
  assert_int_equal(begin(3, "::ffff:192.0.2.7", &none), CLIENT_LINKS_REFUSED);
  assert_int_equal(begin(3, "::ffff:192.0.2.8", &other), CLIENT_LINKS_COUNTED);
  client_links_ended(&links, notes[1]);
  assert_int_equal(begin(3, "::ffff:192.0.2.7", &notes[1]), CLIENT_LINKS_COUNTED);
  assert_int_equal(begin(3, "::ffff:192.0.2.7", &none), CLIENT_LINKS_REFUSED); /* told already */
  /* Half of them end: a new burst. */
  client_links_ended(&links, notes[0]);
  client_links_ended(&links, notes[1]);
  for (int i = 0; i < 2; i++)
    assert_int_equal(begin(3, "::ffff:192.0.2.7", &notes[i]), CLIENT_LINKS_COUNTED);
  assert_int_equal(begin(3, "::ffff:192.0.2.7", &none), CLIENT_LINKS_REFUSED_NOW);
  /* The limit may change meanwhile. */
  assert_int_equal(begin(2, "::ffff:192.0.2.7", &none), CLIENT_LINKS_REFUSED);
  assert_int_equal(begin(4, "::ffff:192.0.2.7", &none), CLIENT_LINKS_COUNTED);
}

static void test_who_is_one_client(void **state) {
  uint32_t note;
  (void)state;
  assert_int_equal(begin(1, "2001:db8::1", &note), CLIENT_LINKS_COUNTED);
  assert_int_equal(begin(1, "2001:db8::ffff:2:3:4", &note), CLIENT_LINKS_REFUSED_NOW);
  assert_int_equal(begin(1, "2001:db8:0:1::1", &note), CLIENT_LINKS_COUNTED);
  for (int i = 0; i < 3; i++)
    assert_int_equal(begin(1, "::", &note), CLIENT_LINKS_LOCAL); /* over a UNIX socket */
}

static void test_the_largest_limit(void **state) {
  uint32_t note;
  (void)state;
  for (uint32_t i = 0; i < CLIENT_LINKS_EACH_MAX; i++)
    assert_int_equal(begin(CLIENT_LINKS_EACH_MAX, "2001:db8::1", &note), CLIENT_LINKS_COUNTED);
  assert_int_equal(begin(CLIENT_LINKS_EACH_MAX, "2001:db8::1", &note), CLIENT_LINKS_REFUSED_NOW);
  for (uint32_t i = 0; i < CLIENT_LINKS_EACH_MAX; i++)
    client_links_ended(&links, note);
  assert_int_equal(begin(1, "2001:db8::1", &note), CLIENT_LINKS_COUNTED);
}

static uint32_t begin_each(uint32_t clients, uint32_t *notes) {
  uint8_t address[16] = {0x20, 1};
  uint32_t counted = 0;
  for (uint32_t i = 0; i < clients; i++) {
    memcpy(address + 4, &i, sizeof i);
    enum client_links_verdict verdict = client_links_begin(&links, 1, address, &notes[counted]);
    assert_true(verdict == CLIENT_LINKS_COUNTED || verdict == CLIENT_LINKS_UNCOUNTED);
    counted += verdict == CLIENT_LINKS_COUNTED;
  }
  return counted;
}

/* With as many clients as there are entries, nine of ten are counted; with many more, all entries are in use. Those
 * that are not counted may come all the same, and when all have ended all is free again. */
static void test_a_crowd(void **state) {
  uint32_t *notes = calloc(CLIENT_LINKS_MAX + 1, sizeof *notes);
  (void)state;
  assert_non_null(notes);
  for (int round = 0; round < 2; round++) {
    uint32_t clients = round == 0 ? CLIENT_LINKS_MAX : 8 * CLIENT_LINKS_MAX;
    uint32_t counted = begin_each(clients, notes);
    assert_in_range(counted, round == 0 ? CLIENT_LINKS_MAX / 100 * 84 : CLIENT_LINKS_MAX,
                    CLIENT_LINKS_MAX);
    for (uint32_t i = 0; i < counted; i++)
      client_links_ended(&links, notes[i]);
  }
  assert_true(begin_each(1, notes) == 1);
  free(notes);
}

static void test_no_memory(void **state) {
  struct client_links other;
  (void)state;
  memory.refuse_at = memory.calls + 1;
  assert_false(client_links_open(&other, &memory.memory));
  client_links_close(&other);
}

#define LINKS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LINKS_TEST(test_a_client_has_as_many),
      LINKS_TEST(test_who_is_one_client),
      LINKS_TEST(test_the_largest_limit),
      LINKS_TEST(test_a_crowd),
      LINKS_TEST(test_no_memory),
  };
  return cmocka_run_group_tests_name("client_links", tests, NULL, NULL);
}
