/*
 * h1/test_exchanges.c - connections of an HTTP/1.x server: the application's events, and the bytes
 * on the wire. Each row runs whole, byte by byte, and in two pieces at every place, against a guard
 * page.
 */
#include "engine/h1/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/talk_rows.h"

static const struct talk_row persistence[] = {
    {"9112 9.3", "HTTP/1.1 goes on", GET("/") DO("wants"), SERVED("1", "/") ", wants RECV", OK},
    {"9112 9.3", "and on", GET("/") GET("/none") GET("/"),
     SERVED("1", "/") ", " SERVED("2", "/none") ", " SERVED("3", "/"),
     OK "HTTP/1.1 204 No Content|server: weir||" OK},
    {"9112 9.6", "unless the client says close",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/") DO("wants"),
     SERVED("1", "/") ", wants DONE", OK_CLOSE},
    {"9112 9.3", "HTTP/1.0 does not", OLD("/", "") DO("wants"), SERVED("1", "/") ", wants DONE",
     OK_CLOSE},
    {"9112 9.3", "unless the client asks for it",
     OLD("/", "Connection: Keep-Alive\r\n") DO("wants"), SERVED("1", "/") ", wants RECV",
     "HTTP/1.1 200 OK|content-length: 2|server: weir|connection: keep-alive||ok"},
    {"9112 2.2", "an empty line before a request", GET("/") "\r\n" GET("/"),
     SERVED("1", "/") ", " SERVED("2", "/"), OK OK},
};

static const struct talk_row lengths[] = {
    {"9112 7.1", "a body of unknown length is sent in chunks", GET("/chunked"),
     SERVED("1", "/chunked"), CHUNKED "3|aab|2|bb|0||"},
    {"9112 6.3", "to HTTP/1.0 until the end",
     OLD("/chunked", "Connection: keep-alive\r\n") DO("wants"),
     SERVED("1", "/chunked") ", wants DONE", "HTTP/1.1 200 OK|server: weir|" CLOSE "|aabbb"},
    {"9110 9.3.2", "HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"),
     "HEAD /, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 200 OK|content-length: 2|server: weir||" OK},
    {"9110 9.3.2", "HEAD that is refused has no content either",
     "HEAD / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "",
     "HTTP/1.1 400 Bad Request|content-type: text/plain; charset=utf-8|content-length: 37|server: "
     "weir|" CLOSE "|"},
    {"9110 9.3.2", "HEAD of what is sent in chunks", "HEAD /chunked HTTP/1.1\r\nHost: a\r\n\r\n",
     "HEAD /chunked, closed 1 0", "HTTP/1.1 200 OK|server: weir||"},
    {"9110 15.4.5", "304 keeps its length and has no body",
     GET("/hold") DO("respond 1 304 7") GET("/"), "GET /hold, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 304 Not Modified|content-length: 7|server: weir||" OK},
    {"9110 15.3.5", "204 has no length", GET("/hold") DO("respond 1 204 7") GET("/"),
     "GET /hold, closed 1 0, " SERVED("2", "/"), "HTTP/1.1 204 No Content|server: weir||" OK},
    {"", "a body that is shorter than it says ends the connection", GET("/short") DO("wants"),
     "GET /short, closed 1 2, wants DONE", "HTTP/1.1 200 OK|content-length: 5|server: weir||ok"},
    {"", "one that is longer is cut", GET("/long") GET("/"),
     "GET /long, closed 1 0, " SERVED("2", "/"), OK OK},
    {"", "one that fails ends the connection", GET("/error") DO("wants"),
     "GET /error, closed 1 2, wants DONE", "HTTP/1.1 200 OK|content-length: 2|server: weir||"},
    {"9112 7.1.2", "trailers of ours",
     GET("/hold") DO("respond 1 200") DO("send 1 3") DO("trailers 1") DO("end 1"),
     "GET /hold, closed 1 0", CHUNKED "3|bbb|0|x-sum: 42||"},
    {"", "none where the length is known",
     GET("/hold") DO("respond 1 200 3") DO("trailers 1") DO("end 1 3"),
     "GET /hold, trailers refused, closed 1 0",
     "HTTP/1.1 200 OK|content-length: 3|server: weir||bbb"},
    {"", "a body in the handler's own time",
     GET("/hold") DO("respond 1 200") DO("tick 200000") DO("send 1 1") DO("tick 200000")
         DO("end 1 17"),
     "GET /hold, closed 1 0", CHUNKED "1|b|11|bbbbbbbbbbbbbbbbb|0||"},
};

static const struct talk_row bodies[] = {
    {"9112 6.2", "by length",
     POST("/up", "Content-Length: 5\r\n") "hello" DO("respond 1 200 0") GET("/"),
     "POST /up +, data 1 5 end, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 200 OK|content-length: 0|server: weir||" OK},
    {"9112 7.1", "in chunks",
     POST("/up", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n" DO(
         "respond 1 204") GET("/"),
     "POST /up +, data 1 5 end, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 204 No Content|server: weir||" OK},
    {"9112 7.1.2", "with trailers",
     POST("/up", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n" DO(
         "respond 1 204") GET("/"),
     "POST /up +, data 1 3, trailers 1 x-sum, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 204 No Content|server: weir||" OK},
    {"9110 6.5.1", "with trailers that frame",
     POST("/up", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\nContent-Length: 1\r\n\r\n" GET(
         "/") DO("wants"),
     "POST /up +, data 1 3, closed 1 1, wants DONE",
     ERROR("400 Bad Request", "59", "400 Bad Request\nThe request is not one that can be served.")},
    {"9112 7.1", "in bad chunks",
     POST("/up", "Transfer-Encoding: chunked\r\n") "3\r\nabcd" DO("wants"),
     "POST /up +, data 1 3, closed 1 1, wants DONE",
     ERROR("400 Bad Request", "59", "400 Bad Request\nThe request is not one that can be served.")},
    {"1945 8.3", "of no length in HTTP/1.0: what follows is no request",
     "POST /up HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET("/") DO("wants"), "wants DONE",
     ERROR("411 Length Required", "69",
           "411 Length Required\nThe request must tell the length of its content.")},
    {"1945 8.3", "of length 0 in HTTP/1.0", "PUT / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
     "PUT /, closed 1 0", OK_CLOSE},
    {"9112 6.3", "of no length in HTTP/1.1: it has none", POST("/", "") GET("/"),
     "POST /, closed 1 0, " SERVED("2", "/"), OK OK},
    {"9112 6.2", "of length 0", POST("/", "Content-Length: 0\r\n") GET("/"),
     "POST /, closed 1 0, " SERVED("2", "/"), OK OK},
    {"9110 10.1.1", "100 when the application wants it",
     POST("/up", "Content-Length: 2\r\nExpect: 100-continue\r\n") "ab" DO("respond 1 204"),
     "POST /up +, data 1 2 end, closed 1 0",
     "HTTP/1.1 100 Continue||HTTP/1.1 204 No Content|server: weir||"},
    {"9110 7.4", "https where anyone can listen",
     "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"), "",
     ERROR("421 Misdirected Request", "70",
           "421 Misdirected Request\nThis host is not served over this connection.")},
    {"9110 10.1.1", "and when it has answered, but goes on to read",
     POST("/duplex", "Content-Length: 2\r\nExpect: 100-continue\r\n") "ab" DO("end 1 1") GET("/"),
     "POST /duplex +, data 1 2 end, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 100 Continue||" CHUNKED "1|b|0||" OK},
    {"9110 10.1.1", "other expectations fail", POST("/up", "Content-Length: 2\r\nExpect: tea\r\n"),
     "",
     ERROR("417 Expectation Failed", "77",
           "417 Expectation Failed\nThe only expectation that can be met is 100-continue.")},
    {"", "an early answer: the rest is read and dropped",
     POST("/up", "Content-Length: 5\r\n") "he" DO("respond 1 204") "llo" GET("/"),
     "POST /up +, data 1 2, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 204 No Content|server: weir||" OK},
    {"", "an early answer to more than is worth reading",
     POST("/up", "Content-Length: 5000000\r\n") "he" DO("respond 1 403")
         DO("end 1") "llo" DO("wants"),
     "POST /up +, data 1 2, closed 1 0, wants DONE",
     "HTTP/1.1 403 Forbidden|transfer-encoding: chunked|server: weir|" CLOSE "|0||"},
    {"9110 10.1.1", "an early answer to a client that waits for 100: it has read that, here",
     POST("/up", "Content-Length: 5\r\nExpect: 100-continue\r\n")
         DO("respond 1 403 0") "hello" GET("/"),
     "POST /up +, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 100 Continue||HTTP/1.1 403 Forbidden|content-length: 0|server: weir||" OK},
    {"", "the client ends in the middle",
     POST("/up", "Content-Length: 5\r\n") "he" DO("eof") DO("wants"),
     "POST /up +, data 1 2, closed 1 10, wants DONE", ""},
    {"", "the client ends behind its request",
     GET("/hold") DO("eof") DO("wants") DO("respond 1 204") DO("wants"),
     "GET /hold, wants, closed 1 0, wants DONE", "HTTP/1.1 204 No Content|server: weir||"},
};

static const struct talk_row pipelines[] = {
    {"9112 9.3.2", "answers come in order",
     GET("/hold") GET("/") GET("/chunked") DO("respond 1 200 1") DO("end 1 1"),
     "GET /hold, GET /, GET /chunked, closed 1 0, closed 2 0, closed 3 0",
     "HTTP/1.1 200 OK|content-length: 1|server: weir||b" OK CHUNKED "3|aab|2|bb|0||"},
    {"9112 9.3.2", "an unsafe request waits",
     GET("/hold") POST("/", "Content-Length: 0\r\n") DO("wants") DO("respond 1 204") GET("/"),
     "GET /hold, wants, closed 1 0, POST /, closed 2 0, " SERVED("3", "/"),
     "HTTP/1.1 204 No Content|server: weir||" OK OK},
    {"", "an error waits for its turn",
     GET("/hold") "GET / HTTP/1.1\r\nHost : a\r\n\r\n" DO("respond 1 204") DO("wants"),
     "GET /hold, closed 1 0, wants DONE",
     "HTTP/1.1 204 No Content|server: weir||" ERROR(
         "400 Bad Request", "45", "400 Bad Request: bad field name, or no colon")},
    {"", "a reset answers 500, and ends what comes after",
     GET("/hold") GET("/hold") DO("reset 1 2") DO("wants"),
     "GET /hold, GET /hold, closed 1 2, closed 2 10, wants DONE",
     ERROR("500 Internal Server Error", "56",
           "500 Internal Server Error\nThe answer could not be made.")},
    {"", "a reset of the second waits for the first",
     GET("/hold") GET("/hold") DO("reset 2 7") DO("respond 1 204") DO("wants"),
     "GET /hold, GET /hold, closed 2 7, closed 1 0, wants DONE",
     "HTTP/1.1 204 No Content|server: weir||" ERROR(
         "503 Service Unavailable", "69",
         "503 Service Unavailable\nToo much to do at present; please try again.")},
};

static const struct talk_row informs[] = {
    {"8297 3", "103 to a browser that navigates",
     "GET /hints HTTP/1.1\r\nHost: a\r\nSec-Fetch-Mode: navigate\r\n\r\n", SERVED("1", "/hints"),
     "HTTP/1.1 103 Early Hints||" OK},
    {"8297 3", "not to others", GET("/hints"), SERVED("1", "/hints"), OK},
    {"9110 15.2", "nor to HTTP/1.0", OLD("/hints", "Sec-Fetch-Mode: navigate\r\n"),
     SERVED("1", "/hints"), OK_CLOSE},
};

#define UPGRADE  "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: Chat\r\n\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols|server: weir|connection: upgrade|upgrade: chat||"

static const struct talk_row tunnels[] = {
    {"9110 7.8", "both ways",
     UPGRADE DO("tunnel 1") "abc" DO("send 1 2") "de" DO("end 1") DO("wants"),
     "GET /ws for chat, data 1 5, wants RECV ENDED", SWITCHED "bb"},
    {"", "our direction ends, and the client's goes on",
     UPGRADE DO("tunnel 1") DO("end 1 2") DO("wants") "abc" DO("eof") DO("wants"),
     "GET /ws for chat, wants RECV ENDED, data 1 3 end, closed 1 0, wants DONE", SWITCHED "bb"},
    {"", "until it is reset", UPGRADE DO("tunnel 1") DO("end 1") "abc" DO("reset 1 8") DO("wants"),
     "GET /ws for chat, data 1 3, closed 1 8, wants DONE", SWITCHED},
    {"", "or is silent for too long",
     UPGRADE DO("tunnel 1") DO("end 1") "abc" DO("tick 301000") DO("wants"),
     "GET /ws for chat, data 1 3, closed 1 8, wants DONE", SWITCHED},
    {"9110 7.8", "POST without content asks, too",
     POST("/ws", "Connection: upgrade\r\nUpgrade: chat\r\nContent-Length: 0\r\n")
         DO("tunnel 1") "abc",
     "POST /ws for chat, data 1 3", SWITCHED},
    {"", "early bytes are kept back", UPGRADE DO("wants") DO("tunnel 1") "abc",
     "GET /ws for chat, wants, data 1 3", SWITCHED},
    {"", "the client ends its direction",
     UPGRADE DO("tunnel 1") "abc" DO("eof") DO("end 1 2") DO("wants"),
     "GET /ws for chat, data 1 3 end, closed 1 0, wants DONE", SWITCHED "bb"},
    {"", "refused: an ordinary answer", UPGRADE DO("respond 1 403 0") GET("/"),
     "GET /ws for chat, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 403 Forbidden|content-length: 0|server: weir||" OK},
    {"", "200 makes none", UPGRADE DO("respond 1 200") DO("tunnel 1"),
     "GET /ws for chat, respond refused", SWITCHED},
    {"", "another protocol is not asked for",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: smoke\r\n\r\n" GET("/"),
     SERVED("1", "/") ", " SERVED("2", "/"), OK OK},
    {"9110 7.8", "nor without Connection", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chat\r\n\r\n",
     SERVED("1", "/"), OK},
    {"9110 7.8", "nor in HTTP/1.0", OLD("/", "Connection: upgrade\r\nUpgrade: chat\r\n"),
     SERVED("1", "/"), OK_CLOSE},
    {"", "nor with a body",
     POST("/up", "Connection: upgrade\r\nUpgrade: chat\r\nContent-Length: 2\r\n") "ab" DO(
         "tunnel 1") DO("respond 1 204"),
     "POST /up +, data 1 2 end, tunnel refused, closed 1 0",
     "HTTP/1.1 204 No Content|server: weir||"},
    {"9110 9.3.6", "CONNECT is no request for one", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
     "CONNECT , closed 1 2",
     ERROR("501 Not Implemented", "60",
           "501 Not Implemented\nThere is no such method or tunnel here.")},
};

/* What was published about upgrades: the others are in bad_input.c. */
static const struct talk_row published[] = {
    {"CVE-2026-58055", "a body is a body, and the next request a request",
     POST("/up", "Connection: upgrade\r\nUpgrade: chat\r\nContent-Length: 2\r\n") "ab" GET("/")
         DO("tunnel 1") DO("respond 1 204"),
     "POST /up +, data 1 2 end, tunnel refused, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 204 No Content|server: weir||" OK},
    {"CVE-2026-2833", "what follows a refused upgrade is a request",
     UPGRADE DO("wants") DO("respond 1 403 0") GET("/"),
     "GET /ws for chat, wants, closed 1 0, " SERVED("2", "/"),
     "HTTP/1.1 403 Forbidden|content-length: 0|server: weir||" OK},
    {"CVE-2025-64763", "and of one that is made, the tunnel's",
     UPGRADE DO("wants") DO("tunnel 1") GET("/"), "GET /ws for chat, wants, data 1 27", SWITCHED},
    {"CVE-2026-88008", "h2c that is not offered is an ordinary request",
     "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" GET("/"),
     SERVED("1", "/") ", " SERVED("2", "/"), OK OK},
    {"GHSA-3ccp-42pg-hgv6", "CONNECT ends its connection",
     "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n" GET("/"), "CONNECT , closed 1 2",
     ERROR("501 Not Implemented", "60",
           "501 Not Implemented\nThere is no such method or tunnel here.")},
};

_Static_assert(H1_GRACE_NS == 1000 * MILLISECOND_NS, "rows below tick so many milliseconds");

static const struct talk_row ends[] = {
    {"", "draining: requests in progress are completed",
     GET("/hold") DO("drain") DO("wants") DO("respond 1 204") DO("wants"),
     "GET /hold, drain 1, wants, closed 1 0, wants DONE",
     "HTTP/1.1 204 No Content|server: weir|" CLOSE "|"},
    {"", "draining: all requests that have come are answered, and told once",
     GET("/hold") GET("/hold") DO("drain") DO("drain") DO("respond 1 204") DO("respond 2 204")
         DO("wants"),
     "GET /hold, GET /hold, drain 1, drain 2, closed 1 0, closed 2 0, wants DONE",
     NONE "HTTP/1.1 204 No Content|server: weir|" CLOSE "|"},
    {"", "draining: an idle connection is over", GET("/") DO("tick 1000") DO("drain") DO("wants"),
     SERVED("1", "/") ", wants DONE", OK},
    {"", "draining: a connection that was just busy is over after a second",
     GET("/") DO("tick 900") DO("drain") DO("wants") DO("tick 900") DO("wants") DO("tick 100")
         DO("wants"),
     SERVED("1", "/") ", wants RECV, wants RECV, wants DONE", OK},
    {"", "draining: it gets one request more, whose answer says that it is the last",
     GET("/") DO("drain") DO("drain") GET("/hold") GET("/") DO("respond 2 204") DO("wants"),
     SERVED("1", "/") ", GET /hold, drain 2, closed 2 0, wants DONE",
     OK "HTTP/1.1 204 No Content|server: weir|" CLOSE "|"},
    {"", "draining: a head that has begun is read",
     "GET /hold HT" DO("drain") "TP/1.1\r\nHost: a\r\n\r\n" DO("respond 1 204") DO("wants"),
     "GET /hold, drain 1, closed 1 0, wants DONE",
     "HTTP/1.1 204 No Content|server: weir|" CLOSE "|"},
    {"", "draining: a tunnel is told, and ends when both directions have",
     UPGRADE DO("tunnel 1") DO("drain") DO("end 1") DO("wants") DO("eof") DO("wants"),
     "GET /ws for chat, drain 1, wants RECV ENDED, data 1 0 end, closed 1 0, wants DONE", SWITCHED},
};

#define TEST(rows)                                                                                 \
  static void test_##rows(void **state) {                                                          \
    (void)state;                                                                                   \
    talk_rows_run(TALK_ROWS(rows), 1);                                                             \
  }

TEST(persistence)
TEST(lengths)
TEST(bodies)
TEST(pipelines)
TEST(informs)
TEST(tunnels)
TEST(published)
TEST(ends)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_persistence), cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_bodies),      cmocka_unit_test(test_pipelines),
      cmocka_unit_test(test_informs),     cmocka_unit_test(test_tunnels),
      cmocka_unit_test(test_published),   cmocka_unit_test(test_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
