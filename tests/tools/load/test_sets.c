/*
 * load/test_sets.c - the copies of prepared targets.
 */
#include "tests/support/cmocka.h"
#include "tools/load/sets.h"

static const struct header fields[] = {{.token = TOKEN_METHOD}, {.token = TOKEN_PATH, .flags = 1}};

static struct load_target target_of(uint32_t index, bool prepared) {
  return (struct load_target){
      .fields = fields, .field_count = 2, .prepared = prepared, .index = index};
}

static void test_copies(void **state) {
  struct load_sets sets = {0};
  struct load_target first = target_of(0, true), second = target_of(1, true);
  (void)state;
  struct header_set *set = load_sets_get(&sets, &first);
  assert_non_null(set);
  assert_int_equal(set->count, 2);
  assert_int_equal(set->at[1].token, TOKEN_PATH);
  assert_int_equal(set->at[1].flags, 1);
  assert_true(set->at != fields);
  assert_int_equal(set->number, 0);
  assert_ptr_equal(load_sets_get(&sets, &first), set);
  assert_ptr_not_equal(load_sets_get(&sets, &second), set);
  load_sets_free(&sets);
  load_sets_free(&sets); /* nothing is left */
}

/* Only what varies is copied again. */
static void test_patched(void **state) {
  struct load_sets sets = {0};
  struct header first[2] = {{.token = TOKEN_METHOD, .value = span_text("GET")},
                            {.value = span_text("1"), .flags = HEADER_VARIES}};
  struct header second[2] = {{.token = TOKEN_METHOD, .value = span_text("no")},
                             {.value = span_text("2"), .flags = HEADER_VARIES}};
  struct load_target target = {.fields = first, .field_count = 2, .varies = true, .index = 5};
  (void)state;
  struct header_set *set = load_sets_get(&sets, &target);
  assert_true(span_is(set->at[1].value, "1"));
  target.fields = second;
  assert_ptr_equal(load_sets_get(&sets, &target), set);
  assert_true(span_is(set->at[0].value, "GET"));
  assert_true(span_is(set->at[1].value, "2"));
  load_sets_free(&sets);
}

static void test_none(void **state) {
  struct load_sets sets = {0};
  struct load_target varies = target_of(0, false), last = target_of(LOAD_SETS_MAX - 1, true),
                     beyond = target_of(LOAD_SETS_MAX, true);
  (void)state;
  assert_null(load_sets_get(&sets, &varies));
  assert_non_null(load_sets_get(&sets, &last));
  assert_null(load_sets_get(&sets, &beyond));
  load_sets_free(&sets);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies), cmocka_unit_test(test_patched),
                                     cmocka_unit_test(test_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
