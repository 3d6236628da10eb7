/*
 * http/test_headers.c - the list of fields and its bounds. The checks of octets and the search for
 * tokens are tested in tests/engine/hpack/test_hpack.c.
 */
#include "engine/http/headers.h"
#include "tests/support/cmocka.h"

static struct header fields[4];
static uint8_t arena[64];
static struct headers headers;

static struct header field_of(enum header_token token, const char *value) {
  return header_of(token, span_text(value));
}

static void counts_and_keeps(void **state) {
  (void)state;
  headers_init(&headers, fields, 4, arena, sizeof arena, 1000);
  headers_add(&headers, field_of(TOKEN_DATE, "now"));
  headers_add(&headers, field_of(TOKEN_AGE, "1"));
  headers_add(&headers, field_of(TOKEN_AGE, "2"));
  assert_int_equal(headers.count, 3);
  assert_int_equal(headers.list_bytes, 4 + 3 + 3 + 1 + 3 + 1 + 3 * 32);
  assert_false(headers.overflowed);
  assert_true(span_is(headers_find(&headers, TOKEN_AGE)->value, "1")); /* the first */
  assert_null(headers_find(&headers, TOKEN_VIA));
  assert_ptr_equal(headers_find_name(&headers, "age"), headers_find(&headers, TOKEN_AGE));
  assert_null(headers_find_name(&headers, "ag"));
  headers_clear(&headers);
  assert_null(headers_find(&headers, TOKEN_AGE));
  assert_int_equal(headers.list_bytes, 0);
}

/* A list whose tokens were noted is searched only for those. Adding a field makes it forget them. */
static void tokens_are_noted(void **state) {
  (void)state;
  headers_init(&headers, fields, 4, arena, sizeof arena, 1000);
  assert_int_equal(headers_tokens(&headers), 0);
  headers_add(&headers, field_of(TOKEN_DATE, "now"));
  headers_add(&headers,
              field_of(TOKEN_ORIGIN, "null")); /* shares a bit with a pseudo-header field */
  uint64_t tokens = headers_tokens(&headers);
  assert_int_equal(tokens, header_bit(TOKEN_DATE) | header_bit(TOKEN_ORIGIN));
  headers.tokens = tokens;
  assert_non_null(headers_find(&headers, TOKEN_DATE));
  assert_non_null(headers_find(&headers, TOKEN_ORIGIN));
  assert_null(headers_find(&headers, (enum header_token)(TOKEN_ORIGIN % 64)));
  assert_null(headers_find(&headers, TOKEN_AGE));
  headers_add(&headers, field_of(TOKEN_AGE, "1"));
  assert_non_null(headers_find(&headers, TOKEN_AGE));
  headers.tokens = header_bit(TOKEN_DATE); /* and it is believed */
  assert_null(headers_find(&headers, TOKEN_AGE));
  headers_clear(&headers);
  assert_int_equal(headers_tokens(&headers), 0);
}

/* Once overflowed, nothing more is kept, so that no later field is taken for an earlier one. */
static void overflows_by_count(void **state) {
  (void)state;
  headers_init(&headers, fields, 2, arena, sizeof arena, 1000);
  for (int i = 0; i < 5; i++)
    headers_add(&headers, field_of(TOKEN_AGE, "1"));
  assert_int_equal(headers.count, 2);
  assert_int_equal(headers.list_bytes, 5 * 36);
  assert_true(headers.overflowed);
  headers_clear(&headers);
  assert_false(headers.overflowed);
}

static void overflows_by_bytes(void **state) {
  (void)state;
  headers_init(&headers, fields, 4, arena, sizeof arena, 100);
  headers_add(&headers, field_of(TOKEN_AGE, "1"));
  headers_add(&headers,
              field_of(TOKEN_USER_AGENT, "sixty octets, which is more than there is left"));
  headers_add(&headers, field_of(TOKEN_AGE, "2"));
  assert_int_equal(headers.count, 1);
  assert_true(headers.overflowed);
  /* Exactly the limit is allowed. */
  headers_init(&headers, fields, 4, arena, sizeof arena, 72);
  headers_add(&headers, field_of(TOKEN_AGE, "1"));
  headers_add(&headers, field_of(TOKEN_AGE, "2"));
  assert_false(headers.overflowed);
}

static void sum_saturates(void **state) {
  (void)state;
  headers_init(&headers, fields, 4, arena, sizeof arena, SIZE_MAX);
  headers.list_bytes = SIZE_MAX - 10;
  headers_add(&headers, field_of(TOKEN_AGE, "1"));
  assert_true(headers.list_bytes == SIZE_MAX);
}

static void arena_is_bounded(void **state) {
  (void)state;
  headers_init(&headers, fields, 4, arena, sizeof arena, 1000);
  assert_ptr_equal(headers_room(&headers, 60), arena);
  assert_ptr_equal(headers_room(&headers, 4), arena + 60);
  assert_false(headers.overflowed);
  assert_non_null(headers_room(&headers, 0));
  assert_null(headers_room(&headers, 1));
  assert_true(headers.overflowed);
  headers_clear(&headers);
  assert_null(headers_room(&headers, SIZE_MAX));
  headers_clear(&headers);
  assert_ptr_equal(headers_room(&headers, 64), arena);
}

static void cookies_are_joined(void **state) {
  (void)state;
  headers_init(&headers, fields, 4, arena, sizeof arena, 1000);
  headers_add(&headers, field_of(TOKEN_AGE, "1"));
  assert_true(headers_join_cookies(&headers)); /* there are none */
  assert_int_equal(headers.count, 1);
  headers_add(&headers, field_of(TOKEN_COOKIE, "a=1"));
  headers_add(&headers, field_of(TOKEN_HOST, "b"));
  headers_add(&headers, field_of(TOKEN_COOKIE, ""));
  headers.at[3].flags = HEADER_NEVER_INDEX;
  assert_true(headers_join_cookies(&headers));
  assert_int_equal(headers.count, 3);
  assert_true(span_is(headers.at[1].value, "a=1; "));
  assert_int_equal(headers.at[1].token, TOKEN_COOKIE);
  assert_int_equal(headers.at[1].flags,
                   HEADER_NEVER_INDEX); /* what is true of one is true of all */
  assert_int_equal(headers.at[2].token, TOKEN_HOST);
}

static void cookies_need_room(void **state) {
  (void)state;
  for (size_t room = 9; room <= 10; room++) {
    headers_init(&headers, fields, 4, arena, room, 1000);
    headers_add(&headers, field_of(TOKEN_COOKIE, "a=1"));
    headers_add(&headers, field_of(TOKEN_COOKIE, "b=2"));
    assert_int_equal(headers_join_cookies(&headers), room == 10);
    assert_int_equal(headers.overflowed, room < 10);
  }
  assert_true(span_is(headers.at[0].value, "a=1; b=2"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_and_keeps),   cmocka_unit_test(tokens_are_noted),
      cmocka_unit_test(overflows_by_count), cmocka_unit_test(overflows_by_bytes),
      cmocka_unit_test(sum_saturates),      cmocka_unit_test(arena_is_bounded),
      cmocka_unit_test(cookies_are_joined), cmocka_unit_test(cookies_need_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
