/*
 * load/test_parse.c - the four forms of request files: what is read, and what is refused where.
 * Each row is read whole, and from a socket that gives one byte at a time.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/http/field_list.h"
#include "tools/load/parse.h"

#define ENTRY(url) "{\"request\":{\"method\":\"GET\",\"url\":\"" url "\",\"headers\":[]}}"

/* A good row's `expected` has a line for each request; a bad one's last line begins with "!". */
static const struct row {
  const char *name, *text, *expected;
} rows[] = {
    {"nothing", "", ""},
    {"blank lines", "\n \n\r\n", ""},
    {"comments alone", "# a\n#b", ""},
    {"URLs", "http://a/\nhttps://b/c?d\n", " http://a/\n https://b/c?d\n"},
    {"URLs: no last newline, CRLF, blanks", " /a \r\n\r\n# /b\n/c", " /a\n /c\n"},
    {"URLs: UTF-8's mark", "\xef\xbb\xbf/a\n", " /a\n"},
    {"URLs: a method later is a URL", "/a\nGET /b\n", " /a\n GET /b\n"},

    {"http", "GET /a\n\nPOST /b\na: b\nC:d\n@f.bin\n", "GET /a\nPOST /b a=b C=d @f.bin\n"},
    {"http: no blank lines", "GET /a\nGET /b\na: b\nGET /c", "GET /a\nGET /b a=b\nGET /c\n"},
    {"http: comments", "# x\n\nGET /a\n# y\na: b\n\n\n# z\nPUT /b\n", "GET /a a=b\nPUT /b\n"},
    {"http: CRLF", "GET /a\r\na: b\r\n\r\nGET /b\r\n", "GET /a a=b\nGET /b\n"},
    {"http: a value with colons", "GET /a\na: b:c\n", "GET /a a=b:c\n"},
    {"http: no method", "GET /a\n\n/b\n", "GET /a\n!3: expected METHOD URL"},
    {"http: not a field", "GET /a\n\nGET /b\na: b\nno field\n",
     "GET /a\n!5: expected \"name: value\", @FILE, METHOD URL or a blank line"},
    {"http: no name", "GET /a\n: b\n",
     "!2: expected \"name: value\", @FILE, METHOD URL or a blank line"},
    {"http: a field after the file", "GET /a\n@f\na: b\n",
     "!3: expected a blank line or METHOD URL after @FILE"},

    {"JSON", "{\"method\":\"PUT\",\"url\":\"/a\",\"header\":{\"a\":[\"b\",\"c\"],\"D\":\"e\"}}\n",
     "PUT /a a=b a=c D=e\n"},
    {"JSON: blank lines", "\n{\"url\":\"/a\"}\n\n{\"url\":\"/b\"}", " /a\n /b\n"},
    {"JSON: bodies",
     "{\"url\":\"/\",\"body\":\"aGVsbG8=\"}\n{\"url\":\"/\",\"body\":\"\"}\n"
     "{\"url\":\"/\",\"body_text\":\"{seq}\"}\n{\"url\":\"/\",\"body_file\":\"f\"}\n"
     "{\"url\":\"/\",\"body_bytes\":7}\n{\"url\":\"/\",\"body\":\"AAEC\"}\n",
     " / 5:hello\n / 0:\n / 5:{seq}\n / @f\n / 0*7\n / 3:...\n"},
    {"JSON: weight and time", "{\"url\":\"/\",\"weight\":3,\"time_ns\":1234567890123}\n",
     " / w3 t1234567890123\n"},
    {"JSON: as recorded",
     "{\"url\":\"/\",\"protocol\":\"HTTP/2\",\"scheme\":\"https\",\"authority\":\"a\"}\n", " /\n"},
    {"JSON: not JSON", "{\"url\":\"/\"}\n{\"url\":}\n",
     " /\n!2: not JSON: unexpected token near '}'"},
    {"JSON: cut", "{\"url\":\"/a", "!1: not JSON: premature end of input near '\"/a'"},
    {"JSON: not an object", "{\"url\":\"/\"}\n[]\n", " /\n!2: expected a JSON object"},
    {"JSON: no URL", "{\"method\":\"GET\"}\n", "!1: \"url\": expected a URL"},
    {"JSON: URL of another kind", "{\"url\":1}\n", "!1: \"url\": expected a text"},
    {"JSON: method of another kind", "{\"method\":[]}\n", "!1: \"method\": expected a text"},
    {"JSON: fields in a list", "{\"header\":[]}\n", "!1: \"header\": expected an object"},
    {"JSON: a field's number", "{\"header\":{\"a\":[1]}}\n",
     "!1: \"a\": expected a text or a list of texts"},
    {"JSON: not base64", "{\"body\":\"a!==\"}\n", "!1: \"body\": expected base64"},
    {"JSON: base64 cut", "{\"body\":\"aGVsbG8\"}\n", "!1: \"body\": expected base64"},
    {"JSON: no path", "{\"body_file\":\"\"}\n", "!1: \"body_file\": expected a path"},
    {"JSON: weight 0", "{\"weight\":0}\n", "!1: \"weight\": expected an integer from 1 to 1000"},
    {"JSON: half a weight", "{\"weight\":0.5}\n",
     "!1: \"weight\": expected an integer from 1 to 1000"},
    {"JSON: too heavy", "{\"weight\":1001}\n",
     "!1: \"weight\": expected an integer from 1 to 1000"},
    {"JSON: an unknown member", "{\"wieght\":1}\n", "!1: \"wieght\": no such member"},

    {"HAR", "{\"log\":{\"entries\":[" ENTRY("http://a/") "," ENTRY("/b") "]}}",
     "GET http://a/ literal\nGET /b literal\n"},
    {"HAR: other members around",
     "\n{ \"log\" : { \"pages\": [{\"a\":\"]}\"}], \"version\":\"1.2\", \"n\": 1, \"t\": true,\n"
     "\"creator\": {\"x\\\"y\\\\\": [1, {}]}, \"entries\": [\n" ENTRY("/a") " ,\n" ENTRY(
         "/b") "\n ], \"comment\": \"\" } }\n",
     "GET /a literal\nGET /b literal\n"},
    {"HAR: no entries yet", "{\"log\":{\"entries\":[]}}", ""},
    {"HAR: fields, body, time",
     "{\"log\":{\"entries\":[{\"startedDateTime\":\"1970-01-01T01:00:02.25+01:00\",\"request\":"
     "{\"method\":\"POST\",\"url\":\"/\",\"headers\":[{\"name\":\":path\",\"value\":\"/\"},"
     "{\"name\":\"a\",\"value\":\"b\"}],\"postData\":{\"text\":\"x{seq}\"}},"
     "\"response\":{\"content\":{\"text\":\"[{\\\"\"}}}]}}",
     "POST / a=b 6:x{seq} t2250000000 literal\n"},
    {"HAR: a time in UTC, and one that is none",
     "{\"log\":{\"entries\":[{\"startedDateTime\":\"1970-01-01T00:00:01Z\",\"request\":"
     "{\"method\":\"GET\",\"url\":\"/\"}},{\"startedDateTime\":\"today\",\"request\":"
     "{\"method\":\"GET\",\"url\":\"/\"}}]}}",
     "GET / t1000000000 literal\nGET / literal\n"},
    {"HAR: no log.entries", "{\"log\":{\"pages\":[],\"n\":1}}",
     "!1: an archive has no log.entries"},
    {"HAR: entries of another kind", "{\"log\":\n{\"entries\":{}}}",
     "!2: an archive has no log.entries"},
    {"HAR: log of another kind", "{\"log\":3}", "!1: an archive has no log.entries"},
    {"HAR: not an entry", "{\"log\":{\"entries\":[\n1]}}", "!2: expected an entry"},
    {"HAR: no request", "{\"log\":{\"entries\":[" ENTRY("/") ",\n{}]}}",
     "GET / literal\n!2: an entry has no request.method or request.url"},
    {"HAR: a mistake within an entry", "{\"log\":{\"entries\":[\n{\"request\":\n{\"method\" 1}}]}}",
     "!3: not JSON: ':' expected near '1'"},
    {"HAR: cut in an entry",
     "{\"log\":{\"entries\":[\n{\"request\":", "!2: the archive is cut short"},
    {"HAR: cut between entries", "{\"log\":{\"entries\":[" ENTRY("/") ",",
     "GET / literal\n!1: the archive is cut short"},
    {"HAR: cut before the entries", "{\"log\":{\"pages\":[1,2", "!1: the archive is cut short"},
    {"HAR: no colon", "{\"log\":{\"pages\" 1", "!1: expected a colon"},
    {"HAR: no name", "{\"log\":{1:2}}", "!1: expected a member's name"},
};

/* ---- what was read --------------------------------------------------------------------------- */

static void put(struct load_buffer *out, struct span text) {
  assert_true(load_buffer_add(out, text.base, text.len));
}

__attribute__((format(printf, 2, 3))) static void print(struct load_buffer *out, const char *format,
                                                        ...) {
  char text[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  put(out, span_text(text));
}

static void describe(struct load_buffer *out, const struct load_draft *draft) {
  put(out, draft->method);
  print(out, " ");
  put(out, draft->url);
  for (size_t i = 0; i < draft->field_count; i++) {
    print(out, " ");
    put(out, field_trim(draft->fields[i].name));
    print(out, "=");
    put(out, field_trim(draft->fields[i].value));
  }
  if (draft->has_body) {
    print(out, " %zu:", draft->body.len);
    put(out, draft->body.len && draft->body.base[0] < ' ' ? span_text("...") : draft->body);
  }
  if (draft->body_path.len) print(out, " @");
  put(out, draft->body_path);
  if (draft->body_zero_bytes) print(out, " 0*%u", (unsigned)draft->body_zero_bytes);
  if (draft->weight != 1) print(out, " w%u", draft->weight);
  if (draft->time_ns) print(out, " t%llu", (unsigned long long)draft->time_ns);
  print(out, draft->literal ? " literal\n" : "\n");
}

static void read_all(struct load_input *input, struct load_buffer *out) {
  static struct load_draft draft;
  struct load_parser parser;
  char error[512] = "";
  const struct failure failure = {.text = error, .size = sizeof error};
  enum load_read result;
  load_parser_init(&parser, input);
  while ((result = load_parser_next(&parser, &draft, &failure)) == LOAD_READ_ONE)
    describe(out, &draft);
  if (result == LOAD_READ_WRONG) {
    assert_memory_equal(error, "in:", 3);
    print(out, "!%s", error + 3);
  }
  put(out, span_of((const uint8_t *)"", 1));
  load_parser_free(&parser);
}

/* ---- where from ------------------------------------------------------------------------------ */

static void check(const struct row *row, struct load_input *input) {
  struct load_buffer out = {0};
  read_all(input, &out);
  if (strcmp((const char *)out.at, row->expected) != 0)
    fail_msg("%s: %s", row->name, (const char *)out.at);
  load_buffer_free(&out);
  load_input_close(input);
}

static struct load_input input_of(int fd) {
  return (struct load_input){.name = "in", .fd = fd, .stop_fd = -1, .next_line = 1};
}

static void test_whole(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    size_t len = strlen(rows[i].text);
    assert_int_equal(write(pipes[1], rows[i].text, len), len);
    close(pipes[1]);
    struct load_input input = input_of(pipes[0]);
    check(&rows[i], &input);
  }
}

/* Each packet is one byte, and one read. */
static void test_byte_by_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    int bytes = 1 << 20;
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
    pid_t child = fork();
    if (child == 0) {
      for (const char *at = rows[i].text; *at; at++)
        if (write(ends[1], at, 1) != 1) _exit(1);
      _exit(0);
    }
    close(ends[1]);
    struct load_input input = input_of(ends[0]);
    check(&rows[i], &input);
    assert_int_equal(waitpid(child, NULL, 0), child);
  }
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* A file with `count` times `text`, between two others. */
static struct load_input file_of(const char *begin, const char *text, size_t count,
                                 const char *end) {
  FILE *file = tmpfile();
  assert_non_null(file);
  fputs(begin, file);
  for (size_t i = 0; i < count; i++)
    fputs(text, file);
  fputs(end, file);
  assert_int_equal(fflush(file), 0);
  int fd = dup(fileno(file));
  fclose(file);
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  return input_of(fd);
}

static void test_bounds(void **state) {
  (void)state;
  char kilobyte[1025], expected[256];
  memset(kilobyte, 'x', 1024);
  kilobyte[1024] = 0;
  struct row row = {.name = "bounds", .expected = expected};
  const size_t most = LOAD_INPUT_ITEM_BYTES_MAX / 1024;

  struct load_input input = file_of("/a\n/", kilobyte, most + 100, "\n");
  snprintf(expected, sizeof expected, " /a\n!2: a line is longer than %d bytes",
           LOAD_INPUT_ITEM_BYTES_MAX);
  check(&row, &input);

  input = file_of("{\"log\":{\"entries\":[\n{\"a\":\"", kilobyte, most, "\"}]}}");
  snprintf(expected, sizeof expected, "!2: an entry is longer than %d bytes",
           LOAD_INPUT_ITEM_BYTES_MAX);
  check(&row, &input);

  input = file_of("GET /\n", "a: b\n", LOAD_FORM_FIELDS_MAX + 1, "");
  snprintf(expected, sizeof expected, "!%d: more than %d fields", LOAD_FORM_FIELDS_MAX + 2,
           LOAD_FORM_FIELDS_MAX);
  check(&row, &input);

  input = file_of("{\"header\":{\"a\":[\"b\"", ",\"b\"", LOAD_FORM_FIELDS_MAX, "]}}");
  snprintf(expected, sizeof expected, "!1: more than %d fields", LOAD_FORM_FIELDS_MAX);
  check(&row, &input);

  snprintf(expected, sizeof expected, " / w%d\n", LOAD_WEIGHT_MAX);
  snprintf(kilobyte, sizeof kilobyte, "{\"url\":\"/\",\"weight\":%d}", LOAD_WEIGHT_MAX);
  input = file_of(kilobyte, "", 0, "");
  check(&row, &input);
}

/* A stop ends the wait for a pipe. */
static void test_stop(void **state) {
  (void)state;
  int input_pipe[2], stop[2];
  char error[64] = "";
  const struct failure failure = {.text = error, .size = sizeof error};
  struct span line;
  assert_int_equal(pipe(input_pipe), 0);
  assert_int_equal(pipe(stop), 0);
  struct load_input input = input_of(input_pipe[0]);
  input.stop_fd = stop[0];
  assert_int_equal(write(stop[1], "x", 1), 1);
  assert_int_equal(load_input_line(&input, &line, &failure), LOAD_READ_END);
  assert_true(input.stopped);
  load_input_close(&input);
  close(input_pipe[1]);
  close(stop[0]);
  close(stop[1]);
}

/* Files can be read again; directories cannot be read. */
static void test_open(void **state) {
  (void)state;
  char error[256] = "";
  const struct failure failure = {.text = error, .size = sizeof error};
  struct load_input input;
  struct span line;
  assert_false(load_input_open(&input, "/nowhere/x", &failure));
  assert_string_equal(error, "cannot read /nowhere/x: No such file or directory");
  assert_false(load_input_open(&input, "/tmp", &failure));
  assert_string_equal(error, "cannot read /tmp: Is a directory");
  load_input_close(&input);
  assert_true(load_input_open(&input, "/proc/self/exe", &failure));
  assert_true(input.can_rewind);
  for (unsigned pass = 0; pass < 2; pass++) {
    assert_int_equal(load_input_line(&input, &line, &failure), LOAD_READ_ONE);
    assert_memory_equal(line.base,
                        "\x7f"
                        "ELF",
                        4);
    assert_int_equal(input.line, 1);
    assert_true(load_input_rewind(&input, &failure));
  }
  load_input_close(&input);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole),  cmocka_unit_test(test_byte_by_byte),
      cmocka_unit_test(test_bounds), cmocka_unit_test(test_stop),
      cmocka_unit_test(test_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
