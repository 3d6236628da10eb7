/*
 * ceiling.c - the same bytes without a protocol: the most that this machine, its kernel and io/ allow.
 *
 * A server worker on one core answers every `request` bytes with `response` meaningless bytes. A client
 * worker on another core keeps `depth` requests in flight on each of its connections. Neither looks at a
 * byte. Compared with an engine on the same io/, the difference is the cost of the protocol.
 *
 *     ceiling --connections 100 --depth 100 --request 40 --response 160 --seconds 5
 *
 * Prints one line: requests per second, requests per second of the server's CPU time, bytes per second,
 * system calls and turns.
 */
#include "io/link/dial.h"
#include "io/worker/group.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 10000, FILLER_BYTES = 1 << 18 };

static struct options {
  unsigned connections, depth, seconds;
  int server_core, client_core;
  size_t request_bytes, response_bytes;
  unsigned disabled;
} options = {
    .connections = 100,
    .depth = 100,
    .seconds = 5,
    .server_core = 0,
    .client_core = 1,
    .request_bytes = 40,
    .response_bytes = 160,
};

static uint8_t filler[FILLER_BYTES];

/* --- one end: for every `takes` bytes in, `gives` bytes out --- */

struct end {
  size_t takes, gives;
  size_t partial;      /* bytes of an incomplete unit in */
  uint64_t owed_bytes; /* to be sent */
  uint64_t *completed; /* counter of units in */
  bool eof, draining;
};

static size_t end_recv(void *self, struct span in, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  size_t bytes = end->partial + in.len, units = bytes / end->takes;
  end->partial = bytes % end->takes;
  end->owed_bytes += units * end->gives;
  counter_add(end->completed, units);
  return in.len;
}

static void end_recv_eof(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->eof = true;
}

static size_t end_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  const struct end *end = self;
  (void)max;
  (void)now_ns;
  size_t len = end->owed_bytes < budget_bytes ? end->owed_bytes : budget_bytes;
  if (len > FILLER_BYTES) len = FILLER_BYTES;
  out[0] = span_of(filler, len);
  return len > 0;
}

static void end_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->owed_bytes -= bytes;
}

static void end_tick(void *self, uint64_t now_ns) {
  (void)self;
  (void)now_ns;
}

static uint64_t end_deadline_ns(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

static unsigned end_wants(const void *self) {
  const struct end *end = self;
  if (end->eof || end->draining) return MACHINE_DONE;
  return end->owed_bytes ? MACHINE_RECV | MACHINE_SEND : MACHINE_RECV;
}

static void end_drain(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->draining = true;
}

static bool end_make(struct machine *out, struct end values) {
  static const struct machine_ops ops = {
      .recv = end_recv,
      .recv_eof = end_recv_eof,
      .send_peek = end_send_peek,
      .send_ack = end_send_ack,
      .tick = end_tick,
      .deadline_ns = end_deadline_ns,
      .wants = end_wants,
      .drain = end_drain,
      .close = free,
  };
  struct end *end = malloc(sizeof *end);
  if (!end) return false;
  *end = values;
  *out = (struct machine){.ops = &ops, .self = end};
  return true;
}

/* --- the two sides --- */

static struct side {
  uint64_t completed; /* requests on the server's side, responses on the client's */
  uint64_t dialed, failed;
} server_side, client_side;

static struct listener listener;
static struct dial dials[CONNECTIONS_MAX];

static bool server_end(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                       uint64_t now_ns, struct machine *out) {
  struct side *side = ctx;
  (void)peer;
  (void)host;
  (void)now_ns;
  return end_make(out, (struct end){.takes = options.request_bytes,
                                    .gives = options.response_bytes,
                                    .completed = &side->completed});
}

static bool client_end(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                       uint64_t now_ns, struct machine *out) {
  struct side *side = ctx;
  (void)peer;
  (void)host;
  (void)now_ns;
  return end_make(out, (struct end){.takes = options.response_bytes,
                                    .gives = options.request_bytes,
                                    .owed_bytes = options.depth * options.request_bytes,
                                    .completed = &side->completed});
}

static void run_on(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set)) perror("ceiling: sched_setaffinity");
}

static bool set_up_server(struct worker *worker, void *ctx, struct io_error *error) {
  struct machine_factory factory = {.ctx = ctx, .create = server_end};
  run_on(options.server_core);
  return worker_listen(worker, &listener, factory) || io_error_set(error, ENOMEM, "no memory");
}

static void dialed(struct dial *dial, int error) {
  struct side *side = dial->factory.ctx;
  counter_add(error ? &side->failed : &side->dialed, 1);
}

static bool set_up_client(struct worker *worker, void *ctx, struct io_error *error) {
  (void)error;
  run_on(options.client_core);
  for (unsigned i = 0; i < options.connections; i++) {
    dials[i] = (struct dial){
        .address = listener.address, .factory = {.ctx = ctx, .create = client_end}, .done = dialed};
    dial_start(&dials[i], &worker->links);
  }
  return true;
}

/* --- measuring --- */

struct sample {
  uint64_t now_ns, cpu_ns, completed;
  struct loop_counters counters;
};

static struct sample take_sample(const struct worker_group *server) {
  clockid_t clock;
  struct timespec cpu = {0};
  if (pthread_getcpuclockid(server->workers[0].thread, &clock) == 0) clock_gettime(clock, &cpu);
  return (struct sample){.now_ns = clock_now_ns(),
                         .cpu_ns = (uint64_t)cpu.tv_sec * IO_SECOND + (uint64_t)cpu.tv_nsec,
                         .completed = counter_get(&client_side.completed),
                         .counters = worker_group_counters(server)};
}

static void report(const struct sample *from, const struct sample *to) {
  double seconds = (double)(to->now_ns - from->now_ns) / 1e9;
  double cpu_seconds = (double)(to->cpu_ns - from->cpu_ns) / 1e9;
  double requests = (double)(to->completed - from->completed);
  double sends = (double)(to->counters.send_calls - from->counters.send_calls);
  double turns = (double)(to->counters.turns - from->counters.turns);
  double recvs = (double)(to->counters.recv_calls - from->counters.recv_calls);
  double sent = (double)(to->counters.send_bytes - from->counters.send_bytes);
  double shorts = (double)(to->counters.send_short - from->counters.send_short);
  printf("%.0f requests/s, %.0f per server CPU second (%.0f%% busy), %.1f MB/s sent, "
         "%.0f turns/s, %.0f receives/s, %.0f sends/s (%.2f%% short)\n",
         requests / seconds, cpu_seconds > 0 ? requests / cpu_seconds : 0,
         100 * cpu_seconds / seconds, sent / seconds / 1e6, turns / seconds, recvs / seconds,
         sends / seconds, sends > 0 ? 100 * shorts / sends : 0);
}

static int fail(const struct io_error *error) {
  fprintf(stderr, "ceiling: %s\n", error->text);
  return 1;
}

static int measure(void) {
  struct io_error error;
  struct worker_group server, client;
  struct worker_config server_config = {.count = 1,
                                        .disabled = options.disabled,
                                        .hooks = {.ctx = &server_side, .setup = set_up_server}};
  struct worker_config client_config = {.count = 1,
                                        .disabled = options.disabled,
                                        .hooks = {.ctx = &client_side, .setup = set_up_client}};
  if (!worker_group_start(&server, &server_config, &error)) return fail(&error);
  if (!worker_group_start(&client, &client_config, &error)) return fail(&error);
  while (counter_get(&client_side.dialed) + counter_get(&client_side.failed) < options.connections)
    usleep(1000);
  usleep(300000);
  struct sample from = take_sample(&server);
  sleep(options.seconds);
  struct sample to = take_sample(&server);
  report(&from, &to);
  worker_group_stop(&client);
  worker_group_join(&client);
  worker_group_stop(&server);
  worker_group_join(&server);
  return counter_get(&client_side.failed) ? 1 : 0;
}

/* --- the command line --- */

static const struct option long_options[] = {
    {"connections", required_argument, NULL, 'c'},
    {"depth", required_argument, NULL, 'd'},
    {"request", required_argument, NULL, 'r'},
    {"response", required_argument, NULL, 's'},
    {"seconds", required_argument, NULL, 't'},
    {"server-core", required_argument, NULL, 'S'},
    {"client-core", required_argument, NULL, 'C'},
    {"disable", required_argument, NULL, 'D'},
    {NULL, 0, NULL, 0},
};

static bool read_option(int letter) {
  const char *bad = "";
  unsigned long value = letter == 'D' ? 0 : strtoul(optarg ? optarg : "", NULL, 10);
  switch (letter) {
  case 'c': options.connections = (unsigned)value; return value >= 1 && value <= CONNECTIONS_MAX;
  case 'd': options.depth = (unsigned)value; return value >= 1;
  case 'r': options.request_bytes = value; return value >= 1;
  case 's': options.response_bytes = value; return value >= 1;
  case 't': options.seconds = (unsigned)value; return value >= 1;
  case 'S': options.server_core = (int)value; return true;
  case 'C': options.client_core = (int)value; return true;
  case 'D': return uring_parse_disabled(optarg, &options.disabled, &bad);
  default: return false;
  }
}

int main(int argc, char **argv) {
  struct address address;
  struct io_error error;
  for (int letter; (letter = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
    if (read_option(letter)) continue;
    fprintf(stderr, "ceiling: options are --connections --depth --request --response --seconds "
                    "--server-core --client-core and --disable FEATURES\n");
    return 2;
  }
  if (!address_parse(&address, "127.0.0.1:0")) return 2;
  if (!listener_open(&listener, &address, 1, &error)) return fail(&error);
  return measure();
}
