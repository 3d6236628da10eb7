/*
 * files/test_files.c - files below a root: what is found, what never is, what is noticed, what is
 * bounded.
 *
 * The disk is a temporary directory. The worker's ring is played by the test, which answers reads
 * when it likes, and so is the page cache's "not now": preadv2() is wrapped below. Time is an
 * argument, and the wall clock is wrapped as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/base/limits.h"
#include "io/files/files.h"
#include "io/files/private.h"
#include "io/ring/loop.h"

#include "tests/support/shifted_clock.h"

#define SECOND UINT64_C(1000000000)

/* ---- the kernel, as far as the test plays it ------------------------------------------------- */

static bool page_cache_cold;      /* RWF_NOWAIT finds nothing */
static void (*before_read)(void); /* something happens to the file just now */
static size_t read_bytes_max;     /* not 0: a read returns no more than this */

ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {
  if (before_read) before_read();
  if (page_cache_cold && (flags & RWF_NOWAIT)) {
    errno = EAGAIN;
    return -1;
  }
  struct iovec part = *vector;
  assert_int_equal(count, 1);
  if (read_bytes_max && part.iov_len > read_bytes_max) part.iov_len = read_bytes_max;
  return syscall(SYS_preadv2, fd, &part, 1, offset, 0, flags);
}

static struct io_uring_sqe ring[64];
static struct loop_op *ring_ops[64];
static unsigned ring_count, ring_max = 64;

struct io_uring_sqe *loop_sqe(struct loop *loop, struct loop_op *op) {
  if (ring_count == ring_max) return NULL;
  op->loop = loop;
  ring_ops[ring_count] = op;
  return &ring[ring_count++];
}

/* Answers the oldest read: with `result`, or with the file's bytes when that is 0. */
static void ring_answer(int result) {
  assert_true(ring_count > 0);
  struct io_uring_sqe sqe = ring[0];
  struct loop_op *op = ring_ops[0];
  ring_count--;
  memmove(ring, ring + 1, ring_count * sizeof *ring);
  memmove(ring_ops, ring_ops + 1, ring_count * sizeof *ring_ops);
  assert_true(sqe.opcode == IORING_OP_READ || sqe.opcode == IORING_OP_NOP);
  if (result == 0 && sqe.opcode == IORING_OP_READ)
    result = (int)pread(sqe.fd, (void *)(uintptr_t)sqe.addr, sqe.len, (off_t)sqe.off);
  op->done(op, result, 0);
}

static struct loop *const fake_loop = (struct loop *)ring;

/* ---- the disk -------------------------------------------------------------------------------- */

static char base[64], root[80];
static struct io_error error;

static const char *at(const char *path) {
  static char text[4][5000];
  static unsigned turn;
  char *out = text[turn++ % 4];
  snprintf(out, sizeof text[0], "%s/%s", root, path);
  return out;
}

static void put(const char *path, const char *content, size_t len) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static uint8_t pattern(uint64_t offset) {
  return (uint8_t)(offset * 151 + (offset >> 13));
}

static void put_pattern(const char *path, size_t len) {
  char *bytes = malloc(len);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (char)pattern(i);
  put(path, bytes, len);
  free(bytes);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw) {
  (void)status, (void)kind, (void)ftw;
  return remove(path);
}

/* A fresh directory for each test: base/secret outside, base/root inside. */
static int set_up(void **state) {
  (void)state;
  char secret[80];
  page_cache_cold = false;
  before_read = NULL;
  shifted_clock_set(CLOCK_REALTIME, 0);
  read_bytes_max = 0;
  ring_count = 0;
  ring_max = 64;
  strcpy(base, "/tmp/weir_test_files_XXXXXX");
  assert_non_null(mkdtemp(base));
  snprintf(root, sizeof root, "%s/root", base);
  snprintf(secret, sizeof secret, "%s/secret", base);
  mkdir(root, 0755);
  put(secret, "SECRET", 6);
  alarm(20); /* whatever hangs fails */
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct files *open_files(struct files_settings settings) {
  const char *note = "";
  settings.root = root;
  struct files *files = files_create(&settings, &note, &error);
  if (!files) fail_msg("%s", error.text);
  assert_null(note);
  return files;
}

static enum files_result find(struct files *files, const char *path, uint64_t now_ns,
                              struct file **out) {
  struct files_lookup lookup = {0};
  enum files_result result = files_find(files, span_of(path, strlen(path)), now_ns, &lookup);
  assert_true(result != FILES_FOUND || lookup.file);
  *out = lookup.file;
  return result;
}

static void expect(struct files *files, const char *path, uint64_t now_ns, const char *content) {
  struct file *file;
  enum files_result result = find(files, path, now_ns, &file);
  if (!content) {
    assert_int_equal(result, FILES_MISSING);
    return;
  }
  if (result != FILES_FOUND) fail_msg("%s: result %d", path, result);
  if (file->bytes.len != strlen(content) || memcmp(file->bytes.base, content, strlen(content)) != 0)
    fail_msg("%s: '%.*s', not '%s'", path, (int)file->bytes.len, (const char *)file->bytes.base,
             content);
  files_release(files, file);
}

/* ---- what is found --------------------------------------------------------------------------- */

static void make_zoo(void) {
  mkdir(at("dir"), 0755);
  mkdir(at("dir/deeper"), 0755);
  put(at("dir/deeper/file"), "deep", 4);
  put(at("file"), "content", 7);
  put(at("empty"), "", 0);
  put(at("with space \xff"), "odd", 3);
  assert_int_equal(symlink("file", at("link_in")), 0);
  assert_int_equal(symlink("../file", at("dir/link_up")), 0);
  assert_int_equal(symlink("deeper", at("dir/link_dir")), 0);
  assert_int_equal(symlink("../secret", at("link_out")), 0);
  assert_int_equal(symlink("/etc/passwd", at("link_absolute")), 0);
  assert_int_equal(symlink("..", at("link_parent")), 0);
  assert_int_equal(symlink("loop", at("loop")), 0);
  assert_int_equal(symlink("nothing", at("dangling")), 0);
  assert_int_equal(symlink("/dev/zero", at("link_device")), 0);
  assert_int_equal(symlink("/proc/self/cwd", at("link_magic")), 0);
  assert_int_equal(mkfifo(at("fifo"), 0644), 0);
}

static void test_what_is_found(void **state) {
  enum { YES = FILES_FOUND, NO = FILES_MISSING, NEVER = FILES_FORBIDDEN };
  static const struct {
    const char *path;
    int result, stepwise; /* with openat2, and walked step by step */
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
    struct files *files = open_files((struct files_settings){0});
    files->beneath.stepwise = stepwise;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
      for (int again = 0; again < 2; again++) { /* the second time from memory */
        struct file *file;
        int expected = stepwise ? rows[i].stepwise : rows[i].result;
        int result = (int)find(files, rows[i].path, SECOND, &file);
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
    files_destroy(files);
  }
}

static void test_odd_paths(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  struct files_lookup lookup;
  static char path[70000];
  put(at("file"), "content", 7);
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

/* Ten thousand ways to ask for what is outside, put together from what has worked elsewhere. */
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
    struct files *files = open_files((struct files_settings){0});
    files->beneath.stepwise = stepwise;
    for (int round = 0; round < 10000; round++) {
      char path[300] = "";
      for (unsigned n = 1 + (unsigned)(round % 6); n > 0; n--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        strcat(path, parts[(random >> 33) % PARTS]);
        if (n > 1) strcat(path, "/");
      }
      struct file *file;
      if (find(files, path, SECOND, &file) != FILES_FOUND) continue;
      if (!file->directory && memcmp(file->bytes.base, "content", 7) != 0 &&
          memcmp(file->bytes.base, "deep", 4) != 0)
        fail_msg("'%s' leads outside", path);
      if (file->directory) {
        struct stat status;
        assert_int_equal(stat(base, &status), 0);
        if (file->identity.inode == status.st_ino) fail_msg("'%s' leads outside", path);
      }
      files_release(files, file);
    }
    files_destroy(files);
  }
}

/* ---- what is noticed ------------------------------------------------------------------------- */

static void test_changes_are_noticed(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  uint64_t now_ns = SECOND;
  put(at("page"), "one", 3);
  expect(files, "page", now_ns, "one");

  uint64_t misses = files_counters(files)->misses;
  expect(files, "page", now_ns += SECOND, "one");
  assert_int_equal(files_counters(files)->misses, misses + 1); /* too new to trust time stamps */

  put(at("page"), "two", 3); /* in place, same size, perhaps within the same clock tick */
  expect(files, "page", now_ns + SECOND - 1, "one");
  expect(files, "page", now_ns += SECOND, "two");

  put(at("new"), "three!", 6);
  assert_int_equal(rename(at("new"), at("page")), 0);
  expect(files, "page", now_ns + SECOND - 1, "two");
  expect(files, "page", now_ns += SECOND, "three!");

  shifted_clock_set(CLOCK_REALTIME, 10); /* long ago: now the time stamps vouch for it */
  expect(files, "page", now_ns += SECOND, "three!");
  misses = files_counters(files)->misses;
  expect(files, "page", now_ns += SECOND, "three!");
  expect(files, "page", now_ns += SECOND, "three!");
  assert_int_equal(files_counters(files)->misses, misses); /* compared, not loaded */
  shifted_clock_set(CLOCK_REALTIME, 0);
  put(at("page"), "four", 4);
  expect(files, "page", now_ns += SECOND, "four");

  assert_int_equal(unlink(at("page")), 0);
  expect(files, "page", now_ns + 1, "four");
  expect(files, "page", now_ns += SECOND, NULL);
  put(at("page"), "five", 4);
  expect(files, "page", now_ns + 1, NULL); /* the absence is remembered for as long */
  expect(files, "page", now_ns += SECOND, "five");

  assert_int_equal(unlink(at("page")), 0);
  assert_int_equal(mkdir(at("page"), 0755), 0);
  struct file *file;
  assert_int_equal(find(files, "page", now_ns += SECOND, &file), FILES_FOUND);
  assert_true(file->directory);
  files_release(files, file);
  files_destroy(files);
}

/* Whoever holds the old entry keeps the old bytes. */
static void test_held_bytes_never_change(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  struct file *old;
  put(at("page"), "old bytes", 9);
  assert_int_equal(find(files, "page", SECOND, &old), FILES_FOUND);
  put(at("page"), "new", 3);
  expect(files, "page", 3 * SECOND, "new");
  assert_memory_equal(old->bytes.base, "old bytes", 9);
  assert_false(old->listed);
  size_t bytes = files->cache.bytes;
  files_release(files, old);
  assert_true(files->cache.bytes < bytes);
  files_destroy(files);
}

static void append_to_page(void) {
  FILE *file = fopen(at("page"), "a");
  fputs("more", file);
  fclose(file);
}

/* A file that grows with every look is served as a beginning of itself, and looked at again. */
static void test_file_that_never_rests(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  struct file *file;
  put(at("page"), "more", 4);
  before_read = append_to_page;
  shifted_clock_set(CLOCK_REALTIME, 10);
  assert_int_equal(find(files, "page", SECOND, &file), FILES_FOUND);
  before_read = NULL;
  assert_int_equal(file->bytes.len, file->identity.size_bytes);
  assert_true(file->bytes.len >= 4);
  assert_false(file->settled);
  files_release(files, file);
  files_destroy(files);
}

/* Rewritten between two reads: never half of the one and half of the other. */
static void rewrite_once(void) {
  static int calls;
  if (++calls == 2) put(at("page"), "ccccdddd", 8);
}

static void test_rewritten_while_loading(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  put(at("page"), "aaaabbbb", 8);
  before_read = rewrite_once;
  read_bytes_max = 4;
  expect(files, "page", SECOND, "ccccdddd");
  before_read = NULL;
  files_destroy(files);
}

static void truncate_page(void) {
  assert_int_equal(truncate(at("page"), 3), 0);
}

static void test_truncated_while_loading(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  put(at("page"), "abcdefgh", 8);
  before_read = truncate_page;
  expect(files, "page", SECOND, "abc");
  before_read = NULL;
  files_destroy(files);
}

/* ---- large files ----------------------------------------------------------------------------- */

enum { LARGE = FILES_SMALL_BYTES + 100000 };

/* Reads the whole file in pieces of `max`; returns how many bytes came before the first failure. */
static uint64_t read_all(struct files *files, struct file *file, uint64_t from, size_t max) {
  while (from < file->identity.size_bytes) {
    struct file_piece read = {0};
    size_t len =
        file->identity.size_bytes - from < max ? (size_t)(file->identity.size_bytes - from) : max;
    if (files_read(files, file, from, len, &read) != FILES_FOUND) break;
    assert_in_range(read.bytes.len, 1, len);
    for (size_t i = 0; i < read.bytes.len; i++)
      if (read.bytes.base[i] != pattern(from + i)) fail_msg("wrong byte at %zu", (size_t)from + i);
    from += read.bytes.len;
    files_read_end(files, &read);
  }
  return from;
}

static void test_large_file(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.loop = fake_loop});
  struct file *file, *same;
  put_pattern(at("large"), LARGE);
  put_pattern(at("limit"), FILES_SMALL_BYTES);
  assert_int_equal(find(files, "large", SECOND, &file), FILES_FOUND);
  assert_null(file->bytes.base);
  assert_int_equal(file->identity.size_bytes, LARGE);
  static const size_t sizes[] = {FILES_READ_BYTES, 10000, 1 << 20};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(read_all(files, file, 0, sizes[i]), LARGE);
  assert_int_equal(find(files, "large", SECOND, &same), FILES_FOUND);
  assert_ptr_equal(file, same); /* one descriptor for all */
  assert_int_equal(files->cache.descriptors, 1);
  files_release(files, same);
  files_release(files, file);
  assert_int_equal(find(files, "limit", SECOND, &file), FILES_FOUND);
  assert_int_equal(file->bytes.len, FILES_SMALL_BYTES);
  files_release(files, file);
  files_destroy(files);
}

static void page_truncated(void) {
  assert_int_equal(truncate(at("page"), 500), 0);
}

static void page_rewritten(void) {
  int fd = open(at("page"), O_WRONLY);
  char zeros[2000] = {0};
  assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
  close(fd);
}

static void page_renamed_over(void) {
  put(at("new"), "x", 1);
  assert_int_equal(rename(at("new"), at("page")), 0);
}

static void page_unlinked(void) {
  assert_int_equal(unlink(at("page")), 0);
}

static void page_touched(void) {
  assert_int_equal(utimensat(AT_FDCWD, at("page"), NULL, 0), 0);
}

static void page_chmod(void) {
  assert_int_equal(chmod(at("page"), 0640), 0);
}

/* What was opened is read to its end with the length that it had; only a file that shrank or was
 * rewritten in place is given up. The next lookup sees what there is now. */
static void test_large_file_changes(void **state) {
  static const struct {
    const char *name;
    void (*change)(void);
    bool whole;
    enum files_result next;
  } rows[] = {
      {"truncated", page_truncated, false, FILES_FOUND},
      {"rewritten", page_rewritten, false, FILES_FOUND},
      {"appended", append_to_page, true, FILES_FOUND},
      {"renamed over", page_renamed_over, true, FILES_FOUND},
      {"unlinked", page_unlinked, true, FILES_MISSING},
      {"touched", page_touched, true, FILES_FOUND},
      {"chmod", page_chmod, true, FILES_FOUND},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct files *files = open_files((struct files_settings){.loop = fake_loop});
    struct file *file, *next;
    put_pattern(at("page"), LARGE);
    assert_int_equal(find(files, "page", SECOND, &file), FILES_FOUND);
    struct file_piece read = {0};
    assert_int_equal(files_read(files, file, 0, 1000, &read), FILES_FOUND);
    files_read_end(files, &read);
    usleep(20000); /* another tick of the kernel's clock */
    rows[i].change();
    uint64_t end = read_all(files, file, 1000, 50000);
    if (end != (rows[i].whole ? LARGE : 1000))
      fail_msg("%s: read up to %llu", rows[i].name, (unsigned long long)end);
    enum files_result result = find(files, "page", SECOND, &next);
    if (result != rows[i].next || next == file)
      fail_msg("%s: the next lookup gave %d", rows[i].name, result);
    if (result == FILES_FOUND) files_release(files, next);
    files_release(files, file);
    files_destroy(files);
    unlink(at("page"));
  }
}

/* ---- the root -------------------------------------------------------------------------------- */

/* A deployment swaps a link, or removes the directory and makes it anew. */
static void test_root_is_looked_up_anew(void **state) {
  (void)state;
  char current[PATH_MAX];
  mkdir(at("release1"), 0755);
  mkdir(at("release2"), 0755);
  put(at("release1/page"), "one", 3);
  put(at("release2/page"), "two", 3);
  assert_int_equal(symlink("release1", at("current")), 0);
  snprintf(current, sizeof current, "%s", at("current"));
  struct files *files = files_create(&(struct files_settings){.root = current}, NULL, &error);
  assert_non_null(files);
  expect(files, "page", SECOND, "one");
  assert_int_equal(symlink("release2", at("next")), 0);
  assert_int_equal(rename(at("next"), current), 0);
  files_trim(files, SECOND);
  expect(files, "page", SECOND, "two");
  /* Gone for a while: what is open stays, and nothing is found there. */
  unlink(at("release2/page"));
  rmdir(at("release2"));
  files_trim(files, SECOND);
  mkdir(at("release2"), 0755);
  put(at("release2/page"), "anew", 4);
  files_trim(files, SECOND);
  expect(files, "page", SECOND, "anew");
  files_destroy(files);
}

/* A link by its absolute path is followed where it stays inside, and nowhere else. */
static void test_absolute_links(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  struct file *file;
  mkdir(at("sub"), 0755);
  put(at("sub/page"), "inside", 6);
  char target[PATH_MAX];
  snprintf(target, sizeof target, "%s", at("sub/page"));
  assert_int_equal(symlink(target, at("absolute")), 0);
  snprintf(target, sizeof target, "%s", at("sub"));
  assert_int_equal(symlink(target, at("folder")), 0);
  assert_int_equal(symlink("/etc/hostname", at("outside")), 0);
  expect(files, "absolute", SECOND, "inside");
  expect(files, "folder/page", SECOND, "inside");
  assert_int_equal(find(files, "outside", SECOND, &file), FILES_FORBIDDEN);
  files_destroy(files);
}

/* 64 bits of nanoseconds end in 2262. */
static void test_times_far_away(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  struct file *file;
  const struct timespec late[2] = {{.tv_sec = 10413792000}, {.tv_sec = 10413792000}}; /* 2300 */
  put(at("page"), "late", 4);
  assert_int_equal(utimensat(AT_FDCWD, at("page"), late, 0), 0);
  assert_int_equal(find(files, "page", SECOND, &file), FILES_FOUND);
  assert_int_equal(file->identity.mtime_ns, INT64_MAX);
  files_release(files, file);
  files_destroy(files);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_bytes_are_bounded(void **state) {
  (void)state;
  enum { FILES = 40, EACH = 10000, MAX = 150000 };
  struct files *files = open_files((struct files_settings){.cache_bytes_max = MAX});
  struct file *held[FILES];
  char name[20];
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "f%d", i);
    put_pattern(at(name), EACH);
  }
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < FILES; i++) {
      snprintf(name, sizeof name, "f%d", i);
      assert_int_equal(find(files, name, SECOND, &held[0]), FILES_FOUND);
      assert_int_equal(held[0]->bytes.len, EACH);
      files_release(files, held[0]);
      assert_true(files->cache.bytes <= MAX);
      expect(files, "missing", SECOND, NULL);
    }
  assert_true(files_counters(files)->evictions > 0);
  /* All in use: the rest is served through descriptors, and nothing breaks the bound. */
  int in_memory = 0;
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "f%d", i);
    if (find(files, name, SECOND, &held[i]) != FILES_FOUND) {
      held[i] = NULL;
      continue;
    }
    if (held[i]->bytes.base)
      in_memory++;
    else
      assert_int_equal(read_all(files, held[i], 0, 3000), EACH);
  }
  assert_in_range(in_memory, 10, 15);
  assert_true(files->cache.bytes <= MAX);
  for (int i = 0; i < FILES; i++)
    if (held[i]) files_release(files, held[i]);
  files_destroy(files);
}

/* What is asked for again and again stays, whatever else is asked for once. */
static void test_flood_of_missing_paths(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.entries_max = 64});
  char name[40];
  put(at("hot"), "hot", 3);
  for (int i = 0; i < 20000; i++) {
    snprintf(name, sizeof name, "no/such/file/%d", i);
    expect(files, name, SECOND, NULL);
    if (i % 8 == 0) expect(files, "hot", SECOND, "hot");
    assert_true(files->cache.count <= 64);
  }
  assert_int_equal(files_counters(files)->misses, 20001);
  /* When all are in favour, one of them has to go all the same. */
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 63; i++) {
      snprintf(name, sizeof name, "again/%d", i);
      expect(files, name, SECOND, NULL);
    }
  uint64_t misses = files_counters(files)->misses;
  expect(files, "newcomer", SECOND, NULL);
  expect(files, "newcomer", SECOND, NULL);
  assert_int_equal(files_counters(files)->misses, misses + 1);
  files_destroy(files);
}

/* False: the read failed. */
static bool reads_pattern(struct files *files, struct file *file, uint64_t offset) {
  struct file_piece read = {0};
  enum files_result result = files_read(files, file, offset, 100, &read);
  if (result == FILES_FAILED) return false;
  assert_int_equal(result, FILES_FOUND);
  assert_int_equal(read.bytes.base[99], pattern(offset + 99));
  files_read_end(files, &read);
  return true;
}

static void test_descriptors_are_bounded(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.descriptors_max = 2});
  struct file *a, *b, *c;
  put_pattern(at("a"), LARGE);
  put_pattern(at("b"), LARGE);
  put_pattern(at("c"), LARGE);
  assert_int_equal(find(files, "a", SECOND, &a), FILES_FOUND);
  assert_int_equal(find(files, "b", SECOND, &b), FILES_FOUND);
  assert_true(reads_pattern(files, a, 0)); /* later than b */
  assert_int_equal(find(files, "c", SECOND, &c), FILES_FOUND);
  assert_int_equal(files->cache.descriptors, 2);
  assert_true(a->fd >= 0 && b->fd < 0 && c->fd >= 0); /* the one that was not used for longest */
  assert_true(reads_pattern(files, b, 70000));        /* opened anew */
  assert_true(a->fd < 0 && b->fd >= 0 && c->fd >= 0);
  assert_int_equal(files->cache.descriptors, 2);
  files_release(files, c);
  assert_true(reads_pattern(files, a, 1)); /* nobody holds c, which is forgotten */
  assert_true(a->fd >= 0 && b->fd >= 0);
  assert_int_equal(files->cache.count, 2);
  files_release(files, a);
  files_release(files, b);
  files_destroy(files);
}

/* Without its descriptor a version can be read on only while its path leads to it. */
static void test_reopened_is_the_same_version(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.descriptors_max = 1});
  struct file *a, *b;
  put_pattern(at("a"), LARGE);
  put_pattern(at("b"), LARGE);
  put_pattern(at("new"), LARGE);
  assert_int_equal(find(files, "a", SECOND, &a), FILES_FOUND);
  assert_true(reads_pattern(files, a, 0));
  assert_int_equal(find(files, "b", SECOND, &b), FILES_FOUND);
  assert_int_equal(rename(at("new"), at("a")), 0);
  assert_false(reads_pattern(files, a, 100));
  assert_int_equal(unlink(at("a")), 0);
  assert_false(reads_pattern(files, a, 100));
  files_release(files, a);
  files_release(files, b);
  files_destroy(files);
}

static void test_no_descriptor_left(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){0});
  struct file *file;
  struct rlimit before, none;
  put_pattern(at("large"), LARGE);
  put(at("small"), "small", 5);
  assert_int_equal(find(files, "large", SECOND, &file), FILES_FOUND);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  close(next);
  none = before;
  none.rlim_cur = (rlim_t)next;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  struct file *other, *third;
  enum files_result found = find(files, "small", SECOND, &other);
  int taken = dup(0);
  enum files_result busy = find(files, "third", SECOND, &third);
  close(taken);
  setrlimit(RLIMIT_NOFILE, &before);
  assert_int_equal(found,
                   FILES_FOUND); /* the cache gave up its own descriptor, although it is held */
  assert_int_equal(busy, FILES_BUSY);
  assert_int_equal(files_counters(files)->no_descriptor, 1);
  assert_true(reads_pattern(files, file, 0));
  files_release(files, file);
  files_release(files, other);
  files_destroy(files);
}

/* ---- the ring -------------------------------------------------------------------------------- */

struct waiter {
  struct files_lookup lookup;
  int calls;
  enum files_result result;
};

static void lookup_done(struct files_lookup *lookup, enum files_result result) {
  struct waiter *waiter = (struct waiter *)lookup;
  waiter->calls++;
  waiter->result = result;
}

static enum files_result wait_for(struct files *files, struct waiter *waiter, const char *path) {
  *waiter = (struct waiter){.lookup.done = lookup_done};
  return files_find(files, span_of(path, strlen(path)), SECOND, &waiter->lookup);
}

static void test_load_waits_for_the_ring(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.loop = fake_loop});
  struct waiter a, b, c, d;
  char path[] = "page";
  put(at("page"), "from disk", 9);
  page_cache_cold = true;
  assert_int_equal(wait_for(files, &a, path), FILES_PENDING);
  memset(path, 'x', 4); /* the path was borrowed only */
  assert_int_equal(wait_for(files, &b, "page"), FILES_PENDING);
  assert_int_equal(wait_for(files, &c, "page"), FILES_PENDING);
  assert_int_equal(wait_for(files, &d, "other"), FILES_MISSING);
  assert_int_equal(ring_count, 1); /* one read for all */
  files_find_cancel(files, &b.lookup);
  ring_answer(-EINTR);
  assert_int_equal(a.calls, 0);
  ring_answer(0);
  assert_int_equal(a.calls + c.calls, 2);
  assert_int_equal(b.calls, 0);
  assert_int_equal(a.result, FILES_FOUND);
  assert_ptr_equal(a.lookup.file, c.lookup.file);
  assert_memory_equal(a.lookup.file->bytes.base, "from disk", 9);
  files_release(files, a.lookup.file);
  files_release(files, c.lookup.file);
  expect(files, "page", SECOND, "from disk"); /* listed */
  files_destroy(files);
}

static void test_load_fails_at_the_ring(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.loop = fake_loop});
  struct waiter a;
  put(at("page"), "from disk", 9);
  page_cache_cold = true;
  assert_int_equal(wait_for(files, &a, "page"), FILES_PENDING);
  ring_answer(-EIO);
  assert_int_equal(a.result, FILES_FAILED);

  assert_int_equal(wait_for(files, &a, "page"), FILES_PENDING);
  truncate_page(); /* the file shrinks meanwhile: read again, as it is now */
  ring_answer(0);
  ring_answer(0);
  if (ring_count) ring_answer(0);
  assert_int_equal(a.result, FILES_FOUND);
  assert_int_equal(a.lookup.file->bytes.len, 3);
  files_release(files, a.lookup.file);

  put(at("second"), "x", 1);
  assert_int_equal(wait_for(files, &a, "second"), FILES_PENDING);
  files_find_cancel(files, &a.lookup);
  ring_answer(0); /* nobody waits any more */
  assert_int_equal(a.calls, 0);

  put(at("third"), "x", 1);
  ring_max = 0; /* the ring takes nothing */
  assert_int_equal(wait_for(files, &a, "third"), FILES_PENDING);
  files_trim(files, SECOND); /* still not */
  assert_int_equal(a.calls, 0);
  ring_max = 64;
  files_trim(files, SECOND);
  ring_answer(0);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.result, FILES_FOUND);
  files_release(files, a.lookup.file);
  files_destroy(files);
}

/* Lookups that find no room, here in the ring: in their order, for no longer than FILES_QUEUED_NS. */
static void test_queue(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.loop = fake_loop});
  struct waiter a, b, c, d;
  put(at("a"), "a", 1);
  put(at("b"), "b", 1);
  put(at("c"), "c", 1);
  put(at("d"), "d", 1);
  page_cache_cold = true;
  ring_max = 1;
  char path[] = "b";
  assert_int_equal(wait_for(files, &a, "a"), FILES_PENDING);
  assert_int_equal(wait_for(files, &b, path), FILES_PENDING);
  path[0] = 'x'; /* was borrowed only */
  assert_int_equal(wait_for(files, &c, "c"), FILES_PENDING);
  assert_int_equal(wait_for(files, &d, "d"), FILES_PENDING);
  files_find_cancel(files, &c.lookup);
  assert_int_equal(files->queue.count, 2);
  ring_answer(0); /* a's, and b's turn comes */
  assert_int_equal(a.result, FILES_FOUND);
  assert_int_equal(files->queue.count, 1);
  ring_answer(0);
  assert_int_equal(b.result, FILES_FOUND);
  assert_memory_equal(b.lookup.file->bytes.base, "b", 1);
  files_release(files, a.lookup.file);
  files_release(files, b.lookup.file);
  assert_int_equal(wait_for(files, &c, "c"), FILES_PENDING); /* the ring has d's */
  files_trim(files, SECOND + FILES_QUEUED_NS - 1);
  assert_int_equal(c.calls, 0);
  files_trim(files, SECOND + FILES_QUEUED_NS);
  assert_int_equal(c.calls, 1);
  assert_int_equal(c.result, FILES_BUSY);
  ring_answer(0);
  assert_int_equal(d.result, FILES_FOUND);
  files_release(files, d.lookup.file);
  files_destroy(files);
}

/* Many for which there is room at once take several turns of the loop. */
static void test_queue_takes_turns(void **state) {
  enum { MANY = FILES_QUEUE_RUN + 1 };
  (void)state;
  struct files *files = open_files((struct files_settings){.loop = fake_loop});
  struct waiter a[MANY];
  put(at("a"), "a", 1);
  page_cache_cold = true;
  ring_max = 0;
  for (unsigned i = 0; i < MANY; i++)
    assert_int_equal(wait_for(files, &a[i], "a"), FILES_PENDING);
  page_cache_cold = false;
  ring_max = 1;
  files_trim(files, SECOND);
  assert_int_equal(a[MANY - 2].calls, 1);
  assert_int_equal(a[MANY - 1].calls, 0);
  ring_answer(0);
  for (unsigned i = 0; i < MANY; i++) {
    assert_int_equal(a[i].calls, 1);
    assert_int_equal(a[i].result, FILES_FOUND);
    files_release(files, a[i].lookup.file);
  }
  files_destroy(files);
}

static int reads_done;
static enum files_result read_result;

static void read_done(struct file_piece *read, enum files_result result) {
  (void)read;
  reads_done++;
  read_result = result;
}

static void test_read_waits_for_the_ring(void **state) {
  (void)state;
  struct files *files = open_files((struct files_settings){.loop = fake_loop, .reads_max = 2});
  struct file *file;
  struct file_piece a = {.done = read_done}, b = {.done = read_done}, c = {.done = read_done};
  put_pattern(at("large"), LARGE);
  assert_int_equal(find(files, "large", SECOND, &file), FILES_FOUND);
  page_cache_cold = true;
  reads_done = 0;
  assert_int_equal(files_read(files, file, 70000, 5000, &a), FILES_PENDING);
  assert_int_equal(files_read(files, file, 0, 5000, &b), FILES_PENDING);
  assert_int_equal(files_read(files, file, 0, 5000, &c), FILES_BUSY);
  files_read_end(files, &b); /* gone before its answer; the buffer is still the ring's */
  assert_int_equal(files_read(files, file, 0, 5000, &c), FILES_BUSY);
  ring_answer(0);
  assert_int_equal(reads_done, 1);
  assert_int_equal(read_result, FILES_FOUND);
  assert_int_equal(a.bytes.len, 5000);
  assert_int_equal(a.bytes.base[7], pattern(70007));
  ring_answer(0);
  assert_int_equal(reads_done, 1);
  files_read_end(files, &a);

  assert_int_equal(files_read(files, file, 0, 5000, &c), FILES_PENDING);
  ring_answer(-EIO);
  assert_int_equal(read_result, FILES_FAILED);
  files_read_end(files, &c);
  assert_int_equal(files_read(files, file, LARGE - 10, 10, &c), FILES_PENDING);
  assert_int_equal(truncate(at("large"), 100), 0);
  ring_answer(0);
  assert_int_equal(read_result, FILES_FAILED);
  files_read_end(files, &c);

  /* The entry is given up by everybody while the ring still reads: the descriptor stays. */
  assert_int_equal(files->reads.buffers, 2);
  files_trim(files, SECOND); /* both were needed since the last time */
  assert_int_equal(files->reads.buffers, 2);
  files_trim(files, SECOND);
  assert_int_equal(files->reads.buffers, 0);
  struct file_piece d = {.done = read_done};
  assert_int_equal(files_read(files, file, 0, 100, &d), FILES_PENDING);
  files_read_end(files, &d);
  files_release(files, file);
  assert_false(file_cache_close_one(&files->cache));
  ring_answer(0);
  assert_true(file_cache_close_one(&files->cache));
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
  struct files *files = open_files(
      (struct files_settings){.user_bytes = 4, .user_free = user_free, .user_ctx = &user_frees});
  struct file *file;
  user_frees = 0;
  put(at("page"), "x", 1);
  assert_int_equal(find(files, "page", SECOND, &file), FILES_FOUND);
  assert_int_equal((uintptr_t)file_user(file) % 16, 0);
  assert_int_equal(*(int *)file_user(file), 0);
  *(int *)file_user(file) = 1;
  files_release(files, file);
  put(at("page"), "yy", 2);
  expect(files, "missing", SECOND, NULL);
  assert_int_equal(find(files, "page", 3 * SECOND, &file), FILES_FOUND);
  assert_int_equal(user_frees, 1);
  *(int *)file_user(file) = 10;
  files_release(files, file);
  files_destroy(files);
  assert_int_equal(user_frees, 11);
}

static void test_bad_roots(void **state) {
  (void)state;
  struct files_settings settings = {.root = at("nowhere")};
  assert_null(files_create(&settings, NULL, &error));
  assert_non_null(strstr(error.text, "nowhere: No such file or directory"));
  put(at("file"), "x", 1);
  settings.root = at("file");
  assert_null(files_create(&settings, NULL, &error));
  assert_non_null(strstr(error.text, "file: Not a directory"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_what_is_found),
      TEST(test_odd_paths),
      TEST(test_traversal),
      TEST(test_changes_are_noticed),
      TEST(test_held_bytes_never_change),
      TEST(test_file_that_never_rests),
      TEST(test_rewritten_while_loading),
      TEST(test_truncated_while_loading),
      TEST(test_large_file),
      TEST(test_large_file_changes),
      TEST(test_root_is_looked_up_anew),
      TEST(test_absolute_links),
      TEST(test_times_far_away),
      TEST(test_bytes_are_bounded),
      TEST(test_flood_of_missing_paths),
      TEST(test_descriptors_are_bounded),
      TEST(test_reopened_is_the_same_version),
      TEST(test_no_descriptor_left),
      TEST(test_load_waits_for_the_ring),
      TEST(test_load_fails_at_the_ring),
      TEST(test_queue),
      TEST(test_queue_takes_turns),
      TEST(test_read_waits_for_the_ring),
      TEST(test_user_bytes),
      TEST(test_bad_roots),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
