/*
 * spdy/test_named.c - x-associated-content and x-subresource, and the copy of fields that trailers are kept in.
 */
#include <string.h>

#include "engine/http/field_copy.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/named.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

static struct counted_memory memory;
static struct http_shared http;
static struct spdy spdy;
static struct spdy_stream page, pushed;
static struct spdy_named_text text;
static struct header made[SPDY_NAMED_FIELDS_MAX];

static int setup(void **state) {
  (void)state;
  http = (struct http_shared){.memory = counted_init(&memory)};
  spdy = (struct spdy){.http = &http};
  page = pushed = (struct spdy_stream){.spdy = &spdy};
  return 0;
}

static void check_field(const struct header *field, const char *name, const char *value) {
  assert_true(span_is(field->name, name));
  assert_int_equal(field->value.len, strlen(value));
  assert_memory_equal(field->value.base, value, strlen(value));
}

static void note(uint8_t urgency, const char *path) {
  const struct request request = {
      .scheme = span_text("https"), .authority = span_text("a"), .path = span_text(path)};
  pushed.node.urgency = urgency;
  spdy_named_note(&page, &pushed, &request);
}

static void test_pushed(void **state) {
  (void)state;
  assert_int_equal(spdy_named_fields(&page, NULL, 0, &text, made), 0);
  note(1, "/x.css");
  note(4, "/y.js");
  assert_int_equal(spdy_named_fields(&page, NULL, 0, &text, made), 1);
  check_field(&made[0], "x-associated-content", "1??https://a/x.css||4??https://a/y.js");
  spdy_named_free(&page);
  assert_int_equal(memory.count, 0);
}

static void test_a_list_is_cut_short(void **state) {
  static char path[SPDY_NAMED_BYTES_MAX];
  (void)state;
  memset(path, 'p', sizeof path - 1);
  note(1, path);
  assert_int_equal(spdy_named_fields(&page, NULL, 0, &text, made), 0);
  note(1, "/x");
  path[sizeof path - 100] = 0;
  note(1, path);
  note(1, "/y");
  assert_int_equal(spdy_named_fields(&page, NULL, 0, &text, made), 1);
  assert_memory_equal(made[0].value.base, "1??https://a/x||1??", 19);
  assert_true(made[0].value.len <= SPDY_NAMED_BYTES_MAX);
  spdy_named_free(&page);
}

static void test_no_memory(void **state) {
  (void)state;
  memory.refuse_at = 1;
  note(1, "/x");
  assert_int_equal(spdy_named_fields(&page, NULL, 0, &text, made), 0);
}

static const struct {
  const char *link, *value; /* NULL: none */
} rows[] = {
    {"</a.css>; rel=preload; as=style", "text/css!!/a.css"},
    {"</a.js>;rel=\"preload\";as=\"script\"", "text/javascript!!/a.js"},
    {"<https://b/a>; as=fetch; rel=preload", "*/*!!https://b/a"},
    {"</a>; rel=preload", "*/*!!/a"},
    {"</a>; rel=next", NULL},
    {"</a>", NULL},
    {"/a; rel=preload", NULL},
    {"</a; rel=preload", NULL},
    {"", NULL},
};

static void test_links(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct header link = header_of(TOKEN_LINK, span_text(rows[i].link));
    size_t count = spdy_named_fields(&page, &link, 1, &text, made);
    assert_int_equal(count, rows[i].value != NULL);
    if (count) check_field(&made[0], "x-subresource", rows[i].value);
  }
  const struct header several[] = {header_of(TOKEN_LINK, span_text(rows[0].link)),
                                   header_of(TOKEN_ETAG, span_text("x")),
                                   header_of(TOKEN_LINK, span_text(rows[1].link))};
  assert_int_equal(spdy_named_fields(&page, several, 3, &text, made), 1);
  check_field(&made[0], "x-subresource", "text/css!!/a.css!!text/javascript!!/a.js");
}

static void test_field_copy(void **state) {
  char value[] = "value";
  const struct header fields[] = {header_of(TOKEN_ETAG, span_text(value)),
                                  {.name = span_text("x"), .value = {0}}};
  (void)state;
  struct field_copy *copy = field_copy_make(http.memory, fields, 2);
  value[0] = 'V';
  check_field(&copy->at[0], "etag", "value");
  check_field(&copy->at[1], "x", "");
  assert_int_equal(copy->at[0].token, TOKEN_ETAG);
  field_copy_free(http.memory, copy);
  assert_int_equal(memory.count, 0);
  memory.refuse_at = memory.calls + 1;
  assert_null(field_copy_make(http.memory, fields, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_pushed, setup),
      cmocka_unit_test_setup(test_a_list_is_cut_short, setup),
      cmocka_unit_test_setup(test_no_memory, setup),
      cmocka_unit_test_setup(test_links, setup),
      cmocka_unit_test_setup(test_field_copy, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
