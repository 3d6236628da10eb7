/*
 * h1/test_head_memo.c - the heads of sets that repeat (stream_respond_set()) are those that the same fields get when
 * they are given each time: whatever the request, after the date has changed, and while more sets are
 * sent than there are places. So are the heads of a client's requests (h1_request_set()).
 */
#include "engine/engine.h"
#include "engine/h1/ask.h"
#include "engine/h1/h1.h"
#include "engine/h1/head_memo.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

#include <stdio.h>
#include <string.h>

enum { SETS = H1_HEAD_MEMOS + 4, LONG = 3, DATED = 5, WIRE_BYTES = 4096 };

static struct engine engine;
static struct counted_memory memory;
static struct header fields[SETS][4];
static struct header_set sets[SETS];
static char values[SETS][H1_HEAD_MEMO_BYTES + 1];
static char wire[WIRE_BYTES];

/* Set 0 has content-length, set LONG is too long to be kept, and set DATED has a date of its own. */
static void make_sets(void) {
  for (unsigned i = 0; i < SETS; i++) {
    int len = snprintf(values[i], sizeof values[i], "\"%u\"", i);
    fields[i][0] = header_of(TOKEN_ETAG, span_of(values[i], (size_t)len));
    fields[i][1] = header_of(TOKEN_AGE, span_text("1"));
    sets[i] = (struct header_set){.at = fields[i], .count = 2};
  }
  fields[0][1] = header_of(TOKEN_CONTENT_LENGTH, span_text("5"));
  memset(values[LONG], 'x', H1_HEAD_MEMO_BYTES);
  fields[LONG][0].value = span_of(values[LONG], H1_HEAD_MEMO_BYTES);
  fields[DATED][1] = header_of(TOKEN_DATE, span_text("now"));
}

/* "/N" is answered with set N, "/=N" with its fields. */
static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static struct body_bytes body;
  char path[16];
  (void)ctx, (void)now_ns;
  snprintf(path, sizeof path, "%.*s", (int)request->path.len, (const char *)request->path.base);
  bool given = path[1] == '=';
  unsigned i = 0;
  assert_int_equal(sscanf(path + 1 + given, "%u", &i), 1);
  struct body hello = body_bytes(&body, span_text("hello"), NULL, NULL);
  if (given)
    assert_true(stream_respond(stream, 200, fields[i], sets[i].count, hello));
  else
    assert_true(stream_respond_set(stream, 200, &sets[i], hello));
}

static const struct handler handler = {.request = serve};

static void take_all(struct machine *machine) {
  struct span spans[8];
  size_t count, bytes, len = 0;
  do {
    count = machine->ops->send_peek(machine->self, spans, 8, 1 << 16, 0);
    bytes = 0;
    for (size_t i = 0; i < count; i++) {
      assert_true(len + bytes + spans[i].len < sizeof wire);
      memcpy(wire + len + bytes, spans[i].base, spans[i].len);
      bytes += spans[i].len;
    }
    len += bytes;
    if (bytes) machine->ops->send_ack(machine->self, bytes, 0);
  } while (bytes);
  wire[len] = '\0';
}

/* What a connection of its own gets. */
static const char *ask(const char *format, const char *given, unsigned set) {
  const struct machine_peer peer = {.application_protocol = ""};
  struct machine machine;
  char request[256];
  int len = snprintf(request, sizeof request, format, given, set);
  assert_true(h1_server(&engine.h1, &peer, NULL, 0, &machine));
  machine.ops->recv(machine.self, span_of(request, (size_t)len), 0);
  take_all(&machine);
  machine.ops->close(machine.self);
  return wire;
}

static void begin(void) {
  const struct engine_config config = engine_config_default();
  make_sets();
  assert_true(engine_init(&engine, counted_init(&memory), &config, &handler));
}

static void end(void) {
  engine_destroy(&engine);
  assert_int_equal(memory.count, 0);
}

/* Requests that each set is asked for with, in turn, so that what is kept is never of the last one. */
static const char *const requests[] = {
    "GET /%s%u HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /%s%u HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /%s%u HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /%s%u HTTP/1.0\r\n\r\n",
    "HEAD /%s%u HTTP/1.1\r\nHost: a\r\n\r\n",
};

static void compare(const char *request, unsigned set) {
  char expected[WIRE_BYTES];
  strcpy(expected, ask(request, "=", set));
  assert_non_null(strstr(expected, "HTTP/1.1 200 OK\r\n"));
  for (unsigned time = 0; time < 3; time++)
    assert_string_equal(ask(request, "", set), expected);
}

static void test_same_text(void **state) {
  (void)state;
  begin();
  for (size_t r = 0; r < sizeof requests / sizeof *requests; r++)
    for (int64_t date = -1; date < 3; date++) { /* at first there is none */
      if (date >= 0) engine_set_date(&engine, date);
      for (unsigned set = 0; set < SETS; set++)
        compare(requests[r], set);
    }
  assert_int_equal(engine.h1.sets_numbered, SETS);
  end();
}

static const struct h1_head_memo *place_of(unsigned set) {
  return &engine.h1.heads[sets[set].number % H1_HEAD_MEMOS];
}

/* A text is kept until another set takes the place: H1_HEAD_MEMOS. One beyond H1_HEAD_MEMO_BYTES is not. */
static void test_places(void **state) {
  (void)state;
  begin();
  for (unsigned set = 0; set < H1_HEAD_MEMOS; set++)
    ask(requests[0], "", set);
  for (unsigned set = 0; set < H1_HEAD_MEMOS; set++) {
    assert_int_equal(place_of(set)->number, sets[set].number);
    assert_int_equal(place_of(set)->len > 0, set != LONG);
  }
  ask(requests[0], "", H1_HEAD_MEMOS);
  assert_ptr_equal(place_of(H1_HEAD_MEMOS), place_of(0));
  assert_int_not_equal(place_of(0)->number, sets[0].number);
  end();
}

/* The numbers of two sets never agree, not even after 2^32 other sets. */
static void test_many_sets(void **state) {
  (void)state;
  begin();
  ask(requests[0], "", 1);
  assert_int_equal(sets[1].number, 1);
  engine.h1.sets_numbered = 1ull << 32;
  compare(requests[0], 2);
  assert_int_equal(sets[2].number, (1ull << 32) + 1);
  end();
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The methods of sets that are requests. The last one is refused without a body: it promises one. */
static const char *const methods[] = {"GET", "HEAD", "POST", "CONNECT", "PUT"};
enum { ASKS = sizeof methods / sizeof *methods };

static struct header ask_fields[ASKS][5];
static struct header_set ask_sets[ASKS];
static unsigned closed;

static void on_closed(struct stream *stream, uint32_t code) {
  (void)stream;
  closed += code == 0;
}

static void make_asks(void) {
  for (unsigned i = 0; i < ASKS; i++) {
    ask_fields[i][0] = header_of(TOKEN_METHOD, span_text(methods[i]));
    ask_fields[i][1] = header_of(TOKEN_AUTHORITY, span_text("a"));
    ask_fields[i][2] = header_of(TOKEN_PATH, span_text("/p"));
    ask_fields[i][3] = header_of(TOKEN_USER_AGENT, span_text("t"));
    ask_fields[i][4] = header_of(TOKEN_CONTENT_LENGTH, span_text("5"));
    ask_sets[i] = (struct header_set){.at = ask_fields[i], .count = i == ASKS - 1 ? 5 : 4};
  }
}

/* What a connection of its own sends; "" if the request is refused. A response to HEAD has no body. */
static const char *request(unsigned i, bool repeated, bool with_body) {
  static const struct stream_events events = {.closed = on_closed};
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  const struct machine_peer peer = {.application_protocol = ""};
  static struct body_bytes bytes;
  struct body body = BODY_NONE;
  struct machine machine;
  if (with_body) body = body_bytes(&bytes, span_text("hello"), NULL, NULL);
  assert_true(h1_client(&engine.h1, &peer, NULL, 0, &machine));
  struct h1 *h1 = h1_of(&machine);
  struct stream *stream =
      repeated ? h1_request_set(h1, &ask_sets[i], body, &events, NULL)
               : h1_request(h1, ask_sets[i].at, ask_sets[i].count, body, &events, NULL);
  take_all(&machine);
  closed = 0;
  if (stream) machine.ops->recv(machine.self, span_of(answer, sizeof answer - 1), 0);
  assert_int_equal(closed, strcmp(methods[i], "HEAD") == 0 && stream);
  machine.ops->close(machine.self);
  return wire;
}

static void test_requests(void **state) {
  (void)state;
  char expected[2][WIRE_BYTES];
  begin();
  make_asks();
  for (unsigned i = 0; i < ASKS; i++) {
    for (unsigned with = 0; with < 2; with++)
      strcpy(expected[with], request(i, false, with));
    assert_int_equal(*expected[0] == 0, i == ASKS - 1);
    for (unsigned time = 0; time < 9; time++) /* a body comes and goes */
      assert_string_equal(request(i, true, time / 2 % 2), expected[time / 2 % 2]);
  }
  const struct h1_head_memo *kept = &engine.h1.heads[ask_sets[0].number % H1_HEAD_MEMOS];
  assert_int_equal(kept->number, ask_sets[0].number);
  assert_true(kept->len > 0);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_text),
      cmocka_unit_test(test_places),
      cmocka_unit_test(test_many_sets),
      cmocka_unit_test(test_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
