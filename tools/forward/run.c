/*
 * forward/run.c - see forward/run.h.
 *
 *     main thread                        worker
 *       listens
 *       starts the worker     ------->     session_begin() asks for access
 *       access_make()         <-------
 *                             ------->     session_access() ... up: "Forwarding from ..."
 *       a signal              ------->     stop(): connections reset, GOAWAY, the worker drains
 *       joins the worker      <-------     stopped()
 *
 * The worker nudges the main thread by a signal.
 */
#include "tools/forward/run.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/worker/group.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/common/ring.h"
#include "tools/forward/connection.h"
#include "tools/forward/session.h"

enum { SIGNAL_NUDGE = SIGUSR2 };

/* Derived from the bounds of what the command line may name. */
enum { LISTENERS_MAX = FORWARD_PORTS_MAX * FORWARD_ADDRESSES_MAX };

/* What the worker wants of the main thread. */
enum want { WANT_NOTHING, WANT_ACCESS, WANT_FRESH_ACCESS };

struct run;

struct local {
  struct run *run;
  struct listener listener;
  unsigned port; /* of options->ports */
};

struct run {
  const struct forward_options *options;
  struct access_source source;
  struct local locals[LISTENERS_MAX];
  unsigned local_count;
  struct worker_group group;
  pthread_t main_thread;
  uint32_t connections_max;
  _Atomic int want;   /* enum want */
  _Atomic bool over;  /* the session is: time to stop */
  _Atomic bool ended; /* the worker has */

  /* The worker's. */
  struct worker *worker;
  struct engine engine;
  bool has_engine;
  struct session session;
  struct connections connections;
  uint64_t lost_ns; /* when the session was lost last */
  uint64_t counts[CONNECTION_ENDS];
  bool stopping;
  int status;
};

/* An answer to the worker. */
struct given {
  struct run *run;
  bool good;
  struct access access;
  char reason[FORWARD_REASON_BYTES];
};

#define complain(...) output_complain("weir forward", EXIT_FAILED, __VA_ARGS__)
#define say(...)      output_say(STDERR_FILENO, "weir forward: " __VA_ARGS__)

/* ---- signals --------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  if (number != SIGNAL_NUDGE) interrupted = 1;
}

static void handle_signals(sigset_t *ours, sigset_t *before) {
  struct sigaction action = {.sa_handler = on_signal};
  sigemptyset(ours);
  sigaddset(ours, SIGINT);
  sigaddset(ours, SIGTERM);
  sigaddset(ours, SIGNAL_NUDGE);
  pthread_sigmask(SIG_BLOCK, ours, before); /* the worker inherits it */
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGNAL_NUDGE, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static void nudge(struct run *run) {
  pthread_kill(run->main_thread, SIGNAL_NUDGE);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const char *target_name(const struct run *run) {
  const struct attempt *attempt = run->session.attempt;
  return attempt ? attempt->lookup.pod : run->options->target.name;
}

/* kubectl's line, which scripts wait for. */
static void tell_listeners(const struct run *run) {
  char text[ADDRESS_TEXT_BYTES];
  for (unsigned i = 0; i < run->local_count; i++)
    output_say(STDOUT_FILENO, "Forwarding from %s -> %u",
               address_format(&run->locals[i].listener.address, text),
               run->session.attempt->lookup.remote[run->locals[i].port]);
}

static const char *plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

static void on_error(void *ctx, const struct connection *connection, const char *text) {
  const struct run *run = ctx;
  say("%s to port %u of %s: %s", connection->client, connection->remote, target_name(run), text);
}

static void on_opened(void *ctx, const struct connection *connection) {
  const struct run *run = ctx;
  if (!run->options->verbose) return;
  say("%s to port %u of %s: open", connection->client, connection->remote, target_name(run));
}

static void on_ended(void *ctx, const struct connection *connection) {
  static const char *const ends[CONNECTION_ENDS] = {
      [CONNECTION_DONE] = "closed",
      [CONNECTION_LOCAL] = "reset by the local client",
      [CONNECTION_REMOTE] = "reset by the other end",
      [CONNECTION_REFUSED] = "failed at the other end",
      [CONNECTION_LOST] = "lost with the session",
      [CONNECTION_STOPPED] = "closed by the signal",
  };
  struct run *run = ctx;
  uint64_t now_ns = run->worker->loop.now_ns;
  run->counts[connection->end]++;
  if (!run->options->verbose) return;
  uint16_t asked = run->options->ports[connection->port].remote;
  say("%s to port %u: %s after %.3f s, %llu bytes sent, %llu received", connection->client,
      connection->remote ? connection->remote : asked, ends[connection->end],
      (double)(now_ns - connection->begun_ns) / 1e9, (unsigned long long)connection->bytes_sent,
      (unsigned long long)connection->bytes_received);
}

static const struct connections_events connections_events = {
    .error = on_error, .opened = on_opened, .ended = on_ended};

/* ---- the worker: its end --------------------------------------------------------------------- */

static void stop(struct run *run) {
  if (run->stopping) return;
  run->stopping = true;
  unsigned count = connections_stop(&run->connections);
  if (count) say("closed %u connection%s", count, plural(count));
  session_stop(&run->session);
  worker_drain(run->worker, run->worker->loop.now_ns + CLIENT_FAREWELL_NS);
}

static void deliver_stop(struct worker *worker, void *object) {
  (void)worker;
  stop(object);
}

/* ---- the worker: the session ----------------------------------------------------------------- */

static struct run *run_of(struct session *session) {
  return LIST_OWNER(session, struct run, session);
}

static void on_ask(struct session *session, bool refused) {
  struct run *run = run_of(session);
  atomic_store(&run->want, refused ? WANT_FRESH_ACCESS : WANT_ACCESS);
  nudge(run);
}

static void deliver_access(struct worker *worker, void *object) {
  struct given *given = object;
  (void)worker;
  session_access(&given->run->session, given->good ? &given->access : NULL, given->reason);
  free(given);
}

static void on_up(struct session *session, bool again) {
  struct run *run = run_of(session);
  const struct attempt *attempt = session->attempt;
  if (again)
    say("connected again to %s, after %.1f s", target_name(run),
        (double)(run->worker->loop.now_ns - run->lost_ns) / 1e9);
  else
    tell_listeners(run);
  if (run->options->verbose)
    say("the session with %s is SPDY %s", target_name(run),
        attempt->websocket ? "in a WebSocket" : "by Upgrade");
  connections_up(&run->connections, attempt->spdy, attempt->lookup.remote);
}

static void on_room(struct session *session) {
  connections_room(&run_of(session)->connections);
}

static void on_retired(struct session *session) {
  struct run *run = run_of(session);
  unsigned count = connections_retired(&run->connections);
  run->lost_ns = run->worker->loop.now_ns;
  say("the server ends the session with %s; %u connection%s go%s on; connecting again",
      session->avoid, count, plural(count), count == 1 ? "es" : "");
}

/* The session's streams end after this, and with them its connections. */
static void on_lost(struct session *session, const char *reason) {
  struct run *run = run_of(session);
  unsigned count = connections_lost(&run->connections);
  run->lost_ns = run->worker->loop.now_ns;
  if (run->options->reconnect)
    say("lost the session with %s: %s; %u connection%s closed; connecting again", session->avoid,
        reason, count, plural(count));
  else
    say("lost the session with %s: %s; %u connection%s closed", session->avoid, reason, count,
        plural(count));
}

static void on_failed(struct session *session, const char *reason) {
  (void)session;
  say("cannot connect again: %s; trying until it works", reason);
}

/* The losing of it has been told. Stopping waits for the end of the call that the session is in. */
static void on_over(struct session *session, const char *reason) {
  struct run *run = run_of(session);
  if (run->status == EXIT_DONE && !session->ever_up) complain("%s", reason);
  run->status = EXIT_FAILED;
  atomic_store(&run->over, true);
  nudge(run);
}

static const struct session_events session_events = {.ask = on_ask,
                                                     .up = on_up,
                                                     .room = on_room,
                                                     .retired = on_retired,
                                                     .lost = on_lost,
                                                     .failed = on_failed,
                                                     .over = on_over};

/* ---- the worker: its beginning --------------------------------------------------------------- */

static bool accept_local(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                         uint64_t now_ns, struct machine *out) {
  struct local *local = ctx;
  return connection_accept(&local->run->connections, local->port, peer, host, now_ns, out);
}

/* Connections may be silent for as long as they like: PING tells whether the server lives. */
static bool make_engine(struct run *run) {
  struct engine_config config = engine_config_default();
  config.clock_ns = &run->worker->loop.now_ns;
  config.h1.conversation_idle_ns = UINT64_MAX;
  config.h1.send_stall_ns = PIPE_STALL_NS;
  config.h1.out_bytes = PIPE_OUT_BYTES;
  config.h1.window_bytes = PIPE_CARRIER_WINDOW_BYTES;
  pipes_set_windows(&config.spdy);
  run->has_engine = engine_init(&run->engine, &process_memory, &config, NULL);
  return run->has_engine;
}

static bool setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct run *run = ctx;
  run->worker = worker;
  connections_begin(&run->connections, worker, run->connections_max, &connections_events, run);
  if (!make_engine(run)) return io_error_set(error, 0, "out of memory");
  for (unsigned i = 0; i < run->local_count; i++) {
    struct machine_factory factory = {.ctx = &run->locals[i], .create = accept_local};
    if (!worker_listen(worker, &run->locals[i].listener, factory))
      return io_error_set(error, 0, "out of memory");
  }
  session_begin(&run->session, run->options, &session_events, &run->engine, worker);
  return true;
}

static void second(struct worker *worker, void *ctx) {
  (void)worker;
  engine_trim(&((struct run *)ctx)->engine);
}

static void stopped(struct worker *worker, void *ctx) {
  struct run *run = ctx;
  (void)worker;
  connections_destroy(&run->connections);
  atomic_store(&run->ended, true);
  nudge(run);
}

/* ---- the main thread ------------------------------------------------------------------------- */

/* A free port is chosen for the first address, and the others listen on it, too. */
static bool listen_on(struct run *run, unsigned port, unsigned which, struct io_error *error) {
  struct local *local = &run->locals[run->local_count];
  struct address address = run->options->addresses[which];
  uint16_t number = run->options->ports[port].local;
  if (number == 0 && which > 0 && run->local_count > 0 && local[-1].port == port)
    number = address_port(&local[-1].listener.address);
  address_set_port(&address, number);
  if (!listener_open(&local->listener, &address, 1, error)) return false;
  local->run = run;
  local->port = port;
  run->local_count++;
  return true;
}

/* Of the two addresses of localhost, a machine may have only one. */
static int listen_all(struct run *run) {
  const struct forward_options *options = run->options;
  for (unsigned port = 0; port < options->port_count; port++) {
    for (unsigned which = 0; which < options->address_count; which++) {
      struct io_error error = {0};
      if (listen_on(run, port, which, &error)) continue;
      bool missing = error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT;
      bool unlucky = error.code == EADDRINUSE && options->ports[port].local == 0 && which > 0;
      if ((missing || unlucky) && options->default_addresses) continue;
      return complain("%s", error.text);
    }
  }
  return run->local_count ? EXIT_DONE : complain("there is no local address");
}

static void post(struct run *run, void (*deliver)(struct worker *to, void *object), void *object) {
  while (!worker_group_post(&run->group, 0, deliver, object))
    usleep(1000); /* the mailbox is full */
}

/* Does what the worker asks for. Signals are let in, so that they end a plugin that hangs: then there is no
 * answer, because the worker is told to stop next. */
static void give_access(struct run *run, bool refused, const sigset_t *mask) {
  struct given *given = calloc(1, sizeof *given);
  sigset_t before;
  if (!given) abort();
  const struct failure failure = {given->reason, sizeof given->reason};
  given->run = run;
  pthread_sigmask(SIG_SETMASK, mask, &before);
  given->good = access_make(&given->access, &run->source, refused, &failure);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!interrupted) {
    post(run, deliver_access, given);
    return;
  }
  if (given->good) access_free(&given->access);
  free(given);
}

static void serve_worker(struct run *run, const sigset_t *mask) {
  bool told = false;
  while (!atomic_load(&run->ended)) {
    int want = atomic_exchange(&run->want, WANT_NOTHING);
    bool stops = interrupted || atomic_load(&run->over);
    if (stops && !told) {
      told = true;
      post(run, deliver_stop, run);
    } else if (want != WANT_NOTHING && !stops) {
      give_access(run, want == WANT_FRESH_ACCESS, mask);
    } else {
      sigsuspend(mask);
    }
  }
}

static int run_worker(struct run *run) {
  const struct worker_config config = {
      .buffer_count = PIPE_BUFFERS,
      .count = 1,
      .ring = run->options->ring,
      .links_max = run->connections_max + FORWARD_DESCRIPTORS_KEPT / 2,
      .send_stall_ns =
          UINT64_MAX / 4, /* a client that does not read may do so as long as it likes */
      .hooks = {.ctx = run, .setup = setup, .second = second, .stopped = stopped},
  };
  struct io_error why = {0};
  sigset_t ours, before;
  handle_signals(&ours, &before);
  if (!worker_group_start(&run->group, &config, &why)) return complain("%s", why.text);
  ring_warn(&run->group.chosen);
  serve_worker(run, &before);
  worker_group_join(&run->group);
  return run->status;
}

/* Local connections must not take the descriptors that the session needs to be dialled again. */
static uint32_t connections_max(uint64_t descriptors) {
  uint64_t kept = FORWARD_DESCRIPTORS_KEPT + LISTENERS_MAX;
  if (descriptors > FORWARD_CONNECTIONS_MAX + kept) return FORWARD_CONNECTIONS_MAX;
  return descriptors > kept ? (uint32_t)(descriptors - kept) : 1;
}

int forward_run(const struct forward_options *options) {
  struct run *run = calloc(1, sizeof *run);
  if (!run) return complain("out of memory");
  run->options = options;
  run->main_thread = pthread_self();
  run->source = (struct access_source){.options = options, .stop = &interrupted};
  uint64_t descriptors = process_raise_descriptors();
  run->connections_max = connections_max(descriptors);
  int status = listen_all(run);
  if (status == EXIT_DONE) status = run_worker(run);
  for (unsigned i = 0; i < run->local_count; i++)
    listener_close(&run->locals[i].listener);
  if (run->has_engine) engine_destroy(&run->engine);
  access_source_free(&run->source);
  free(run);
  return output_end("weir forward", status);
}
