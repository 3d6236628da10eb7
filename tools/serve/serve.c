/*
 * serve/serve.c - `weir serve`: parses the command line, opens the certificate and the listeners,
 * starts the workers, and waits for signals.
 *
 * Each worker has its own engine, site and TLS factory, created in the setup hook on its own
 * thread. Signals are blocked, and the main thread takes them one by one, so there are no signal
 * handlers. The first SIGTERM or SIGINT drains, the second stops. SIGUSR1 prints the counters.
 * SIGUSR2 opens the access log and the recording anew; the last worker to end sends it, too, to
 * end the wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/conn.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "io/worker/cpus.h"
#include "io/worker/group.h"
#include "tools/common/clear_text.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/serve/counters.h"
#include "tools/serve/demo.h"
#include "tools/serve/hints.h"
#include "tools/serve/limits.h"
#include "tools/serve/logs.h"
#include "tools/serve/memory.h"
#include "tools/serve/options.h"
#include "tools/serve/site.h"

struct server {
  struct serve_options options;
  unsigned workers;
  struct serve_memory memory;
  uint32_t links_max; /* a worker's; 0: the default, which descriptors bound */
  unsigned disabled;  /* features of io_uring, by the environment */
  struct certificate certificate;
  struct tls_context *tls; /* NULL: no secure listener */
  struct serve_hints *hints;
  struct serve_logs logs;
  struct listener listeners[SERVE_LISTENERS_MAX];
  bool listening[SERVE_LISTENERS_MAX];
  pthread_t main_thread;
  unsigned running; /* workers that have started and not ended; atomic */
  /* Held while the list of engines changes, and while their counters are read. */
  pthread_mutex_t counting;
  const struct engine *engines[IO_WORKERS_MAX]; /* of workers that run */
  struct engine_counters ended;                 /* counters of workers that have ended */
};

/* The parts of one worker. */
struct serve_worker {
  struct engine engine;
  bool has_engine;
  struct serve_site *site; /* either this or `demo` */
  struct demo *demo;
  struct serve_worker_logs logs;
  struct tls_factory tls;
  bool has_tls;
  struct serve_weighing weighings[SERVE_LISTENERS_MAX];
  int64_t wall_seconds;
  const char *note; /* a fallback in use, or NULL */
};

#define complain(status, ...) output_complain("weir serve", status, __VA_ARGS__)
#define say(...)              output_say(STDOUT_FILENO, __VA_ARGS__)

/* ---- one worker ------------------------------------------------------------------------------ */

/* A connection's window fits sixteen streams, as by default, within its bounds. */
static void set_window(struct engine_config *config, uint32_t stream_bytes) {
  uint64_t connection_bytes = UINT64_C(16) * stream_bytes;
  config->h1.window_bytes = config->h2.stream_window_bytes = stream_bytes;
  if (connection_bytes > config->h2.connection_window_bytes_max)
    connection_bytes = config->h2.connection_window_bytes_max;
  config->h2.connection_window_bytes = (uint32_t)connection_bytes;
}

/* SPDY's limits are those of HTTP/2. */
static void set_spdy(struct engine_config *config, const struct serve_options *options) {
  config->spdy.server = options->spdy;
  config->spdy.push = config->h2.push;
  config->spdy.streams_max = config->h2.streams_max;
  config->spdy.concurrent_streams = config->h2.concurrent_streams;
  config->spdy.window_budget_bytes = config->h2.window_budget_bytes;
  if (!options->window_bytes) return;
  config->spdy.stream_window_bytes = config->h2.stream_window_bytes;
  config->spdy.session_window_bytes = config->h2.connection_window_bytes;
}

static struct engine_config config_of(const struct server *server) {
  const struct serve_options *options = &server->options;
  struct engine_config config = engine_config_default();
  config.h2.push = options->push;
  config.h2.no_rfc7540_priorities = options->no_rfc7540_priorities;
  if (server->links_max) config.connections_max = server->links_max;
  config.h2.streams_max = server->memory.streams;
  config.h2.window_budget_bytes = server->memory.window_bytes;
  config.h1.streams_max = server->memory.streams;
  config.h1.window_budget_bytes = server->memory.window_bytes;
  if (options->concurrent_streams) config.h2.concurrent_streams = options->concurrent_streams;
  if (options->flow != FLOW_DEFAULT) config.h1.flow = config.h2.flow = options->flow;
  if (options->window_bytes) set_window(&config, options->window_bytes);
  config.h2.head_start = &options->head_starts;
  set_spdy(&config, options);
  if (options->idle_seconds) config.idle_ns = options->idle_seconds * SECOND_NS;
  return config;
}

/* Creates the handler: of the directory, or of the built-in site. NULL with error->text. */
static const struct handler *make_handler(struct server *server, struct serve_worker *mine,
                                          struct worker *worker, uint32_t exchanges_max,
                                          struct io_error *error) {
  if (!server->options.directory) {
    mine->demo = demo_create(&process_memory, exchanges_max);
    if (mine->demo) return demo_handler(mine->demo);
    io_error_set(error, 0, "out of memory");
    return NULL;
  }
  struct serve_site_settings settings = {
      .directory = server->options.directory,
      .loop = &worker->loop,
      .memory = &process_memory,
      .hints = serve_hints_table(server->hints),
      .cache_control = server->options.cache_control,
      .wall_seconds = &mine->wall_seconds,
      .exchanges_max = exchanges_max,
      .workers = server->workers,
      .push = server->options.push,
      .explain = server->options.verbose,
  };
  mine->site = serve_site_create(&settings, &mine->note, error);
  return mine->site ? serve_site_handler(mine->site) : NULL;
}

static void set_clock(struct serve_worker *mine) {
  mine->wall_seconds = (int64_t)time(NULL);
  engine_set_date(&mine->engine, mine->wall_seconds);
  serve_worker_logs_second(&mine->logs, clock_now_ns());
}

/* If weights were given, wraps the factory in one that sets them. */
static struct machine_factory weigh(const struct server *server, struct serve_worker *mine,
                                    unsigned index, struct machine_factory machines) {
  const struct serve_options *options = &server->options;
  uint16_t weight = options->listeners[index].weight;
  if (weight == 0 && options->weights.count == 0) return machines;
  mine->weighings[index] = (struct serve_weighing){
      .weights = &options->weights, .listener_weight = weight, .inner = machines};
  return serve_weighing_machines(&mine->weighings[index]);
}

/* The listeners' factories: clear text, and TLS around it. */
static bool serve_listeners(struct server *server, struct serve_worker *mine,
                            struct worker *worker) {
  struct machine_factory plain = conn_factory(&mine->engine), secure = plain;
  if (server->tls) {
    mine->has_tls = tls_factory_init(&mine->tls, server->tls, &plain,
                                     mine->engine.config.connections_max, NULL);
    if (!mine->has_tls) return false;
    secure = tls_factory_machines(&mine->tls);
  }
  for (unsigned i = 0; i < server->options.listener_count; i++)
    if (server->listening[i] &&
        !worker_listen(
            worker, &server->listeners[i],
            weigh(server, mine, i, server->options.listeners[i].secure ? secure : plain)))
      return false;
  return true;
}

/* Of all workers. The lock is held for no longer than the counters are read. */
static struct engine_counters sum_counters(struct server *server) {
  pthread_mutex_lock(&server->counting);
  struct engine_counters sum = server->ended;
  for (unsigned i = 0; i < server->workers; i++) {
    if (!server->engines[i]) continue;
    struct engine_counters counters = engine_counters(server->engines[i]);
    serve_counters_add(&sum, &counters);
  }
  pthread_mutex_unlock(&server->counting);
  return sum;
}

static void worker_stopped(struct worker *worker, void *ctx) {
  struct server *server = ctx;
  struct serve_worker *mine = worker->user;
  worker->user = NULL;
  pthread_mutex_lock(&server->counting);
  server->engines[worker->index] = NULL;
  if (mine->has_engine) {
    struct engine_counters counters = engine_counters(&mine->engine);
    serve_counters_add(&server->ended, &counters);
  }
  pthread_mutex_unlock(&server->counting);
  if (mine->has_tls) tls_factory_destroy(&mine->tls);
  if (mine->has_engine) engine_destroy(&mine->engine);
  serve_site_destroy(mine->site);
  demo_destroy(mine->demo);
  serve_worker_logs_destroy(&mine->logs);
  free(mine);
  if (__atomic_sub_fetch(&server->running, 1, __ATOMIC_ACQ_REL) == 0)
    pthread_kill(server->main_thread, SIGUSR2);
}

static bool worker_setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct server *server = ctx;
  struct serve_worker *mine = calloc(1, sizeof *mine);
  if (!mine) return io_error_set(error, ENOMEM, "out of memory");
  worker->user = mine;
  __atomic_add_fetch(&server->running, 1, __ATOMIC_ACQ_REL);

  struct engine_config config = config_of(server);
  config.clock_ns = &worker->loop.now_ns;
  const struct handler *handler = make_handler(server, mine, worker, config.h2.streams_max, error);
  if (handler)
    handler = serve_logs_wrap(&server->logs, &mine->logs, worker->index, handler,
                              config.h2.streams_max, error);
  if (handler) {
    mine->has_engine = engine_init(&mine->engine, &process_memory, &config, handler);
    if (mine->has_engine) {
      if (mine->demo) demo_count(mine->demo, &mine->engine.ws);
      set_clock(mine);
      pthread_mutex_lock(&server->counting);
      server->engines[worker->index] = &mine->engine;
      pthread_mutex_unlock(&server->counting);
      if (serve_listeners(server, mine, worker)) return true;
    }
    io_error_set(error, ENOMEM, "out of memory");
  }
  worker_stopped(worker, ctx);
  return false;
}

/* Nothing can be ended in order: its connections cannot even be closed. */
static void worker_refused(struct worker *worker, void *ctx, const struct io_error *why) {
  (void)worker;
  (void)ctx;
  _exit(complain(EXIT_FAILED, "%s", why->text));
}

static void worker_second(struct worker *worker, void *ctx) {
  struct server *server = ctx;
  struct serve_worker *mine = worker->user;
  set_clock(mine);
  engine_trim(&mine->engine);
  if (mine->has_tls) tls_factory_trim(&mine->tls);
  if (mine->demo) {
    struct engine_counters all = sum_counters(server);
    demo_second(mine->demo, &all.http);
  }
  if (mine->site) serve_site_trim(mine->site, worker->loop.now_ns);
}

/* ---- what is shared -------------------------------------------------------------------------- */

static int read_environment(struct server *server) {
  const char *text = getenv("WEIR_URING_DISABLE"), *bad;
  if (!text || uring_parse_disabled(text, &server->disabled, &bad)) return EXIT_DONE;
  return complain(EXIT_USAGE, "WEIR_URING_DISABLE=%s: %.*s is no feature's name", text,
                  (int)strcspn(bad, ","), bad);
}

static int check_directory(const char *directory) {
  if (!directory) return EXIT_DONE;
  int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return complain(EXIT_FAILED, "cannot serve %s: %s", directory, strerror(errno));
  close(fd);
  return EXIT_DONE;
}

static int open_logs(struct server *server) {
  struct io_error error = {0};
  bool good = serve_logs_open(&server->logs, &server->options, server->workers,
                              server->memory.log_bytes, &error);
  return good ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

static int open_tls(struct server *server) {
  const struct serve_options *options = &server->options;
  struct io_error error = {0};
  bool secure = false;
  for (unsigned i = 0; i < options->listener_count; i++)
    secure |= options->listeners[i].secure;
  if (!secure) return EXIT_DONE;
  bool have = options->certificate ? certificate_load(&server->certificate, options->certificate,
                                                      options->key, &error)
                                   : certificate_self_signed(&server->certificate, &error);
  if (!have) return complain(EXIT_FAILED, "%s", error.text);
  const char *const *protocols = options->spdy ? conn_protocols_spdy : conn_protocols;
  struct tls_settings settings = {.certificate = &server->certificate,
                                  .protocols = protocols,
                                  .answer_clear_text = clear_text_answer};
  while (protocols[settings.protocol_count])
    settings.protocol_count++;
  server->tls = tls_context_create(&settings, &error);
  return server->tls ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

/* The second address of "localhost:0" gets the same port as the first. */
static void share_port(const struct listener *first, struct address *second) {
  if (address_port(second) == 0) address_set_port(second, address_port(&first->address));
}

/* "[::]" takes IPv4 as well, unless "0.0.0.0" with the same port is asked for besides. */
static bool is_any(const struct address *address, sa_family_t family) {
  if (address->any.sa_family != family) return false;
  return family == AF_INET ? address->ipv4.sin_addr.s_addr == INADDR_ANY
                           : IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
}

static bool leaves_ipv4(const struct serve_options *options, const struct address *address) {
  if (!is_any(address, AF_INET6)) return false;
  for (unsigned i = 0; i < options->listener_count; i++) {
    const struct address *other = &options->listeners[i].address;
    if (is_any(other, AF_INET) && address_port(other) == address_port(address)) return true;
  }
  return false;
}

static int open_listeners(struct server *server) {
  for (unsigned i = 0; i < server->options.listener_count; i++) {
    const struct serve_listener *wanted = &server->options.listeners[i];
    struct address address = wanted->address;
    struct io_error error = {0};
    if (wanted->optional && i > 0) share_port(&server->listeners[i - 1], &address);
    address.ipv6_only = leaves_ipv4(&server->options, &address);
    server->listening[i] = listener_open(&server->listeners[i], &address, server->workers, &error);
    if (server->listening[i]) continue;
    bool no_ipv6 = error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT;
    if (!wanted->optional || !no_ipv6) return complain(EXIT_FAILED, "%s", error.text);
  }
  return EXIT_DONE;
}

/* How many workers, and what each may hold. What the command line says stands. */
static int plan(struct server *server) {
  const struct serve_options *options = &server->options;
  uint64_t limit_bytes = cgroup_memory_bytes(&cgroup_files);
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  unsigned fitting = serve_memory_workers(limit_bytes, cpus_default_workers());
  server->workers = options->workers ? options->workers : fitting > 0 ? fitting : 1;
  if (!serve_memory_plan(&server->memory, limit_bytes, server->workers, &failure))
    return complain(EXIT_FAILED, "%s", error);
  if (options->connections)
    server->links_max = (options->connections + server->workers - 1) / server->workers;
  else if (limit_bytes > 0)
    server->links_max = server->memory.connections;
  return EXIT_DONE;
}

static int open_all(struct server *server) {
  const struct serve_options *options = &server->options;
  char error[256];
  const struct failure failure = {error, sizeof error};
  (void)process_raise_descriptors();
  int status = plan(server);
  if (status == EXIT_DONE) status = read_environment(server);
  if (status == EXIT_DONE) status = check_directory(options->directory);
  if (status == EXIT_DONE) status = open_logs(server);
  if (status == EXIT_DONE) status = open_tls(server);
  if (status == EXIT_DONE) status = open_listeners(server);
  if (status != EXIT_DONE) return status;
  server->hints = serve_hints_create(options->push_manifest, options->preloads,
                                     options->preload_count, &failure);
  return server->hints ? EXIT_DONE : complain(EXIT_FAILED, "%s", error);
}

static void close_all(struct server *server) {
  for (unsigned i = 0; i < server->options.listener_count; i++)
    if (server->listening[i]) listener_close(&server->listeners[i]);
  tls_context_free(server->tls);
  certificate_free(&server->certificate);
  serve_hints_free(server->hints);
  serve_logs_close(&server->logs);
}

/* ---- what is said at the start and at the end ------------------------------------------------ */

static void print_listeners(const struct server *server) {
  for (unsigned i = 0; i < server->options.listener_count; i++) {
    const struct serve_listener *wanted = &server->options.listeners[i];
    char text[ADDRESS_TEXT_BYTES];
    const struct address *address =
        server->listening[i] ? &server->listeners[i].address : &wanted->address;
    address_format(address, text);
    if (server->listening[i])
      say("listening on %s://%s", wanted->secure ? "https" : "http", text);
    else
      say("not listening on %s: IPv6 is not available", text);
  }
  if (!server->tls) return;
  if (server->certificate.warning[0]) say("warning: %s", server->certificate.warning);
  say("certificate %s, SHA-256 %s",
      server->options.certificate ? server->options.certificate : "self-signed",
      server->certificate.fingerprint);
}

static void print_features(const struct server *server, const struct uring *uring) {
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++) {
    unsigned feature = 1u << i;
    const char *name = uring_feature_name(feature);
    if (uring->features & feature) {
      if (server->options.verbose) say("io_uring: %s in use", name);
      continue;
    }
    say("io_uring: %s %s: %s", name,
        uring->disabled & feature ? "is disabled" : "is not in this kernel",
        uring_feature_fallback(feature));
  }
}

static void print_memory(const struct server *server) {
  const struct serve_memory *memory = &server->memory;
  const uint64_t kib = 1024;
  if (!server->options.verbose) return;
  if (memory->limit_bytes == 0) {
    say("memory: no cgroup limits it");
    return;
  }
  say("memory: the cgroup allows %llu KiB; each worker takes up to %u connections, %u streams, "
      "%llu "
      "KiB of request bodies, %zu KiB of cached files, %u file reads of %u KiB, %u receive buffers "
      "of %u KiB, and keeps %llu KiB of input",
      (unsigned long long)(memory->limit_bytes / kib), server->links_max, memory->streams,
      (unsigned long long)(memory->window_bytes / kib), memory->cache_bytes / kib, memory->reads,
      FILES_READ_BYTES / 1024u, memory->buffers, IO_BUFFER_BYTES / 1024u,
      (unsigned long long)(memory->keep_bytes / kib));
}

static void print_start(const struct server *server, const struct worker_group *group) {
  const struct serve_worker *first = group->workers[0].user;
  const char *directory = server->options.directory;
  say("weir " WEIR_VERSION " serving %s with %u worker%s",
      directory ? directory : "its built-in site", server->workers,
      server->workers == 1 ? "" : "s");
  print_features(server, &group->workers[0].loop.uring);
  print_memory(server);
  if (first && first->note) say("%s", first->note);
  print_listeners(server);
}

static void print_end(const struct server *server, const struct worker_group *group) {
  if (!server->options.verbose) return;
  struct loop_counters all = worker_group_counters(group);
  say("served %llu connections, %llu bytes in, %llu bytes out",
      (unsigned long long)all.links_accepted, (unsigned long long)all.recv_bytes,
      (unsigned long long)all.send_bytes);
}

static void print_counters(struct server *server, const struct worker_group *group) {
  struct engine_counters sum = sum_counters(server);
  struct loop_counters io = worker_group_counters(group);
  struct log_counts log = serve_logs_access_counts(&server->logs);
  struct log_counts record = serve_logs_record_counts(&server->logs);
  serve_counters_say(STDERR_FILENO, &sum, &io, &log, &record);
}

/* ---- running --------------------------------------------------------------------------------- */

static sigset_t signals_of_interest(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  return set;
}

/* Until all workers have ended. */
static void wait_for_end(struct server *server, struct worker_group *group) {
  sigset_t set = signals_of_interest();
  unsigned asked = 0;
  while (__atomic_load_n(&server->running, __ATOMIC_ACQUIRE) > 0) {
    int number = sigwaitinfo(&set, NULL);
    if (number == SIGUSR1) print_counters(server, group);
    if (number == SIGUSR2) serve_logs_reopen(&server->logs);
    if (number != SIGTERM && number != SIGINT) continue;
    if (asked++ > 0) {
      worker_group_stop(group);
      continue;
    }
    say("draining: streams have %u seconds to finish; a second signal stops at once",
        server->options.drain_seconds);
    worker_group_drain(group, clock_now_ns() + server->options.drain_seconds * SECOND_NS);
  }
}

static int run(struct server *server) {
  struct worker_group group = {0};
  struct worker_config config = {
      .count = server->workers,
      .pin = true,
      .disabled = server->disabled,
      .links_max = server->links_max,
      .buffer_count = server->memory.buffers,
      .keep_bytes_max = server->memory.keep_bytes,
      .hooks = {.ctx = server,
                .setup = worker_setup,
                .second = worker_second,
                .refused = worker_refused,
                .stopped = worker_stopped},
  };
  struct io_error error = {0};
  sigset_t set = signals_of_interest();
  server->main_thread = pthread_self();
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* the workers inherit it */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a log that may not grow ends no server */
  if (!serve_logs_start(&server->logs, &error)) return complain(EXIT_FAILED, "%s", error.text);
  if (!worker_group_start(&group, &config, &error)) return complain(EXIT_FAILED, "%s", error.text);
  bool enough = process_has_descriptors(SERVE_DESCRIPTORS_MIN);
  if (enough) {
    print_start(server, &group);
    wait_for_end(server, &group);
    print_end(server, &group);
  } else {
    worker_group_stop(&group);
  }
  worker_group_join(&group);
  return enough ? EXIT_DONE
                : complain(EXIT_FAILED,
                           "too few open files are allowed (ulimit -n %llu) to serve "
                           "one connection: allow some thousands",
                           (unsigned long long)process_raise_descriptors());
}

int command_serve(int argc, char **argv) {
  struct server server = {.counting = PTHREAD_MUTEX_INITIALIZER};
  char error[256];
  const struct failure failure = {.text = error, .size = sizeof error};
  enum options_result result = serve_options_parse(&server.options, argc, argv, &failure);
  if (result != OPTIONS_RUN)
    return options_answer(result, "weir serve", serve_options_help(), &failure);
  int status = open_all(&server);
  if (status == EXIT_DONE) status = run(&server);
  close_all(&server);
  return status;
}
