/*
 * h1/test_responses.c - responses: their length, whether the connection persists, and which are
 * refused. Each row is read whole, byte by byte, and in two pieces cut at every place, before a
 * guard page.
 */
#include "tests/support/cmocka.h"

#include "tests/engine/h1/message_check.h"

static const struct {
  const char *name;
  struct h1_asked asked;
  struct span bytes;
  const char *expected;
} responses[] = {
    {"length",
     {0},
     BYTES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP"),
     "200 1.1 keep|content-length=2|ab|HTTP"},
    {"chunked",
     {0},
     BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n"),
     "200 1.1 keep|transfer-encoding=chunked|a|x=y|"},
    {"until the end", {0}, BYTES("HTTP/1.1 200 OK\r\n\r\nabc"), "200 1.1 close|abc|"},
    {"HTTP/1.0",
     {0},
     BYTES("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
     "200 1.0 close|content-length=0||"},
    {"HTTP/1.0, kept alive",
     {0},
     BYTES("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n"),
     "200 1.0 keep|connection=Keep-Alive|content-length=0||"},
    {"no reason", {0}, BYTES("HTTP/1.1 204 \r\n\r\n"), "204 1.1 keep||"},
    {"no space and no reason", {0}, BYTES("HTTP/1.1 204\r\n\r\n"), "204 1.1 keep||"},
    {"reason above 0x7f", {0}, BYTES("HTTP/1.1 204 \xc3\xa4\t\r\n\r\n"), "204 1.1 keep||"},
    {"status 999",
     {0},
     BYTES("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"),
     "999 1.1 keep|content-length=0||"},
    {"100", {0}, BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP"), "100 1.1 keep||HTTP"},
    {"103 with a length",
     {0},
     BYTES("HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\nHTTP"),
     "103 1.1 keep|content-length=5||HTTP"},
    {"204 with a length",
     {0},
     BYTES("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\nHTTP"),
     "204 1.1 keep|content-length=5||HTTP"},
    {"304 with a length",
     {0},
     BYTES("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\nHTTP"),
     "304 1.1 keep|content-length=5||HTTP"},
    {"304 without", {0}, BYTES("HTTP/1.1 304 x\r\n\r\nHTTP"), "304 1.1 keep||HTTP"},
    {"HEAD",
     {.head = true},
     BYTES("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nHTTP"),
     "200 1.1 keep|content-length=5||HTTP"},
    {"HEAD, chunked",
     {.head = true},
     BYTES("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nHTTP"),
     "200 1.1 keep|transfer-encoding=chunked||HTTP"},
    {"HEAD without a length",
     {.head = true},
     BYTES("HTTP/1.1 200 x\r\n\r\nHTTP"),
     "200 1.1 keep||HTTP"},
    {"CONNECT",
     {.connect = true},
     BYTES("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\ntunnel"),
     "200 1.1 keep|content-length=5||tunnel"},
    {"CONNECT refused",
     {.connect = true},
     BYTES("HTTP/1.1 403 x\r\nContent-Length: 1\r\n\r\naHTTP"),
     "403 1.1 keep|content-length=1|a|HTTP"},
    {"101",
     {0},
     BYTES("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81"),
     "101 1.1 keep|connection=upgrade|upgrade=websocket||\x81"},
    {"close",
     {0},
     BYTES("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
     "200 1.1 close|connection=close|content-length=0||"},
    {"both lengths",
     {0},
     BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "502"},
    {"two lengths",
     {0},
     BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
     "502"},
    {"bad length", {0}, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nabcde"), "502"},
    {"bad length of HEAD",
     {.head = true},
     BYTES("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
     "502"},
    {"another coding", {0}, BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), "502"},
    {"chunked in HTTP/1.0",
     {0},
     BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "502"},
    {"bad chunk", {0}, BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), "400"},
    {"empty line before it", {0}, BYTES("\r\nHTTP/1.1 200 OK\r\n\r\n"), "502"},
    {"space before it", {0}, BYTES(" HTTP/1.1 200 OK\r\n\r\n"), "502"},
    {"no status", {0}, BYTES("HTTP/1.1\r\n\r\n"), "502"},
    {"no status, but spaces", {0}, BYTES("HTTP/1.1     \r\n\r\n"), "502"},
    {"2 digits", {0}, BYTES("HTTP/1.1 20 OK\r\n\r\n"), "502"},
    {"4 digits", {0}, BYTES("HTTP/1.1 2000 OK\r\n\r\n"), "502"},
    {"200x", {0}, BYTES("HTTP/1.1 200x OK\r\n\r\n"), "502"},
    {"tab after the status", {0}, BYTES("HTTP/1.1 200\tOK\r\n\r\n"), "502"},
    {"two spaces before the status", {0}, BYTES("HTTP/1.1  200 OK\r\n\r\n"), "502"},
    {"tab before the status", {0}, BYTES("HTTP/1.1\t200 OK\r\n\r\n"), "502"},
    {"status 099", {0}, BYTES("HTTP/1.1 099 OK\r\n\r\n"), "502"},
    {"status +20", {0}, BYTES("HTTP/1.1 +20 OK\r\n\r\n"), "502"},
    {"control character in the reason", {0}, BYTES("HTTP/1.1 200 O\x01K\r\n\r\n"), "502"},
    {"CR in the reason", {0}, BYTES("HTTP/1.1 200 O\rK\r\n\r\n"), "502"},
    {"LF after the reason", {0}, BYTES("HTTP/1.1 200 OK\n\r\n"), "502"},
    {"HTTP/2.0", {0}, BYTES("HTTP/2.0 200 OK\r\n\r\n"), "502"},
    {"HTTP/1.2", {0}, BYTES("HTTP/1.2 200 OK\r\n\r\n"), "502"},
    {"http/1.1", {0}, BYTES("http/1.1 200 OK\r\n\r\n"), "502"},
    {"ICY", {0}, BYTES("ICY 200 OK\r\n\r\n"), "502"},
    {"HTTP/0.9", {0}, BYTES("<html>\r\n"), "502"},
    {"folded", {0}, BYTES("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"), "502"},
    {"space before the colon", {0}, BYTES("HTTP/1.1 200 OK\r\nX : y\r\n\r\n"), "502"},
};

static void test_responses(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
    message_check(responses[i].name, H1_RESPONSE, responses[i].asked, responses[i].bytes,
                  responses[i].expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_responses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
