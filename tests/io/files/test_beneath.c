/*
 * files/test_beneath.c - opening below a root: what the kernel refuses, what is retried, and that no
 * descriptor is lost on the way. What is found is in files/test_files.c.
 */
#include "io/files/beneath.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/files/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/descriptors.h"
#include "tests/support/stage.h"

/* ---- the kernel ------------------------------------------------------------------------------ */

static int openat2_error, openat2_failures; /* this many calls fail, with this errno value */
static int access_error;
static const char *proc_says; /* instead of the path of a descriptor; "": that there is none */

long syscall(long number, ...) {
  typedef long call(long, ...);
  va_list list;
  long argument[6];
  va_start(list, number);
  for (int i = 0; i < 6; i++)
    argument[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_openat2 && openat2_failures > 0) {
    openat2_failures--;
    errno = openat2_error;
    return -1;
  }
  call *real = (call *)dlsym(RTLD_NEXT, "syscall");
  return real(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}

int faccessat(int directory, const char *path, int mode, int flags) {
  assert_true(directory >= 0);
  assert_string_equal(path, ".");
  assert_int_equal(mode, X_OK);
  assert_int_equal(flags, AT_EACCESS);
  errno = access_error;
  return access_error ? -1 : 0;
}

ssize_t readlink(const char *path, char *buffer, size_t len) {
  if (!proc_says) return (ssize_t)syscall(SYS_readlinkat, AT_FDCWD, path, buffer, len);
  strncpy(buffer, proc_says, len);
  errno = ENOENT;
  return proc_says[0] ? (ssize_t)strlen(proc_says) : -1;
}

static struct io_error error;
static unsigned open_at_start;

static int set_up(void **state) {
  openat2_failures = access_error = 0;
  proc_says = NULL;
  open_at_start = descriptor_count();
  return stage_set_up(state);
}

/* No descriptor is left open. */
static int tear_down(void **state) {
  assert_int_equal(descriptor_count(), open_at_start);
  return stage_tear_down(state);
}

static struct beneath beneath;

static void open_root(bool stepwise) {
  assert_true(beneath_init(&beneath, stage.root, &error));
  assert_false(beneath.stepwise);
  beneath.stepwise = stepwise;
}

/* Opens, and closes again: 0 or -errno. */
static int try(const char *path) {
  unsigned count = descriptor_count();
  int fd = beneath_open(&beneath, path, O_RDONLY);
  if (fd >= 0) {
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(close(fd), 0);
  }
  assert_int_equal(descriptor_count(), count);
  return fd < 0 ? fd : 0;
}

/* ---- the root -------------------------------------------------------------------------------- */

static void test_init(void **state) {
  static const struct {
    int error;
    bool stepwise;
  } rows[] = {{0, false}, {ENOSYS, true}, {EPERM, true}, {EAGAIN, false}, {EINTR, false}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    openat2_error = rows[i].error;
    openat2_failures = rows[i].error != 0;
    assert_true(beneath_init(&beneath, stage.root, &error));
    assert_int_equal(beneath.stepwise, rows[i].stepwise);
    assert_int_equal(fcntl(beneath.root, F_GETFD), FD_CLOEXEC);
    assert_int_equal(descriptor_count(), open_at_start + 1);
    beneath_close(&beneath);
    assert_int_equal(descriptor_count(), open_at_start);
  }
}

static void test_bad_roots(void **state) {
  char expected[200];
  (void)state;
  assert_false(beneath_init(&beneath, stage_at("nowhere"), &error));
  snprintf(expected, sizeof expected, "cannot open %s: No such file or directory",
           stage_at("nowhere"));
  assert_string_equal(error.text, expected);
  stage_put(stage_at("file"), "x", 1);
  assert_false(beneath_init(&beneath, stage_at("file"), &error));
  snprintf(expected, sizeof expected, "cannot open %s: Not a directory", stage_at("file"));
  assert_string_equal(error.text, expected);
  access_error = EACCES;
  assert_false(beneath_init(&beneath, stage.root, &error));
  snprintf(expected, sizeof expected, "cannot search %s: Permission denied", stage.root);
  assert_string_equal(error.text, expected);
}

static void test_follow(void **state) {
  (void)state;
  char link[PATH_MAX];
  mkdir(stage_at("one"), 0755);
  mkdir(stage_at("two"), 0755);
  stage_put(stage_at("one/a"), "a", 1);
  stage_put(stage_at("two/b"), "b", 1);
  snprintf(link, sizeof link, "%s", stage_at("current"));
  assert_int_equal(symlink("one", link), 0);
  assert_true(beneath_init(&beneath, link, &error));
  assert_false(beneath_follow(&beneath, link)); /* the same */
  assert_int_equal(unlink(link), 0);
  assert_false(beneath_follow(&beneath, link)); /* gone */
  stage_put(link, "x", 1);
  assert_false(beneath_follow(&beneath, link)); /* no directory */
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink("two", link), 0);
  access_error = EACCES;
  assert_false(beneath_follow(&beneath, link)); /* may not be searched */
  assert_int_equal(try("a"), 0);
  access_error = 0;
  assert_true(beneath_follow(&beneath, link));
  assert_int_equal(fcntl(beneath.root, F_GETFD), FD_CLOEXEC);
  assert_int_equal(try("a"), -ENOENT);
  assert_int_equal(try("b"), 0);
  assert_false(beneath_follow(&beneath, link));
  beneath_close(&beneath);
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* Renames that race with the look-up, and signals. */
static void test_attempts(void **state) {
  static const int errors[] = {EAGAIN, EINTR};
  (void)state;
  stage_put(stage_at("file"), "x", 1);
  open_root(false);
  for (size_t i = 0; i < 2; i++)
    for (int failures = 0; failures <= FILES_ATTEMPTS; failures++) {
      openat2_error = errors[i];
      openat2_failures = failures;
      assert_int_equal(try("file"), failures < FILES_ATTEMPTS ? 0 : -errors[i]);
      assert_int_equal(openat2_failures, 0);
    }
  openat2_error = EACCES; /* another error is not tried again */
  openat2_failures = 2;
  assert_int_equal(try("file"), -EACCES);
  assert_int_equal(openat2_failures, 1);
  openat2_failures = 0;
  beneath_close(&beneath);
}

static void test_steps(void **state) {
  static char longest[256], too_long[257];
  memset(longest, 'n', 255);
  memset(too_long, 'n', 256);
  static const struct {
    const char *path;
    int expected;
  } rows[] = {
      {"a/b/file", 0},     {"a//b/file", 0},
      {"./a/./b/file", 0}, {"a/b/file/", -ENOTDIR},
      {"a/none", -ENOENT}, {"none/file", -ENOENT},
      {"a/../a", -EXDEV},  {"..", -EXDEV},
      {"link", -ELOOP},    {"a/b/up/file", -ENOTDIR},
      {longest, 0},        {too_long, -ENAMETOOLONG},
      {"/a", -EXDEV},
  };
  (void)state;
  mkdir(stage_at("a"), 0755);
  mkdir(stage_at("a/b"), 0755);
  stage_put(stage_at("a/b/file"), "x", 1);
  stage_put(stage_at(longest), "x", 1);
  assert_int_equal(symlink("..", stage_at("a/b/up")), 0);
  assert_int_equal(symlink("a", stage_at("link")), 0);
  open_root(true);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int result = try(rows[i].path);
    if (result != rows[i].expected) fail_msg("%s: %d", rows[i].path, result);
  }
  beneath_close(&beneath);
}

/* A path through an absolute link is opened only if what it leads to is inside. */
static void test_absolute_links(void **state) {
  (void)state;
  char target[PATH_MAX];
  mkdir(stage_at("sub"), 0755);
  stage_put(stage_at("sub/page"), "inside", 6);
  snprintf(target, sizeof target, "%s", stage_at("sub/page"));
  assert_int_equal(symlink(target, stage_at("inside")), 0);
  snprintf(target, sizeof target, "%s-sibling", stage.root);
  mkdir(target, 0755);
  assert_int_equal(symlink(target, stage_at("sibling")), 0);
  assert_int_equal(symlink(stage.base, stage_at("above")), 0);
  assert_int_equal(symlink(stage.root, stage_at("itself")), 0);
  assert_int_equal(symlink("/nothing/there", stage_at("dangling")), 0);
  open_root(false);
  assert_int_equal(try("inside"), 0);
  assert_int_equal(try("sibling"), -EXDEV);
  assert_int_equal(try("above"), -EXDEV);
  assert_int_equal(try("above/secret"), -EXDEV);
  assert_int_equal(try("itself"), 0);
  assert_int_equal(try("itself/sub/page"), 0);
  assert_int_equal(try("dangling"), -EXDEV);
  static const char *const lies[] = {"", "(unreachable)/sub/page", "sub/page"};
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    proc_says = lies[i];
    assert_int_equal(try("inside"), -EXDEV);
  }
  proc_says = NULL;
  beneath_close(&beneath);
}

/* The file system's root may be served, too. */
static void test_slash(void **state) {
  (void)state;
  char target[PATH_MAX];
  stage_put(stage_at("page"), "inside", 6);
  snprintf(target, sizeof target, "%s", stage_at("page"));
  assert_int_equal(symlink(target, stage_at("absolute")), 0);
  assert_true(beneath_init(&beneath, "/", &error));
  assert_int_equal(try(stage_at("absolute") + 1), 0);
  assert_int_equal(symlink("/", stage_at("root")), 0);
  assert_int_equal(try(stage_at("root") + 1), 0);
  beneath_close(&beneath);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_init),  TEST(test_bad_roots),      TEST(test_follow), TEST(test_attempts),
      TEST(test_steps), TEST(test_absolute_links), TEST(test_slash),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
