/*
 * test_facts.c - what handlers are told for their logs. Of requests that the engine answers by itself, over
 * HTTP/1.x and HTTP/2: each once, with what could be read of it, and its end. Of others, priorities over
 * HTTP/1.1, and header bytes of one that became HTTP/2.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/conn.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"
#include "tests/support/talk.h"

static struct talk talk;
static struct stream_facts handled, refused; /* of the last request that was */

/* What handlers heard: "METHOD AUTHORITY PATH user-agent" of a refusal, and "STATUS BYTES" of its end. */
static char heard[4096];

__attribute__((format(printf, 1, 2))) static void hear(const char *format, ...) {
  size_t len = strlen(heard);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(heard + len, sizeof heard - len, format, arguments);
  va_end(arguments);
}

static void hear_text(struct span text, const char *after) {
  hear("%.*s%s", text.len ? (int)text.len : 1, text.len ? (const char *)text.base : "-", after);
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  const struct header *agent = headers_find(request->fields, TOKEN_USER_AGENT);
  (void)ctx, (void)now_ns;
  if (*heard) hear(", ");
  hear_text(request->method, " ");
  hear_text(request->authority, " ");
  hear_text(request->path, " ");
  hear_text(agent ? agent->value : (struct span){0}, "");
  stream->log = heard;
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  (void)ctx;
  if (stream->log == heard) {
    hear(": %u %u", facts->status, (unsigned)facts->header_bytes_received);
    refused = *facts;
    return;
  }
  handled = *facts;
  talk.ended++;
}

/* ---- HTTP/1.x -------------------------------------------------------------------------------- */

#define LONG_TARGET 9000

static const struct {
  const char *name, *bytes, *heard; /* without the number of bytes: all */
} lines[] = {
    {"bad fields", "GET /a HTTP/1.1\r\nHost : a\r\n\r\n", "GET - /a -: 400"},
    {"before the end of the line", "GET /a HTTP/1.1\nHost: a\r\n\r\n", "GET - /a -: 400"},
    {"no version", "GET /a\r\n\r\n", "GET - /a -: 400"},
    {"no target", "GET  HTTP/1.1\r\n\r\n", "GET - - -: 400"},
    {"no line", "hello\r\n\r\n", "- - - -: 400"},
    {"no text", "\x03\x01\x02 /a HTTP/1.1\r\n\r\n", "- - - -: 400"},
    {"an empty line first", "\r\nGET /a HTTP/1.2\r\n\r\n", "GET - /a -: 505"},
    {"another version", "GET /a HTTP/3.0\r\nHost: a\r\n\r\n", "GET - /a -: 505"},
    {"no host", "GET /a HTTP/1.1\r\nUser-Agent: me\r\n\r\n", "GET - /a me: 400"},
    {"a strange expectation", "PUT /a HTTP/1.1\r\nHost: h\r\nUser-Agent: me\r\nExpect: tea\r\n\r\n",
     "PUT h /a me: 417"},
    {"https in the clear", "GET https://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET h https://h/a -: 421"},
    {"HEAD", "HEAD /a HTTP/1.0\r\nContent-Length: x\r\n\r\n", "HEAD - /a -: 400"},
};

static void begin_h1(void) {
  talk_begin(&talk, NULL);
  talk.handler.refused = on_refused;
  talk.handler.ended = on_ended;
  *heard = 0;
}

/* Alone, and behind a request that is handled. */
static void test_http1(void **state) {
  static const char before[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  (void)state;
  for (size_t i = 0; i < 2 * sizeof lines / sizeof *lines; i++) {
    const char *line = lines[i / 2].bytes;
    char expected[128], bytes[256];
    print_message("%s\n", lines[i / 2].name);
    snprintf(expected, sizeof expected, "%s %zu", lines[i / 2].heard, strlen(line));
    snprintf(bytes, sizeof bytes, "%s%s", i % 2 ? before : "", line);
    begin_h1();
    talk_give(&talk, span_text(bytes));
    talk_pump(&talk);
    talk_end(&talk);
    assert_string_equal(heard, expected);
  }
}

/* What the engine answers counts as what it is: "400 Bad Request: no host" and a line's end are content. */
static void test_http1_bytes(void **state) {
  (void)state;
  begin_h1();
  talk_give(&talk, span_text("GET / HTTP/1.1\r\n\r\n"));
  talk_pump(&talk);
  talk_end(&talk);
  assert_int_equal(refused.body_bytes_sent, 25);
  const uint64_t header_bytes = refused.header_bytes_sent;
  begin_h1();
  talk_give(&talk, span_text("HEAD / HTTP/1.1\r\n\r\n"));
  talk_pump(&talk);
  talk_end(&talk);
  assert_int_equal(refused.body_bytes_sent, 0);
  assert_int_equal(refused.header_bytes_sent, header_bytes);
}

/* Heads that come in pieces: all that was kept of them is told. */
static void test_http1_pieces(void **state) {
  static char target[LONG_TARGET + 1], expected[LONG_TARGET + 64];
  (void)state;
  begin_h1();
  talk_run(&talk, "GET /late HTTP/1.1\r\nUser-Agent: me\r\n", 0, 1);
  talk_run(&talk, "\1tick 10100\1", 0, 1);
  talk_end(&talk);
  assert_string_equal(heard, "GET - /late -: 408 36");
  begin_h1();
  talk_run(&talk, "GET /piece HTTP/1.1\r\nUser-Agent: me\r\nHost : a\r\n", 0, 1);
  talk_end(&talk);
  assert_string_equal(heard, "GET - /piece -: 400 47");
  memset(target, 'a', LONG_TARGET);
  begin_h1();
  talk_give(&talk, span_text("GET /"));
  for (size_t i = 0; i < 3 && !*heard; i++)
    talk_give(&talk, span_of(target, LONG_TARGET));
  talk_end(&talk);
  snprintf(expected, sizeof expected, "GET - /%s", target);
  assert_int_equal(strncmp(heard, expected, 4000), 0);
}

/* ---- HTTP/2 ---------------------------------------------------------------------------------- */

static struct script script;

static const struct {
  const char *name, *frames, *heard;
} blocks[] = {
    {"malformed", "HEADERS/SH 1 [:method=GET :path=/a :scheme=https :authority=h Upper=1]",
     "GET h /a -: 400"},
    {"without a path", "HEADERS/SH 1 [:method=GET :scheme=https :authority=h user-agent=me]",
     "GET h - me: 400"},
    {"without anything", "HEADERS/SH 1 [user-agent=me]", "- - - me: 400"},
    {"a strange expectation", "HEADERS/H 1 [@post expect=tea]; DATA/S 1 *1", "POST a /hold -: 417"},
    {"without a host", "HEADERS/SH 1 [:method=GET :path=/a :scheme=https]", "GET - /a -: 400"},
};

static void test_http2(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    print_message("%s\n", blocks[i].name);
    script_begin(&script, H2_SERVER, NULL, false);
    script.handler.refused = on_refused;
    script.handler.ended = on_ended;
    *heard = 0;
    script_run(&script, blocks[i].frames);
    script_close(&script);
    assert_int_equal(strncmp(heard, blocks[i].heard, strlen(blocks[i].heard)), 0);
    assert_true(strtol(strrchr(heard, ' '), NULL, 10) > 0); /* header bytes */
  }
}

/* ---- requests that are handled --------------------------------------------------------------- */

static void test_priority(void **state) {
  static const struct {
    const char *fields;
    bool prioritized, incremental;
    unsigned urgency;
  } rows[] = {
      {"", false, false, 3},
      {"Priority: u=1, i\r\n", true, true, 1},
      {"Priority: u=6\r\nPriority: i\r\n", true, true, 6},
      {"Priority: u=0\r\n", true, false, 0},
      {"Priority: u=8\r\n", true, false, 3},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char bytes[128];
    snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
    begin_h1();
    talk_give(&talk, span_text(bytes));
    talk_end(&talk);
    assert_int_equal(handled.status, 200);
    assert_int_equal(handled.prioritized, rows[i].prioritized);
    assert_int_equal(handled.urgency, rows[i].urgency);
    assert_int_equal(handled.incremental, rows[i].incremental);
  }
}

static void test_h2c(void **state) {
  static const char head[] =
      "GET /none HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
  static const struct machine_peer peer = {.application_protocol = ""};
  (void)state;
  begin_h1();
  talk.machine.ops->close(talk.machine.self);
  struct machine_factory factory = conn_factory(&talk.engine);
  assert_true(factory.create(factory.ctx, &peer, NULL, talk.now_ns, &talk.machine));
  talk_give(&talk, span_text(head));
  talk_end(&talk);
  assert_string_equal(handled.protocol, "HTTP/2");
  assert_int_equal(handled.header_bytes_received, sizeof head - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_http1),        cmocka_unit_test(test_http1_bytes),
      cmocka_unit_test(test_http1_pieces), cmocka_unit_test(test_http2),
      cmocka_unit_test(test_priority),     cmocka_unit_test(test_h2c),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
