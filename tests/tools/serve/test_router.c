/*
 * serve/test_router.c - which host and which route a request is for, whether its connection is good for that host,
 * and whom the route's rules let in.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/text.h"
#include "io/base/error.h"
#include "io/tls/identities.h"
#include "tests/support/certificates.h"
#include "tests/support/fake.h"
#include "tools/common/process.h"
#include "tools/serve/config/file.h"
#include "tools/serve/config/host.h"
#include "tools/serve/router.h"
#include "tools/serve/rules/rates.h"

static const char text[] = "hosts:\n"
                           "- {name: a.example, answer: x}\n"
                           "- {name: '*.a.example', answer: x}\n"
                           "- {name: '*.b.a.example', answer: x}\n"
                           "- {name: '[::1]', answer: x}\n"
                           "- name: default\n"
                           "  routes:\n"
                           "  - {path: /, answer: x}\n"
                           "  - {path: /docs, answer: x}\n"
                           "  - {path: /docs/new/, answer: x}\n"
                           "  - {path: /docs%20old, answer: x}\n";

static struct serve_config *read_config(const char *from) {
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_parse(span_text(from), &mistakes);
  if (!config) fail_msg("%s", mistakes.at[0].text);
  return config;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void test_normal_names(void **state) {
  static const struct {
    const char *authority, *expected; /* NULL: none */
  } rows[] = {
      {"", ""},
      {"a.example", "a.example"},
      {"A.Example.", "a.example"},
      {"a.example:8080", "a.example"},
      {"a.example:", "a.example"},
      {"a.example.:1", "a.example"},
      {"x_y-z", "x_y-z"},
      {"127.0.0.1:80", "127.0.0.1"},
      {"[::1]", "[::1]"},
      {"[0:0::0:1]:443", "[::1]"},
      {"[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"},
      {"a..example", NULL},
      {".a", NULL},
      {".", NULL},
      {"a:b", NULL},
      {"a:1:2", NULL},
      {"user@a", NULL},
      {"a%41", NULL},
      {"a b", NULL},
      {"[::1", NULL},
      {"[::1]x", NULL},
      {"[::1]:x", NULL},
      {"[]", NULL},
      {"[1.2.3.4]", NULL},
      {"[00000000000000000000000000000000000000000000000000001]", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char room[HOST_BYTES_MAX];
    struct span got;
    bool named = host_normal(span_text(rows[i].authority), room, &got);
    if (named != (rows[i].expected != NULL)) fail_msg("%s: %d", rows[i].authority, named);
    if (named && !span_is(got, rows[i].expected))
      fail_msg("%s: %.*s", rows[i].authority, (int)got.len, (const char *)got.base);
  }
}

static void test_long_name(void **state) {
  char name[HOST_BYTES_MAX + 2], room[HOST_BYTES_MAX];
  struct span got;
  (void)state;
  memset(name, 'A', sizeof name);
  assert_true(host_normal(span_of(name, HOST_BYTES_MAX), room, &got));
  assert_int_equal(got.len, HOST_BYTES_MAX);
  assert_false(host_normal(span_of(name, HOST_BYTES_MAX + 1), room, &got));
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static void test_hosts(void **state) {
  static const struct {
    const char *authority, *expected; /* the host's first name */
  } rows[] = {
      {"a.example", "a.example"},
      {"A.EXAMPLE:99", "a.example"}, /* CVE-2026-27588 */
      {"x.a.example", "*.a.example"},
      {"y.x.a.example", "*.a.example"},
      {"x.b.a.example", "*.b.a.example"},
      {"b.a.example", "*.a.example"},
      {"[::0:1]:80", "[::1]"},
      {"example", "default"},
      {"aa.example", "default"},
      {"", "default"},
      {"a..example", "default"},
      {"x.a.example.", "*.a.example"},
  };
  (void)state;
  struct serve_config *config = read_config(text);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct serve_host *host = router_find_host(config, span_text(rows[i].authority));
    if (!host || strcmp(host->name, rows[i].expected) != 0)
      fail_msg("%s: %s", rows[i].authority, host ? host->name : "none");
  }
  config_release(config);
}

static void test_no_default(void **state) {
  (void)state;
  struct serve_config *config = read_config("hosts:\n- {name: a.example, answer: x}\n");
  assert_non_null(router_find_host(config, span_text("a.example")));
  assert_null(router_find_host(config, span_text("b.example")));
  assert_null(router_find_host(config, span_text("")));
  assert_null(router_find_host(config, span_text("a b")));
  config_release(config);
}

/* Without other hosts the default answers for every name, also one that is none. */
static void test_only_default(void **state) {
  (void)state;
  struct serve_config *config = read_config("answer: x\n");
  assert_ptr_equal(router_find_host(config, span_text("a b")), config->any);
  config_release(config);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static void test_routes(void **state) {
  static const struct {
    const char *path, *expected;
  } rows[] = {
      {"", ""},
      {"doc", ""},
      {"docs", "docs"},
      {"docs/a", "docs"},
      {"docsx", ""},
      {"docs/new", "docs/new"},
      {"docs/new/a", "docs/new"},
      {"docs/newer", "docs"},
      {"docs old/a", "docs old"},
      {"a/docs", ""},
  };
  (void)state;
  struct serve_config *config = read_config(text);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct serve_route *route = router_find_route(config->any, span_text(rows[i].path));
    assert_non_null(route);
    if (!span_is(route->path, rows[i].expected))
      fail_msg("%s: %.*s", rows[i].path, (int)route->path.len, (const char *)route->path.base);
  }
  config_release(config);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static struct router *router;
static struct machine_peer peer;
static struct rates rates;
static struct fake_stream fake;
static const char *authority; /* of requests; NULL: example.org */
static bool pushed;           /* the next requests are promised to the client */

/* A client comes from 10.0.0.0/8, or from elsewhere. */
static void come_from(uint8_t first) {
  peer = (struct machine_peer){.secure = true};
  memset(peer.address + 10, 0xff, 2);
  peer.address[12] = first;
}

static const struct head_start_rules *of_server; /* what the next router has; or NULL */
static const struct head_start_rules *told;      /* to the last stream; NULL: nothing */

static void note_head_starts(struct stream *stream, const struct head_start_rules *rules,
                             struct span path) {
  (void)stream;
  (void)path;
  told = rules;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx;
  struct request own = *request;
  own.pushed = pushed;
  stream->peer = &peer;
  static struct stream_ops ops;
  ops = *stream->ops;
  ops.head_start_rules = note_head_starts;
  stream->ops = &ops;
  if (authority) own.authority = span_text(authority);
  router_request(router, stream, &own, now_ns);
}

static unsigned ask_by(const char *method, const char *path) {
  static const struct handler handler = {.request = on_request};
  fake = (struct fake_stream){0};
  fake_request(&fake, &handler, method, path, NULL, 0, SECOND_NS);
  fake_pull_all(&fake, 1000);
  return fake.status;
}

/* Asks for a path; its status. */
static unsigned ask(const char *path) {
  return ask_by("GET", path);
}

static void answered(unsigned expected, const char *path, const char *body) {
  unsigned status = ask(path);
  assert_int_equal(status, expected);
  if (body) assert_true(span_is(span_of(fake.bytes, fake.len), body));
}

static void end(void) {
  fake_free(&fake);
  router_ended(router);
}

static void begin(const char *from) {
  const char *note;
  struct io_error error;
  struct serve_config *config = read_config(from);
  const struct router_settings settings = {.config = config,
                                           .memory = &process_memory,
                                           .rates = &rates,
                                           .exchanges_max = 10,
                                           .head_starts = of_server};
  rates = (struct rates){0};
  router = router_create(&settings, &note, &error);
  assert_non_null(router);
  router_enter(router);
  config_release(config);
  come_from(10);
}

static void finish(void) {
  router_destroy(router);
  rates_close(&rates);
}

/* A router of a later configuration tells its streams the server's rules; a route's own win. */
static void test_head_starts(void **state) {
  static const struct head_start_rules rules;
  static const char routes[] = "answer: all\n"
                               "routes:\n"
                               "- {path: /own, answer: own, head-start: ['image/*=4k']}\n";
  (void)state;
  for (of_server = NULL;; of_server = &rules) {
    begin(routes);
    told = NULL;
    answered(200, "/", "all");
    end();
    assert_ptr_equal(told, of_server);
    answered(200, "/own", "own");
    end();
    assert_non_null(told);
    assert_ptr_not_equal(told, of_server);
    finish();
    if (of_server) break;
  }
  of_server = NULL;
}

static void test_access(void **state) {
  (void)state;
  begin("answer: all\n"
        "header-set: {x-a: b}\n"
        "routes:\n"
        "- {path: /own, answer: own, access: [allow 10.0.0.0/8]}\n"
        "- {path: /ours, redirect: /, access: [deny 10.0.0.0/8]}\n");
  answered(200, "/own/x", "own");
  assert_string_equal(fake_field(&fake, "x-a"), "b");
  end();
  answered(403, "/ours", NULL);
  assert_string_equal(fake_field(&fake, "x-a"), "b");
  end();
  come_from(11);
  answered(403, "/own/x", NULL);
  end();
  answered(403, "/all/../own", NULL); /* the normal form of the path counts: CVE-2026-27587 */
  end();
  answered(403, "/%6fw%6E/x", NULL);
  end();
  answered(302, "/ours", NULL);
  end();
  answered(200, "/owner", "all");
  end();
  assert_null(rates.table.accounts); /* no route needs them */
  finish();
}

/* Rules count where there is nothing, too: those of the path's route, or what is said around all routes. */
static void test_rules_of_nothing(void **state) {
  static const struct {
    const char *authority, *path;
    unsigned status;
    const char *rule;
  } rows[] = {
      {"a.example", "/.git/config", 404, "root"},
      {"a.example", "/docs/.env", 404, "docs"},
      {"a.example", "/docs/../../etc", 404, "root"},
      {"a.example", "/%00", 404, "root"},
      {"a.example", "docs", 400, "root"},
      {"b.example", "/docs", 200, "docs"},
      {"b.example", "/other", 404, "host"},
      {"b.example", "/.git", 404, "host"},
      {"b.example", "/closed/.git", 403, "host"},
      {"c.example", "/", 404, "all"},
  };
  (void)state;
  begin("header-set: {x-rule: all}\n"
        "hosts:\n"
        "- {name: a.example, header-set: {x-rule: root}, answer: x,\n"
        "   routes: [{path: /docs, answer: x, header-set: {x-rule: docs}}]}\n"
        "- {name: b.example, header-set: {x-rule: host},\n"
        "   routes: [{path: /docs, answer: x, header-set: {x-rule: docs}},\n"
        "            {path: /closed, answer: x, access: [deny all]}]}\n");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    authority = rows[i].authority;
    unsigned status = ask(rows[i].path);
    const char *rule = fake_field(&fake, "x-rule");
    if (status != rows[i].status || !rule || strcmp(rule, rows[i].rule) != 0)
      fail_msg("%s%s: %u %s", authority, rows[i].path, status, rule ? rule : "no rule");
    end();
  }
  authority = NULL;
  finish();
}

/* A host's rate has accounts even if each of its routes has none, and it counts guesses at hidden paths. */
static void test_rate_of_nothing(void **state) {
  (void)state;
  begin("hosts:\n"
        "- {name: example.org, request-rate: '30/m,burst=2',\n"
        "   routes: [{path: /free, answer: free, request-rate: none}]}\n");
  answered(404, "/.git", NULL);
  end();
  answered(404, "/other", NULL);
  end();
  answered(429, "/.env", NULL);
  end();
  answered(200, "/free", "free");
  end();
  finish();
}

static void test_rates(void **state) {
  (void)state;
  begin("answer: all\n"
        "request-rate: 30/m,burst=2\n"
        "routes:\n"
        "- {path: /free, answer: free, request-rate: none}\n"
        "- {path: /same, answer: same}\n");
  answered(200, "/", "all");
  end();
  answered(200, "/same", "same");
  end();
  answered(429, "/same", NULL);
  assert_string_equal(fake_field(&fake, "retry-after"), "2");
  end();
  answered(429, "/", NULL);
  end();
  pushed = true; /* nobody asked */
  answered(200, "/same", "same");
  end();
  pushed = false;
  answered(200, "/free", "free");
  end();
  come_from(11);
  answered(200, "/", "all");
  end();
  assert_null(rates.connections);
  finish();
}

static void test_connection_rate(void **state) {
  (void)state;
  begin("answer: all\nconnection-rate: 5/s\n");
  assert_non_null(rates.connections);
  assert_int_equal(rates.connections->interval_ns, SECOND_NS / 5);
  assert_non_null(rates.table.accounts);
  finish();
}

static void test_connections_per_client(void **state) {
  (void)state;
  begin("answer: all\nconnections-per-client: 7\n");
  assert_int_equal(rates.links_max, 7);
  assert_non_null(rates.links.entries);
  assert_null(rates.table.accounts);
  finish();
}

/* ---- certificates ---------------------------------------------------------------------------- */

enum { COUNT = 2 };

static struct certificate made[COUNT];

static struct tls_identities *identities_of(size_t count) {
  static const struct certificate_wish wishes[COUNT] = {
      {.names = "DNS:a.test,IP:127.0.0.1"}, {.names = "DNS:b.test,DNS:*.b.test,IP:::1"}};
  const struct certificate *list[COUNT];
  struct io_error error;
  for (size_t i = 0; i < count; i++) {
    certificate_make(&made[i], &wishes[i]);
    list[i] = &made[i];
  }
  struct tls_identities *set = tls_identities_create(list, count, &error);
  assert_non_null(set);
  return set;
}

static void free_identities(struct tls_identities *set, size_t count) {
  tls_identities_release(set);
  for (size_t i = 0; i < count; i++)
    certificate_free(&made[i]);
}

static const char two_certificates[] = "certificates: [{cert: a, key: a}, {cert: b, key: b}]\n"
                                       "hosts:\n"
                                       "- {name: a.test, answer: a}\n"
                                       "- {name: b.test, answer: b}\n"
                                       "- {name: c.test, answer: c}\n";

static void test_misdirected(void **state) {
  static const struct {
    const char *shown_for, *authority; /* shown_for NULL: without TLS */
    unsigned status;
  } rows[] = {
      {"a.test", "a.test", 200},       {"a.test", "b.test", 421},
      {"a.test", "B.test.:8443", 421}, {"a.test", "x.b.test", 421}, /* although there is no host */
      {"a.test", "[0::1]:443", 421},   {"a.test", "x.y.b.test", 404},
      {"a.test", "c.test", 200}, /* no certificate covers it, and there is a host */
      {"a.test", "d.test", 404},       {"a.test", "", 404},
      {"a.test", "b.test:x", 404},     {"b.test", "b.test", 200},
      {"b.test", "a.test", 421},       {"x.b.test", "b.test", 200}, /* on the same certificate */
      {"nobody.test", "b.test", 421},  {NULL, "b.test", 200},
  };
  (void)state;
  struct tls_identities *set = identities_of(COUNT);
  begin(two_certificates);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    peer.identity = rows[i].shown_for ? tls_identities_find(set, rows[i].shown_for) : NULL;
    authority = rows[i].authority;
    unsigned status = ask("/");
    if (status != rows[i].status)
      fail_msg("%s on a connection to %s: %u", authority,
               rows[i].shown_for ? rows[i].shown_for : "no certificate", status);
    end();
  }
  peer.identity = tls_identities_find(set, "a.test");
  authority = "b.test";
  assert_int_equal(ask_by("CONNECT", "/"), 501); /* a tunnel to b.test, which no handler offers */
  end();
  authority = NULL;
  finish();
  free_identities(set, COUNT);
}

/* With one certificate, each host is served under it: a new connection would show the same one. */
static void test_one_certificate(void **state) {
  (void)state;
  struct tls_identities *set = identities_of(1);
  begin("certificates: [{cert: a, key: a}]\nhosts:\n- {name: b.test, answer: b}\n");
  peer.identity = tls_identities_find(set, "a.test");
  authority = "b.test";
  answered(200, "/", "b");
  end();
  authority = "a.test";
  answered(404, "/", NULL);
  end();
  authority = NULL;
  finish();
  free_identities(set, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_normal_names),
      cmocka_unit_test(test_long_name),
      cmocka_unit_test(test_hosts),
      cmocka_unit_test(test_no_default),
      cmocka_unit_test(test_only_default),
      cmocka_unit_test(test_routes),
      cmocka_unit_test(test_head_starts),
      cmocka_unit_test(test_access),
      cmocka_unit_test(test_rules_of_nothing),
      cmocka_unit_test(test_rate_of_nothing),
      cmocka_unit_test(test_rates),
      cmocka_unit_test(test_connection_rate),
      cmocka_unit_test(test_connections_per_client),
      cmocka_unit_test(test_misdirected),
      cmocka_unit_test(test_one_certificate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
