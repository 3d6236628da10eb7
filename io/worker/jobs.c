/*
 * worker/jobs.c - one lock, one queue for the threads, one list for each loop.
 */
#include "io/worker/jobs.h"

#include "io/base/error.h"
#include "io/worker/limits.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

struct jobs {
  pthread_mutex_t lock; /* of all below, and of the desks' lists */
  pthread_cond_t put;   /* a job waits, or the end has come */
  pthread_cond_t ended; /* a job has been run */
  struct job_list waiting;
  unsigned waiting_count, waiting_max, desks;
  bool ending;
  unsigned thread_count;
  pthread_t threads[];
};

/* ---- lists ----------------------------------------------------------------------------------- */

static void append(struct job_list *list, struct job *job) {
  job->next = NULL;
  *(list->last ? &list->last->next : &list->first) = job;
  list->last = job;
}

static struct job *take_first(struct job_list *list) {
  struct job *job = list->first;
  if (!job) return NULL;
  list->first = job->next;
  if (!list->first) list->last = NULL;
  return job;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* The next job; NULL at the end. */
static struct job *next_job(struct jobs *jobs) {
  pthread_mutex_lock(&jobs->lock);
  while (!jobs->waiting.first && !jobs->ending)
    pthread_cond_wait(&jobs->put, &jobs->lock);
  struct job *job = take_first(&jobs->waiting);
  if (job) jobs->waiting_count--;
  pthread_mutex_unlock(&jobs->lock);
  return job;
}

/* With the lock, because the desk may be closed as soon as the job counts as ended. */
static void end_job(struct jobs *jobs, struct job *job) {
  uint64_t one = 1;
  pthread_mutex_lock(&jobs->lock);
  struct jobs_desk *desk = job->desk;
  bool first = !desk->ended.first;
  append(&desk->ended, job);
  desk->under_way--;
  if (first && write(desk->fd, &one, sizeof one) < 0) {
    /* The counter is about to overflow: a wake-up is pending anyway. */
  }
  pthread_cond_broadcast(&jobs->ended);
  pthread_mutex_unlock(&jobs->lock);
}

static void *thread(void *argument) {
  struct jobs *jobs = argument;
  struct job *job;
  pthread_setname_np(pthread_self(), "weir-jobs");
  (void)setpriority(PRIO_PROCESS, 0, JOBS_NICE); /* of this thread alone */
  while ((job = next_job(jobs))) {
    job->run(job);
    end_job(jobs, job);
  }
  return NULL;
}

struct jobs *jobs_create(unsigned threads, unsigned waiting_max, struct io_error *error) {
  struct jobs *jobs = calloc(1, sizeof *jobs + threads * sizeof jobs->threads[0]);
  sigset_t all, before;
  int code = 0;
  if (!jobs) {
    io_error_set(error, ENOMEM, "no memory for threads");
    return NULL;
  }
  jobs->waiting_max = waiting_max;
  pthread_mutex_init(&jobs->lock, NULL);
  pthread_cond_init(&jobs->put, NULL);
  pthread_cond_init(&jobs->ended, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (jobs->thread_count < threads && !code) {
    code = pthread_create(&jobs->threads[jobs->thread_count], NULL, thread, jobs);
    jobs->thread_count += code == 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!code) return jobs;
  io_error_set(error, code, "cannot start a thread: %s", strerror(code));
  jobs_free(jobs);
  return NULL;
}

void jobs_free(struct jobs *jobs) {
  if (!jobs) return;
  assert(jobs->desks == 0);
  pthread_mutex_lock(&jobs->lock);
  jobs->ending = true;
  pthread_cond_broadcast(&jobs->put);
  pthread_mutex_unlock(&jobs->lock);
  for (unsigned i = 0; i < jobs->thread_count; i++)
    pthread_join(jobs->threads[i], NULL);
  pthread_cond_destroy(&jobs->put);
  pthread_cond_destroy(&jobs->ended);
  pthread_mutex_destroy(&jobs->lock);
  free(jobs);
}

/* ---- desks ----------------------------------------------------------------------------------- */

static bool wait_for_end(struct jobs_desk *desk) {
  return loop_read_ready(desk->loop, &desk->op, desk->fd, &desk->value, sizeof desk->value);
}

/* Tells of all that has been run. Their done() may put others. */
static void tell(struct jobs_desk *desk) {
  pthread_mutex_lock(&desk->jobs->lock);
  struct job_list ended = desk->ended;
  desk->ended = (struct job_list){0};
  pthread_mutex_unlock(&desk->jobs->lock);
  struct job *job;
  while ((job = take_first(&ended)))
    job->done(job, true);
}

static void woken(struct loop_op *op, int result, unsigned flags) {
  struct jobs_desk *desk = (struct jobs_desk *)((char *)op - offsetof(struct jobs_desk, op));
  (void)result;
  (void)flags;
  if (!wait_for_end(desk)) return; /* the loop is ending: jobs_close() tells the rest */
  tell(desk);
}

void jobs_open(struct jobs_desk *desk, struct jobs *jobs, struct loop *loop) {
  *desk = (struct jobs_desk){.jobs = jobs, .loop = loop, .fd = -1, .op = {.done = woken}};
  pthread_mutex_lock(&jobs->lock);
  jobs->desks++;
  pthread_mutex_unlock(&jobs->lock);
}

/* Before the first job. */
static bool listen_for_end(struct jobs_desk *desk) {
  if (desk->fd >= 0) return true;
  desk->fd = eventfd(0, EFD_CLOEXEC);
  if (desk->fd < 0) return false;
  if (wait_for_end(desk)) return true;
  ring_close_fd(&desk->loop->ring, desk->fd);
  desk->fd = -1;
  return false;
}

bool jobs_put(struct jobs_desk *desk, struct job *job) {
  struct jobs *jobs = desk->jobs;
  if (!listen_for_end(desk)) return false;
  job->desk = desk;
  pthread_mutex_lock(&jobs->lock);
  bool room = jobs->waiting_count < jobs->waiting_max;
  if (room) {
    append(&jobs->waiting, job);
    jobs->waiting_count++;
    desk->under_way++;
    pthread_cond_signal(&jobs->put);
  }
  pthread_mutex_unlock(&jobs->lock);
  return room;
}

/* With the lock: takes this desk's jobs out of the queue. */
static struct job_list withdraw(struct jobs_desk *desk) {
  struct jobs *jobs = desk->jobs;
  struct job_list left = {0}, mine = {0};
  struct job *job;
  while ((job = take_first(&jobs->waiting)))
    append(job->desk == desk ? &mine : &left, job);
  jobs->waiting = left;
  for (job = mine.first; job; job = job->next) {
    jobs->waiting_count--;
    desk->under_way--;
  }
  return mine;
}

void jobs_close(struct jobs_desk *desk) {
  struct jobs *jobs = desk->jobs;
  struct job *job;
  if (!jobs) return;
  pthread_mutex_lock(&jobs->lock);
  struct job_list never = withdraw(desk);
  while (desk->under_way > 0)
    pthread_cond_wait(&jobs->ended, &jobs->lock);
  jobs->desks--;
  pthread_mutex_unlock(&jobs->lock);
  tell(desk);
  while ((job = take_first(&never)))
    job->done(job, false);
  assert(!desk->ended.first && desk->under_way == 0);
  if (desk->fd >= 0) ring_close_fd(&desk->loop->ring, desk->fd);
  *desk = (struct jobs_desk){0};
}
