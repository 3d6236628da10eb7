/*
 * serve/serve.c - `weir serve`: parses the command line, opens what the workers share, starts them,
 * and waits for signals.
 *
 * Signals are blocked, and the main thread takes them one by one, so there are no signal handlers. The
 * first SIGTERM or SIGINT drains, the second stops. SIGUSR1 prints the counters. SIGUSR2 opens the
 * access log and the recording anew; the last worker to end sends it, too, to end the wait. SIGHUP reads the
 * configuration file anew (serve/reload.h). SIGRTMIN replaces the program (serve/service/replacement.h).
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/process.h"
#include "tools/serve/config/file.h"
#include "tools/serve/config/print.h"
#include "tools/serve/metrics_serve.h"
#include "tools/serve/open.h"
#include "tools/serve/options.h"
#include "tools/serve/reload.h"
#include "tools/serve/say.h"
#include "tools/serve/service/user.h"
#include "tools/serve/worker.h"

static sigset_t signals_of_interest(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGHUP);
  return set;
}

static void drain(struct server *server, struct worker_group *group) {
  unsigned seconds = server->config->drain_seconds;
  if (server->supervision.replaced)
    metrics_leave(server->metrics);
  else
    metrics_set_ready(server->metrics, false);
  say("draining: streams have %u seconds to finish; a second signal stops at once", seconds);
  supervision_drain(&server->supervision, seconds);
  worker_group_drain(group, clock_now_ns() + seconds * SECOND_NS);
}

/* Until all workers have ended. */
static void wait_for_end(struct server *server, struct worker_group *group) {
  unsigned asked = 0;
  while (__atomic_load_n(&server->running, __ATOMIC_ACQUIRE) > 0) {
    int number = supervision_wait(&server->supervision, group);
    if (number == SIGUSR1) serve_say_counters(server, group);
    if (number == SIGUSR2) serve_logs_reopen(&server->logs);
    if (number == SIGHUP && asked == 0 && !server->supervision.leaving) serve_reload(server, group);
    if (number == SIGRTMIN && asked == 0) supervision_replace(&server->supervision);
    if (number != SIGTERM && number != SIGINT && number != SUPERVISION_REPLACED) continue;
    if (asked++ == 0)
      drain(server, group);
    else
      worker_group_stop(group);
  }
}

static void tell_ready(struct server *server) {
  char status[64];
  snprintf(status, sizeof status, "serving with %u worker%s", server->workers,
           server->workers == 1 ? "" : "s");
  supervision_ready(&server->supervision, status);
}

/* Before a port is open: whoever has seen it may send a signal, and it is taken when the server runs. All threads
 * inherit it. */
static void block_signals(void) {
  sigset_t set = signals_of_interest();
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a log that may not grow ends no server */
}

static int run(struct server *server) {
  struct worker_group group = {0};
  struct worker_config config = {
      .count = server->workers,
      .pin = true,
      .ring = server->config->ring,
      .disabled = server->disabled,
      .links_max = server->links_max,
      .buffer_count = server->memory.buffers,
      .keep_bytes_max = server->memory.keep_bytes,
      .hooks = serve_worker_hooks(server),
  };
  struct io_error error = {0};
  sigset_t set = signals_of_interest();
  server->main_thread = pthread_self();
  if (!supervision_take_signals(&server->supervision, &set, &error))
    return complain(EXIT_FAILED, "%s", error.text);
  if (!serve_logs_start(&server->logs, &error) || !serve_tls_start(&server->tls, &error))
    return complain(EXIT_FAILED, "%s", error.text);
  if (!worker_group_start(&group, &config, &error)) return complain(EXIT_FAILED, "%s", error.text);
  bool shown = serve_metrics_start(server, &group, &error);
  bool enough = process_has_descriptors(SERVE_DESCRIPTORS_MIN);
  if (shown && enough) {
    serve_say_start(server, &group);
    tell_ready(server);
    wait_for_end(server, &group);
    serve_say_end(server, &group);
  } else {
    worker_group_stop(&group);
  }
  metrics_close(server->metrics);
  server->metrics = NULL;
  worker_group_join(&group);
  if (!shown) return complain(EXIT_FAILED, "%s", error.text);
  return enough ? EXIT_DONE
                : complain(EXIT_FAILED,
                           "too few open files are allowed (ulimit -n %llu) to serve "
                           "one connection: allow some thousands",
                           (unsigned long long)process_raise_descriptors());
}

/* NULL after all that is wrong with the file has been said. */
static struct serve_config *read_file(const char *file) {
  struct mistakes mistakes = {0};
  struct serve_config *config = config_file_read(file, &mistakes);
  if (!config) serve_tell_mistakes(&mistakes, file);
  return config;
}

/* Before there are other threads. Logs can be opened anew after root's privileges were given up. */
static int prepare_user(const struct serve_config *config) {
  const char *paths[] = {config->access_log, config->record};
  struct io_error error;
  if (!config->user) return EXIT_DONE;
  if (!user_gain_nothing(&error)) return complain(EXIT_FAILED, "%s", error.text);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (paths[i] && strcmp(paths[i], "-") != 0 && !user_make_file(config->user, paths[i], &error))
      return complain(EXIT_FAILED, "%s", error.text);
  return EXIT_DONE;
}

/* After all is open. */
static int become_user(const char *user) {
  struct io_error error;
  if (!user || user_become(user, &error)) return EXIT_DONE;
  return complain(EXIT_FAILED, "%s", error.text);
}

static int print_config(const struct serve_config *config) {
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  if (!config_print(config, stdout, &failure)) return complain(EXIT_FAILED, "%s", error);
  return output_end("weir serve", EXIT_DONE);
}

static int check(struct server *server) {
  int status = serve_check(server);
  if (status == EXIT_DONE) say("the configuration can be used");
  return status;
}

/* `outside`: what is wrong with the environment, or NULL. */
static int serve(struct server *server, const struct serve_options *options,
                 const struct io_error *outside) {
  int status = EXIT_DONE;
  server->file = options->file;
  server->config = options->file ? read_file(options->file) : options->config;
  if (!server->config) return EXIT_FAILED;
  if (options->print) {
    status = print_config(server->config);
  } else if (options->check) {
    status = check(server);
  } else {
    server->first = config_retain(server->config);
    block_signals();
    status = outside ? complain(EXIT_FAILED, "%s", outside->text) : prepare_user(server->config);
    if (status == EXIT_DONE) status = serve_open(server);
    if (status == EXIT_DONE) status = become_user(server->config->user);
    if (status == EXIT_DONE) status = run(server);
  }
  serve_close(server);
  return status;
}

int command_serve(int argc, char **argv) {
  struct server server = {0};
  struct serve_options options;
  struct io_error outside;
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  tally_init(&server.tally);
  bool supervised = supervision_open(&server.supervision, argc, argv, &outside);
  enum options_result result = serve_options_parse(&options, argc, argv, &failure);
  int status = result == OPTIONS_RUN
                   ? serve(&server, &options, supervised ? NULL : &outside)
                   : options_answer(result, "weir serve", serve_options_help(), &failure);
  supervision_close(&server.supervision);
  return status;
}
