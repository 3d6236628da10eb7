/*
 * h2/test_ids.c - how long a connection remembers how its streams ended: the last ones exactly, and a client all
 * that it has reset.
 */
#include "engine/h2/ids.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>

static struct script script;
static struct h2 *h2;
static uint32_t next_id;

static void begin(enum h2_role role) {
  script_begin(&script, role, NULL, false);
  h2 = h2_of(&script.machine);
  next_id = 1;
}

static void step(const char *format, uint32_t id) {
  char text[128];
  snprintf(text, sizeof text, format, (unsigned)id, (unsigned)id);
  script_clear(&script);
  script_run(&script, text);
}

/* The next stream, which we reset, the peer resets, or both sides end. */
static void open_and(enum h2_state end) {
  const char *const of_client[] = {[H2_CLOSED] = "HEADERS/SH %u [@ok]",
                                   [H2_CLOSED_RESET_LOCAL] = "!reset %u 8",
                                   [H2_CLOSED_RESET_REMOTE] = "RST %u =8"};
  script.app_count = 0;
  if (script.role == H2_CLIENT) {
    script_run(&script, "!request /a");
    step(of_client[end], next_id);
  } else {
    step(end == H2_CLOSED ? "HEADERS/SH %u [@get]" : "HEADERS/SH %u [@hold]; !reset %u 8", next_id);
  }
  next_id += 2;
}

static void test_resets(void **state) {
  (void)state;
  for (int role = H2_SERVER; role <= H2_CLIENT; role++) {
    begin((enum h2_role)role);
    for (unsigned i = 0; i < H2_RESETS_REMEMBERED; i++)
      open_and(H2_CLOSED_RESET_LOCAL);
    assert_int_equal(h2_state_of(h2, 1), H2_CLOSED_RESET_LOCAL);
    open_and(H2_CLOSED_RESET_LOCAL);
    /* A client knows more: the response may be on its way still. */
    assert_int_equal(h2_state_of(h2, 1),
                     role == H2_CLIENT ? H2_CLOSED_RESET_LOCAL : H2_CLOSED_FORGOTTEN);
    for (uint32_t id = 3; id < next_id; id += 2)
      assert_int_equal(h2_state_of(h2, id), H2_CLOSED_RESET_LOCAL);
    assert_int_equal(h2_state_of(h2, next_id), H2_IDLE);
    script_close(&script);
  }
}

/* Whatever the order in which a client reset them. */
static void test_order_of_resets(void **state) {
  (void)state;
  begin(H2_CLIENT);
  script_run(&script, "!request /a; !request /a; !request /a; !reset 5 8; !reset 1 8");
  next_id = 7;
  for (unsigned i = 0; i < H2_RESETS_REMEMBERED; i++)
    open_and(H2_CLOSED_RESET_LOCAL);
  assert_int_equal(h2_state_of(h2, 1), H2_CLOSED_RESET_LOCAL);
  assert_int_equal(h2_state_of(h2, 5), H2_CLOSED_RESET_LOCAL);
  script_close(&script);
}

static void test_other_ends(void **state) {
  (void)state;
  for (int role = H2_SERVER; role <= H2_CLIENT; role++) {
    begin((enum h2_role)role);
    open_and(H2_CLOSED);
    for (unsigned i = 0; i < H2_RESETS_REMEMBERED; i++)
      open_and(H2_CLOSED_RESET_LOCAL); /* which are remembered for themselves */
    assert_int_equal(h2_state_of(h2, 1), H2_CLOSED);
    uint32_t first = next_id;
    for (unsigned i = 0; i < H2_CLOSED_REMEMBERED; i++)
      open_and(H2_CLOSED);
    assert_int_equal(h2_state_of(h2, 1), H2_CLOSED_FORGOTTEN);
    for (uint32_t id = first; id < next_id; id += 2)
      assert_int_equal(h2_state_of(h2, id), H2_CLOSED);
    script_close(&script);
  }
}

static void test_resets_of_the_peer(void **state) {
  (void)state;
  begin(H2_CLIENT);
  open_and(H2_CLOSED_RESET_REMOTE);
  open_and(H2_CLOSED);
  assert_int_equal(h2_state_of(h2, 1), H2_CLOSED_RESET_REMOTE);
  assert_int_equal(h2_state_of(h2, 3), H2_CLOSED);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resets),
      cmocka_unit_test(test_order_of_resets),
      cmocka_unit_test(test_other_ends),
      cmocka_unit_test(test_resets_of_the_peer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
