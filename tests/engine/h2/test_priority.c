/*
 * h2/test_priority.c - that what HTTP/2 says about priorities reaches the scheduler: frames, fields of both
 * sides, content types, settings. tests/engine/sched/ has what it then does.
 */
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

/* ---- responses with fields ------------------------------------------------------------------- */

/* The fields of the response to request n, n = 1, 3. */
static struct answer {
  struct header fields[3];
  size_t count;
  bool as_set;
  struct header_set set;
  struct body_bytes body;
} answers[2];

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static const uint8_t bytes[9];
  static const struct stream_events none;
  struct answer *answer = &answers[stream->id / 2];
  (void)ctx, (void)request, (void)now_ns;
  stream->events = &none;
  struct body body = body_bytes(&answer->body, span_of(bytes, sizeof bytes), NULL, NULL);
  answer->set = (struct header_set){.at = answer->fields, .count = (uint32_t)answer->count};
  assert_true(answer->as_set ? stream_respond_set(stream, 200, &answer->set, body)
                             : stream_respond(stream, 200, answer->fields, answer->count, body));
}

static void begin(const struct engine_config *config) {
  script_begin(&script, H2_SERVER, config, false);
  script.handler.request = serve;
  memset(answers, 0, sizeof answers);
}

/* The order of the two responses' DATA. */
static void expect_order(const char *first, const char *second, const char *data) {
  char steps[256];
  snprintf(steps, sizeof steps, "!mute; HEADERS/SH%s; HEADERS/SH%s; !listen", first, second);
  script_run(&script, steps);
  const char *from = strstr(script.log, "DATA");
  assert_non_null(from);
  assert_string_equal(from, data);
  script_close(&script);
}

#define FIRST  "DATA 1 9 end, DATA 3 9 end"
#define SECOND "DATA 3 9 end, DATA 1 9 end"

static struct header type(const char *text) {
  return header_of(TOKEN_CONTENT_TYPE, span_text(text));
}

static void test_content_types(void **state) {
  (void)state;
  for (int as_set = 0; as_set < 2; as_set++)
    for (int styled = 0; styled < 2; styled++) {
      begin(NULL);
      answers[0].as_set = answers[1].as_set = as_set;
      answers[0].fields[answers[0].count++] = header_of(TOKEN_ETAG, span_text("\"a\""));
      answers[0].fields[answers[0].count++] = type("audio/mpeg");
      answers[1].fields[answers[1].count++] = type(styled ? "text/css" : "audio/mpeg");
      expect_order(" 1 [@get]", " 3 [@get]", styled ? SECOND : FIRST);
    }
}

/* What the handler says counts, wherever it says it. */
static void test_response_fields(void **state) {
  (void)state;
  static const struct {
    const char *field, *data;
  } rows[] = {{"u=6", SECOND}, {"u=3, i=?0", FIRST}, {"", FIRST}};
  for (int as_set = 0; as_set < 2; as_set++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      begin(NULL);
      answers[0].as_set = as_set;
      answers[0].fields[answers[0].count++] = type("text/plain");
      answers[0].fields[answers[0].count++] = header_of(TOKEN_PRIORITY, span_text(rows[i].field));
      answers[0].fields[answers[0].count++] = header_of(TOKEN_ETAG, span_text("\"a\""));
      expect_order(" 1 [@get]", " 3 [@get]", rows[i].data);
    }
}

static void test_request_fields(void **state) {
  (void)state;
  begin(NULL);
  expect_order(" 1 [@get priority=u=5]", " 3 [@get priority=u=4]", SECOND);
}

/* ---- dependencies ---------------------------------------------------------------------------- */

/* They hold until either side says that it ignores them (RFC 9218 section 2.1.1). */
static void test_dependencies(void **state) {
  (void)state;
  struct engine_config config = script_config();
  for (int who = 0; who < 3; who++) {
    config.h2.no_rfc7540_priorities = who == 1;
    begin(&config);
    if (who == 2) {
      script_disconnect(&script);
      script_connect(&script, H2_SERVER, true);
      script_run(&script, "RAW ~magic; SETTINGS 0 s9=1; SETTINGS/A 0");
    }
    expect_order("R 1 d3/16 [@get]", "R 3 d0/16 [@get]", who == 0 ? SECOND : FIRST);
  }
}

/* Parents, weights and exclusive places, from HEADERS. */
static void test_places(void **state) {
  static const struct {
    const char *first, *second, *data;
  } rows[] = {
      {"R 1 d0/1 [@get]", "R 3 d0/256 [@get]", SECOND},
      {"R 1 d0/256 [@get]", "R 3 d0/1 [@get]", FIRST},
      {"R 1 d0/16 [@get]", "R 3 d0/16! [@get]", SECOND},
      {"R 1 d0/16 [@get]", "R 3 d0/16 [@get]", FIRST},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    begin(NULL);
    expect_order(rows[i].first, rows[i].second, rows[i].data);
  }
}

static void test_updates(void **state) {
  (void)state;
  begin(NULL);
  script_run(&script,
             "!mute; HEADERS/SH 1 [@get]; HEADERS/SH 3 [@get]; PU 0 =1 x753d37; !listen"); /* u=7 */
  assert_string_equal(strstr(script.log, "DATA"), SECOND);
  script_close(&script);
}

/* Updates for `idle` streams that are still to come, beside `open` that have come. */
static void name_idle(uint32_t open, uint32_t idle) {
  char step[64];
  for (uint32_t i = 0; i < open + idle; i++) {
    snprintf(step, sizeof step, i < open ? "HEADERS/H %u [@post]" : "PU 0 =%u x753d31", 2 * i + 1);
    script_run(&script, step);
  }
}

/* RFC 9218 section 7.1: idle streams that are named, and open ones, are as many as may be open. */
static void test_idle_updates(void **state) {
  static const struct {
    uint32_t limit, open, idle;
    bool refused;
  } rows[] = {
      {128, 0, 128, false}, {128, 0, 129, true}, {128, 1, 127, false}, {128, 1, 128, true},
      {2, 0, 2, false},     {2, 0, 3, true},     {2, 2, 0, false},     {2, 2, 1, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct engine_config config = engine_config_default();
    config.h2.concurrent_streams = rows[i].limit;
    begin(&config);
    name_idle(rows[i].open, rows[i].idle);
    assert_int_equal(rows[i].refused, strstr(script.log, "GOAWAY") != NULL);
    if (rows[i].refused) assert_non_null(strstr(script.log, "PROTOCOL_ERROR"));
    script_close(&script);
  }
}

/* ---- tunnels --------------------------------------------------------------------------------- */

/* A tunnel shares, whatever its content type says. */
static void test_tunnels(void **state) {
  (void)state;
  for (int as_set = 0; as_set < 2; as_set++) {
    begin(NULL);
    answers[1].as_set = as_set;
    answers[0].fields[answers[0].count++] = type("audio/mpeg");
    answers[1].fields[answers[1].count++] = type("audio/mpeg");
    script_run(&script, "!mute; HEADERS/SH 1 [@get]; HEADERS/H 3 [@connect]; !listen");
    assert_string_equal(strstr(script.log, "DATA"), SECOND);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_content_types),  cmocka_unit_test(test_response_fields),
      cmocka_unit_test(test_request_fields), cmocka_unit_test(test_dependencies),
      cmocka_unit_test(test_places),         cmocka_unit_test(test_updates),
      cmocka_unit_test(test_idle_updates),   cmocka_unit_test(test_tunnels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
