/*
 * h2/test_request.c - requests that a client may make, or may not make now: room, limits of the server, and
 * what becomes of a body that is not taken.
 */
#include "engine/h2/send.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;
static uint64_t clock_ns;
static unsigned bodies_closed, wakes;

static void count_wake(struct machine_host *host) {
  (void)host;
  wakes++;
}

static struct machine_host host = {.wake = count_wake};

static struct h2 *begin(const char *steps) {
  struct engine_config config = script_config();
  config.clock_ns = &clock_ns;
  clock_ns = 0;
  script_begin(&script, H2_CLIENT, &config, false);
  script_run(&script, steps);
  script_clear(&script);
  bodies_closed = wakes = 0;
  h2_of(&script.machine)->host = &host;
  return h2_of(&script.machine);
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return BODY_WAIT;
}

static void close_body(void *self) {
  (void)self;
  bodies_closed++;
}

static const struct body_ops ops = {.pull = pull, .close = close_body};
static const struct stream_events none;

/* A request with a body and a field of that many bytes. */
static struct stream *ask(struct h2 *h2, size_t bytes) {
  static uint8_t value[64 * KIB];
  memset(value, '~', sizeof value);
  struct header field = {.name = span_text("x"), .value = span_of(value, bytes)};
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("POST")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/")), field};
  return h2_request(h2, fields, 5, (struct body){&ops, NULL}, &none, NULL);
}

/* ---- room ------------------------------------------------------------------------------------ */

static void test_room(void **state) {
  (void)state;
  assert_int_equal(h2_request_room(begin("!request /a")),
                   (H2_STREAM_ID_MAX - 3) / 2 + 1); /* without a limit */
  script_close(&script);
  struct h2 *h2 = begin("SETTINGS 0 s3=3; !request /a");
  assert_int_equal(h2_request_room(h2), 2);
  h2->own_id_next = H2_STREAM_ID_MAX;
  assert_int_equal(h2_request_room(h2), 1);
  h2->own_id_next = H2_STREAM_ID_MAX - 2;
  assert_int_equal(h2_request_room(h2), 2);
  assert_non_null(ask(h2, 0));
  assert_non_null(ask(h2, 0));
  assert_int_equal(h2_request_room(h2), 0);
  script_run(&script, "HEADERS/SH 1 [@ok]; SETTINGS 0 s3=9"); /* no identifier is left */
  assert_int_equal(h2_request_room(h2), 0);
  assert_null(ask(h2, 0));
  assert_int_equal(bodies_closed, 1);
  script_close(&script);
}

/* None on a connection that is about to end, for whatever reason. */
static void test_no_room(void **state) {
  (void)state;
  static const char *const ways[] = {"DATA 0 *1", "!eof", "!drain", "GOAWAY 0 =99 =0"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct h2 *h2 = begin("!request /a");
    assert_true(h2_request_room(h2) > 0);
    script_run(&script, ways[i]);
    assert_int_equal(h2_request_room(h2), 0);
    script_close(&script);
  }
  struct h2 *h2 = begin("!mute");
  for (unsigned i = 0; i <= H2_CONTROL_BYTES / (H2_FRAME_HEADER_BYTES + 8); i++)
    h2_ping(h2, (const uint8_t *)"12345678"); /* until no more can be sent */
  assert_int_equal(h2_request_room(h2), 0);
  script_close(&script);
}

/* ---- what a server forbids ------------------------------------------------------------------- */

static void test_list_bytes(void **state) {
  (void)state;
  const unsigned list = (7 + 4 + 7 + 5 + 10 + 1 + 5 + 1 + 1 + 100) + 5 * HEADER_OVERHEAD_BYTES;
  for (unsigned less = 0; less < 2; less++) {
    char step[64];
    snprintf(step, sizeof step, "SETTINGS 0 s6=%u", list - less);
    struct h2 *h2 = begin(step);
    assert_int_equal(ask(h2, 100) != NULL, !less);
    assert_int_equal(bodies_closed, less);
    assert_int_equal(h2->own_id_next, less ? 1 : 3);
    script_close(&script);
  }
}

/* More than any server takes: the stream that was opened for it is given up. */
static void test_too_large(void **state) {
  (void)state;
  struct h2 *h2 = begin("");
  assert_null(ask(h2, PEER_SEND_BLOCK_BYTES_MAX));
  assert_int_equal(h2->active_own, 0);
  script_run(&script, "PING 0 *8");
  assert_int_equal(bodies_closed, 1);
  script_close(&script);
}

/* ---- what it does ---------------------------------------------------------------------------- */

/* It brings the time, wakes the host, and is answered by no more than one side. */
static void test_made(void **state) {
  (void)state;
  struct h2 *h2 = begin("");
  clock_ns = script.now_ns + SECOND_NS;
  struct stream *stream = ask(h2, 0);
  assert_int_equal(wakes, 1);
  assert_int_equal(((struct h2_stream *)(void *)stream)->opened_ns, clock_ns);
  assert_false(stream_inform(stream, 103, NULL, 0));
  script_pump(&script);
  assert_string_equal(script.log, "HEADERS 1 /");
  script_close(&script);
}

/* A dependency that is said before the request leaves goes with it; later it would take a frame. */
static void test_dependency(void **state) {
  (void)state;
  for (int late = 0; late < 2; late++) {
    struct h2 *h2 = begin("!mute");
    struct stream *stream = ask(h2, 0);
    struct span spans[16];
    const struct machine_ops *machine = script.machine.ops;
    if (late) script_run(&script, "!listen");
    h2_request_depend(stream, (struct h2_dependency){.stream_id = 7, .weight = 42});
    if (!late) {
      assert_true(machine->send_peek(script.machine.self, spans, 16, 65536, script.now_ns) > 0);
      static const uint8_t dependency[] = {0, 0, 0, 7, 41};
      assert_int_equal(spans[0].base[3], H2_HEADERS);
      assert_true(spans[0].base[4] & H2_FLAG_PRIORITY);
      assert_memory_equal(spans[0].base + H2_FRAME_HEADER_BYTES, dependency, sizeof dependency);
    } else {
      assert_false(h2_send_wanted(h2));
    }
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_room),       cmocka_unit_test(test_no_room),
      cmocka_unit_test(test_list_bytes), cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_made),       cmocka_unit_test(test_dependency),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
