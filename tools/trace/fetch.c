/*
 * trace/fetch.c - the worker of one run; see trace/fetch.h.
 */
#include "tools/trace/fetch.h"
#include "tools/common/ring.h"

#include "tools/trace/explain.h"
#include "tools/trace/interrupt.h"
#include "tools/trace/items.h"

struct fetch {
  struct trace_run run;
  struct trace_origins origins;
  struct trace_items items;
};

static void on_origin_changed(struct trace_origins *origins) {
  struct fetch *fetch = LIST_OWNER(origins, struct fetch, origins);
  trace_items_ask(&fetch->items);
}

/* The time is up, or the run is over and the connections are drained. */
static void on_end(struct timer *timer, uint64_t now_ns) {
  struct fetch *fetch = LIST_OWNER(timer, struct fetch, run.end_timer);
  struct worker *worker = fetch->run.worker;
  (void)now_ns;
  if (fetch->run.over) {
    trace_origins_leave(&fetch->origins);
    worker_drain(worker, worker->loop.now_ns + CLIENT_FAREWELL_NS);
    return;
  }
  trace_items_give_up(&fetch->items);
  trace_run_end(&fetch->run);
}

static bool setup(struct worker *worker, void *ctx, struct io_error *error) {
  struct fetch *fetch = ctx;
  if (!trace_run_begin(&fetch->run, worker, on_end)) return io_error_set(error, 0, "out of memory");
  trace_items_begin(&fetch->items);
  return true;
}

static void stopped(struct worker *worker, void *ctx) {
  struct trace_run *run = &((struct fetch *)ctx)->run;
  (void)worker;
  run->over = true;
  if (run->record->end_ns == 0) run->record->end_ns = trace_run_now_ns(run);
}

static bool run_worker(struct fetch *fetch, const struct failure *failure) {
  const struct worker_config config = {
      .count = 1,
      .ring = fetch->run.options->ring,
      .links_max = TRACE_CONNECTIONS_MAX,
      .buffer_count = TRACE_BUFFER_COUNT,
      .buffer_bytes = fetch->run.options->rate_limit ? TRACE_BUFFER_BYTES_NARROW : 0,
      .hooks = {.ctx = fetch, .setup = setup, .stopped = stopped},
  };
  struct worker_group group = {0};
  struct io_error why = {0};
  if (!worker_group_start(&group, &config, &why)) return failure_set(failure, "%s", why.text);
  ring_warn(&group.chosen);
  trace_interrupt_watch(&group);
  worker_group_join(&group);
  trace_interrupt_forget();
  return true;
}

bool trace_fetch(const struct trace_options *options, const struct trace_manifest *manifest,
                 const struct url *base, struct trace_record *record,
                 const struct failure *failure) {
  struct fetch fetch = {.run = {.options = options, .manifest = manifest, .record = record},
                        .origins = {.run = &fetch.run, .changed = on_origin_changed}};
  record->rate_limit = options->rate_limit;
  bool good = trace_items_init(&fetch.items, &fetch.run, &fetch.origins, base, failure) &&
              trace_origins_prepare(&fetch.origins, failure) && run_worker(&fetch, failure);
  if (good) trace_explain(record);
  trace_origins_free(&fetch.origins);
  trace_run_free(&fetch.run);
  trace_items_free(&fetch.items);
  return good;
}
