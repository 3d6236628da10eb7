/*
 * h2/test_clocks.c - every deadline of a connection (engine/base/limits.h, "time"): a peer that is
 * too slow is told so, one that is fast enough is left alone, and only progress renews a deadline.
 * Then the ends of connections: the peer's FIN, ours, and the graceful ends of both sides.
 */
#include "tests/spec/spec_lines.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

#define POSTED "request 1 POST /hold"
#define HELD   "request 1 GET /hold end"
#define TAKEN(id)                                                                                  \
  ", request " id " GET / end, closed " id " NO_ERROR, HEADERS " id " 200, DATA " id " 2 end"

static const struct spec_line deadlines[] = {
    {"5 s", "the preface", "RAW x505249; !tick 4900; RAW x202a; !tick 200",
     "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"5 s", "the first SETTINGS", "RAW ~magic; !tick 5000", "GOAWAY 0 PROTOCOL_ERROR",
     SPEC_LINE_BARE},
    {"10 s", "a frame", "RAW x00000806; !tick 9900; RAW x0000; !tick 200",
     "GOAWAY 0 ENHANCE_YOUR_CALM", 0},
    {"10 s", "a frame that comes in time",
     "RAW x00000806; !tick 9900; RAW x00000000003132333435363738", "PING ack 12345678", 0},
    {"10 s", "its payload, too", "RAW x000008060000000000 x31; !tick 10100",
     "GOAWAY 0 ENHANCE_YOUR_CALM", 0},
    {"10 s", "a header block",
     "HEADERS/S 1 [@get]; !tick 5000; CONT 1 [a=b]; !tick 4900; !tick 200",
     "GOAWAY 0 ENHANCE_YOUR_CALM", 0},
    {"10 s", "a header block that comes in time",
     "HEADERS/S 1 [@hold]; !tick 5000; CONT 1 [a=b]; !tick 4900; CONT/H 1 [c=d]", HELD, 0},
    {"10 s", "a request's body: silence",
     "HEADERS/H 1 [@post]; DATA 1 *9000; !tick 9000; PING 0 *8; WU 1 =1; !tick 2000",
     POSTED ", data 1 9000, PING ack, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"10 s", "a request's body: bytes break it",
     "HEADERS/H 1 [@post]; DATA 1 *9000; !tick 9000; DATA 1 *9000; !tick 9000; DATA/S 1 *1",
     POSTED ", data 1 9000, data 1 9000, data 1 1 end", 0},
    {"5 s", "a request's body: 500 bytes a second after that",
     "HEADERS/H 1 [@post]; DATA 1 *100; !tick 4000; DATA 1 *100; !tick 4000; DATA 1 *100",
     POSTED ", data 1 100, data 1 100, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"10 s", "a request's body: a fast start does not pay for the rest",
     "HEADERS/H 1 [@post]; DATA 1 *16000; !tick 7000; DATA 1 *9; !tick 7000; DATA 1 *9",
     POSTED ", data 1 16000, data 1 9, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"10 s", "a request's body: also when it is being answered",
     "HEADERS/H 1 [@post content-length=20000]; DATA 1 *9000; !respond 1 200; !tick 9000; "
     "!send 1 100; !tick 2000",
     POSTED ", data 1 9000, HEADERS 1 200, DATA 1 100, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"10 s", "a request's body: not while we hold it back",
     "HEADERS/H 1 [@post]; !mute; DATA 1 *16384; DATA 1 *16384; DATA 1 *16384; DATA 1 *16383; "
     "!tick 30000; !listen; DATA/S 1 *1",
     POSTED ", data 1 16384, data 1 16384, data 1 16384, data 1 16383, data 1 1 end", 0},
    {"10 s", "nor does a body of 0 bytes make a conversation",
     "HEADERS/H 1 [@post content-length=0]; !respond 1 200; !tick 12000",
     POSTED ", HEADERS 1 200, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"5 s", "several requests' bodies at once",
     "HEADERS/H 1 [@post]; HEADERS/H 3 [@post]; HEADERS/H 5 [@post]; !tick 7000",
     POSTED ", request 3 POST /hold, request 5 POST /hold, closed 5 CANCEL, closed 3 CANCEL, "
            "closed 1 CANCEL, RST_STREAM 5 CANCEL, RST_STREAM 3 CANCEL, RST_STREAM 1 CANCEL",
     0},
    {"300 s", "a conversation may be silent",
     "HEADERS/H 1 [@post]; DATA 1 *9; !respond 1 200; !tick 200000; DATA 1 *9; !tick 200000; "
     "DATA/S 1 *9; !end 1",
     POSTED ", data 1 9, HEADERS 1 200, data 1 9, data 1 9 end, closed 1 NO_ERROR, DATA 1 0 end",
     0},
    {"300 s", "or of one side only",
     "HEADERS/H 1 [@post]; DATA 1 *9; !respond 1 200; !tick 200000; !send 1 9; !tick 200000; "
     "!send 1 9; !tick 299000",
     POSTED ", data 1 9, HEADERS 1 200, DATA 1 9, DATA 1 9", 0},
    {"5 s", "a tunnel may be silent",
     "HEADERS/H 1 [@connect]; !respond 1 200; DATA 1 *9; !tick 200000; DATA 1 *9",
     "request 1 CONNECT a:443, HEADERS 1 200, data 1 9, data 1 9", 0},
    {"20 s", "nor does the client wait when we have ended our side of it",
     "HEADERS/H 1 [@connect]; !respond 1 200; !end 1; !tick 50000; DATA 1 *9",
     "request 1 CONNECT a:443, HEADERS 1 200, DATA 1 0 end, data 1 9", 0},
    {"5 s", "a request for a tunnel that is not answered yet may be, too",
     "HEADERS/H 1 [@connect]; !tick 50000", "request 1 CONNECT a:443", 0},
    {"300 s", "but not for ever", "HEADERS/H 1 [@connect]; !respond 1 200; DATA 1 *9; !tick 301000",
     "request 1 CONNECT a:443, HEADERS 1 200, data 1 9, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"20 s", "a response held back by a window",
     "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9000; !tick 15000; PING 0 *8; "
     "WU 1 =1; WU 0 =1; !tick 4000; WU 1 =1; !tick 1500",
     HELD ", HEADERS 1 200, PING ack, DATA 1 1, DATA 1 1, closed 1 ENHANCE_YOUR_CALM, "
          "GOAWAY 1 ENHANCE_YOUR_CALM",
     0},
    {"20 s", "1 KiB a second is enough",
     "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 60000; !tick 15000; WU 1 "
     "=21000; "
     "!tick 15000; WU 1 =21000; !tick 9000",
     HELD ", HEADERS 1 200, DATA 1 21000, DATA 1 21000", 0},
    {"20 s", "a paused response, while others are taken",
     "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9; !tick 15000; "
     "HEADERS/SH 3 [@get]; !tick 15000; HEADERS/SH 5 [@get]; !tick 15000; HEADERS/SH 7 [@get]; "
     "!tick 15000; HEADERS/SH 9 [@get]; !tick 15000; WU 1 =4; !end 1",
     HELD ", HEADERS 1 200, DATA 1 5" TAKEN("3") TAKEN("5") TAKEN("7")
         TAKEN("9") ", DATA 1 4, closed 1 NO_ERROR, DATA 1 0 end",
     0},
    {"20 s", "a paused response, while a handler's few bytes are taken",
     "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9; HEADERS/SH 3 [@hold]; "
     "!respond 3 200; !tick 15000; !send 3 1; !tick 15000; !send 3 1; !tick 15000; !send 3 1",
     HELD ", HEADERS 1 200, DATA 1 5, request 3 GET /hold end, HEADERS 3 200, DATA 3 1, DATA 3 1, "
          "DATA 3 1",
     0},
    {"20 s", "nothing is taken",
     "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9; !tick 15000; "
     "HEADERS/SH 3 [@get]; !tick 15000; !tick 20000",
     HELD ", HEADERS 1 200, DATA 1 5" TAKEN("3") ", closed 1 ENHANCE_YOUR_CALM, "
                                                 "GOAWAY 3 ENHANCE_YOUR_CALM",
     0},
    {"20 s", "what was taken when the time began does not count",
     "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9; HEADERS/SH 3 [@hold]; "
     "!respond 3 200; !send 3 1; !tick 20100",
     HELD ", HEADERS 1 200, DATA 1 5, request 3 GET /hold end, HEADERS 3 200, DATA 3 1, "
          "closed 3 ENHANCE_YOUR_CALM, closed 1 ENHANCE_YOUR_CALM, GOAWAY 3 ENHANCE_YOUR_CALM",
     0},
    {"20 s", "a silent handler is not the peer's fault",
     "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !tick 50000; !end 1",
     HELD ", HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end", 0},
    {"10 s", "replies that are not read", "!mute; PING 0 *8; !tick 10100; !listen",
     "PING ack, GOAWAY 0 ENHANCE_YOUR_CALM", 0},
    {"60 s", "no request", "!tick 59900; !tick 200", "GOAWAY 0 NO_ERROR", SPEC_LINE_FINAL},
    {"60 s", "only requests renew it",
     "!tick 30000; PING 0 *8; SETTINGS 0; WU 0 =1; PRIORITY 1 d0/1; !tick 30100",
     "PING ack, GOAWAY 0 NO_ERROR", SPEC_LINE_FINAL},
    {"60 s", "and do", "!tick 59000; HEADERS/SH 1 [@get]; !tick 59000",
     "request 1 GET / end, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end", 0},
};

static const struct spec_line ends[] = {
    {"9113 5.4.1", "FIN: complete requests are answered",
     "HEADERS/SH 1 [@hold]; HEADERS/H 3 [@post]; !eof; !respond 1 200; !end 1",
     HELD ", request 3 POST /hold, closed 3 CONNECT_ERROR, HEADERS 1 200, closed 1 NO_ERROR, "
          "DATA 1 0 end",
     SPEC_LINE_FINAL},
    {"9113 5.4.1", "FIN: a body held back by a window is given up",
     "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9; !eof",
     HELD ", HEADERS 1 200, DATA 1 5, closed 1 CANCEL", SPEC_LINE_FINAL},
    {"9113 5.4.1", "FIN: and so are those that are held back later",
     "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]; HEADERS/SH 5 [@hold]; !eof; "
     "!respond 1 200; !respond 3 200; !respond 5 200; !send 5 5; !mute; !send 1 9; !send 3 9; "
     "!listen",
     HELD ", request 3 GET /hold end, request 5 GET /hold end, HEADERS 1 200, HEADERS 3 200, "
          "HEADERS 5 200, DATA 5 5, closed 3 CANCEL, closed 1 CANCEL, DATA 1 5, DATA 3 5",
     SPEC_LINE_FINAL},
    {"9113 6.8", "drain: a second after the first GOAWAY, if the PING is not answered",
     "HEADERS/SH 1 [@hold]; !drain; !tick 900; !tick 100; !respond 1 200; !end 1",
     HELD ", drain 1, GOAWAY 2147483647 NO_ERROR, PING, GOAWAY 1 NO_ERROR, HEADERS 1 200, "
          "closed 1 NO_ERROR, DATA 1 0 end",
     SPEC_LINE_FINAL},
    {"", "drain: each open stream hears of it once, and one that comes later at once",
     "HEADERS/SH 1 [@hold]; HEADERS/H 3 [@post]; !drain; !drain; HEADERS/SH 5 [@hold]",
     HELD ", request 3 POST /hold, drain 3, drain 1, GOAWAY 2147483647 NO_ERROR, PING, "
          "request 5 GET /hold end, drain 5",
     0},
    {"9113 6.8", "drain: twice is like once", "!drain; !drain; !tick 1100",
     "GOAWAY 2147483647 NO_ERROR, PING, GOAWAY 0 NO_ERROR", SPEC_LINE_FINAL},
};

static const struct spec_line client_ends[] = {
    {"9113 6.8", "drain: no new requests, those in progress continue",
     "!request /a; !drain; !request /b; HEADERS/SH 1 [@ok]",
     "HEADERS 1 /a end, drain 1, GOAWAY 0 NO_ERROR, request refused, response 1 200 end, closed 1 "
     "NO_ERROR",
     SPEC_LINE_FINAL},
    {"9113 5.4.1", "FIN ends incomplete exchanges",
     "!request /a; !request /b; HEADERS/H 1 [@ok]; !eof",
     "HEADERS 1 /a end, HEADERS 3 /b end, response 1 200, closed 3 CONNECT_ERROR, "
     "closed 1 CONNECT_ERROR",
     SPEC_LINE_FINAL},
    {"10 s", "a frame", "RAW x00000806; !tick 10100", "GOAWAY 0 ENHANCE_YOUR_CALM", 0},
    {"5 s", "the server's SETTINGS", "!tick 5100", "GOAWAY 0 SETTINGS_TIMEOUT", SPEC_LINE_BARE},
};

static void test_deadlines(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(deadlines), H2_SERVER, NULL);
}

/* When half of a worker's streams are in use, one that its own window holds back is reset after
 * a minute. */
static void test_held_streams(void **state) {
  (void)state;
  for (uint32_t parts = 1; parts <= 2; parts++) { /* one stream is in use, most of the time */
    script_begin(&script, H2_SERVER, NULL, false);
    script.engine.h2.streams.max = parts * PEER_SCARCE_PART;
    script_run(&script, "SETTINGS 0 s4=5; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 9");
    for (unsigned id = 3; id < 15; id += 2) {
      char steps[64];
      snprintf(steps, sizeof steps, "!tick 15000; HEADERS/SH %u [@get]", id);
      assert_null(strstr(script.log, "RST_STREAM"));
      if (script.now_ns < PEER_HELD_NS) assert_null(strstr(script.log, "closed 1"));
      script_run(&script, steps);
    }
    const char *reset = strstr(script.log, "closed 1 CANCEL, RST_STREAM 1 CANCEL");
    assert_true(parts == 1 ? reset != NULL : reset == NULL);
    assert_non_null(strstr(script.log, "HEADERS 13 200"));
    assert_null(strstr(script.log, "GOAWAY"));
    script_close(&script);
  }
}

/* ---- output ---------------------------------------------------------------------------------- */

static uint64_t deadline(void) {
  return script.machine.ops->deadline_ns(script.machine.self);
}

/* Moves the time to the machine's next deadline and no further. */
static void reach(uint64_t at_ns) {
  assert_int_equal(deadline(), at_ns);
  script.now_ns = at_ns;
  script.machine.ops->tick(script.machine.self, script.now_ns);
}

/* What keeps a connection's output waiting, each alone: nothing of a header section has been made, a
 * whole response has, or there is DATA to be made. */
static void test_output_not_taken(void **state) {
  (void)state;
  static const char *const scenes[] = {
      "!mute; HEADERS/SH 1 [@get]",
      "!mute; HEADERS/SH 1 [@get]",
      "HEADERS/SH 1 [@hold]; !respond 1 200; !mute; !send 1 99",
  };
  for (unsigned i = 0; i < 3; i++) {
    struct span spans[16];
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, scenes[i]);
    const struct machine_ops *ops = script.machine.ops;
    if (i == 1)
      assert_true(ops->send_peek(script.machine.self, spans, 16, 65536, script.now_ns) > 0);
    if (i > 0) ops->tick(script.machine.self, script.now_ns);
    reach(script.now_ns + PEER_SEND_STALL_NS);
    assert_int_equal(script.engine.h2.counters.timeouts_output, 1);
    script_close(&script);
  }
}

/* A stream that takes too little when half of a worker's streams are in use is reset; one that takes
 * enough is not, nor one whose handler is silent. */
static void test_slow_streams(void **state) {
  (void)state;
  const unsigned least =
      PEER_SEND_BYTES_PER_SECOND_MIN * (unsigned)(PEER_SEND_STALL_NS / SECOND_NS);
  for (unsigned lacks = 0; lacks < 2; lacks++) {
    char steps[128];
    script_begin(&script, H2_SERVER, NULL, false);
    script.engine.h2.streams.max = 2 * PEER_SCARCE_PART; /* scarce until one is left */
    script_run(&script, "SETTINGS 0 s4=0; WU 0 =1000000; HEADERS/SH 1 [@hold]; !respond 1 200; "
                        "!send 1 900000; HEADERS/SH 3 [@hold]; !respond 3 200; "
                        "HEADERS/SH 5 [@hold]; !respond 5 200; !send 5 900000");
    script_clear(&script);
    for (unsigned i = 0; i < 5; i++) {
      snprintf(steps, sizeof steps, "WU 1 =%u; WU 5 =%u; !tick 20000", least - lacks,
               least - lacks);
      script_run(&script, steps);
    }
    const struct h2_counters *counters = &script.engine.h2.counters;
    assert_null(strstr(script.log, "GOAWAY"));
    assert_null(strstr(script.log, "closed 3"));
    assert_int_equal(!strstr(script.log, "closed 1 CANCEL"), !lacks);
    assert_int_equal(!strstr(script.log, "closed 5 CANCEL"), !lacks);
    assert_int_equal(counters->timeouts, 2 * lacks);
    assert_int_equal(counters->timeouts_output, 2 * lacks);
    script_close(&script);
  }
}

/* ---- request bodies -------------------------------------------------------------------------- */

/* A frame of DATA may take longer than other frames. */
static void test_slow_frame(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; RAW x004000000000000001 *6000; !tick 5000; RAW *6000; "
                      "!tick 6000; RAW *4384");
  assert_string_equal(script.log, POSTED ", data 1 6000, data 1 6000, data 1 4384");
  script_close(&script);
}

/* Whether the body is given up when its client is silent after so many bytes, with that window of the
 * stream: for its pace, or else only for the silence. No credit is returned meanwhile. */
static bool is_given_up(uint32_t window_bytes, const char *data, bool for_pace) {
  struct engine_config config = script_config();
  config.h2.stream_window_bytes = window_bytes;
  if (!for_pace) config.h2.body_bytes_per_second_min = 0;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/H 1 [@post]; !mute");
  script_run(&script, data);
  script_run(&script, for_pace ? "!tick 8000" : "!tick 30000");
  bool given_up = strstr(script.log, "closed 1 CANCEL") != NULL;
  assert_int_equal(script.engine.h2.counters.timeouts_bodies, given_up);
  script_close(&script);
  return given_up;
}

/* Either window holds it back, when not a byte is left of it. */
static void test_windows_hold_back(void **state) {
  (void)state;
  for (int for_pace = 0; for_pace < 2; for_pace++) {
    assert_false(is_given_up(100, "DATA 1 *100", for_pace));
    assert_true(is_given_up(100, "DATA 1 *99", for_pace));
  }
  static const char all_but_some[] = "DATA 1 *16384; DATA 1 *16384; DATA 1 *16384";
  char data[128];
  for (unsigned left = 0; left < 2; left++) {
    snprintf(data, sizeof data, "%s; DATA 1 *%u", all_but_some, 16383 - left);
    assert_int_equal(is_given_up(1 * MIB, data, false), left);
  }
}

/* ---- pauses and timers ----------------------------------------------------------------------- */

static unsigned rings;

static void on_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  rings++;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

/* A request whose handler has set a timer, on a connection that is paused if `paused`. Returns when
 * the pause ends. */
static uint64_t set_timer(uint64_t at_ns, bool paused) {
  static const struct stream_events events = {.timer = on_timer};
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]");
  struct stream *stream = script_app_of(&script, 1)->stream;
  stream->events = &events;
  rings = 0;
  struct pause *pause = &h2_of(&script.machine)->pause;
  while (paused && !pause->on)
    script_run(&script, "T200 0 *8");
  stream_timer(stream, script.now_ns + at_ns);
  script.mute = true;
  return pause->until_ns;
}

/* A handler's timer fires while reading is paused, too. */
static void test_timer_in_a_pause(void **state) {
  (void)state;
  uint64_t until_ns = set_timer(MILLISECOND_NS, true);
  reach(script.now_ns + MILLISECOND_NS);
  assert_int_equal(rings, 1);
  assert_int_equal(deadline(), until_ns);
  script_close(&script);

  until_ns = set_timer(PEER_PAUSE_NS * 2, true);
  assert_int_equal(deadline(), until_ns);
  script_close(&script);
}

/* What a timer has queued is watched from then on. */
static void test_output_of_a_timer(void **state) {
  (void)state;
  (void)set_timer(SECOND_NS, false);
  reach(script.now_ns + SECOND_NS);
  assert_int_equal(rings, 1);
  reach(script.now_ns + PEER_SEND_STALL_NS);
  assert_int_equal(script.engine.h2.counters.timeouts_output, 1);
  script_close(&script);
}

/* The application's events have none for timers. */
static void test_unheard_timer(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]");
  stream_timer(script_app_of(&script, 1)->stream, script.now_ns + SECOND_NS);
  reach(script.now_ns + SECOND_NS);
  script_close(&script);
}

/* The rest of an answered request may wait to be read. */
static void test_linger_in_a_pause(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; !respond 1 200; !end 1");
  script.now_ns += PEER_LINGER_IDLE_NS - MILLISECOND_NS;
  const struct pause *pause = &h2_of(&script.machine)->pause;
  while (!pause->on)
    script_run(&script, "T200 0 *8");
  script_clear(&script);
  script.now_ns += MILLISECOND_NS;
  script.machine.ops->tick(script.machine.self, script.now_ns);
  script_pump(&script);
  assert_string_equal(script.log, "");
  const uint64_t until_ns = pause->until_ns;
  while (!*script.log) {
    script.now_ns = deadline();
    script.machine.ops->tick(script.machine.self, script.now_ns);
    script_pump(&script);
  }
  assert_string_equal(script.log, "RST_STREAM 1 NO_ERROR");
  assert_in_range(script.now_ns, until_ns, until_ns + PEER_LINGER_IDLE_NS);
  script_close(&script);
}

static void test_ends(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(ends), H2_SERVER, NULL);
  spec_lines_run(SPEC_LINES(client_ends), H2_CLIENT, NULL);
}

/* A connection at rest holds less than one that has just answered, and answers as before. */
static void test_rest(void **state) {
  (void)state;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@get]");
  const size_t busy = script.memory.bytes;
  script.now_ns += H2_REST_NS - 1;
  script.machine.ops->tick(script.machine.self, script.now_ns);
  assert_int_equal(script.memory.bytes, busy);
  for (unsigned time = 0; time < 2; time++) { /* once, until it has answered again */
    assert_int_equal(script.machine.ops->deadline_ns(script.machine.self) > script.now_ns + 1,
                     time);
    script.now_ns += 1;
    script.machine.ops->tick(script.machine.self, script.now_ns);
    assert_true(busy - script.memory.bytes > 2000);
  }
  script_clear(&script);
  script_run(&script, "HEADERS/SH 3 [@get]");
  assert_string_equal(script.log, "request 3 GET / end, closed 3 NO_ERROR, HEADERS 3 200, "
                                  "DATA 3 2 end");
  assert_int_equal(script.memory.bytes, busy);
  script_close(&script);
}

/* Afterwards, deadline_ns() never asks for a tick that changes nothing. A host that ticks at
 * each deadline makes progress or sleeps. */
static void test_no_busy_deadline(void **state) {
  (void)state;
  static const char *const scenes[] = {
      "HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 99999",
      "HEADERS/H 1 [@post]; DATA 1 *900",
      "HEADERS/H 1 [:method=POST :scheme=https :path=/]",
      "HEADERS/S 1 [@get]",
      "RAW x000008",
      "HEADERS/SH 1 [@hold]; !drain",
      "!mute; PING 0 *8",
      "DATA 0 *1",
  };
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    script_begin(&script, H2_SERVER, NULL, false);
    script_run(&script, scenes[i]);
    const struct machine_ops *ops = script.machine.ops;
    unsigned ticks = 0;
    for (uint64_t before = 0; !script_done(&script); ticks++) {
      uint64_t deadline = ops->deadline_ns(script.machine.self);
      if (deadline == MACHINE_NO_DEADLINE) break;
      assert_true(deadline > before || ticks < 4); /* it moves on */
      before = deadline;
      if (deadline > script.now_ns) script.now_ns = deadline;
      ops->tick(script.machine.self, script.now_ns);
      script_pump(&script);
      assert_true(ticks < 2000);
    }
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_deadlines),
      cmocka_unit_test(test_held_streams),
      cmocka_unit_test(test_output_not_taken),
      cmocka_unit_test(test_slow_streams),
      cmocka_unit_test(test_slow_frame),
      cmocka_unit_test(test_windows_hold_back),
      cmocka_unit_test(test_timer_in_a_pause),
      cmocka_unit_test(test_output_of_a_timer),
      cmocka_unit_test(test_unheard_timer),
      cmocka_unit_test(test_linger_in_a_pause),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_rest),
      cmocka_unit_test(test_no_busy_deadline),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
