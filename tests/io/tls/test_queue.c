/*
 * tls/test_queue.c - steps of handshakes: for how long a turn takes them, and who is next.
 */
#include "io/tls/limits.h"
#include "io/tls/queue.h"
#include "tests/support/cmocka.h"

#include <string.h>

enum { PLACES = 3 * TLS_HANDSHAKES_DUE };

static struct tls_queue queue;
static struct tls_place places[PLACES];
static struct machine_host hosts[PLACES];
static unsigned woken[PLACES];
static uint64_t clock_ns;

static uint64_t read_clock(void) {
  return clock_ns;
}

static void wake(struct machine_host *host) {
  woken[host - hosts]++;
}

static int begin(void **state) {
  (void)state;
  tls_queue_init(&queue);
  queue.clock_ns = read_clock;
  memset(places, 0, sizeof places);
  memset(woken, 0, sizeof woken);
  for (unsigned i = 0; i < PLACES; i++) {
    hosts[i].wake = wake;
    places[i].host = &hosts[i];
  }
  return 0;
}

/* Lets the places `from` to `to` enter; returns how many may take their step. */
static unsigned enter(unsigned from, unsigned to, uint64_t now_ns) {
  unsigned steps = 0;
  for (unsigned i = from; i < to; i++)
    steps += tls_queue_enter(&queue, &places[i], now_ns);
  return steps;
}

/* The place 0 uses the time of the turn, and all others wait. */
static void use_time(uint64_t now_ns) {
  assert_int_equal(enter(0, 1, now_ns), 1);
  clock_ns += TLS_TURN_HANDSHAKES_NS;
  assert_int_equal(enter(1, PLACES, now_ns), 0);
}

/* TLS_HANDSHAKES_DUE are due; the next ones are when these have had their turns. */
static void test_due(void **state) {
  (void)state;
  const unsigned end = 1 + TLS_HANDSHAKES_DUE;
  use_time(10);
  for (unsigned i = 1; i < PLACES; i++) {
    assert_int_equal(tls_place_again_ns(&places[i]), i < end ? 11 : MACHINE_NO_DEADLINE);
    assert_int_equal(woken[i], 0);
  }
  for (unsigned i = 1; i < PLACES; i++) {
    assert_int_equal(queue.due_count,
                     i + TLS_HANDSHAKES_DUE < PLACES ? TLS_HANDSHAKES_DUE : PLACES - i);
    assert_int_equal(enter(i, i + 1, 11), 1);
    if (i + TLS_HANDSHAKES_DUE >= PLACES) continue;
    assert_int_equal(woken[i + TLS_HANDSHAKES_DUE], 1);
    assert_int_equal(tls_place_again_ns(&places[i + TLS_HANDSHAKES_DUE]), 12);
  }
  assert_int_equal(enter(0, 1, 13), 1); /* nobody waits any more */
}

/* TLS_TURN_HANDSHAKES_NS from the first step of the turn, by the clock. */
static void test_time(void **state) {
  (void)state;
  clock_ns = 5000;
  assert_int_equal(enter(0, 1, 10), 1);
  clock_ns += TLS_TURN_HANDSHAKES_NS - 1;
  assert_int_equal(enter(1, 2, 10), 1);
  clock_ns++;
  assert_int_equal(enter(2, 5, 10), 0);
  assert_int_equal(enter(2, 5, 11), 3); /* a new turn has new time */
  clock_ns += TLS_TURN_HANDSHAKES_NS;
  assert_int_equal(enter(5, 6, 11), 0);
  assert_int_equal(enter(5, 6, 12), 1); /* one step at least, however long it takes */
}

/* Those that come later do not pass those that wait. */
static void test_order(void **state) {
  (void)state;
  clock_ns = 5000;
  assert_int_equal(enter(0, 1, 10), 1);
  clock_ns += TLS_TURN_HANDSHAKES_NS;
  assert_int_equal(enter(1, 3, 10), 0);
  assert_int_equal(enter(3, 4, 11), 0);
  assert_int_equal(enter(1, 4, 11), 3);
}

/* A refused place stays due, and is due again after that turn. */
static void test_refused_again(void **state) {
  (void)state;
  clock_ns = 5000;
  assert_int_equal(enter(0, 1, 10), 1);
  clock_ns += TLS_TURN_HANDSHAKES_NS;
  assert_int_equal(enter(1, 3, 10), 0);
  assert_int_equal(enter(1, 2, 11), 1);
  clock_ns += TLS_TURN_HANDSHAKES_NS;
  assert_int_equal(enter(2, 3, 11), 0);
  assert_int_equal(tls_place_again_ns(&places[2]), 12);
  assert_int_equal(queue.due_count, 1);
}

/* Whoever leaves makes room: one that is due for the first of the rest, one of the rest for nobody. */
static void test_leave(void **state) {
  (void)state;
  const unsigned due = 1, rest = 1 + TLS_HANDSHAKES_DUE;
  use_time(10);
  tls_queue_leave(&queue, &places[rest]);
  assert_int_equal(woken[rest + 1], 0);
  tls_queue_leave(&queue, &places[due]);
  assert_int_equal(woken[rest] + woken[due], 0);
  assert_int_equal(woken[rest + 1], 1);
  assert_int_equal(tls_place_again_ns(&places[rest + 1]), 11);
  tls_queue_leave(&queue, &places[due]); /* again: nothing happens */
  assert_int_equal(woken[rest + 2], 0);
  for (unsigned i = 0; i < PLACES; i++)
    tls_queue_leave(&queue, &places[i]);
  assert_int_equal(queue.due_count, 0);
  assert_true(list_is_empty(&queue.due) && list_is_empty(&queue.rest));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_due, begin),   cmocka_unit_test_setup(test_time, begin),
      cmocka_unit_test_setup(test_order, begin), cmocka_unit_test_setup(test_refused_again, begin),
      cmocka_unit_test_setup(test_leave, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
