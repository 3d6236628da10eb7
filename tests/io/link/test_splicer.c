/*
 * link/test_splicer.c - sends by reference: which spans go, that the bytes which arrive are those that were
 * loaded, sends that the socket takes in part, and kernels that refuse. The sockets are TCP's.
 */
#include "io/link/limits.h"
#include "io/link/splicer.h"
#include "tests/io/link/splice_stage.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SPAN_BYTES = 16384 };
_Static_assert(2 * SPAN_BYTES == SPLICER_LEAST_BYTES && 4 * SPAN_BYTES < PAGES_BYTES, "see below");

static struct pages pages;
static struct splicer splicer;
static uint8_t *piece; /* of pages, with a pattern */
static int ours, theirs;

/* ---- the kernel, as far as the test plays it ------------------------------------------------- */

ssize_t vmsplice(int fd, const struct iovec *parts, size_t count, unsigned flags) {
  if (!fails.vmsplice) return syscall(SYS_vmsplice, fd, parts, count, flags);
  errno = fails.vmsplice;
  return -1;
}

ssize_t splice(int from, off64_t *at, int to, off64_t *to_at, size_t len, unsigned flags) {
  if (!fails.splice) return syscall(SYS_splice, from, at, to, to_at, len, flags);
  errno = fails.splice;
  return -1;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static uint8_t pattern(size_t offset) {
  return (uint8_t)(offset * 31 + offset / 251);
}

static int set_up(void **state) {
  (void)state;
  fail_nothing();
  signal(SIGPIPE, SIG_IGN);
  connect_both(&ours, &theirs);
  piece = pages_take(&pages);
  if (!piece) return -1;
  for (size_t i = 0; i < PAGES_BYTES; i++)
    piece[i] = pattern(i);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  splicer_close(&splicer, &pages);
  pages_close(&pages);
  close(ours);
  close(theirs);
  return 0;
}

static size_t load(const struct span *spans, size_t count) {
  return splicer_load(&splicer, &pages, spans, count);
}

/* Enough bytes for a send by reference. */
static size_t load_piece(void) {
  struct span spans[] = {span_of(piece, SPAN_BYTES), span_of(piece + SPAN_BYTES, SPAN_BYTES)};
  return load(spans, 2);
}

static void expect(const uint8_t *bytes, size_t len) {
  uint8_t *got = malloc(len);
  assert_non_null(got);
  assert_int_equal(recv(theirs, got, len, MSG_WAITALL), len);
  assert_memory_equal(got, bytes, len);
  free(got);
}

/* ---- what goes ------------------------------------------------------------------------------- */

/* P: a span in pages, S: a short one elsewhere, L: one that is a byte longer. */
static void test_choice(void **state) {
  (void)state;
  static const struct {
    const char *spans;
    size_t pages, shorts; /* how many go */
  } rows[] = {{"PP", 2, 0},     {"SPSP", 2, 2}, {"SSPP", 2, 2}, {"PPL", 2, 0},
              {"SPPSLP", 2, 2}, {"PPPS", 3, 1}, {"P", 0, 0},    {"S", 0, 0},
              {"L", 0, 0},      {"LPP", 0, 0},  {"PLP", 0, 0},  {"SSSSP", 0, 0}};
  static uint8_t elsewhere[SPLICER_SHORT_BYTES + 1];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct span spans[8];
    size_t count = 0, at = 0;
    for (const char *kind = rows[i].spans; *kind; kind++) {
      bool in_pages = *kind == 'P';
      spans[count++] = in_pages ? span_of(piece + at, SPAN_BYTES)
                                : span_of(elsewhere, SPLICER_SHORT_BYTES + (*kind == 'L'));
      if (in_pages) at += SPAN_BYTES;
    }
    size_t expected = rows[i].pages * SPAN_BYTES + rows[i].shorts * SPLICER_SHORT_BYTES;
    assert_int_equal(load(spans, count), expected);
    if (expected) assert_int_equal(splicer_send(&splicer, ours), expected);
    for (size_t left = expected; left > 0;) {
      uint8_t got[SPAN_BYTES];
      left -= (size_t)recv(theirs, got, sizeof got, 0);
    }
  }
}

/* The kernel has references only. Short spans may change once they are loaded, a piece once it is renewed. */
static void test_bytes(void **state) {
  (void)state;
  uint8_t head[9] = "heading:", tail[] = "end";
  struct span spans[] = {span_of(head, 9), span_of(piece + 5, SPAN_BYTES), span_of(tail, 3),
                         span_of(piece + 7, SPAN_BYTES)};
  size_t total = 12 + 2 * SPAN_BYTES;
  uint8_t *expected = malloc(PAGES_BYTES);
  assert_non_null(expected);
  memcpy(expected, piece, PAGES_BYTES);
  assert_int_equal(load(spans, 4), total);
  memset(head, 'x', 9);
  memset(tail, 'x', 3);
  assert_int_equal(splicer_send(&splicer, ours), total);
  assert_true(pages_renew(&pages, piece));
  memset(piece, 'x', PAGES_BYTES);
  expect((const uint8_t *)"heading:", 9);
  expect(expected + 5, SPAN_BYTES);
  expect((const uint8_t *)"end", 3);
  expect(expected + 7, SPAN_BYTES);
  free(expected);
}

/* The splicer's own piece comes round while the kernel still refers to its old pages. */
static void test_shorts_come_round(void **state) {
  (void)state;
  uint8_t head[SPLICER_SHORT_BYTES] = {0}, expected[SPLICER_SHORT_BYTES];
  struct span spans[] = {span_of(head, sizeof head), span_of(piece, SPAN_BYTES),
                         span_of(piece + SPAN_BYTES, SPAN_BYTES)};
  assert_true(load_piece() > 0);
  assert_true(splicer_send(&splicer, ours) > 0);
  expect(piece, 2 * SPAN_BYTES);
  splicer.shorts_used = 0;
  for (uint8_t round = 'a'; round < 'd'; round++) {
    memset(head, round, sizeof head);
    assert_int_equal(load(spans, 3), sizeof head + 2 * SPAN_BYTES);
    assert_int_equal(splicer_send(&splicer, ours), sizeof head + 2 * SPAN_BYTES);
    assert_int_equal(splicer.shorts_used, sizeof head);
    splicer.shorts_used = PAGES_BYTES - sizeof head + 1; /* a byte too few for another */
    if (round > 'a') {
      memset(expected, round - 1, sizeof head);
      expect(expected, sizeof head);
      expect(piece, 2 * SPAN_BYTES);
    }
  }
}

/* ---- what the socket takes ------------------------------------------------------------------- */

/* A full socket does not make the caller wait, and takes the same bytes later. */
static void test_full_socket(void **state) {
  (void)state;
  size_t sent = 0;
  unsigned shorts = 0;
  do {
    size_t at = sent % (2 * SPAN_BYTES);
    struct span spans[] = {span_of(piece + at, SPAN_BYTES),
                           span_of(piece + at + SPAN_BYTES, SPAN_BYTES)};
    assert_int_equal(load(spans, 2), 2 * SPAN_BYTES);
    ssize_t took = splicer_send(&splicer, ours);
    assert_true(took == -EAGAIN || (took > 0 && took <= 2 * SPAN_BYTES));
    shorts += took != 2 * SPAN_BYTES;
    if (took > 0) sent += (size_t)took;
  } while (shorts < 3);
  assert_false(fcntl(ours, F_GETFL, 0) & O_NONBLOCK);
  for (size_t at = 0; at < sent; at += 2 * SPAN_BYTES)
    expect(piece, sent - at < 2 * SPAN_BYTES ? sent - at : 2 * SPAN_BYTES);
  assert_int_equal(load_piece(), 2 * SPAN_BYTES);
  assert_int_equal(splicer_send(&splicer, ours), 2 * SPAN_BYTES);
  expect(piece, 2 * SPAN_BYTES);
}

static void test_broken_socket(void **state) {
  (void)state;
  const struct linger at_once = {.l_onoff = 1};
  int broken = ours, other = theirs;
  assert_int_equal(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close(other);
  connect_both(&ours, &theirs);
  assert_int_equal(load_piece(), 2 * SPAN_BYTES);
  assert_int_equal(splicer_send(&splicer, broken), -ECONNRESET);
  assert_int_equal(load_piece(), 2 * SPAN_BYTES);
  assert_int_equal(splicer_send(&splicer, broken), -EPIPE); /* the test is alive */
  close(broken);
  piece[0] ^= 1; /* nothing of the other connection's is left */
  assert_int_equal(load_piece(), 2 * SPAN_BYTES);
  assert_int_equal(splicer_send(&splicer, ours), 2 * SPAN_BYTES);
  expect(piece, 2 * SPAN_BYTES);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static int next_descriptor(void) {
  int fd = dup(ours);
  close(fd);
  return fd;
}

/* A refusal for good, or for the moment; and no descriptor is lost. */
static void test_refused(void **state) {
  (void)state;
  static const struct {
    int vmsplice, splice, pipe2, resize;
    const char *release;
    bool for_good;
  } rows[] = {{.vmsplice = ENOSYS, .for_good = true},
              {.vmsplice = EPERM, .for_good = true},
              {.vmsplice = ENOMEM},
              {.pipe2 = EMFILE},
              {.resize = EPERM, .for_good = true},
              {.release = "6.5.0-10-generic"},
              {.splice = ENOSYS, .for_good = true},
              {.splice = EPERM, .for_good = true},
              {.splice = EINVAL, .for_good = true},
              {.splice = EAGAIN}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int next = next_descriptor();
    fails.vmsplice = rows[i].vmsplice;
    fails.splice = rows[i].splice;
    fails.pipe2 = rows[i].pipe2;
    fails.resize = rows[i].resize;
    fails.release = rows[i].release ? rows[i].release : "6.50.0";
    if (rows[i].splice) {
      assert_int_equal(load_piece(), 2 * SPAN_BYTES);
      assert_int_equal(splicer_send(&splicer, ours), -EAGAIN);
    } else {
      assert_int_equal(load_piece(), 0);
    }
    fail_nothing();
    assert_int_equal(load_piece(), rows[i].for_good ? 0 : 2 * SPAN_BYTES);
    if (!rows[i].for_good) assert_int_equal(splicer_send(&splicer, ours), 2 * SPAN_BYTES);
    if (!rows[i].for_good) expect(piece, 2 * SPAN_BYTES);
    splicer_close(&splicer, &pages);
    assert_int_equal(next_descriptor(), next);
  }
}

/* It would end the process. */
static void test_signal(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_DFL);
  assert_int_equal(load_piece(), 0);
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(load_piece(), 2 * SPAN_BYTES);
  assert_int_equal(splicer_send(&splicer, ours), 2 * SPAN_BYTES);
}

/* No piece for short spans is left. */
static void test_no_pages(void **state) {
  (void)state;
  while (pages_take(&pages)) {
  }
  assert_int_equal(load_piece(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_choice),      TEST(test_bytes),         TEST(test_shorts_come_round),
      TEST(test_full_socket), TEST(test_broken_socket), TEST(test_refused),
      TEST(test_signal),      TEST(test_no_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
