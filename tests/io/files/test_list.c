/*
 * files/test_list.c - the names in a directory.
 */
#include "io/files/list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/descriptors.h"
#include "tests/support/stage.h"

STAGE_KERNEL

/* "name/" for a directory, "name size" for a file, each followed by a comma. */
static const char *told(const struct files_list *list) {
  static char text[1000];
  size_t len = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < list->count && i < 20; i++) {
    const struct files_name *name = &list->at[i];
    const char *chars = (const char *)name->name.base;
    assert_int_equal(strlen(chars), name->name.len);
    len += (size_t)(name->directory ? snprintf(text + len, sizeof text - len, "%s/,", chars)
                                    : snprintf(text + len, sizeof text - len, "%s %d,", chars,
                                               (int)name->size_bytes));
  }
  return text;
}

static void make_zoo(void) {
  mkdir(stage_at("dir"), 0755);
  mkdir(stage_at("dir/empty"), 0755);
  mkdir(stage_at("dir/b"), 0755);
  stage_put(stage_at("dir/z"), "12345", 5);
  stage_put(stage_at("dir/a"), "", 0);
  stage_put(stage_at("dir/.hidden"), "1", 1);
  stage_put(stage_at("file"), "1234567", 7);
  assert_int_equal(symlink("../file", stage_at("dir/in")), 0);
  assert_int_equal(symlink("../../secret", stage_at("dir/out")), 0);
  assert_int_equal(symlink("/etc/passwd", stage_at("dir/absolute")), 0);
  assert_int_equal(symlink("nothing", stage_at("dir/dangling")), 0);
  assert_int_equal(symlink("b", stage_at("dir/link")), 0);
  assert_int_equal(mkfifo(stage_at("dir/fifo"), 0644), 0);
}

static void test_what_is_told(void **state) {
  static const struct {
    const char *path;
    enum files_result result;
    const char *names, *stepwise;
  } rows[] = {
      {"dir", FILES_FOUND, "b/,empty/,link/,.hidden 1,a 0,in 7,z 5,",
       "b/,empty/,.hidden 1,a 0,z 5,"},
      {"dir/empty", FILES_FOUND, "", ""},
      {"", FILES_FOUND, "dir/,file 7,", "dir/,file 7,"},
      {"file", FILES_MISSING, NULL, NULL},
      {"nothing", FILES_MISSING, NULL, NULL},
      {"dir/fifo", FILES_MISSING, NULL, NULL},
      {"..", FILES_FORBIDDEN, NULL, NULL},
  };
  (void)state;
  make_zoo();
  for (int stepwise = 0; stepwise < 2; stepwise++) {
    struct files *files = stage_open((struct files_settings){0});
    files->beneath.stepwise = stepwise;
    unsigned count = descriptor_count();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      struct files_list list;
      struct span path = span_of(rows[i].path, strlen(rows[i].path));
      assert_int_equal(files_list(files, path, &list), rows[i].result);
      if (rows[i].result != FILES_FOUND) continue;
      assert_string_equal(told(&list), stepwise ? rows[i].stepwise : rows[i].names);
      assert_false(list.more);
      files_list_free(&list);
    }
    assert_int_equal(descriptor_count(), count); /* nothing stays open */
    files_destroy(files);
  }
}

/* A name may have as many bytes as a file system allows, and its time is told to the nanosecond. */
static void test_a_name(void **state) {
  static const struct timespec times[2] = {{.tv_sec = 1},
                                           {.tv_sec = 1234567890, .tv_nsec = 987654321}};
  char name[NAME_MAX + 1];
  struct files_list list;
  (void)state;
  memset(name, 'n', NAME_MAX);
  name[NAME_MAX] = 0;
  stage_put(stage_at(name), "123", 3);
  assert_int_equal(utimensat(AT_FDCWD, stage_at(name), times, 0), 0);
  struct files *files = stage_open((struct files_settings){0});
  assert_int_equal(files_list(files, span_of("", 0), &list), FILES_FOUND);
  assert_int_equal(list.count, 1);
  assert_int_equal(list.at[0].name.len, NAME_MAX);
  assert_memory_equal(list.at[0].name.base, name, NAME_MAX + 1);
  assert_int_equal(list.at[0].mtime_ns, 1234567890987654321);
  files_list_free(&list);
  files_destroy(files);
}

/* Directories first, whatever order the file system has. */
static void test_order(void **state) {
  enum { COUNT = 60 };
  char name[32];
  struct files_list list;
  (void)state;
  for (int i = 0; i < COUNT; i++) {
    snprintf(name, sizeof name, "%02d", i * 7 % COUNT);
    if (i % 2)
      assert_int_equal(mkdir(stage_at(name), 0755), 0);
    else
      stage_put(stage_at(name), "", 0);
  }
  struct files *files = stage_open((struct files_settings){0});
  assert_int_equal(files_list(files, span_of("", 0), &list), FILES_FOUND);
  assert_int_equal(list.count, COUNT);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(list.at[i].directory, i < COUNT / 2);
    assert_true(i % (COUNT / 2) == 0 || strcmp((const char *)list.at[i - 1].name.base,
                                               (const char *)list.at[i].name.base) < 0);
  }
  files_list_free(&list);
  files_destroy(files);
}

static void test_the_most_names(void **state) {
  char name[32];
  struct files_list list;
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  for (int i = 0; i <= FILES_LIST_NAMES_MAX; i++) {
    if (i == FILES_LIST_NAMES_MAX) {
      assert_int_equal(files_list(files, span_of("", 0), &list), FILES_FOUND);
      assert_int_equal(list.count, FILES_LIST_NAMES_MAX);
      files_list_free(&list);
    }
    snprintf(name, sizeof name, "%d", i);
    stage_put(stage_at(name), "", 0);
  }
  assert_int_equal(files_list(files, span_of("", 0), &list), FILES_FOUND);
  assert_int_equal(list.count, FILES_LIST_NAMES_MAX);
  assert_true(list.more);
  for (uint32_t i = 1; i < list.count; i++)
    assert_true(strcmp((const char *)list.at[i - 1].name.base, (const char *)list.at[i].name.base) <
                0);
  files_list_free(&list);
  files_destroy(files);
}

static void test_long_paths(void **state) {
  static char path[FILES_PATH_BYTES + 1];
  struct files_list list;
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  memset(path, 'p', sizeof path);
  for (size_t len = FILES_PATH_BYTES; len <= FILES_PATH_BYTES + 1; len++)
    assert_int_equal(files_list(files, span_of(path, len), &list), FILES_MISSING);
  files_destroy(files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_what_is_told),   STAGE_TEST(test_a_name),     STAGE_TEST(test_order),
      STAGE_TEST(test_the_most_names), STAGE_TEST(test_long_paths),
  };
  return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
