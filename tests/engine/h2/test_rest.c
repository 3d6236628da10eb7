/*
 * h2/test_rest.c - an idle connection rests in a small machine, and goes on from there as if nothing had happened.
 */
#include "tests/support/cmocka.h"

#include "tests/support/loopback.h"
#include "tests/support/script.h"

#include "engine/h2/h2.h"
#include "engine/h2/ids.h"

static struct script script;

static struct h2_shared *shared(void) {
  return &script.engine.h2;
}

static unsigned wants(void) {
  return script.machine.ops->wants(script.machine.self);
}

static void tick(void) {
  script.machine.ops->tick(script.machine.self, script.now_ns);
  script_pump(&script);
}

static void move(void) {
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_MOVES);
  script.machine.ops->move(script.machine.self, &script.machine);
}

static void pass_rest_time(void) {
  script.now_ns += H2_REST_NS;
  tick();
}

/* Until it is at rest. */
static void come_to_rest(void) {
  pass_rest_time();
  move();
  assert_true(script.machine.ops != &h2_machine_ops);
  assert_int_equal(shared()->resting, 1);
  assert_int_equal(shared()->connections.taken, 0);
  assert_int_equal(h2_shared_connections(shared()), 1);
  assert_int_equal(wants(), MACHINE_RECV);
  script_clear(&script);
}

static void assert_awake(void) {
  assert_ptr_equal(script.machine.ops, &h2_machine_ops);
  assert_int_equal(shared()->resting, 0);
}

static void begin(void) {
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@get +x-sync=first +x-sync=second]");
  assert_string_equal(script.sync_values, "first,second");
}

/* Both header tables are as they were, whichever entries they hold. */
static void test_goes_on(void **state) {
  (void)state;
  static const char *const requests[] = {
      "HEADERS/SH 3 [@get #62 #63]",
      "HEADERS/SH 5 [@get #63 +x-sync=third #63]",
      "HEADERS/SH 7 [^0 ^4096 @get +x-sync=fourth]",
      "HEADERS/SH 9 [@get #62]",
  };
  static const char *const values[] = {"second,first", "first,third,second", "fourth", "fourth"};
  static const char *const log[] = {
      "request 3 GET / end, closed 3 NO_ERROR, HEADERS 3 200, DATA 3 2 end",
      "request 5 GET / end, closed 5 NO_ERROR, HEADERS 5 200, DATA 5 2 end",
      "request 7 GET / end, closed 7 NO_ERROR, HEADERS 7 200, DATA 7 2 end",
      "request 9 GET / end, closed 9 NO_ERROR, HEADERS 9 200, DATA 9 2 end",
  };
  begin();
  const size_t busy = script.memory.bytes;
  for (size_t i = 0; i < sizeof log / sizeof *log; i++) {
    come_to_rest();
    script_run(&script, requests[i]);
    assert_awake();
    assert_string_equal(script.log, log[i]);
    assert_string_equal(script.sync_values, values[i]);
    assert_int_equal(script.memory.bytes, busy);
  }
  script_close(&script);
}

/* What its pools keep is for others. */
static void test_memory(void **state) {
  (void)state;
  begin();
  come_to_rest();
  const size_t resting = script.memory.bytes;
  script_disconnect(&script);
  assert_true(resting - script.memory.bytes < 1024);
  assert_int_equal(shared()->resting, 0);
  assert_int_equal(script.engine.http.counters.connections_closed, 1);
  script_destroy(&script);
}

/* A frame wakes it, and so does a part of one. It then rests again, once there has been time for a tick. */
static void test_frames(void **state) {
  (void)state;
  begin();
  come_to_rest();
  script_run(&script, "PING 0 *8");
  assert_awake();
  assert_string_equal(script.log, "PING ack");
  assert_int_equal(wants(), MACHINE_RECV);
  assert_true(script.machine.ops->deadline_ns(script.machine.self) <= script.now_ns);
  tick();
  move();
  script_clear(&script);
  script_run(&script, "RAW x0000080600000000");
  assert_awake();
  tick();
  move(); /* in the midst of a frame's header, which is remembered */
  script_run(&script, "RAW x000000000000000000");
  assert_string_equal(script.log, "PING ack");
  script_close(&script);
}

/* Streams that are closed and priorities of idle ones are remembered. The scheduler finds streams. */
static void test_remembers(void **state) {
  (void)state;
  begin();
  script_run(&script, "PU 0 =5 x753d31; PRIORITY 9 d7/16; RST 1 =0");
  const struct h2 *h2 = h2_of(&script.machine);
  const uint32_t placeholders = h2->sched.tree.placeholder_count;
  assert_true(placeholders > 0);
  come_to_rest();
  script_run(&script, "HEADERS/SH 5 [@hold]; PRIORITY 5 d9/16");
  h2 = h2_of(&script.machine);
  assert_int_equal(h2->all->node.urgency, 1);
  assert_int_equal(h2->sched.tree.placeholder_count, placeholders);
  assert_int_equal(h2_state_of(h2, 1), H2_CLOSED);
  script_close(&script);
}

/* ---- other calls ----------------------------------------------------------------------------- */

static void test_deadline(void **state) {
  (void)state;
  begin();
  const uint64_t idle_ns = script.engine.http.idle_ns;
  const uint64_t since_ns = script.machine.ops->idle_since_ns(script.machine.self);
  come_to_rest();
  assert_int_equal(script.machine.ops->idle_since_ns(script.machine.self), since_ns);
  assert_int_equal(script.machine.ops->deadline_ns(script.machine.self), since_ns + idle_ns);
  script.now_ns = since_ns + idle_ns - 1;
  tick();
  assert_int_equal(shared()->resting, 1);
  script.now_ns++;
  tick();
  assert_awake();
  assert_string_equal(script.log, "GOAWAY 1 NO_ERROR");
  script_close(&script);
}

static void test_ends(void **state) {
  (void)state;
  begin();
  come_to_rest();
  script_run(&script, "!drain");
  assert_awake();
  assert_string_equal(script.log, "GOAWAY 2147483647 NO_ERROR, PING");
  script_close(&script);
  begin();
  come_to_rest();
  script_run(&script, "!eof");
  assert_awake();
  assert_int_equal(wants(), MACHINE_DONE);
  script_close(&script);
}

static void test_nothing_to_send(void **state) {
  (void)state;
  struct span span;
  begin();
  come_to_rest();
  const struct machine_ops *ops = script.machine.ops;
  assert_int_equal(ops->send_peek(script.machine.self, &span, 1, 65536, script.now_ns), 0);
  ops->send_ack(script.machine.self, 0, script.now_ns);
  assert_int_equal(shared()->resting, 1);
  script_close(&script);
}

/* ---- not now --------------------------------------------------------------------------------- */

static void test_busy(void **state) {
  (void)state;
  static const char *const scenes[] = {
      "HEADERS/SH 3 [@hold]",                            /* a stream */
      "HEADERS 3 [@get]",                                /* a block */
      "RAW x00000806000000000000",                       /* a part of a payload */
      "!mute; PING 0 *8",                                /* output */
      "HEADERS/SH 3 [@get]; !mute; HEADERS/SH 5 [@get]", /* bytes that are lent */
      "GOAWAY 0 =0 =0",
      "!drain",
  };
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    begin();
    script_run(&script, scenes[i]);
    pass_rest_time();
    assert_false(wants() & MACHINE_MOVES);
    script_close(&script);
  }
}

/* A client's owner knows its struct. */
static void test_client(void **state) {
  (void)state;
  script_begin(&script, H2_CLIENT, NULL, false);
  pass_rest_time();
  assert_false(wants() & MACHINE_MOVES);
  script_close(&script);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_no_memory_to_rest(void **state) {
  (void)state;
  begin();
  pass_rest_time();
  script.memory.allowed = 0;
  move();
  assert_awake();
  script.memory.allowed = UINT64_MAX;
  move();
  assert_int_equal(shared()->resting, 1);
  script_run(&script, "HEADERS/SH 3 [@get #62]");
  assert_string_equal(script.sync_values, "second");
  script_close(&script);
}

static void assert_lost(void) {
  const struct machine_ops *ops = script.machine.ops;
  void *self = script.machine.self;
  assert_string_equal(script.log, "");
  assert_int_equal(wants(), MACHINE_DONE);
  assert_true(ops->deadline_ns(self) == MACHINE_NO_DEADLINE);
  assert_true(ops->idle_since_ns(self) == MACHINE_BUSY);
  assert_int_equal(shared()->connections.taken, 0);
  ops->drain(self, script.now_ns);
  ops->recv_eof(self, script.now_ns);
  assert_int_equal(wants(), MACHINE_DONE);
}

/* It ends, whichever allocation is refused: there are two tables. */
static void test_no_memory_to_wake(void **state) {
  (void)state;
  for (uint64_t allowed = 0; allowed < 2; allowed++) {
    begin();
    come_to_rest();
    script.memory.allowed = allowed;
    script_run(&script, "PING 0 *8");
    script.memory.allowed = UINT64_MAX;
    assert_lost();
    script_close(&script);
  }
  begin();
  come_to_rest();
  shared()->connections.max = 0;
  script_run(&script, "PING 0 *8");
  assert_lost();
  script_close(&script);
}

/* There is always room for those that rest. */
static void test_room(void **state) {
  (void)state;
  struct machine machine;
  begin();
  come_to_rest();
  shared()->connections.max = 1;
  assert_false(h2_server(shared(), &loopback_peer, NULL, script.now_ns, &machine));
  assert_int_equal(script.engine.http.counters.refused, 1);
  script_run(&script, "PING 0 *8");
  assert_awake();
  script_close(&script);
}

/* A host that does not move it may do so later: each quiet time counts anew. */
static void test_each_quiet_time(void **state) {
  (void)state;
  begin();
  for (unsigned round = 0; round < 2; round++) {
    assert_int_equal(wants() & MACHINE_MOVES, 0);
    pass_rest_time();
    assert_int_equal(wants() & MACHINE_MOVES, MACHINE_MOVES);
    script_run(&script, round ? "HEADERS/SH 5 [@get]" : "HEADERS/SH 3 [@get]");
  }
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_goes_on),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_each_quiet_time),
      cmocka_unit_test(test_frames),
      cmocka_unit_test(test_remembers),
      cmocka_unit_test(test_deadline),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_nothing_to_send),
      cmocka_unit_test(test_busy),
      cmocka_unit_test(test_client),
      cmocka_unit_test(test_no_memory_to_rest),
      cmocka_unit_test(test_no_memory_to_wake),
      cmocka_unit_test(test_room),
  };
  return cmocka_run_group_tests_name("h2/rest", tests, NULL, NULL);
}
