/*
 * worker/group.c - threads, and what they agree on before they run.
 */
#include "io/worker/group.h"

#include "io/worker/cpus.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says how this worker's setup went and waits for the others'. Returns whether all may run. */
static bool meet(struct worker_group *group, bool ready, const struct io_error *error) {
  pthread_mutex_lock(&group->lock);
  if (ready)
    group->ready++;
  else if (group->failed++ == 0)
    group->error = *error;
  pthread_cond_broadcast(&group->changed);
  while (ready && !group->go && !group->abandon)
    pthread_cond_wait(&group->changed, &group->lock);
  bool go = group->go;
  pthread_mutex_unlock(&group->lock);
  return ready && go;
}

static void *worker_thread(void *argument) {
  struct worker *worker = argument;
  struct worker_group *group = worker->group;
  const struct worker_hooks *hooks = &group->config.hooks;
  struct io_error error = {.text = "a worker could not be set up"};
  char name[16];
  snprintf(name, sizeof name, "weir-%u", worker->index);
  pthread_setname_np(pthread_self(), name);
  if (group->config.pin) cpus_pin(group->config.pin_first + worker->index);
  bool open = worker_open(worker, &error);
  bool set_up = open && (!hooks->setup || hooks->setup(worker, hooks->ctx, &error));
  if (meet(group, set_up, &error) && !worker_run(worker)) {
    atomic_store(&worker->ended, true);
    ring_explain_refused(&worker->loop.ring, &error);
    if (hooks->refused) hooks->refused(worker, hooks->ctx, &error);
    return NULL;
  }
  atomic_store(&worker->ended, true);
  if (open) worker_end(worker);
  if (set_up && hooks->stopped) hooks->stopped(worker, hooks->ctx);
  worker_close(worker);
  return NULL;
}

static struct worker_config with_defaults(struct worker_config config) {
  if (!config.links_max) config.links_max = IO_LINKS_MAX;
  if (!config.buffer_count) config.buffer_count = IO_BUFFER_COUNT;
  if (!config.buffer_bytes) config.buffer_bytes = IO_BUFFER_BYTES;
  if (!config.keep_bytes_max) config.keep_bytes_max = IO_KEEP_BYTES_MAX;
  if (!config.send_stall_ns) config.send_stall_ns = IO_SEND_STALL_NS;
  return config;
}

static void free_all(struct worker_group *group) {
  for (unsigned i = 0; group->workers && i < group->config.count; i++)
    worker_release(&group->workers[i]);
  free(group->workers);
  group->workers = NULL;
  pthread_cond_destroy(&group->changed);
  pthread_mutex_destroy(&group->lock);
}

/* Aligned so that no two workers share a cache line. */
static bool allocate(struct worker_group *group) {
  unsigned count = group->config.count;
  group->workers = aligned_alloc(_Alignof(struct worker), count * sizeof *group->workers);
  if (!group->workers) return false;
  memset(group->workers, 0, count * sizeof *group->workers);
  for (unsigned i = 0; i < count; i++) {
    struct worker *worker = &group->workers[i];
    worker->index = i;
    worker->group = group;
    worker->config = &group->config;
    worker->orders = &group->orders;
    worker->wake_fd = -1;
    mailbox_init(&worker->inbox);
  }
  return true;
}

/* Signals are for the thread that started the group. */
static bool start_threads(struct worker_group *group, struct io_error *error) {
  sigset_t all, before;
  int code = 0;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (unsigned i = 0; i < group->config.count && !code; i++) {
    struct worker *worker = &group->workers[i];
    code = pthread_create(&worker->thread, NULL, worker_thread, worker);
    worker->has_thread = code == 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code == 0 || io_error_set(error, code, "cannot start a worker: %s", strerror(code));
}

static void join_threads(struct worker_group *group) {
  for (unsigned i = 0; i < group->config.count; i++)
    if (group->workers[i].has_thread) pthread_join(group->workers[i].thread, NULL);
}

/* Waits until every worker has said how its setup went; then all run, or all end. */
static bool decide(struct worker_group *group, bool all_started, struct io_error *error) {
  pthread_mutex_lock(&group->lock);
  while (all_started && !group->failed && group->ready < group->config.count)
    pthread_cond_wait(&group->changed, &group->lock);
  if (all_started && !group->failed)
    group->go = true;
  else
    group->abandon = true;
  if (group->failed && error) *error = group->error;
  bool go = group->go;
  pthread_cond_broadcast(&group->changed);
  pthread_mutex_unlock(&group->lock);
  return go;
}

bool worker_group_start(struct worker_group *group, const struct worker_config *config,
                        struct io_error *error) {
  assert(config->count >= 1 && config->count <= IO_WORKERS_MAX);
  *group = (struct worker_group){.config = with_defaults(*config)};
  if (!ring_choose(config->ring, config->disabled, &group->chosen, error)) return false;
  group->config.ring = group->chosen.engine;
  pthread_mutex_init(&group->lock, NULL);
  pthread_cond_init(&group->changed, NULL);
  if (!allocate(group)) {
    free_all(group);
    return io_error_set(error, ENOMEM, "no memory for %u workers", config->count);
  }
  bool started = start_threads(group, error);
  if (decide(group, started, error)) return true;
  join_threads(group);
  free_all(group);
  return false;
}

static void give_order(struct worker_group *group, unsigned order) {
  atomic_store(&group->orders.order, order);
  for (unsigned i = 0; i < group->config.count; i++)
    worker_wake(&group->workers[i]);
}

void worker_group_leave(struct worker_group *group) {
  give_order(group, WORKER_LEAVE);
}

void worker_group_drain(struct worker_group *group, uint64_t deadline_ns) {
  atomic_store(&group->orders.drain_deadline_ns, deadline_ns);
  give_order(group, WORKER_DRAIN);
}

void worker_group_stop(struct worker_group *group) {
  give_order(group, WORKER_STOP);
}

bool worker_group_post(struct worker_group *group, unsigned index,
                       void (*deliver)(struct worker *to, void *object), void *object) {
  assert(index < group->config.count);
  struct worker *to = &group->workers[index];
  struct mailbox_message message = {.deliver = deliver, .object = object};
  if (!mailbox_put(&to->inbox, message)) return false;
  worker_wake(to);
  return true;
}

bool worker_group_has_turned(struct worker_group *group) {
  bool all = true;
  for (unsigned i = 0; i < group->config.count; i++) {
    struct worker *worker = &group->workers[i];
    uint64_t turns = counter_get(&worker->loop.counters.turns);
    all &= turns != worker->turns_seen || atomic_load(&worker->ended);
    worker->turns_seen = turns;
    worker_wake(worker);
  }
  return all;
}

void worker_group_join(struct worker_group *group) {
  join_threads(group);
  free_all(group);
}

/* struct loop_counters is an array of uint64_t with names. */
struct loop_counters worker_group_counters(const struct worker_group *group) {
  enum { COUNT = sizeof(struct loop_counters) / sizeof(uint64_t) };
  struct loop_counters sum = {0};
  for (unsigned i = 0; i < group->config.count; i++) {
    const uint64_t *from = (const uint64_t *)&group->workers[i].loop.counters;
    for (unsigned j = 0; j < COUNT; j++)
      ((uint64_t *)&sum)[j] += counter_get(&from[j]);
  }
  return sum;
}
