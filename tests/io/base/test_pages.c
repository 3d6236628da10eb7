/*
 * base/test_pages.c - pieces of memory: taken, renewed, given back; and what the kernel still has of them then.
 */
#include "io/base/pages.h"
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct pages pages;

/* PAGES_COUNT pieces, none of which touches another; the one given back last is the next. */
static void test_all_taken(void **state) {
  (void)state;
  uint8_t *first = NULL, *last = NULL;
  assert_false(pages_hold(&pages, (const uint8_t *)&pages));
  assert_false(pages_hold(&pages, NULL));
  for (unsigned i = 0; i < PAGES_COUNT; i++) {
    uint8_t *piece = pages_take(&pages);
    assert_non_null(piece);
    assert_int_equal((uintptr_t)piece % 4096, 0);
    if (last) assert_ptr_equal(piece, last + PAGES_BYTES);
    if (!first) first = piece;
    last = piece;
  }
  assert_null(pages_take(&pages));
  assert_true(pages_hold(&pages, first) && pages_hold(&pages, last + PAGES_BYTES - 1));
  assert_false(pages_hold(&pages, first - 1) || pages_hold(&pages, last + PAGES_BYTES));
  pages_give(&pages, first);
  pages_give(&pages, last);
  pages_give(&pages, NULL);
  assert_ptr_equal(pages_take(&pages), last);
  assert_ptr_equal(pages_take(&pages), first);
  assert_null(pages_take(&pages));
  pages_close(&pages);
  assert_false(pages_hold(&pages, first));
}

/* The kernel refers to the last bytes of a piece, in a pipe. What it has stays as it is. */
static void test_referred(void **state) {
  (void)state;
  enum { LEN = 100 };
  uint8_t *piece = pages_take(&pages), got[LEN], expected[LEN];
  struct iovec part = {.iov_base = piece + PAGES_BYTES - LEN, .iov_len = LEN};
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  for (unsigned given = 0; given < 2; given++) {
    assert_true(pages_renew(&pages, piece));
    memset(piece, 'a', PAGES_BYTES);
    pages_refer(&pages, part.iov_base);
    assert_int_equal(vmsplice(ends[1], &part, 1, 0), LEN);
    if (given)
      pages_give(&pages, piece);
    else
      assert_true(pages_renew(&pages, piece));
    assert_int_equal(piece[PAGES_BYTES - 1], 0);
    memset(piece, 'b', PAGES_BYTES);
    assert_int_equal(read(ends[0], got, LEN), LEN);
    memset(expected, 'a', LEN);
    assert_memory_equal(got, expected, LEN);
  }
  close(ends[0]);
  close(ends[1]);
  pages_close(&pages);
}

/* What the kernel does not know of may be written again as it is. */
static void test_not_referred(void **state) {
  (void)state;
  uint8_t *piece = pages_take(&pages), *other = pages_take(&pages);
  piece[5] = 'a';
  pages_refer(&pages, other);
  assert_true(pages_renew(&pages, piece));
  assert_int_equal(piece[5], 'a');
  pages_close(&pages);
}

/* Memory that is locked cannot be exchanged. */
static void test_locked(void **state) {
  (void)state;
  uint8_t *piece = pages_take(&pages);
  piece[0] = 'a';
  if (syscall(SYS_mlock, piece, 1)) skip(); /* mlock(3) does nothing under AddressSanitizer */
  assert_true(pages_renew(&pages, piece));
  pages_refer(&pages, piece);
  assert_false(pages_renew(&pages, piece));
  pages_give(&pages, piece);
  assert_ptr_equal(pages_take(&pages), piece);
  assert_false(pages_renew(&pages, piece));
  assert_int_equal(syscall(SYS_munlock, piece, 1), 0);
  assert_true(pages_renew(&pages, piece));
  assert_int_equal(piece[0], 0);
  pages_close(&pages);
}

static void test_no_memory(void **state) {
  (void)state;
  pages.failed = true;
  assert_null(pages_take(&pages));
  pages_close(&pages);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_taken),    cmocka_unit_test(test_referred),
      cmocka_unit_test(test_not_referred), cmocka_unit_test(test_locked),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
