/*
 * h2/test_block.c - who hears of a header section, what is counted, and the borders of a few rules. The
 * rules themselves have rows in tests/spec/test_messages.c.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;
static struct stream_facts facts;
static unsigned refused, ended;

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx, (void)stream, (void)now_ns;
  assert_true(span_is(request->method, "GET"));
  refused++;
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *of) {
  (void)ctx, (void)stream;
  facts = *of;
  ended++;
}

static void begin_with(enum h2_role role, const struct engine_config *config) {
  script_begin(&script, role, config, false);
  script.handler.refused = on_refused;
  script.handler.ended = on_ended;
  refused = ended = 0;
}

static void begin(enum h2_role role) {
  begin_with(role, NULL);
}

static void expect(const char *steps, const char *log) {
  script_clear(&script);
  script_run(&script, steps);
  assert_string_equal(script.log, log);
}

/* ---- who hears ------------------------------------------------------------------------------- */

/* The engine answers in place of the handler, which is told. */
static void test_refused(void **state) {
  (void)state;
  begin(H2_SERVER);
  expect("HEADERS/SH 1 [@get A=b]", "HEADERS 1 400 end, RST_STREAM 1 PROTOCOL_ERROR");
  assert_int_equal(refused, 1);
  assert_int_equal(ended, 1);
  assert_int_equal(facts.status, 400);
  script_close(&script);
}

/* A handler that has answered in full hears of nothing more. */
static void test_trailers_after_the_answer(void **state) {
  (void)state;
  begin(H2_SERVER);
  expect("HEADERS/H 1 [@post]; !respond 1 200; !end 1; HEADERS/SH 1 [a=b]",
         "request 1 POST /hold, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end");
  script_close(&script);
}

static unsigned data_ends;

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)stream;
  assert_int_equal(bytes.len, 0);
  data_ends += end;
}

/* One that takes no trailers must hear of the end all the same. */
static void test_end_without_trailers(void **state) {
  static const struct stream_events plain = {.data = on_data};
  (void)state;
  begin(H2_SERVER);
  script_run(&script, "HEADERS/H 1 [@post]");
  script_app_of(&script, 1)->stream->events = &plain;
  data_ends = 0;
  script_run(&script, "HEADERS/SH 1 [a=b]; !respond 1 200; !end 1");
  assert_int_equal(data_ends, 1);
  script_close(&script);
}

/* A client that takes no promises gets none. */
static void test_unheard_promise(void **state) {
  static const struct stream_events plain = {.data = on_data};
  struct engine_config config = script_config();
  (void)state;
  config.h2.push = true;
  begin_with(H2_CLIENT, &config);
  script_run(&script, "!request /a");
  script_app_of(&script, 1)->stream->events = &plain;
  expect("PUSH/H 1 =2 [@get]", "RST_STREAM 2 CANCEL");
  script_run(&script, "HEADERS/SH 1 [@ok]");
  script_close(&script);
}

static unsigned promises;

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  (void)stream, (void)promised;
  assert_true(request->end);
  promises++;
}

static void test_promises_are_complete(void **state) {
  static const struct stream_events hears = {.promise = on_promise};
  struct engine_config config = script_config();
  (void)state;
  config.h2.push = true;
  begin_with(H2_CLIENT, &config);
  script_run(&script, "!request /a");
  script_app_of(&script, 1)->stream->events = &hears;
  promises = 0;
  expect("PUSH/H 1 =2 [@get]", "RST_STREAM 2 CANCEL"); /* it was not taken */
  assert_int_equal(promises, 1);
  script_close(&script);
}

/* The server may not have heard yet that push is off, or that the client is about to end. */
static void test_promises_too_late(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = false;
  script_begin(&script, H2_CLIENT, &config, true);
  script_run(&script, "SETTINGS 0; !request /a");
  expect("PUSH/H 1 =2 [@get]", "RST_STREAM 2 REFUSED_STREAM");
  script_close(&script);
  config.h2.push = true;
  begin_with(H2_CLIENT, &config);
  script_run(&script, "!request /a; !drain");
  expect("PUSH/H 1 =2 [@get]", "RST_STREAM 2 REFUSED_STREAM");
  script_close(&script);
}

/* A malformed request gets an answer only where a limit allows a stream. */
static void test_malformed_at_the_limit(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.concurrent_streams = 1;
  begin_with(H2_SERVER, &config);
  script_run(&script, "HEADERS/SH 1 [@hold]");
  expect("HEADERS/SH 3 [@get A=b]", "RST_STREAM 3 PROTOCOL_ERROR");
  assert_int_equal(refused, 0);
  script_close(&script);
}

/* The one that ends the connection is not answered. */
static void test_malformed_for_too_long(void **state) {
  (void)state;
  begin(H2_SERVER);
  script.patient = true; /* it is read more and more slowly, and then not any more */
  unsigned sent = 0;
  for (uint32_t id = 1; !script.goaway; id += 2, sent++) {
    char step[64];
    script_clear(&script);
    script.app_count = 0;
    snprintf(step, sizeof step, "HEADERS/SH %u [@get A=b]", (unsigned)id);
    script_run(&script, step);
    assert_true(sent < 100000);
  }
  assert_int_equal(script.engine.h2.counters.calmed_resets, 1);
  assert_int_equal(refused, sent - 1);
  script_close(&script);
}

/* ---- what is counted ------------------------------------------------------------------------- */

static void test_counted(void **state) {
  (void)state;
  static const struct {
    const char *steps;
    unsigned too_large, calmed_headers, late;
  } rows[] = {
      {"HEADERS/SH 1 [@get a=%s]", 1, 0, 0},
      {"HEADERS/SH 1 [@get a=%s b=%s]", 0, 1, 0}, /* twice the limit */
      {"HEADERS/S 1 [@get]; CONT 1", 0, 1, 0},
      {"HEADERS/SH 1 [@hold]; !drain; !tick 1000; HEADERS/SH 3 [@get]", 0, 0, 1},
  };
  struct engine_config config = script_config();
  config.header_list_bytes = 300;
  char value[201], steps[600];
  memset(value, '~', sizeof value);
  value[200] = '\0';
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin_with(H2_SERVER, &config);
    snprintf(steps, sizeof steps, rows[i].steps, value, value);
    script_run(&script, steps);
    assert_int_equal(script.engine.http.counters.too_large, rows[i].too_large);
    assert_int_equal(script.engine.h2.counters.calmed_headers, rows[i].calmed_headers);
    assert_int_equal(script.engine.h2.counters.glitches_late, rows[i].late);
    script_close(&script);
  }
}

/* The header bytes of a request are those of its trailers, too. */
static void test_header_bytes(void **state) {
  (void)state;
  begin(H2_SERVER);
  script_run(&script, "HEADERS/H 1 [@post]; !respond 1 200");
  script_run(&script, "HEADERS/SH 1 [a=b]; !end 1");
  uint64_t both = facts.header_bytes_received;
  script_run(&script, "HEADERS/H 3 [@post]; !respond 3 200; DATA/S 3 *1; !end 3");
  assert_int_equal(ended, 2);
  uint64_t whole = facts.header_bytes_received;
  assert_int_equal(both, whole + H2_FRAME_HEADER_BYTES + 5);
  script_run(&script, "HEADERS 5 [:method=POST :scheme=https]; CONT 5 [:authority=a]; "
                      "CONT/H 5 [:path=/hold]; !respond 5 200; DATA/S 5 *1; !end 5");
  assert_int_equal(facts.header_bytes_received, whole + 2 * H2_FRAME_HEADER_BYTES);
  script_close(&script);
}

/* ---- borders --------------------------------------------------------------------------------- */

static void test_fragment_of_a_byte(void **state) {
  (void)state;
  begin(H2_SERVER);
  expect("HEADERS/S 1 x82; CONT/H 1 [:scheme=https :authority=a :path=/hold]",
         "request 1 GET /hold end");
  script_close(&script);
}

/* Informational responses may come to the limit of one header list. */
static void test_informational_bytes(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.header_list_bytes = 2 * (7 + 3 + HEADER_OVERHEAD_BYTES);
  begin_with(H2_CLIENT, &config);
  script_run(&script, "!request /a");
  expect("HEADERS/H 1 [:status=103]; HEADERS/H 1 [:status=103]", "response 1 103, response 1 103");
  expect("HEADERS/H 1 [:status=103]", "closed 1 ENHANCE_YOUR_CALM, RST_STREAM 1 ENHANCE_YOUR_CALM");
  script_close(&script);
}

/* Only 2xx opens a tunnel, which has no content-length and no trailers (RFC 9110 section 9.3.6). */
static void test_answers_to_connect(void **state) {
  (void)state;
  static const struct {
    const char *response, *more, *log;
  } rows[] = {
      {"299 content-length=1", "DATA 1 *9", "data 1 9"},
      {"300 content-length=1", "DATA 1 *9", "closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"},
      {"299", "HEADERS/SH 1 [a=b]", "closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"},
      {"300", "HEADERS/SH 1 [a=b]", "trailers 1 1, closed 1 NO_ERROR"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char step[128];
    begin(H2_CLIENT);
    snprintf(step, sizeof step, "!request a:443; HEADERS/H 1 [:status=%s]", rows[i].response);
    script_run(&script, step);
    expect(rows[i].more, rows[i].log);
    script_close(&script);
  }
}

/* The length of a response to HEAD is not that of its content, which it does not have. */
static void test_promised_head(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = true;
  for (int content = 0; content < 2; content++) {
    begin_with(H2_CLIENT, &config);
    script_run(&script,
               "!request /a; PUSH/H 1 =2 [:method=HEAD :scheme=https :authority=a :path=/p]");
    expect(content ? "HEADERS/H 2 [@ok content-length=9]; DATA/S 2 *9"
                   : "HEADERS/SH 2 [@ok content-length=9]",
           content ? "response 2 200, closed 2 PROTOCOL_ERROR, RST_STREAM 2 PROTOCOL_ERROR"
                   : "response 2 200 end, closed 2 NO_ERROR");
    script_close(&script);
  }
}

/* A handler's protocol may have one letter. It is spoken where others are not. */
static void test_short_protocol(void **state) {
  static const char *const names[] = {"x", NULL};
  struct engine_config config = script_config();
  (void)state;
  config.h2.connect_protocol = false;
  script_engine(&script, H2_SERVER, &config);
  script.handler.protocols = names;
  script_connect(&script, H2_SERVER, false);
#define TUNNEL ":method=CONNECT :scheme=https :authority=a :path=/ :protocol="
  expect("HEADERS/H 1 [" TUNNEL "x]", "request 1 CONNECT /, protocol x");
  expect("HEADERS/H 3 [" TUNNEL "y]", "HEADERS 3 501 end");
  script_close(&script);
}

/* The dependency that HEADERS brings: a response waits for the one that it depends on. */
static void test_dependency(void **state) {
  (void)state;
  begin(H2_SERVER);
  script_run(&script, "HEADERS/SHR 1 d3/16 [@hold]; HEADERS/SHR 3 d0/16 [@hold]; !mute; "
                      "!respond 1 200; !send 1 9; !end 1; !respond 3 200; !send 3 9; !end 3");
  expect("!listen",
         "closed 3 NO_ERROR, closed 1 NO_ERROR, HEADERS 1 200, HEADERS 3 200, DATA 3 9 end, "
         "DATA 1 9 end");
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_trailers_after_the_answer),
      cmocka_unit_test(test_end_without_trailers),
      cmocka_unit_test(test_unheard_promise),
      cmocka_unit_test(test_promises_are_complete),
      cmocka_unit_test(test_promises_too_late),
      cmocka_unit_test(test_malformed_at_the_limit),
      cmocka_unit_test(test_malformed_for_too_long),
      cmocka_unit_test(test_fragment_of_a_byte),
      cmocka_unit_test(test_counted),
      cmocka_unit_test(test_header_bytes),
      cmocka_unit_test(test_informational_bytes),
      cmocka_unit_test(test_answers_to_connect),
      cmocka_unit_test(test_promised_head),
      cmocka_unit_test(test_short_protocol),
      cmocka_unit_test(test_dependency),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
