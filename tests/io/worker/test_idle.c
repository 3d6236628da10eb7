/*
 * worker/test_idle.c - which cores are idle, from two files like /proc/stat.
 */
#include "io/worker/idle.h"
#include "tests/support/cmocka.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/worker/cpus.h"

static struct idle_reading before, after;

static void read_text(struct idle_reading *reading, const char *text) {
  char path[] = "/tmp/weir-idle-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
  idle_read(reading, path);
  unlink(path);
}

/* The two last cores that this thread may use, or fewer. */
static unsigned last_cores(int cores[2]) {
  cpu_set_t allowed;
  unsigned count = 0;
  assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  for (int core = CPU_SETSIZE - 1; core >= 0 && count < 2; core--)
    if (CPU_ISSET(core, &allowed)) cores[count++] = core;
  return count;
}

/* Lines of two cores: what each has been doing for `ticks`. */
static void read_ticks(struct idle_reading *reading, const int cores[2], const char *last,
                       const char *other) {
  char text[512];
  snprintf(text, sizeof text,
           "cpu  9 9 9 9 9 9 9 9 9 9\ncpu%d %s\ncpu%d %s\nintr 1 2 3\ncpux\ncpu99999 1 1 1\n",
           cores[0], last, cores[1], other);
  read_text(reading, text);
}

static void test_fields(void **state) {
  (void)state;
  read_text(&after, "cpu  1 1 1 1\ncpu0 1 2 4 8 16 32 64 128 256 512\n");
  assert_int_equal(after.all[0], 1 + 2 + 4 + 8 + 16 + 32 + 64 + 128);
  assert_int_equal(after.busy[0], 1 + 2 + 4 + 32 + 64 + 128);
  assert_int_equal(after.all[1], 0);
}

/* In ten ticks: user time, nothing, waiting for a disk, four of softirq, five of steal. */
static void test_busy_cores_are_left_out(void **state) {
  (void)state;
  int cores[2], found[CPU_SETSIZE];
  if (last_cores(cores) < 2) skip();
  static const struct {
    const char *last, *other;
    bool last_idle, other_idle;
  } rows[] = {
      {"110 0 0 50 0 0 0 0 0 0", "100 0 0 60 0 0 0 0 0 0", false, true},
      {"100 0 0 50 10 0 0 0 0 0", "100 0 0 50 0 5 5 0 0 0", true, false},
      {"100 0 0 56 0 0 4 0 0 0", "100 0 0 55 0 0 0 5 0 0", true, false},
      {"104 0 0 56 0 0 0 0 0 0", "100 1 1 56 0 1 1 0 0 0", true, true},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    read_ticks(&before, cores, "100 0 0 50 0 0 0 0 0 0", "100 0 0 50 0 0 0 0 0 0");
    read_ticks(&after, cores, rows[i].last, rows[i].other);
    unsigned count = idle_cores(&before, &after, CPU_SETSIZE, found);
    bool last = false, other = false;
    for (unsigned k = 0; k < count; k++) {
      assert_true(k == 0 || found[k] < found[k - 1]);
      last = last || found[k] == cores[0];
      other = other || found[k] == cores[1];
    }
    if (last != rows[i].last_idle || other != rows[i].other_idle)
      fail_msg("row %u: %d %d", i, last, other);
    if (last) {
      assert_int_equal(idle_cores(&before, &after, 1, found), 1);
      assert_int_equal(found[0], cores[0]);
    }
  }
}

/* Nothing is known of any core: all may be used. */
static void test_no_file(void **state) {
  (void)state;
  cpu_set_t allowed, now;
  static int found[CPU_SETSIZE];
  idle_read(&before, "/nowhere");
  assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  unsigned count = idle_cores(&before, &before, CPU_SETSIZE, found);
  assert_int_equal(count, CPU_COUNT(&allowed));
  cpus_pin_to(found[0]);
  assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
  assert_true(CPU_COUNT(&now) == 1 && CPU_ISSET(found[0], &now));
  assert_int_equal(sched_setaffinity(0, sizeof allowed, &allowed), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_busy_cores_are_left_out),
      cmocka_unit_test(test_no_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
