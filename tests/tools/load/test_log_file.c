/*
 * load/test_log_file.c - --log-file and --csv: their lines, what is lost, and disks that are full.
 */
#include "tests/support/cmocka.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "tests/tools/load/example.h"
#include "tools/load/log_file.h"
#include "tools/load/series_csv.h"

static char path[] = "/tmp/test_log_file.XXXXXX";
static char text[512];
static const struct failure failure = {.text = text, .size = sizeof text};

static int make_path(void **state) {
  int fd = mkstemp(path);
  (void)state;
  return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

static void test_lines(void **state) {
  static struct load_log_file log;
  (void)state;
  assert_true(load_log_file_begin(&log, path, 2, &failure));
  uint64_t due_ns = (uint64_t)(UINT64_C(1700000000123456000) - (uint64_t)log.wall_offset_ns);
  load_log_queue_put(load_log_file_queue(&log, 0), due_ns, due_ns + 412999, 200);
  load_log_queue_put(load_log_file_queue(&log, 0), due_ns + 1000, due_ns + 1000, -1);
  load_log_file_end(&log);
  assert_int_equal(log.error, 0);
  assert_int_equal(log.lost, 0);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = 0;
  assert_string_equal(text, "1700000000123456\t200\t412\n1700000000123457\t-1\t0\n");
  load_log_file_end(&log); /* again does nothing */
}

/* A queue takes LOAD_LOG_ROWS rows. The next one is lost, and counted. */
static void test_full_queue(void **state) {
  (void)state;
  struct load_log_queue *queue = aligned_alloc(_Alignof(struct load_log_queue), sizeof *queue);
  struct load_log_row row;
  assert_non_null(queue);
  memset(queue, 0, sizeof *queue);
  for (unsigned i = 0; i < LOAD_LOG_ROWS + 2; i++)
    load_log_queue_put(queue, i, i + UINT64_C(5000000) * SECOND_NS, 200);
  assert_int_equal(queue->lost, 2);
  for (unsigned i = 0; i < LOAD_LOG_ROWS; i++) {
    assert_true(load_log_queue_take(queue, &row));
    assert_int_equal(row.due_ns, i);
    assert_int_equal(row.age_us, UINT32_MAX);
  }
  assert_false(load_log_queue_take(queue, &row));
  load_log_queue_put(queue, 7, 7, 200);
  assert_true(load_log_queue_take(queue, &row));
  free(queue);
}

static void test_full_disk(void **state) {
  static struct load_log_file log;
  (void)state;
  assert_true(load_log_file_begin(&log, "/dev/full", 1, &failure));
  load_log_queue_put(load_log_file_queue(&log, 0), 1, 2, 200);
  load_log_file_end(&log);
  assert_int_equal(log.error, ENOSPC);
}

static void test_no_file(void **state) {
  static struct load_log_file log;
  (void)state;
  assert_false(load_log_file_begin(&log, "/nowhere/log", 1, &failure));
  assert_string_equal(text, "cannot write /nowhere/log: No such file or directory");
  assert_true(load_log_file_begin(&log, NULL, 1, &failure));
  assert_null(load_log_file_queue(&log, 0));
  load_log_file_end(&log);
}

static void test_csv(void **state) {
  char *csv;
  size_t size;
  (void)state;
  FILE *to = open_memstream(&csv, &size);
  assert_non_null(to);
  assert_true(load_series_csv_write(example_report(), to));
  fclose(to);
  assert_string_equal(csv,
                      "second,seconds,asked,started,done,failed,bytes_in,in_flight,backlog,"
                      "connections,busy,lateness_p99,min,p50,p90,p99,p99.9,max,interrupted\n"
                      "0.000000,1.000000,0.000,50,45,0,0,0,0,0,0.0000,,0.000000100,0.000000100,"
                      "0.000000100,0.000000100,0.000000100,0.000000100,0\n"
                      "1.000000,1.000000,0.000,40,35,10,0,0,0,0,0.0000,,,,,,,,0\n");
  free(csv);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines),     cmocka_unit_test(test_full_queue),
      cmocka_unit_test(test_full_disk), cmocka_unit_test(test_no_file),
      cmocka_unit_test(test_csv),
  };
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
