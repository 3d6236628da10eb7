/*
 * h1/test_client.c - connections of an HTTP/1.1 client: the owner's events, and the bytes on the
 * wire. The server is a text, given whole, byte by byte, and in two pieces at every place, against
 * a guard page.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/h1/h1.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/guard.h"

/* ---- the client under test ------------------------------------------------------------------- */

enum { LOG_BYTES = 4096, REQUESTS_MAX = 4 };

/* A request; its body is sent in chunks unless `length` is set. */
struct ask {
  const char *method, *path, *body;
  const char *length;   /* content-length */
  const char *protocol; /* to upgrade to */
  bool waits;           /* the body never ends */
  bool resets;          /* the stream is reset at the response */
};

#define ASK(method_, path_, ...)                                                                   \
  { .method = method_, .path = path_, __VA_ARGS__ }

struct row {
  const char *section, *name;
  struct ask asks[REQUESTS_MAX]; /* each is made when the one before has ended */
  const char *server; /* '\1' is the end of its direction; at '\2' it waits for the next request */
  const char *heard, *wire;
};

struct client {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct guard guard;
  uint64_t now_ns;
  const struct ask *asks;
  unsigned made;
  bool in_data;
  struct body_bytes bodies[REQUESTS_MAX];
  char heard[LOG_BYTES], wire[LOG_BYTES];
};

static struct client client;

__attribute__((format(printf, 1, 2))) static void hear(const char *format, ...) {
  size_t len = strlen(client.heard);
  va_list arguments;
  va_start(arguments, format);
  if (len) len += (size_t)snprintf(client.heard + len, LOG_BYTES - len, ", ");
  vsnprintf(client.heard + len, LOG_BYTES - len, format, arguments);
  va_end(arguments);
  client.in_data = false;
}

static unsigned number_of(const struct stream *stream) {
  return (unsigned)stream->id;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  const struct header *type = headers_find(fields, TOKEN_CONTENT_TYPE);
  assert_int_equal(fields->at[0].token, TOKEN_STATUS);
  assert_null(headers_find(fields, TOKEN_TRANSFER_ENCODING));
  assert_null(headers_find(fields, TOKEN_CONNECTION));
  hear("%u is %u%s%.*s%s", number_of(stream), status, type ? " " : "",
       type ? (int)type->value.len : 0, type ? (const char *)type->value.base : "",
       end ? " end" : "");
  if (((const struct ask *)stream->user)->resets) stream_reset(stream, 0);
}

/* Pieces of data are joined. */
static void on_data(struct stream *stream, struct span bytes, bool end) {
  size_t len = strlen(client.heard);
  if (!client.in_data) {
    hear("%u: ", number_of(stream));
    len = strlen(client.heard);
  }
  snprintf(client.heard + len, LOG_BYTES - len, "%.*s%s", (int)bytes.len, (const char *)bytes.base,
           end ? " end" : "");
  client.in_data = true;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  hear("%u trailers %.*s", number_of(stream), (int)fields->at[0].name.len,
       (const char *)fields->at[0].name.base);
}

static void on_closed(struct stream *stream, uint32_t code) {
  hear("%u closed %u", number_of(stream), code);
}

static const struct stream_events events = {
    .response = on_response, .data = on_data, .trailers = on_trailers, .closed = on_closed};

static enum body_result wait_for_ever(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return BODY_WAIT;
}

static const struct body_ops waits = {.pull = wait_for_ever};

static struct body body_of(const struct ask *ask) {
  if (ask->waits) return (struct body){&waits, NULL};
  if (!ask->body) return BODY_NONE;
  return body_bytes(&client.bodies[client.made], span_text(ask->body), NULL, NULL);
}

static void make_next(void) {
  const struct ask *ask = &client.asks[client.made];
  if (!ask->method) return;
  struct header fields[8] = {
      header_of(TOKEN_METHOD, span_text(ask->method)), header_of(TOKEN_SCHEME, span_text("http")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(ask->path)),
      header_of(TOKEN_USER_AGENT, span_text("t"))};
  size_t count = 5;
  if (ask->length) fields[count++] = header_of(TOKEN_CONTENT_LENGTH, span_text(ask->length));
  if (ask->protocol) fields[count++] = header_of(TOKEN_PROTOCOL, span_text(ask->protocol));
  struct body body = body_of(ask);
  client.made++;
  if (!h1_request(h1_of(&client.machine), fields, count, body, &events, (void *)(uintptr_t)ask))
    hear("refused");
}

static void on_ready(void *ctx, struct h1 *h1) {
  (void)ctx;
  assert_int_equal(h1_request_room(h1), 1);
  make_next();
}

static void on_ended(void *ctx, struct h1 *h1, enum h1_end_reason reason, const char *what) {
  static const char *const names[] = {"done", "broken", "eof", "closed"};
  (void)ctx;
  (void)h1;
  hear("ended %s%s%s", names[reason], what ? ": " : "", what ? what : "");
}

static const struct h1_client_events client_events = {.ready = on_ready, .ended = on_ended};

static void begin(const struct ask *asks) {
  const struct engine_config config = engine_config_default();
  const struct machine_peer peer = {.application_protocol = ""};
  memset(&client, 0, sizeof client);
  client.asks = asks;
  guard_init(&client.guard, 1 << 16);
  assert_true(engine_init(&client.engine, counted_init(&client.memory), &config, NULL));
  assert_true(h1_client(&client.engine.h1, &peer, NULL, 0, &client.machine));
  h1_client_listen(h1_of(&client.machine), &client_events, NULL);
  make_next();
}

/* CRLF becomes '|'. */
static void pump(void) {
  struct span spans[8];
  size_t count, bytes;
  do {
    count = client.machine.ops->send_peek(client.machine.self, spans, 8, 1 << 14, client.now_ns);
    bytes = 0;
    for (size_t i = 0; i < count; i++) {
      for (size_t at = 0; at < spans[i].len; at++) {
        char byte = (char)spans[i].base[at];
        size_t len = strlen(client.wire);
        assert_true(len + 1 < LOG_BYTES);
        if (byte == '\n') continue;
        client.wire[len] = byte == '\r' ? '|' : byte;
      }
      bytes += spans[i].len;
    }
    if (bytes) client.machine.ops->send_ack(client.machine.self, bytes, client.now_ns);
  } while (bytes);
}

static unsigned wants(void) {
  return client.machine.ops->wants(client.machine.self);
}

static void give(const char *text, size_t len) {
  while (len && (wants() & MACHINE_RECV)) {
    struct span bytes = guard_put(&client.guard, span_of(text, len));
    size_t took = client.machine.ops->recv(client.machine.self, bytes, client.now_ns);
    pump();
    text += took;
    len -= took;
  }
}

static void give_all(const char *text, size_t len) {
  for (const char *end = text + len, *at = text; at < end; at++) {
    size_t run = strcspn(at, "\1\2");
    if (run > (size_t)(end - at)) run = (size_t)(end - at);
    give(at, run);
    at += run;
    if (at < end && *at == '\1') client.machine.ops->recv_eof(client.machine.self, client.now_ns);
    pump();
  }
}

static void end(void) {
  client.machine.ops->close(client.machine.self);
  engine_destroy(&client.engine);
  assert_int_equal(client.memory.count, 0);
  guard_destroy(&client.guard);
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define HEAD(method, path) method " " path " HTTP/1.1|host: a|user-agent: t|"
#define CLOSED             ", ended closed"
#define OK(length)         "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define BROKEN(what, n)    "ended broken: " what ", " n " closed 1"

static const struct row rows[] = {
    {"9112 6.2",
     "a body by length",
     {ASK("GET", "/")},
     OK("2") "ok",
     "1 is 200, 1: ok end, 1 closed 0" CLOSED,
     HEAD("GET", "/") "|"},
    {"9112 9.3",
     "the next request on the same connection",
     {ASK("GET", "/a"), ASK("GET", "/b")},
     OK("2") "ok\2" OK("0"),
     "1 is 200, 1: ok end, 1 closed 0, 2 is 200 end, 2 closed 0" CLOSED,
     HEAD("GET", "/a") "|" HEAD("GET", "/b") "|"},
    {"9112 7.1",
     "a body in chunks, with trailers",
     {ASK("GET", "/")},
     CHUNKED "3\r\nabc\r\n1;x\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n",
     "1 is 200, 1: abcd, 1 trailers x-sum, 1 closed 0" CLOSED,
     HEAD("GET", "/") "|"},
    {"9112 6.3",
     "a body until the end",
     {ASK("GET", "/"), ASK("GET", "/never")},
     "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\n\r\nall of it\1",
     "1 is 200 x/y, 1: all of it end, ended done, 1 closed 0",
     HEAD("GET", "/") "|"},
    {"9112 9.6",
     "connection: close",
     {ASK("GET", "/"), ASK("GET", "/never")},
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
     "1 is 200, 1: ok end, ended done, 1 closed 0",
     HEAD("GET", "/") "|"},
    {"9112 9.3",
     "HTTP/1.0 closes",
     {ASK("GET", "/"), ASK("GET", "/never")},
     "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
     "1 is 200, 1: ok end, ended done, 1 closed 0",
     HEAD("GET", "/") "|"},
    {"9110 9.3.2",
     "no body answers HEAD",
     {ASK("HEAD", "/"), ASK("GET", "/b")},
     OK("2") "\2" OK("0"),
     "1 is 200 end, 1 closed 0, 2 is 200 end, 2 closed 0" CLOSED,
     HEAD("HEAD", "/") "|" HEAD("GET", "/b") "|"},
    {"9110 15.3.5",
     "204 has none",
     {ASK("GET", "/")},
     "HTTP/1.1 204 No Content\r\n\r\n",
     "1 is 204 end, 1 closed 0" CLOSED,
     HEAD("GET", "/") "|"},
    {"9110 15.2",
     "informational responses",
     {ASK("GET", "/")},
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK("0"),
     "1 is 100, 1 is 103, 1 is 200 end, 1 closed 0" CLOSED,
     HEAD("GET", "/") "|"},
    {"9112 7.1",
     "a request body in chunks",
     {ASK("POST", "/", .body = "hello")},
     OK("0"),
     "1 is 200 end, 1 closed 0" CLOSED,
     HEAD("POST", "/") "transfer-encoding: chunked||5|hello|0||"},
    {"9112 6.2",
     "by length",
     {ASK("POST", "/", .body = "hello", .length = "5")},
     OK("0"),
     "1 is 200 end, 1 closed 0" CLOSED,
     HEAD("POST", "/") "content-length: 5||hello"},
    {"9110 8.6",
     "none",
     {ASK("POST", "/")},
     OK("0"),
     "1 is 200 end, 1 closed 0" CLOSED,
     HEAD("POST", "/") "content-length: 0||"},
    {"",
     "an answer before the request is complete ends the connection",
     {ASK("POST", "/", .waits = true), ASK("GET", "/never")},
     OK("2") "no",
     "1 is 200, 1: no end, ended done, 1 closed 0",
     HEAD("POST", "/") "transfer-encoding: chunked||"},
    {"9110 7.8",
     "an upgrade makes a tunnel",
     {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat")},
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\ntheirs\1",
     "1 is 101, 1: theirs end, ended done, 1 closed 0",
     HEAD("GET", "/t") "connection: upgrade|upgrade: chat||ours"},
    {"",
     "the server ends its direction of one, and ours goes on",
     {ASK("CONNECT", "/t", .waits = true, .protocol = "chat")},
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\ntheirs\1",
     "1 is 101, 1: theirs end, ended closed, 1 closed 10",
     HEAD("GET", "/t") "connection: upgrade|upgrade: chat||"},
    {"9110 7.8",
     "a POST may ask, too",
     {ASK("POST", "/t", .body = "ours", .protocol = "chat/2")},
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat/2\r\n\r\ntheirs\1",
     "1 is 101, 1: theirs end, ended done, 1 closed 0",
     HEAD("POST", "/t") "content-length: 0|connection: upgrade|upgrade: chat/2||ours"},
    {"9110 7.8",
     "or is refused",
     {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat")},
     OK("2") "no",
     "1 is 200, 1: no end, 1 closed 0" CLOSED,
     HEAD("GET", "/t") "connection: upgrade|upgrade: chat||"},
    {"",
     "101 to no upgrade",
     {ASK("GET", "/")},
     "HTTP/1.1 101 Switching Protocols\r\n\r\n",
     BROKEN("101 to a request for no upgrade", "1"),
     HEAD("GET", "/") "|"},
    {"9110 15.2.2",
     "101 that does not say to what",
     {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat")},
     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n",
     BROKEN("101 without an upgrade", "1"),
     HEAD("GET", "/t") "connection: upgrade|upgrade: chat||"},
    {"9110 7.8",
     "101 to another protocol",
     {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat")},
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chatter\r\n\r\ntheirs",
     BROKEN("101 to another protocol than was asked for", "1"),
     HEAD("GET", "/t") "connection: upgrade|upgrade: chat||"},
    {"9110 7.8",
     "101 to several",
     {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat")},
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat, tls\r\n\r\ntheirs",
     BROKEN("101 to another protocol than was asked for", "1"),
     HEAD("GET", "/t") "connection: upgrade|upgrade: chat||"},
    {"9110 7.8",
     "in any case, the protocol is the same",
     {ASK("CONNECT", "/t", .body = "ours", .protocol = "Chat/1")},
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat/1\r\n\r\ntheirs\1",
     "1 is 101, 1: theirs end, ended done, 1 closed 0",
     HEAD("GET", "/t") "connection: upgrade|upgrade: Chat/1||ours"},
    {"", "no HTTP", {ASK("GET", "/")}, "SSH-2.0-x\r\n\r\n", NULL, HEAD("GET", "/") "|"},
    {"9112 6.1",
     "both lengths",
     {ASK("GET", "/")},
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
     NULL,
     HEAD("GET", "/") "|"},
    {"9112 7.1",
     "a bad chunk",
     {ASK("GET", "/")},
     CHUNKED "2\r\nabc\r\n",
     NULL,
     HEAD("GET", "/") "|"},
    {"",
     "bytes that nothing asked for",
     {ASK("GET", "/")},
     OK("0") "HTTP/1.1 408 Too late\r\n\r\n",
     "1 is 200 end, 1 closed 0, ended done: bytes that answer no request",
     HEAD("GET", "/") "|"},
    {"9112 8",
     "a body that is cut off",
     {ASK("GET", "/")},
     OK("5") "abc\1",
     "1 is 200, 1: abc, ended eof, 1 closed 10",
     HEAD("GET", "/") "|"},
    {"9112 8",
     "a response that never comes",
     {ASK("GET", "/")},
     "\1",
     "ended eof, 1 closed 10",
     HEAD("GET", "/") "|"},
    {"", "an idle connection that ends", {{.method = NULL}}, "\1", "ended done", ""},
    {"",
     "a reset ends the connection",
     {ASK("GET", "/", .resets = true), ASK("GET", "/never")},
     OK("5") "abcde",
     "1 is 200, 1 closed 8, ended closed",
     HEAD("GET", "/") "|"},
    {"",
     "the longest name of a protocol",
     {ASK("CONNECT", "/t", .waits = true, .protocol = "12345678901234567890123456789012")},
     "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: 12345678901234567890123456789012\r\n\r\n",
     "1 is 101, ended closed, 1 closed 10",
     HEAD("GET", "/t") "connection: upgrade|upgrade: 12345678901234567890123456789012||"},
    {"",
     "one that is longer",
     {ASK("CONNECT", "/t", .waits = true, .protocol = "123456789012345678901234567890123")},
     "",
     "refused, ended closed",
     ""},
    {"", "an invalid method", {ASK("G T", "/")}, "", "refused, ended closed", ""},
    {"", "a target with a space", {ASK("GET", "/a b")}, "", "refused, ended closed", ""},
    {"", "a target with a line", {ASK("GET", "/\r\nx: y")}, "", "refused, ended closed", ""},
    {"",
     "a length without a body",
     {ASK("POST", "/", .length = "3")},
     "",
     "refused, ended closed",
     ""},
};

_Static_assert(H1_PROTOCOL_BYTES_MAX == 32, "the longest name above");

/* Where `heard` is NULL the connection ends as broken, whatever is wrong in detail. */
static bool run(const struct row *row, size_t cut, bool bytewise) {
  size_t len = strlen(row->server);
  begin(row->asks);
  pump();
  for (size_t at = 0; bytewise && at < len; at++)
    give_all(row->server + at, 1);
  if (!bytewise && cut) give_all(row->server, cut);
  if (!bytewise && cut < len) give_all(row->server + cut, len - cut);
  bool broken = !(wants() & MACHINE_RECV) && strstr(client.heard, "ended broken: ");
  end();
  bool heard = row->heard ? strcmp(client.heard, row->heard) == 0 : broken;
  bool same = heard && strcmp(client.wire, row->wire) == 0;
  if (!same)
    print_error("%s %s (%zu%s):\n  got  %s\n  want %s\n  sent %s\n  want %s\n", row->section,
                row->name, cut, bytewise ? ", by bytes" : "", client.heard,
                row->heard ? row->heard : "broken", client.wire, row->wire);
  return same;
}

static void test_rows(void **state) {
  unsigned failures = 0;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t len = strlen(rows[i].server);
    bool same = run(&rows[i], 0, false) && run(&rows[i], 0, true);
    for (size_t cut = 1; same && cut < len; cut++)
      same = run(&rows[i], cut, false);
    if (!same) print_error("%s fails\n", rows[i].name);
    failures += !same;
  }
  assert_int_equal(failures, 0);
}

/* Our direction of a tunnel has ended with its body; the server's goes on for as long as it likes. */
static void test_tunnel_half_closed(void **state) {
  static const struct ask asks[] = {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat"),
                                    {.method = NULL}};
  static const char switched[] =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
  (void)state;
  begin(asks);
  pump();
  assert_int_equal(wants(), MACHINE_RECV);
  give_all(switched, sizeof switched - 1);
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_ENDED);
  give_all("the", 3);
  give_all("irs", 3);
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_ENDED);
  assert_string_equal(client.heard, "1 is 101, 1: theirs");
  give_all("\1", 1);
  assert_string_equal(client.heard, "1 is 101, 1: theirs end, ended done, 1 closed 0");
  assert_int_equal(wants(), MACHINE_DONE);
  end();
}

/* ---- clocks and bounds ----------------------------------------------------------------------- */

static void tick(uint64_t ns) {
  client.now_ns += ns;
  if (client.now_ns >= client.machine.ops->deadline_ns(client.machine.self))
    client.machine.ops->tick(client.machine.self, client.now_ns);
}

/* Idle connections end by H2_IDLE_NS; a head that has begun by H2_HEADER_BLOCK_NS; the client's
 * owner decides how long a server may think. */
static void test_clocks(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  (void)state;
  begin(asks);
  pump();
  tick(20 * 60 * SECOND_NS);
  assert_int_equal(wants(), MACHINE_RECV);
  give_all("HTTP/1.1 2", 10);
  tick(H2_HEADER_BLOCK_NS);
  assert_string_equal(client.heard, BROKEN("the head takes too long", "1"));
  assert_int_equal(wants(), MACHINE_DONE);
  end();
  begin(asks + 1);
  tick(H2_IDLE_NS);
  assert_string_equal(client.heard, "ended done");
  assert_int_equal(wants(), MACHINE_DONE);
  end();
}

/* As many of them as a header section may be long, and no more. */
static void test_endless_informational_responses(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
  unsigned count = 0;
  (void)state;
  begin(asks);
  pump();
  for (; wants() & MACHINE_RECV; count++) {
    *client.heard = 0;
    give_all(text, sizeof text - 1);
  }
  assert_int_equal(count, H2_HEADER_LIST_BYTES_DEFAULT / (sizeof text - 1) + 1);
  assert_string_equal(client.heard, BROKEN("too many informational responses", "1"));
  end();
}

/* What has come before the request has left is not taken for its response. */
static void test_response_before_its_request(void **state) {
  static const struct ask asks[] = {ASK("GET", "/a"), ASK("GET", "/b"), {.method = NULL}};
  (void)state;
  begin(asks);
  pump();
  give_all(OK("0") OK("0"), 2 * (sizeof OK("0") - 1));
  assert_string_equal(client.heard,
                      "1 is 200 end, 1 closed 0, " BROKEN("bytes that answer no request", "2"));
  assert_string_equal(client.wire, HEAD("GET", "/a") "|");
  end();
}

/* A drained client takes no more requests, and ends when the last is answered. */
static void test_drain(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  (void)state;
  begin(asks);
  pump();
  client.machine.ops->drain(client.machine.self, 0);
  assert_int_equal(h1_request_room(h1_of(&client.machine)), 0);
  assert_int_equal(wants(), MACHINE_RECV);
  give_all(OK("0"), sizeof OK("0") - 1);
  assert_string_equal(client.heard, "1 is 200 end, ended done, 1 closed 0");
  assert_int_equal(wants(), MACHINE_DONE);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_tunnel_half_closed),
      cmocka_unit_test(test_clocks),
      cmocka_unit_test(test_endless_informational_responses),
      cmocka_unit_test(test_response_before_its_request),
      cmocka_unit_test(test_drain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
