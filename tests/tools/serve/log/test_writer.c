/*
 * serve/log/test_writer.c - the thread that writes the log: rotation, disks that are full, FIFOs that
 * nothing reads, and the end. What it writes is whole lines, in order for each queue, and every line
 * is either there or counted as dropped.
 */
#include "tools/serve/log/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/clock.h"
#include "tests/support/cmocka.h"
#include "tools/serve/limits.h"

enum { QUEUES = 2, LINE_BYTES = 100 };

static char directory[64], path[80], moved[80];
static struct log_writer *writer;
static unsigned numbers[QUEUES]; /* of the next line */

static int setup(void **state) {
  (void)state;
  snprintf(directory, sizeof directory, "/tmp/log-writer-XXXXXX");
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/log", directory);
  snprintf(moved, sizeof moved, "%s/log.1", directory);
  memset(numbers, 0, sizeof numbers);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  unlink(moved);
  assert_int_equal(rmdir(directory), 0);
  return 0;
}

static void open_writer(const char *file) {
  struct io_error error = {0};
  writer = log_writer_open(file, QUEUES, ACCESS_LOG_QUEUE_BYTES, &error);
  if (!writer) fail_msg("%s", error.text);
}

static void start_writer(void) {
  struct io_error error = {0};
  if (!log_writer_start(writer, &error)) fail_msg("%s", error.text);
}

static void begin(const char *file) {
  open_writer(file);
  start_writer();
}

/* Queues a line "QUEUE NUMBER xxx...". */
static void put(unsigned queue) {
  char line[LINE_BYTES + 1];
  int len = snprintf(line, sizeof line, "%u %u ", queue, numbers[queue]++);
  memset(line + len, 'x', sizeof line - (size_t)len);
  line[LINE_BYTES - 1] = '\n';
  if (log_queue_put(log_writer_queue(writer, queue), line, LINE_BYTES)) log_writer_wake(writer);
}

static off_t size_of(const char *file) {
  struct stat status;
  return stat(file, &status) == 0 ? status.st_size : -1;
}

static void wait_for_size(const char *file, off_t bytes) {
  for (unsigned i = 0; i < 30000 && size_of(file) < bytes; i++)
    usleep(1000);
  assert_int_equal(size_of(file), bytes);
}

/* Checks that each line in `text` is whole, and follows the last one of its queue; 0 .. `next` - 1
 * were seen before. */
static void check_lines(char *text, unsigned next[QUEUES]) {
  for (char *end; (end = strchr(text, '\n')); text = end + 1) {
    char *rest;
    unsigned long queue = strtoul(text, &rest, 10), number = strtoul(rest, &rest, 10);
    assert_int_equal(end + 1 - text, LINE_BYTES);
    assert_true(queue < QUEUES);
    assert_int_equal(number, next[queue]);
    assert_int_equal(strspn(rest + 1, "x"), end - rest - 1);
    next[queue]++;
  }
  assert_string_equal(text, "");
}

static void check_file(const char *file, unsigned next[QUEUES]) {
  size_t len = (size_t)size_of(file);
  char *text = calloc(1, len + 1);
  int fd = open(file, O_RDONLY);
  assert_int_equal(read(fd, text, len), len);
  close(fd);
  check_lines(text, next);
  free(text);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void test_writes(void **state) {
  (void)state;
  unsigned next[QUEUES] = {0};
  begin(path);
  for (unsigned i = 0; i < 1000; i++)
    put(i % QUEUES);
  wait_for_size(path, 1000 * LINE_BYTES);
  put(0); /* after it has slept */
  wait_for_size(path, 1001 * LINE_BYTES);
  struct log_counts counts = log_writer_counts(writer);
  assert_int_equal(counts.lines, 1001);
  assert_int_equal(counts.dropped, 0);
  log_writer_close(writer);
  begin(path); /* appends */
  put(1);
  log_writer_close(writer);
  check_file(path, next);
  assert_int_equal(next[0], 501);
  assert_int_equal(next[1], 501);
}

/* The file is renamed while lines come. The writer is not told. */
static void test_renamed(void **state) {
  (void)state;
  unsigned next[QUEUES] = {0};
  begin(path);
  for (unsigned i = 0; i < 20000; i++) {
    put(i % QUEUES);
    if (i == 10000) {
      wait_for_size(path, 10001 * LINE_BYTES);
      assert_int_equal(rename(path, moved), 0);
    }
  }
  log_writer_close(writer);
  check_file(moved, next);
  assert_int_equal(next[0] + next[1], 10001);
  check_file(path, next);
  assert_int_equal(next[0] + next[1], 20000);
}

/* Told so, it makes the new file at once, not with the next line. */
static void test_reopened(void **state) {
  (void)state;
  begin(path);
  put(0);
  wait_for_size(path, LINE_BYTES);
  assert_int_equal(rename(path, moved), 0);
  log_writer_reopen(writer);
  wait_for_size(path, 0);
  log_writer_close(writer);
}

/* The file has moved and there cannot be another one: lines go where they went. */
static void test_cannot_reopen(void **state) {
  (void)state;
  unsigned next[QUEUES] = {0};
  begin(path);
  assert_int_equal(rename(path, moved), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  put(0);
  wait_for_size(moved, LINE_BYTES);
  assert_int_equal(rmdir(path), 0);
  put(0);
  wait_for_size(path, LINE_BYTES);
  log_writer_close(writer);
  check_file(moved, next);
  check_file(path, next);
}

static void test_cannot_open(void **state) {
  (void)state;
  struct io_error error = {0};
  assert_null(log_writer_open(directory, QUEUES, ACCESS_LOG_QUEUE_BYTES, &error));
  assert_non_null(strstr(error.text, directory));
  assert_non_null(strstr(error.text, strerror(EISDIR)));
}

/* A disk that is full: nothing is written, lines wait and then are dropped, and the end does not. */
static void test_full_disk(void **state) {
  (void)state;
  const unsigned room = ACCESS_LOG_QUEUE_BYTES / LINE_BYTES;
  begin("/dev/full");
  for (unsigned i = 0; i < room + 7; i++)
    put(0);
  struct log_counts counts = log_writer_counts(writer);
  assert_int_equal(counts.lines, room);
  assert_int_equal(counts.dropped, 7);
  log_writer_close(writer);
}

/* The disk is full in the middle of a line, and its file is renamed. The other one begins with a whole
 * line; it gets the rest of its last line once there is room. */
static void test_full_disk_renamed(void **state) {
  (void)state;
  enum { WHOLE = 10 };
  unsigned next[QUEUES] = {WHOLE + 1};
  const struct rlimit little = {WHOLE * LINE_BYTES + LINE_BYTES / 2, RLIM_INFINITY};
  const struct rlimit enough = {RLIM_INFINITY, RLIM_INFINITY};
  begin(path);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
  for (unsigned i = 0; i < 100; i++)
    put(0);
  wait_for_size(path, (off_t)little.rlim_cur);
  assert_int_equal(rename(path, moved), 0);
  wait_for_size(path, (off_t)little.rlim_cur);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &enough), 0);
  wait_for_size(path, (100 - WHOLE - 1) * LINE_BYTES);
  check_file(path, next);
  assert_int_equal(log_writer_counts(writer).dropped, 1);
  log_writer_close(writer);
}

/* ---- FIFOs ----------------------------------------------------------------------------------- */

/* Reads `count` whole lines, and checks them. */
static void read_lines(int fd, unsigned count, unsigned next[QUEUES]) {
  char *text = calloc(1, (size_t)count * LINE_BYTES + 1);
  size_t have = 0;
  while (have < (size_t)count * LINE_BYTES) {
    ssize_t got = read(fd, text + have, (size_t)count * LINE_BYTES - have);
    if (got > 0) have += (size_t)got;
    if (got < 0) assert_int_equal(errno, EAGAIN);
    if (got <= 0) usleep(1000);
  }
  check_lines(text, next);
  free(text);
}

/* Nothing reads it; then something does, which is slow: more lines than a pipe holds wait for it. */
static void test_fifo(void **state) {
  (void)state;
  unsigned next[QUEUES] = {0};
  assert_int_equal(mkfifo(path, 0600), 0);
  begin(path);
  for (unsigned i = 0; i < 5000; i++)
    put(i % QUEUES);
  assert_int_equal(log_writer_counts(writer).dropped, 0);
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  assert_true(fd >= 0);
  for (unsigned i = 0; i < 50; i++)
    read_lines(fd, 100, next);
  assert_int_equal(next[0] + next[1], 5000);
  log_writer_close(writer);
  close(fd);
}

/* The reader leaves when the pipe holds 40 lines and a part of another. The next one begins with a whole
 * line, and the one that was cut is counted as dropped. */
static void test_reader_leaves(void **state) {
  (void)state;
  enum { PIPE_BYTES = 4096, WHOLE = PIPE_BYTES / LINE_BYTES };
  unsigned next[QUEUES] = {WHOLE + 1};
  int have = 0;
  assert_int_equal(mkfifo(path, 0600), 0);
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  assert_int_equal(fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
  open_writer(path);
  for (unsigned i = 0; i < 1000; i++)
    put(0);
  start_writer(); /* only now: the first write is of all lines, and fills the pipe */
  while (have < PIPE_BYTES)
    assert_int_equal(ioctl(fd, FIONREAD, &have), 0);
  close(fd);
  while (log_writer_counts(writer).dropped == 0)
    usleep(1000);
  fd = open(path, O_RDONLY | O_NONBLOCK);
  read_lines(fd, 1000 - WHOLE - 1, next);
  assert_int_equal(log_writer_counts(writer).dropped, 1);
  log_writer_close(writer);
  close(fd);
}

/* Nothing reads it until the end, which does not wait for ever. */
static void test_ends_without_reader(void **state) {
  (void)state;
  assert_int_equal(mkfifo(path, 0600), 0);
  begin(path);
  put(0);
  uint64_t begun_ns = clock_now_ns();
  log_writer_close(writer);
  assert_true(clock_now_ns() - begun_ns >= ACCESS_LOG_END_MILLISECONDS * UINT64_C(1000000));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_writes),
      TEST(test_renamed),
      TEST(test_reopened),
      TEST(test_cannot_reopen),
      TEST(test_cannot_open),
      TEST(test_full_disk),
      TEST(test_full_disk_renamed),
      TEST(test_fifo),
      TEST(test_reader_leaves),
      TEST(test_ends_without_reader),
  };
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
