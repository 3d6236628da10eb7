/*
 * files/test_cache.c - bounds on memory, entries and descriptors, and what is evicted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/descriptors.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/stage.h"

STAGE_KERNEL

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_bytes_are_bounded(void **state) {
  (void)state;
  enum { FILES = 40, EACH = 10000, MAX = 150000 };
  struct files *files = stage_open((struct files_settings){.cache_bytes_max = MAX});
  struct file *held[FILES];
  char name[20];
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "f%d", i);
    stage_put_pattern(stage_at(name), EACH);
  }
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < FILES; i++) {
      snprintf(name, sizeof name, "f%d", i);
      assert_int_equal(stage_find(files, name, IO_SECOND, &held[0]), FILES_FOUND);
      assert_int_equal(held[0]->bytes.len, EACH);
      files_release(files, held[0]);
      assert_true(files->cache.bytes <= MAX);
      stage_expect(files, "missing", IO_SECOND, NULL);
    }
  assert_true(files_counters(files)->evictions > 0);
  /* All entries are in use: further files are served through descriptors, and the bound holds. */
  const int fit = MAX / (EACH + (int)sizeof(struct file) + 3); /* with the names */
  int found = 0;
  for (; found < FILES; found++) {
    snprintf(name, sizeof name, "f%d", found);
    enum files_result result = stage_find(files, name, IO_SECOND, &held[found]);
    if (result == FILES_BUSY) break;
    assert_int_equal(result, FILES_FOUND);
    assert_int_equal(held[found]->bytes.base != NULL, found < fit);
    if (found >= fit) assert_int_equal(stage_read_all(files, held[found], 0, 3000), EACH);
  }
  assert_in_range(found, fit + 1, FILES - 1);
  assert_true(files->cache.bytes <= MAX);
  for (int i = 0; i < found; i++)
    files_release(files, held[i]);
  files_destroy(files);
}

/* What the user keeps for an entry counts, evicts others, and goes with the entry. */
static void test_charges_count(void **state) {
  (void)state;
  enum { EACH = 10000, MAX = 50000 };
  struct files *files = stage_open((struct files_settings){.cache_bytes_max = MAX});
  struct file *held, *other;
  stage_put_pattern(stage_at("held"), EACH);
  stage_put_pattern(stage_at("other"), EACH);
  assert_int_equal(stage_find(files, "other", IO_SECOND, &other), FILES_FOUND);
  files_release(files, other);
  assert_int_equal(stage_find(files, "held", IO_SECOND, &held), FILES_FOUND);
  size_t before = files->cache.bytes;
  assert_false(files_charge(files, held, MAX + 1)); /* more than there ever is */
  assert_int_equal(files->cache.bytes, before);
  assert_false(files_charge(files, held, MAX - EACH)); /* nothing that could go would be enough */
  assert_true(files->cache.bytes <= before);
  assert_true(files_charge(files, held, MAX - 2 * EACH));
  assert_true(files->cache.bytes <= MAX);
  assert_int_equal(files_gauges(files).entries, 1); /* the other one had to go */
  file_cache_unlist(&files->cache, held);
  files_release(files, held);
  assert_int_equal(files->cache.bytes, 0);
  files_destroy(files);
}

/* Files that are requested repeatedly stay, whatever else is requested once. */
static void test_flood_of_missing_paths(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.entries_max = 64});
  char name[40];
  stage_put(stage_at("hot"), "hot", 3);
  for (int i = 0; i < 20000; i++) {
    snprintf(name, sizeof name, "no/such/file/%d", i);
    stage_expect(files, name, IO_SECOND, NULL);
    if (i % 8 == 0) stage_expect(files, "hot", IO_SECOND, "hot");
    assert_true(files->cache.count <= 64);
  }
  assert_int_equal(files_counters(files)->misses, 20001);
  /* When all entries were used recently, one of them is still evicted. */
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 63; i++) {
      snprintf(name, sizeof name, "again/%d", i);
      stage_expect(files, name, IO_SECOND, NULL);
    }
  uint64_t misses = files_counters(files)->misses;
  stage_expect(files, "newcomer", IO_SECOND, NULL);
  stage_expect(files, "newcomer", IO_SECOND, NULL);
  assert_int_equal(files_counters(files)->misses, misses + 1);
  files_destroy(files);
}

/* So does one that is compared with the disk each time, because its second is over. */
static void test_flood_over_time(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.entries_max = 64});
  char name[40];
  stage_put(stage_at("hot"), "hot", 3);
  shifted_clock_set(CLOCK_REALTIME, 10);
  for (int i = 0; i < 2000; i++) {
    uint64_t now_ns = IO_SECOND * (uint64_t)(1 + i / 8);
    snprintf(name, sizeof name, "no/such/file/%d", i);
    stage_expect(files, name, now_ns, NULL);
    if (i % 8 == 0) stage_expect(files, "hot", now_ns, "hot");
  }
  assert_int_equal(files_counters(files)->misses, 2001);
  assert_int_equal(files_counters(files)->revalidations, 2000 / 8 - 1);
  files_destroy(files);
}

/* Returns false if the read failed. */
static bool reads_pattern(struct files *files, struct file *file, uint64_t offset) {
  struct file_piece read = {0};
  enum files_result result = files_read(files, file, offset, 100, &read);
  if (result == FILES_FAILED) return false;
  assert_int_equal(result, FILES_FOUND);
  assert_int_equal(read.bytes.base[99], stage_pattern(offset + 99));
  files_read_end(files, &read);
  return true;
}

/* After this, a file that is held but was not read has to give up its descriptor. */
static void pass_hold_time(struct files *files) {
  for (unsigned i = 0; i <= FILES_HOLD_SECONDS; i++)
    files_trim(files, IO_SECOND);
}

static void test_descriptors_are_bounded(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.descriptors_max = 2});
  struct file *a, *b, *c;
  stage_put_pattern(stage_at("a"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("b"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("c"), STAGE_LARGE_BYTES);
  assert_int_equal(stage_find(files, "a", IO_SECOND, &a), FILES_FOUND);
  assert_int_equal(stage_find(files, "b", IO_SECOND, &b), FILES_FOUND);
  for (unsigned i = 0; i < FILES_HOLD_SECONDS; i++)
    files_trim(files, IO_SECOND);
  assert_int_equal(stage_find(files, "c", IO_SECOND, &c), FILES_BUSY); /* both may yet be read */
  assert_int_equal(files_counters(files)->no_descriptor, 1);
  assert_true(reads_pattern(files, a, 0));
  files_trim(files, IO_SECOND);
  assert_int_equal(stage_find(files, "c", IO_SECOND, &c), FILES_FOUND);
  assert_true(a->fd >= 0 && b->fd < 0 && c->fd >= 0); /* the one that was not read */
  assert_int_equal(files->cache.descriptors, 2);
  assert_false(b->listed); /* the next reader has an entry with a descriptor */
  struct file_piece read = {0};
  assert_int_equal(files_read(files, b, 0, 100, &read), FILES_BUSY);
  files_release(files, c);
  assert_true(reads_pattern(files, b, 70000)); /* opened again: c is not held, and is forgotten */
  assert_true(a->fd >= 0 && b->fd >= 0);
  assert_int_equal(files->cache.count, 1);
  assert_int_equal(files->cache.descriptors, 2);
  files_release(files, a);
  files_release(files, b);
  files_destroy(files);
}

/* Entries without a holder give theirs up first; of these, the one that was released first. */
static void test_descriptors_of_what_is_not_held(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.descriptors_max = 3});
  struct file *a, *b, *c, *d;
  stage_put_pattern(stage_at("a"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("b"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("c"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("d"), STAGE_LARGE_BYTES);
  assert_int_equal(stage_find(files, "a", IO_SECOND, &a), FILES_FOUND);
  assert_int_equal(stage_find(files, "b", IO_SECOND, &b), FILES_FOUND);
  assert_int_equal(stage_find(files, "c", IO_SECOND, &c), FILES_FOUND);
  files_release(files, c);
  files_release(files, b);
  pass_hold_time(files);
  assert_int_equal(stage_find(files, "d", IO_SECOND, &d), FILES_FOUND);
  assert_true(a->fd >= 0 && b->listed && b->fd >= 0); /* a is held, and c was let go before b */
  assert_int_equal(files_counters(files)->evictions, 1);
  struct file *same;
  assert_int_equal(stage_find(files, "b", IO_SECOND, &same), FILES_FOUND);
  assert_ptr_equal(same, b);
  assert_int_equal(stage_find(files, "c", IO_SECOND, &c), FILES_FOUND);
  assert_true(a->fd < 0 && b->fd >= 0); /* b was just found: it is in use */
  files_release(files, c);
  assert_int_equal(stage_find(files, "c", IO_SECOND, &c), FILES_FOUND);
  struct file *e;
  stage_put_pattern(stage_at("e"), STAGE_LARGE_BYTES);
  assert_int_equal(stage_find(files, "e", IO_SECOND, &e), FILES_BUSY);
  assert_true(b->fd >= 0 && c->fd >= 0 && d->fd >= 0);
  files_release(files, c);
  files_release(files, a);
  files_release(files, b);
  files_release(files, d);
  files_destroy(files);
}

static void page_touched(void) {
  assert_int_equal(utimensat(AT_FDCWD, stage_at("page"), NULL, 0), 0);
}

static void page_renamed_over(void) {
  stage_put_pattern(stage_at("new"), STAGE_LARGE_BYTES);
  assert_int_equal(rename(stage_at("new"), stage_at("page")), 0);
}

static void page_unlinked(void) {
  assert_int_equal(unlink(stage_at("page")), 0);
}

/* As it is when an inode's number is used again. */
static void page_rewritten(void) {
  int fd = open(stage_at("page"), O_WRONLY | O_CLOEXEC);
  char zeros[2000] = {0};
  assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
  close(fd);
}

/* Without its descriptor a file can be read on only while its path leads to it. */
static void test_reopened_is_the_same_file(void **state) {
  static const struct {
    const char *name;
    void (*change)(void);
    bool same;
  } rows[] = {
      {"touched", page_touched, true},
      {"appended", stage_append_to_page, true},
      {"truncated", stage_truncate_page, false},
      {"rewritten", page_rewritten, false},
      {"renamed over", page_renamed_over, false},
      {"unlinked", page_unlinked, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct files *files = stage_open((struct files_settings){.descriptors_max = 1});
    struct file *page, *other;
    stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
    stage_put_pattern(stage_at("other"), STAGE_LARGE_BYTES);
    assert_int_equal(stage_find(files, "page", IO_SECOND, &page), FILES_FOUND);
    assert_true(reads_pattern(files, page, 0));
    pass_hold_time(files);
    assert_int_equal(stage_find(files, "other", IO_SECOND, &other), FILES_FOUND);
    files_release(files, other);
    assert_true(page->fd < 0);
    rows[i].change();
    if (reads_pattern(files, page, 100) != rows[i].same) fail_msg("%s", rows[i].name);
    unsigned count = descriptor_count();
    if (!rows[i].same) {
      assert_false(reads_pattern(files, page, 100)); /* it stays so */
      assert_int_equal(descriptor_count(), count);
    }
    files_release(files, page);
    files_destroy(files);
    unlink(stage_at("page"));
  }
}

static void test_no_descriptor_left(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *file;
  struct rlimit before, none;
  stage_put_pattern(stage_at("large"), STAGE_LARGE_BYTES);
  stage_put(stage_at("small"), "small", 5);
  assert_int_equal(stage_find(files, "large", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  close(next);
  none = before;
  none.rlim_cur = (rlim_t)next;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  struct file *other, *third;
  enum files_result kept = stage_find(files, "small", IO_SECOND, &other);
  pass_hold_time(files);
  enum files_result found = stage_find(files, "small", IO_SECOND, &other);
  int taken = dup(0);
  enum files_result busy = stage_find(files, "third", IO_SECOND, &third);
  close(taken);
  setrlimit(RLIMIT_NOFILE, &before);
  assert_int_equal(kept, FILES_BUSY);
  assert_int_equal(found, FILES_FOUND); /* the cache gave up one that was held and not read */
  assert_int_equal(busy, FILES_BUSY);
  assert_int_equal(files_counters(files)->no_descriptor, 2);
  assert_true(reads_pattern(files, file, 0));
  files_release(files, file);
  files_release(files, other);
  files_destroy(files);
}

/* Every byte of a path, and its length, changes the hash; and so does another seed. */
static void test_hash(void **state) {
  enum { LONGEST = 40 };
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct files *other = stage_open((struct files_settings){0});
  uint8_t path[LONGEST + 1];
  memset(path, 'a', sizeof path);
  for (size_t len = 0; len < LONGEST; len++) {
    uint64_t hash = file_cache_hash(&files->cache, span_of(path, len));
    assert_true(hash != file_cache_hash(&files->cache, span_of(path, len + 1)));
    assert_true(hash != file_cache_hash(&other->cache, span_of(path, len)));
    assert_true(hash == file_cache_hash(&files->cache, span_of(path, len)));
    for (size_t at = 0; at < len; at++) {
      path[at] = 'b';
      if (file_cache_hash(&files->cache, span_of(path, len)) == hash)
        fail_msg("byte %zu of %zu does not count", at, len);
      path[at] = 'a';
    }
  }
  files_destroy(files);
  files_destroy(other);
}

/* Missing paths carry no user's bytes. */
static void test_charge(void **state) {
  enum { USER_BYTES = 1024 };
  (void)state;
  struct files *files = stage_open((struct files_settings){.user_bytes = USER_BYTES});
  stage_expect(files, "missing", IO_SECOND, NULL);
  assert_int_equal(files->cache.bytes, sizeof(struct file) + 7);
  stage_put(stage_at("page"), "content", 7);
  stage_expect(files, "page", IO_SECOND, "content");
  assert_int_equal(files->cache.bytes, 2 * sizeof(struct file) + USER_BYTES + 7 + 4 + 7);
  assert_int_equal(mkfifo(stage_at("fifo"), 0644), 0);
  struct file *file;
  assert_int_equal(stage_find(files, "fifo", IO_SECOND, &file), FILES_FORBIDDEN);
  assert_int_equal(files->cache.bytes, 3 * sizeof(struct file) + USER_BYTES + 7 + 4 + 7 + 4);
  files_destroy(files);
}

/* An entry takes the place of the one that has its path. */
static void test_same_path(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file_cache *cache = &files->cache;
  const struct span path = span_of("path", 4);
  const uint64_t hash = file_cache_hash(cache, path);
  struct file *first = file_cache_make(cache, path, hash, FILE_DIRECTORY, 0);
  struct file *second = file_cache_make(cache, path, hash, FILE_DIRECTORY, 0);
  assert_true(first && second);
  file_cache_list(cache, first);
  file_cache_list(cache, second);
  assert_ptr_equal(file_cache_find(cache, path, hash), second);
  assert_int_equal(cache->count, 1);
  assert_false(first->listed);
  file_cache_release(cache, first);
  file_cache_release(cache, second);
  files_destroy(files);
}

/* The hand moves past the entry that replaces an evicted one, so that a new entry is not the
 * next victim. */
static void test_newcomer_stays(void **state) {
  (void)state;
  enum { ENTRIES = 4 };
  struct files *files = stage_open((struct files_settings){.entries_max = ENTRIES});
  static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
  for (int i = 0; i < 7; i++)
    stage_put(stage_at(names[i]), names[i], 1);
  for (int i = 0; i < 7; i++) /* the last three each evict one */
    stage_expect(files, names[i], IO_SECOND, names[i]);
  uint64_t misses = files_counters(files)->misses;
  stage_expect(files, "e", IO_SECOND, "e");
  stage_expect(files, "f", IO_SECOND, "f");
  stage_expect(files, "g", IO_SECOND, "g");
  assert_int_equal(files_counters(files)->misses, misses);
  files_destroy(files);
}

/* Entries that are all asked for again do not keep a new one out. */
static void test_recent_ones_go(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.entries_max = 1});
  stage_put(stage_at("a"), "a", 1);
  stage_put(stage_at("b"), "b", 1);
  for (int i = 0; i < 2; i++)
    stage_expect(files, "a", IO_SECOND, "a");
  for (int i = 0; i < 2; i++)
    stage_expect(files, "b", IO_SECOND, "b");
  assert_int_equal(files_counters(files)->misses, 2);
  files_destroy(files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_bytes_are_bounded),
      STAGE_TEST(test_charges_count),
      STAGE_TEST(test_flood_of_missing_paths),
      STAGE_TEST(test_flood_over_time),
      STAGE_TEST(test_descriptors_are_bounded),
      STAGE_TEST(test_descriptors_of_what_is_not_held),
      STAGE_TEST(test_reopened_is_the_same_file),
      STAGE_TEST(test_no_descriptor_left),
      STAGE_TEST(test_hash),
      STAGE_TEST(test_charge),
      STAGE_TEST(test_same_path),
      STAGE_TEST(test_newcomer_stays),
      STAGE_TEST(test_recent_ones_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
