/*
 * serve/test_options.c - the command line of `weir serve`, and the rules and manifests of preloads.
 */
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/limits.h"
#include "tools/serve/config/hints.h"
#include "tools/serve/options.h"

enum { WORDS_MAX = 64 };

static struct serve_config *made; /* by the last call of parse() */

/* Parses a command line that is written with spaces between its words. */
static enum options_result parse(const char *line, struct serve_options *options, char error[256]) {
  static char words[2000];
  static char *argv[WORDS_MAX + 2];
  int argc = 1;
  snprintf(words, sizeof words, "%s", line);
  argv[0] = (char *)"serve";
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
    assert_true(argc <= WORDS_MAX);
    argv[argc++] = strcmp(word, "''") == 0 ? (char *)"" : word;
  }
  argv[argc] = NULL;
  error[0] = 0;
  const struct failure failure = {.text = error, .size = 256};
  config_release(made);
  enum options_result result = serve_options_parse(options, argc, argv, &failure);
  made = options->config;
  return result;
}

static int release_last(void **state) {
  (void)state;
  config_release(made);
  return 0;
}

struct row {
  const char *line;
  enum options_result expected;
  const char *named; /* the error must contain this */
};

static const struct row rows[] = {
    {"", OPTIONS_RUN, ""},
    {"dir", OPTIONS_RUN, ""},
    {"--http :80 dir --https [::1]:443", OPTIONS_RUN, ""},
    {"--http=127.0.0.1:0", OPTIONS_RUN, ""},
    {"--http 8080", OPTIONS_RUN, ""},
    {"--https :1 --cert a --key b", OPTIONS_RUN, ""},
    {"--cert a --key b", OPTIONS_RUN, ""}, /* with the default addresses */
    {"-- --http", OPTIONS_RUN, ""},        /* a directory with that name */
    {"--http :1,weight=1 --https [::1]:2,weight=256", OPTIONS_RUN, ""},
    {"--weight 10.0.0.0/8=4 --weight [fd00::]/8=256", OPTIONS_RUN, ""},
    {"--access-log - --log-format json", OPTIONS_RUN, ""},
    {"--log-format combined --access-log a", OPTIONS_RUN, ""},
    {"--metrics 9100", OPTIONS_RUN, ""},
    {"--metrics 127.0.0.1", OPTIONS_WRONG, "--metrics 127.0.0.1: not an address"},
    {"--help", OPTIONS_HELP, ""},
    {"--version", OPTIONS_VERSION, ""},
    {"dir -h", OPTIONS_HELP, ""},
    {"-V", OPTIONS_VERSION, ""},
    {"--workers 4 --help --nonsense", OPTIONS_HELP, ""},
    {"dir --cache-control max-age=5 --preload /=/a.css --push-manifest m --no-push "
     "--no-rfc7540-priorities",
     OPTIONS_RUN, ""},

    {"--no-such-option", OPTIONS_WRONG, "--no-such-option"},
    {"--log-format json", OPTIONS_WRONG, "--log-format"},
    {"--record a --record-secrets --access-log b", OPTIONS_RUN, ""},
    {"--record-secrets", OPTIONS_WRONG, "--record-secrets has no effect without --record"},
    {"--record a --access-log a", OPTIONS_WRONG, "need different files"},
    {"--access-log a --log-format common", OPTIONS_WRONG, "expected combined or json"},
    {"-x", OPTIONS_WRONG, "-x"},
    {"--http", OPTIONS_WRONG, "--http"},
    {"--verbose=1", OPTIONS_WRONG, "--verbose=1: that option takes no value"},
    {"dir -xV", OPTIONS_WRONG, "-x: no such option; see weir serve --help"},
    {"one two", OPTIONS_WRONG, "two"},
    {"''", OPTIONS_WRONG, "DIR"},
    {"--http localhost", OPTIONS_WRONG, "localhost"},
    {"--http ''", OPTIONS_WRONG, "--http"},
    {"--http 127.0.0.1", OPTIONS_WRONG, "127.0.0.1"},
    {"--http 127.0.0.1:65536", OPTIONS_WRONG, "65536"},
    {"--http 127.0.0.1:-1", OPTIONS_WRONG, "-1"},
    {"--http 127.0.0.1:http", OPTIONS_WRONG, ":http"},
    {"--http 300.0.0.1:80", OPTIONS_WRONG, "300.0.0.1"},
    {"--http ::1:80", OPTIONS_WRONG, "::1:80"},
    {"--http localhost:http:1", OPTIONS_WRONG, "localhost:http:1"},
    {"--http example.org:80", OPTIONS_FAILED, "example.org:80"},
    {"--http :1,weight=0", OPTIONS_WRONG, ":1,weight=0"},
    {"--http :1,weight=257", OPTIONS_WRONG, "1 to 256"},
    {"--http :1,weight=", OPTIONS_WRONG, "weight=N"},
    {"--https :1,weigh=2", OPTIONS_WRONG, "weight=N"},
    {"--https :1,", OPTIONS_WRONG, "weight=N"},
    {"--https :1,weight=2,weight=3", OPTIONS_WRONG, "weight=N"},
    {"--http nonsense,weight=2", OPTIONS_WRONG, "nonsense"},
    {"--weight 16", OPTIONS_WRONG, "--weight 16"},
    {"--weight 10.0.0.0/8=0", OPTIONS_WRONG, "1 to 256"},
    {"--workers 0", OPTIONS_WRONG, "--workers"},
    {"--workers -1", OPTIONS_WRONG, "--workers"},
    {"--workers +1", OPTIONS_WRONG, "--workers"},
    {"--workers 1x", OPTIONS_WRONG, "1x"},
    {"--workers ''", OPTIONS_WRONG, "--workers"},
    {"--workers 99999999999999999999999", OPTIONS_WRONG, "--workers"},
    {"--drain-seconds soon", OPTIONS_WRONG, "--drain-seconds"},
    {"--connections 0", OPTIONS_WRONG, "--connections"},
    {"--streams 0", OPTIONS_WRONG, "--streams"},
    {"--flow fast", OPTIONS_WRONG, "--flow"},
    {"--window 0", OPTIONS_WRONG, "--window"},
    {"--window 4294967296", OPTIONS_WRONG, "--window"},
    {"--head-start image", OPTIONS_WRONG, "--head-start"},
    {"--head-start image=4m", OPTIONS_WRONG, "--head-start"},
    {"--idle-seconds 0", OPTIONS_WRONG, "--idle-seconds"},
    {"--cert a", OPTIONS_WRONG, "--key"},
    {"--key a", OPTIONS_WRONG, "--cert"},
    {"--http :1 --cert a --key b", OPTIONS_WRONG, "--https"},
    {"--cache-control max-age=5", OPTIONS_WRONG, "--cache-control"},
    {"dir --cache-control ''", OPTIONS_WRONG, "--cache-control"},
    {"dir --cache-control a\nb", OPTIONS_WRONG, "--cache-control"},
    {"--preload /=/a", OPTIONS_WRONG, "--preload"},
    {"dir --preload /a", OPTIONS_WRONG, "/a"},
    {"dir --preload a=/b", OPTIONS_WRONG, "a=/b"},
    {"dir --preload /a=b", OPTIONS_WRONG, "/a=b"},
    {"--push-manifest m", OPTIONS_WRONG, "--push-manifest"},
    {"--header-remove '' dir", OPTIONS_WRONG, "--header-remove \"\": expected the name of a field"},
    {"--answer-type a/b dir", OPTIONS_WRONG, "--answer-type needs --answer"},
    {"--status 301 dir", OPTIONS_WRONG, "--status needs --redirect or --answer"},
    {"--route /a --https-only", OPTIONS_WRONG, "the route /a needs --directory, its own or"},
    {"--config ''", OPTIONS_WRONG, "--config \"\": expected the name of a file"},
};

static void command_lines(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct serve_options options;
    char error[256];
    enum options_result got = parse(rows[i].line, &options, error);
    if (got != rows[i].expected) fail_msg("%s: %d (%s)", rows[i].line, got, error);
    if (!strstr(error, rows[i].named)) fail_msg("%s: %s", rows[i].line, error);
    assert_null(strchr(error, '\n'));
    bool complains = got == OPTIONS_WRONG || got == OPTIONS_FAILED;
    assert_int_equal(error[0] != 0, complains);
  }
}

static void assert_listener(const struct serve_options *options, unsigned index, const char *text,
                            bool secure, bool optional) {
  char got[ADDRESS_TEXT_BYTES];
  assert_true(index < options->config->listener_count);
  address_format(&options->config->listeners[index].address, got);
  assert_string_equal(got, text);
  assert_int_equal(options->config->listeners[index].secure, secure);
  assert_int_equal(options->config->listeners[index].optional, optional);
}

static void defaults(void **state) {
  (void)state;
  struct serve_options options;
  char error[256];
  assert_int_equal(parse("", &options, error), OPTIONS_RUN);
  assert_int_equal(config_only_route(options.config)->action, SERVE_DEMO);
  assert_int_equal(options.config->listener_count, 4);
  assert_listener(&options, 0, "127.0.0.1:8080", false, false);
  assert_listener(&options, 1, "[::1]:8080", false, true);
  assert_listener(&options, 2, "127.0.0.1:8443", true, false);
  assert_listener(&options, 3, "[::1]:8443", true, true);
  assert_int_equal(options.config->drain_seconds, 10);
  assert_int_equal(options.config->workers, 0);
  assert_true(options.config->push);
  assert_false(options.config->verbose);
}

/* A port alone is on both loopback addresses; with a colon it is on all addresses. */
static void ports(void **state) {
  (void)state;
  struct serve_options options;
  char error[256];
  assert_int_equal(parse("--http 9 --http :8 --https 7,weight=99", &options, error), OPTIONS_RUN);
  assert_int_equal(options.config->listener_count, 5);
  assert_listener(&options, 0, "127.0.0.1:9", false, false);
  assert_listener(&options, 1, "[::1]:9", false, true);
  assert_listener(&options, 2, "[::]:8", false, false);
  assert_listener(&options, 3, "127.0.0.1:7", true, false);
  assert_listener(&options, 4, "[::1]:7", true, true);
  assert_int_equal(options.config->listeners[4].weight, 99);
}

static void values(void **state) {
  (void)state;
  struct serve_options options;
  char error[256];
  assert_int_equal(parse("--verbose --http 10.0.0.1:1 www --https [::]:2 --cert c --key k "
                         "--workers 3 --drain-seconds 0 --connections 7 --streams 8 "
                         "--idle-seconds 9 --preload /=/a --preload /b=/c --flow echo "
                         "--window 100000 --head-start IMAGE/*@/a/*=2k:1 "
                         "--weight 10.0.0.0/8=4 --http localhost:9,weight=99",
                         &options, error),
                   OPTIONS_RUN);
  const struct serve_route *route = config_only_route(options.config);
  assert_string_equal(route->directory, "www");
  assert_int_equal(options.config->listener_count, 4);
  assert_listener(&options, 0, "10.0.0.1:1", false, false);
  assert_listener(&options, 1, "127.0.0.1:9", false, false); /* those in clear text come first */
  assert_listener(&options, 2, "[::1]:9", false, true);
  assert_listener(&options, 3, "[::]:2", true, false);
  assert_int_equal(options.config->listeners[0].weight, 0);
  assert_int_equal(options.config->listeners[1].weight, 99);
  assert_int_equal(options.config->listeners[2].weight, 99);
  assert_int_equal(options.config->weights.count, 1);
  assert_int_equal(options.config->weights.at[0].weight, 4);
  assert_string_equal(options.config->certificates[0].certificate, "c");
  assert_string_equal(options.config->certificates[0].key, "k");
  assert_int_equal(options.config->workers, 3);
  assert_int_equal(options.config->drain_seconds, 0);
  assert_int_equal(options.config->connections, 7);
  assert_int_equal(options.config->concurrent_streams, 8);
  assert_int_equal(options.config->idle_seconds, 9);
  assert_int_equal(options.config->flow, FLOW_ECHO);
  assert_int_equal(options.config->window_bytes, 100000);
  assert_int_equal(options.config->head_starts.count, 2); /* the last one is the default */
  assert_int_equal(options.config->head_starts.at[0].bytes, 2048);
  assert_int_equal(options.config->head_starts.at[0].urgency, 1);
  assert_true(span_is(options.config->head_starts.at[0].type, "image/*"));
  assert_true(span_is(options.config->head_starts.at[1].type, "image/*"));
  assert_int_equal(route->preload_count, 2);
  assert_string_equal(route->preloads[1], "/b=/c");
  assert_true(options.config->verbose);
}

static void a_field_value_that_is_too_long(void **state) {
  (void)state;
  struct serve_options options;
  char error[256], line[1600] = "dir --cache-control ";
  memset(line + strlen(line), 'a', 1025);
  assert_int_equal(parse(line, &options, error), OPTIONS_WRONG);
  assert_non_null(strstr(error, "--cache-control"));
  line[strlen(line) - 1] = 0;
  assert_int_equal(parse(line, &options, error), OPTIONS_RUN);
}

static void too_many(void **state) {
  (void)state;
  struct serve_options options;
  char error[256], line[2000] = "dir";
  for (int i = 0; i < SERVE_LISTENERS_MAX; i++)
    sprintf(line + strlen(line), " --http :%d", 100 + i);
  assert_int_equal(parse(line, &options, error), OPTIONS_RUN);
  strcat(line, " --https :2");
  assert_int_equal(parse(line, &options, error), OPTIONS_WRONG);
  assert_non_null(strstr(error, ":2"));
  for (unsigned extra = 0; extra < 2; extra++) {
    snprintf(line, sizeof line, "--workers %u", IO_WORKERS_MAX + extra);
    assert_int_equal(parse(line, &options, error), extra ? OPTIONS_WRONG : OPTIONS_RUN);
  }
}

/* No line of the help is too long, and every option is explained. */
static void help_is_readable(void **state) {
  (void)state;
  const char *help = serve_options_help();
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    bool off = key->type == CONFIG_FLAG && key->standard && strcmp(key->standard, "true") == 0;
    char word[64], line_end[64];
    snprintf(word, sizeof word, "  --%s%s ", off ? "no-" : "", config_key_option(key));
    snprintf(line_end, sizeof line_end, "  --%s%s\n", off ? "no-" : "", config_key_option(key));
    if (!strstr(help, word) && !strstr(help, line_end)) fail_msg("%s is not explained", word);
  }
  static const char *const words[] = {"--config ", "--check ",      "--print-config ",
                                      "--help ",   "--version ",    "weight=N",
                                      "Examples",  "localhost:8443"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (!strstr(help, words[i])) fail_msg("%s is not explained", words[i]);
  for (const char *line = help; *line;) {
    size_t len = strcspn(line, "\n");
    if (len > 90) fail_msg("%.*s", (int)len, line);
    line += len + (line[len] == '\n');
  }
}

/* ---- preloads -------------------------------------------------------------------------------- */

/* The whole table as "page: link, link (pushed) ...", or the error. */
static void describe(const char *json, const char *const *rules, unsigned count, char *out,
                     size_t size) {
  char file[] = "/tmp/weir-hints-XXXXXX", error[256] = "";
  const char *refused;
  const struct failure failure = {error, sizeof error};
  int fd = -1;
  if (json) {
    fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, json, strlen(json)), (ssize_t)strlen(json));
  }
  struct serve_hints *hints =
      serve_hints_create((struct span){0}, json ? file : NULL, rules, count, &refused, &failure);
  size_t len = (size_t)snprintf(out, size, "%s", hints ? "" : "error");
  const struct site_hints *table = hints ? serve_hints_table(hints) : NULL;
  for (uint32_t i = 0; table && i < table->page_count; i++) {
    const struct site_page *page = &table->pages[i];
    len += (size_t)snprintf(out + len, size - len, "%.*s:", (int)page->path.len,
                            (const char *)page->path.base);
    for (uint32_t k = 0; k < page->preload_count; k++)
      len += (size_t)snprintf(out + len, size - len, " %.*s%s", (int)page->preloads[k].link.len,
                              (const char *)page->preloads[k].link.base,
                              page->preloads[k].push ? " (pushed)" : "");
    len += (size_t)snprintf(out + len, size - len, "\n");
  }
  if (!hints) {
    assert_true(error[0]);
    assert_null(strchr(error, '\n'));
  }
  serve_hints_free(hints);
  if (fd >= 0) {
    close(fd);
    unlink(file);
  }
}

static const struct {
  const char *json, *expected;
} manifests[] = {
    {"{}", ""},
    {"{\"/\": {\"/a.css\": {\"type\": \"style\"}}}",
     "index.html: </a.css>; rel=preload; as=style (pushed)\n"},
    {"{\"/a.css\": {\"type\": \"style\", \"weight\": 1}, \"/b\": {\"type\": \"script\"}}",
     "index.html: </a.css>; rel=preload; as=style (pushed) </b>; rel=preload; as=script "
     "(pushed)\n"},
    {"{\"/z.html\": [\"/a.js\"], \"/\": [\"/b.woff2\"], \"/d/\": [\"/c?v=1\"]}",
     "d/index.html: </c?v=1>; rel=preload (pushed)\n"
     "index.html: </b.woff2>; rel=preload; as=font; crossorigin (pushed)\n"
     "z.html: </a.js>; rel=preload; as=script (pushed)\n"},
    {"{\"/\": [\"https://cdn.example/x.js\", \"//cdn.example/y.css\"]}",
     "index.html: <https://cdn.example/x.js>; rel=preload; as=script "
     "<//cdn.example/y.css>; rel=preload; as=style\n"},
    {"{\"/a%20b\": {\"/x\": {}}}", "a b: </x>; rel=preload (pushed)\n"},
    {"[]", "error"},
    {"{\"/\": 1}", "error"},
    {"{\"/\": [1]}", "error"},
    {"{\"/\": [\"/a b\"]}", "error"},
    {"{\"/\": [\"/a>; rel=x\"]}", "error"},
    {"{\"/\": [\"\"]}", "error"},
    {"{\"/\": [\"/a\\nb\"]}", "error"},
    {"{\"/\": {\"/a\": {\"as\": \"x; y\"}}}", "error"},
    {"{\"/../x\": [\"/a\"]}", "error"},
    {"{\"x\": [\"/a\"]}", "error"},
    {"{\"/\": ", "error"},
    {"", "error"},
};

static void manifest_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof manifests / sizeof manifests[0]; i++) {
    char got[1000];
    describe(manifests[i].json, NULL, 0, got, sizeof got);
    if (strcmp(got, manifests[i].expected) != 0)
      fail_msg("%s: %s, expected %s", manifests[i].json, got, manifests[i].expected);
  }
}

static void rules_and_manifest_together(void **state) {
  (void)state;
  static const char *const rules[] = {"/=/b.js", "/index.html=/c.css"};
  char got[1000];
  describe("{\"/\": [\"/a.png\"]}", rules, 2, got, sizeof got);
  assert_string_equal(got, "index.html: </a.png>; rel=preload; as=image (pushed) "
                           "</b.js>; rel=preload; as=script (pushed) "
                           "</c.css>; rel=preload; as=style (pushed)\n");
}

static void more_than_a_page_may_announce(void **state) {
  (void)state;
  const char *rules[SITE_PRELOADS_MAX + 1];
  char got[4000];
  for (unsigned i = 0; i <= SITE_PRELOADS_MAX; i++)
    rules[i] = "/=/a.js";
  describe(NULL, rules, SITE_PRELOADS_MAX, got, sizeof got);
  assert_string_not_equal(got, "error");
  describe(NULL, rules, SITE_PRELOADS_MAX + 1, got, sizeof got);
  assert_string_equal(got, "error");
}

/* Links that do not fit into one response are refused at the start. */
static void links_beyond_a_response(void **state) {
  (void)state;
  enum { LINK_BYTES = SITE_PRELOAD_BYTES_MAX / 2, PATH_BYTES = LINK_BYTES - 15 };
  static char rule[2 + PATH_BYTES + 1], longer[2 + PATH_BYTES + 2];
  char got[3 * SITE_PRELOAD_BYTES_MAX];
  memset(rule, 'a', sizeof rule - 1);
  memset(longer, 'a', sizeof longer - 1);
  memcpy(rule, "/=/", 3);
  memcpy(longer, "/=/", 3);
  const char *rules[] = {rule, rule}; /* "<" path ">; rel=preload" each */
  describe(NULL, rules, 2, got, sizeof got);
  assert_string_not_equal(got, "error");
  rules[1] = longer;
  describe(NULL, rules, 2, got, sizeof got);
  assert_string_equal(got, "error");
}

static void a_manifest_that_is_not_there(void **state) {
  (void)state;
  char error[256];
  const char *refused;
  const struct failure failure = {error, sizeof error};
  assert_null(
      serve_hints_create((struct span){0}, "/no/such/manifest.json", NULL, 0, &refused, &failure));
  assert_string_equal(error, "/no/such/manifest.json: No such file or directory");
  assert_string_equal(refused, "push-manifest");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(command_lines),
      cmocka_unit_test(defaults),
      cmocka_unit_test(ports),
      cmocka_unit_test(values),
      cmocka_unit_test(a_field_value_that_is_too_long),
      cmocka_unit_test(too_many),
      cmocka_unit_test(help_is_readable),
      cmocka_unit_test(manifest_rows),
      cmocka_unit_test(rules_and_manifest_together),
      cmocka_unit_test(more_than_a_page_may_announce),
      cmocka_unit_test(links_beyond_a_response),
      cmocka_unit_test(a_manifest_that_is_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, release_last);
}
