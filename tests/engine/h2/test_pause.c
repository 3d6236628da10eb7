/*
 * h2/test_pause.c - a connection that has used up a budget is read more slowly: what waits, what
 * continues, which clocks stand still, and when it is ended.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

#define USELESS "T200 0"
#define PAUSES  (PEER_SLOWED_NS / PEER_PAUSE_NS)

static struct script script;
static uint32_t next_id;

static void begin(const struct engine_config *config, const char *text) {
  script_begin(&script, H2_SERVER, config, false);
  script_run(&script, text);
  script_clear(&script);
  next_id = 101;
}

static bool reads(void) {
  return script.machine.ops->wants(script.machine.self) & MACHINE_RECV;
}

/* Runs the step once, with `$` for a new stream's identifier. */
static void once(const char *text) {
  char step[256];
  size_t len = 0;
  for (const char *at = text; *at; at++)
    len += (size_t)(*at == '$' ? snprintf(step + len, sizeof step - len, "%u", (unsigned)next_id)
                               : snprintf(step + len, sizeof step - len, "%c", *at));
  next_id += 2;
  script.app_count = 0;
  script_run(&script, step);
}

/* Useless frames until reading pauses. */
static void use_up(void) {
  while (reads())
    script_run(&script, USELESS);
  assert_false(script.goaway);
}

/* Useless frames whenever they are read, for that long. */
static void flood_for(uint64_t ns) {
  for (uint64_t end_ns = script.now_ns + ns; script.now_ns < end_ns;) {
    use_up();
    script_run(&script, "!tick 100");
  }
}

static const struct h2_counters *counters(void) {
  return &script.engine.h2.counters;
}

/* ---- a pause --------------------------------------------------------------------------------- */

/* What the peer has sent waits for PEER_PAUSE_NS, and not a nanosecond longer. */
static void test_waits(void **state) {
  (void)state;
  static const uint8_t ping[17] = {0, 0, 8, H2_PING};
  begin(NULL, "");
  const struct machine_ops *ops = script.machine.ops;
  void *self = script.machine.self;
  use_up();
  assert_int_equal(ops->deadline_ns(self), script.now_ns + PEER_PAUSE_NS);
  assert_int_equal(ops->recv(self, span_of(ping, sizeof ping), script.now_ns), 0);
  script.now_ns += PEER_PAUSE_NS - 1;
  ops->tick(self, script.now_ns);
  assert_false(reads());
  ops->tick(self, ++script.now_ns);
  assert_true(reads());
  assert_int_equal(ops->recv(self, span_of(ping, sizeof ping), script.now_ns), sizeof ping);
  script_pump(&script);
  assert_string_equal(script.log, "PING ack");
  assert_int_equal(counters()->pauses, 1);
  script_check(&script);
  script_close(&script);
}

/* Reading stops within a receive: the rest of it is left to the host. */
static void test_stops_within(void **state) {
  (void)state;
  enum { FRAMES = PEER_GLITCH_BURST + 50 };
  static uint8_t frames[FRAMES * H2_FRAME_HEADER_BYTES];
  for (size_t i = 0; i < FRAMES; i++)
    frames[i * H2_FRAME_HEADER_BYTES + 3] = 200;
  begin(NULL, "");
  size_t took =
      script.machine.ops->recv(script.machine.self, span_of(frames, sizeof frames), script.now_ns);
  assert_int_equal(took, (PEER_GLITCH_BURST + 1) * H2_FRAME_HEADER_BYTES);
  assert_false(reads());
  script_close(&script);
}

/* The frame that is one too many ends the connection, and has no other effect. */
static void test_one_too_many(void **state) {
  static const char *const steps[] = {"PING 0 *8", "WU 0 =1000", "GOAWAY 0 =1 =$"};
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    begin(NULL, "HEADERS/SH 1 [@hold]");
    const struct h2 *h2 = h2_of(&script.machine);
    uint32_t code = 0, window = 0;
    while (!script.goaway) {
      if (!reads()) script_run(&script, "!tick 100");
      code = h2->goaway_code;
      window = window_available(&h2->window);
      script_clear(&script);
      once(steps[i]);
    }
    if (strcmp(script.log, "closed 1 ENHANCE_YOUR_CALM, GOAWAY 1 ENHANCE_YOUR_CALM") != 0 ||
        h2->goaway_code != code || window_available(&h2->window) != window)
      fail_msg("%s: %s", steps[i], script.log);
    script_close(&script);
  }
}

/* Responses and handlers' timers continue. */
static void test_output_goes_on(void **state) {
  (void)state;
  begin(NULL, "HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]; !respond 1 200");
  use_up();
  script_clear(&script);
  script_run(&script, "!send 1 100; !respond 3 200; !end 3; !end 1");
  assert_string_equal(script.log, "DATA 1 100, HEADERS 3 200, closed 3 NO_ERROR, DATA 3 0 end, "
                                  "closed 1 NO_ERROR, DATA 1 0 end");
  assert_false(reads());
  script_close(&script);
}

/* A paused connection may have a waiting request, so the host must not take it for an idle one. */
static void test_is_not_idle(void **state) {
  (void)state;
  begin(NULL, "");
  const struct machine_ops *ops = script.machine.ops;
  assert_int_not_equal(ops->idle_since_ns(script.machine.self), MACHINE_BUSY);
  use_up();
  assert_int_equal(ops->idle_since_ns(script.machine.self), MACHINE_BUSY);
  script_run(&script, "!tick 100");
  assert_int_not_equal(ops->idle_since_ns(script.machine.self), MACHINE_BUSY);
  script_close(&script);
}

/* The end of a body needs no more bytes, so that nothing makes it wait: here a probe of the path, which
 * is the reply too many. */
static void test_an_end_without_bytes(void **state) {
  (void)state;
  enum { PINGS = H2_CONTROL_BYTES * 3 / 4 / (H2_FRAME_HEADER_BYTES + 8) };
  struct engine_config config = script_config();
  config.h2.flow = FLOW_AUTO;
  begin(&config, "HEADERS/H 1 [@post]; !mute");
  for (int i = 0; i < PINGS; i++)
    script_run(&script, "PING 0 *8");
  assert_true(reads());
  script_clear(&script);
  script_run(&script, "DATA/S 1");
  assert_false(reads());
  assert_string_equal(script.log, "data 1 0 end");
  script_close(&script);
}

/* ---- the end --------------------------------------------------------------------------------- */

static const struct flood_row {
  const char *name, *step;
  unsigned burst, per_second;
  size_t calmed; /* its counter, as an offset into struct h2_counters */
} floods[] = {
    {"useless frames", USELESS, PEER_GLITCH_BURST, PEER_GLITCH_PER_SECOND,
     offsetof(struct h2_counters, calmed_glitches)},
    {"resets", "HEADERS/SH $ [@hold]; RST $ =8", PEER_RESET_BURST, PEER_RESET_PER_SECOND,
     offsetof(struct h2_counters, calmed_resets)},
    {"made resets", "HEADERS/SH $ [@hold]; WU $ =0", PEER_RESET_BURST, PEER_RESET_PER_SECOND,
     offsetof(struct h2_counters, calmed_resets)},
    {"PING", "PING 0 *8", PEER_PING_BURST, PEER_PING_PER_SECOND,
     offsetof(struct h2_counters, calmed_pings)},
    {"SETTINGS", "SETTINGS 0", PEER_SETTINGS_BURST, PEER_SETTINGS_PER_SECOND,
     offsetof(struct h2_counters, calmed_settings)},
};

/* Frames as fast as they are read: the burst, then the budget's rate and one frame a pause for
 * PEER_SLOWED_NS, and then ENHANCE_YOUR_CALM. */
static void test_floods(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    const struct flood_row *row = &floods[i];
    print_message("%s\n", row->name);
    begin(NULL, "");
    script.patient = true;
    const uint64_t began_ns = script.now_ns;
    unsigned count = 0;
    for (; !script.goaway; count++) {
      script_clear(&script);
      once(row->step);
    }
    assert_non_null(strstr(script.log, "ENHANCE_YOUR_CALM"));
    assert_true(script_done(&script));
    assert_int_equal(script.now_ns - began_ns, PEER_SLOWED_NS);
    const unsigned rate = row->per_second + SECOND_NS / PEER_PAUSE_NS;
    const unsigned most = row->burst + rate * (unsigned)(PEER_SLOWED_NS / SECOND_NS) + 1;
    assert_in_range(count, most - PAUSES, most);
    const char *all = (const char *)counters();
    assert_int_equal(*(const uint64_t *)(const void *)(all + row->calmed), 1);
    assert_int_equal(counters()->slowed, 1);
    assert_int_equal(counters()->pauses, PAUSES);
    script_close(&script);
  }
}

/* A burst of five times the budget is read to its end. */
static void test_bursts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    const struct flood_row *row = &floods[i];
    print_message("%s\n", row->name);
    begin(NULL, "");
    script.patient = true;
    for (unsigned n = 0; n < row->burst + 5 * row->per_second; n++) {
      script_clear(&script);
      once(row->step);
    }
    script_clear(&script);
    once("HEADERS/SH $ [@get]");
    assert_non_null(strstr(script.log, "200"));
    assert_int_equal(counters()->slowed, 1);
    assert_in_range(counters()->pauses, 1, 5 * SECOND_NS / PEER_PAUSE_NS);
    script_check(&script);
    script_close(&script);
  }
}

/* Time in which it is read makes up for pauses. */
static void test_letting_up(void **state) {
  (void)state;
  begin(NULL, "");
  for (int i = 0; i < 5; i++) {
    flood_for(PEER_SLOWED_NS - SECOND_NS);
    script_run(&script, "PING 0 *8; !tick 9000");
  }
  assert_false(script.goaway);
  assert_int_equal(counters()->slowed, 5);
  flood_for(PEER_SLOWED_NS - SECOND_NS);
  script_run(&script, "!tick 4000");
  flood_for(PEER_SLOWED_NS - SECOND_NS - 4 * SECOND_NS);
  assert_int_equal(counters()->slowed, 6);
  script.patient = true;
  for (int i = 0; !script.goaway; i++) {
    script_clear(&script);
    script_run(&script, USELESS);
    assert_true(i < 1000);
  }
  assert_int_equal(counters()->calmed_glitches, 1);
  script_close(&script);
}

/* A host that ticks late makes pauses longer, which is no time in which we read. */
static void test_late_ticks(void **state) {
  (void)state;
  begin(NULL, "");
  for (unsigned i = 0; i < PAUSES; i++) {
    use_up();
    script.now_ns += SECOND_NS;
    script.machine.ops->tick(script.machine.self, script.now_ns);
    assert_true(reads());
  }
  for (int i = 0; i < 100 && reads(); i++)
    script_run(&script, USELESS);
  assert_true(script.goaway);
  assert_int_equal(counters()->pauses, PAUSES);
  script_close(&script);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

/* A flood of a second and a half begins a second before a deadline, and what would have kept the
 * deadline comes behind it. */
static const struct clock_row {
  const char *name, *before;
  unsigned ms; /* from then to the flood */
  const char *then, *transcript;
} clocks[] = {
    {"a request's body", "HEADERS/H 1 [@post]; DATA 1 *16000", 9500, "DATA/S 1 *1", "data 1 1 end"},
    {"a slow body", "HEADERS/H 1 [@post]; DATA 1 *2000", 8500, "DATA 1 *1000", "data 1 1000"},
    {"replies", "!mute; PING 0 *8", 9000, "!listen; PING 0 *8", "PING ack, PING ack"},
    {"output", "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9", 19000,
     "WU 1 =9; !end 1", "DATA 1 9, closed 1 NO_ERROR, DATA 1 0 end"},
    {"no request", "", 59000, "HEADERS/SH 1 [@get]",
     "request 1 GET / end, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end"},
    {"draining", "!drain", 500, "HEADERS/SH 1 [@get]",
     "request 1 GET / end, drain 1, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end"},
    {"the rest of an answered request", "HEADERS/H 1 [@post]; !respond 1 200; !end 1", 500,
     "DATA/S 1 *9; PING 0 *8", "PING ack"},
};

/* How the time passes after the quiet: with the flood, without it, or with it and as long again. The
 * last two exceed the deadline. */
enum way { FLOODED, QUIET, FLOODED_AND_QUIET, WAYS };

static void test_clocks(void **state) {
  (void)state;
  for (size_t i = 0; i < WAYS * sizeof clocks / sizeof *clocks; i++) {
    const struct clock_row *row = &clocks[i / WAYS];
    const enum way way = i % WAYS;
    char step[32];
    print_message("%s, %d\n", row->name, way);
    begin(NULL, row->before);
    snprintf(step, sizeof step, "!tick %u", row->ms);
    script_run(&script, step);
    if (way != QUIET) flood_for(1500 * MILLISECOND_NS);
    if (way != FLOODED) script_run(&script, "!tick 1600");
    script_run(&script, row->then);
    if (way == FLOODED)
      assert_string_equal(script.log, row->transcript);
    else
      assert_string_not_equal(script.log, row->transcript);
    script_close(&script);
  }
}

/* Our SETTINGS are acknowledged behind the flood. */
static void test_settings_clock(void **state) {
  (void)state;
  for (int floods_us = 0; floods_us < 2; floods_us++) {
    script_begin(&script, H2_SERVER, NULL, true);
    script_run(&script, "RAW ~magic; SETTINGS 0; !tick 9000");
    if (floods_us)
      flood_for(1500 * MILLISECOND_NS);
    else
      script_run(&script, "!tick 1500");
    script_run(&script, "SETTINGS/A 0");
    assert_int_equal(script.goaway, !floods_us);
    script_close(&script);
  }
}

/* A header block on a stream that we reset long ago is useless, so reading may pause within it. */
static void test_block_clock(void **state) {
  (void)state;
  begin(NULL, "HEADERS/H 1 [@post]; WU 1 =0; !tick 2100");
  while (h2_of(&script.machine)->glitches.tokens > 0)
    script_run(&script, USELESS);
  script_run(&script, "HEADERS/S 1 [a=b]");
  assert_false(reads());
  script_run(&script, "!tick 10000; CONT/H 1 [c=d]");
  assert_false(script.goaway);
  script_check(&script);
  script_close(&script);
}

/* Frames for a stream that we reset cost nothing for a round trip, in which we read. */
static void test_late_clock(void **state) {
  (void)state;
  for (int floods_us = 0; floods_us < 2; floods_us++) {
    begin(NULL, "HEADERS/H 1 [@post]; WU 1 =0; !tick 1000");
    if (floods_us)
      flood_for(1500 * MILLISECOND_NS);
    else
      script_run(&script, "!tick 1500");
    script_run(&script, "DATA 1 *1");
    assert_int_equal(counters()->glitches_late, !floods_us);
    script_close(&script);
  }
}

/* A stream that its own window holds back is reset after PEER_HELD_NS of reading, once streams are
 * scarce. */
static void test_held_clock(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.streams_max = 2;
  const uint64_t *resets = &script.engine.h2.counters.resets_sent;
  for (int floods_us = 0; floods_us < 2; floods_us++) {
    begin(&config, "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9");
    for (uint64_t passed_ns = 0; passed_ns < 2 * PEER_HELD_NS + 10 * SECOND_NS;
         passed_ns += 10 * SECOND_NS) {
      once("HEADERS/SH $ [@get]; WU $ =9"); /* other responses are taken */
      if (floods_us)
        flood_for(5 * SECOND_NS);
      else
        script_run(&script, "!tick 5000");
      script_run(&script, "!tick 5000");
    }
    assert_false(script.goaway);
    assert_int_equal(*resets, !floods_us);
    script_close(&script);
  }
}

/* The rest of an answered request is read for PEER_LINGER_NS, pauses excluded. */
static void test_linger_clock(void **state) {
  (void)state;
  begin(NULL, "HEADERS/H 1 [@post]; !respond 1 200; !end 1");
  for (int i = 0; i < 8; i++)
    script_run(&script, "!tick 900; DATA 1 *1");
  flood_for(5 * SECOND_NS);
  for (int i = 0; i < 3; i++)
    script_run(&script, "DATA 1 *1; !tick 900");
  assert_string_equal(script.log, "");
  script_run(&script, "DATA 1 *1; !tick 100"); /* it is not idle */
  assert_string_equal(script.log, "RST_STREAM 1 NO_ERROR");
  _Static_assert(PEER_LINGER_NS == 10 * SECOND_NS, "7.2 s, 2.7 s and the last tick");
  script_close(&script);
}

/* A response waits for the transport for 21 seconds, but for 12 in which we read: within the 20 seconds
 * that are looked at, another was taken. */
static void test_queued_clock(void **state) {
  (void)state;
  struct span spans[4];
  begin(NULL, "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9; "
              "HEADERS/SH 3 [@get]; !tick 8000; HEADERS/SH 5 [@hold]; !mute; !respond 5 200");
  const struct machine_ops *ops = script.machine.ops;
  assert_in_range(ops->send_peek(script.machine.self, spans, 4, 64 * KIB, script.now_ns), 1, 4);
  flood_for(9 * SECOND_NS);
  script_run(&script, "!tick 12000");
  assert_int_equal(counters()->timeouts_output, 0);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_waits),        cmocka_unit_test(test_stops_within),
      cmocka_unit_test(test_one_too_many), cmocka_unit_test(test_output_goes_on),
      cmocka_unit_test(test_is_not_idle),  cmocka_unit_test(test_an_end_without_bytes),
      cmocka_unit_test(test_floods),       cmocka_unit_test(test_bursts),
      cmocka_unit_test(test_letting_up),   cmocka_unit_test(test_late_ticks),
      cmocka_unit_test(test_clocks),       cmocka_unit_test(test_settings_clock),
      cmocka_unit_test(test_block_clock),  cmocka_unit_test(test_late_clock),
      cmocka_unit_test(test_held_clock),   cmocka_unit_test(test_queued_clock),
      cmocka_unit_test(test_linger_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
