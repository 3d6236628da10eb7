/*
 * tunnel/tunnel.c - `weir tunnel`: parses the command line, opens the certificate and the listeners, starts the workers,
 * and waits for a signal.
 *
 * Each worker has its own engine, pipes and TLS factory, created in the setup hook on its own thread. SIGTERM and SIGINT
 * tell the clients, and soon end what is forwarded; SIGUSR1 prints the counters.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/conn.h"
#include "engine/spdy/frame.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "io/worker/cpus.h"
#include "io/worker/group.h"
#include "tools/common/clear_text.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/common/ring.h"
#include "tools/pipe/limits.h"
#include "tools/tunnel/handler.h"
#include "tools/tunnel/kubeconfig_out.h"

struct tunnel {
  struct tunnel_options options;
  unsigned workers;
  struct certificate certificate;
  struct tls_context *tls; /* NULL: clear text */
  struct listener listeners[TUNNEL_LISTENERS_MAX];
  unsigned listening;
  char url[ADDRESS_TEXT_BYTES + 16]; /* of the first listener */
  pthread_mutex_t counting;          /* held while `total` changes */
  struct tunnel_counters total;      /* of workers that have ended */
};

/* The parts of one worker. */
struct tunnel_parts {
  struct tunnel_worker worker;
  struct engine engine;
  struct handler handler;
  struct tls_factory tls;
  bool has_engine, has_tls;
};

#define complain(status, ...) output_complain("weir tunnel", status, __VA_ARGS__)
#define say(...)              output_say(STDOUT_FILENO, __VA_ARGS__)

/* ---- one worker ------------------------------------------------------------------------------ */

/* A forwarded connection may be silent, and its client read nothing, for as long as they like: PING tells whether the
 * client lives. */
static struct engine_config config_of(const struct worker *worker) {
  struct engine_config config = engine_config_default();
  config.clock_ns = &worker->loop.now_ns;
  config.h1.conversation_idle_ns = UINT64_MAX;
  config.h1.send_stall_ns = PIPE_STALL_NS;
  config.h1.out_bytes = PIPE_OUT_BYTES;
  config.h1.window_bytes = PIPE_CARRIER_WINDOW_BYTES;
  config.h2.conversation_idle_ns = UINT64_MAX;
  config.spdy.conversation_idle_ns = UINT64_MAX;
  config.spdy.body_idle_ns = UINT64_MAX;
  config.spdy.body_bytes_per_second_min = 0;
  config.spdy.concurrent_streams = TUNNEL_STREAMS_MAX;
  pipes_set_windows(&config.spdy);
  return config;
}

static bool listen_all(struct tunnel *tunnel, struct tunnel_parts *parts, struct worker *worker) {
  struct machine_factory factory = conn_factory(&parts->engine);
  if (tunnel->tls) {
    parts->has_tls = tls_factory_init(&parts->tls, tunnel->tls, &factory,
                                      parts->engine.config.connections_max, NULL);
    if (!parts->has_tls) return false;
    factory = tls_factory_machines(&parts->tls);
  }
  for (unsigned i = 0; i < tunnel->listening; i++)
    if (!worker_listen(worker, &tunnel->listeners[i], factory)) return false;
  return true;
}

static void add_counters(struct tunnel_counters *sum, const struct tunnel_counters *more) {
  sum->sessions += counter_get(&more->sessions);
  sum->connections += counter_get(&more->connections);
  sum->refused += counter_get(&more->refused);
  sum->broken += counter_get(&more->broken);
  sum->lonely += counter_get(&more->lonely);
  sum->bytes_in += counter_get(&more->bytes_in);
  sum->bytes_out += counter_get(&more->bytes_out);
}

static void worker_stopped(struct worker *worker, void *ctx) {
  struct tunnel *tunnel = ctx;
  struct tunnel_parts *parts = worker->user;
  worker->user = NULL;
  pthread_mutex_lock(&tunnel->counting);
  add_counters(&tunnel->total, &parts->worker.counters);
  pthread_mutex_unlock(&tunnel->counting);
  if (parts->has_tls) tls_factory_destroy(&parts->tls);
  if (parts->has_engine) engine_destroy(&parts->engine);
  pipes_destroy(&parts->worker.pipes);
  free(parts);
}

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct tunnel *tunnel = ctx;
  struct tunnel_parts *parts = calloc(1, sizeof *parts);
  if (!parts) return io_error_set(error, ENOMEM, "out of memory");
  worker->user = parts;
  const struct engine_config config = config_of(worker);
  parts->worker = (struct tunnel_worker){.options = &tunnel->options,
                                         .engine = &parts->engine,
                                         .worker = worker,
                                         .begun_ns = clock_now_ns()};
  budget_init(&parts->worker.lines, TUNNEL_LINES_BURST, TUNNEL_LINES_PER_SECOND,
              parts->worker.begun_ns);
  pipes_init(&parts->worker.pipes, &process_memory, TUNNEL_PIPES_MAX, TUNNEL_PIECES_MAX);
  parts->worker.pipes.reset_code = SPDY_CANCEL;
  parts->worker.pipes.reset_ends = true;
  parts->worker.pipes.heap.vault = &worker->links.vault.base;
  parts->handler = tunnel_handler(&parts->worker);
  parts->has_engine = engine_init(&parts->engine, &process_memory, &config, &parts->handler);
  if (parts->has_engine) {
    engine_set_date(&parts->engine, (int64_t)time(NULL));
    if (listen_all(tunnel, parts, worker)) return true;
  }
  worker_stopped(worker, ctx);
  return io_error_set(error, ENOMEM, "out of memory");
}

static void worker_refused(struct worker *worker, void *ctx, const struct io_error *why) {
  (void)worker;
  (void)ctx;
  _exit(complain(EXIT_FAILED, "%s", why->text));
}

static void worker_second(struct worker *worker, void *ctx) {
  struct tunnel_parts *parts = worker->user;
  (void)ctx;
  engine_set_date(&parts->engine, (int64_t)time(NULL));
  engine_trim(&parts->engine);
  if (parts->has_tls) tls_factory_trim(&parts->tls);
}

/* ---- what is shared -------------------------------------------------------------------------- */

static int open_tls(struct tunnel *tunnel) {
  const struct tunnel_options *options = &tunnel->options;
  struct io_error error = {0};
  if (!options->tls) return EXIT_DONE;
  bool have = options->certificate ? certificate_load(&tunnel->certificate, options->certificate,
                                                      options->key, &error)
                                   : certificate_self_signed(&tunnel->certificate, &error);
  if (!have) return complain(EXIT_FAILED, "%s", error.text);
  struct tls_settings settings = {.certificate = &tunnel->certificate,
                                  .protocols = conn_protocols,
                                  .answer_clear_text = clear_text_answer,
                                  .verify = options->client_ca,
                                  .ca_path = options->client_ca};
  while (conn_protocols[settings.protocol_count])
    settings.protocol_count++;
  tunnel->tls = tls_context_create(&settings, &error);
  return tunnel->tls ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

static int open_listeners(struct tunnel *tunnel) {
  const struct tunnel_options *options = &tunnel->options;
  struct io_error error = {0};
  for (unsigned i = 0; i < options->listener_count; i++) {
    if (!listener_open(&tunnel->listeners[i], &options->listeners[i], tunnel->workers, &error))
      return complain(EXIT_FAILED, "%s", error.text);
    tunnel->listening++;
  }
  return EXIT_DONE;
}

/* Where a client on this machine finds the first listener: one on all addresses is on loopback, too. */
static void make_url(struct tunnel *tunnel) {
  struct address address = tunnel->listeners[0].address;
  char text[ADDRESS_TEXT_BYTES];
  bool any = address.any.sa_family == AF_INET ? address.ipv4.sin_addr.s_addr == INADDR_ANY
                                              : IN6_IS_ADDR_UNSPECIFIED(&address.ipv6.sin6_addr);
  uint16_t port = address_port(&address);
  if (any && !address_from_host(&address, "127.0.0.1", port)) return;
  snprintf(tunnel->url, sizeof tunnel->url, "%s://%s", tunnel->tls ? "https" : "http",
           address_format(&address, text));
}

static int write_kubeconfig(struct tunnel *tunnel) {
  const struct tunnel_options *options = &tunnel->options;
  char error[256];
  const struct failure failure = {error, sizeof error};
  const struct kubeconfig_facts facts = {
      .server = tunnel->url,
      .certificate = tunnel->tls ? &tunnel->certificate : NULL,
      .token = options->access.token_count > 0 ? options->access.tokens[0] : NULL};
  make_url(tunnel);
  if (!options->kubeconfig_out || kubeconfig_write(options->kubeconfig_out, &facts, &failure))
    return EXIT_DONE;
  return complain(EXIT_FAILED, "%s", error);
}

static int open_all(struct tunnel *tunnel) {
  char error[256];
  const struct failure failure = {error, sizeof error};
  (void)process_raise_descriptors();
  tunnel->workers = tunnel->options.workers ? tunnel->options.workers : cpus_default_workers();
  if (!pods_look_up(&tunnel->options.pods, &failure)) return complain(EXIT_FAILED, "%s", error);
  int status = open_tls(tunnel);
  if (status == EXIT_DONE) status = open_listeners(tunnel);
  return status == EXIT_DONE ? write_kubeconfig(tunnel) : status;
}

static void close_all(struct tunnel *tunnel) {
  for (unsigned i = 0; i < tunnel->listening; i++)
    listener_close(&tunnel->listeners[i]);
  tls_context_free(tunnel->tls);
  certificate_free(&tunnel->certificate);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void print_pod(const struct tunnel_pod *pod) {
  if (pod->port)
    say("pod %s/%s is port %u of %s", pod->namespace, pod->name, pod->port, pod->host);
  else
    say("pod %s/%s is %s", pod->namespace, pod->name, pod->host);
}

/* A command line that works as it stands. */
static void print_example(const struct tunnel *tunnel) {
  const struct tunnel_options *options = &tunnel->options;
  const struct tunnel_pod *pod = &options->pods.at[0];
  bool elsewhere = strcmp(pod->namespace, "default") != 0;
  char where[512];
  if (options->kubeconfig_out)
    snprintf(where, sizeof where, "--kubeconfig %s", options->kubeconfig_out);
  else
    snprintf(where, sizeof where, "-s %s%s%s", tunnel->url,
             tunnel->tls ? " --insecure-skip-tls-verify" : "",
             options->access.token_count > 0 ? " --token TOKEN"
             : options->client_ca            ? " --client-certificate FILE --client-key FILE"
                                             : "");
  say("try: kubectl %s%s%s port-forward pod/%s 8080:%u", where, elsewhere ? " -n " : "",
      elsewhere ? pod->namespace : "", pod->name, pod->port ? pod->port : 80);
}

static void print_start(const struct tunnel *tunnel, const struct ring_chosen *chosen) {
  char text[ADDRESS_TEXT_BYTES], ring[RING_TEXT_BYTES];
  say("weir " WEIR_VERSION " tunnel with %u worker%s on %s", tunnel->workers,
      tunnel->workers == 1 ? "" : "s", ring_text(chosen, ring));
  for (unsigned i = 0; i < tunnel->options.pods.count; i++)
    print_pod(&tunnel->options.pods.at[i]);
  for (unsigned i = 0; i < tunnel->listening; i++)
    say("listening on %s://%s", tunnel->tls ? "https" : "http",
        address_format(&tunnel->listeners[i].address, text));
  if (tunnel->certificate.warning[0]) say("warning: %s", tunnel->certificate.warning);
  print_example(tunnel);
}

static void print_counters(int to, const struct tunnel_counters *counters) {
  output_say(to,
             "forwarded %llu connections of %llu sessions: %llu bytes to targets, %llu from them; "
             "%llu targets could not be reached, %llu connections broke, %llu streams had no "
             "partner",
             (unsigned long long)counters->connections, (unsigned long long)counters->sessions,
             (unsigned long long)counters->bytes_in, (unsigned long long)counters->bytes_out,
             (unsigned long long)counters->refused, (unsigned long long)counters->broken,
             (unsigned long long)counters->lonely);
}

/* ---- running --------------------------------------------------------------------------------- */

static sigset_t signals_of_interest(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  return set;
}

static void wait_for_end(const struct worker_group *group) {
  sigset_t set = signals_of_interest();
  for (;;) {
    int number = sigwaitinfo(&set, NULL);
    if (number == SIGTERM || number == SIGINT) return;
    if (number != SIGUSR1) continue;
    struct tunnel_counters sum = {0};
    for (unsigned i = 0; i < group->config.count; i++) {
      const struct tunnel_parts *parts = group->workers[i].user;
      add_counters(&sum, &parts->worker.counters);
    }
    print_counters(STDERR_FILENO, &sum);
  }
}

static int run(struct tunnel *tunnel) {
  struct worker_group group = {0};
  struct worker_config config = {.count = tunnel->workers,
                                 .buffer_count = PIPE_BUFFERS,
                                 .ring = tunnel->options.ring,
                                 .pin = true,
                                 .send_stall_ns = PIPE_STALL_NS,
                                 .hooks = {.ctx = tunnel,
                                           .setup = worker_setup,
                                           .second = worker_second,
                                           .refused = worker_refused,
                                           .stopped = worker_stopped}};
  struct io_error error = {0};
  sigset_t set = signals_of_interest();
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* the workers inherit it */
  signal(SIGPIPE, SIG_IGN);
  if (!worker_group_start(&group, &config, &error)) return complain(EXIT_FAILED, "%s", error.text);
  print_start(tunnel, &group.chosen);
  wait_for_end(&group);
  worker_group_drain(&group, clock_now_ns() + TUNNEL_FAREWELL_NS);
  worker_group_join(&group);
  if (tunnel->options.verbose) print_counters(STDOUT_FILENO, &tunnel->total);
  return EXIT_DONE;
}

int command_tunnel(int argc, char **argv) {
  struct tunnel *tunnel = calloc(1, sizeof *tunnel);
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  if (!tunnel) return complain(EXIT_FAILED, "out of memory");
  pthread_mutex_init(&tunnel->counting, NULL);
  enum options_result result = tunnel_options_parse(&tunnel->options, argc, argv, &failure);
  int status = EXIT_DONE;
  if (result != OPTIONS_RUN) {
    status = options_answer(result, "weir tunnel", tunnel_options_help(), &failure);
  } else {
    status = open_all(tunnel);
    if (status == EXIT_DONE) status = run(tunnel);
    close_all(tunnel);
  }
  free(tunnel);
  return status;
}
