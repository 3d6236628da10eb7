/*
 * lib/group.c - see lib/group.h.
 */
#include "tools/lib/group.h"

#include <signal.h>

bool weir_group_start(struct worker_group *group, struct worker_config *config, const char *ring,
                      struct io_error *error) {
  sigset_t all, before;
  if (ring && !ring_choice_parse(ring, &config->ring))
    return io_error_set(error, 0, "ring \"%s\": expected auto, io_uring or epoll", ring);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = worker_group_start(group, config, error);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

bool weir_group_is_own_thread(const struct worker_group *group) {
  for (unsigned i = 0; i < group->config.count; i++)
    if (pthread_equal(group->workers[i].thread, pthread_self())) return true;
  return false;
}
