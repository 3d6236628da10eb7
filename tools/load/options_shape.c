/*
 * load/options_shape.c - how many requests, when, and how many at once.
 */
#include "io/base/limits.h"
#include "tools/load/options_rows.h"

static const struct load_option rows[] = {
    {"requests", 'n', "N", LOAD_NUMBER(requests, 1, LOAD_REQUESTS_MAX),
     "requests in total (default: one per connection)"},
    {"duration", 'D', "TIME", LOAD_SECONDS(duration_seconds),
     "run for TIME instead: 10, 500ms, 1m"},
    {"warm-up-time", 0, "TIME", LOAD_SECONDS(warm_up_seconds),
     "with -D: run for TIME before that, without counting"},
    {"clients", 'c', "N", LOAD_COUNT(connections, 1, LOAD_CONNECTIONS_MAX),
     "connections (default 1)"},
    {"connections", 'c', "N", LOAD_COUNT(connections, 1, LOAD_CONNECTIONS_MAX), NULL},
    {"max-concurrent-streams", 'm', "N", LOAD_COUNT(streams, 1, LOAD_STREAMS_MAX),
     "concurrent requests per connection (default 1), within\n"
     "the server's limit"},
    {"streams", 'm', "N", LOAD_COUNT(streams, 1, LOAD_STREAMS_MAX), NULL},
    {"threads", 't', "N", LOAD_COUNT(threads, 1, IO_WORKERS_MAX),
     "threads (default 1), pinned to cores from the last one down"},
    {"rate", 'r', "N", LOAD_NUMBER(rate, 1, LOAD_RATE_MAX),
     "open loop: start N requests a second over all connections,\n"
     "even if earlier ones are unfinished. Latency counts from\n"
     "the time a request was due, so a stalled server shows"},
    {"timeout", 'T', "TIME", LOAD_SECONDS(timeout_seconds),
     "fail requests that take longer (default 30). With -n, also\n"
     "give up connections that are silent for three times as long"},
};

static bool check(struct load_options *options, const struct failure *failure) {
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

const struct load_option_family load_options_shape = {
    .topic = "shape", .title = "How much", LOAD_OPTIONS(rows), .check = check};
