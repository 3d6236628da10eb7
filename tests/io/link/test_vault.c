/*
 * link/test_vault.c - vaulted bytes: what comes out of a vault is what went in, in its order; who holds what; and kernels
 * that refuse. The sockets are TCP's.
 */
#include "io/link/vault.h"
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
#include <unistd.h>

enum { BYTES = 60000 };

static struct vault vault;
static struct {
  int ours, theirs;
} from, to; /* two connections: the vault reads from one and writes to the other */

/* ---- the stage ------------------------------------------------------------------------------- */

static void connect_ready(int *ours, int *theirs) {
  int on = 1;
  connect_both(ours, theirs);
  assert_int_equal(ioctl(*ours, FIONBIO, &on), 0);
}

static int set_up(void **state) {
  (void)state;
  fail_nothing();
  signal(SIGPIPE, SIG_IGN);
  connect_ready(&from.ours, &from.theirs);
  connect_ready(&to.ours, &to.theirs);
  memset(&vault, 0, sizeof vault);
  vault_open(&vault);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(vault.free_count, VAULT_CELLS);
  vault_close(&vault);
  close(from.ours);
  close(from.theirs);
  close(to.ours);
  close(to.theirs);
  return 0;
}

static uint8_t pattern(size_t at) {
  return (uint8_t)(at * 31 + at / 251);
}

static void put(size_t at, size_t len) {
  uint8_t *bytes = malloc(len);
  for (size_t i = 0; i < len; i++)
    bytes[i] = pattern(at + i);
  assert_int_equal(write(from.theirs, bytes, len), len);
  free(bytes);
}

static void expect(size_t at, size_t len) {
  uint8_t *bytes = malloc(len);
  assert_int_equal(recv(to.theirs, bytes, len, MSG_WAITALL), len);
  for (size_t i = 0; i < len; i++)
    assert_int_equal(bytes[i], pattern(at + i));
  free(bytes);
}

/* All of the `len` bytes that are there. */
static struct span receive(size_t len) {
  ssize_t result;
  struct span vaulted = vault_receive(&vault, from.ours, len, &result);
  assert_int_equal(result, len);
  assert_int_equal(vaulted.len, len);
  assert_true(span_is_vaulted(vaulted));
  return vaulted;
}

static ssize_t fail_to_receive(void) {
  ssize_t result;
  assert_int_equal(vault_receive(&vault, from.ours, BYTES, &result).len, 0);
  return result;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* They can be sent in any pieces. What was sent whole leaves its pipe to the next. */
static void test_bytes(void **state) {
  (void)state;
  static const size_t pieces[] = {BYTES, 20000, 7, 1};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    size_t len = pieces[i] < 100 ? 50 * pieces[i] : BYTES;
    put(i, len);
    struct span vaulted = receive(len);
    int pipe = vault.cells[0].in;
    for (size_t at = 0; at < len; at += pieces[i]) {
      size_t piece = len - at < pieces[i] ? len - at : pieces[i];
      assert_int_equal(vault_send(&vault, span_of(vaulted.base + at, piece), to.ours, false),
                       piece);
    }
    expect(i, len);
    vault_release(&vault, vaulted);
    assert_true(vault.cells[0].is_open && !vault.cells[1].is_open);
    assert_int_equal(vault.cells[0].in, pipe);
  }
}

/* Two spans may go in turns: each has its own order. */
static void test_two(void **state) {
  (void)state;
  put(0, BYTES);
  struct span first = receive(BYTES / 2), second = receive(BYTES / 2);
  assert_ptr_not_equal(first.base, second.base);
  assert_int_equal(vault_send(&vault, first, to.ours, true), BYTES / 2);
  assert_int_equal(vault_send(&vault, second, to.ours, false), BYTES / 2);
  expect(0, BYTES);
  vault_release(&vault, second);
  vault_release(&vault, first);
}

/* What nobody holds is thrown away, and does not come out of the next one's pipe. */
static void test_thrown_away(void **state) {
  (void)state;
  put(0, 3000);
  struct span vaulted = receive(2000);
  assert_int_equal(vault_send(&vault, span_of(vaulted.base, 500), to.ours, false), 500);
  vault.base.hold(&vault.base, vaulted);
  vault_release(&vault, vaulted);
  assert_int_equal(vault.free_count, VAULT_CELLS - 1);
  vault.base.release(&vault.base, span_of(vaulted.base + 1999, 1));
  assert_int_equal(vault.free_count, VAULT_CELLS);
  vaulted = receive(1000);
  assert_int_equal(vault_send(&vault, vaulted, to.ours, false), 1000);
  expect(0, 500);
  expect(2000, 1000);
  vault_release(&vault, vaulted);
}

/* A socket that takes a part, and then nothing; and one that is gone. */
static void test_full_socket(void **state) {
  (void)state;
  int bytes = 4096;
  assert_int_equal(setsockopt(to.ours, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
  assert_int_equal(setsockopt(to.theirs, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
  ssize_t sent = 0;
  struct span vaulted = span_of(NULL, 0);
  while (sent >= 0) {
    if (vaulted.base) vault_release(&vault, vaulted);
    put(0, 10000);
    vaulted = receive(10000);
    sent = vault_send(&vault, vaulted, to.ours, false);
  }
  assert_int_equal(sent, -EAGAIN);
  struct linger reset = {.l_onoff = 1};
  assert_int_equal(setsockopt(to.theirs, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  assert_int_equal(close(to.theirs), 0);
  to.theirs = -1;
  sent = vault_send(&vault, vaulted, to.ours, false);
  assert_true(sent == -ECONNRESET || sent == -EPIPE);
  vault_release(&vault, vaulted);
}

/* ---- nothing --------------------------------------------------------------------------------- */

static void test_nothing(void **state) {
  (void)state;
  assert_int_equal(fail_to_receive(), -EAGAIN);
  assert_int_equal(shutdown(from.theirs, SHUT_WR), 0);
  assert_int_equal(fail_to_receive(), 0);
}

/* VAULT_CELLS, and VAULT_CELL_BYTES in each of them. */
static void test_bounds(void **state) {
  (void)state;
  struct span held[VAULT_CELLS];
  ssize_t result;
  for (unsigned i = 0; i < VAULT_CELLS; i++) {
    put(0, 1000);
    held[i] = receive(1000);
  }
  put(0, 1000);
  assert_int_equal(fail_to_receive(), -ENOBUFS);
  for (unsigned i = 0; i < VAULT_CELLS; i++)
    vault_release(&vault, held[i]);
  static uint8_t many[2 * VAULT_CELL_BYTES];
  assert_true(send(from.theirs, many, sizeof many, MSG_DONTWAIT) > 0);
  struct span vaulted = vault_receive(&vault, from.ours, SIZE_MAX, &result);
  assert_true(result > 0 && (size_t)result <= VAULT_CELL_BYTES);
  vault_release(&vault, vaulted);
}

/* A cell may have more pieces than it has pages: TCP's begin and end anywhere. What is sent elsewhere in between keeps
 * them apart. */
static void test_crooked(void **state) {
  (void)state;
  enum { PIECE = 800, PIECES = VAULT_CELL_BYTES / 4096 + 10 }; /* they fit in TCP's first window */
  for (unsigned i = 0; i < PIECES; i++) {
    put((size_t)i * PIECE, PIECE);
    assert_int_equal(write(to.theirs, "x", 1), 1);
  }
  for (int there = 0, tries = 0; there < PIECES * PIECE && tries < 10000; tries++) {
    assert_int_equal(ioctl(from.ours, FIONREAD, &there), 0);
    usleep(1000);
  }
  struct span vaulted = receive((size_t)PIECES * PIECE);
  assert_int_equal(vault_send(&vault, vaulted, to.ours, false), vaulted.len);
  expect(0, vaulted.len);
  vault_release(&vault, vaulted);
}

/* ---- kernels and limits that refuse ---------------------------------------------------------- */

/* Without a descriptor, or with a limit on pipes, it is tried again the next time. */
static void test_later(void **state) {
  (void)state;
  put(0, BYTES);
  fails.pipe2 = EMFILE;
  assert_int_equal(fail_to_receive(), -ENOBUFS);
  fails.pipe2 = 0;
  fails.resize = EPERM;
  assert_int_equal(fail_to_receive(), -ENOBUFS);
  fails.resize = 0;
  signal(SIGPIPE, SIG_DFL); /* a send would end the process */
  assert_int_equal(fail_to_receive(), -ENOBUFS);
  signal(SIGPIPE, SIG_IGN);
  vault_release(&vault, receive(BYTES));
}

/* In Linux 6.5 a send would wait. */
static void test_never(void **state) {
  (void)state;
  put(0, BYTES);
  fails.release = "6.5.0";
  assert_int_equal(fail_to_receive(), -ENOBUFS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_two, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_thrown_away, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_full_socket, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_crooked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_later, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_never, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
