/*
 * trace/run.c - see trace/run.h.
 */
#include "tools/trace/run.h"

#include "tools/common/process.h"

uint64_t trace_run_now_ns(const struct trace_run *run) {
  uint64_t now_ns = run->worker->loop.now_ns, origin_ns = run->record->origin_ns;
  return now_ns > origin_ns ? now_ns - origin_ns : 0;
}

static struct engine_config config_of(const struct trace_options *options) {
  const struct trace_profile *profile = options->profile;
  struct engine_config config = engine_config_default();
  config.h2.push = false;
  config.h2.flow = FLOW_THRESHOLD;
  config.h2.concurrent_streams = profile->concurrent_streams;
  config.header_list_bytes = profile->header_list_bytes;
  config.h2.no_rfc7540_priorities = profile->no_rfc7540_priorities;
  config.h2.stream_window_bytes = profile->stream_window_bytes;
  config.h2.connection_window_bytes = profile->connection_window_bytes;
  if (options->stream_window_bytes) config.h2.stream_window_bytes = options->stream_window_bytes;
  if (options->connection_window_bytes)
    config.h2.connection_window_bytes = options->connection_window_bytes;
  config.h2.window_budget_bytes = H2_WINDOW_BUDGET_NONE;
  return config;
}

bool trace_run_begin(struct trace_run *run, struct worker *worker,
                     void (*on_end)(struct timer *timer, uint64_t now_ns)) {
  const struct trace_options *options = run->options;
  struct engine_config config = config_of(options);
  run->worker = worker;
  config.clock_ns = &worker->loop.now_ns;
  run->has_engine = engine_init(&run->engine, &process_memory, &config, NULL);
  if (!run->has_engine) return false;
  worker->loop.now_ns = clock_now_ns(); /* the turn's time dates from the thread's start */
  run->record->origin_ns = worker->loop.now_ns;
  run->record->window_bytes = config.h2.stream_window_bytes;
  run->record->connection_window_bytes = config.h2.connection_window_bytes;
  trace_bucket_init(&run->bucket, options->rate_limit, worker->loop.now_ns);
  timer_init(&run->end_timer, on_end);
  timer_arm(&worker->loop.timers, &run->end_timer,
            worker->loop.now_ns + (uint64_t)(options->timeout_seconds * 1e9));
  return true;
}

void trace_run_end(struct trace_run *run) {
  if (run->over) return;
  run->over = true;
  run->record->end_ns = trace_run_now_ns(run);
  timer_arm(&run->worker->loop.timers, &run->end_timer, run->worker->loop.now_ns);
}

void trace_run_free(struct trace_run *run) {
  if (run->has_engine) engine_destroy(&run->engine);
}
