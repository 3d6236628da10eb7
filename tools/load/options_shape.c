/*
 * load/options_shape.c - how many requests, when, and how many at once.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "io/base/limits.h"
#include "tools/common/option_values.h"
#include "tools/common/ring.h"
#include "tools/load/options_rows.h"
#include "tools/load/stages.h"
#include "tools/load/start_at.h"

static bool set_arrivals(struct options *parser, struct load_options *options, char *text) {
  uint64_t burst;
  options->arrivals = strcmp(text, "poisson") == 0 ? LOAD_POISSON : LOAD_CONSTANT;
  if (strcmp(text, "constant") == 0 || options->arrivals == LOAD_POISSON) return true;
  if (strncmp(text, "burst=", 6) != 0 || !option_number(text + 6, 1, LOAD_BURST_MAX, &burst))
    return options_wrong(parser, "expected constant, poisson or burst=N, N from 1 to %d",
                         LOAD_BURST_MAX);
  options->arrivals = LOAD_BURSTS;
  options->burst = (unsigned)burst;
  return true;
}

static bool set_seed(struct options *parser, struct load_options *options, char *text) {
  (void)text;
  options->seeded = true;
  return options_number(parser, 0, UINT32_MAX, &options->seed);
}

static bool add_stage(struct options *parser, struct load_options *options, char *text) {
  if (options->stage_count == LOAD_STAGES_MAX)
    return options_wrong(parser, "more than %d stages", LOAD_STAGES_MAX);
  if (load_stage_parse(&options->stages[options->stage_count++], text)) return true;
  return options_wrong(parser, "expected TIME:RATE, such as 30s:500, at most %.0f a second",
                       LOAD_RATE_MAX);
}

static bool set_ring(struct options *parser, struct load_options *options, char *text) {
  (void)text;
  return ring_option(parser, &options->ring);
}

/* A time, or 0. */
static bool set_batch_wait(struct options *parser, struct load_options *options, char *text) {
  options->batch_wait_seconds = 0;
  return strcmp(text, "0") == 0 || options_seconds(parser, &options->batch_wait_seconds);
}

static bool set_start(struct options *parser, struct load_options *options, char *text) {
  int64_t now_ns = load_start_at_now(), ahead_ns;
  if (!load_start_at_parse(text, now_ns, &options->start_unix_ns))
    return options_wrong(parser, "expected a time, such as +10s or 2026-01-31T12:00:00Z");
  ahead_ns = options->start_unix_ns - now_ns;
  parser->impossible = true;
  if (ahead_ns < 0)
    return options_wrong(parser, "that time was %.3f seconds ago", (double)-ahead_ns / 1e9);
  if (ahead_ns > LOAD_START_AHEAD_SECONDS * (int64_t)SECOND_NS)
    return options_wrong(parser, "that time is more than a day ahead");
  return true;
}

static const struct load_option rows[] = {
    {"requests", 'n', "N", LOAD_NUMBER(requests, 1, LOAD_REQUESTS_MAX),
     "requests in total (default: one per connection)"},
    {"duration", 'D', "TIME", LOAD_SECONDS(duration_seconds),
     "run for TIME instead: 10, 500ms, 1m30s"},
    {"warm-up-time", 0, "TIME", LOAD_SECONDS(warm_up_seconds),
     "with -D: run for TIME before that, without counting"},
    {"start-at", 0, "TIME", LOAD_TAKE(set_start),
     "begin at TIME: +10s, seconds since 1970, or RFC 3339;\n"
     "for machines that begin together"},
    {"clients", 'c', "N", LOAD_COUNT(connections, 1, LOAD_CONNECTIONS_MAX),
     "connections (default 1)"},
    {"connections", 'c', "N", LOAD_COUNT(connections, 1, LOAD_CONNECTIONS_MAX), NULL},
    {"max-concurrent-streams", 'm', "N", LOAD_COUNT(streams, 1, LOAD_STREAMS_MAX),
     "concurrent requests per connection (default 1), within\n"
     "the server's limit"},
    {"streams", 'm', "N", LOAD_COUNT(streams, 1, LOAD_STREAMS_MAX), NULL},
    {"threads", 't', "N", LOAD_COUNT(threads, 1, IO_WORKERS_MAX),
     "threads (default 1), each pinned to a core that nobody keeps\n"
     "busy, from the last one down"},
    {"ring", 0, "ENGINE", LOAD_TAKE(set_ring), RING_HELP},
    {"no-pin", 0, NULL, LOAD_FLAG(no_pin), "let the kernel choose the cores"},
    {"batch-wait", 0, "TIME", LOAD_TAKE(set_batch_wait),
     "use less CPU against servers that send responses one by one:\n"
     "wait up to TIME (say 30us) for more of them. Latencies then\n"
     "include it. Default: 0.4% of the time to the first byte, which\n"
     "does not show, at most 50us; none in an open loop. 0: none"},
    {"rate", 'r', "N", LOAD_RATE(begin_rate),
     "open loop: start N requests a second (500, 0.5, 2k, 30/1m)\n"
     "over all connections, even if earlier ones are unfinished.\n"
     "Latency counts from when a request was due. (h2load's -r is\n"
     "--connect-rate)"},
    {"rps", 0, "N", LOAD_RATE(rps), "-r N for each connection"},
    {"arrivals", 0, "HOW", LOAD_TAKE(set_arrivals),
     "of -r: constant (default), poisson, or burst=N at once"},
    {"seed", 0, "N", LOAD_TAKE(set_seed), "of poisson: repeat the run that had this seed"},
    {"stage", 0, "TIME:RATE", LOAD_TAKE(add_stage),
     "open loop: change the rate to RATE within TIME. May be\n"
     "repeated; see --help=shape"},
    {"connect-rate", 0, "N", LOAD_RATE(connect_rate),
     "open at most N connections a second (default: all at once),\n"
     "while those that are open make requests"},
    {"requests-per-connection", 0, "N", LOAD_COUNT(requests_per_connection, 1, UINT32_MAX),
     "close each connection after N requests, and open a new one"},
    {"timeout", 'T', "TIME", LOAD_SECONDS(timeout_seconds),
     "fail requests that take longer (default 30). With -n, also\n"
     "give up connections that are silent for three times as long"},
};

static bool check_rate(struct load_options *options, const struct failure *failure) {
  if (options->rps > 0 && (options->begin_rate > 0 || options->stage_count > 0))
    return failure_set(failure, "--rps excludes -r and --stage");
  if (options->rps > 0) options->begin_rate = options->rps * options->connections;
  options->rate = options->begin_rate;
  if (options->rate > LOAD_RATE_MAX)
    return failure_set(failure, "--rps: more than %.0f requests a second over all connections",
                       LOAD_RATE_MAX);
  return true;
}

static bool check_stages(struct load_options *options, const struct failure *failure) {
  if (options->stage_count == 0) return true;
  if (options->requests || options->duration_seconds > 0)
    return failure_set(failure, "--stage excludes -n and -D: the stages are the run");
  if (options->warm_up_seconds > 0 && options->begin_rate == 0)
    return failure_set(failure, "--warm-up-time with --stage needs -r, the rate of the warm-up");
  for (unsigned i = 0; i < options->stage_count; i++) {
    options->duration_seconds += options->stages[i].seconds;
    if (options->stages[i].rate > options->rate) options->rate = options->stages[i].rate;
  }
  if (options->duration_seconds == 0) return failure_set(failure, "--stage: no stage takes time");
  if (options->rate == 0) return failure_set(failure, "--stage: no stage has a rate");
  return true;
}

static bool check_arrivals(struct load_options *options, const struct failure *failure) {
  if (options->arrivals != LOAD_CONSTANT && options->rate == 0)
    return failure_set(failure, "--arrivals needs -r or --stage");
  if (options->seeded && options->arrivals != LOAD_POISSON)
    return failure_set(failure, "--seed needs --arrivals poisson");
  uint32_t seed = 0;
  if (options->arrivals == LOAD_POISSON && !options->seeded) {
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
      return failure_set(failure, "cannot make a --seed: %s", strerror(errno));
    options->seed = seed;
  }
  return true;
}

static bool check_numbers(struct load_options *options, const struct failure *failure) {
  if (options->requests && options->duration_seconds > 0)
    return failure_set(failure, "-n and -D exclude each other");
  if (options->warm_up_seconds > 0 && options->duration_seconds == 0)
    return failure_set(failure, "--warm-up-time needs -D");
  if (options->requests == 0 && options->duration_seconds == 0 && !options->input_path)
    options->requests = options->connections;
  if (options->threads > options->connections)
    return failure_set(failure, "-t %u: more threads than connections (-c %u)", options->threads,
                       options->connections);
  if (options->requests && options->requests < options->connections)
    return failure_set(failure, "-n %llu: fewer requests than connections (-c %u)",
                       (unsigned long long)options->requests, options->connections);
  return true;
}

static bool check_batch(const struct load_options *options, const struct failure *failure) {
  if (options->batch_wait_seconds * 1e6 <= LOAD_BATCH_WAIT_US_MAX) return true;
  return failure_set(failure, "--batch-wait: more than %d ms", LOAD_BATCH_WAIT_US_MAX / 1000);
}

static bool check(struct load_options *options, const struct failure *failure) {
  return check_rate(options, failure) && check_stages(options, failure) &&
         check_arrivals(options, failure) && check_numbers(options, failure) &&
         check_batch(options, failure);
}

static const char more[] =
    "--arrivals poisson has random gaps between requests, as many independent users make them;\n"
    "constant has equal ones. The report names the seed.\n"
    "\n"
    "--stage changes the rate linearly from that of the stage before; the first starts from -r,\n"
    "or from 0. A TIME of 0 changes it at once. The report has a row for each stage.\n"
    "  --stage 30s:500 --stage 1m:500 --stage 10s:0\n"
    "      up to 500 a second in 30 s, a minute of it, and down again\n"
    "  -r 100 --stage 1m:100 --stage 0:1k --stage 10s:1k --stage 0:100 --stage 1m:100\n"
    "      100 a second, with a step to 1000 for 10 s\n";

const struct load_option_family load_options_shape = {
    .topic = "shape", .title = "How much", LOAD_OPTIONS(rows), .check = check, .more = more};
