/*
 * site/test_limits.c - bounds of site/limits.h on what the site reads at once and announces;
 * those on requests are in site/test_site.c.
 */
#include "engine/site/limits.h"
#include "engine/site/site.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"

#include <string.h>

/* ---- one large file -------------------------------------------------------------------------- */

enum { FILE_BYTES = 4 * SITE_AHEAD_BYTES };

static uint8_t content[FILE_BYTES];
static struct site_entry entry;
static size_t read_max;   /* `max` of the last read */
static size_t lent_max;   /* bytes that are lent at once, if reading ahead is worth while */
static uint64_t ahead_at; /* where it was, first */
static uint32_t loans, loans_ended;

static enum site_result lookup(void *self, struct span path, uint64_t now_ns,
                               struct site_lookup *lookup) {
  (void)self, (void)now_ns;
  if (!span_is(path, "index.html")) return SITE_MISSING;
  lookup->entry = &entry;
  return SITE_FOUND;
}

static void release(void *self, struct site_entry *held) {
  (void)self, (void)held;
}

static enum site_result read_file(void *self, struct site_entry *held, struct site_read *read) {
  (void)self, (void)held;
  read_max = read->max;
  read->bytes = span_of(content + read->offset, read->max);
  return SITE_FOUND;
}

static void read_end(void *self, struct site_read *read) {
  (void)self, (void)read;
}

static struct span lend(void *self, struct site_entry *held, struct site_loan *loan) {
  (void)self, (void)held;
  assert_true(loan->offset < FILE_BYTES);
  if (!loan->ahead) return span_of(NULL, 0);
  if (ahead_at == 0) ahead_at = loan->offset;
  size_t left = (size_t)(FILE_BYTES - loan->offset);
  loan->count = &loans;
  return span_of(content + loan->offset, left < lent_max ? left : lent_max);
}

static void lend_end(void *self, struct site_loan *loan) {
  (void)self, (void)loan;
  loans_ended++;
}

static const struct site_source_ops source = {.lookup = lookup,
                                              .release = release,
                                              .read = read_file,
                                              .read_end = read_end,
                                              .lend = lend,
                                              .lend_end = lend_end};

/* ---- a site that serves it ------------------------------------------------------------------- */

static struct counted_memory memory;
static struct site *site;
static struct fake_stream fake;

static void get(const struct site_hints *hints) {
  entry = (struct site_entry){.size_bytes = sizeof content, .mtime_ns = 1};
  struct site_settings settings = {
      .memory = counted_init(&memory), .source = {.ops = &source}, .hints = hints};
  settings.exchanges_max = 1;
  site = site_create(&settings);
  assert_non_null(site);
  fake = (struct fake_stream){0};
  fake_request(&fake, site_handler(site), "GET", "/index.html", NULL, 0, SECOND_NS);
  assert_int_equal(fake.status, 200);
}

static void end(void) {
  fake_free(&fake);
  site_destroy(site);
  assert_int_equal(memory.count, 0);
}

/* However small the client's window is, this much is read for it. */
static void test_least_read(void **state) {
  (void)state;
  get(NULL);
  assert_int_equal(fake_pull(&fake, 1), BODY_MORE);
  assert_int_equal(fake.len, 1);
  assert_int_equal(read_max, SITE_READ_BYTES_MIN);
  assert_int_equal(fake_pull(&fake, SITE_READ_BYTES_MIN), BODY_MORE);
  assert_int_equal(fake.len,
                   SITE_READ_BYTES_MIN); /* no second read for the last byte of the pull */
  assert_int_equal(fake_pull(&fake, SITE_READ_BYTES_MIN + 1), BODY_MORE);
  assert_int_equal(read_max, SITE_READ_BYTES_MIN + 1);
  end();
}

/* Reading ahead is worth while from there on, while as much is left. What is lent goes out as it lies. */
static void test_ahead(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof content; i++)
    content[i] = (uint8_t)(i % 251);
  ahead_at = loans_ended = 0;
  lent_max = 5000;
  get(NULL);
  while (fake_pull(&fake, 3000) == BODY_MORE)
    if (ahead_at) assert_int_equal(ahead_at, SITE_AHEAD_BYTES);
  assert_int_equal(fake.last, BODY_END);
  assert_int_equal(fake.len, FILE_BYTES);
  assert_memory_equal(fake.bytes, content, FILE_BYTES);
  assert_in_range(read_max, 1, SITE_READ_BYTES_MIN); /* of the rest */
  end();
  assert_int_equal(loans_ended, 1);
}

/* A table that a host filled with more than a page may announce. */
static void test_preloads(void **state) {
  (void)state;
  struct site_preload preloads[SITE_PRELOADS_MAX + 1];
  for (unsigned i = 0; i <= SITE_PRELOADS_MAX; i++)
    preloads[i] = (struct site_preload){.path = span_text("/x"), .link = span_text("</x>")};
  struct site_page page = {.path = span_text("index.html"), .preloads = preloads};
  const struct site_hints hints = {.pages = &page, .page_count = 1};
  for (unsigned extra = 0; extra < 2; extra++) {
    page.preload_count = SITE_PRELOADS_MAX + extra;
    get(&hints);
    unsigned links = 0;
    for (const char *at = fake.fields; (at = strstr(at, "link: ")); at++)
      links++;
    assert_int_equal(links, SITE_PRELOADS_MAX);
    end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_least_read),
      cmocka_unit_test(test_ahead),
      cmocka_unit_test(test_preloads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
