/*
 * serve/config/test_config.c - configuration files: what is read, and every mistake with its place.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "tools/serve/config/file.h"
#include "tools/serve/config/print.h"

/* ---- mistakes -------------------------------------------------------------------------------- */

static void put_line(void *ctx, const char *line) {
  char *out = ctx;
  size_t len = strlen(out);
  snprintf(out + len, 4000 - len, "%s\n", line);
}

/* All mistakes of a file "F", a line each; "" when there are none. */
static const char *mistakes_of(const char *text) {
  static char out[4000];
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_parse(span_text(text), &mistakes);
  assert_int_equal(!config, mistakes.count > 0);
  config_release(config);
  out[0] = 0;
  mistakes_tell(&mistakes, "F", put_line, out);
  return out;
}

static const struct row {
  const char *name, *text, *expected;
} rows[] = {
    {"the built-in site", "{}", ""},
    {"one directory", "directory: /srv\n", ""},
    {"hosts",
     "hosts:\n- name: a.org\n  directory: /a\n- name: [b.org, '*.b.org']\n  routes:\n"
     "  - {path: /, redirect: https://a.org/}\n  - {path: /x, answer: hi, status: 404}\n",
     ""},
    {"JSON", "{\"http\": [\"1\", \":2\"], \"workers\": 3}", ""},
    {"pairs", "directory: d\nweight: {10.0.0.0/8: 4}\npreload: {/: [/a.css, /b.js], /c: /d.css}\n",
     ""},
    {"pairs in a list", "directory: d\npreload:\n- /: /a.css\n- /=/b.css\n", ""},
    {"automatic", "workers: auto\n", ""},

    {"empty", "", "F: no configuration in it; {} is one that serves the built-in site\n"},
    {"only a comment", "# x\n",
     "F: no configuration in it; {} is one that serves the built-in site\n"},
    {"a text", "hello", "F:1:1: expected keys and values, such as http: 8080\n"},
    {"a list", "- a\n", "F:1:1: expected keys and values, such as http: 8080\n"},
    {"an unknown key", "wrkers: 2\n", "F:1:1: wrkers: no such key; did you mean workers?\n"},
    {"an unknown key like none", "zzz: 2\n", "F:1:1: zzz: no such key\n"},
    {"what nginx has and weir does by itself", "sendfile: 'on'\nssl_protocols: TLSv1.3\nmap: x\n",
     "F:1:1: sendfile: no such key; leave it out: weir does its best by itself\n"
     "F:2:1: ssl_protocols: no such key; leave it out: TLS 1.2 and 1.3 are spoken\n"
     "F:3:1: map: no such key; there are no conditions and no variables\n"},
    {"a key of another part", "path: /\n",
     "F:1:1: path: not here; it belongs into an entry of routes\n"},
    {"a key like one of another part", "pathh: /\n",
     "F:1:1: pathh: no such key; did you mean path? But it belongs into an entry of routes\n"},
    {"a global key in a route", "routes:\n- path: /\n  directory: d\n  workers: 1\n",
     "F:4:3: workers: not here; it belongs at the top\n"},
    {"words of other servers",
     "listen: 80\nhosts:\n- server_name: a\n  try_files: b\n- {name: c, root: d}\nsites: []\n\"\": "
     "1\n"
     "\" bind\": 2\n",
     "F:1:1: listen: no such key; use http or https\n"
     "F:3:3: server_name: no such key; use name, in hosts\n"
     "F:4:3: try_files: no such key; use fallback\n"
     "F:5:13: root: no such key; use directory\n"
     "F:6:1: sites: no such key; use hosts\n"
     "F:7:1: \"\": no such key\n"
     "F:8:1:  bind: no such key\n"},
    {"a proxy", "routes:\n- path: /\n  proxy: http://b/\n",
     "F:3:3: proxy: no such key; weir does not forward requests to other servers yet\n"},
    {"twice", "workers: 1\nworkers: 2\n", "F:2:1: workers is given twice\n"},
    {"several at once", "workers: 0\nhttps: x\nflow: fast\n",
     "F:1:10: workers 0: expected a number from 1 to 256, or auto\n"
     "F:2:8: https x: not an address; expected ADDR:PORT such as 127.0.0.1:8080\n"
     "F:3:7: flow fast: expected auto, consume, threshold or echo\n"},
    {"no value", "workers:\n", "F:1:9: workers: a value is missing\n"},
    {"a list for one", "workers: [1, 2]\n", "F:1:10: workers: expected a text, not a list\n"},
    {"a mapping for one", "workers: {a: 1}\n", "F:1:10: workers: expected a text, not a mapping\n"},
    {"a list in a list", "http: [[1]]\n", "F:1:8: http: expected a text, not a list\n"},
    {"https-only without https", "http: 1\nhttps-only: true\ndirectory: d\n",
     "F:2:1: https-only needs https\n"},
    {"an address twice", "http: 1\nhttps: 1\nspdy: true\nticket-keys: t\nmetrics: '*:1'\n",
     "F:2:8: https 1: 127.0.0.1:1 overlaps an address given before\n"
     "F:5:10: metrics *:1: [::]:1 overlaps an address given before\n"},
    {"no flag", "spdy: yes\n", "F:1:7: spdy yes: expected true or false\n"},
    {"a NUL", "directory: \"a\\0b\"\n", "F:1:12: directory: a NUL character\n"},
    {"hosts that are no list", "hosts: {name: a}\n",
     "F:1:8: hosts: expected a list, each entry with a dash\n"},
    {"a host that is a text", "hosts: [a]\n",
     "F:1:9: expected keys and values, such as name: example.org\n"
     "F:1:9: a host needs name\nF:1:9: the host without a name has nothing to serve\n"},
    {"a tab", "a:\n\tb: 1\n",
     "F:2:1: found character that cannot start any token: a tab; indent with spaces\n"},
    {"an anchor", "directory: &x /srv\n", "F:1:12: anchors and aliases are not supported\n"},
    {"a tag", "directory: !include /srv\n", "F:1:12: tags such as !name are not supported\n"},
    {"a tag of a list", "http: !x [8080]\n", "F:1:7: tags such as !name are not supported\n"},
    {"YAML's own tags", "directory: !!str /srv\ndrain-seconds: !!int 3\n", ""},
    {"an alias", "directory: *x\n",
     "F:1:12: anchors and aliases are not supported\n"
     "F:1:12: directory \"\": expected some text\n"},
    {"billion laughs", "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
     "F:1:1: a: no such key\nF:1:4: anchors and aliases are not supported\n"
     "F:2:1: b: no such key\nF:2:4: anchors and aliases are not supported\n"
     "F:2:8: anchors and aliases are not supported\n"
     "F:2:12: anchors and aliases are not supported\n"
     "F:3:1: c: no such key\nF:3:4: anchors and aliases are not supported\n"
     "F:3:8: anchors and aliases are not supported\n"
     "F:3:12: anchors and aliases are not supported\n"},
    {"a wrong key of a host with two routes",
     "header-remove: server\nroutes:\n- {path: /, answer: a}\n- {path: /b, answer: b}\n",
     "F:1:16: header-remove server: server is sent with every response; it can only be set\n"},
    {"two documents", "workers: 1\n---\nworkers: 2\n", "F:2:1: a second document\n"},
    {"not UTF-8", "directory: \xff\n", "F:1:12: invalid leading UTF-8 octet\n"},
    {"a control character", "directory: d\n# \xc3\xa9\x01\n",
     "F:2:4: control characters are not allowed\n"},
    {"a quotation mark that nothing closes", "directory: \"d\nhttp: 1\n",
     "F:3:1: found unexpected end of stream, while scanning a quoted scalar that begins in line "
     "1\n"},

    {"a certificate without its key", "https: 1\ncertificates:\n- cert: a\n",
     "F:3:3: cert needs key, its private key\n"},
    {"a key without its certificate", "https: 1\ncertificates:\n- key: a\n",
     "F:3:3: key needs cert, its certificate\n"},
    {"a certificate without https", "http: 1\ncertificates:\n- {cert: a, key: b}\n",
     "F:3:3: cert has no effect without https\n"},
    {"ticket keys without https", "http: 1\nticket-keys: f\n",
     "F:2:1: ticket-keys has no effect without https\n"},
    {"no certificate is asked for", "client-optional: true\n",
     "F:1:1: client-optional has no effect without client-ca\n"},
    {"a log's format without a log", "log-format: json\n",
     "F:1:1: log-format has no effect without access-log\n"},
    {"secrets without a recording", "record-secrets: true\n",
     "F:1:1: record-secrets has no effect without record\n"},
    {"one file for two", "record: a\naccess-log: a\n",
     "F:1:1: record and access-log need different files\n"},
    {"a path that is none", "routes:\n- {path: docs, directory: d}\n",
     "F:2:10: path docs: expected a path such as /docs/\n"},
    {"a path above the root", "routes:\n- {path: /../a, directory: d}\n",
     "F:2:10: path /../a: no path that a request can have\n"},
    {"a path with a query", "routes:\n- {path: /a?b, directory: d}\n",
     "F:2:10: path /a?b: no path that a request can have\n"},
    {"a route with rules alone",
     "directory: d\nroutes:\n- {path: /a/, access: deny all, listing: true}\n", ""},
    {"the same, where no directory is", "answer: a\nroutes:\n- {path: /a/, access: deny all}\n",
     "F:3:3: the route /a needs directory, its own or its host's, or redirect, answer or demo\n"},
    {"the same, where only the top has one",
     "directory: d\nhosts:\n- name: a\n  routes:\n  - {path: /a/, listing: true}\n",
     "F:5:5: the route /a needs directory, its own or its host's, or redirect, answer or demo\n"
     "F:5:17: listing needs a directory to serve\n"},
    {"a route without a path", "routes:\n- directory: d\n", "F:2:3: a route needs path\n"},
    {"two actions", "routes:\n- path: /\n  directory: d\n  answer: a\n",
     "F:4:3: answer: the route already has directory\n"},
    {"one path twice",
     "directory: d\nroutes:\n- {path: /a, answer: b}\n- {path: //a/., answer: c}\n",
     "F:4:3: the host default has two routes for /a\n"},
    {"one host twice", "hosts:\n- {name: a.org, answer: b}\n- {name: A.ORG., answer: c}\n",
     "F:3:10: the host a.org is given twice\n"},
    {"two defaults", "directory: d\nhosts:\n- {name: default, answer: b}\n",
     "F:3:10: name default: another host is the default, too\n"},
    {"a host with a port", "hosts:\n- {name: 'a.org:80', answer: b}\n",
     "F:2:10: name a.org:80: a host has no port: names count on all listeners\n"},
    {"all names", "hosts: [{name: '*', answer: x}, {name: _, answer: x}]\n",
     "F:1:16: name *: use default for all other names\n"
     "F:1:40: name _: use default for all other names\n"},
    {"a URL as a host", "hosts: [{name: 'https://a.org', answer: x}]\n",
     "F:1:16: name https://a.org: expected a name, not a URL\n"},
    {"a host that is no name", "hosts:\n- {name: 'a..b', answer: b}\n",
     "F:2:10: name a..b: expected a name such as example.org, *.example.org or default\n"},
    {"a wildcard within", "hosts:\n- {name: 'a.*.org', answer: b}\n",
     "F:2:10: name a.*.org: expected a name such as example.org, *.example.org or default\n"},
    {"a host that is not ASCII",
     "hosts:\n- {name: b\xc3\xbc"
     "cher.example, answer: b}\n",
     "F:2:10: name b\xc3\xbc"
     "cher.example: not ASCII; write the name's xn-- form\n"},
    {"a host without routes", "hosts:\n- name: a.org\n",
     "F:2:3: the host a.org has nothing to serve\n"},
    {"the demo below", "routes:\n- {path: /a, demo: true}\n",
     "F:2:14: demo: the built-in site's links begin at /, so its path can only be /\n"},
    {"a redirect without a scheme", "redirect: example.org\n",
     "F:1:11: redirect example.org: expected an address such as https://example.org/ or /new/\n"},
    {"a redirect that is none", "redirect: /a\nstatus: 200\n",
     "F:2:1: status 200: expected 301, 302, 303, 307 or 308 for a redirect\n"},
    {"an answer that is a redirect", "answer: a\nstatus: 301\n",
     "F:2:1: status 301: an answer is no redirect; use redirect\n"},
    {"a status for files", "routes:\n- {path: /, directory: d, status: 200}\n",
     "F:2:27: status needs redirect or answer\n"},
    {"a name that is looked up", "http: example.org:80\n",
     "F:1:7: cannot listen on example.org:80: not an address; localhost is the only name that "
     "weir looks up\n"},
};

static void test_row(void **state) {
  const struct row *row = *state;
  assert_string_equal(mistakes_of(row->text), row->expected);
}

/* MISTAKES_MAX are told, and how many more there are. */
static void test_many_mistakes(void **state) {
  char text[1000] = "";
  (void)state;
  for (int i = 0; i < MISTAKES_MAX + 3; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "q%d: 1\n", i);
  const char *told = mistakes_of(text);
  unsigned lines = 0;
  for (const char *at = told; (at = strchr(at, '\n')); at++)
    lines++;
  assert_int_equal(lines, MISTAKES_MAX + 1);
  assert_non_null(strstr(told, "F: 3 more mistakes\n"));
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_depth(void **state) {
  char text[100] = "directory: ";
  (void)state;
  memset(text + strlen(text), '[', CONFIG_DEPTH_MAX - 1);
  memset(text + strlen(text), ']', CONFIG_DEPTH_MAX - 1);
  assert_string_equal(mistakes_of(text), "F:1:12: directory: expected a text, not a list\n");
  snprintf(text, sizeof text, "directory: ");
  memset(text + strlen(text), '[', CONFIG_DEPTH_MAX);
  assert_string_equal(mistakes_of(text), "F:1:27: values are nested too deeply\n");
}

static void test_parts(void **state) {
  enum { EACH = 40 };
  char *text = malloc(EACH * (CONFIG_PARTS_MAX + 2));
  (void)state;
  for (int extra = 0; extra < 2; extra++) {
    char *at = text + sprintf(text, "routes:\n");
    for (int i = 0; i < CONFIG_PARTS_MAX + extra; i++)
      at += sprintf(at, "- {path: /%d, answer: a}\n", i);
    const char *expected = extra ? "F:4098:3: more than 4096 hosts, routes and certificates\n" : "";
    assert_string_equal(mistakes_of(text), expected);
  }
  free(text);
}

/* A mapping of YAML_TREE_KEYS_MAX keys, and one more. */
static void test_keys(void **state) {
  enum { EACH = 20 };
  char *text = malloc(EACH * (YAML_TREE_KEYS_MAX + 2));
  (void)state;
  for (int extra = 0; extra < 2; extra++) {
    char *at = text + sprintf(text, "workers: x\npreload:\n");
    for (int i = 0; i < YAML_TREE_KEYS_MAX + extra; i++)
      at += sprintf(at, "  /%d: /a\n", i);
    assert_int_equal(strstr(mistakes_of(text), "too many keys") != NULL, extra);
  }
  free(text);
}

/* The longest name has HOST_BYTES_MAX. */
static void test_name(void **state) {
  char text[400];
  (void)state;
  for (int extra = 0; extra < 2; extra++) {
    snprintf(text, sizeof text, "hosts:\n- {answer: a, name: %0*d}\n", HOST_BYTES_MAX + extra, 0);
    assert_int_equal(mistakes_of(text)[0] != 0, extra);
  }
}

/* ---- files ----------------------------------------------------------------------------------- */

static const char *mistakes_of_file(const char *path) {
  static char out[4000];
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_read(path, &mistakes);
  config_release(config);
  out[0] = 0;
  mistakes_tell(&mistakes, "F", put_line, out);
  return out;
}

static void test_files(void **state) {
  char path[] = "/tmp/weir-config-XXXXXX";
  (void)state;
  assert_string_equal(mistakes_of_file("/tmp"), "F: cannot read it: Is a directory\n");
  assert_string_equal(mistakes_of_file("/no/such"),
                      "F: cannot read it: No such file or directory\n");
  assert_string_equal(mistakes_of_file("/dev/zero"), "F: more than 1048576 bytes\n");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "workers: 2\n#", 12), 12);
  for (int extra = 0; extra < 2; extra++) {
    char *spaces = malloc(CONFIG_BYTES_MAX);
    memset(spaces, ' ', CONFIG_BYTES_MAX);
    assert_int_equal(pwrite(fd, spaces, CONFIG_BYTES_MAX - 12 + extra, 12),
                     CONFIG_BYTES_MAX - 12 + extra);
    free(spaces);
    assert_int_equal(mistakes_of_file(path)[0] != 0, extra);
  }
  close(fd);
  unlink(path);
}

/* ---- what is made ---------------------------------------------------------------------------- */

static struct serve_config *made(const char *text) {
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_parse(span_text(text), &mistakes);
  if (!config) fail_msg("%s: %s", text, mistakes.at[0].text);
  return config;
}

static void test_defaults(void **state) {
  (void)state;
  struct serve_config *config = made("{}");
  assert_int_equal(config->listener_count, 4);
  assert_int_equal(config->drain_seconds, SERVE_DRAIN_SECONDS_DEFAULT);
  assert_true(config->push && config->rfc7540_priorities && !config->spdy);
  assert_non_null(config_only_route(config));
  assert_int_equal(config_only_route(config)->action, SERVE_DEMO);
  config_release(config);
}

/* The longest path comes first, and the part itself is the route for "/". */
static void test_routes(void **state) {
  static const struct {
    const char *path;
    enum serve_action action;
    unsigned status;
  } expected[] = {{"docs/new", SERVE_REDIRECT, 302},
                  {"docs", SERVE_DIRECTORY, 200},
                  {"gone", SERVE_ANSWER, 410},
                  {"", SERVE_ANSWER, 200}};
  (void)state;
  struct serve_config *config = made("answer: hello\n"
                                     "routes:\n"
                                     "- {path: /docs/, directory: d}\n"
                                     "- {path: '/gone', answer: bye, status: 410}\n"
                                     "- {path: /docs//new/, redirect: /x}\n");
  assert_null(config_only_route(config));
  assert_int_equal(config->any->route_count, 4);
  for (unsigned i = 0; i < 4; i++) {
    const struct serve_route *route = &config->any->routes[i];
    assert_true(span_is(route->path, expected[i].path));
    assert_int_equal(route->action, expected[i].action);
    assert_int_equal(route->status, expected[i].status);
  }
  config_release(config);
}

/* A route with rules alone serves its host's directory, whose files have the paths that they have without it. */
static void test_shared_directories(void **state) {
  static const char *const texts[] = {
      "directory: d\nroutes:\n- {path: /a/, listing: true}\n- {path: /b/, directory: e}\n",
      "routes:\n- {path: /, directory: d}\n- {path: /b/, directory: e}\n- {path: /a/, listing: "
      "true}\n",
      "hosts:\n- name: default\n  directory: d\n  routes:\n  - {path: /a/, listing: true}\n"
      "  - {path: /b/, directory: e}\n"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct serve_config *config = made(texts[i]);
    const struct serve_route *routes = config->any->routes;
    assert_int_equal(config->any->route_count, 3);
    assert_string_equal(routes[0].directory, "d");
    assert_true(span_is(routes[0].path, "a") && span_is(routes[0].site_path, ""));
    assert_true(routes[0].listing && !routes[2].listing);
    assert_string_equal(routes[1].directory, "e");
    assert_true(span_is(routes[1].path, "b") && span_is(routes[1].site_path, "b"));
    assert_string_equal(routes[2].directory, "d");
    config_release(config);
  }
}

/* A route has its own, else its host's, else the top's; of lists that add up, its own first. */
static void test_inheritance(void **state) {
  (void)state;
  struct serve_config *config = made("cache-control: top\n"
                                     "preload: [/=/top.css]\n"
                                     "hosts:\n"
                                     "- name: a\n"
                                     "  cache-control: host\n"
                                     "  preload: [/=/host.css]\n"
                                     "  directory: d\n"
                                     "  routes:\n"
                                     "  - path: /x\n"
                                     "    directory: d\n"
                                     "    cache-control: route\n"
                                     "    preload: [/=/route.css]\n"
                                     "- name: b\n"
                                     "  directory: d\n");
  const struct serve_route *inner = &config->hosts[0].routes[0], *outer = inner + 1;
  assert_string_equal(inner->cache_control, "route");
  assert_string_equal(outer->cache_control, "host");
  assert_string_equal(config->hosts[1].routes[0].cache_control, "top");
  assert_int_equal(inner->preload_count, 3);
  assert_string_equal(inner->preloads[0], "/=/route.css");
  assert_string_equal(inner->preloads[1], "/=/host.css");
  assert_string_equal(inner->preloads[2], "/=/top.css");
  assert_int_equal(outer->preload_count, 2);
  assert_int_equal(config->hosts[1].routes[0].preload_count, 1);
  assert_null(config->any);
  config_release(config);
}

static void test_names(void **state) {
  (void)state;
  struct serve_config *config = made("hosts:\n"
                                     "- name: [B.example, '*.a.example', '[0:0::1]']\n"
                                     "  answer: x\n"
                                     "- name: [a.example, default]\n"
                                     "  answer: y\n");
  assert_int_equal(config->exact.count, 3);
  assert_true(span_is(config->exact.at[0].name, "[::1]"));
  assert_true(span_is(config->exact.at[1].name, "a.example"));
  assert_true(span_is(config->exact.at[2].name, "b.example"));
  assert_int_equal(config->wildcards.count, 1);
  assert_true(span_is(config->wildcards.at[0].name, "a.example"));
  assert_ptr_equal(config->any, &config->hosts[1]);
  config_release(config);
}

/* ---- what is printed ------------------------------------------------------------------------- */

/* The configuration as a file: the caller's to free. NULL with the reason in `error`. */
static char *printed(const struct serve_config *config, char error[256]) {
  char *text = NULL;
  size_t len;
  const struct failure failure = {error, 256};
  FILE *out = open_memstream(&text, &len);
  assert_non_null(out);
  bool good = config_print(config, out, &failure);
  assert_int_equal(fclose(out), 0);
  if (good) return text;
  free(text);
  return NULL;
}

static const char all_kinds[] =
    "http: [1, '[::1]:2,weight=3']\nhttps: 4\nspdy: true\nworkers: 3\nconnections: auto\n"
    "streams: 7\nflow: echo\nwindow: 100000\nweight: {10.0.0.0/8: 4, '[fd00::]/8': 9}\n"
    "idle-seconds: 5\ndrain-seconds: 0\nrfc7540-priorities: false\nhead-start: "
    "['IMAGE/*@/a*=2k:1']\n"
    "push: false\naccess-log: '-'\nlog-format: json\nrecord: \"/tmp/a\\\"b\\\\c\\td\"\nverbose: "
    "true\n"
    "certificates: [{cert: 'null', key: '~'}]\ncache-control: max-age=1\n"
    "hosts:\n- name: [a.org, '*.a.org']\n  directory: \"/srv/\\u00e9 #: x\"\n  preload: {/: "
    "[/a.css, /b]}\n"
    "  routes:\n  - {path: /r, redirect: 'https://x/', status: 308}\n"
    "  - {path: /t, answer: \"two\\nlines\", answer-type: text/html, https-only: true}\n"
    "- {name: default, demo: true}\n";

/* A rule of all routes is printed with each of them. */
static void assert_same_head_starts(const struct serve_config *first,
                                    const struct serve_config *second) {
  for (unsigned i = 0; i < first->host_count; i++)
    for (unsigned k = 0; k < first->hosts[i].route_count; k++) {
      const struct head_start_rules *before = first->hosts[i].routes[k].head_starts,
                                    *after = second->hosts[i].routes[k].head_starts;
      if (!before) before = &first->head_starts;
      if (!after) after = &second->head_starts;
      assert_int_equal(before->count, after->count);
    }
}

/* With rules where no route is. */
static const char with_rests[] =
    "header-set: {x-a: b}\nhttps-only: true\nhttps: 4\nhosts:\n"
    "- {name: a.org, header-add: {x-c: d}, request-rate: 3/s, routes: [{path: /x, answer: x}]}\n"
    "- {name: b.org, answer: all}\n";

/* The rule at the top is of files only: the redirect and the 404 of other hosts do not need `compress: false`. */
static const char encoded[] = "header-set: {content-encoding: br}\n"
                              "hosts:\n"
                              "- {name: a, compress: false, routes: [{path: /x, directory: x}]}\n"
                              "- {name: b, redirect: \"http://a/\"}\n";

/* Reading what was printed gives the same again. Its last routes were not written before. */
static void test_print(void **state) {
  static const char *const texts[] = {"{}", "directory: x\n", all_kinds, with_rests, encoded};
  char error[256];
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct serve_config *first = made(texts[i]);
    char *text = printed(first, error);
    assert_non_null(text);
    struct serve_config *second = made(text);
    char *again = printed(second, error);
    assert_string_equal(text, again);
    assert_int_equal(first->listener_count, second->listener_count);
    assert_memory_equal(first->listeners, second->listeners, sizeof first->listeners);
    assert_memory_equal(&first->weights, &second->weights, sizeof first->weights);
    unsigned rests = texts[i] == with_rests ? 2 : 0;
    assert_int_equal(first->route_count + rests, second->route_count);
    assert_same_head_starts(first, second);
    assert_int_equal(first->window_bytes, second->window_bytes);
    config_release(first);
    config_release(second);
    free(text);
    free(again);
  }
}

static void test_printed_texts(void **state) {
  char error[256];
  (void)state;
  struct serve_config *config = made(all_kinds);
  char *text = printed(config, error);
  static const char *const lines[] = {
      "http: [1, \"[::1]:2,weight=3\"]\n",
      "access-log: \"-\"\n",
      "record: \"/tmp/a\\\"b\\\\c\\x09d\"\n",
      "  - cert: \"null\"\n    key: \"~\"\n",
      "        directory: \"/srv/\xc3\xa9 #: x\"\n",
      "        preload: [/=/a.css, /=/b]\n",
      "        cache-control: max-age=1\n",
      "      - path: /r\n        head-start: [\"IMAGE/*@/a*=2k:1\"]\n        redirect: "
      "\"https://x/\"\n        status: 308\n",
      "        answer: \"two\\x0alines\"\n        status: 200\n",
      "  - name: [default]\n    routes:\n      - path: /\n        head-start: "
      "[\"IMAGE/*@/a*=2k:1\"]\n"
      "        demo: true\n",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!strstr(text, lines[i])) fail_msg("%s is missing in:\n%s", lines[i], text);
  free(text);
  config_release(config);
}

enum {
  ROWS = sizeof rows / sizeof *rows,
};

int main(void) {
  struct CMUnitTest tests[ROWS + 20] = {
      cmocka_unit_test(test_many_mistakes),
      cmocka_unit_test(test_depth),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_keys),
      cmocka_unit_test(test_name),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_routes),
      cmocka_unit_test(test_shared_directories),
      cmocka_unit_test(test_inheritance),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_print),
      cmocka_unit_test(test_printed_texts),
  };
  size_t count = 0;
  while (tests[count].test_func)
    count++;
  for (size_t i = 0; i < ROWS; i++)
    tests[count++] =
        (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, (void *)(uintptr_t)&rows[i]};
  return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}
