/*
 * serve/open.c - see serve/open.h.
 */
#include "tools/serve/open.h"

#include <stdlib.h>
#include <string.h>

#include "io/worker/cpus.h"
#include "tools/common/process.h"
#include "tools/serve/config/load.h"
#include "tools/serve/listen.h"
#include "tools/serve/metrics_serve.h"
#include "tools/serve/named.h"
#include "tools/serve/say.h"

static int read_environment(struct server *server) {
  const char *text = getenv("WEIR_URING_DISABLE"), *bad;
  if (!text || uring_parse_disabled(text, &server->disabled, &bad)) return EXIT_DONE;
  return complain(EXIT_USAGE, "WEIR_URING_DISABLE=%s: %.*s is no feature's name", text,
                  (int)strcspn(bad, ","), bad);
}

/* What the configuration names. */
static int load(struct server *server) {
  struct mistakes mistakes = {0};
  bool good = config_load(server->config, &mistakes);
  if (serve_named_try(server->config, &mistakes) && good) return EXIT_DONE;
  serve_tell_mistakes(&mistakes, server->file);
  return EXIT_FAILED;
}

static int open_logs(struct server *server) {
  struct io_error error = {0};
  bool good = serve_logs_open(&server->logs, server->config, server->workers,
                              server->memory.log_bytes, &error);
  return good ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

static int open_tls(struct server *server) {
  struct io_error error = {0};
  bool good = serve_tls_open(&server->tls, server->config, &error);
  return good ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

/* How many workers, and what each may hold. What the command line says stands. */
static int plan(struct server *server) {
  const struct serve_config *config = server->config;
  uint64_t limit_bytes = cgroup_memory_bytes(&cgroup_files);
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  unsigned fitting = serve_memory_workers(limit_bytes, cpus_default_workers());
  server->workers = config->workers ? config->workers : fitting > 0 ? fitting : 1;
  if (!serve_memory_plan(&server->memory, limit_bytes, server->workers, &failure))
    return complain(EXIT_FAILED, "%s", error);
  if (config->connections)
    server->links_max = (config->connections + server->workers - 1) / server->workers;
  else if (limit_bytes > 0)
    server->links_max = server->memory.connections;
  return EXIT_DONE;
}

static int open_jobs(struct server *server) {
  struct io_error error = {0};
  server->jobs = jobs_create(RECODE_THREADS, RECODE_WAITING_MAX, &error);
  return server->jobs ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

int serve_open(struct server *server) {
  (void)process_raise_descriptors();
  int status = plan(server);
  if (status == EXIT_DONE) status = read_environment(server);
  if (status == EXIT_DONE) status = load(server);
  if (status == EXIT_DONE) status = open_logs(server);
  if (status == EXIT_DONE) status = serve_listen_inherited(server, server->config);
  if (status == EXIT_DONE) status = open_tls(server);
  if (status == EXIT_DONE) status = serve_listen_all(server);
  if (status == EXIT_DONE) status = serve_metrics_open(server);
  if (status == EXIT_DONE) status = open_jobs(server);
  return status;
}

int serve_check(struct server *server) {
  int status = plan(server);
  server->tls.trial = true;
  if (status == EXIT_DONE) status = read_environment(server);
  if (status == EXIT_DONE) status = load(server);
  if (status == EXIT_DONE) status = open_tls(server);
  if (status == EXIT_DONE) status = serve_listen_try(server);
  if (status == EXIT_DONE) serve_tls_warn(&server->tls);
  return status;
}

void serve_close(struct server *server) {
  metrics_close(server->metrics);
  jobs_free(server->jobs);
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++)
    if (server->listening[i]) listener_close(&server->listeners[i]);
  serve_logs_close(&server->logs);
  serve_tls_close(&server->tls);
  config_release(server->config);
  config_release(server->first);
}
