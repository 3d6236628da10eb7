/*
 * h1/test_pipeline.c - requests of an HTTP/1.1 client that are under way at the same time.
 */
#include "tests/engine/h1/client_end.h"
#include "tests/support/cmocka.h"

/* All requests but those that wait for '\2' are made at once. */
static const struct pipeline {
  unsigned depth;
  struct row row;
} pipelines[] = {
    {3,
     {"9112 9.3.2",
      "requests in a pipeline are answered in order",
      {ASK("GET", "/a"), ASK("HEAD", "/b"), ASK("GET", "/c"), ASK("GET", "/d")},
      OK("2") "ok" OK("7") CHUNKED "3\r\nabc\r\n0\r\n\r\n\2" OK("0"),
      "1 is 200, 1: ok end, 1 closed 0, 2 is 200 end, 2 closed 0, 3 is 200, 3: abc end, 3 closed "
      "0, "
      "4 is 200 end, 4 closed 0" CLOSED,
      HEAD("GET", "/a") "|" HEAD("HEAD", "/b") "|" HEAD("GET", "/c") "|" HEAD("GET", "/d") "|"}},
    {2,
     {"9112 9.3.2",
      "bodies follow their heads",
      {ASK("POST", "/a", .body = "one"), ASK("POST", "/b", .body = "two", .length = "3")},
      OK("0") OK("0"),
      "1 is 200 end, 1 closed 0, 2 is 200 end, 2 closed 0" CLOSED,
      HEAD("POST", "/a") "transfer-encoding: chunked||3|one|0||" HEAD(
          "POST", "/b") "content-length: 3||two"}},
    {3,
     {"9112 9.6",
      "what is behind the last answer is not processed",
      {ASK("GET", "/a"), ASK("GET", "/b"), ASK("GET", "/c")},
      OK("0") "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      "1 is 200 end, 1 closed 0, 2 is 200, 2: ok end, ended done, 2 closed 0, 3 closed 7",
      HEAD("GET", "/a") "|" HEAD("GET", "/b") "|" HEAD("GET", "/c") "|"}},
    {2,
     {"9112 6.3",
      "nor behind one that ends with the connection",
      {ASK("GET", "/a"), ASK("GET", "/b")},
      "HTTP/1.1 200 OK\r\n\r\nall\1",
      "1 is 200, 1: all end, ended done, 1 closed 0, 2 closed 7",
      HEAD("GET", "/a") "|" HEAD("GET", "/b") "|"}},
    {3,
     {"9112 9.3.1",
      "of others it is not known",
      {ASK("GET", "/a"), ASK("GET", "/b"), ASK("GET", "/c")},
      OK("0") OK("5") "ab\1",
      "1 is 200 end, 1 closed 0, 2 is 200, 2: ab, ended eof, 2 closed 10, 3 closed 10",
      HEAD("GET", "/a") "|" HEAD("GET", "/b") "|" HEAD("GET", "/c") "|"}},
    {2,
     {"",
      "what has not left cannot have been processed",
      {ASK("POST", "/a", .waits = true), ASK("GET", "/b")},
      "\1",
      "ended eof, 1 closed 10, 2 closed 7",
      HEAD("POST", "/a") "transfer-encoding: chunked||"}},
    {3,
     {"",
      "a reset ends all",
      {ASK("GET", "/a"), ASK("GET", "/b", .resets = true), ASK("GET", "/c")},
      OK("0") OK("5") "abcde",
      "1 is 200 end, 1 closed 0, 2 is 200, 2 closed 8, ended closed, 3 closed 8",
      HEAD("GET", "/a") "|" HEAD("GET", "/b") "|" HEAD("GET", "/c") "|"}},
    {2,
     {"",
      "nothing is asked behind an upgrade until it is refused",
      {ASK("CONNECT", "/t", .body = "ours", .protocol = "chat"), ASK("GET", "/b"),
       ASK("GET", "/c")},
      OK("0") "\2" OK("0"),
      "refused, 1 is 200 end, 1 closed 0, 2 is 200 end, 2 closed 0" CLOSED,
      HEAD("GET", "/t") "connection: upgrade|upgrade: chat||" HEAD("GET", "/c") "|"}},
};

static void test_pipelines(void **state) {
  unsigned failures = 0;
  (void)state;
  for (size_t i = 0; i < sizeof pipelines / sizeof *pipelines; i++)
    failures += !client_run(&pipelines[i].row, pipelines[i].depth);
  assert_int_equal(failures, 0);
}

/* A drained client still gets the answers to what it has asked. */
static void test_drain(void **state) {
  static const struct ask asks[] = {ASK("GET", "/a"), ASK("GET", "/b"), {.method = NULL}};
  (void)state;
  client_begin(asks);
  assert_int_equal(h1_request_room(h1_of(&client.machine)), 0);
  h1_client_pipeline(h1_of(&client.machine), 3);
  assert_int_equal(h1_request_room(h1_of(&client.machine)), 2);
  client_make(2);
  client_pump();
  client.machine.ops->drain(client.machine.self, 0);
  assert_int_equal(h1_request_room(h1_of(&client.machine)), 0);
  client_give(OK("0"), sizeof OK("0") - 1);
  client_give(OK("0"), sizeof OK("0") - 1);
  assert_string_equal(client.heard,
                      "1 is 200 end, 1 closed 0, 2 is 200 end, ended done, 2 closed 0");
  assert_int_equal(client_wants(), MACHINE_DONE);
  client_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pipelines),
                                     cmocka_unit_test(test_drain)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
