/*
 * site/test_again.c - a request that came before is answered as it was, without another lookup, for as long as that
 * is what a lookup would lead to.
 */
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/made.h"

#include <string.h>

/* Asks, and returns how many lookups that took. `number` is the request's. */
static unsigned ask(struct fake_stream *fake, const struct made_question *asked, uint64_t number) {
  unsigned before = made.lookups;
  fake->number = number;
  made_ask(fake, asked);
  if (fake->body.ops) fake_pull_all(fake, 5);
  return made.lookups - before;
}

static void assert_same(const char *name, const struct fake_stream *a,
                        const struct fake_stream *b) {
  if (a->status != b->status) fail_msg("%s: %u and %u", name, a->status, b->status);
  if (strcmp(a->fields, b->fields) != 0) fail_msg("%s: %s and %s", name, a->fields, b->fields);
  if (a->len != b->len ||
      memcmp(a->bytes ? a->bytes : (uint8_t *)"", b->bytes ? b->bytes : (uint8_t *)"", a->len) != 0)
    fail_msg("%s: the bodies differ", name);
}

static const struct {
  struct made_question question;
  bool again; /* whether the answer is known the second time */
} rows[] = {
    {{"GET", "/digits.txt", {{0}}}, true},
    {{"GET", "/index.html?a=b", {{0}}}, true},
    {{"GET", "/", {{0}}}, true},
    {{"GET", "/sub/", {{0}}}, true},
    {{"GET", "/empty.txt", {{0}}}, true},
    {{"GET", "/large.bin", {{0}}}, true},
    {{"GET", "/big.jpg", {{0}}}, true},
    {{"GET", "/app.js", {{0}}}, true},
    {{"GET", "/style.css", {{TOKEN_ACCEPT_ENCODING, "br"}}}, true},
    {{"GET", "/drawing.svgz", {{TOKEN_ACCEPT_ENCODING, "br"}}}, true},
    {{"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "br"}}}, false},
    {{"GET", "/packed.js", {{TOKEN_ACCEPT_ENCODING, "br"}}}, false},
    {{"HEAD", "/digits.txt", {{0}}}, false},
    {{"POST", "/digits.txt", {{0}}}, false},
    {{"GET", "/digits.txt", {{TOKEN_RANGE, "bytes=2-3"}}}, false},
    {{"GET", "/digits.txt", {{TOKEN_IF_NONE_MATCH, "*"}}}, false},
    {{"GET", "/digits.txt", {{TOKEN_IF_MATCH, "\"other\""}}}, false},
    {{"GET", "/digits.txt", {{TOKEN_IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT"}}}, false},
    {{"GET", "/missing", {{0}}}, false},
    {{"GET", "/secret", {{0}}}, false},
    {{"GET", "/sub", {{0}}}, false},
    {{"GET", "/bare/", {{0}}}, false},
};

/* The first time nothing is known about siblings. */
static void test_same_answers(void **state) {
  (void)state;
  made.listing = 7;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct fake_stream first = {0}, second = {0}, unnumbered = {0};
    const char *name = rows[i].question.path;
    unsigned agains = made.agains;
    (void)ask(&first, &rows[i].question, i + 1);
    unsigned lookups = ask(&second, &rows[i].question, i + 1);
    if ((made.agains > agains) != rows[i].again) fail_msg("row %zu, %s: known or not", i, name);
    if (rows[i].again) assert_int_equal(lookups, 0);
    (void)ask(&unnumbered, &rows[i].question, 0);
    assert_same(name, &first, &unnumbered);
    assert_same(name, &second, &unnumbered);
    fake_free(&first);
    fake_free(&second);
    fake_free(&unnumbered);
  }
}

static const struct made_question digits = {.method = "GET", .path = "/digits.txt"};

static unsigned lookups_for(const struct made_question *question, uint64_t number) {
  struct fake_stream fake = {0};
  unsigned lookups = ask(&fake, question, number);
  assert_int_equal(fake.status, 200);
  fake_free(&fake);
  return lookups;
}

/* The source's list is another one: the entry may be gone. */
static void test_until_the_list_changes(void **state) {
  (void)state;
  made.listing = 7;
  assert_int_not_equal(lookups_for(&digits, 1), 0);
  assert_int_equal(lookups_for(&digits, 1), 0);
  assert_int_not_equal(lookups_for(&digits, 2), 0);
  made.listing = 8;
  assert_int_not_equal(lookups_for(&digits, 1), 0);
  assert_int_equal(lookups_for(&digits, 1), 0);
  made.listing = 0; /* of entries that may go at any time */
  assert_int_not_equal(lookups_for(&digits, 1), 0);
  assert_int_not_equal(lookups_for(&digits, 1), 0);
}

/* Siblings are looked for once in a while, and what is found then counts at once. */
static void test_until_siblings_are_looked_for(void **state) {
  struct fake_stream fake = {0};
  (void)state;
  made.listing = 7;
  made.files[3].path = "digits.bin"; /* which has no siblings */
  made.files[4].path = "digits.bin.gz";
  made.files[4].instead = SITE_MISSING;
  const struct made_question question = {"GET", "/digits.bin", {{TOKEN_ACCEPT_ENCODING, "gzip"}}};
  const struct made_question other = {"GET", "/digits.bin", {{0}}};
  (void)lookups_for(&question, 1);
  assert_int_equal(lookups_for(&question, 1), 0);
  made.files[4].instead = SITE_FOUND; /* now it has one */
  assert_int_equal(lookups_for(&question, 1), 0);
  made.now_ns += SITE_SIBLINGS_NS;
  (void)lookups_for(&other, 0); /* finds the sibling out */
  assert_int_not_equal(ask(&fake, &question, 1), 0);
  made_assert_field(&fake, "content-encoding", "gzip");
  fake_free(&fake);
}

static void test_after_the_time_of_siblings(void **state) {
  (void)state;
  made.listing = 7;
  (void)lookups_for(&digits, 1);
  made.now_ns += SITE_SIBLINGS_NS - 1;
  assert_int_equal(lookups_for(&digits, 1), 0);
  made.now_ns += 1;
  assert_int_not_equal(lookups_for(&digits, 1), 0);
}

/* As many numbers are known as there are places; a number takes the place of another. */
static void test_bound(void **state) {
  (void)state;
  made.listing = 7;
  for (uint64_t number = 1; number <= SITE_AGAIN_COUNT + 1; number++)
    (void)lookups_for(&digits, number);
  assert_int_not_equal(lookups_for(&digits, 1), 0);
  for (uint64_t number = 2; number <= SITE_AGAIN_COUNT; number++)
    assert_int_equal(lookups_for(&digits, number), 0);
}

/* What a page announces is decided each time. */
static void test_hints(void **state) {
  (void)state;
  made.listing = 7;
  made_reopen((struct site_settings){.hints = &made_hints});
  (void)lookups_for(&digits, 1);
  assert_int_not_equal(lookups_for(&digits, 1), 0);
}

/* What is made of a file is asked for each time. */
static void test_recoded(void **state) {
  const struct made_question plain = {"GET", "/long.css", {{0}}};
  const struct made_question coded = {"GET", "/long.css", {{TOKEN_ACCEPT_ENCODING, "gzip"}}};
  (void)state;
  made.listing = 7;
  made.recodes = true;
  made_reopen((struct site_settings){.encodings = 1u << CODING_GZIP});
  (void)lookups_for(&plain, 1);
  assert_int_equal(lookups_for(&plain, 1), 0);
  (void)lookups_for(&coded, 2);
  assert_int_not_equal(lookups_for(&coded, 2), 0);
  assert_int_equal(made.recode_count, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      MADE_TEST(test_same_answers),
      MADE_TEST(test_until_the_list_changes),
      MADE_TEST(test_until_siblings_are_looked_for),
      MADE_TEST(test_after_the_time_of_siblings),
      MADE_TEST(test_bound),
      MADE_TEST(test_hints),
      MADE_TEST(test_recoded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
