/*
 * h1/test_clocks.c - every deadline of an HTTP/1.x connection (engine/base/limits.h, "time"; those
 * of HTTP/2): a peer that is too slow is told so, one that is fast enough is left alone, and only
 * progress renews a deadline.
 */
#include "engine/h1/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/talk_rows.h"

#define LATE    ERROR("408 Request Timeout", "47", "408 Request Timeout\nThe request took too long.")
#define UPLOAD  POST("/up", "Content-Length: 100000\r\n")
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define TEN     "xxxxxxxxxx"

static const struct talk_row deadlines[] = {
    {"5 s", "nothing at all", DO("tick 4900") DO("wants") DO("tick 200") DO("wants"),
     "wants RECV, wants DONE", ""},
    {"10 s", "a head",
     "GET / HT" DO("tick 9900") "TP/1.1\r\n" DO("wants") DO("tick 200") DO("wants"),
     "wants RECV, wants DONE", LATE},
    {"10 s", "a head behind the last answer, which has not left yet",
     GET("/hold") "GET / HT" DO("mute") DO("reset 1 2") DO("compose") DO("tick 10100") DO("listen")
         DO("wants"),
     "GET /hold, closed 1 2, wants DONE",
     ERROR("500 Internal Server Error", "56",
           "500 Internal Server Error\nThe answer could not be made.")},
    {"10 s", "a head that comes in time", "GET / HT" DO("tick 9900") "TP/1.1\r\nHost: a\r\n\r\n",
     SERVED("1", "/"), OK},
    {"60 s", "between requests", GET("/") DO("tick 59900") DO("wants") DO("tick 200") DO("wants"),
     SERVED("1", "/") ", wants RECV, wants DONE", OK},
    {"60 s", "an empty line is no request",
     GET("/") DO("tick 40000") "\r\n" DO("tick 20100") DO("wants"), SERVED("1", "/") ", wants DONE",
     OK},
    {"60 s", "not while a request waits for its answer",
     GET("/hold") DO("tick 200000") DO("respond 1 204"), "GET /hold, closed 1 0", NONE},
    {"10 s", "a body: silence", UPLOAD HUNDRED DO("tick 11000") DO("wants"),
     "POST /up +, data 1 100, closed 1 8, wants DONE", LATE},
    {"5 s", "a body: 500 bytes a second after that",
     UPLOAD HUNDRED DO("tick 4000") HUNDRED DO("tick 4000") HUNDRED DO("wants"),
     "POST /up +, data 1 200, closed 1 8, wants DONE", LATE},
    {"10 s", "a body: not while the handler holds it back",
     POST("/up", "Content-Length: 110\r\n") DO("cap 1 100") HUNDRED DO("wants") DO("tick 60000")
         DO("cap 1 200") TEN DO("respond 1 204"),
     "POST /up +, data 1 100, wants, data 1 10 end, closed 1 0", NONE},
    {"10 s", "a body: the answer has begun and is cut",
     UPLOAD HUNDRED DO("respond 1 200 9") DO("send 1 1") DO("tick 11000") DO("wants"),
     "POST /up +, data 1 100, closed 1 8, wants DONE",
     "HTTP/1.1 200 OK|content-length: 9|server: weir||b"},
    {"300 s", "a conversation may be silent",
     POST("/up", "Transfer-Encoding: chunked\r\n") "1\r\na\r\n" DO("respond 1 200")
         DO("tick 200000") DO("send 1 1") DO("tick 200000") "0\r\n\r\n" DO("end 1") DO("wants"),
     "POST /up +, data 1 1, closed 1 0, wants RECV", CHUNKED "1|b|0||"},
    {"300 s", "but not for ever",
     POST("/up", "Transfer-Encoding: chunked\r\n") "1\r\na\r\n" DO("respond 1 200")
         DO("tick 301000") DO("wants"),
     "POST /up +, data 1 1, closed 1 8, wants DONE", CHUNKED},
    {"20 s", "an answer that is not taken",
     DO("mute") GET("/bytes/9000000") DO("tick 19900") DO("wants") DO("tick 300") DO("wants"),
     "GET /bytes/9000000, wants RECV SEND, closed 1 8, wants DONE", ""},
    {"1 s", "the rest of a request that was answered",
     UPLOAD HUNDRED DO("respond 1 204") DO("tick 900") DO("wants") DO("tick 200") DO("wants"),
     "POST /up +, data 1 100, closed 1 0, wants RECV, wants DONE", NONE},
};

_Static_assert(H1_LINGER_NS == 1 * SECOND_NS, "the last row is about it");

static void test_deadlines(void **state) {
  (void)state;
  talk_rows_run(TALK_ROWS(deadlines), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_deadlines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
