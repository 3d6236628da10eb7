/*
 * worker/jobs.h - work that would hold up a loop, done by threads beside it.
 *
 *     job->run = compress; job->done = compressed;
 *     if (!jobs_put(&desk, job)) ...            // too many wait: do without
 *         run(job) on one of the threads ... done(job) on the loop's own thread
 *
 * The threads serve all loops of the process, in the order of the requests. They yield to the loops: their
 * niceness is JOBS_NICE.
 *
 * Owner: the process has struct jobs, and each loop a struct jobs_desk. A job is embedded in its owner, and stays
 * until done(). jobs_put() and done() take a lock for some instructions.
 */
#ifndef WEIR_IO_WORKER_JOBS_H
#define WEIR_IO_WORKER_JOBS_H

#include "io/ring/loop.h"

#include <pthread.h>

struct io_error;
struct jobs;
struct jobs_desk;

struct job {
  void (*run)(struct job *job);
  void (*done)(struct job *job, bool ran); /* not ran: the desk was closed first */
  struct jobs_desk *desk;                  /* private from here on */
  struct job *next;
};

struct job_list {
  struct job *first, *last;
};

/* A loop's end of it. Stays where it is. */
struct jobs_desk {
  struct jobs *jobs;
  struct loop *loop;
  int fd; /* eventfd: a job has been run; -1 before the first one */
  uint64_t value;
  struct loop_op op;
  struct job_list ended; /* with the lock: run, and not told */
  unsigned under_way;    /* with the lock: put, and not ended */
};

/* Starts `threads` threads, with all signals blocked; at most `waiting_max` jobs wait for one. NULL with
 * error->text. */
__attribute__((warn_unused_result)) struct jobs *jobs_create(unsigned threads, unsigned waiting_max,
                                                             struct io_error *error);

/* All desks must be closed (asserted). NULL is allowed. */
void jobs_free(struct jobs *jobs);

/* The loop's thread. Takes a descriptor and an operation of the loop only with the first job. */
void jobs_open(struct jobs_desk *desk, struct jobs *jobs, struct loop *loop);

/* The loop's thread; run() and done() are set. False when too many wait, or resources are refused; nothing is called
 * then. */
__attribute__((warn_unused_result)) bool jobs_put(struct jobs_desk *desk, struct job *job);

/* The loop's thread, after its last turn and before loop_close(): waits for jobs that run, and calls done()
 * of all that are left. Does nothing for a desk that is all zero. */
void jobs_close(struct jobs_desk *desk);

#endif
