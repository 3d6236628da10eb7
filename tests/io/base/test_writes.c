/*
 * base/test_writes.c - which files were written to: each kind of change, several watches, many events, refusals.
 */
#include "io/base/writes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/descriptors.h"

enum { FILES = 3 };

static struct writes writes;
static char folder[] = "/tmp/weir_test_writes_XXXXXX";
static char paths[FILES][64];
static int fds[FILES];

static void write_to(unsigned file, const char *text) {
  int fd = open(paths[file], O_WRONLY | O_CLOEXEC);
  assert_int_equal(write(fd, text, 1), 1);
  assert_int_equal(close(fd), 0);
}

static int set_up(void **state) {
  (void)state;
  strcpy(folder, "/tmp/weir_test_writes_XXXXXX");
  assert_non_null(mkdtemp(folder));
  writes = (struct writes){0};
  for (unsigned i = 0; i < FILES; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/%u", folder, i);
    fds[i] = open(paths[i], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fds[i], "old", 3), 3);
  }
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (unsigned i = 0; i < FILES; i++) {
    close(fds[i]);
    unlink(paths[i]);
  }
  writes_close(&writes);
  return rmdir(folder);
}

/* ---- one file -------------------------------------------------------------------------------- */

static void rewritten(void) {
  write_to(0, "x");
}

static void appended(void) {
  int fd = open(paths[0], O_WRONLY | O_APPEND | O_CLOEXEC);
  assert_int_equal(write(fd, "more", 4), 4);
  close(fd);
}

static void truncated(void) {
  assert_int_equal(truncate(paths[0], 1), 0);
}

static void touched(void) {
  assert_int_equal(utimensat(AT_FDCWD, paths[0], NULL, 0), 0);
}

static void touched_mtime(void) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
  assert_int_equal(utimensat(AT_FDCWD, paths[0], times, 0), 0);
}

static void mode_changed(void) {
  assert_int_equal(chmod(paths[0], 0600), 0);
}

static void renamed_over(void) {
  assert_int_equal(rename(paths[1], paths[0]), 0);
}

static void unlinked(void) {
  assert_int_equal(unlink(paths[0]), 0);
}

static void read_only(void) {
  char byte;
  assert_int_equal(pread(fds[0], &byte, 1, 0), 1);
}

static void other_written(void) {
  write_to(1, "x");
}

static void test_changes(void **state) {
  static const struct {
    const char *name;
    void (*change)(void);
    bool seen;
  } rows[] = {
      {"rewritten", rewritten, true},         {"appended", appended, true},
      {"truncated", truncated, true},         {"touched", touched, false},
      {"mtime alone", touched_mtime, true}, /* which inotify cannot tell from a write */
      {"chmod", mode_changed, false},         {"renamed over", renamed_over, false},
      {"unlinked", unlinked, false},          {"read", read_only, false},
      {"another file", other_written, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct write_watch watch = {0};
    if (i > 0) (void)set_up(state);
    writes_watch(&writes, &watch, fds[0]);
    assert_false(writes_seen(&watch));
    rows[i].change();
    if (writes_seen(&watch) != rows[i].seen) fail_msg("%s", rows[i].name);
    assert_int_equal(writes_seen(&watch), rows[i].seen); /* it stays so */
    writes_forget(&watch);
    if (i + 1 < sizeof rows / sizeof *rows) (void)tear_down(state);
  }
}

/* ---- several --------------------------------------------------------------------------------- */

/* Two watches of one file share the kernel's. The second sees nothing of what came before it, and goes on after the end
 * of the first. */
static void test_same_file(void **state) {
  struct write_watch first = {0}, second = {0};
  int again = open(paths[0], O_RDONLY | O_CLOEXEC);
  (void)state;
  writes_watch(&writes, &first, fds[0]);
  write_to(0, "a");
  writes_watch(&writes, &second, again);
  assert_false(writes_seen(&second));
  assert_true(writes_seen(&first));
  writes_forget(&first);
  write_to(0, "b");
  assert_true(writes_seen(&second));
  writes_forget(&second);
  assert_int_equal(close(again), 0);
  write_to(0, "c");
  writes_watch(&writes, &first, fds[0]);
  assert_false(writes_seen(&first));
  writes_forget(&first);
}

/* More events than are read at once, and as many as the kernel keeps: equal ones that follow each other are one. */
static void test_many_events(void **state) {
  struct write_watch watches[FILES] = {0};
  (void)state;
  for (unsigned i = 0; i < FILES; i++)
    writes_watch(&writes, &watches[i], fds[i]);
  for (unsigned i = 0; i < (WRITES_READS_MAX - 1) * WRITES_EVENTS; i++)
    assert_int_equal(pwrite(fds[i % 2], "x", 1, 0), 1);
  write_to(2, "x");
  assert_true(writes_seen(&watches[2]));
  assert_true(watches[0].seen && watches[1].seen);
  for (unsigned i = 0; i < FILES; i++)
    writes_forget(&watches[i]);
}

/* More watches than lists. Each sees its own file alone. */
static void test_many_files(void **state) {
  enum { COUNT = 2 * WRITES_BUCKETS };
  static struct write_watch watches[COUNT];
  static int open_files[COUNT];
  char path[80];
  (void)state;
  for (unsigned i = 0; i < COUNT; i++) {
    snprintf(path, sizeof path, "%s/many%u", folder, i);
    open_files[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_true(open_files[i] >= 0);
    assert_int_equal(unlink(path), 0);
    writes_watch(&writes, &watches[i], open_files[i]);
  }
  for (unsigned i = 0; i < WRITES_BUCKETS; i += 2)
    assert_int_equal(pwrite(open_files[i], "x", 1, 0), 1);
  for (unsigned i = 0; i < COUNT; i++)
    assert_int_equal(writes_seen(&watches[i]), i < WRITES_BUCKETS && i % 2 == 0);
  for (unsigned i = 0; i < COUNT; i++) {
    writes_forget(&watches[i]);
    assert_int_equal(close(open_files[i]), 0);
  }
}

/* Nothing is opened before the first watch, and nothing is left. It can be used again. */
static void test_close(void **state) {
  (void)state;
  const unsigned count = descriptor_count();
  for (unsigned i = 0; i < 2; i++) {
    struct write_watch watch = {0};
    writes_look(&writes);
    writes_watch(&writes, &watch, fds[0]);
    write_to(0, "x");
    assert_true(writes_seen(&watch));
    writes_forget(&watch);
    writes_close(&writes);
    assert_int_equal(descriptor_count(), count);
  }
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* A watch that is refused sees nothing, and can be forgotten. */
static void test_refused(void **state) {
  struct write_watch watch = {0};
  struct rlimit limit, none;
  (void)state;
  writes_watch(&writes, &watch, -1); /* no such file */
  assert_false(writes_seen(&watch));
  writes_forget(&watch);
  writes_close(&writes);

  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  writes_watch(&writes, &watch, fds[0]);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  writes_look(&writes);
  write_to(0, "x");
  assert_false(writes_seen(&watch));
  writes_forget(&watch);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_changes),    TEST(test_same_file), TEST(test_many_events),
      TEST(test_many_files), TEST(test_close),     TEST(test_refused),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
