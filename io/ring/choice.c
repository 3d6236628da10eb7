/*
 * ring/choice.c - see ring/choice.h.
 */
#include "io/ring/choice.h"

#include "io/ring/uring.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [RING_AUTO] = "auto", [RING_IO_URING] = "io_uring", [RING_EPOLL] = "epoll"};
enum { CHOICES = sizeof names / sizeof names[0] };

const char *ring_choice_name(enum ring_choice choice) {
  return names[choice];
}

bool ring_choice_parse(const char *text, enum ring_choice *choice) {
  for (unsigned i = 0; i < CHOICES; i++) {
    if (strcmp(text, names[i]) != 0) continue;
    *choice = (enum ring_choice)i;
    return true;
  }
  return false;
}

/* What uring_open() fails with where io_uring cannot be had at all: EINVAL and ENOSYS on old kernels, the others
 * by policy, and ETIME if a ring never answers. */
static bool is_refusal(int code) {
  return code == EPERM || code == EACCES || code == ENOSYS || code == EINVAL || code == ETIME;
}

/* An io_uring that is set up and closed. */
struct trial {
  unsigned disabled;
  bool opened;
  struct io_error why;
};

static void *run_trial(void *self) {
  struct trial *trial = self;
  struct uring uring;
  trial->opened = uring_open(&uring, trial->disabled, &trial->why);
  if (trial->opened) uring_close(&uring);
  return NULL;
}

/* Runs on a thread of its own. The kernel takes a closed ring apart later, and interrupts the system calls of
 * the thread that made it to do so: a timed recv() of our caller would fail with EINTR. False if there is no thread. */
static bool try_io_uring(struct trial *trial) {
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&thread, NULL, run_trial, trial);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0)
    return io_error_set(&trial->why, code, "cannot start a thread: %s", strerror(code));
  pthread_join(thread, NULL);
  return true;
}

bool ring_choose(enum ring_choice wanted, unsigned disabled, struct ring_chosen *chosen,
                 struct io_error *error) {
  const char *text = getenv("WEIR_RING");
  struct trial trial = {.disabled = disabled};
  if (wanted == RING_AUTO && text && *text && !ring_choice_parse(text, &wanted))
    return io_error_set(error, EINVAL, "WEIR_RING must be auto, io_uring or epoll, not '%s'", text);
  *chosen = (struct ring_chosen){.engine = wanted};
  if (wanted != RING_AUTO) return true;
  chosen->engine = RING_IO_URING;
  if (!try_io_uring(&trial)) return io_error_set(error, trial.why.code, "%s", trial.why.text);
  if (trial.opened) return true;
  chosen->engine = RING_EPOLL;
  chosen->why = trial.why;
  if (is_refusal(trial.why.code)) return true;
  return io_error_set(error, trial.why.code, "%s; --ring epoll does without", trial.why.text);
}
