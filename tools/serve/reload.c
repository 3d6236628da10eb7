/*
 * serve/reload.c - see serve/reload.h.
 */
#include "tools/serve/reload.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/serve/config/file.h"
#include "tools/serve/config/load.h"
#include "tools/serve/config/stays.h"
#include "tools/serve/listen.h"
#include "tools/serve/named.h"
#include "tools/serve/say.h"
#include "tools/serve/tls/watch.h"
#include "tools/serve/worker.h"

struct reload {
  struct server *server;
  struct worker_group *group;
  struct serve_config *config; /* the next one */
  struct serve_tls_next tls;
  struct serve_listener slots[SERVE_SLOTS_MAX]; /* as they will be */
  bool added[SERVE_SLOTS_MAX], removed[SERVE_SLOTS_MAX];
  /* Answers of workers. */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned waiting;
  bool failed;
  struct io_error error; /* why it is refused */
};

/* ---- asking all workers ---------------------------------------------------------------------- */

static void answer(struct reload *reload, bool good, const struct io_error *error) {
  pthread_mutex_lock(&reload->lock);
  if (!good && !reload->failed) reload->error = *error;
  reload->failed |= !good;
  if (--reload->waiting == 0) pthread_cond_signal(&reload->changed);
  pthread_mutex_unlock(&reload->lock);
}

static void prepare(struct worker *worker, void *object) {
  struct reload *reload = object;
  struct io_error error = {0};
  bool good = serve_worker_prepare(reload->server, worker, reload->config, &error);
  answer(reload, good, &error);
}

static void forget(struct worker *worker, void *object) {
  serve_worker_forget(worker);
  answer(object, true, NULL);
}

static void swap(struct worker *worker, void *object) {
  struct reload *reload = object;
  struct io_error error = {0};
  bool good = serve_worker_swap(reload->server, worker, reload->added, reload->removed);
  if (!good) io_error_set(&error, 0, "out of memory for a new address");
  answer(reload, good, &error);
}

/* Each worker does it between two turns. Returns when all have; false when it failed in one. */
static bool ask_all(struct reload *reload, void (*what)(struct worker *worker, void *object)) {
  const struct timespec pause = {.tv_nsec = SERVE_MAILBOX_PAUSE_NS};
  reload->waiting = reload->server->workers;
  reload->failed = false;
  for (unsigned i = 0; i < reload->server->workers; i++)
    while (!worker_group_post(reload->group, i, what, reload))
      nanosleep(&pause, NULL);
  pthread_mutex_lock(&reload->lock);
  while (reload->waiting > 0)
    pthread_cond_wait(&reload->changed, &reload->lock);
  pthread_mutex_unlock(&reload->lock);
  return !reload->failed;
}

/* ---- listeners ------------------------------------------------------------------------------- */

static bool is_same(const struct address *one, const struct address *other) {
  char a[ADDRESS_TEXT_BYTES], b[ADDRESS_TEXT_BYTES];
  return strcmp(address_format(one, a), address_format(other, b)) == 0;
}

/* The slot of that address, if no other listener has got it; else SERVE_SLOTS_MAX. */
static unsigned find_slot(const struct server *server, const struct serve_listener *wanted,
                          const bool *taken) {
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++)
    if (server->used[i] && !taken[i] && is_same(&server->slots[i].address, &wanted->address))
      return i;
  return SERVE_SLOTS_MAX;
}

/* Round and round, so that a slot rests before it is used again: its last socket is closed by then. */
static unsigned free_slot(struct server *server) {
  do
    server->last_slot = (server->last_slot + 1) % SERVE_SLOTS_MAX;
  while (server->used[server->last_slot]);
  return server->last_slot;
}

static void close_slot(struct server *server, unsigned slot) {
  if (server->listening[slot]) {
    replacement_drop(&server->supervision.replacement, &server->listeners[slot].address);
    listener_close(&server->listeners[slot]);
  }
  server->used[slot] = server->listening[slot] = false;
}

/* Opens what is new, and notes what ends. False with reload->error. */
static bool plan_listeners(struct reload *reload) {
  struct server *server = reload->server;
  const struct serve_config *config = reload->config;
  bool taken[SERVE_SLOTS_MAX] = {false};
  unsigned before = 0;
  memcpy(reload->slots, server->slots, sizeof reload->slots);
  for (unsigned i = 0; i < config->listener_count; i++) {
    unsigned slot = find_slot(server, &config->listeners[i], taken);
    bool is_new = slot == SERVE_SLOTS_MAX;
    if (is_new) slot = free_slot(server);
    if (is_new && !serve_listen_slot(server, config, i, slot, before, &reload->error)) return false;
    reload->added[slot] = is_new;
    reload->slots[slot] = config->listeners[i];
    taken[slot] = true;
    before = slot;
  }
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++)
    reload->removed[i] = server->used[i] && !taken[i];
  return true;
}

static void close_slots(struct server *server, const bool *which) {
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++)
    if (which[i]) close_slot(server, i);
}

static void say_listeners(const struct reload *reload) {
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++) {
    if (reload->added[i]) serve_say_listener(reload->server, i, "listening on");
    if (reload->removed[i] && reload->server->listening[i])
      serve_say_listener(reload->server, i, "no longer listening on");
  }
}

/* ---- settings that stay ---------------------------------------------------------------------- */

static void say_stays(void *ctx, const char *name) {
  (void)ctx;
  say("%s stays as it was: restart to change it", name);
}

/* ---- all ------------------------------------------------------------------------------------- */

static struct serve_config *read_config(const struct server *server) {
  struct mistakes mistakes = {0};
  struct io_error error = {0};
  if (!file_is_ready(server->file, &error)) {
    (void)complain(EXIT_FAILED, "%s", error.text);
    return NULL;
  }
  struct serve_config *config = config_file_read(server->file, &mistakes);
  bool good = config && config_load(config, &mistakes);
  if (config) good &= serve_named_try(config, &mistakes);
  if (good && serve_listen_inherited(server, config) == EXIT_DONE) return config;
  serve_tell_mistakes(&mistakes, server->file);
  config_release(config);
  return NULL;
}

/* Asks the workers whether all of them can. */
static bool prepare_workers(struct reload *reload) {
  struct server *server = reload->server;
  uint16_t port = server->https_port;
  server->https_port = serve_listen_https_port(server, reload->slots, reload->removed);
  if (ask_all(reload, prepare)) return true;
  const struct io_error why = reload->error;
  (void)ask_all(reload, forget);
  reload->error = why;
  server->https_port = port;
  return false;
}

/* All that can be refused. False with reload->error; nothing has changed. */
static bool get_ready(struct reload *reload) {
  struct server *server = reload->server;
  bool had_tls = server->tls.context;
  if (serve_tls_prepare(&server->tls, reload->config, &reload->tls, &reload->error) &&
      plan_listeners(reload) && prepare_workers(reload))
    return true;
  close_slots(server, reload->added);
  serve_tls_forget(&reload->tls);
  if (!had_tls) serve_tls_close(&server->tls); /* no worker has it */
  return false;
}

static void put_in_force(struct reload *reload) {
  struct server *server = reload->server;
  struct serve_config *before = server->config;
  if (!serve_tls_swap(&server->tls, &reload->tls, &reload->error))
    complain(EXIT_FAILED, "%s", reload->error.text);
  server->config = reload->config;
  memcpy(server->slots, reload->slots, sizeof server->slots);
  if (!ask_all(reload, swap)) complain(EXIT_FAILED, "%s", reload->error.text);
  say_listeners(reload);
  close_slots(server, reload->removed);
  config_release(before);
}

void serve_reload(struct server *server, struct worker_group *group) {
  if (!server->file) {
    complain(EXIT_FAILED, "SIGHUP: not started with --config, there is no file to read anew");
    return;
  }
  systemd_reloading(&server->supervision.systemd);
  struct reload reload = {.server = server,
                          .group = group,
                          .config = read_config(server),
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER};
  bool good = reload.config && get_ready(&reload);
  if (good) {
    put_in_force(&reload);
    config_stays(server->first, server->tls.first, server->config, say_stays, NULL);
    say("reloaded %s", server->file);
  } else {
    if (reload.config) complain(EXIT_FAILED, "%s", reload.error.text);
    complain(EXIT_FAILED, "not reloaded: the configuration before stays in force");
    config_release(reload.config);
  }
  systemd_notify(&server->supervision.systemd, "READY=1", "%s",
                 good ? "serving by the configuration that was reloaded"
                      : "not reloaded: the configuration before stays in force");
}
