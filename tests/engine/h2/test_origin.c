/*
 * h2/test_origin.c - how many origins a connection keeps, what happens when it cannot keep one, and
 * which other origins a client may accept. tests/spec/test_messages.c tests promises in both roles.
 */
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

#include "engine/http/origin.h"

/* ---- keeping --------------------------------------------------------------------------------- */

static struct counted_memory memory;
static struct origin *origins;

static uint8_t take(const char *scheme, const char *authority) {
  return origin_take(&origins, &memory.memory, span_text(scheme), span_text(authority));
}

static bool is(uint8_t number, const char *scheme, const char *authority) {
  return origin_is(origins, number, span_text(scheme), span_text(authority));
}

static void finish(void) {
  origins_close(&origins, &memory.memory);
  assert_null(origins);
  assert_int_equal(memory.count, 0);
  assert_int_equal(memory.bytes, 0);
}

static void test_shared(void **state) {
  (void)state;
  counted_init(&memory);
  uint8_t number = take("https", "a:443");
  assert_int_not_equal(number, 0);
  assert_true(is(number, "https", "A"));
  assert_false(is(number, "http", "a"));
  assert_false(is(number, "https", "b"));
  assert_false(is(0, "https", "a"));
  uint64_t calls = memory.calls;
  assert_int_equal(take("HTTPS", "A"), number);
  origin_give(origins, number);
  origin_give(origins, number);
  assert_int_equal(take("https", "a"), number); /* it was waiting */
  assert_int_equal(memory.calls, calls);
  origin_give(origins, number);
  finish();
}

static void test_bound(void **state) {
  (void)state;
  char name[16];
  uint8_t numbers[ORIGINS_MAX];
  counted_init(&memory);
  for (unsigned i = 0; i < ORIGINS_MAX; i++) {
    snprintf(name, sizeof name, "host%u", i);
    numbers[i] = take("https", name);
    assert_int_not_equal(numbers[i], 0);
  }
  assert_int_equal(take("https", "other"), 0);
  origin_give(origins, numbers[3]);
  uint8_t other = take("https", "other");
  assert_true(is(other, "https", "other"));
  assert_false(is(other, "https", "host3"));
  for (unsigned i = 0; i < ORIGINS_MAX; i++) {
    snprintf(name, sizeof name, "host%u", i);
    assert_int_equal(is(numbers[i], "https", name), i != 3);
    if (i != 3) origin_give(origins, numbers[i]);
  }
  origin_give(origins, other);
  finish();
}

static void test_not_kept(void **state) {
  (void)state;
  char name[ORIGIN_BYTES_MAX + 1];
  counted_init(&memory);
  assert_int_equal(take("", "a"), 0);
  assert_int_equal(take("https", ""), 0);
  memset(name, 'a', sizeof name);
  name[ORIGIN_BYTES_MAX - 4] = '\0';
  assert_int_equal(take("https", name), 0);
  assert_int_equal(memory.calls, 0);
  name[ORIGIN_BYTES_MAX - 5] = '\0';
  uint8_t number = take("https", name);
  assert_true(is(number, "https", name));
  origin_give(origins, number);
  finish();
}

/* Memory is refused for the table, then for a text, then for a text that replaces another. */
static void test_refused(void **state) {
  (void)state;
  for (uint64_t at = 1; at <= 2; at++) {
    counted_init(&memory);
    memory.refuse_at = at;
    assert_int_equal(take("https", "a"), 0);
    uint8_t number = take("https", "a");
    assert_true(is(number, "https", "a"));
    origin_give(origins, number);
    finish();
  }
  uint8_t numbers[ORIGINS_MAX];
  char name[] = "a";
  counted_init(&memory);
  for (unsigned i = 0; i < ORIGINS_MAX; i++, name[0]++)
    numbers[i] = take("https", name);
  origin_give(origins, numbers[0]);
  memory.refuse_at = memory.calls + 1;
  assert_int_equal(take("https", "z"), 0);
  assert_int_equal(take("https", "a"), numbers[0]); /* untouched */
  for (unsigned i = 0; i < ORIGINS_MAX; i++)
    origin_give(origins, numbers[i]);
  finish();
}

/* ---- on a connection ------------------------------------------------------------------------- */

static struct script script;

/* Makes one request more than the table has room for: streams 1, 3, ... of the authorities b, c,
 * ... */
static void open_too_many(enum h2_role role) {
  char text[160];
  script_begin(&script, role, NULL, false);
  for (unsigned i = 0; i <= ORIGINS_MAX; i++) {
    char authority = (char)('b' + i);
    if (role == H2_CLIENT)
      snprintf(text, sizeof text, "!request /a body %c", authority);
    else
      snprintf(text, sizeof text,
               "HEADERS/SH %u [:method=GET :scheme=https :authority=%c :path=/hold]", 2 * i + 1,
               authority);
    script_run(&script, text);
  }
  script.log[script.log_len = 0] = '\0';
}

/* Nothing can be pushed for the last one until another stream ends. */
static void test_too_many_served(void **state) {
  (void)state;
  open_too_many(H2_SERVER);
  script_run(&script, "!push 17 https://j; !push 15 https://i; !reset 1 8; "
                      "HEADERS/SH 19 [:method=GET :scheme=https :authority=k :path=/hold]; "
                      "!push 19 https://k");
  assert_string_equal(script.log, "push refused, request 2 GET /hold end, PUSH_PROMISE 15 2 /hold, "
                                  "closed 1 CANCEL, RST_STREAM 1 CANCEL, request 19 GET /hold end, "
                                  "request 4 GET /hold end, PUSH_PROMISE 19 4 /hold");
  script_close(&script);
}

/* A promise on the last one is refused, but not as the server's error. */
static void test_too_many_asked(void **state) {
  (void)state;
  open_too_many(H2_CLIENT);
  script_run(&script, "PUSH/H 17 =2 [:method=GET :scheme=https :authority=j :path=/]; "
                      "PUSH/H 15 =4 [:method=GET :scheme=https :authority=i :path=/]");
  assert_string_equal(script.log, "RST_STREAM 2 REFUSED_STREAM, promise 15 4 /");
  script_close(&script);
}

/* As many promised streams as our SETTINGS allow; those that ended do not count. */
static void test_promises_at_once(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.concurrent_streams = 2;
  script_begin(&script, H2_CLIENT, &config, false);
  script_run(&script, "!request /a; PUSH/H 1 =2 [@get]; PUSH/H 1 =4 [@get]; PUSH/H 1 =6 [@get]; "
                      "HEADERS/SH 2 [@ok]; PUSH/H 1 =8 [@get]");
  assert_string_equal(
      script.log, "HEADERS 1 /a end, promise 1 2 /, promise 1 4 /, RST_STREAM 6 REFUSED_STREAM, "
                  "response 2 200 end, closed 2 NO_ERROR, promise 1 8 /");
  script_close(&script);
}

/* Without push, nothing is kept. */
static void test_off(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.h2.push = false;
  script_begin(&script, H2_SERVER, &config, false);
  script_run(&script, "HEADERS/SH 1 [@hold]");
  assert_null(h2_of(&script.machine)->origins);
  script_close(&script);
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "SETTINGS 0 s2=0; HEADERS/SH 1 [@hold]");
  assert_null(h2_of(&script.machine)->origins);
  script_close(&script);
  script_begin(&script, H2_CLIENT, &config, false);
  script_run(&script, "!request /a");
  assert_null(h2_of(&script.machine)->origins);
  script_close(&script);
}

static bool certificate_names(void *ctx, struct h2 *h2, struct span scheme, struct span authority) {
  (void)h2;
  return ctx == &script && span_is(scheme, "https") && span_is(authority, "b");
}

static void test_certificate(void **state) {
  (void)state;
  static const struct h2_client_events ears = {.authoritative = certificate_names};
  script_begin(&script, H2_CLIENT, NULL, false);
  h2_client_listen(h2_of(&script.machine), &ears, &script);
  script_run(&script, "!request /a; "
                      "PUSH/H 1 =2 [:method=GET :scheme=https :authority=b :path=/]; "
                      "PUSH/H 1 =4 [:method=GET :scheme=https :authority=c :path=/]; "
                      "PUSH/H 1 =6 [@get]");
  assert_string_equal(script.log, "HEADERS 1 /a end, promise 1 2 /, RST_STREAM 4 PROTOCOL_ERROR, "
                                  "promise 1 6 /");
  script_close(&script);
}

/* The origin of a request is its :authority, or its Host where there is none. */
static void test_host(void **state) {
  static const struct stream_events none;
  struct engine_config config = script_config();
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_PATH, span_text("/")), header_of(TOKEN_HOST, span_text("b"))};
  (void)state;
  config.h2.push = true;
  for (int as_set = 0; as_set < 2; as_set++)
    for (int other = 0; other < 2; other++) {
      struct header_set set = {.at = fields, .count = 4};
      script_begin(&script, H2_CLIENT, &config, false);
      struct h2 *h2 = h2_of(&script.machine);
      assert_non_null(as_set ? h2_request_set(h2, &set, BODY_NONE, &none, NULL)
                             : h2_request(h2, fields, 4, BODY_NONE, &none, NULL));
      script_pump(&script);
      script_run(&script, other ? "PUSH/H 1 =2 [:method=GET :scheme=https :authority=c :path=/]"
                                : "PUSH/H 1 =2 [:method=GET :scheme=https :authority=b :path=/]");
      if ((strstr(script.log, "RST_STREAM 2 PROTOCOL_ERROR") != NULL) != other)
        fail_msg("%s", script.log);
      script_close(&script);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shared),
      cmocka_unit_test(test_bound),
      cmocka_unit_test(test_not_kept),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_too_many_served),
      cmocka_unit_test(test_too_many_asked),
      cmocka_unit_test(test_promises_at_once),
      cmocka_unit_test(test_off),
      cmocka_unit_test(test_host),
      cmocka_unit_test(test_certificate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
