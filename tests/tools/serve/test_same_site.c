/*
 * serve/test_same_site.c - one directory, two sites: one hears the numbers of requests and answers those that it knows
 * without a lookup (site/again.h), the other looks each of them up. Whatever happens to the files meanwhile, and
 * whenever, both answer the same.
 */
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/worker/jobs.h"
#include "tests/support/fake.h"
#include "tests/support/random.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/stage.h"
#include "tools/common/process.h"
#include "tools/serve/coding/recode.h"
#include "tools/serve/site.h"

enum { SEEDS = 12, STEPS = 1200 };

static const char *const targets[] = {"/a.css",    "/a.css?v=1", "/",      "/sub/",
                                      "/sub",      "/b.bin",     "/link",  "/large.bin",
                                      "/sub/c.js", "/none",      "/z.svgz"};
static const char *const codings[] = {NULL, "gzip", "br, gzip", "identity;q=0, br"};
static const char *const methods[] = {"GET", "GET", "GET", "HEAD"};

/* What is on the disk comes and goes under these names. */
static const char *const names[] = {"a.css",          "a.css.br", "a.css.gz", "index.html",
                                    "sub/index.html", "b.bin",    "b.bin.gz", "link",
                                    "sub/c.js",       "none",     "z.svgz",   "index.html.br"};

/* Takes no job: what another thread would have to decode or compress is not. */
static struct jobs_desk desk;
static struct recode_counters recoded;

static struct serve_site *open_one(size_t cache_bytes) {
  static const char *note;
  struct io_error error;
  struct serve_site *site =
      serve_site_create(&(struct serve_site_settings){.directory = stage.root,
                                                      .memory = &process_memory,
                                                      .desk = &desk,
                                                      .recoded = &recoded,
                                                      .exchanges_max = 8,
                                                      .cache_bytes_max = cache_bytes,
                                                      .workers = 1},
                        &note, &error);
  assert_non_null(site);
  return site;
}

/* ---- what happens to the files --------------------------------------------------------------- */

static void remove_any(const char *path) {
  if (unlink(path) != 0) (void)rmdir(path);
}

static void change(struct random *random) {
  static char content[9000];
  const char *name = names[random_below(random, sizeof names / sizeof *names)];
  char path[100];
  snprintf(path, sizeof path, "%s", stage_at(name));
  size_t len = random_size(random, sizeof content);
  memset(content, 'a' + (int)random_below(random, 26), len);
  switch (random_below(random, 7)) {
  case 0: remove_any(path); return;
  case 1: /* written in place */
    remove_any(path);
    stage_put(path, content, len);
    return;
  case 2: /* replaced */
    stage_put(stage_at("new"), content, len);
    if (rename(stage_at("new"), path) != 0) assert_int_equal(unlink(stage_at("new")), 0);
    return;
  case 3: /* a link, within the root or not */
    remove_any(path);
    assert_int_equal(symlink(random_one_in(random, 3) ? "../secret" : "a.css", path), 0);
    return;
  case 4: /* a directory */
    remove_any(path);
    (void)mkdir(path, 0755);
    return;
  case 5: /* a large one */
    stage_put_pattern(stage_at("large.bin"), STAGE_LARGE_BYTES + random_below(random, 3));
    return;
  default:
    if (truncate(path, (off_t)random_below(random, 50)) != 0) remove_any(path);
    return;
  }
}

/* The root's path leads to another directory. */
static void swap_root(void) {
  char aside[100], other[100];
  snprintf(aside, sizeof aside, "%s.aside", stage.root);
  snprintf(other, sizeof other, "%s.other", stage.root);
  (void)mkdir(aside, 0755); /* the first time */
  assert_int_equal(rename(stage.root, other), 0);
  assert_int_equal(rename(aside, stage.root), 0);
  assert_int_equal(rename(other, aside), 0);
  (void)mkdir(stage_at("sub"), 0755);
  stage_put(stage_at("sub/keep"), "x", 1);
}

/* ---- both sites ------------------------------------------------------------------------------ */

static void ask(struct fake_stream *fake, struct serve_site *site, struct random choice,
                bool numbered, uint64_t now_ns) {
  unsigned target = random_below(&choice, sizeof targets / sizeof *targets);
  unsigned coding = random_below(&choice, 4), method = random_below(&choice, 4);
  struct header field = {0};
  if (codings[coding]) field = header_of(TOKEN_ACCEPT_ENCODING, span_text(codings[coding]));
  /* HEAD and GET for the same share a place of site/again.h. */
  if (numbered) fake->number = 1 + target + 16 * coding + (method == 3 ? SITE_AGAIN_COUNT : 0);
  fake_request(fake, serve_site_handler(site), methods[method], targets[target], &field,
               codings[coding] != NULL, now_ns);
  if (fake->body.ops) fake_pull_all(fake, 65536);
}

static void assert_same(const struct fake_stream *a, const struct fake_stream *b, uint64_t seed,
                        unsigned step) {
  if (a->status != b->status || strcmp(a->fields, b->fields) != 0 || a->len != b->len ||
      (a->len > 0 && memcmp(a->bytes, b->bytes, a->len) != 0))
    fail_msg("seed %llu, step %u: %u, %zu bytes\n%s\nand %u, %zu bytes\n%s",
             (unsigned long long)seed, step, a->status, a->len, a->fields, b->status, b->len,
             b->fields);
}

static void run(uint64_t seed, size_t cache_bytes) {
  struct random random = {.state = seed};
  struct serve_site *knows = open_one(cache_bytes), *looks = open_one(cache_bytes);
  uint64_t now_ns = SECOND_NS;
  for (unsigned step = 0; step < STEPS; step++) {
    if (random_one_in(&random, 8)) change(&random);
    if (random_one_in(&random, 100)) swap_root();
    if (random_one_in(&random, 6)) {
      now_ns += SECOND_NS / 4 * random_size(&random, 40);
      serve_site_trim(knows, now_ns);
      serve_site_trim(looks, now_ns);
    }
    struct fake_stream a = {0}, b = {0};
    struct random choice = {.state = random_below(&random, 24)};
    ask(&a, knows, choice, true, now_ns);
    ask(&b, looks, choice, false, now_ns);
    assert_same(&a, &b, seed, step);
    fake_free(&a);
    fake_free(&b);
  }
  assert_true(serve_site_is_idle(knows) && serve_site_is_idle(looks));
  serve_site_destroy(knows);
  serve_site_destroy(looks);
}

static void test_same_answers(void **state) {
  struct io_error error;
  (void)state;
  desk = (struct jobs_desk){
      .jobs = jobs_create(1, 0, &error)}; /* with a descriptor that is never asked for */
  assert_non_null(desk.jobs);
  assert_int_equal(mkdir(stage_at("sub"), 0755), 0);
  stage_put(stage_at("sub/keep"), "x", 1);
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    shifted_clock_set(CLOCK_REALTIME,
                      seed % 4 < 2 ? 10 : 0); /* files are old enough to stay listed, or not */
    run(seed, seed % 2 ? 0 : 40000);          /* entries are evicted, or not */
  }
  shifted_clock_set(CLOCK_REALTIME, 0);
  jobs_free(desk.jobs);
}

int main(void) {
  const struct CMUnitTest tests[] = {STAGE_TEST(test_same_answers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
