/*
 * h2/test_brief.c - short answers that are sent as a whole (h2/brief.h): in which order, and what makes them wait
 * with the others in the scheduler.
 */
#include "engine/h2/connection.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <string.h>

enum { KINDS = 6, STREAMS = 8, LONG_BYTES = 40000 };

static struct script script;
static uint8_t content[LONG_BYTES];

/* What a path asks for. */
static struct kind {
  const char *path, *type;
  size_t bytes;
  const char *length; /* as the fields say */
  struct header fields[2];
  struct header_set set;
} kinds[KINDS] = {
    {.path = "/text", .type = "text/plain", .bytes = 100, .length = "100"},
    {.path = "/page", .type = "text/html", .bytes = 100, .length = "100"},
    {.path = "/long", .type = "text/plain", .bytes = LONG_BYTES, .length = "40000"},
    {.path = "/liar", .type = "text/plain", .bytes = LONG_BYTES, .length = "100"},
    {.path = "/most", .type = "text/plain", .bytes = H2_BRIEF_BYTES_MAX, .length = "2048"},
    {.path = "/more", .type = "text/plain", .bytes = H2_BRIEF_BYTES_MAX + 1, .length = "2049"},
};

static struct body_bytes bodies[2 * STREAMS];
static struct stream *streams[2 * STREAMS];
static bool adds_trailers;

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static const struct stream_events none;
  (void)ctx, (void)now_ns;
  streams[stream->id] = stream;
  stream->events = &none;
  for (struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
    if (!span_is(request->path, kind->path)) continue;
    struct body body = body_bytes(&bodies[stream->id], span_of(content, kind->bytes), NULL, NULL);
    assert_true(stream_respond_set(stream, 200, &kind->set, body));
  }
  const struct header trailer = header_of(TOKEN_ETAG, span_text("x"));
  if (adds_trailers) assert_true(stream_trailers(stream, &trailer, 1));
}

static void begin(void) {
  for (struct kind *kind = kinds; kind < kinds + KINDS; kind++) {
    kind->fields[0] = header_of(TOKEN_CONTENT_TYPE, span_text(kind->type));
    kind->fields[1] = header_of(TOKEN_CONTENT_LENGTH, span_text(kind->length));
    kind->set = (struct header_set){.at = kind->fields, .count = 2};
  }
  adds_trailers = false;
  script_begin(&script, H2_SERVER, NULL, false);
  script.handler.request = serve;
  script_run(&script, "WU 0 =1000000");
  script_clear(&script);
}

static const struct h2 *connection(void) {
  return script.machine.self;
}

/* Nothing is taken until the last of the steps has arrived. */
static void receive(const char *steps) {
  script_run(&script, "!mute");
  script_run(&script, steps);
}

/* Then these frames leave. */
static void expect(const char *frames) {
  script_clear(&script);
  script_run(&script, "!listen");
  assert_string_equal(script.log, frames);
  script_clear(&script);
}

#define GET(id, path) "HEADERS/SH " #id " [:method=GET :scheme=https :authority=a :path=" path "]; "

/* The scheduler does not hear of them. */
static void test_order_of_arrival(void **state) {
  (void)state;
  begin();
  receive(GET(1, "/text") GET(3, "/text") GET(5, "/text"));
  assert_int_equal(connection()->sched.open_count, 0);
  assert_ptr_equal(connection()->briefs.first, streams[1]);
  expect("HEADERS 1 200, DATA 1 100 end, HEADERS 3 200, DATA 3 100 end, HEADERS 5 200, DATA 5 100 "
         "end");
  assert_null(connection()->all);
  script_close(&script);
}

/* What comes later and is more urgent goes first, as from the scheduler: a page before text. */
static void test_urgent_first(void **state) {
  (void)state;
  begin();
  receive(GET(1, "/text") GET(3, "/page"));
  expect("HEADERS 3 200, HEADERS 1 200, DATA 3 100 end, DATA 1 100 end");
  receive(GET(5, "/page") GET(7, "/text"));
  assert_ptr_equal(connection()->briefs.first, streams[5]);
  expect("HEADERS 7 200, HEADERS 5 200, DATA 5 100 end, DATA 7 100 end");
  script_close(&script);
}

/* Less urgent content that is under way waits, and the scheduler need not know why. */
static void test_before_less_urgent(void **state) {
  (void)state;
  begin();
  script_run(&script, "SETTINGS 0 s4=70000");
  receive(GET(1, "/long"));
  script_run(&script, GET(3, "/page"));
  expect("HEADERS 1 200, HEADERS 3 200, DATA 3 100 end, DATA 1 40000 end");
  script_close(&script);
}

/* Of the same urgency: they share, and so take part in the scheduler's turns. */
static void test_beside_equals(void **state) {
  (void)state;
  begin();
  receive(GET(1, "/long") GET(3, "/text"));
  assert_non_null(connection()->briefs.first);
  expect("HEADERS 1 200, HEADERS 3 200, DATA 1 16384, DATA 3 100 end, DATA 1 23616 end");
  script_close(&script);
}

/* A signal is about all of them: they are opened first. */
static void test_signals(void **state) {
  (void)state;
  static const struct {
    const char *signal, *frames;
  } rows[] = {
      {"PU 0 =3 x753d30", /* u=0 */
       "HEADERS 1 200, HEADERS 3 200, DATA 3 100 end, DATA 1 100 end"},
      {"PRIORITY 3 d0/256!", "HEADERS 1 200, HEADERS 3 200, DATA 3 100 end, DATA 1 100 end"},
      {"PRIORITY 1 d3/16", "HEADERS 1 200, HEADERS 3 200, DATA 3 100 end, DATA 1 100 end"},
      {"HEADERS/SH 5 [:method=GET :scheme=https :authority=a :path=/text priority=u%3d1]",
       "HEADERS 1 200, HEADERS 3 200, HEADERS 5 200, DATA 5 100 end, DATA 1 100 end, DATA 3 100 "
       "end"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin();
    receive(GET(1, "/text") GET(3, "/text"));
    assert_ptr_equal(connection()->briefs.first, streams[1]);
    script_run(&script, rows[i].signal);
    assert_null(connection()->briefs.first);
    assert_true(connection()->sched.open_count >= 2);
    expect(rows[i].frames);
    script_close(&script);
  }
}

/* After a signal, streams without one go by their identifiers, at the default urgency. */
static void test_after_signals(void **state) {
  (void)state;
  begin();
  script_run(&script, "PU 0 =1 x753d30; " GET(1, "/text"));
  script_clear(&script);
  receive(GET(3, "/text") GET(5, "/page"));
  assert_ptr_equal(connection()->briefs.last, streams[5]);
  expect("HEADERS 3 200, DATA 3 100 end, HEADERS 5 200, DATA 5 100 end");
  script_close(&script);
}

/* Once the client has made a tree, that decides. */
static void test_tree(void **state) {
  (void)state;
  begin();
  script_run(&script, "PRIORITY 3 d1/16; " GET(1, "/text"));
  script_clear(&script);
  receive(GET(3, "/text") GET(5, "/text"));
  assert_null(connection()->briefs.first);
  expect("HEADERS 3 200, HEADERS 5 200, DATA 3 100 end, DATA 5 100 end");
  script_close(&script);
}

static void test_bound(void **state) {
  (void)state;
  begin();
  receive(GET(1, "/most"));
  assert_ptr_equal(connection()->briefs.first, streams[1]);
  expect("HEADERS 1 200, DATA 1 2048 end");
  receive(GET(3, "/more"));
  assert_null(connection()->briefs.first);
  expect("HEADERS 3 200, DATA 3 2049 end");
  script_close(&script);
}

/* Windows that may not be enough. */
static void test_windows(void **state) {
  (void)state;
  begin();
  script_run(&script, "SETTINGS 0 s4=60");
  receive(GET(1, "/text") GET(3, "/text"));
  expect("HEADERS 1 200, HEADERS 3 200, DATA 1 60, DATA 3 60");
  script_run(&script, "WU 1 =100; WU 3 =100");
  assert_null(connection()->all);
  script_close(&script);
}

/* The body is longer than its fields say: it goes on by turns, from where it is. */
static void test_longer_than_said(void **state) {
  (void)state;
  begin();
  receive(GET(1, "/liar") GET(3, "/text"));
  expect("HEADERS 1 200, DATA 1 2048, HEADERS 3 200, DATA 3 100 end, DATA 1 37952 end");
  assert_null(connection()->all);
  script_close(&script);
}

static void test_trailers(void **state) {
  (void)state;
  begin();
  adds_trailers = true;
  receive(GET(1, "/text") GET(3, "/text"));
  assert_null(connection()->briefs.first);
  expect("HEADERS 1 200, HEADERS 3 200, DATA 1 100, HEADERS 1 - end, DATA 3 100, HEADERS 3 - end");
  script_close(&script);
}

/* Streams leave from anywhere. */
static void test_resets(void **state) {
  (void)state;
  begin();
  receive(GET(1, "/text") GET(3, "/text")
              GET(5, "/text") "RST 3 =8; RST 5 =8; " GET(7, "/text") "RST 1 =8");
  assert_ptr_equal(connection()->briefs.first, streams[7]);
  expect("HEADERS 7 200, DATA 7 100 end");
  receive(GET(9, "/text"));
  stream_reset(streams[9], H2_CANCEL);
  assert_null(connection()->briefs.first);
  script_run(&script, "!listen");
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_of_arrival),
      cmocka_unit_test(test_urgent_first),
      cmocka_unit_test(test_before_less_urgent),
      cmocka_unit_test(test_beside_equals),
      cmocka_unit_test(test_signals),
      cmocka_unit_test(test_after_signals),
      cmocka_unit_test(test_tree),
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_bound),
      cmocka_unit_test(test_longer_than_said),
      cmocka_unit_test(test_trailers),
      cmocka_unit_test(test_resets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
