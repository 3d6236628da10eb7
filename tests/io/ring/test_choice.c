/*
 * ring/test_choice.c - which engine is chosen: epoll where io_uring is refused, and an error where resources are short.
 */
#include "io/ring/choice.h"
#include "tests/support/cmocka.h"
#include "tests/support/no_io_uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_names(void **state) {
  enum ring_choice choice = RING_EPOLL;
  (void)state;
  for (int i = RING_AUTO; i <= RING_EPOLL; i++) {
    assert_true(ring_choice_parse(ring_choice_name((enum ring_choice)i), &choice));
    assert_int_equal(choice, i);
  }
  assert_false(ring_choice_parse("", &choice));
  assert_false(ring_choice_parse("Epoll", &choice));
  assert_false(ring_choice_parse("epoll ", &choice));
}

/* In a child, after `before`: the engine, or 100 for an error, whose text or reason must contain `text`; 101 if it
 * does not. */
static int choice_after(bool (*before)(int), int argument, enum ring_choice wanted,
                        const char *text) {
  pid_t child = fork();
  if (child == 0) {
    struct ring_chosen chosen;
    struct io_error error = {.text = ""};
    if (!before(argument)) _exit(102);
    bool chose = ring_choose(wanted, 0, &chosen, &error);
    if (!strstr(chose ? chosen.why.text : error.text, text)) _exit(101);
    _exit(chose ? (int)chosen.engine : 100);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static bool set_environment(int which) {
  static const char *const values[] = {"auto", "io_uring", "epoll", "kqueue"};
  if (which < 0) return unsetenv("WEIR_RING") == 0;
  return setenv("WEIR_RING", values[which], 1) == 0;
}

/* The environment decides what the caller leaves open, and nothing else. */
static void test_environment(void **state) {
  (void)state;
  assert_int_equal(choice_after(set_environment, -1, RING_AUTO, ""), RING_IO_URING);
  assert_int_equal(choice_after(set_environment, 0, RING_AUTO, ""), RING_IO_URING);
  assert_int_equal(choice_after(set_environment, 1, RING_AUTO, ""), RING_IO_URING);
  assert_int_equal(choice_after(set_environment, 2, RING_AUTO, ""), RING_EPOLL);
  assert_int_equal(choice_after(set_environment, 2, RING_IO_URING, ""), RING_IO_URING);
  assert_int_equal(choice_after(set_environment, 1, RING_EPOLL, ""), RING_EPOLL);
  assert_int_equal(choice_after(set_environment, 3, RING_AUTO, "kqueue"), 100);
}

static bool forbid(int code) {
  return set_environment(-1) && no_io_uring(code);
}

/* The reason is kept, for whoever wants to know why. */
static void test_refused(void **state) {
  static const int codes[] = {EPERM, EACCES, ENOSYS, EINVAL};
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    assert_int_equal(choice_after(forbid, codes[i], RING_AUTO, "io_uring is "), RING_EPOLL);
}

/* The kernel takes the closed ring apart a little later. A call of ours that waits meanwhile, with a time limit, is not
 * interrupted. */
static void test_caller_is_not_interrupted(void **state) {
  const struct timeval limit = {.tv_usec = 30000};
  int pair[2];
  char byte;
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  for (int i = 0; i < 10; i++) {
    struct ring_chosen chosen;
    assert_true(ring_choose(RING_AUTO, 0, &chosen, NULL));
    assert_int_equal(recv(pair[0], &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
  }
  close(pair[0]);
  close(pair[1]);
}

/* What somebody can raise is an error, with advice. */
static void test_no_resources(void **state) {
  (void)state;
  assert_int_equal(choice_after(forbid, ENOMEM, RING_AUTO, "ulimit -l"), 100);
  assert_int_equal(choice_after(forbid, ENOMEM, RING_AUTO, "--ring epoll"), 100);
  assert_int_equal(choice_after(forbid, EMFILE, RING_AUTO, "ulimit -n"), 100);
  assert_int_equal(choice_after(forbid, ENFILE, RING_AUTO, "fs.file-max"), 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),        cmocka_unit_test(test_environment),
      cmocka_unit_test(test_refused),      cmocka_unit_test(test_caller_is_not_interrupted),
      cmocka_unit_test(test_no_resources),
  };
  return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
