/*
 * h1/test_head.c - heads of requests and responses, and trailer sections: tables of what is read and of what
 * is refused. Each row is read in every way that bytes may come; see h1/reading.h.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/base/limits.h"
#include "tests/engine/h1/reading.h"

struct row {
  const char *name;
  struct span bytes;
  const char *expected;
};

#define H "Host: a\r\n"

static const struct row requests[] = {
    {"smallest", BYTES("GET / HTTP/1.1\r\n\r\n"), "GET|/|1.1|"},
    {"HTTP/1.0", BYTES("GET / HTTP/1.0\r\n\r\n"), "GET|/|1.0|"},
    {"fields", BYTES("GET /a?b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n"),
     "GET|/a?b|1.1|host=a|x-y=z|"},
    {"rest", BYTES("GET / HTTP/1.1\r\n\r\nGET /2"), "GET|/|1.1|GET /2"},
    {"names in any case", BYTES("GET / HTTP/1.1\r\nCoNtEnT-LeNgTh: 5\r\nSEC-ch-UA@: 1\r\n\r\n"),
     "400"},
    {"no space after the colon", BYTES("GET / HTTP/1.1\r\nHost:a\r\n\r\n"), "GET|/|1.1|host=a|"},
    {"white space around a value", BYTES("GET / HTTP/1.1\r\nHost: \t a b\t \r\n\r\n"),
     "GET|/|1.1|host=a b|"},
    {"empty value", BYTES("GET / HTTP/1.1\r\nX:\r\nY: \r\n\r\n"), "GET|/|1.1|x=|y=|"},
    {"bytes above 0x7f in a value", BYTES("GET / HTTP/1.1\r\nX: \xc3\xa4\xff\r\n\r\n"),
     "GET|/|1.1|x=\xc3\xa4\xff|"},
    {"one empty line before it", BYTES("\r\nGET / HTTP/1.1\r\n\r\n"), "GET|/|1.1|"},
    {"incomplete", BYTES("GET / HTTP/1.1\r\nHost: a\r\n"), "?"},
};

static void check_rows(enum h1_head_kind kind, const struct row *rows, size_t count) {
  for (const struct row *row = rows; row < rows + count; row++)
    reading_check(row->name, kind, row->bytes, row->expected);
}

#define CHECK(kind, rows) check_rows(kind, rows, sizeof(rows) / sizeof *(rows))

static void test_requests(void **state) {
  (void)state;
  CHECK(H1_REQUEST, requests);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
