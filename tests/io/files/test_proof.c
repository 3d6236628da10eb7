/*
 * files/test_proof.c - what tells a file that was touched from one that was rewritten, and what it costs.
 */
#include "io/files/proof.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/stage.h"

enum { OLD_SECONDS = FILES_SETTLE_NS / IO_SECOND + 1, PIECE_BYTES = 1000 };

/* Samples that were read, and whether one of them may have waited for the disk. */
static unsigned reads, waits;

ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {
  reads++;
  waits += flags == 0;
  return stage_preadv2(fd, vector, count, offset, flags);
}

static int fd;
static struct file_proof proof;

static struct file_identity identity_now(void) {
  struct stat status;
  assert_int_equal(fstat(fd, &status), 0);
  return disk_identity(&status);
}

/* The file is found now; its last change was that many seconds ago. */
static void begin(unsigned seconds) {
  shifted_clock_set(CLOCK_REALTIME, seconds);
  struct file_identity identity = identity_now();
  proof_begin(&proof, &identity, fd);
}

/* A piece is read, checked and kept. */
static bool read_piece(off_t offset) {
  uint8_t bytes[PIECE_BYTES];
  assert_int_equal(pread(fd, bytes, sizeof bytes, offset), sizeof bytes);
  if (!proof_holds(&proof, fd)) return false;
  proof_keep(&proof, bytes, sizeof bytes, (uint64_t)offset);
  return true;
}

static void write_at(off_t offset, const char *byte) {
  int writing = open(stage_at("page"), O_WRONLY | O_CLOEXEC);
  assert_int_equal(pwrite(writing, byte, 1, offset), 1);
  assert_int_equal(close(writing), 0);
}

static int set_up(void **state) {
  (void)stage_set_up(state);
  stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
  fd = open(stage_at("page"), O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  reads = waits = 0;
  return 0;
}

static int tear_down(void **state) {
  assert_int_equal(close(fd), 0);
  return stage_tear_down(state);
}

/* ---- samples --------------------------------------------------------------------------------- */

static void test_begin(void **state) {
  (void)state;
  begin(OLD_SECONDS);
  assert_int_equal(proof.first.len, FILES_PROOF_BYTES);
  assert_int_equal(proof.first.bytes[FILES_PROOF_BYTES - 1], stage_pattern(FILES_PROOF_BYTES - 1));
  assert_int_equal(proof.last.len, 0);
  assert_int_equal(proof.ctime_ns, identity_now().ctime_ns);
  assert_true(proof_has_sample(&proof));
  stage.page_cache_cold = true;
  begin(0);
  assert_int_equal(proof.first.len, 0);
  assert_int_equal(proof.ctime_ns, INT64_MIN);
  assert_false(proof_has_sample(&proof));
  assert_int_equal(waits, 0);
}

static void test_keep(void **state) {
  static const struct {
    uint64_t offset;
    size_t len;
    uint64_t first_len, last_offset, last_len;
  } rows[] = {
      {5, 10, 0, 5, 10},
      {0, 1, 1, 0, 1},
      {1, 100, 1, 101 - FILES_PROOF_BYTES, FILES_PROOF_BYTES},
      {0, 10, 10, 0, 10},
      {0, 5, 10, 0, 5},
      {0, FILES_PROOF_BYTES, FILES_PROOF_BYTES, 0, FILES_PROOF_BYTES},
      {0, 1000, FILES_PROOF_BYTES, 1000 - FILES_PROOF_BYTES, FILES_PROOF_BYTES},
      {1000, FILES_PROOF_BYTES + 1, FILES_PROOF_BYTES, 1001, FILES_PROOF_BYTES},
  };
  (void)state;
  stage.page_cache_cold = true;
  begin(0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t bytes[2000];
    for (size_t at = 0; at < rows[i].len; at++)
      bytes[at] = stage_pattern(rows[i].offset + at);
    proof_keep(&proof, bytes, rows[i].len, rows[i].offset);
    assert_true(proof_has_sample(&proof));
    assert_int_equal(proof.first.len, rows[i].first_len);
    assert_int_equal(proof.last.offset, rows[i].last_offset);
    assert_int_equal(proof.last.len, rows[i].last_len);
    stage.page_cache_cold = false;
    assert_true(proof_holds(&proof, fd)); /* the samples are the file's */
    stage.page_cache_cold = true;
  }
}

/* ---- changes --------------------------------------------------------------------------------- */

/* An old file costs no samples. A fresh one does, until no write with its time stamp can follow. */
static void test_cost(void **state) {
  (void)state;
  begin(OLD_SECONDS);
  reads = 0;
  assert_true(read_piece(0) && read_piece(PIECE_BYTES) && read_piece(0));
  assert_int_equal(reads, 0);

  shifted_clock_set(CLOCK_REALTIME, 0);
  assert_int_equal(utimensat(AT_FDCWD, stage_at("page"), NULL, 0), 0);
  assert_true(read_piece(PIECE_BYTES));
  assert_int_equal(reads, 2);
  assert_true(read_piece(PIECE_BYTES));
  assert_int_equal(reads, 4);
  shifted_clock_set(CLOCK_REALTIME, OLD_SECONDS);
  assert_true(read_piece(PIECE_BYTES));
  assert_int_equal(reads, 6);
  assert_true(read_piece(PIECE_BYTES));
  assert_int_equal(reads, 6);
}

/* A write may show its time stamp before its bytes. */
static void test_late_bytes(void **state) {
  (void)state;
  begin(OLD_SECONDS);
  assert_true(read_piece(0));
  shifted_clock_set(CLOCK_REALTIME, 0);
  write_at(PIECE_BYTES + 500, "x");
  int64_t ctime_ns = identity_now().ctime_ns;
  assert_true(read_piece(0));
  assert_true(proof.ctime_ns != ctime_ns);
  write_at(0, "x");
  assert_false(read_piece(0));
}

static void test_rewritten(void **state) {
  static const struct {
    off_t offset;
    bool noticed;
  } rows[] = {
      {0, true},
      {FILES_PROOF_BYTES - 1, true},
      {FILES_PROOF_BYTES, false},
      {2 * PIECE_BYTES - FILES_PROOF_BYTES - 1, false},
      {2 * PIECE_BYTES - FILES_PROOF_BYTES, true},
      {2 * PIECE_BYTES - 1, true},
      {2 * PIECE_BYTES, false},
      {STAGE_LARGE_BYTES, false}, /* appended */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    stage_put_pattern(stage_at("page"), STAGE_LARGE_BYTES);
    begin(OLD_SECONDS);
    assert_true(read_piece(0) && read_piece(PIECE_BYTES));
    char other = (char)(stage_pattern((uint64_t)rows[i].offset) + 1);
    char same = (char)stage_pattern((uint64_t)rows[i].offset);
    write_at(rows[i].offset, &other);
    assert_int_equal(read_piece(2 * PIECE_BYTES), !rows[i].noticed);
    write_at(rows[i].offset, &same);
    assert_int_equal(read_piece(2 * PIECE_BYTES), !rows[i].noticed); /* it stays so */
  }
}

static void test_shrunk(void **state) {
  (void)state;
  begin(OLD_SECONDS);
  assert_true(read_piece(0));
  assert_int_equal(truncate(stage_at("page"), STAGE_LARGE_BYTES - 1), 0);
  assert_false(read_piece(PIECE_BYTES));
  assert_int_equal(truncate(stage_at("page"), STAGE_LARGE_BYTES), 0);
  assert_false(read_piece(PIECE_BYTES)); /* it stays so */
  begin(OLD_SECONDS);
  assert_false(proof_holds(&proof, -1));
  assert_true(proof.failed);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_begin),      TEST(test_keep),      TEST(test_cost),
      TEST(test_late_bytes), TEST(test_rewritten), TEST(test_shrunk),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
