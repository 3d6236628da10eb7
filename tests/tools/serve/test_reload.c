/*
 * serve/test_reload.c - what a reload is made of: settings that stay are named, and a thousand configurations in turn
 * leave nothing behind.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/text.h"
#include "tests/support/counted.h"
#include "tests/support/descriptors.h"
#include "tests/support/fake.h"
#include "tools/serve/config/file.h"
#include "tools/serve/config/load.h"
#include "tools/serve/config/stays.h"
#include "tools/serve/front.h"
#include "tools/serve/rules/rates.h"

static struct serve_config *read_config(const char *from) {
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_parse(span_text(from), &mistakes);
  if (!config || !config_load(config, &mistakes)) fail_msg("%s: %s", from, mistakes.at[0].text);
  return config;
}

/* ---- settings that stay ---------------------------------------------------------------------- */

static void tell(void *ctx, const char *name) {
  char *told = ctx;
  size_t len = strlen(told);
  snprintf(told + len, 1000 - len, "%s ", name);
}

static void test_what_stays_is_named(void **state) {
  static const struct {
    const char *before, *now, *told;
  } rows[] = {
      {"https: 1\n", "https: 1\n", ""},
      {"https: 1\n", "https: 1\nring: epoll\n", "ring "},
      {"https: 1\nring: epoll\n", "https: 1\n", "ring "},
      {"https: 1\n", "https: 1\nspdy: false\nkey-log: a\n", "key-log "},
      {"https: 1\nclient-ca: a\n", "https: 1\nclient-ca: b\nclient-optional: true\n", ""},
      {"https: 1\nticket-keys: a\n", "https: 1\nticket-keys: b\n", "ticket-keys "},
      {"https: 1\n", "https: 1\nciphers: ECDHE-RSA-AES128-GCM-SHA256\ngroups: X25519\n", ""},
      {"https: 1\n", "https: 1\nkey-log: k\nspdy: true\nwindow: 99999\n", "spdy key-log window "},
      {"https: 1\n", "http: [1, 2]\nhttps: 3\npush: false\ndrain-seconds: 3\nverbose: true\n", ""},
      {"http: 1\n", "https: 1\nclient-ca: a\nkey-log: b\n", ""}, /* TLS begins with it */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char told[1000] = "";
    struct serve_config *before = read_config(rows[i].before), *now = read_config(rows[i].now);
    config_stays(before, config_is_secure(before) ? before : NULL, now, tell, told);
    if (strcmp(told, rows[i].told) != 0) fail_msg("row %zu: %s", i, told);
    config_release(before);
    config_release(now);
  }
}

/* ---- many reloads ---------------------------------------------------------------------------- */

static struct counted_memory memory;
static struct rates rates;
static struct front front;
static struct machine_peer peer = {.address = {0x20, 1}};

static struct router *make_router(unsigned number) {
  char text[400];
  const char *note;
  struct io_error error;
  snprintf(text, sizeof text,
           "request-rate: 100000/s\nheader-set: {x-number: '%u'}\nhosts:\n- name: default\n"
           "  answer: hello\n  routes:\n  - {path: /%u, redirect: /, status: 308}\n"
           "- name: ['*.a.example', b.example]\n  answer: gone\n  status: 410\n",
           number, number);
  struct serve_config *config = read_config(text);
  const struct router_settings settings = {
      .config = config, .memory = &memory.memory, .rates = &rates, .exchanges_max = 10};
  struct router *router = router_create(&settings, &note, &error);
  assert_non_null(router);
  config_release(config);
  return router;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx;
  stream->peer = &peer;
  front.handler.request(front.handler.ctx, stream, request, now_ns);
}

/* A stream that lasts until end(). */
static void ask(struct fake_stream *fake, unsigned number, uint64_t now_ns) {
  static const struct handler handler = {.request = on_request};
  char wanted[20];
  *fake = (struct fake_stream){0};
  fake_request(fake, &handler, "GET", "/", NULL, 0, now_ns);
  fake_pull_all(fake, 1000);
  assert_int_equal(fake->status, 200);
  snprintf(wanted, sizeof wanted, "%u", number);
  assert_string_equal(fake_field(fake, "x-number"), wanted);
}

static void end(struct fake_stream *fake) {
  static const struct stream_facts facts;
  front.handler.ended(front.handler.ctx, &fake->stream, &facts);
  fake_free(fake);
}

/* One reload in four is refused after the workers were asked. A stream lives across each of the others. */
static unsigned reload(unsigned number, unsigned before) {
  struct fake_stream fake;
  uint64_t now_ns = (number + 1) * SECOND_NS;
  ask(&fake, before, now_ns);
  assert_true(front_prepare(&front, make_router(number)));
  if (number % 4 == 3) {
    front_forget(&front);
    number = before;
  }
  front_swap(&front);
  end(&fake);
  ask(&fake, number, now_ns);
  end(&fake);
  front_second(&front, now_ns);
  return number;
}

/* What routers hold is counted here. Configurations are malloc's: the leak sanitizer finds one that is not released. */
static void test_a_thousand_reloads(void **state) {
  size_t bytes = 0, count = 0;
  unsigned files = 0, number = 0;
  (void)state;
  rates = (struct rates){0};
  counted_init(&memory);
  front_init(&front, make_router(0), NULL);
  for (unsigned i = 1; i <= 1100; i++) {
    number = reload(i, number);
    if (i != 100) continue; /* by then, all that is made once has been */
    bytes = memory.bytes, count = memory.count, files = descriptor_count();
  }
  assert_int_equal(memory.bytes, bytes);
  assert_int_equal(memory.count, count);
  assert_int_equal(descriptor_count(), files);
  front_destroy(&front);
  rates_close(&rates);
  assert_int_equal(memory.count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_stays_is_named),
      cmocka_unit_test(test_a_thousand_reloads),
  };
  return cmocka_run_group_tests_name("serve/reload", tests, NULL, NULL);
}
