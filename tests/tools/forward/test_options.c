/*
 * forward/test_options.c - the command line of `weir forward`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tools/forward/options.h"

static struct forward_options options;
static char error[400];
static const struct failure failure = {error, sizeof error};

/* Parses words that are separated by blanks. */
static enum options_result parse(const char *text) {
  static char line[2000];
  char *argv[80] = {"forward"};
  int argc = 1;
  snprintf(line, sizeof line, "%s", text);
  for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
    argv[argc++] = word;
  error[0] = 0;
  return forward_options_parse(&options, argc, argv, &failure);
}

static const char *addresses(void) {
  static char text[400];
  char one[ADDRESS_TEXT_BYTES];
  text[0] = 0;
  for (unsigned i = 0; i < options.address_count; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
             address_format(&options.addresses[i], one));
  return text;
}

static void test_defaults(void **state) {
  (void)state;
  assert_int_equal(parse("web 80 8080:http"), OPTIONS_RUN);
  assert_null(options.kubeconfig);
  assert_null(options.namespace);
  assert_true(options.reconnect);
  assert_true(options.websocket);
  assert_false(options.verbose);
  assert_false(options.insecure);
  assert_int_equal(options.keepalive_ns / SECOND_NS, FORWARD_KEEPALIVE_SECONDS_DEFAULT);
  assert_string_equal(addresses(), "127.0.0.1:0 [::1]:0");
  assert_true(options.default_addresses);
  assert_int_equal(options.port_count, 2);
  assert_int_equal(options.ports[1].local, 8080);
}

static void test_all(void **state) {
  (void)state;
  assert_int_equal(
      parse("--kubeconfig f --context c -n space --token t --cert c --key k --cacert a "
            "--address 0.0.0.0,::1 --keepalive 2s --no-reconnect --no-websocket -v "
            "svc/web 80"),
      OPTIONS_RUN);
  assert_string_equal(options.kubeconfig, "f");
  assert_string_equal(options.context, "c");
  assert_string_equal(options.namespace, "space");
  assert_string_equal(options.token, "t");
  assert_string_equal(options.cert, "c");
  assert_string_equal(options.key, "k");
  assert_string_equal(options.cacert, "a");
  assert_string_equal(addresses(), "0.0.0.0:0 [::1]:0");
  assert_false(options.default_addresses);
  assert_int_equal(options.keepalive_ns, 2 * SECOND_NS);
  assert_false(options.reconnect);
  assert_false(options.websocket);
  assert_true(options.verbose);
  assert_int_equal(options.target.kind, TARGET_SERVICE);
  assert_int_equal(parse("--no-reconnect --reconnect --keepalive 0 --address localhost -k web 80"),
                   OPTIONS_RUN);
  assert_true(options.reconnect);
  assert_true(options.insecure);
  assert_int_equal(options.keepalive_ns, 0);
  assert_string_equal(addresses(), "127.0.0.1:0 [::1]:0");
  assert_int_equal(parse("-n space http://h/web 80"), OPTIONS_RUN);
  assert_string_equal(options.target.url.target, "/api/v1/namespaces/space/pods/web/portforward");
}

#define TIME(text)                                                                                 \
  "--keepalive " text ": expected a time from 1us to 24h, such as 10 or 500ms, or 0 for never"

static void test_wrong(void **state) {
  static const char *const rows[][2] = {
      {"", "expected POD, svc/NAME or a URL, and ports; see weir forward --help"},
      {"web", "expected POD, svc/NAME or a URL, and ports; see weir forward --help"},
      {"job/web 80", "job/web: expected POD, pod/POD, svc/NAME or a URL"},
      {"web 80x", "80x: expected REMOTE, LOCAL:REMOTE or :REMOTE, ports from 1 to 65535"},
      {"--keepalive x web 80", TIME("x")},
      {"--keepalive= web 80", TIME("\"\"")},
      {"--keepalive -1 web 80", TIME("-1")},
      {"--keepalive 25h web 80", TIME("25h")},
      {"--keepalive 0.1us web 80", TIME("0.1us")},
      {"--namespace= web 80",
       "--namespace \"\": expected the name of a namespace, such as default"},
      {"-n a/b http://h/web 80", "-n a/b: expected the name of a namespace, such as default"},
      {"--token= https://h/web 80", "--token: expected a token"},
      {"--token-file= web 80", "--token-file \"\": expected the name of a file"},
      {"--kubeconfig= web 80", "--kubeconfig \"\": expected the name of a file"},
      {"--cert= --key k web 80", "--cert \"\": expected the name of a file"},
      {"--cert c --key= web 80", "--key \"\": expected the name of a file"},
      {"--cacert= web 80", "--cacert \"\": expected the name of a file"},
      {"--address= web 80",
       "--address \"\": expected addresses such as 127.0.0.1, ::1 or localhost"},
      {"--address nowhere web 80",
       "--address nowhere: expected addresses such as 127.0.0.1, ::1 or localhost"},
      {"--address , web 80", "--address ,: expected addresses such as 127.0.0.1, ::1 or localhost"},
      {"--kubeconfig f http://h/web 80", "--kubeconfig and --context are not for a URL"},
      {"--token t --token-file f web 80", "--token and --token-file exclude each other"},
      {"--cert c web 80", "--cert and --key need each other"},
      {"-k --cacert a web 80", "--insecure and --cacert exclude each other"},
      {"--token t http://h/web 80", "a token is not sent over http://"},
      {"web http", "http: a port's name follows a colon, as in 8080:http"},
      {"https://h/web :http", "http: with a URL, ports are numbers"},
      {"--frob web 80", "--frob: no such option; see weir forward --help"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (parse(rows[i][0]) != OPTIONS_WRONG) fail_msg("%s: accepted", rows[i][0]);
    assert_string_equal(error, rows[i][1]);
  }
}

/* FORWARD_PORTS_MAX, FORWARD_ADDRESSES_MAX */
static void test_many(void **state) {
  char line[1000];
  (void)state;
  for (int over = 0; over < 2; over++) {
    strcpy(line, "web");
    for (int i = 0; i < FORWARD_PORTS_MAX + over; i++)
      strcat(line, " 80");
    assert_int_equal(parse(line), over ? OPTIONS_WRONG : OPTIONS_RUN);
    strcpy(line, "web 80 --address 127.0.0.1");
    for (int i = 1; i < FORWARD_ADDRESSES_MAX + over; i++)
      strcat(line, ",127.0.0.1");
    assert_int_equal(parse(line), over ? OPTIONS_WRONG : OPTIONS_RUN);
  }
}

static void test_help(void **state) {
  (void)state;
  assert_int_equal(parse("--help"), OPTIONS_HELP);
  for (const char *line = forward_options_help(); *line; line += strcspn(line, "\n") + 1)
    if (strcspn(line, "\n") > 90) fail_msg("too long: %.*s", (int)strcspn(line, "\n"), line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults), cmocka_unit_test(test_all),  cmocka_unit_test(test_wrong),
      cmocka_unit_test(test_many),     cmocka_unit_test(test_help),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
