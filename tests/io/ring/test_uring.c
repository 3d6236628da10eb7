/*
 * ring/test_uring.c - set-up, present and missing features, full queues, waits, refusals.
 */
#include "io/ring/limits.h"
#include "io/ring/requests.h"
#include "io/ring/uring.h"
#include "tests/support/cmocka.h"
#include "tests/support/no_io_uring.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * IO_SECOND + (uint64_t)now.tv_nsec;
}

static void open_or_fail(struct uring *uring, unsigned disabled) {
  struct io_error error = {.text = ""};
  if (!uring_open(uring, disabled, &error)) fail_msg("%s", error.text);
}

/* Every feature is in use, lacking, or disabled; never two of these. */
static void test_features_alone_and_together(void **state) {
  enum { ALL = (1 << URING_FEATURE_COUNT) - 1 };
  (void)state;
  for (unsigned i = 0; i <= URING_FEATURE_COUNT; i++) {
    unsigned disabled = i < URING_FEATURE_COUNT ? 1u << i : ALL;
    struct uring uring;
    open_or_fail(&uring, disabled);
    assert_int_equal(uring.features | uring.missing | uring.disabled, ALL);
    assert_int_equal(uring.features & (uring.missing | uring.disabled), 0);
    assert_int_equal(uring.missing & uring.disabled, 0);
    assert_int_equal(uring.disabled & disabled, disabled);
    bool is_short = disabled & URING_FULL_QUEUES;
    assert_int_equal(uring.ring.cq.ring_entries, is_short ? IO_CQ_ENTRIES_SHORT : IO_CQ_ENTRIES);
    uring_close(&uring);
  }
}

static void test_names(void **state) {
  static const struct {
    const char *text;
    unsigned features;
    const char *bad; /* NULL: accepted */
  } rows[] = {
      {"", 0, NULL},
      {"ext_arg", URING_EXT_ARG, NULL},
      {"multishot_recv,buffer_ring", URING_MULTISHOT_RECV | URING_BUFFER_RING, NULL},
      {",,buffer_ring,", URING_BUFFER_RING, NULL},
      {"buffer_rin", 0, "buffer_rin"},
      {"buffer_ringo", 0, "buffer_ringo"},
      {"ext_arg,Multishot_recv", 0, "Multishot_recv"},
      {"ext_arg ,ring_fd", 0, "ext_arg ,ring_fd"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    unsigned features;
    const char *bad = NULL;
    assert_int_equal(uring_parse_disabled(rows[i].text, &features, &bad), rows[i].bad == NULL);
    if (rows[i].bad)
      assert_string_equal(bad, rows[i].bad);
    else
      assert_int_equal(features, rows[i].features);
  }
  unsigned none = 1;
  assert_true(uring_parse_disabled(NULL, &none, NULL));
  assert_int_equal(none, 0);
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++) {
    unsigned back;
    const char *bad;
    assert_true(uring_parse_disabled(uring_feature_name(1u << i), &back, &bad));
    assert_int_equal(back, 1u << i);
    assert_true(strlen(uring_feature_fallback(1u << i)) > 10);
  }
}

/* Collects completions until `count` have come; each user_data is 1 .. count, once. */
static void expect_all(struct uring *uring, unsigned count) {
  static unsigned char seen[100000];
  unsigned got = 0;
  uint64_t begin_ns = clock_ns();
  memset(seen, 0, sizeof seen);
  while (got < count && clock_ns() - begin_ns < 5 * IO_SECOND) {
    struct io_uring_cqe *cqe;
    unsigned head, batch = 0;
    uring_enter(uring, IO_SECOND / 10);
    io_uring_for_each_cqe(&uring->ring, head, cqe) {
      batch++;
      if (cqe->user_data == LIBURING_UDATA_TIMEOUT) continue;
      assert_true(cqe->user_data >= 1 && cqe->user_data <= count);
      assert_int_equal(seen[cqe->user_data]++, 0);
      got++;
    }
    io_uring_cq_advance(&uring->ring, batch);
  }
  assert_int_equal(got, count);
}

static void submit_nops(struct uring *uring, unsigned count) {
  for (unsigned i = 1; i <= count; i++) {
    struct io_uring_sqe *sqe = uring_sqe(uring);
    assert_non_null(sqe);
    io_uring_prep_nop(sqe);
    sqe->user_data = i;
  }
}

/* More requests than the submission queue holds, and more than the completion queue does. */
static void test_full_queues(void **state) {
  static const unsigned disabled[] = {0, URING_DEFER_TASKRUN, URING_EXT_ARG, URING_SUBMIT_ALL,
                                      URING_FULL_QUEUES};
  (void)state;
  for (size_t i = 0; i < sizeof disabled / sizeof disabled[0]; i++) {
    struct uring uring;
    open_or_fail(&uring, disabled[i]);
    submit_nops(&uring, 3 * IO_SQ_ENTRIES + 1);
    expect_all(&uring, 3 * IO_SQ_ENTRIES + 1);
    if (!(disabled[i] & URING_FULL_QUEUES)) assert_int_equal(uring.overflows, 0);
    submit_nops(&uring, 3 * IO_CQ_ENTRIES);
    expect_all(&uring, 3 * IO_CQ_ENTRIES);
    assert_true(uring.overflows > 0);
    submit_nops(&uring, 10);
    expect_all(&uring, 10);
    uring_close(&uring);
  }
}

/* The number of times that this thread has slept. The time that other processes take does not
 * count. */
static long sleeps(void) {
  struct rusage usage;
  assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
  return usage.ru_nvcsw;
}

static void test_waits(void **state) {
  static const unsigned disabled[] = {0, URING_EXT_ARG, URING_DEFER_TASKRUN};
  (void)state;
  for (size_t i = 0; i < sizeof disabled / sizeof disabled[0]; i++) {
    struct uring uring;
    open_or_fail(&uring, disabled[i]);
    uint64_t begin_ns = clock_ns();
    uring_enter(&uring, 40 * IO_MILLISECOND);
    uint64_t passed_ns = clock_ns() - begin_ns;
    assert_true(passed_ns >= 39 * IO_MILLISECOND);
    long before = sleeps();
    uring_enter(&uring, 0);
    assert_int_equal(sleeps(), before);
    submit_nops(&uring, 1); /* ends even an endless wait */
    uring_enter(&uring, UINT64_MAX);
    uring_close(&uring);
  }
}

/* A batch ends with its last completion, or when its time is over and there is one. */
static void test_batches(void **state) {
  (void)state;
  struct uring uring;
  open_or_fail(&uring, 0);
  if (uring_batch(&uring, 2, UINT32_MAX)) {
    submit_nops(&uring, 2);
    uring_enter(&uring, UINT64_MAX);
    expect_all(&uring, 2);
    assert_true(uring_batch(&uring, 2, 20000));
    uint64_t begin_ns = clock_ns();
    submit_nops(&uring, 1);
    uring_enter(&uring, UINT64_MAX);
    assert_true(clock_ns() - begin_ns >= 19 * IO_MILLISECOND);
    expect_all(&uring, 1);
    uring_enter(&uring, 40 * IO_MILLISECOND); /* and without any, it is an ordinary wait */
    assert_true(clock_ns() - begin_ns >= 58 * IO_MILLISECOND);
  }
  uring_close(&uring);
}

/* The words for which a person will search. */
static void test_explanations(void **state) {
  static const struct {
    int code, sysctl, seccomp;
    const char *word;
  } rows[] = {
      {EPERM, 2, 0, "kernel.io_uring_disabled is 2"},
      {EPERM, 2, 2, "kernel.io_uring_disabled is 2"},
      {EPERM, 1, 2, "kernel.io_uring_disabled is 1"},
      {EPERM, 0, 2, "seccomp profile is the likely cause"},
      {EPERM, -1, 2, "seccomp profile is the likely cause"},
      {ENOSYS, -1, 2, "seccomp profile is the likely cause"},
      {EACCES, 0, 2, "seccomp profile is the likely cause"},
      {EPERM, 0, 0, "security policy"},
      {ENOSYS, -1, 0, "Linux 6.1 or newer"},
      {ENOMEM, 0, 0, "ulimit -l"},
      {EMFILE, 0, 0, "Too many open files"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct io_error error;
    uring_explain(rows[i].code, rows[i].sysctl, rows[i].seccomp, &error);
    assert_int_equal(error.code, rows[i].code);
    if (!strstr(error.text, rows[i].word)) fail_msg("\"%s\" in: %s", rows[i].word, error.text);
    assert_null(strchr(error.text, '\n'));
    assert_true(strlen(error.text) < sizeof error.text - 1);
  }
}

static void test_refused_by_seccomp(void **state) {
  static const int codes[] = {EPERM, ENOSYS};
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    pid_t child = fork();
    if (child == 0) {
      struct uring uring;
      struct io_error error = {.text = ""};
      _exit(no_io_uring(codes[i]) && !uring_open(&uring, 0, &error) && error.code == codes[i] &&
                    strstr(error.text, "seccomp profile")
                ? 7
                : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
  }
}

/* A user with next to no lockable memory gets shorter queues, not a refusal. */
static void test_locked_memory_limit(void **state) {
  (void)state;
  if (geteuid() != 0) skip(); /* only root can become another user */
  pid_t child = fork();
  if (child == 0) {
    struct rlimit little = {.rlim_cur = 65536, .rlim_max = 65536};
    struct uring uring;
    struct io_error error = {.text = ""};
    const uid_t user = 100000 + (uid_t)getpid(); /* whose locked memory no other process uses */
    if (setrlimit(RLIMIT_MEMLOCK, &little) || setresuid(user, user, user)) _exit(2);
    if (!uring_open(&uring, 0, &error)) _exit(3);
    submit_nops(&uring, 500);
    expect_all(&uring, 500);
    _exit(7);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 7);
}

/* No descriptor for the ring: an error, and nothing is left open. */
/* What comes after uring_enter() is for the next one. */
static void test_order(void **state) {
  (void)state;
  struct uring uring;
  struct ring_completion out[IO_SETTLE_BATCH];
  int fds[2];
  open_or_fail(&uring, 0);
  assert_int_equal(pipe(fds), 0);
  uring_poll(&uring, fds[0], POLLIN, 7);
  uring_enter(&uring, 0);
  assert_int_equal(write(fds[1], "a", 1), 1);
  if (uring.features & URING_DEFER_TASKRUN)
    assert_int_equal(uring_reap(&uring, out, IO_SETTLE_BATCH), 0);
  uring_enter(&uring, 0);
  assert_int_equal(uring_reap(&uring, out, IO_SETTLE_BATCH), 1);
  assert_int_equal(out[0].user_data, 7);
  uring_close(&uring);
  close(fds[0]);
  close(fds[1]);
}

static void test_no_descriptor(void **state) {
  (void)state;
  struct rlimit before, none;
  struct uring uring;
  struct io_error error = {.text = ""};
  getrlimit(RLIMIT_NOFILE, &before);
  none = before;
  none.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  bool opened = uring_open(&uring, 0, &error);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_false(opened);
  assert_int_equal(error.code, EMFILE);
  assert_non_null(strstr(error.text, "Too many open files"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_features_alone_and_together),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_full_queues),
      cmocka_unit_test(test_waits),
      cmocka_unit_test(test_batches),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_explanations),
      cmocka_unit_test(test_refused_by_seccomp),
      cmocka_unit_test(test_locked_memory_limit),
      cmocka_unit_test(test_no_descriptor),
  };
  return cmocka_run_group_tests_name("uring", tests, NULL, NULL);
}
