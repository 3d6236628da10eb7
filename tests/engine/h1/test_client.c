/*
 * h1/test_client.c - connections of an HTTP/1.1 client: the owner's events, and the bytes on the
 * wire. The server is a text, given whole, byte by byte, and in two pieces at every place, against
 * a guard page.
 */
#include <string.h>

#include "tests/engine/h1/client_end.h"
#include "tests/support/cmocka.h"

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

static void test_rows(void **state) {
  unsigned failures = 0;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    failures += !client_run(&rows[i], 0);
  assert_int_equal(failures, 0);
}

/* Our direction of a tunnel has ended with its body; the server's goes on for as long as it likes. */
static void test_tunnel_half_closed(void **state) {
  static const struct ask asks[] = {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat"),
                                    {.method = NULL}};
  static const char switched[] =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
  (void)state;
  client_begin(asks);
  client_pump();
  assert_int_equal(client_wants(), MACHINE_RECV);
  client_give(switched, sizeof switched - 1);
  assert_int_equal(client_wants(), MACHINE_RECV | MACHINE_ENDED);
  client_give("the", 3);
  client_give("irs", 3);
  assert_int_equal(client_wants(), MACHINE_RECV | MACHINE_ENDED);
  assert_string_equal(client.heard, "1 is 101, 1: theirs");
  client_give("\1", 1);
  assert_string_equal(client.heard, "1 is 101, 1: theirs end, ended done, 1 closed 0");
  assert_int_equal(client_wants(), MACHINE_DONE);
  client_end();
}

/* ---- clocks and bounds ----------------------------------------------------------------------- */

static void tick(uint64_t ns) {
  client.now_ns += ns;
  if (client.now_ns >= client.machine.ops->deadline_ns(client.machine.self))
    client.machine.ops->tick(client.machine.self, client.now_ns);
}

/* Idle connections end by PEER_IDLE_NS; a head that has begun by PEER_HEADER_BLOCK_NS; the client's
 * owner decides how long a server may think. */
static void test_clocks(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  (void)state;
  client_begin(asks);
  client_pump();
  tick(20 * 60 * SECOND_NS);
  assert_int_equal(client_wants(), MACHINE_RECV);
  client_give("HTTP/1.1 2", 10);
  tick(PEER_HEADER_BLOCK_NS);
  assert_string_equal(client.heard, BROKEN("the head takes too long", "1"));
  assert_int_equal(client_wants(), MACHINE_DONE);
  client_end();
  client_begin(asks + 1);
  tick(PEER_IDLE_NS);
  assert_string_equal(client.heard, "ended done");
  assert_int_equal(client_wants(), MACHINE_DONE);
  client_end();
}

/* As many of them as a header section may be long, and no more. */
static void test_endless_informational_responses(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
  unsigned count = 0;
  (void)state;
  client_begin(asks);
  client_pump();
  for (; client_wants() & MACHINE_RECV; count++) {
    *client.heard = 0;
    client_give(text, sizeof text - 1);
  }
  assert_int_equal(count, PEER_HEADER_LIST_BYTES_DEFAULT / (sizeof text - 1) + 1);
  assert_string_equal(client.heard, BROKEN("too many informational responses", "1"));
  client_end();
}

/* A response may have any number of small chunks: only requests are charged for H1_CHUNK_SMALL_BURST. */
static void test_small_chunks(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  static const char chunk[] = "1\r\nx\r\n", last[] = "0\r\n\r\n";
  (void)state;
  client_begin(asks);
  client_pump();
  client_give(CHUNKED, sizeof CHUNKED - 1);
  for (unsigned i = 0; i < 2 * H1_CHUNK_SMALL_BURST; i++) {
    *client.heard = 0;
    client_give(chunk, sizeof chunk - 1);
    assert_non_null(strchr(client.heard, 'x'));
  }
  client_give(last, sizeof last - 1);
  assert_non_null(strstr(client.heard, "x end, 1 closed 0"));
  client_end();
}

/* What has come before the request has left is not taken for its response. */
static void test_response_before_its_request(void **state) {
  static const struct ask asks[] = {ASK("GET", "/a"), ASK("GET", "/b"), {.method = NULL}};
  (void)state;
  client_begin(asks);
  client_pump();
  client_give(OK("0") OK("0"), 2 * (sizeof OK("0") - 1));
  assert_string_equal(client.heard,
                      "1 is 200 end, 1 closed 0, ended broken: bytes that answer no request, "
                      "2 closed 7");
  assert_string_equal(client.wire, HEAD("GET", "/a") "|");
  client_end();
}

/* A server that speaks HTTP/2 only is told apart from one that speaks nonsense. */
static void test_frames(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  static const uint8_t settings[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, '\n'};
  (void)state;
  client_begin(asks);
  client_pump();
  (void)client.machine.ops->recv(client.machine.self, span_of(settings, sizeof settings),
                                 client.now_ns);
  assert_non_null(strstr(client.heard, "ended broken: it begins as HTTP/2 does"));
  client_end();
}

/* A drained client takes no more requests, and ends when the last is answered. */
static void test_drain(void **state) {
  static const struct ask asks[] = {ASK("GET", "/"), {.method = NULL}};
  (void)state;
  client_begin(asks);
  client_pump();
  client.machine.ops->drain(client.machine.self, 0);
  assert_int_equal(h1_request_room(h1_of(&client.machine)), 0);
  assert_int_equal(client_wants(), MACHINE_RECV);
  client_give(OK("0"), sizeof OK("0") - 1);
  assert_string_equal(client.heard, "1 is 200 end, ended done, 1 closed 0");
  assert_int_equal(client_wants(), MACHINE_DONE);
  client_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),         cmocka_unit_test(test_tunnel_half_closed),
      cmocka_unit_test(test_clocks),       cmocka_unit_test(test_endless_informational_responses),
      cmocka_unit_test(test_small_chunks), cmocka_unit_test(test_response_before_its_request),
      cmocka_unit_test(test_frames),       cmocka_unit_test(test_drain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
