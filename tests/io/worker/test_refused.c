/*
 * worker/test_refused.c - a worker whose ring the kernel refuses while it runs.
 */
#include "io/worker/group.h"
#include "tests/support/cmocka.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int refused_pipe[2];

/* Where the ring's descriptor was, there is one that no ring can use: so the kernel refuses the next turn. */
static void break_ring(struct worker *worker, void *object) {
  int nothing = open("/dev/null", O_RDWR);
  (void)worker;
  (void)object;
  for (int fd = 3; fd < nothing; fd++) {
    char path[40], kind[40] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, kind, sizeof kind - 1) > 0 &&
        (strstr(kind, "[io_uring]") || strstr(kind, "[eventpoll]")))
      dup2(nothing, fd);
  }
}

/* As a program would: the process ends, since what the worker holds stays as it is. */
static void hook_refused(struct worker *worker, void *ctx, const struct io_error *why) {
  (void)ctx;
  if (!atomic_load(&worker->ended)) _exit(5); /* nobody takes it for one that hangs */
  char text[sizeof why->text + 4];
  int len = snprintf(text, sizeof text, "%u: %s", worker->index, why->text);
  _exit(write(refused_pipe[1], text, (size_t)len) == len ? 0 : 1);
}

static void run_until_refused(enum ring_choice ring) {
  struct worker_config config = {
      .count = 1, .ring = ring, .disabled = URING_RING_FD, .hooks.refused = hook_refused};
  struct worker_group group;
  struct io_error error;
  if (!worker_group_start(&group, &config, &error)) _exit(2);
  if (!worker_group_post(&group, 0, break_ring, NULL)) _exit(3);
  worker_group_join(&group);
  _exit(4);
}

/* The worker ends with the reason, instead of turning in vain. */
static void test_refused_while_it_runs(void **state) {
  static const struct {
    enum ring_choice ring;
    const char *text;
  } rows[] = {{RING_IO_URING, "0: io_uring is refused: "},
              {RING_EPOLL, "0: epoll is refused: Invalid argument"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[200] = "";
    int status;
    assert_int_equal(pipe(refused_pipe), 0);
    pid_t child = fork();
    if (child == 0) run_until_refused(rows[i].ring);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(read(refused_pipe[0], text, sizeof text - 1) > 0);
    if (strncmp(text, rows[i].text, strlen(rows[i].text)) != 0) fail_msg("%s", text);
    close(refused_pipe[0]);
    close(refused_pipe[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused_while_it_runs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
