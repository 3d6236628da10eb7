/*
 * serve/service/test_replacement.c - how the program that replaces this one is doing, as its pipe says.
 */
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/base/error.h"
#include "tools/serve/service/replacement.h"

/* A new program that sleeps; it has said that it is ready, or nothing. */
static int begin(struct replacement *replacement, bool ready) {
  const int code = 0;
  int fds[2];
  assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
  if (ready) assert_int_equal(write(fds[1], &code, sizeof code), sizeof code);
  *replacement = (struct replacement){
      .pipe_fd = fds[0], .process_fd = -1, .deadline_ns = 100, .process = fork()};
  if (replacement->process == 0) {
    alarm(60);
    pause();
    _exit(1);
  }
  return fds[1];
}

/* What it said in time counts, even if this process looks too late. */
static void test_the_deadline(void **state) {
  static const struct {
    bool ready;
    uint64_t now_ns;
    enum replacement_result result;
  } rows[] = {{false, 99, REPLACEMENT_WAITS},
              {false, 100, REPLACEMENT_FAILED},
              {true, 99, REPLACEMENT_READY},
              {true, 1000, REPLACEMENT_READY}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct replacement replacement;
    struct io_error error = {0};
    int said = begin(&replacement, rows[i].ready);
    pid_t process = replacement.process;
    assert_int_equal(replacement_read(&replacement, rows[i].now_ns, &error), rows[i].result);
    if (rows[i].result == REPLACEMENT_FAILED)
      assert_string_equal(error.text, "the new program was not ready after 30 seconds");
    replacement_abandon(&replacement);
    if (rows[i].result == REPLACEMENT_READY) { /* it is on its own */
      assert_int_equal(kill(process, SIGKILL), 0);
      assert_int_equal(waitpid(process, NULL, 0), process);
    }
    close(said);
  }
}

/* A child of the service manager has a pidfd, and its status goes to the manager. */
static void test_it_ends_early(void **state) {
  static const struct {
    bool sibling;
    int number; /* the signal that ends it, or 0 */
    const char *text;
  } rows[] = {{false, 0, "the new program ended with status 3"},
              {false, SIGKILL, "the new program was ended by signal 9"},
              {true, 0, "the new program ended before it was ready"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct io_error error = {0};
    int fds[2], process_fd = -1;
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    pid_t process = fork();
    if (process == 0) {
      if (rows[i].number) raise(rows[i].number);
      _exit(3);
    }
    if (rows[i].sibling) {
      process_fd = (int)syscall(SYS_pidfd_open, process, 0);
      assert_true(process_fd >= 0);
    }
    struct replacement replacement = {
        .pipe_fd = fds[0], .process_fd = process_fd, .deadline_ns = 100, .process = process};
    siginfo_t ended;
    close(fds[1]);
    assert_int_equal(waitid(P_PID, (id_t)process, &ended, WEXITED | WNOWAIT), 0);
    assert_int_equal(replacement_read(&replacement, 1, &error), REPLACEMENT_FAILED);
    assert_string_equal(error.text, rows[i].text);
    assert_int_equal(replacement.process, 0);
    assert_int_equal(replacement.process_fd, -1);
    if (rows[i].sibling) assert_int_equal(waitpid(process, NULL, 0), process);
  }
}

static void test_a_sibling_is_given_up(void **state) {
  (void)state;
  struct replacement replacement;
  int status, said = begin(&replacement, false);
  pid_t process = replacement.process;
  replacement.process_fd = (int)syscall(SYS_pidfd_open, process, 0);
  replacement_abandon(&replacement);
  assert_int_equal(waitpid(process, &status, 0), process);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  close(said);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_deadline),
      cmocka_unit_test(test_it_ends_early),
      cmocka_unit_test(test_a_sibling_is_given_up),
  };
  return cmocka_run_group_tests_name("serve/replacement", tests, NULL, NULL);
}
