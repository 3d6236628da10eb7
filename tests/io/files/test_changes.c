/*
 * files/test_changes.c - files that change: which changes are noticed, and what a reader still
 * gets.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/stage.h"

STAGE_KERNEL

/* ---- what is noticed ------------------------------------------------------------------------- */

static void test_changes_are_noticed(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  uint64_t now_ns = IO_SECOND;
  stage_put(stage_at("page"), "one", 3);
  stage_expect(files, "page", now_ns, "one");

  uint64_t misses = files_counters(files)->misses;
  stage_expect(files, "page", now_ns += IO_SECOND, "one");
  assert_int_equal(files_counters(files)->misses, misses + 1); /* too new to trust time stamps */

  /* In place, same size, perhaps within the same clock tick. */
  stage_put(stage_at("page"), "two", 3);
  stage_expect(files, "page", now_ns + IO_SECOND - 1, "one");
  stage_expect(files, "page", now_ns += IO_SECOND, "two");

  stage_put(stage_at("new"), "three!", 6);
  assert_int_equal(rename(stage_at("new"), stage_at("page")), 0);
  stage_expect(files, "page", now_ns + IO_SECOND - 1, "two");
  stage_expect(files, "page", now_ns += IO_SECOND, "three!");

  shifted_clock_set(CLOCK_REALTIME, 10); /* long ago: now the time stamps vouch for it */
  stage_expect(files, "page", now_ns += IO_SECOND, "three!");
  misses = files_counters(files)->misses;
  uint64_t before = files_counters(files)->revalidations;
  uint64_t hits = files_counters(files)->hits;
  stage_expect(files, "page", now_ns += IO_SECOND, "three!");
  stage_expect(files, "page", now_ns += IO_SECOND, "three!");
  assert_int_equal(files_counters(files)->revalidations, before + 2);
  assert_int_equal(files_counters(files)->hits, hits + 2);
  assert_int_equal(files_counters(files)->misses, misses); /* compared, not loaded */
  hits = files_counters(files)->hits;
  uint64_t compared = files_counters(files)->revalidations;
  stage_expect(files, "page", now_ns + IO_SECOND - 1, "three!");
  assert_int_equal(files_counters(files)->hits, hits + 1);
  assert_int_equal(files_counters(files)->revalidations, compared); /* for a second */
  shifted_clock_set(CLOCK_REALTIME, 0);
  stage_put(stage_at("page"), "four", 4);
  stage_expect(files, "page", now_ns += IO_SECOND, "four");

  assert_int_equal(unlink(stage_at("page")), 0);
  stage_expect(files, "page", now_ns + 1, "four");
  stage_expect(files, "page", now_ns += IO_SECOND, NULL);
  stage_put(stage_at("page"), "five", 4);
  stage_expect(files, "page", now_ns + 1, NULL); /* the absence is remembered as long */
  stage_expect(files, "page", now_ns += IO_SECOND, "five");

  assert_int_equal(unlink(stage_at("page")), 0);
  assert_int_equal(mkdir(stage_at("page"), 0755), 0);
  struct file *file;
  assert_int_equal(stage_find(files, "page", now_ns += IO_SECOND, &file), FILES_FOUND);
  assert_true(file->directory);
  files_release(files, file);
  files_destroy(files);
}

/* The holder of an old entry keeps the old bytes. */
static void test_held_bytes_never_change(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *old;
  stage_put(stage_at("page"), "old bytes", 9);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &old), FILES_FOUND);
  stage_put(stage_at("page"), "new", 3);
  stage_expect(files, "page", 3 * IO_SECOND, "new");
  assert_memory_equal(old->bytes.base, "old bytes", 9);
  assert_false(old->listed);
  size_t bytes = files->cache.bytes;
  files_release(files, old);
  assert_true(files->cache.bytes < bytes);
  files_destroy(files);
}

/* A file that grows with every check is served as its beginning, and checked again. */
static void test_file_that_never_rests(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *file;
  stage_put(stage_at("page"), "more", 4);
  stage.before_read = stage_append_to_page;
  stage.read_bytes_max = 3; /* never more than the size that was promised */
  shifted_clock_set(CLOCK_REALTIME, 10);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  stage.before_read = NULL;
  assert_int_equal(file->bytes.len, file->identity.size_bytes);
  assert_true(file->bytes.len >= 4);
  assert_false(file->settled);
  files_release(files, file);
  files_destroy(files);
}

/* Rewritten between two reads: a reader never gets half of one and half of the other. */
static void rewrite_once(void) {
  static int calls;
  if (++calls == 2) stage_put(stage_at("page"), "ccccdddd", 8);
}

static void test_rewritten_while_loading(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  stage_put(stage_at("page"), "aaaabbbb", 8);
  stage.before_read = rewrite_once;
  stage.read_bytes_max = 4;
  stage_expect(files, "page", IO_SECOND, "ccccdddd");
  stage.before_read = NULL;
  files_destroy(files);
}

static void test_truncated_while_loading(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  stage_put(stage_at("page"), "abcdefgh", 8);
  stage.before_read = stage_truncate_page;
  stage_expect(files, "page", IO_SECOND, "abc");
  stage.before_read = NULL;
  files_destroy(files);
}

/* ---- large files ----------------------------------------------------------------------------- */

static void test_large_file(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct file *file, *same;
  stage_put_pattern(stage_at("large"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("limit"), FILES_SMALL_BYTES);
  assert_int_equal(stage_find(files, "large", IO_SECOND, &file), FILES_FOUND);
  assert_null(file->bytes.base);
  assert_int_equal(file->identity.size_bytes, STAGE_LARGE_BYTES);
  static const size_t sizes[] = {FILES_READ_BYTES, 10000, 1 << 20};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(stage_read_all(files, file, 0, sizes[i]), STAGE_LARGE_BYTES);
  assert_int_equal(stage_find(files, "large", IO_SECOND, &same), FILES_FOUND);
  assert_ptr_equal(file, same); /* one descriptor for all */
  assert_int_equal(files->cache.descriptors, 1);
  files_release(files, same);
  files_release(files, file);
  assert_int_equal(stage_find(files, "limit", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(file->bytes.len, FILES_SMALL_BYTES);
  files_release(files, file);
  files_destroy(files);
}

static void page_truncated(void) {
  assert_int_equal(truncate(stage_at("page"), 500), 0);
}

static void page_rewritten(void) {
  int fd = open(stage_at("page"), O_WRONLY);
  char zeros[2000] = {0};
  assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
  close(fd);
}

/* Far from its beginning and from what was read last. */
static void page_rewritten_in_the_middle(void) {
  int fd = open(stage_at("page"), O_WRONLY);
  assert_int_equal(pwrite(fd, "other", 5, STAGE_LARGE_BYTES / 2), 5);
  close(fd);
}

static void page_truncated_and_written_back(void) {
  stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
}

static void page_renamed_over(void) {
  stage_put(stage_at("new"), "x", 1);
  assert_int_equal(rename(stage_at("new"), stage_at("page")), 0);
}

static void page_unlinked(void) {
  assert_int_equal(unlink(stage_at("page")), 0);
}

static void page_touched(void) {
  assert_int_equal(utimensat(AT_FDCWD, stage_at("page"), NULL, 0), 0);
}

static void page_chmod(void) {
  assert_int_equal(chmod(stage_at("page"), 0640), 0);
}

/* An opened file is read to its end with the length that it had. Only a file that shrank or was
 * rewritten in place is given up. The next lookup sees the new state. */
static void test_large_file_changes(void **state) {
  static const struct {
    const char *name;
    void (*change)(void);
    bool whole;
    enum files_result next;
  } rows[] = {
      {"truncated", page_truncated, false, FILES_FOUND},
      {"rewritten", page_rewritten, false, FILES_FOUND},
      {"rewritten in the middle", page_rewritten_in_the_middle, false, FILES_FOUND},
      {"truncated and written back", page_truncated_and_written_back, false, FILES_FOUND},
      {"appended", stage_append_to_page, true, FILES_FOUND},
      {"renamed over", page_renamed_over, true, FILES_FOUND},
      {"unlinked", page_unlinked, true, FILES_MISSING},
      {"touched", page_touched, true, FILES_FOUND},
      {"chmod", page_chmod, true, FILES_FOUND},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct files *files = stage_open((struct files_settings){.loop = stage_loop});
    struct file *file, *next;
    stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
    assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
    struct file_piece read = {0};
    assert_int_equal(files_read(files, file, 0, 1000, &read), FILES_FOUND);
    files_read_end(files, &read);
    usleep(20000); /* another tick of the kernel's clock */
    rows[i].change();
    uint64_t end = stage_read_all(files, file, 1000, 50000);
    if (end != (rows[i].whole ? STAGE_LARGE_BYTES : 1000))
      fail_msg("%s: read up to %llu", rows[i].name, (unsigned long long)end);
    enum files_result result = stage_find(files, "page", IO_SECOND, &next);
    if (result != rows[i].next || next == file)
      fail_msg("%s: the next lookup gave %d", rows[i].name, result);
    if (result == FILES_FOUND) files_release(files, next);
    files_release(files, file);
    files_destroy(files);
    unlink(stage_at("page"));
  }
}

/* A file that is read again after it did without a descriptor is looked out for again, and one without a loop, or for
 * which the kernel refuses a watch, has its samples. */
static void test_writes_are_looked_out_for(void **state) {
  (void)state;
  stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("other"), STAGE_LARGE_BYTES);
  struct files *files =
      stage_open((struct files_settings){.loop = stage_loop, .descriptors_max = 1});
  struct file *file, *other;
  shifted_clock_set(CLOCK_REALTIME, 10);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  assert_non_null(file->proof.watch.writes);
  for (unsigned i = 0; i <= FILES_HOLD_SECONDS; i++)
    files_trim(files, 2 * IO_SECOND);
  assert_int_equal(stage_find(files, "other", 2 * IO_SECOND, &other), FILES_FOUND);
  assert_int_equal(file->fd, -1);
  assert_null(file->proof.watch.writes);
  files_release(files, other);
  assert_int_equal(stage_read_all(files, file, 0, FILES_READ_BYTES), STAGE_LARGE_BYTES);
  assert_non_null(file->proof.watch.writes);
  page_rewritten_in_the_middle();
  assert_int_equal(stage_read_all(files, file, 0, FILES_READ_BYTES), 0);
  files_release(files, file);
  files_destroy(files);

  files = stage_open((struct files_settings){0});
  assert_int_equal(stage_find(files, "other", IO_SECOND, &other), FILES_FOUND);
  assert_null(other->proof.watch.writes);
  files_release(files, other);
  files_destroy(files);
}

/* Once a second, the kernel's queue of events is emptied: else it would overflow, and lose a later one. */
static void test_events_are_taken(void **state) {
  (void)state;
  stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct file *file;
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  page_rewritten_in_the_middle();
  assert_false(file->proof.watch.seen);
  files_trim(files, 2 * IO_SECOND);
  assert_true(file->proof.watch.seen);
  files_release(files, file);
  files_destroy(files);
}

/* Large files and directories are compared once a second, not opened again. */
static void test_unchanged_stay(void **state) {
  (void)state;
  static const char *const names[] = {"large", "directory"};
  stage_put_pattern(stage_at("large"), STAGE_LARGE_BYTES);
  assert_int_equal(mkdir(stage_at("directory"), 0755), 0);
  for (unsigned i = 0; i < 2; i++) {
    struct files *files = stage_open((struct files_settings){0});
    struct file *first, *second;
    assert_int_equal(stage_find(files, names[i], IO_SECOND, &first), FILES_FOUND);
    assert_int_equal(stage_find(files, names[i], IO_SECOND + FILES_FRESH_NS, &second), FILES_FOUND);
    assert_ptr_equal(second, first);
    assert_int_equal(files_counters(files)->misses, 1);
    assert_int_equal(files_counters(files)->revalidations, 1);
    files_release(files, first);
    files_release(files, second);
    files_destroy(files);
  }
}

/* ---- found again ----------------------------------------------------------------------------- */

static bool found_again(struct files *files, struct file *file, uint64_t listing, uint64_t now_ns) {
  bool found = files_find_again(files, file, listing, now_ns, NULL);
  if (found) files_release(files, file);
  return found;
}

static void test_found_again_while_it_is_listed(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *file;
  uint64_t now_ns = IO_SECOND;
  stage_put(stage_at("page"), "one", 3);
  stage_put(stage_at("other"), "two", 3);
  assert_int_equal(stage_find(files, "page", now_ns, &file), FILES_FOUND);
  uint64_t listing = files_listing(files, file), hits = files_counters(files)->hits;
  assert_int_not_equal(listing, 0);
  files_release(files, file);
  stage_expect(files, "other", now_ns, "two");
  assert_true(found_again(files, file, listing, now_ns + IO_SECOND - 1));
  assert_int_equal(files_counters(files)->hits, hits + 1);
  assert_false(found_again(files, file, listing, now_ns + IO_SECOND)); /* it may have changed */

  stage_put(stage_at("new"), "three", 5);
  assert_int_equal(rename(stage_at("new"), stage_at("other")), 0);
  stage_expect(files, "other", now_ns + IO_SECOND, "three"); /* one has left the list */
  assert_false(found_again(files, file, listing, now_ns));
  files_destroy(files);
}

/* There is room for one entry, and that is held. */
static void test_not_found_again_where_it_is_not_listed(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.entries_max = 1});
  struct file *file, *other;
  stage_put(stage_at("page"), "one", 3);
  stage_put(stage_at("other"), "two", 3);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(stage_find(files, "other", IO_SECOND, &other), FILES_FOUND);
  assert_int_not_equal(files_listing(files, file), 0);
  assert_int_equal(files_listing(files, other), 0);
  files_release(files, other);
  files_release(files, file);
  files_destroy(files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_unchanged_stay),
      STAGE_TEST(test_changes_are_noticed),
      STAGE_TEST(test_held_bytes_never_change),
      STAGE_TEST(test_file_that_never_rests),
      STAGE_TEST(test_rewritten_while_loading),
      STAGE_TEST(test_truncated_while_loading),
      STAGE_TEST(test_large_file),
      STAGE_TEST(test_large_file_changes),
      STAGE_TEST(test_writes_are_looked_out_for),
      STAGE_TEST(test_events_are_taken),
      STAGE_TEST(test_found_again_while_it_is_listed),
      STAGE_TEST(test_not_found_again_where_it_is_not_listed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
