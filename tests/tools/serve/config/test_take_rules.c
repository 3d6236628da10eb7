/*
 * serve/config/test_take_rules.c - rules of routes in a configuration: what is read, every mistake, what a route inherits,
 * and error pages.
 */
#include "engine/http/limits.h"
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "tools/serve/config/file.h"
#include "tools/serve/config/load.h"
#include "tools/serve/config/print.h"
#include "tools/serve/rules/rules.h"

/* ---- mistakes -------------------------------------------------------------------------------- */

static void put_line(void *ctx, const char *line) {
  char *out = ctx;
  size_t len = strlen(out);
  snprintf(out + len, 4000 - len, "%s\n", line);
}

static const char *told(const struct mistakes *mistakes) {
  static char out[4000];
  out[0] = 0;
  mistakes_tell(mistakes, "F", put_line, out);
  return out;
}

static const char *mistakes_of(const char *text) {
  struct mistakes mistakes = {0};
  config_release(config_file_parse(span_text(text), &mistakes));
  return told(&mistakes);
}

static const struct {
  const char *text, *expected; /* after "F:2:" */
} rows[] = {
    {"cache-rule: {'*.css': max-age=1, /a/*: no-store}", ""},
    {"cache-rule: ['*.css:max-age=1']", ""},
    {"cache-rule: x", "13: cache-rule x: expected PATTERN: VALUE such as *.css: max-age=3600"},
    {"cache-rule: ': x'",
     "13: cache-rule : x: expected PATTERN: VALUE such as *.css: max-age=3600"},
    {"type: {wasm: application/wasm, LOG: text/plain}", ""},
    {"type: {.wasm: a/b}", "15: type .wasm=a/b: what follows the last dot counts, without it"},
    {"type: {wasm: b}", "14: type wasm=b: expected EXTENSION=TYPE such as wasm=application/wasm"},
    {"type: x", "7: type x: expected EXTENSION=TYPE such as wasm=application/wasm"},
    {"charset: koi8-r", ""},
    {"charset: none", ""},
    {"charset: 'a b'", "10: charset a b: expected a charset such as utf-8, or none"},
    {"index: [a.html, b.htm]", ""},
    {"index: []", ""},
    {"index: a/b", "8: index a/b: expected the name of a file such as index.html"},
    {"index: .a", "8: index .a: expected the name of a file such as index.html"},
    {"listing: true", ""},
    {"listing: on", "10: listing on: expected true or false"},
    {"fallback: /app/index.html", ""},
    {"fallback: index.html",
     "11: fallback index.html: expected the path of a file below the directory: /index.html"},
    {"fallback: /../x",
     "11: fallback /../x: expected the path of a file below the directory: /index.html"},
    {"fallback: /", "11: fallback /: expected the path of a file below the directory: /index.html"},
    {"error-page: {404: /a, 503: /b}", ""},
    {"error-page: {200: /a}",
     "19: error-page 200=/a: expected STATUS=FILE such as 404=/var/www/404.html"},
    {"error-page: /a", "13: error-page /a: expected STATUS=FILE such as 404=/var/www/404.html"},
    {"header-set: {X-A: 'b: c', link: [a, b]}", ""},
    {"header-set: x-a", "13: header-set x-a: expected NAME: VALUE such as x-frame-options: DENY"},
    {"header-set: {connection: close}",
     "26: header-set connection: close: connection is about the connection"},
    {"header-set: {'x a': b}", "21: header-set x a: b: x a is not a field's name"},
    {"header-add: {content-length: 1}",
     "30: header-add content-length: 1: content-length follows from the body"},
    {"header-set: {content-encoding: gzip}",
     "32: header-set content-encoding: gzip: needs compress: false, or responses that are "
     "compressed on the fly would carry this coding, too"},
    {"compress: false\nheader-set: {content-encoding: gzip}", ""},
    {"header-remove: content-encoding",
     "16: header-remove content-encoding: content-encoding follows from the body"},
    {"header-remove: [etag, X-A]", ""},
    {"header-remove: server",
     "16: header-remove server: server is sent with every response; it can "
     "only be set"},
    {"access: [allow 10.0.0.0/8, deny all]", ""},
    {"access: 10.0.0.0/8", "9: access 10.0.0.0/8: expected allow or deny and a network such as "
                           "10.0.0.0/8, or all"},
    {"access: allow 10.0.0.1/8",
     "9: access allow 10.0.0.1/8: the address has bits beyond its prefix"},
    {"request-rate: 100/s,burst=200", ""},
    {"request-rate: none", ""},
    {"request-rate: fast",
     "15: request-rate fast: expected a rate such as 100/s, 30/m or 100/s,burst=500"},
    {"connection-rate: 10/s", ""},
    {"connection-rate: 0",
     "18: connection-rate 0: expected a rate such as 100/s, 30/m or 100/s,burst=500"},
    {"connections-per-client: 65535", ""}, /* CLIENT_LINKS_EACH_MAX */
    {"connections-per-client: none", ""},
    {"connections-per-client: 0",
     "25: connections-per-client 0: expected a number from 1 to 65535, or none"},
    {"connections-per-client: 65536",
     "25: connections-per-client 65536: expected a number from 1 to 65535, or none"},
};

static void test_mistakes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[300], expected[300] = "";
    snprintf(text, sizeof text, "directory: d\n%s\n", rows[i].text);
    if (rows[i].expected[0]) snprintf(expected, sizeof expected, "F:2:%s\n", rows[i].expected);
    assert_string_equal(mistakes_of(text), expected);
  }
  assert_string_equal(mistakes_of("answer: a\nlisting: true\n"),
                      "F:2:1: listing needs a directory to serve\n");
  assert_string_equal(mistakes_of("redirect: /a\ncompress: true\n"),
                      "F:2:1: compress needs a directory, answer or demo\n");
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
  struct serve_config *config = made("directory: d\n");
  const struct serve_rules *rules = config->any->routes[0].rules;
  assert_null(rules->filter);
  assert_null(rules->access);
  assert_int_equal(rules->rate.interval_ns, 0);
  assert_int_equal(config->connection_rate.interval_ns, 0);
  assert_true(span_is(rules->site.charset, "utf-8"));
  assert_int_equal(rules->site.index_count, 1);
  assert_true(span_is(rules->site.indexes[0], "index.html"));
  assert_false(rules->site.listing);
  config_release(config);
}

static void test_of_files(void **state) {
  (void)state;
  struct serve_config *config = made("directory: d\n"
                                     "cache-rule: {'*.css': \"a: b\", /x/*: c}\n"
                                     "type: {LOG: text/plain}\n"
                                     "charset: none\n"
                                     "index: [a, b]\n"
                                     "listing: true\n"
                                     "fallback: //app/./index.html\n");
  const struct site_rules *site = &config->any->routes[0].rules->site;
  assert_int_equal(site->cache_count, 2);
  assert_true(span_is(site->cache[0].pattern, "*.css"));
  assert_true(span_is(site->cache[0].value, "a: b"));
  assert_true(span_is(site->cache[1].pattern, "/x/*"));
  assert_true(span_is(site->types[0].extension, "log"));
  assert_true(span_is(site->types[0].type, "text/plain"));
  assert_int_equal(site->charset.len, 0);
  assert_int_equal(site->index_count, 2);
  assert_true(span_is(site->indexes[1], "b"));
  assert_true(site->listing);
  assert_true(span_is(site->fallback, "app/index.html"));
  config_release(config);
  config = made("directory: d\nindex: []\n");
  assert_int_equal(config->any->routes[0].rules->site.index_count, 0);
  config_release(config);
}

/* "NAME: VALUE" of a route's rules about fields, in their order; "-NAME" removes. */
static const char *fields_of(const struct serve_rules *rules) {
  static char text[1000];
  size_t len = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < rules->field_count; i++) {
    const struct header *field = &rules->fields[i].field;
    const char *kind = rules->fields[i].kind == FIELD_REMOVE ? "-"
                       : rules->fields[i].kind == FIELD_ADD  ? "+"
                                                             : "";
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s %.*s,", kind,
                            (int)field->name.len, (const char *)field->name.base,
                            (int)field->value.len, (const char *)field->value.base);
  }
  return text;
}

/* What stands nearer to the route decides about a name. */
static void test_inherited_fields(void **state) {
  (void)state;
  struct serve_config *config = made("header-set: {x-a: top, x-b: top, x-c: top}\n"
                                     "header-add: {x-b: more, x-d: more}\n"
                                     "directory: d\n"
                                     "routes:\n"
                                     "- path: /x\n"
                                     "  directory: d\n"
                                     "  header-set: {X-A: route}\n"
                                     "  header-add: {x-d: route}\n"
                                     "  header-remove: [x-b]\n");
  const struct serve_route *inner = &config->any->routes[0], *outer = inner + 1;
  assert_string_equal(fields_of(outer->rules), "x-a top,x-b top,x-c top,+x-b more,+x-d more,");
  assert_string_equal(fields_of(inner->rules), "x-a route,x-c top,+x-d route,+x-d more,-x-b ,");
  assert_ptr_equal(inner->rules->filter, &inner->rules->field_filter.filter);
  config_release(config);
}

/* A route has its own, those of the top and the default; without any of its own, it has the server's. */
static void test_inherited_head_starts(void **state) {
  (void)state;
  struct serve_config *config = made("head-start: [text/html=1k]\n"
                                     "directory: d\n"
                                     "routes:\n"
                                     "- {path: /x, directory: d, head-start: [Image/GIF=2k]}\n");
  const struct serve_route *routes = config->any->routes;
  const struct head_start_rules *own = routes[0].head_starts;
  assert_non_null(own);
  assert_int_equal(own->count, 3);
  assert_true(span_is(own->at[0].type, "image/gif"));
  assert_true(span_is(own->at[1].type, "text/html"));
  assert_true(own->at[2].scan);
  assert_null(routes[1].head_starts);
  assert_int_equal(config->head_starts.count, 2);
  assert_true(span_is(config->head_starts.at[0].type, "text/html"));
  config_release(config);
  assert_string_equal(mistakes_of("head-start: [x]\nanswer: a\nroutes:\n- {path: /x, answer: b, "
                                  "head-start: [y]}\n"),
                      "F:1:14: head-start x: expected TYPE[@PATH]=BYTES[k][:URGENCY] such as "
                      "image/*=4k, or scan for BYTES\n"
                      "F:4:38: head-start y: expected TYPE[@PATH]=BYTES[k][:URGENCY] such as "
                      "image/*=4k, or scan for BYTES\n");
}

/* A client has one account for a limit that several routes inherit, and another one for another limit. */
static void test_inherited_rates(void **state) {
  (void)state;
  struct serve_config *config = made("request-rate: 10/s\n"
                                     "connection-rate: 5/s\n"
                                     "directory: d\n"
                                     "routes:\n"
                                     "- {path: /x, directory: d}\n"
                                     "- {path: /y, directory: d, request-rate: 20/s}\n"
                                     "- {path: /z, directory: d, request-rate: none}\n");
  const struct serve_route *routes = config->any->routes;
  assert_int_equal(routes[0].rules->rate.number, routes[3].rules->rate.number);
  assert_int_equal(routes[0].rules->rate.interval_ns, 100000000);
  assert_int_not_equal(routes[1].rules->rate.number, routes[0].rules->rate.number);
  assert_int_equal(routes[1].rules->rate.interval_ns, 50000000);
  assert_int_equal(routes[2].rules->rate.interval_ns, 0);
  assert_int_equal(config->connection_rate.interval_ns, 200000000);
  assert_int_not_equal(config->connection_rate.number, routes[0].rules->rate.number);
  config_release(config);
}

/* What is printed means the same: rules that are overruled are not in it, and an empty list stays one. */
static void test_printed_rules(void **state) {
  char *text = NULL, error[256];
  const struct failure failure = {error, sizeof error};
  size_t len;
  (void)state;
  struct serve_config *first = made("directory: d\nindex: []\nheader-set: {x-a: one, x-b: b}\n"
                                    "header-add: {x-c: c}\nroutes:\n"
                                    "- {path: /r, answer: a, header-set: {x-a: two}}\n"
                                    "- {path: /rr, answer: a, header-remove: [x-c]}\n");
  FILE *out = open_memstream(&text, &len);
  assert_non_null(out);
  assert_true(config_print(first, out, &failure));
  assert_int_equal(fclose(out), 0);
  struct serve_config *second = made(text);
  for (unsigned i = 0; i < 3; i++) {
    const struct serve_rules *a = first->any->routes[i].rules, *b = second->any->routes[i].rules;
    assert_int_equal(a->field_count, b->field_count);
    for (uint32_t k = 0; k < a->field_count; k++) {
      assert_int_equal(a->fields[k].kind, b->fields[k].kind);
      assert_true(span_equal(a->fields[k].field.name, b->fields[k].field.name));
      assert_true(span_equal(a->fields[k].field.value, b->fields[k].field.value));
    }
  }
  assert_int_equal(second->any->routes[2].rules->site.index_count, 0);
  free(text);
  config_release(first);
  config_release(second);
}

static uint32_t number_of_rate(const char *text) {
  struct serve_config *config = made(text);
  uint32_t number = config->any->routes[0].rules->rate.number;
  config_release(config);
  return number;
}

/* After a reload, clients have new accounts for a limit that is another one, and the old ones for the same. */
static void test_changed_rate(void **state) {
  (void)state;
  uint32_t number = number_of_rate("directory: d\nrequest-rate: 1/h,burst=10\n");
  assert_int_equal(number_of_rate("directory: e\nrequest-rate: 1/h,burst=10\n"), number);
  assert_int_not_equal(number_of_rate("directory: d\nrequest-rate: 100/s\n"), number);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* Whether a list of `count` texts is taken. */
static bool takes(const char *key, const char *item, unsigned count) {
  size_t each = strlen(item) + 4;
  char *text = malloc(count * each + 100), *at = text;
  at += sprintf(at, "directory: d\n%s:\n", key);
  for (unsigned i = 0; i < count; i++)
    at += sprintf(at, "- %s\n", item);
  bool good = !mistakes_of(text)[0];
  free(text);
  return good;
}

static void test_bounds(void **state) {
  static const struct {
    const char *key, *item;
    unsigned most;
  } lists[] = {
      {"access", "deny 10.0.0.7", SERVE_ACCESS_RULES_MAX},
      {"cache-rule", "'a: b'", SERVE_CACHE_RULES_MAX},
      {"type", "a=b/c", SERVE_TYPES_MAX},
      {"index", "a", SITE_INDEXES_MAX},
      {"error-page", "404=a", SERVE_ERROR_PAGES_MAX},
      {"header-add", "'a: b'", FIELD_RULES_MAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    assert_true(takes(lists[i].key, lists[i].item, lists[i].most));
    assert_false(takes(lists[i].key, lists[i].item, lists[i].most + 1));
  }
  for (unsigned extra = 0; extra < 2; extra++) {
    char item[SERVE_FIELD_VALUE_BYTES_MAX + 20], name[SITE_CHARSET_BYTES_MAX + 60];
    snprintf(item, sizeof item, "'a: %0*d'", SERVE_FIELD_VALUE_BYTES_MAX + extra, 1);
    assert_int_equal(takes("header-set", item, 1), !extra);
    assert_int_equal(takes("cache-rule", item, 1), !extra);
    snprintf(name, sizeof name, "directory: d\ncharset: a%0*d\n",
             SITE_CHARSET_BYTES_MAX + extra - 1, 1);
    assert_int_equal(!mistakes_of(name)[0], !extra);
  }
}

/* ---- error pages ----------------------------------------------------------------------------- */

static char directory[] = "/tmp/weir-rules-XXXXXX", page[64];

static void put(off_t size) {
  FILE *file = fopen(page, "w");
  assert_non_null(file);
  assert_true(fputs("<p>gone", file) >= 0);
  assert_int_equal(fclose(file), 0);
  if (size) assert_int_equal(truncate(page, size), 0);
}

/* Loads a configuration with that page; its mistakes, and the page if there are none. */
static const char *loaded(const char *path, struct error_page *out) {
  char text[300];
  struct mistakes mistakes = {0};
  snprintf(text, sizeof text, "answer: a\nerror-page: {404: %s}\n", path);
  struct serve_config *config = made(text);
  bool good = config_load(config, &mistakes);
  const struct serve_rules *rules = config->any->routes[0].rules;
  assert_int_equal(good, mistakes.count == 0);
  assert_ptr_equal(rules->filter, &rules->page_filter.filter);
  *out = rules->pages[0];
  if (good && out->bytes.len < 20) assert_memory_equal(out->bytes.base, "<p>gone", 7);
  out->bytes.base = NULL;
  config_release(config);
  return told(&mistakes);
}

static void test_error_pages(void **state) {
  struct error_page out;
  (void)state;
  assert_non_null(mkdtemp(directory));
  snprintf(page, sizeof page, "%s/404.html", directory);
  put(0);
  assert_string_equal(loaded(page, &out), "");
  assert_int_equal(out.status, 404);
  assert_int_equal(out.bytes.len, 7);
  assert_true(span_is(out.type, "text/html; charset=utf-8"));
  put(SERVE_ERROR_PAGE_BYTES_MAX);
  assert_string_equal(loaded(page, &out), "");
  assert_int_equal(out.bytes.len, SERVE_ERROR_PAGE_BYTES_MAX);
  put(SERVE_ERROR_PAGE_BYTES_MAX + 1);
  assert_non_null(strstr(loaded(page, &out), "404: it is too large for an error page\n"));
  assert_int_equal(unlink(page), 0);
  assert_non_null(strstr(loaded(page, &out), "for status 404: No such file or directory\n"));
  assert_int_equal(mkfifo(page, 0600), 0);
  assert_non_null(strstr(loaded(page, &out), "for status 404: it is no regular file\n"));
  assert_int_equal(unlink(page), 0);
  assert_non_null(strstr(loaded(directory, &out), "for status 404: it is no regular file\n"));
  assert_int_equal(rmdir(directory), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_of_files),
      cmocka_unit_test(test_inherited_fields),
      cmocka_unit_test(test_inherited_head_starts),
      cmocka_unit_test(test_inherited_rates),
      cmocka_unit_test(test_changed_rate),
      cmocka_unit_test(test_printed_rules),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_error_pages),
  };
  return cmocka_run_group_tests_name("take_rules", tests, NULL, NULL);
}
