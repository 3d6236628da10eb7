/*
 * serve/test_site.c - the list of a directory is kept for FILES_FRESH_NS, and no longer.
 */
#include "tools/serve/site.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/base/error.h"
#include "io/files/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake.h"
#include "tests/support/stage.h"
#include "tools/common/process.h"
#include "tools/serve/coding/recode.h"

static struct jobs_desk desk;
static struct recode_counters recoded;
static const struct site_rules rules = {.listing = true};

static struct serve_site *open_site(void) {
  static const char *note;
  struct io_error error;
  struct serve_site *site =
      serve_site_create(&(struct serve_site_settings){.directory = stage.root,
                                                      .memory = &process_memory,
                                                      .rules = &rules,
                                                      .desk = &desk,
                                                      .recoded = &recoded,
                                                      .exchanges_max = 8,
                                                      .workers = 1},
                        &note, &error);
  assert_non_null(site);
  return site;
}

/* The page of a directory. */
static const char *ask(struct serve_site *site, const char *path, uint64_t now_ns) {
  static char page[10000];
  struct fake_stream fake = {0};
  fake_request(&fake, serve_site_handler(site), "GET", path, NULL, 0, now_ns);
  assert_int_equal(fake.status, 200);
  fake_pull_all(&fake, 65536);
  assert_true(fake.len < sizeof page);
  memcpy(page, fake.bytes, fake.len);
  page[fake.len] = 0;
  fake_free(&fake);
  return page;
}

static bool lists(struct serve_site *site, const char *path, const char *name, uint64_t now_ns) {
  return strstr(ask(site, path, now_ns), name) != NULL;
}

static void test_lists(void **state) {
  const uint64_t first_ns = 10 * IO_SECOND, last_ns = first_ns + FILES_FRESH_NS - 1;
  (void)state;
  assert_int_equal(mkdir(stage_at("sub"), 0755), 0);
  stage_put(stage_at("one"), "1", 1);
  stage_put(stage_at("sub/other"), "1", 1);
  struct serve_site *site = open_site();
  assert_true(lists(site, "/", "./one\"", first_ns));
  stage_put(stage_at("two"), "2", 1);
  assert_false(lists(site, "/", "./two\"", last_ns));
  serve_site_trim(site, last_ns);
  assert_false(lists(site, "/", "./two\"", last_ns));
  assert_true(lists(site, "/", "./two\"", last_ns + 1));
  /* Another directory is not the same one, and one is kept. */
  stage_put(stage_at("three"), "3", 1);
  assert_true(lists(site, "/sub/", "./other\"", last_ns + 2));
  assert_false(lists(site, "/sub/", "./three\"", last_ns + 2));
  assert_true(lists(site, "/", "./three\"", last_ns + 2));
  serve_site_trim(site, last_ns + 2 + FILES_FRESH_NS); /* it goes */
  assert_true(lists(site, "/", "./one\"", last_ns + 2 + FILES_FRESH_NS));
  serve_site_destroy(site);
}

int main(void) {
  const struct CMUnitTest tests[] = {STAGE_TEST(test_lists)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
