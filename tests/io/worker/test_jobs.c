/*
 * files/test_jobs.c - jobs on threads beside a loop: they run, are told of on the loop, and end with it.
 */
#include "tests/support/cmocka.h"

#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/ring/op.h"
#include "io/worker/jobs.h"

enum { WAITING_MAX = 4 };

static struct loop loop;
static struct jobs *jobs;
static struct jobs_desk desk;

/* A job that waits for the test, if the test says so. */
struct work {
  struct job job; /* first */
  sem_t *gate;    /* NULL: it runs through */
  pthread_t ran_by;
  unsigned runs, dones;
  bool ran;
};

static void run(struct job *job) {
  struct work *work = (struct work *)job;
  if (work->gate) sem_wait(work->gate);
  work->ran_by = pthread_self();
  work->runs++;
}

static void done(struct job *job, bool ran) {
  struct work *work = (struct work *)job;
  work->dones++;
  work->ran = ran;
}

static struct work work_of(sem_t *gate) {
  return (struct work){.job = {.run = run, .done = done}, .gate = gate};
}

static void turn_of(struct loop *of) {
  struct ring_completion completions[IO_SETTLE_BATCH];
  ring_enter(&of->ring, 1000000);
  unsigned count = ring_reap(&of->ring, completions, IO_SETTLE_BATCH);
  for (unsigned i = 0; i < count; i++)
    if (op_kind(completions[i].user_data) == OP_LOOP) loop_op_completed(of, &completions[i]);
}

static void turn(void) {
  turn_of(&loop);
}

/* As a worker does: the operations of the loop end before the desk is closed. */
static void end(struct loop *of) {
  of->ending = true;
  while (of->ops.under_way) {
    loop_cancel_all(of);
    turn_of(of);
  }
}

static void open_loop(struct loop *new) {
  struct io_error error = {0};
  struct ring_chosen chosen;
  if (!ring_choose(RING_AUTO, 0, &chosen, &error)) fail_msg("%s", error.text);
  if (!loop_open(new, chosen.engine, 0, 8, 4096, &error)) fail_msg("%s", error.text);
}

static int set_up(void **state) {
  struct io_error error;
  (void)state;
  loop = (struct loop){0};
  open_loop(&loop);
  jobs = jobs_create(1, WAITING_MAX, &error);
  assert_non_null(jobs);
  jobs_open(&desk, jobs, &loop);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  end(&loop);
  jobs_close(&desk);
  jobs_close(&desk); /* nothing is left to do */
  jobs_free(jobs);
  loop_close(&loop);
  return 0;
}

static void test_jobs_are_run_and_told(void **state) {
  struct work works[3] = {work_of(NULL), work_of(NULL), work_of(NULL)};
  (void)state;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 3; i++)
      assert_true(jobs_put(&desk, &works[i].job));
    while (works[2].dones == (unsigned)round)
      turn();
    for (int i = 0; i < 3; i++) {
      assert_int_equal(works[i].runs, round + 1);
      assert_int_equal(works[i].dones, round + 1);
      assert_true(works[i].ran);
      assert_false(pthread_equal(works[i].ran_by, pthread_self()));
    }
  }
}

static void test_the_queue_is_bounded(void **state) {
  sem_t gate;
  struct work first = work_of(&gate), works[WAITING_MAX + 1];
  unsigned put = 0;
  (void)state;
  sem_init(&gate, 0, 0);
  assert_true(jobs_put(&desk, &first.job));
  for (unsigned i = 0; i <= WAITING_MAX; i++) {
    works[i] = work_of(NULL);
    if (!jobs_put(&desk, &works[i].job)) break;
    put++;
  }
  /* The thread may not have taken the first one yet. */
  assert_true(put == WAITING_MAX || put == WAITING_MAX - 1);
  assert_int_equal(works[put].runs, 0);
  sem_post(&gate);
  while (works[put - 1].dones == 0)
    turn();
  sem_destroy(&gate);
}

/* One runs to its end, the others never begin, and all are told of. */
static void test_a_desk_closes_with_jobs(void **state) {
  sem_t gate;
  struct work running = work_of(&gate), waiting = work_of(NULL), other = work_of(NULL);
  struct jobs_desk second;
  struct loop second_loop = {0};
  (void)state;
  sem_init(&gate, 0, 0);
  open_loop(&second_loop);
  jobs_open(&second, jobs, &second_loop);
  assert_true(jobs_put(&desk, &other.job)); /* of a desk that stays */
  while (other.dones == 0)
    turn();
  assert_true(jobs_put(&desk, &running.job));
  assert_true(jobs_put(&second, &waiting.job));
  end(&second_loop);
  jobs_close(&second);
  loop_close(&second_loop);
  assert_int_equal(waiting.dones, 1);
  assert_false(waiting.ran);
  assert_int_equal(waiting.runs, 0);
  assert_int_equal(running.dones, 0);
  sem_post(&gate);
  while (running.dones == 0)
    turn();
  assert_true(running.ran);
  sem_destroy(&gate);
}

/* What a desk takes along makes room for others. */
static void test_withdrawn_jobs_make_room(void **state) {
  sem_t gate;
  struct work running = work_of(&gate), withdrawn[WAITING_MAX], works[WAITING_MAX];
  struct jobs_desk second;
  struct loop second_loop = {0};
  (void)state;
  sem_init(&gate, 0, 0);
  open_loop(&second_loop);
  jobs_open(&second, jobs, &second_loop);
  assert_true(jobs_put(&desk, &running.job));
  for (unsigned i = 0; i < WAITING_MAX; i++) {
    withdrawn[i] = work_of(NULL);
    while (!jobs_put(&second, &withdrawn[i].job)) /* until the thread has taken the first one */
      sched_yield();
  }
  end(&second_loop);
  jobs_close(&second);
  loop_close(&second_loop);
  for (unsigned i = 0; i < WAITING_MAX; i++) {
    works[i] = work_of(NULL);
    assert_true(jobs_put(&desk, &works[i].job));
  }
  sem_post(&gate);
  while (works[WAITING_MAX - 1].dones == 0)
    turn();
  sem_destroy(&gate);
}

static void run_slowly(struct job *job) {
  usleep(20000);
  run(job);
}

/* The thread needs the lock to tell that it is done. */
static void test_closing_waits_for_a_slow_job(void **state) {
  struct work slow = work_of(NULL), waiting = work_of(NULL);
  (void)state;
  slow.job.run = run_slowly;
  assert_true(jobs_put(&desk, &slow.job));
  assert_true(jobs_put(&desk, &waiting.job));
  assert_int_equal(tear_down(NULL), 0);
  assert_int_equal(slow.dones, 1);
  assert_int_equal(slow.runs, slow.ran);
  assert_int_equal(waiting.dones, 1);
  assert_int_equal(waiting.runs, waiting.ran);
  assert_int_equal(set_up(NULL), 0);
}

static void test_closing_waits_for_what_runs(void **state) {
  sem_t gate;
  struct work running = work_of(&gate);
  (void)state;
  sem_init(&gate, 0, 1);
  assert_true(jobs_put(&desk, &running.job));
  assert_int_equal(tear_down(NULL), 0);
  assert_int_equal(running.dones, 1);
  assert_int_equal(running.runs, running.ran);
  sem_destroy(&gate);
  assert_int_equal(set_up(NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_jobs_are_run_and_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_desk_closes_with_jobs, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_withdrawn_jobs_make_room, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_closing_waits_for_a_slow_job, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_closing_waits_for_what_runs, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("worker/jobs", tests, NULL, NULL);
}
