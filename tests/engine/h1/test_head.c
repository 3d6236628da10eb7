/*
 * h1/test_head.c - heads of requests and responses, and trailer sections: what is read. test_bad_input.c has what is
 * refused. Each row is read in every way that bytes may come; see h1/reading.h.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/engine/h1/reading.h"

struct row {
  const char *name;
  struct span bytes;
  const char *expected;
};

#define TEN "aBcDeFgHiJ"
#define ten "abcdefghij"

static const struct row requests[] = {
    {"smallest", BYTES("GET / HTTP/1.1\r\n\r\n"), "GET|/|1.1|"},
    {"HTTP/1.0", BYTES("GET / HTTP/1.0\r\n\r\n"), "GET|/|1.0|"},
    {"fields", BYTES("GET /a?b HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n"),
     "GET|/a?b|1.1|host=a|x-y=z|"},
    {"rest", BYTES("GET / HTTP/1.1\r\n\r\nGET /2"), "GET|/|1.1|GET /2"},
    {"known names in any case", BYTES("GET / HTTP/1.1\r\nCoNtEnT-LeNgTh: 5\r\nhost: a\r\n\r\n"),
     "GET|/|1.1|content-length=5|host=a|"},
    {"unknown names in any case", BYTES("GET / HTTP/1.1\r\nSEC-ch-UA: 1\r\nX: 2\r\n\r\n"),
     "GET|/|1.1|sec-ch-ua=1|x=2|"},
    {"name of 60 bytes", BYTES("GET / HTTP/1.1\r\n" TEN TEN TEN TEN TEN TEN ": x\r\n\r\n"),
     "GET|/|1.1|" ten ten ten ten ten ten "=x|"},
    {"name of 64 bytes", BYTES("GET / HTTP/1.1\r\n" TEN TEN TEN TEN TEN TEN "WXYZ: x\r\n\r\n"),
     "GET|/|1.1|" ten ten ten ten ten ten "wxyz=x|"},
    {"name of 65 bytes", BYTES("GET / HTTP/1.1\r\nVWXYZ" TEN TEN TEN TEN TEN TEN ": x\r\n\r\n"),
     "GET|/|1.1|vwxyz" ten ten ten ten ten ten "=x|"},
    {"name of 100 bytes",
     BYTES("GET / HTTP/1.1\r\n" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN ": x\r\n\r\n"),
     "GET|/|1.1|" ten ten ten ten ten ten ten ten ten ten "=x|"},
    {"name of 70 bytes with a bad one",
     BYTES("GET / HTTP/1.1\r\n" TEN TEN TEN TEN TEN TEN "abcdefghi@: x\r\n\r\n"), "400"},
    {"name that begins as a known one", BYTES("GET / HTTP/1.1\r\nHosts: a\r\nHos: b\r\n\r\n"),
     "GET|/|1.1|hosts=a|hos=b|"},
    {"colons in a value", BYTES("GET / HTTP/1.1\r\nX: a:b: c\r\nHost::\r\n\r\n"),
     "GET|/|1.1|x=a:b: c|host=:|"},
    {"no space after the colon", BYTES("GET / HTTP/1.1\r\nHost:a\r\n\r\n"), "GET|/|1.1|host=a|"},
    {"white space around a value", BYTES("GET / HTTP/1.1\r\nHost: \t a b\t \r\n\r\n"),
     "GET|/|1.1|host=a b|"},
    {"empty value", BYTES("GET / HTTP/1.1\r\nX:\r\nY: \r\n\r\n"), "GET|/|1.1|x=|y=|"},
    {"bytes above 0x7f in a value", BYTES("GET / HTTP/1.1\r\nX: \xc3\xa4\xff\r\n\r\n"),
     "GET|/|1.1|x=\xc3\xa4\xff|"},
    {"one empty line before it", BYTES("\r\nGET / HTTP/1.1\r\n\r\n"), "GET|/|1.1|"},
    {"every visible character in a target",
     BYTES("GET /!\"$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ HTTP/1.1\r\n\r\n"),
     "GET|/!\"$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~|1.1|"},
    {"nothing", BYTES(""), "?"},
    {"an empty line alone", BYTES("\r\n"), "?"},
    {"no line end", BYTES("GET / HTTP/1.1"), "?"},
    {"no end", BYTES("GET / HTTP/1.1\r\nHost: a\r\n"), "?"},
    {"half a line end", BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r"), "?"},
};

static const struct row responses[] = {
    {"smallest", BYTES("HTTP/1.1 200\r\n\r\n"), "200|1.1|"},
    {"reason and fields", BYTES("HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody"),
     "404|1.0|server=x|body"},
    {"half a status", BYTES("HTTP/1.1 20"), "?"},
};

static const struct row trailers[] = {
    {"none", BYTES("\r\nGET"), "GET"},
    {"two", BYTES("X: y\r\nDate: z\r\n\r\nGET"), "x=y|date=z|GET"},
    {"no end", BYTES("X: y\r\n"), "?"},
    {"empty name", BYTES(": y\r\n\r\n"), "400"},
    {"LF", BYTES("\n"), "400"},
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

static void test_responses(void **state) {
  (void)state;
  CHECK(H1_RESPONSE, responses);
}

static void test_trailers(void **state) {
  (void)state;
  CHECK(H1_TRAILERS, trailers);
}

/* Every name that has a token gets it, in any case, and no copy. */
static void test_tokens(void **state) {
  (void)state;
  static struct reading reading;
  for (int token = 1; token < TOKEN_COUNT; token++) {
    const struct span name = header_token_name((enum header_token)token);
    if (name.base[0] == ':') continue;
    char line[128] = "GET / HTTP/1.1\r\n", text[READING_TEXT];
    const size_t start = strlen(line);
    memcpy(line + start, name.base, name.len);
    line[start] = (char)(line[start] - 'a' + 'A');
    memcpy(line + start + name.len, ": x\r\n\r\n", 8);
    reading_text(&reading, H1_REQUEST, span_text(line), text);
    assert_int_equal(reading.fields.count, 1);
    assert_int_equal(reading.at[0].token, token);
    assert_ptr_equal(reading.at[0].name.base, name.base);
    assert_int_equal(reading.fields.arena_used, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),
      cmocka_unit_test(test_responses),
      cmocka_unit_test(test_trailers),
      cmocka_unit_test(test_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
