/*
 * h1/test_section_memo.c - requests whose fields, or whose whole heads, were read before are answered as those of a
 * connection that reads them: whatever else was noted, in whatever pieces they come, and whatever their start line
 * says.
 */
#include "engine/engine.h"
#include "engine/h1/connection.h"
#include "engine/h1/h1.h"
#include "engine/h1/section_memo.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 8192, LONGEST = 2 * H1_SECTION_MEMO_BYTES, STEPS = 20000, CONNECTIONS = 3 };

static struct engine engine, reader; /* the reader's connections have one request each */
static struct counted_memory memory, reader_memory;

/* ---- what a handler gets, and a client ------------------------------------------------------- */

static char said[TEXT_BYTES];
static size_t said_len;
static uint64_t number; /* of the last request */

static void say(const char *format, struct span a, struct span b) {
  int len = snprintf(said + said_len, sizeof said - said_len, format, (int)a.len,
                     (const char *)a.base, (int)b.len, (const char *)b.base);
  said_len += (size_t)len;
  assert_true(said_len < sizeof said);
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  number = request->number;
  say("%.*s %.*s\n", request->method, request->path);
  say("%.*s %.*s\n", request->scheme, request->authority);
  for (uint32_t i = 0; i < request->fields->count; i++)
    say("%.*s: %.*s\n", request->fields->at[i].name, request->fields->at[i].value);
  assert_int_equal(headers_tokens(request->fields) | 1,
                   headers_tokens(&(struct headers){.at = request->fields->at,
                                                    .count = request->fields->count}) |
                       1);
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static void ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  char text[80];
  (void)ctx, (void)stream;
  snprintf(text, sizeof text, "%s %u %u %u%d%d", facts->protocol, facts->status,
           (unsigned)facts->header_bytes_received, facts->urgency, facts->prioritized,
           facts->incremental);
  say("%.*s%.*s\n", span_text(text), (struct span){0});
}

static const struct handler handler = {.request = serve, .ended = ended};

static void take_all(struct machine *machine) {
  struct span spans[8];
  size_t count;
  while ((count = machine->ops->send_peek(machine->self, spans, 8, 1 << 16, 0))) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
      say("%.*s%.*s", spans[i], (struct span){0});
      bytes += spans[i].len;
    }
    machine->ops->send_ack(machine->self, bytes, 0);
  }
}

/* The bytes in pieces, cut at `cut`. */
static void send(struct machine *machine, struct span bytes, size_t cut) {
  said_len = 0;
  said[0] = '\0';
  if (cut) assert_int_equal(machine->ops->recv(machine->self, span_of(bytes.base, cut), 0), cut);
  (void)machine->ops->recv(machine->self, span_skip(bytes, cut), 0);
  take_all(machine);
  if (machine->ops->wants(machine->self) & MACHINE_DONE)
    say("%.*s%.*s\n", span_text("the end"), (struct span){0});
}

static void open_as(struct engine *of, struct machine *machine, bool secure) {
  const struct machine_peer peer = {.application_protocol = "", .secure = secure};
  assert_true(h1_server(&of->h1, &peer, NULL, 0, machine));
}

static void open(struct engine *of, struct machine *machine) {
  open_as(of, machine, false);
}

static void begin(void) {
  const struct engine_config config = engine_config_default();
  assert_true(engine_init(&engine, counted_init(&memory), &config, &handler));
  assert_true(engine_init(&reader, counted_init(&reader_memory), &config, &handler));
}

static void end(void) {
  engine_destroy(&engine);
  engine_destroy(&reader);
  assert_int_equal(memory.count + reader_memory.count, 0);
}

/* Sends the request on a connection that may have noted its fields; true when that goes on. */
static bool compare(struct machine *machine, const char *start, const char *section, size_t cut) {
  static char request[TEXT_BYTES], expected[TEXT_BYTES];
  int len = snprintf(request, sizeof request, "%s\r\n%s", start, section);
  struct span bytes = span_of(request, (size_t)len);
  struct machine alone;
  open(&reader, &alone);
  send(&alone, bytes, cut % bytes.len);
  memcpy(expected, said, said_len + 1);
  alone.ops->close(alone.self);
  assert_null(reader.h1.sections);
  send(machine, bytes, cut % bytes.len);
  assert_string_equal(said, expected);
  return !(machine->ops->wants(machine->self) & MACHINE_DONE);
}

static bool is_noted(const char *section) {
  const struct span bytes = span_text(section);
  return h1_section_memo_find(engine.h1.sections, h1_section_memo_mark(bytes), bytes);
}

static bool is_known(const char *start, const char *section) {
  char request[TEXT_BYTES];
  int len = snprintf(request, sizeof request, "%s\r\n%s", start, section);
  const struct h1_from from = {.section = h1_section_memo_mark(span_text(section))};
  return h1_request_memo_find(&engine.h1.requests, span_of(request, (size_t)len), from);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const struct {
  const char *section;
  bool noted; /* once it has come twice */
} rows[] = {
    {"Host: a\r\n\r\n", true},
    {"Host: a\r\nUser-Agent: x\r\nX-One: 1\r\nx-TWO:  2 \r\nAccept: */*\r\n\r\n", true},
    {"Host: a\r\nX-Empty:\r\nAccept:\r\n\r\n", true},
    {"Host: a\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n", true},
    {"Host: a\r\nConnection: x-gone, keep-alive\r\nX-Gone: 1\r\nX-Stays: 2\r\n\r\n", true},
    {"Host: a\r\nPriority: u=1, i\r\n\r\n", true},
    {"Host: a\r\nExpect: 100-continue\r\n\r\n", true},
    {"Host: a\r\nCookie: s=1\r\nX-Long: 0123456789\r\n\r\n", false},
    {"Host: a\r\nAuthorization: Basic abc\r\n\r\n", false},
    {"Host: a\r\nProxy-Authorization: Basic abc\r\n\r\n", false},
    {"Host: a\r\nContent-Length: 0\r\n\r\n", false},
    {"Host: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < ROWS; i++) {
    struct machine machine;
    begin();
    open(&engine, &machine);
    for (int time = 0; time < 4; time++) {
      const char *start = time % 2 ? "GET /one HTTP/1.1" : "HEAD /another HTTP/1.1";
      assert_true(compare(&machine, start, rows[i].section, 0));
      assert_int_equal(is_noted(rows[i].section), rows[i].noted && time > 0);
    }
    machine.ops->close(machine.self);
    end();
  }
}

/* ---- everything in any order ----------------------------------------------------------------- */

static const char *const starts[] = {
    "GET / HTTP/1.1",         "GET /b?c HTTP/1.1",     "HEAD / HTTP/1.1",
    "GET http://a/ HTTP/1.1", "GET http://b HTTP/1.1", "GET https://a/ HTTP/1.1",
    "GET / HTTP/1.0",         "GET / HTTP/1.2",        "GET  / HTTP/1.1",
    "OPTIONS * HTTP/1.1",     "POST / HTTP/1.1",       "CONNECT a:1 HTTP/1.1",
    "GET a HTTP/1.1",         "GET /\x80 HTTP/1.1",    "\r\nGET / HTTP/1.1",
};
enum { STARTS = sizeof starts / sizeof *starts };

static uint32_t next(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*seed >> 33);
}

/* A section of the rows, one of the first mostly, sometimes with another byte in it. */
static void draw(uint64_t *seed, char *out) {
  strcpy(out, rows[next(seed) % (next(seed) % 2 ? 3 : ROWS)].section);
  if (next(seed) % 8 > 0) return;
  out[next(seed) % (strlen(out) - 4)] = "\n\r :\t\0x\x80"[next(seed) % 8];
}

static void test_any_order(void **state) {
  (void)state;
  struct machine machines[CONNECTIONS];
  uint64_t seed = 1;
  unsigned found = 0;
  begin();
  for (size_t i = 0; i < CONNECTIONS; i++)
    open(&engine, &machines[i]);
  for (unsigned step = 0; step < STEPS; step++) {
    char section[LONGEST];
    struct machine *machine = &machines[next(&seed) % CONNECTIONS];
    draw(&seed, section);
    if (strlen(section) < 4 || strcmp(section + strlen(section) - 4, "\r\n\r\n") != 0) continue;
    const char *start = next(&seed) % 4 ? starts[0] : starts[next(&seed) % STARTS];
    size_t cut = next(&seed) % 4 ? 0 : next(&seed);
    found += is_noted(section);
    if (compare(machine, start, section, cut)) continue;
    machine->ops->close(machine->self);
    open(&engine, machine);
  }
  assert_true(found > STEPS / 4);
  for (size_t i = 0; i < CONNECTIONS; i++)
    machines[i].ops->close(machines[i].self);
  end();
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void send_thrice(struct machine *machine, const char *section) {
  for (int time = 0; time < 3; time++)
    assert_true(compare(machine, "GET / HTTP/1.1", section, 0));
}

/* H1_SECTION_MEMO_BYTES */
static void test_bytes(void **state) {
  (void)state;
  struct machine machine;
  char section[LONGEST];
  begin();
  open(&engine, &machine);
  for (int more = 0; more < 2; more++) {
    const int len = snprintf(section, sizeof section, "Host: a\r\nX-%0*d: 1\r\n\r\n",
                             (int)H1_SECTION_MEMO_BYTES - 18 + more, 1);
    assert_int_equal(len, H1_SECTION_MEMO_BYTES + more);
    send_thrice(&machine, section);
    assert_int_equal(is_noted(section), !more);
  }
  machine.ops->close(machine.self);
  end();
}

/* H1_SECTION_MEMO_FIELDS, of those that handlers see */
static void test_fields(void **state) {
  (void)state;
  struct machine machine;
  char section[LONGEST];
  begin();
  open(&engine, &machine);
  for (unsigned more = 0; more < 2; more++) {
    strcpy(section, "Host: a\r\n");
    for (unsigned i = 0; i < H1_SECTION_MEMO_FIELDS + more; i++)
      strcat(section, "X: 1\r\n");
    strcat(section, "\r\n");
    send_thrice(&machine, section);
    assert_int_equal(is_noted(section), !more);
  }
  machine.ops->close(machine.self);
  end();
}

/* More sections than H1_SECTION_MEMOS: each place has the last one. */
static void test_places(void **state) {
  (void)state;
  struct machine machine;
  char section[LONGEST];
  unsigned noted = 0;
  begin();
  open(&engine, &machine);
  for (int round = 0; round < 2; round++) {
    for (unsigned i = 0; i < 4 * H1_SECTION_MEMOS; i++) {
      snprintf(section, sizeof section, "Host: a%u\r\nUser-Agent: somebody or other\r\n\r\n", i);
      if (round == 0) send_thrice(&machine, section);
      noted += round == 1 && is_noted(section);
    }
  }
  assert_in_range(noted, 2, H1_SECTION_MEMOS);
  machine.ops->close(machine.self);
  end();
}

/* Without memory for them, every section is read. */
static void test_no_memory(void **state) {
  (void)state;
  struct machine machine;
  begin();
  open(&engine, &machine);
  assert_true(compare(&machine, "GET / HTTP/1.1", rows[0].section, 0));
  memory.allowed = 0;
  send_thrice(&machine, rows[0].section);
  assert_null(engine.h1.sections);
  machine.ops->close(machine.self);
  end();
}

/* ---- whole requests -------------------------------------------------------------------------- */

static const char one[] = "GET /one HTTP/1.1";

/* Read twice for the fields, and twice more for the head. From then on it has a number, on each connection. */
static void test_whole(void **state) {
  (void)state;
  for (size_t i = 0; i < ROWS; i++) {
    struct machine machine, other;
    begin();
    open(&engine, &machine);
    open(&engine, &other);
    for (int time = 0; time < 6; time++) {
      assert_true(compare(&machine, one, rows[i].section, 0));
      assert_int_equal(is_known(one, rows[i].section), rows[i].noted && time > 2);
      assert_int_equal(number > 0, rows[i].noted && time > 3);
    }
    const uint64_t first = number;
    assert_true(compare(&machine, "HEAD /one HTTP/1.1", rows[i].section, 0));
    assert_int_equal(number, 0);
    assert_true(compare(&machine, one, rows[i].section, 5));
    assert_int_equal(number, 0); /* it came in pieces */
    assert_true(compare(&other, one, rows[i].section, 0));
    assert_int_equal(number, 0); /* it may be the connection's only one */
    assert_true(compare(&other, one, rows[i].section, 0));
    assert_int_equal(number, first);
    machine.ops->close(machine.self);
    other.ops->close(other.self);
    end();
  }
}

/* Several in one receive, also behind one that may not be handled beside others. */
static void test_pipelined(void **state) {
  (void)state;
  static const char all[] = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                            "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                            "POST /one HTTP/1.1\r\nHost: a\r\n\r\n"
                            "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                            "GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                            "GET /one HTTP/1.1\r\nHost: a\r\n\r\n";
  static char expected[TEXT_BYTES];
  struct machine machine, alone;
  begin();
  open(&engine, &machine);
  open(&reader, &alone);
  for (int time = 0; time < 5; time++)
    assert_true(compare(&machine, one, rows[0].section, 0));
  assert_true(number > 0);
  send(&alone, span_text(all), 0);
  memcpy(expected, said, said_len + 1);
  send(&machine, span_text(all), 0);
  assert_string_equal(said, expected);
  machine.ops->close(machine.self);
  alone.ops->close(alone.self);
  end();
}

/* What is known of one scheme is not known of the other. */
static void test_secure(void **state) {
  (void)state;
  struct machine plain, secure;
  begin();
  open(&engine, &plain);
  open_as(&engine, &secure, true);
  for (int time = 0; time < 6; time++) {
    assert_true(compare(&plain, one, rows[0].section, 0));
    const uint64_t before = number;
    send(&secure, span_text("GET /one HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    assert_non_null(strstr(said, ":scheme: https\n"));
    assert_true(number == 0 || number != before);
  }
  assert_true(number > 0);
  plain.ops->close(plain.self);
  secure.ops->close(secure.self);
  end();
}

/* H1_REQUEST_MEMO_BYTES_MAX: of the copy, with everything; H1_REQUEST_MEMOS places, each with the last head. */
static void test_whole_bounds(void **state) {
  (void)state;
  struct machine machine;
  char start[H1_REQUEST_MEMO_BYTES_MAX + 64];
  unsigned known = 0;
  begin();
  open(&engine, &machine);
  for (unsigned bytes = 16; bytes <= H1_REQUEST_MEMO_BYTES_MAX; bytes *= 2) {
    snprintf(start, sizeof start, "GET /%0*u HTTP/1.1", (int)bytes, 1u);
    for (int time = 0; time < 5; time++)
      assert_true(compare(&machine, start, rows[0].section, 0));
    if (bytes < H1_REQUEST_MEMO_BYTES_MAX / 8) assert_true(is_known(start, rows[0].section));
    if (bytes > H1_REQUEST_MEMO_BYTES_MAX / 2) assert_false(is_known(start, rows[0].section));
  }
  for (unsigned i = 0; i < 8 * H1_REQUEST_MEMOS; i++) {
    snprintf(start, sizeof start, "GET /%u HTTP/1.1", i % (4 * H1_REQUEST_MEMOS));
    for (int time = 0; time < 2; time++)
      assert_true(compare(&machine, start, rows[0].section, 0));
    known += is_known(start, rows[0].section);
  }
  assert_true(known > 4 * H1_REQUEST_MEMOS);
  for (unsigned i = known = 0; i < 4 * H1_REQUEST_MEMOS; i++) {
    snprintf(start, sizeof start, "GET /%u HTTP/1.1", i);
    known += is_known(start, rows[0].section);
  }
  assert_in_range(known, H1_REQUEST_MEMOS / 2, H1_REQUEST_MEMOS);
  machine.ops->close(machine.self);
  end();
}

static void test_whole_no_memory(void **state) {
  (void)state;
  struct machine machine;
  begin();
  open(&engine, &machine);
  for (int time = 0; time < 2; time++)
    assert_true(compare(&machine, one, rows[0].section, 0));
  assert_true(is_noted(rows[0].section));
  memory.allowed = 0;
  for (int time = 0; time < 4; time++)
    assert_true(compare(&machine, one, rows[0].section, 0));
  assert_false(is_known(one, rows[0].section));
  assert_int_equal(number, 0);
  machine.ops->close(machine.self);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_any_order),
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_places),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_whole),
      cmocka_unit_test(test_pipelined),
      cmocka_unit_test(test_secure),
      cmocka_unit_test(test_whole_bounds),
      cmocka_unit_test(test_whole_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
