/*
 * serve/tls/test_watch.c - each way in which files are replaced is noticed, by inotify or by the clock.
 */
#include "tools/serve/tls/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/error.h"
#include "tests/support/cmocka.h"
#include "tools/serve/limits.h"

enum { PATIENCE_MILLISECONDS = 30000, NEVER_SECONDS = 3600 };

static struct io_error error;
static char directory[] = "/tmp/weir_test_watch_XXXXXX";

static const char *at(const char *name) {
  static char text[4][512];
  static unsigned turn;
  char *out = text[turn++ % 4];
  snprintf(out, sizeof text[0], "%s/%s", directory, name);
  return out;
}

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

/* ---- a watch that counts --------------------------------------------------------------------- */

struct seen {
  int calls; /* eventfd: adds up */
  struct watch *watch;
  const char *path[1];
};

static void note(void *ctx) {
  struct seen *seen = ctx;
  eventfd_write(seen->calls, 1);
}

/* Waits for a call. */
static void await_call(const struct seen *seen, const char *why) {
  struct pollfd fd = {.fd = seen->calls, .events = POLLIN};
  eventfd_t count;
  if (poll(&fd, 1, PATIENCE_MILLISECONDS) != 1) fail_msg("%s: not noticed", why);
  eventfd_read(seen->calls, &count);
}

static void begin(struct seen *seen, const char *path, unsigned period_seconds) {
  seen->calls = eventfd(0, EFD_NONBLOCK);
  seen->path[0] = path;
  const struct watch_settings settings = {.paths = seen->path,
                                          .count = 1,
                                          .period_seconds = period_seconds,
                                          .changed = note,
                                          .ctx = seen};
  seen->watch = watch_start(&settings, &error);
  assert_non_null(seen->watch);
  await_call(seen, "the start");
}

static void end(struct seen *seen) {
  watch_stop(seen->watch);
  close(seen->calls);
}

/* ---- ways to replace a file ------------------------------------------------------------------ */

static void write_again(void) {
  put(at("cert"), "new");
}

static void rename_over(void) {
  put(at("cert.new"), "renamed");
  assert_int_equal(rename(at("cert.new"), at("cert")), 0);
}

static void delete_it(void) {
  assert_int_equal(unlink(at("cert")), 0);
}

static void create_it(void) {
  put(at("cert"), "back");
}

static void allow(void) {
  assert_int_equal(chmod(at("cert"), 0640), 0);
}

/* As certbot does: live/cert is a link to archive/certN. */
static void turn_link(void) {
  assert_int_equal(unlink(at("live/cert")), 0);
  assert_int_equal(symlink("../archive/cert2", at("live/cert")), 0);
}

static void write_behind_link(void) {
  put(at("archive/cert2"), "written behind the link");
}

/* As Kubernetes does: volume/cert is a link to ..data/cert, and ..data to a directory. */
static void turn_directory(void) {
  assert_int_equal(symlink("..second", at("volume/..data_tmp")), 0);
  assert_int_equal(rename(at("volume/..data_tmp"), at("volume/..data")), 0);
}

static void write_in_new_directory(void) {
  put(at("volume/..second/cert"), "third");
}

static void make_missing_directory(void) {
  assert_int_equal(mkdir(at("later"), 0755), 0);
}

static void make_missing_file(void) {
  put(at("later/cert"), "at last");
}

static const struct {
  const char *name, *path;
  void (*replace)(void);
} rows[] = {
    {"written again", "cert", write_again},
    {"renamed over", "cert", rename_over},
    {"deleted", "cert", delete_it},
    {"created", "cert", create_it},
    {"readable now", "cert", allow},
    {"a link is turned", "live/cert", turn_link},
    {"written behind a link", "live/cert", write_behind_link},
    {"a link to a directory is turned", "volume/cert", turn_directory},
    {"written in the directory that the link leads to now", "volume/cert", write_in_new_directory},
    {"a directory appears", "later/cert", make_missing_directory},
    {"a file appears in it", "later/cert", make_missing_file},
    {"not from the root", "cert", rename_over},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void make_tree(void) {
  static const char *const directories[] = {"live", "archive", "volume", "volume/..first",
                                            "volume/..second"};
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
    assert_int_equal(mkdir(at(directories[i]), 0755), 0);
  put(at("cert"), "first");
  put(at("archive/cert1"), "first");
  put(at("archive/cert2"), "second");
  put(at("volume/..first/cert"), "first");
  put(at("volume/..second/cert"), "second");
  assert_int_equal(symlink("../archive/cert1", at("live/cert")), 0);
  assert_int_equal(symlink("..first", at("volume/..data")), 0);
  assert_int_equal(symlink(at("volume/..data/cert"), at("volume/cert")), 0);
}

/* By inotify alone: the period is an hour. Each row begins where the one before ended. */
static void test_ways(void **state) {
  (void)state;
  make_tree();
  assert_int_equal(chdir(directory), 0);
  for (size_t i = 0; i < ROWS; i++) {
    struct seen seen;
    char path[512];
    snprintf(path, sizeof path, "%s", i + 1 < ROWS ? at(rows[i].path) : rows[i].path);
    struct file_stamp before = file_stamp_of(path);
    begin(&seen, path, NEVER_SECONDS);
    rows[i].replace();
    await_call(&seen, rows[i].name);
    struct file_stamp after = file_stamp_of(path);
    bool same = rows[i].replace == make_missing_directory; /* the file is still missing */
    if (file_stamp_is_equal(&before, &after) != same) fail_msg("%s: stamps", rows[i].name);
    end(&seen);
  }
}

/* One watch notices change after change, also where links lead elsewhere by now. */
static void test_again(void **state) {
  (void)state;
  struct seen seen;
  char path[512];
  snprintf(path, sizeof path, "%s", at("chain"));
  put(path, "");
  begin(&seen, path, NEVER_SECONDS);
  for (int i = 0; i < 3; i++) {
    char target[512];
    snprintf(target, sizeof target, "%s", at(i % 2 ? "live/cert" : "volume/cert"));
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    await_call(&seen, "a link");
    put(target, "again");
    await_call(&seen, "what it leads to");
  }
  end(&seen);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static struct seen busy;
static bool writing;

static void *write_on(void *ctx) {
  (void)ctx;
  while (__atomic_load_n(&writing, __ATOMIC_RELAXED)) {
    put(at("cert"), "again");
    usleep(WATCH_QUIET_MILLISECONDS * 1000 / 20);
  }
  return NULL;
}

/* Events without a pause, for far longer than WATCH_QUIET_TIMES pauses, do not put off the call. */
static void test_without_a_pause(void **state) {
  (void)state;
  pthread_t writer;
  char path[512];
  snprintf(path, sizeof path, "%s", at("cert"));
  begin(&busy, path, NEVER_SECONDS);
  writing = true;
  assert_int_equal(pthread_create(&writer, NULL, write_on, NULL), 0);
  assert_true(WATCH_QUIET_TIMES * WATCH_QUIET_MILLISECONDS < PATIENCE_MILLISECONDS / 2);
  await_call(&busy, "writes without a pause");
  __atomic_store_n(&writing, false, __ATOMIC_RELAXED);
  pthread_join(writer, NULL);
  end(&busy);
}

/* Links in a circle, and paths with too many links, end; the first directory is watched all the same. */
static void test_links_without_end(void **state) {
  (void)state;
  struct seen seen;
  char path[512], name[64], target[64];
  assert_int_equal(symlink("circle", at("circle")), 0);
  for (int i = 0; i < WATCH_STEPS_MAX + 10; i++) {
    snprintf(name, sizeof name, "link%d", i);
    snprintf(target, sizeof target, "link%d", i + 1);
    assert_int_equal(symlink(target, at(name)), 0);
  }
  for (int i = 0; i < 2; i++) {
    const char *link = i ? "circle" : "link0";
    snprintf(path, sizeof path, "%s", at(link));
    assert_int_equal(file_stamp_of(path).code, ELOOP);
    begin(&seen, path, NEVER_SECONDS);
    unlink(path);
    put(path, "a file now");
    await_call(&seen, link);
    assert_int_equal(file_stamp_of(path).code, 0);
    end(&seen);
  }
}

/* Without inotify, the clock finds changes. */
static void test_period(void **state) {
  (void)state;
  struct seen seen;
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  close(next);
  begin(&seen, "/nowhere/at/all", 1);
  none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0); /* inotify_init1() fails from now on */
  await_call(&seen, "a second");
  await_call(&seen, "another second");
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  end(&seen);
}

static int set_up(void **state) {
  (void)state;
  return mkdtemp(directory) == NULL;
}

static int clean_up(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -r %s", directory);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ways),
      cmocka_unit_test(test_again),
      cmocka_unit_test(test_without_a_pause),
      cmocka_unit_test(test_links_without_end),
      cmocka_unit_test(test_period),
  };
  return cmocka_run_group_tests(tests, set_up, clean_up);
}
