/*
 * files/test_limits.c - the bounds of io/files/limits.h on files: defaults that are used up, times
 * to the nanosecond, and counted attempts. As in files/test_files.c, the test plays the ring and
 * the page cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/files/files.h"
#include "io/files/limits.h"
#include "io/files/private.h"
#include "io/ring/loop.h"
#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"

/* ---- the kernel, as far as the test plays it ------------------------------------------------- */

static bool page_cache_cold;  /* RWF_NOWAIT finds nothing */
static void (*on_read)(void); /* called during a read, to change the file */
static unsigned read_count;

ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {
  read_count++;
  if (on_read) on_read();
  if (page_cache_cold && (flags & RWF_NOWAIT)) {
    errno = EAGAIN;
    return -1;
  }
  return syscall(SYS_preadv2, fd, vector, count, offset, 0, flags);
}

/* What the process may open. Sanitizers ask for other limits before main(). */
static rlim_t allowed;

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
  if (resource != RLIMIT_NOFILE) return prlimit(0, resource, NULL, limit);
  *limit = (struct rlimit){.rlim_cur = allowed, .rlim_max = allowed};
  return 0;
}

static struct loop_op *ops[FILES_LOADS_MAX + 1];
static unsigned op_count;
static struct loop the_loop; /* of which the test is the ring; its pages are never reserved */
static struct loop *const ring = &the_loop;

bool loop_nop(struct loop *loop, struct loop_op *op) {
  assert_ptr_equal(loop, ring);
  assert_true(op_count <= FILES_LOADS_MAX);
  ops[op_count++] = op;
  return true;
}

bool loop_read(struct loop *loop, struct loop_op *op, int fd, void *buffer, unsigned len,
               uint64_t offset) {
  (void)fd, (void)buffer, (void)len, (void)offset;
  return loop_nop(loop, op);
}

/* The latest request fails. */
static void answer(int error) {
  struct loop_op *op = ops[--op_count];
  op->done(op, -error, 0);
}

/* ---- a directory ----------------------------------------------------------------------------- */

static char root[64];

static const char *at(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

/* A file of `len` zeros, which take no space on the disk. */
static void make(const char *name, size_t len) {
  int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  assert_true(fd >= 0);
  assert_int_equal(ftruncate(fd, (off_t)len), 0);
  assert_int_equal(close(fd), 0);
}

static const char *numbered(unsigned number) {
  static char name[16];
  snprintf(name, sizeof name, "f%u", number);
  return name;
}

static int set_up(void **state) {
  (void)state;
  page_cache_cold = false;
  on_read = NULL;
  read_count = op_count = 0;
  allowed = 1024;
  shifted_clock_set(CLOCK_REALTIME, 0);
  strcpy(root, "/tmp/weir_test_limits_XXXXXX");
  assert_non_null(mkdtemp(root));
  return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw) {
  (void)status, (void)kind, (void)ftw;
  return remove(path);
}

static int tear_down(void **state) {
  (void)state;
  return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct files *open_files(struct loop *loop) {
  const struct files_settings settings = {.root = root, .loop = loop};
  struct io_error error = {.text = ""};
  struct files *files = files_create(&settings, NULL, &error);
  if (!files) fail_msg("%s", error.text);
  return files;
}

static enum files_result find_at(struct files *files, const char *path, uint64_t now_ns,
                                 struct file **file) {
  struct files_lookup lookup = {0};
  enum files_result result = files_find(files, span_of(path, strlen(path)), now_ns, &lookup);
  *file = lookup.file;
  return result;
}

static enum files_result find(struct files *files, const char *path, struct file **file) {
  return find_at(files, path, IO_SECOND, file);
}

/* ---- time ------------------------------------------------------------------------------------ */

static size_t size_at(struct files *files, uint64_t now_ns) {
  struct file *file;
  assert_int_equal(find_at(files, "page", now_ns, &file), FILES_FOUND);
  size_t len = file->bytes.len;
  files_release(files, file);
  return len;
}

static void test_fresh(void **state) {
  (void)state;
  struct files *files = open_files(NULL);
  make("page", 10);
  assert_int_equal(size_at(files, IO_SECOND), 10);
  make("page", 20);
  assert_int_equal(size_at(files, IO_SECOND + FILES_FRESH_NS - 1), 10);
  assert_int_equal(size_at(files, IO_SECOND + FILES_FRESH_NS), 20);
  files_destroy(files);
}

/* How old a file is by its change time and the wall clock, as the test has shifted it. */
static uint64_t age_ns(void) {
  struct stat status;
  struct timespec now;
  assert_int_equal(stat(at("page"), &status), 0);
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)(now.tv_sec - status.st_ctim.tv_sec) * IO_SECOND + (uint64_t)now.tv_nsec -
         (uint64_t)status.st_ctim.tv_nsec;
}

/* A file that may still be written under the same time stamp is loaded again. One that is older
 * than FILES_SETTLE_NS is only compared. */
static void test_settle(void **state) {
  (void)state;
  for (unsigned seconds = 0; seconds <= FILES_SETTLE_NS / IO_SECOND; seconds++) {
    struct files *files = open_files(NULL);
    make("page", 10);
    shifted_clock_set(CLOCK_REALTIME, seconds);
    bool settled = age_ns() > FILES_SETTLE_NS;
    (void)size_at(files, IO_SECOND);
    bool unsettled = age_ns() <= FILES_SETTLE_NS;
    (void)size_at(files, IO_SECOND + FILES_FRESH_NS);
    uint64_t loads = files_counters(files)->misses;
    if (unsettled) assert_int_equal(loads, 2);
    if (settled) assert_int_equal(loads, 1);
    assert_true(settled || seconds < FILES_SETTLE_NS / IO_SECOND);
    shifted_clock_set(CLOCK_REALTIME, 0);
    files_destroy(files);
  }
}

static unsigned loads_failed;

static void load_failed(struct files_lookup *lookup, enum files_result result) {
  assert_null(lookup->file);
  loads_failed += result == FILES_FAILED;
}

/* ---- attempts -------------------------------------------------------------------------------- */

static void grow(void) {
  struct stat status;
  assert_int_equal(stat(at("page"), &status), 0);
  assert_int_equal(truncate(at("page"), status.st_size + 1), 0);
}

static void shrink(void) {
  struct stat status;
  assert_int_equal(stat(at("page"), &status), 0);
  if (status.st_size > 1) assert_int_equal(truncate(at("page"), status.st_size - 1), 0);
}

/* A file that grows at each check is served as it is in the end. One that is never complete is
 * not served. */
static void test_attempts(void **state) {
  (void)state;
  struct files *files = open_files(NULL);
  struct file *file;
  make("page", 100);
  on_read = grow;
  assert_int_equal(find(files, "page", &file), FILES_FOUND);
  assert_int_equal(read_count, 1 + FILES_ATTEMPTS);
  files_release(files, file);
  files_destroy(files);

  files = open_files(NULL);
  make("page", 100);
  on_read = shrink;
  assert_int_equal(find(files, "page", &file), FILES_FAILED);
  files_destroy(files);
}

/* The ring is interrupted each time. */
static void test_attempts_of_the_ring(void **state) {
  (void)state;
  struct files *files = open_files(ring);
  struct files_lookup lookup = {.done = load_failed};
  make("page", 100);
  page_cache_cold = true;
  loads_failed = 0;
  assert_int_equal(files_find(files, span_of("page", 4), IO_SECOND, &lookup), FILES_PENDING);
  for (unsigned i = 0; i <= FILES_ATTEMPTS; i++) {
    assert_int_equal(loads_failed, 0);
    answer(EINTR);
  }
  assert_int_equal(op_count, 0);
  assert_int_equal(loads_failed, 1);
  files_destroy(files);
}

/* ---- proof ----------------------------------------------------------------------------------- */

/* Rewrites one place of the file after its first 1000 bytes were read. Returns whether the rest
 * is read. */
static bool is_readable_after_change_at(off_t offset) {
  struct files *files = open_files(NULL);
  struct file_piece piece = {0};
  struct file *file;
  make("page", FILES_SMALL_BYTES + 1);
  assert_int_equal(find(files, "page", &file), FILES_FOUND);
  assert_int_equal(files_read(files, file, 0, 1000, &piece), FILES_FOUND);
  assert_int_equal(piece.bytes.len, 1000);
  files_read_end(files, &piece);
  int fd = open(at("page"), O_WRONLY | O_CLOEXEC);
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
  assert_int_equal(pwrite(fd, "x", 1, offset), 1);
  assert_int_equal(futimens(fd, times), 0);
  close(fd);
  enum files_result result = files_read(files, file, 1000, 1000, &piece);
  if (result == FILES_FOUND) files_read_end(files, &piece);
  files_release(files, file);
  files_destroy(files);
  return result == FILES_FOUND;
}

static void test_proof(void **state) {
  (void)state;
  assert_false(is_readable_after_change_at(0));
  assert_false(is_readable_after_change_at(FILES_PROOF_BYTES - 1));
  assert_true(is_readable_after_change_at(FILES_PROOF_BYTES));
  assert_false(is_readable_after_change_at(1000 - FILES_PROOF_BYTES));
  assert_true(is_readable_after_change_at(1000 - FILES_PROOF_BYTES - 1));
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* "./././page", of that length. */
static void test_path(void **state) {
  (void)state;
  static char path[FILES_PATH_BYTES + 2];
  struct files *files = open_files(NULL);
  make("page", 10);
  for (size_t extra = 0; extra < 2; extra++) {
    const size_t len = FILES_PATH_BYTES + extra;
    struct file *file;
    memset(path, 0, sizeof path);
    for (size_t i = 0; i < len - 4; i++)
      path[i] = "./"[i % 2];
    if (path[len - 5] == '.') path[len - 5] = '/';
    memcpy(path + len - 4, "page", 4);
    assert_int_equal(find(files, path, &file), extra ? FILES_MISSING : FILES_FOUND);
    if (!extra) files_release(files, file);
  }
  files_destroy(files);
}

/* ---- what is held ---------------------------------------------------------------------------- */

/* Small files, all in use: those that do not fit are read through descriptors. */
static void test_cache_bytes(void **state) {
  (void)state;
  enum { FIT = FILES_CACHE_BYTES / FILES_SMALL_BYTES, COUNT = FIT + 10 };
  static struct file *held[COUNT];
  struct files *files = open_files(NULL);
  unsigned in_memory = 0;
  for (unsigned i = 0; i < COUNT; i++) {
    make(numbered(i), FILES_SMALL_BYTES);
    assert_int_equal(find(files, numbered(i), &held[i]), FILES_FOUND);
    in_memory += held[i]->bytes.base != NULL;
    assert_true(files->cache.bytes <= FILES_CACHE_BYTES);
  }
  assert_int_equal(in_memory, FIT - 1); /* entries count, too */
  for (unsigned i = 0; i < COUNT; i++)
    files_release(files, held[i]);
  files_destroy(files);
}

static void test_entries(void **state) {
  (void)state;
  struct files *files = open_files(NULL);
  struct file *file;
  for (unsigned i = 0; i < FILES_ENTRIES_MAX + 10; i++) {
    assert_int_equal(find(files, numbered(i), &file), FILES_MISSING);
    assert_true(files->cache.count <= FILES_ENTRIES_MAX);
  }
  assert_int_equal(files->cache.count, FILES_ENTRIES_MAX);
  assert_int_equal(files_counters(files)->evictions, 10);
  files_destroy(files);
}

static void test_descriptors(void **state) {
  static const struct {
    rlim_t allowed;
    uint32_t workers, expected;
  } rows[] = {
      {1024, 0, 1024 / FILES_DESCRIPTORS_PART},
      {20000, 1, 20000 / FILES_DESCRIPTORS_PART},
      {20000, 4, 20000 / FILES_DESCRIPTORS_PART / 4},
      {64, 1, FILES_DESCRIPTORS_MIN},
      {1024, 64, FILES_DESCRIPTORS_MIN},
      {FILES_DESCRIPTORS_PART * (FILES_DESCRIPTORS_MAX - 1), 1, FILES_DESCRIPTORS_MAX - 1},
      {RLIM_INFINITY, 1, FILES_DESCRIPTORS_MAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct io_error error;
    const struct files_settings settings = {.root = root, .workers = rows[i].workers};
    allowed = rows[i].allowed;
    struct files *files = files_create(&settings, NULL, &error);
    assert_non_null(files);
    assert_int_equal(files->cache.descriptors_max, rows[i].expected);
    files_destroy(files);
  }
}

static void test_reads(void **state) {
  (void)state;
  static struct file_piece reads[FILES_READS_MAX];
  struct file_piece more = {.client = &more};
  struct files *files = open_files(NULL);
  struct file *file;
  make("page", FILES_SMALL_BYTES + 1);
  assert_int_equal(find(files, "page", &file), FILES_FOUND);
  for (unsigned i = 0; i < FILES_READS_MAX; i++) {
    reads[i].client = &reads[i];
    assert_int_equal(files_read(files, file, 0, 1, &reads[i]), FILES_FOUND);
  }
  assert_int_equal(files_read(files, file, 0, 1, &more), FILES_BUSY);
  files_read_end(files, &reads[0]);
  assert_int_equal(files_read(files, file, 0, 1, &reads[0]), FILES_FOUND);
  for (unsigned i = 0; i < FILES_READS_MAX; i++)
    files_read_end(files, &reads[i]);
  files_release(files, file);
  files_destroy(files);
}

/* Files whose content must come from the disk, and lookups that wait for their turn. */
static void test_loads(void **state) {
  enum { ALL = FILES_LOADS_MAX + FILES_QUEUED_MAX };
  (void)state;
  static struct files_lookup lookups[ALL + 1];
  struct files *files = open_files(ring);
  page_cache_cold = true;
  loads_failed = 0;
  for (unsigned i = 0; i <= ALL; i++) {
    const char *name = numbered(i);
    make(name, 10);
    lookups[i].done = load_failed;
    assert_int_equal(files_find(files, span_of(name, strlen(name)), IO_SECOND, &lookups[i]),
                     i < ALL ? FILES_PENDING : FILES_BUSY);
    assert_int_equal(op_count, i < FILES_LOADS_MAX ? i + 1 : FILES_LOADS_MAX);
  }
  answer(EIO);
  assert_int_equal(loads_failed, 1);
  assert_int_equal(op_count, FILES_LOADS_MAX); /* the next one's turn */
  while (op_count > 0)
    answer(EIO);
  assert_int_equal(loads_failed, ALL);
  files_destroy(files);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_fresh),       TEST(test_settle),
      TEST(test_attempts),    TEST(test_attempts_of_the_ring),
      TEST(test_proof),       TEST(test_path),
      TEST(test_cache_bytes), TEST(test_entries),
      TEST(test_descriptors), TEST(test_reads),
      TEST(test_loads),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
