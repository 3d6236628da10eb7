/*
 * files/test_files.c - files below a root: which are found, and which never are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/descriptors.h"
#include "tests/support/stage.h"

STAGE_KERNEL

static struct io_error error;

/* ---- what is found --------------------------------------------------------------------------- */

static void make_zoo(void) {
  mkdir(stage_at("dir"), 0755);
  mkdir(stage_at("dir/deeper"), 0755);
  stage_put(stage_at("dir/deeper/file"), "deep", 4);
  stage_put(stage_at("file"), "content", 7);
  stage_put(stage_at("empty"), "", 0);
  stage_put(stage_at("with space \xff"), "odd", 3);
  assert_int_equal(symlink("file", stage_at("link_in")), 0);
  assert_int_equal(symlink("../file", stage_at("dir/link_up")), 0);
  assert_int_equal(symlink("deeper", stage_at("dir/link_dir")), 0);
  assert_int_equal(symlink("../secret", stage_at("link_out")), 0);
  assert_int_equal(symlink("/etc/passwd", stage_at("link_absolute")), 0);
  assert_int_equal(symlink("..", stage_at("link_parent")), 0);
  assert_int_equal(symlink("loop", stage_at("loop")), 0);
  assert_int_equal(symlink("nothing", stage_at("dangling")), 0);
  assert_int_equal(symlink("/dev/zero", stage_at("link_device")), 0);
  assert_int_equal(symlink("/proc/self/cwd", stage_at("link_magic")), 0);
  assert_int_equal(mkfifo(stage_at("fifo"), 0644), 0);
}

static void test_what_is_found(void **state) {
  enum { YES = FILES_FOUND, NO = FILES_MISSING, NEVER = FILES_FORBIDDEN };
  static const struct {
    const char *path;
    int result, stepwise; /* with openat2, and step by step */
    const char *content;  /* NULL: a directory, where found */
  } rows[] = {
      {"file", YES, YES, "content"},
      {"empty", YES, YES, ""},
      {"dir/deeper/file", YES, YES, "deep"},
      {"with space \xff", YES, YES, "odd"},
      {"", YES, YES, NULL},
      {"dir", YES, YES, NULL},
      {"link_in", YES, NEVER, "content"},
      {"dir/link_up", YES, NEVER, "content"},
      {"dir/link_dir/file", YES, NO, "deep"},
      {"nothing", NO, NO, NULL},
      {"nothing/file", NO, NO, NULL},
      {"file/file", NO, NO, NULL},
      {"file/", NO, NO, NULL},
      {"dangling", NO, NEVER, NULL},
      {"link_out", NEVER, NEVER, NULL},
      {"link_absolute", NEVER, NEVER, NULL},
      {"link_parent", NEVER, NEVER, NULL},
      {"link_parent/secret", NEVER, NO, NULL},
      {"link_device", NEVER, NEVER, NULL},
      {"link_magic", NEVER, NEVER, NULL},
      {"link_magic/etc/passwd", NEVER, NO, NULL},
      {"loop", NEVER, NEVER, NULL},
      {"fifo", NEVER, NEVER, NULL},
      {"..", NEVER, NEVER, NULL},
      {"../secret", NEVER, NEVER, NULL},
      {"dir/../../secret", NEVER, NEVER, NULL},
      {"/etc/passwd", NEVER, NEVER, NULL},
  };
  (void)state;
  make_zoo();
  for (int stepwise = 0; stepwise < 2; stepwise++) {
    struct files *files = stage_open((struct files_settings){0});
    files->beneath.stepwise = stepwise;
    unsigned count = descriptor_count();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
      for (int again = 0; again < 2; again++) { /* the second time, from memory */
        struct file *file;
        int expected = stepwise ? rows[i].stepwise : rows[i].result;
        int result = (int)stage_find(files, rows[i].path, IO_SECOND, &file);
        if (result != expected)
          fail_msg("'%s', stepwise %d: result %d", rows[i].path, stepwise, result);
        if (result != YES) continue;
        assert_int_equal(file->directory, rows[i].content == NULL);
        if (rows[i].content) {
          assert_non_null(file->bytes.base);
          assert_int_equal(file->bytes.len, strlen(rows[i].content));
          assert_memory_equal(file->bytes.base, rows[i].content, file->bytes.len);
        }
        files_release(files, file);
      }
    assert_int_equal(descriptor_count(), count); /* nothing stays open */
    files_destroy(files);
  }
}

/* What the file "page" becomes just before it is opened for reading; in the walk step by step, whose calls
 * a test can play. */
static void (*before_open)(void);
static int opens_that_fail, open_error = EMFILE;

int openat(int directory, const char *path, int flags, ...) {
  if (before_open && !(flags & O_PATH) && strcmp(path, "page") == 0) before_open();
  if (opens_that_fail > 0) {
    opens_that_fail--;
    errno = open_error;
    return -1;
  }
  return (int)syscall(SYS_openat, directory, path, flags, 0);
}

static void page_becomes_fifo(void) {
  assert_int_equal(unlink(stage_at("page")), 0);
  assert_int_equal(mkfifo(stage_at("page"), 0644), 0);
}

static void page_becomes_directory(void) {
  assert_int_equal(unlink(stage_at("page")), 0);
  assert_int_equal(mkdir(stage_at("page"), 0755), 0);
}

static void page_becomes_link(void) {
  assert_int_equal(unlink(stage_at("page")), 0);
  assert_int_equal(symlink("../secret", stage_at("page")), 0);
}

/* A descriptor that the cache gives up may be another thread's at once: it gives up several. */
static void test_attempts_to_open(void **state) {
  (void)state;
  for (int failures = 0; failures <= FILES_ATTEMPTS + 1; failures++) {
    struct files *files = stage_open((struct files_settings){0});
    struct file *file;
    files->beneath.stepwise = true;
    for (int i = 0; i <= FILES_ATTEMPTS; i++) {
      char name[] = {(char)('a' + i), 0};
      stage_put_pattern(stage_at(name), STAGE_LARGE_BYTES);
      assert_int_equal(stage_find(files, name, IO_SECOND, &file), FILES_FOUND);
      files_release(files, file);
    }
    stage_put(stage_at("page"), "content", 7);
    opens_that_fail = failures;
    enum files_result result = stage_find(files, "page", IO_SECOND, &file);
    bool enough = failures <= FILES_ATTEMPTS;
    assert_int_equal(result, enough ? FILES_FOUND : FILES_BUSY);
    assert_int_equal(files_counters(files)->no_descriptor, !enough);
    assert_int_equal(files->cache.descriptors,
                     FILES_ATTEMPTS + 1 - (enough ? failures : FILES_ATTEMPTS));
    if (enough) files_release(files, file);
    files_destroy(files);
  }
  assert_int_equal(opens_that_fail, 0);
  struct files *files = stage_open((struct files_settings){0}); /* has none to give up */
  struct file *file;
  files->beneath.stepwise = true;
  opens_that_fail = 2;
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_BUSY);
  assert_int_equal(opens_that_fail, 1);
  opens_that_fail = 0;
  files_destroy(files);
}

static unsigned found_files;

static void count_found(struct files_lookup *lookup, enum files_result result) {
  (void)lookup;
  found_files += result == FILES_FOUND;
}

/* Without a descriptor, small files wait where large ones do. */
static void test_lookup_waits_for_a_descriptor(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct files_lookup lookup = {.done = count_found};
  files->beneath.stepwise = true;
  stage_put(stage_at("page"), "content", 7);
  for (int full = 0; full < 2; full++) {
    opens_that_fail = 1;
    open_error = full ? ENFILE : EMFILE; /* the system, or the process */
    found_files = 0;
    assert_int_equal(files_find(files, span_of("page", 4), IO_SECOND, &lookup), FILES_PENDING);
    assert_int_equal(files->descriptor_queue.count, 1);
    assert_int_equal(files->queue.count, 0);
    files_trim(files, IO_SECOND);
    assert_int_equal(found_files, 1);
    assert_int_equal(files->descriptor_queue.count, 0);
    files_release(files, lookup.file);
    file_cache_clear(&files->cache);
  }
  open_error = EMFILE;
  files_destroy(files);
}

/* Looked at, a regular file; opened, something else. It is not waited for, and not read. */
static void test_replaced_before_it_is_opened(void **state) {
  static void (*const changes[])(void) = {page_becomes_fifo, page_becomes_directory,
                                          page_becomes_link};
  (void)state;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct files *files = stage_open((struct files_settings){0});
    struct file *file;
    files->beneath.stepwise = true;
    stage_put(stage_at("page"), "content", 7);
    before_open = changes[i];
    unsigned count = descriptor_count();
    assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FORBIDDEN);
    assert_int_equal(descriptor_count(), count);
    before_open = NULL;
    files_destroy(files);
    assert_int_equal(remove(stage_at("page")), 0);
  }
}

static char forbidden_text[200];

static void note_forbidden(void *ctx, struct span path, int error_number) {
  assert_ptr_equal(ctx, forbidden_text);
  size_t len = strlen(forbidden_text);
  snprintf(forbidden_text + len, sizeof forbidden_text - len, "%.*s %d, ", (int)path.len,
           (const char *)path.base, error_number);
}

/* The reason is reported when it is discovered, not when it is remembered. A missing file has none. */
static void test_reasons(void **state) {
  (void)state;
  char expected[100];
  make_zoo();
  struct files *files =
      stage_open((struct files_settings){.forbidden = note_forbidden, .user_ctx = forbidden_text});
  struct file *file;
  forbidden_text[0] = 0;
  assert_int_equal(stage_find(files, "fifo", IO_SECOND, &file), FILES_FORBIDDEN);
  assert_int_equal(stage_find(files, "fifo", IO_SECOND, &file), FILES_FORBIDDEN);
  assert_int_equal(stage_find(files, "link_out", IO_SECOND, &file), FILES_FORBIDDEN);
  assert_int_equal(stage_find(files, "nothing", IO_SECOND, &file), FILES_MISSING);
  snprintf(expected, sizeof expected, "fifo %d, link_out %d, ", EPERM, EXDEV);
  assert_string_equal(forbidden_text, expected);
  files_destroy(files);
}

static void test_odd_paths(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct files_lookup lookup;
  static char path[70000];
  stage_put(stage_at("file"), "content", 7);
  assert_int_equal(files_find(files, span_of("file\0.html", 10), 1, &lookup), FILES_MISSING);
  assert_int_equal(files_find(files, span_of("\0", 1), 1, &lookup), FILES_MISSING);
  memset(path, 'a', sizeof path);
  static const size_t lengths[] = {255, 256, 4094, 4095, 4096, 70000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    assert_int_equal(files_find(files, span_of(path, lengths[i]), 1, &lookup), FILES_MISSING);
  for (size_t i = 1; i < sizeof path; i += 2)
    path[i] = '/';
  assert_int_equal(files_find(files, span_of(path, 4095), 1, &lookup), FILES_MISSING);
  assert_int_equal(files_find(files, span_of(NULL, 0), 1, &lookup), FILES_FOUND);
  files_release(files, lookup.file);
  files_destroy(files);
}

/* Ten thousand requests for files outside, combined from tricks that have worked elsewhere. */
static void test_traversal(void **state) {
  static const char *const parts[] = {
      "..",
      ".",
      "",
      "dir",
      "link_parent",
      "link_out",
      "secret",
      "root",
      "..%2f",
      "%2e%2e",
      "..\\",
      "...",
      "....//",
      "\xc0\xae\xc0\xae",
      "..;",
      "link_dir",
      "link_magic",
      "link_absolute",
      "etc",
      "passwd",
      "file",
  };
  enum { PARTS = sizeof parts / sizeof *parts };
  (void)state;
  make_zoo();
  uint64_t random = 1;
  for (int stepwise = 0; stepwise < 2; stepwise++) {
    struct files *files = stage_open((struct files_settings){0});
    files->beneath.stepwise = stepwise;
    for (int round = 0; round < 10000; round++) {
      char path[300] = "";
      for (unsigned n = 1 + (unsigned)(round % 6); n > 0; n--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        strcat(path, parts[(random >> 33) % PARTS]);
        if (n > 1) strcat(path, "/");
      }
      struct file *file;
      if (stage_find(files, path, IO_SECOND, &file) != FILES_FOUND) continue;
      if (!file->directory && memcmp(file->bytes.base, "content", 7) != 0 &&
          memcmp(file->bytes.base, "deep", 4) != 0)
        fail_msg("'%s' leads outside", path);
      if (file->directory) {
        struct stat status;
        assert_int_equal(stat(stage.base, &status), 0);
        if (file->identity.inode == status.st_ino) fail_msg("'%s' leads outside", path);
      }
      files_release(files, file);
    }
    files_destroy(files);
  }
}

/* ---- the root -------------------------------------------------------------------------------- */

/* A deployment swaps a link, or removes the directory and makes it again. */
static void test_root_is_looked_up_anew(void **state) {
  (void)state;
  char current[PATH_MAX];
  mkdir(stage_at("release1"), 0755);
  mkdir(stage_at("release2"), 0755);
  stage_put(stage_at("release1/page"), "one", 3);
  stage_put(stage_at("release2/page"), "two", 3);
  assert_int_equal(symlink("release1", stage_at("current")), 0);
  snprintf(current, sizeof current, "%s", stage_at("current"));
  struct files *files = files_create(&(struct files_settings){.root = current}, NULL, &error);
  assert_non_null(files);
  stage_expect(files, "page", IO_SECOND, "one");
  assert_int_equal(symlink("release2", stage_at("next")), 0);
  assert_int_equal(rename(stage_at("next"), current), 0);
  files_trim(files, IO_SECOND);
  stage_expect(files, "page", IO_SECOND, "two");
  /* The root is missing for a while: open files stay open, and nothing is found. */
  unlink(stage_at("release2/page"));
  rmdir(stage_at("release2"));
  files_trim(files, IO_SECOND);
  mkdir(stage_at("release2"), 0755);
  stage_put(stage_at("release2/page"), "anew", 4);
  files_trim(files, IO_SECOND);
  stage_expect(files, "page", IO_SECOND, "anew");
  files_destroy(files);
}

/* A link to an absolute path is followed only if it stays inside. */
static void test_absolute_links(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *file;
  mkdir(stage_at("sub"), 0755);
  stage_put(stage_at("sub/page"), "inside", 6);
  char target[PATH_MAX];
  snprintf(target, sizeof target, "%s", stage_at("sub/page"));
  assert_int_equal(symlink(target, stage_at("absolute")), 0);
  snprintf(target, sizeof target, "%s", stage_at("sub"));
  assert_int_equal(symlink(target, stage_at("folder")), 0);
  assert_int_equal(symlink("/etc/hostname", stage_at("outside")), 0);
  stage_expect(files, "absolute", IO_SECOND, "inside");
  stage_expect(files, "folder/page", IO_SECOND, "inside");
  assert_int_equal(stage_find(files, "outside", IO_SECOND, &file), FILES_FORBIDDEN);
  files_destroy(files);
}

/* 64 bits of nanoseconds end in 2262. */
static void test_times_far_away(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *file;
  const struct timespec late[2] = {{.tv_sec = 10413792000}, {.tv_sec = 10413792000}}; /* 2300 */
  stage_put(stage_at("page"), "late", 4);
  assert_int_equal(utimensat(AT_FDCWD, stage_at("page"), late, 0), 0);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(file->identity.mtime_ns, INT64_MAX);
  files_release(files, file);
  files_destroy(files);
}

/* ---- the user's bytes ------------------------------------------------------------------------ */

static int user_frees;

static void user_free(void *ctx, struct file *file) {
  int *value = file_user(file);
  assert_ptr_equal(ctx, &user_frees);
  assert_ptr_equal(file_of_user(value), file);
  user_frees += *value;
}

static void test_user_bytes(void **state) {
  (void)state;
  struct files *files = stage_open(
      (struct files_settings){.user_bytes = 4, .user_free = user_free, .user_ctx = &user_frees});
  struct file *file;
  user_frees = 0;
  stage_put(stage_at("page"), "x", 1);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal((uintptr_t)file_user(file) % 16, 0);
  assert_true(file->path >= (uint8_t *)file_user(file) + 4);
  assert_int_equal(*(int *)file_user(file), 0);
  *(int *)file_user(file) = 1;
  files_release(files, file);
  stage_put(stage_at("page"), "yy", 2);
  stage_expect(files, "missing", IO_SECOND, NULL);
  assert_int_equal(stage_find(files, "page", 3 * IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(user_frees, 1);
  *(int *)file_user(file) = 10;
  files_release(files, file);
  files_destroy(files);
  assert_int_equal(user_frees, 11);
}

/* They are rounded up, so that what follows them is aligned. */
static void test_user_bytes_are_aligned(void **state) {
  static const size_t rows[][2] = {{0, 0}, {1, 16}, {15, 16}, {16, 16}, {17, 32}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct files *files = stage_open((struct files_settings){.user_bytes = rows[i][0]});
    assert_int_equal(files->cache.user_bytes, rows[i][1]);
    files_destroy(files);
  }
}

enum { NOBODY = 65534 };

/* A root that may be passed through but not listed, as mode 711 is to others. Root may list it all the same. */
static void test_root_that_cannot_be_listed(void **state) {
  (void)state;
  bool is_root = geteuid() == 0;
  mkdir(stage_at("shut"), 0755);
  stage_put(stage_at("shut/page"), "shown", 5);
  assert_int_equal(chmod(stage.base, 0711), 0);
  assert_int_equal(chmod(stage_at("shut"), is_root ? 0711 : 0111), 0);
  if (is_root) assert_int_equal(seteuid(NOBODY), 0);
  assert_int_not_equal(eaccess(stage_at("shut"), R_OK), 0);
  struct files *files =
      files_create(&(struct files_settings){.root = stage_at("shut")}, NULL, &error);
  if (files) stage_expect(files, "page", IO_SECOND, "shown");
  if (is_root) assert_int_equal(seteuid(0), 0);
  assert_non_null(files);
  files_destroy(files);
  assert_int_equal(chmod(stage_at("shut"), 0755), 0);
}

static void test_bad_roots(void **state) {
  (void)state;
  struct files_settings settings = {.root = stage_at("nowhere")};
  assert_null(files_create(&settings, NULL, &error));
  assert_non_null(strstr(error.text, "nowhere: No such file or directory"));
  stage_put(stage_at("file"), "x", 1);
  settings.root = stage_at("file");
  assert_null(files_create(&settings, NULL, &error));
  assert_non_null(strstr(error.text, "file: Not a directory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_what_is_found),
      STAGE_TEST(test_replaced_before_it_is_opened),
      STAGE_TEST(test_attempts_to_open),
      STAGE_TEST(test_lookup_waits_for_a_descriptor),
      STAGE_TEST(test_reasons),
      STAGE_TEST(test_odd_paths),
      STAGE_TEST(test_traversal),
      STAGE_TEST(test_root_is_looked_up_anew),
      STAGE_TEST(test_absolute_links),
      STAGE_TEST(test_times_far_away),
      STAGE_TEST(test_user_bytes),
      STAGE_TEST(test_user_bytes_are_aligned),
      STAGE_TEST(test_root_that_cannot_be_listed),
      STAGE_TEST(test_bad_roots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
