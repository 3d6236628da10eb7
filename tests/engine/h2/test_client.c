/*
 * h2/test_client.c - what the owner of a client connection learns about its end, and what it may
 * ask.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"
#include "tests/support/script_log.h"

#include <stdio.h>
#include <string.h>

#include "engine/h2/client.h"

static struct script script;

static void on_ended(void *ctx, struct h2 *h2, const struct h2_end *end) {
  static const char *const reasons[] = {[H2_END_BROKEN] = "broken",
                                        [H2_END_HTTP1] = "http1",
                                        [H2_END_GOAWAY] = "goaway",
                                        [H2_END_EOF] = "eof",
                                        [H2_END_CLOSED] = "closed"};
  assert_ptr_equal(ctx, &script);
  assert_ptr_equal(h2, h2_of(&script.machine));
  script_log(&script, "ended %s %s (%.*s)", reasons[end->reason], h2_error_name(end->code),
             (int)end->debug.len, (const char *)end->debug.base);
}

static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t code,
                      struct span debug) {
  (void)h2;
  assert_ptr_equal(ctx, &script);
  script_log(&script, "goaway %u %s%s%.*s", (unsigned)last_stream_id, h2_error_name(code),
             debug.len ? ": " : "", (int)debug.len, (const char *)debug.base);
}

static const struct h2_client_events ears = {.goaway = on_goaway, .ended = on_ended};

/* ---- the end --------------------------------------------------------------------------------- */

/* Reported once, before the remaining streams end. */
static const struct {
  const char *name;
  bool bare; /* no SETTINGS have arrived */
  const char *steps, *log;
  const char *at_close;
} ends[] = {
    {"a connection error", false, "!request /a; DATA 0 *1",
     "HEADERS 1 /a end, ended broken PROTOCOL_ERROR (frame needs a stream), "
     "closed 1 PROTOCOL_ERROR, GOAWAY 0 PROTOCOL_ERROR",
     ""},
    {"an error, then a FIN", false, "DATA 0 *1; !eof",
     "ended broken PROTOCOL_ERROR (frame needs a stream), GOAWAY 0 PROTOCOL_ERROR", ""},
    {"a deadline", true, "!tick 20000",
     "ended broken SETTINGS_TIMEOUT (no preface), GOAWAY 0 SETTINGS_TIMEOUT", ""},
    {"HTTP/1.1", true, "RAW x485454502f312e3120",
     "ended http1 PROTOCOL_ERROR (first frame is not SETTINGS), GOAWAY 0 PROTOCOL_ERROR", ""},
    {"nearly HTTP/1.1", true, "RAW x485454502f313a3120",
     "ended broken PROTOCOL_ERROR (first frame is not SETTINGS), GOAWAY 0 PROTOCOL_ERROR", ""},
    {"HTTP/1.1 after SETTINGS", false, "RAW x485454502f312e3120",
     "ended broken FRAME_SIZE_ERROR (frame is too long), GOAWAY 0 FRAME_SIZE_ERROR", ""},
    {"a FIN", false, "!request /a; !eof",
     "HEADERS 1 /a end, ended eof NO_ERROR (), closed 1 CONNECT_ERROR", ""},
    {"GOAWAY, then a FIN", false, "!request /a; GOAWAY 0 =1 =11; !eof",
     "HEADERS 1 /a end, goaway 1 ENHANCE_YOUR_CALM, ended goaway ENHANCE_YOUR_CALM (), "
     "closed 1 CONNECT_ERROR",
     ""},
    {"GOAWAY that refuses", false, "!request /a; GOAWAY 0 =0 =0",
     "HEADERS 1 /a end, goaway 0 NO_ERROR, closed 1 REFUSED_STREAM, GOAWAY 0 NO_ERROR",
     "ended goaway NO_ERROR ()"},
    {"the last GOAWAY counts", false, "GOAWAY 0 =2147483647 =0; GOAWAY 0 =1 =2; !eof",
     "goaway 2147483647 NO_ERROR, GOAWAY 0 NO_ERROR, goaway 1 INTERNAL_ERROR, "
     "ended goaway INTERNAL_ERROR ()",
     ""},
    {"GOAWAY with a text", false, "GOAWAY 0 =0 =2 x6f6f7073",
     "goaway 0 INTERNAL_ERROR: oops, GOAWAY 0 NO_ERROR", "ended goaway INTERNAL_ERROR ()"},
    {"GOAWAY, then the close", false, "GOAWAY 0 =0 =0", "goaway 0 NO_ERROR, GOAWAY 0 NO_ERROR",
     "ended goaway NO_ERROR ()"},
    {"nothing was wrong", false, "!request /a", "HEADERS 1 /a end",
     "ended closed NO_ERROR (), closed 1 CONNECT_ERROR"},
};

static void test_ends(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    script_begin(&script, H2_CLIENT, NULL, ends[i].bare);
    h2_client_listen(h2_of(&script.machine), &ears, &script);
    script_run(&script, ends[i].steps);
    if (strcmp(script.log, ends[i].log) != 0)
      fail_msg("%s: expected \"%s\", not \"%s\"", ends[i].name, ends[i].log, script.log);
    script.log[script.log_len = 0] = 0;
    script_disconnect(&script);
    if (strcmp(script.log, ends[i].at_close) != 0)
      fail_msg("%s: at the close \"%s\", not \"%s\"", ends[i].name, ends[i].at_close, script.log);
    script_destroy(&script);
  }
}

/* Without a listener, nothing is reported and nothing breaks. */
static void test_deaf(void **state) {
  (void)state;
  static const struct h2_client_events none = {.ended = NULL};
  for (int listens = 0; listens < 2; listens++) {
    script_begin(&script, H2_CLIENT, NULL, false);
    if (listens) h2_client_listen(h2_of(&script.machine), &none, &script);
    script_run(&script, "DATA 0 *1; !eof");
    assert_string_equal(script.log, "GOAWAY 0 PROTOCOL_ERROR");
    script_close(&script);
  }
}

/* ---- what it may ask ------------------------------------------------------------------------- */

static const struct {
  const char *name, *steps, *status;
} statuses[] = {
    {"nothing has come", "", "0"},
    {"SETTINGS", "SETTINGS 0", "settings 0"},
    {"and the ACK", "SETTINGS 0; SETTINGS/A 0", "settings acked 0"},
    {"requests", "SETTINGS 0; SETTINGS/A 0; !request /a; !request /b", "settings acked 2"},
    {"one is answered", "SETTINGS 0; SETTINGS/A 0; !request /a; !request /b; HEADERS/SH 1 [@ok]",
     "settings acked 1"},
    {"GOAWAY", "SETTINGS 0; SETTINGS/A 0; GOAWAY 0 =0 =0", "settings acked goaway 0"},
    {"a FIN", "SETTINGS 0; SETTINGS/A 0; !eof", "settings acked eof 0"},
    {"an error", "SETTINGS 0; SETTINGS/A 0; !request /a; DATA 0 *1", "settings acked broken 0"},
};

static void test_status(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    script_begin(&script, H2_CLIENT, NULL, true);
    script_run(&script, statuses[i].steps);
    struct h2_client_status status = h2_client_status(h2_of(&script.machine));
    char text[64];
    snprintf(text, sizeof text, "%s%s%s%s%s%u", status.settings_received ? "settings " : "",
             status.settings_acked ? "acked " : "", status.broken ? "broken " : "",
             status.eof ? "eof " : "", status.goaway_received ? "goaway " : "", status.streams);
    if (strcmp(text, statuses[i].status) != 0)
      fail_msg("%s: expected \"%s\", not \"%s\"", statuses[i].name, statuses[i].status, text);
    script_close(&script);
  }
}

static size_t block_bytes;
static uint64_t arrived;
static bool was_reset;
static uint32_t reset_code, closed_code;

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)stream;
  (void)status;
  (void)fields;
  (void)end;
  block_bytes = h2_client_block_bytes(h2_of(&script.machine));
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)bytes;
  (void)end;
  arrived = h2_client_arrived(stream);
}

static void on_closed(struct stream *stream, uint32_t code) {
  closed_code = code;
  was_reset = h2_client_was_reset(stream);
  reset_code = h2_client_reset_code(h2_of(&script.machine));
}

static const struct stream_events events = {
    .response = on_response, .data = on_data, .closed = on_closed};

static struct stream *ask(void) {
  script_begin(&script, H2_CLIENT, NULL, false);
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
  struct stream *stream = h2_request(h2_of(&script.machine), fields, 4, BODY_NONE, &events, NULL);
  assert_non_null(stream);
  script_pump(&script);
  block_bytes = arrived = 0;
  was_reset = false;
  return stream;
}

/* :status 200 is one byte; a literal field two and its texts. */
static void test_block(void **state) {
  (void)state;
  ask();
  script_run(&script, "HEADERS/H 1 [#8]");
  assert_int_equal(block_bytes, 1);
  script_close(&script);
  ask();
  script_run(&script, "HEADERS 1 [#8]; CONT 1 [x-a=bcd]; CONT/H 1 [x-e=f]");
  assert_int_equal(block_bytes, 1 + (3 + 3 + 3) + (3 + 3 + 1));
  script_close(&script);
}

static void test_arrived(void **state) {
  (void)state;
  ask();
  script_run(&script, "HEADERS/H 1 [#8]; DATA 1 *10");
  assert_int_equal(arrived, 10);
  script_run(&script, "DATA/P 1 p3 *10");
  assert_int_equal(arrived, 10 + 1 + 10 + 3);
  script_close(&script);
}

static void test_reset(void **state) {
  (void)state;
  ask();
  script_run(&script, "RST 1 =2");
  assert_true(was_reset);
  assert_int_equal(reset_code, 2);
  script_close(&script);
  ask();
  script_run(&script, "RST 1 =0");
  assert_true(was_reset);
  assert_int_equal(reset_code, H2_NO_ERROR);
  assert_int_equal(closed_code, H2_CANCEL);
  script_close(&script);
  stream_reset(ask(), H2_CANCEL);
  assert_false(was_reset);
  script_close(&script);
}

static unsigned woken;

static void on_wake(struct machine_host *host) {
  (void)host;
  woken++;
}

/* Each frame that the client sends from outside of the machine's calls wakes its host, which would not ask
 * otherwise. */
static void test_wakes(void **state) {
  (void)state;
  struct machine_host host = {.wake = on_wake};
  (void)ask();
  struct h2 *h2 = h2_of(&script.machine);
  h2->host = &host;
  woken = 0;
  h2_ping(h2, (const uint8_t *)"12345678");
  assert_int_equal(woken, 1);
  h2_depend(h2, 1, (struct h2_dependency){.stream_id = 3, .weight = 16});
  assert_int_equal(woken, 2);
  h2_reprioritize(h2, 1, span_text("u=1"));
  assert_int_equal(woken, 3);
  script_run(&script, "PING 0 *8; SETTINGS 0");
  assert_int_equal(woken, 3); /* the host is in the middle of a call */
  assert_string_equal(script.log, "HEADERS 1 / end, PING 12345678, PRIORITY 1, PRIORITY_UPDATE 0, "
                                  "PING ack");
  script_close(&script);
}

static void on_ping_acked(void *ctx, struct h2 *h2, const uint8_t opaque[8]) {
  assert_ptr_equal(h2, h2_of(&script.machine));
  script_log(ctx, "acked %.8s", (const char *)opaque);
}

/* Acknowledgements are its own, and PING frames of the server are not. */
static void test_ping(void **state) {
  static const struct h2_client_events listener = {.ping_acked = on_ping_acked};
  (void)state;
  script_begin(&script, H2_CLIENT, NULL, false);
  h2_client_listen(h2_of(&script.machine), &listener, &script);
  script_run(&script, "PING 0 x6162636465666768; PING/A 0 x6162636465666768");
  assert_string_equal(script.log, "PING ack, acked abcdefgh");
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ends),  cmocka_unit_test(test_deaf),    cmocka_unit_test(test_status),
      cmocka_unit_test(test_block), cmocka_unit_test(test_arrived), cmocka_unit_test(test_reset),
      cmocka_unit_test(test_wakes), cmocka_unit_test(test_ping),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
