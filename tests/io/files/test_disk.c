/*
 * files/test_disk.c - times in nanoseconds, what counts as old, and what a read without a wait says.
 */
#include "io/files/disk.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "tests/support/cmocka.h"

/* ---- times ----------------------------------------------------------------------------------- */

static struct timespec present;

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (clock != CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, clock, time);
  *time = present;
  return 0;
}

static void test_nanoseconds(void **state) {
  static const struct {
    time_t seconds;
    long nanoseconds;
    int64_t expected;
  } rows[] = {
      {0, 0, 0},
      {1, 500000000, 1500000000},
      {-1, 500000000, -500000000},
      {INT64_MAX / 1000000000, INT64_MAX % 1000000000, INT64_MAX},
      {INT64_MAX / 1000000000, INT64_MAX % 1000000000 - 1, INT64_MAX - 1},
      {INT64_MAX / 1000000000, INT64_MAX % 1000000000 + 1, INT64_MAX},
      {INT64_MAX / 1000000000 + 1, 0, INT64_MAX},
      {INT64_MAX, 0, INT64_MAX},
      {INT64_MIN / 1000000000, 0, INT64_MIN / 1000000000 * 1000000000},
      {INT64_MIN / 1000000000 - 1, 0, INT64_MIN},
      {INT64_MIN, 0, INT64_MIN},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct timespec time = {.tv_sec = rows[i].seconds, .tv_nsec = rows[i].nanoseconds};
    struct stat status = {.st_mode = S_IFREG, .st_mtim = time};
    assert_int_equal(disk_identity(&status).mtime_ns, rows[i].expected);
    status = (struct stat){.st_mode = S_IFREG, .st_ctim = time};
    assert_int_equal(disk_identity(&status).ctime_ns, rows[i].expected);
  }
}

/* Every member counts, but of a directory only which one it is. */
static void test_identity(void **state) {
  struct stat status = {.st_dev = 1, .st_ino = 2, .st_size = 3, .st_mode = S_IFREG};
  struct file_identity before = disk_identity(&status), after;
  (void)state;
  after = before;
  assert_true(disk_is_same(&before, &after));
  after.device++;
  assert_false(disk_is_same(&before, &after));
  after = before, after.inode++;
  assert_false(disk_is_same(&before, &after));
  after = before, after.size_bytes++;
  assert_false(disk_is_same(&before, &after));
  after = before, after.mtime_ns++;
  assert_false(disk_is_same(&before, &after));
  after = before, after.ctime_ns++;
  assert_false(disk_is_same(&before, &after));
  status.st_mode = S_IFDIR;
  before = disk_identity(&status);
  status.st_size = 4;
  status.st_mtim.tv_sec = status.st_ctim.tv_sec = 5;
  after = disk_identity(&status);
  assert_true(disk_is_same(&before, &after));
  status.st_ino++;
  after = disk_identity(&status);
  assert_false(disk_is_same(&before, &after));
}

static void test_settled(void **state) {
  (void)state;
  present = (struct timespec){.tv_sec = 1000, .tv_nsec = 7};
  const int64_t now_ns = INT64_C(1000000000007);
  struct file_identity identity = {.ctime_ns = now_ns - (int64_t)FILES_SETTLE_NS};
  assert_false(disk_is_settled(&identity));
  identity.ctime_ns--;
  assert_true(disk_is_settled(&identity));
  identity.ctime_ns = INT64_MIN;
  assert_true(disk_is_settled(&identity));
  identity.ctime_ns = now_ns;
  assert_false(disk_is_settled(&identity));
  identity.ctime_ns = now_ns + 1; /* of another machine's clock */
  assert_false(disk_is_settled(&identity));
  identity.ctime_ns = INT64_MAX;
  assert_false(disk_is_settled(&identity));
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct {
  int interruptions, error, flags, calls;
  ssize_t result;
} kernel;

ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {
  assert_int_equal(fd, 3);
  assert_int_equal(count, 1);
  assert_int_equal(vector->iov_len, 10);
  assert_int_equal(offset, 20);
  kernel.flags = flags;
  int error = kernel.calls++ < kernel.interruptions ? EINTR : kernel.error;
  if (error) errno = error; /* which otherwise stays as it was */
  return error ? -1 : kernel.result;
}

static void test_reading(void **state) {
  static const struct {
    bool may_wait;
    int interruptions, error;
    ssize_t result, expected;
  } rows[] = {
      {false, 0, 0, 10, 10},
      {true, 0, 0, 10, 10},
      {false, 0, 0, 0, 0},
      {true, 0, 0, 0, 0},
      {false, 2, 0, 5, 5},
      {true, 2, 0, 5, 5},
      {true, 2, 0, 0, 0},
      {false, 0, EAGAIN, 0, -EAGAIN},
      {false, 0, EOPNOTSUPP, 0, -EAGAIN}, /* the file system cannot tell without waiting */
      {true, 0, EOPNOTSUPP, 0, -EOPNOTSUPP},
      {false, 0, EIO, 0, -EIO},
      {true, 1, EIO, 0, -EIO},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char buffer[10];
    kernel.calls = 0;
    kernel.interruptions = rows[i].interruptions;
    kernel.error = rows[i].error;
    kernel.result = rows[i].result;
    assert_int_equal(disk_read(3, buffer, sizeof buffer, 20, rows[i].may_wait), rows[i].expected);
    assert_int_equal(kernel.calls, rows[i].interruptions + 1);
    assert_int_equal(kernel.flags, rows[i].may_wait ? 0 : RWF_NOWAIT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nanoseconds),
      cmocka_unit_test(test_identity),
      cmocka_unit_test(test_settled),
      cmocka_unit_test(test_reading),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
