/*
 * spdy/test_alive.c - PINGs of our own, and when a session is given up as lost.
 */
#include "engine/spdy/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

static const struct spdy_session_config watched = {.raw = true, .ping_ns = 10 * SECOND_NS};
static const struct spdy_session_config unwatched = {.raw = true};

#define PINGS "PING 1, PING 3, PING 5, PING 7, PING 9, PING 11"
_Static_assert(SPDY_PINGS_UNANSWERED == 6, "PINGS has as many");

static const struct spdy_line client[] = {
    {"answered", "!pass 10000; PING 1; !pass 9990; !pass 10; PING 3; !pass 100", "PING 1, PING 3"},
    {"any byte is an answer", "!pass 10000; RAW x80; !pass 9990", "PING 1"},
    {"a peer that speaks gets none", "!pass 9000; PING 2; !pass 9000; PING 4; !pass 9000",
     "PING 2, PING 4"},
    {"no answer", "!request a=b; !pass 20000",
     "SYN_STREAM 1 fields 1, " PINGS ", ended lost, closed 1 CANCEL, done"},
    {"not before its time", "!request a=b; !pass 19990", "SYN_STREAM 1 fields 1, " PINGS},
    {"an answer to any of them", "!request a=b; !pass 13000; PING 3; !pass 9990; !pass 10",
     "SYN_STREAM 1 fields 1, PING 1, PING 3, PING 5"},
    {"a PING that cannot leave", "!mute; !pass 20000", "ended lost, done"},
    {"after the end there are none",
     "!request a=b; !drain; !pass 20000; REPLY/S 1; !end 1 0; !pass 10000",
     "SYN_STREAM 1 fields 1, drain 1, GOAWAY 0 OK, " PINGS
     ", ended lost, closed 1 CANCEL, done, no "
     "stream 1"},
};

static const struct spdy_line server[] = {
    {"of a server", "SYN 1 a=b; !tunnel 1; !pass 10000; PING 2; !pass 10000; !pass 10000",
     "request 1 fields 1, SYN_REPLY 1 fields 0, PING 2, PING 4, PING 6, PING 8, PING 10, PING 12, "
     "PING 14, closed 1 "
     "CANCEL, done"},
    {"while we do not read, silence means nothing",
     "!later; SYN 1 a=b; !tunnel 1; DATA 1 1048577; !wants; !pass 60000; !consume 1 1048577; "
     "!wants; "
     "!pass 9990; !pass 10",
     "request 1 fields 1, SYN_REPLY 1 fields 0, data 1 1048577, wants no recv, wants recv, PING 2"},
};

static const struct spdy_session_config detect = {
    .raw = true, .ping_ns = 10 * SECOND_NS, .windows = SPDY_WINDOWS_DETECT};

static const struct spdy_session_config patient = {
    .raw = true, .ping_ns = 10 * SECOND_NS, .patient = true};

#define TUNNEL    "SYN 1 a=b; !tunnel 1; "
#define TUNNELLED "request 1 fields 1, SYN_REPLY 1 fields 0, "
#define LATER     "PING 4, PING 6, PING 8, PING 10, PING 12"

/* Output waits: the peer may live and read nothing. */
static const struct spdy_line waiting[] = {
    {"while output waits, silence means nothing",
     TUNNEL "!mute; !send 1 5; !pass 600000; !listen; !send 1 6; !pass 1000; PING 2; !pass 9990",
     TUNNELLED "PING 2, DATA 1 5, DATA 1 6, PING 4"},
    {"nor if the PING left before",
     TUNNEL "!pass 10000; !mute; !send 1 5; !pass 600000; !listen; !send 1 6; !pass 1000; PING 4; "
            "!pass 9990",
     TUNNELLED "PING 2, " LATER ", DATA 1 5, DATA 1 6, PING 14"},
    {"once it has left, there must be an answer",
     TUNNEL "!mute; !send 1 5; !pass 600000; !listen; !send 1 6; !pass 10000",
     TUNNELLED "PING 2, DATA 1 5, DATA 1 6, " LATER ", PING 14, closed 1 CANCEL, done"},
    {"no output waits", TUNNEL "!pass 20000", TUNNELLED "PING 2, " LATER ", closed 1 CANCEL, done"},
};

static const struct spdy_line silent[] = {
    {"never", "!request a=b; !pass 100000", "SYN_STREAM 1 fields 1"},
};

static void test_alive(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(client), false, &watched, NULL);
  spdy_lines_run(SPDY_LINES(server), true, &detect, NULL);
  spdy_lines_run(SPDY_LINES(waiting), true, &patient, NULL);
  spdy_lines_run(SPDY_LINES(silent), false, &unwatched, NULL);
}

/* While the transport takes what stands before the PING, the network is alive. */
static void test_slow_transport(void **state) {
  static struct spdy_script script;
  struct span spans[8];
  (void)state;
  spdy_script_begin(&script, false, &watched, NULL);
  spdy_script_run(&script, "!request a=b; !mute; !end 1 65000", 0);
  struct machine *machine = &script.machine;
  for (unsigned second = 0; second < 60; second += 5) {
    size_t count = machine->ops->send_peek(machine->self, spans, 8, 16384, script.now_ns);
    assert_true(count > 0);
    machine->ops->send_ack(machine->self, 100, script.now_ns);
    spdy_script_run(&script, "!pass 5000", 0);
  }
  assert_false(script.done);
  spdy_script_run(&script, "!pass 10000", 0);
  assert_true(script.done);
  assert_int_equal(script.engine.spdy.counters.lost, 1);
  spdy_script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_alive),
                                     cmocka_unit_test(test_slow_transport)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
