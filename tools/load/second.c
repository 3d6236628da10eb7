/*
 * load/second.c - see load/second.h.
 */
#include "tools/load/second.h"

#include <string.h>

#include "io/base/clock.h"

/* Moves what `now` has more than `before` to `more`. The extreme values of the difference are known
 * only as well as its buckets are. */
static void take_histogram(struct load_histogram *before, const struct load_histogram *now,
                           struct load_histogram *more) {
  memset(more, 0, sizeof *more);
  if (now->count == before->count) return;
  for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
    more->buckets[i] = now->buckets[i] - before->buckets[i];
    if (more->buckets[i] == 0) continue;
    if (more->count == 0) more->min_ns = load_histogram_at(now, i);
    more->max_ns = load_histogram_at(now, i);
    more->count += more->buckets[i];
  }
  if (now->max_ns > before->max_ns) more->max_ns = now->max_ns;
  more->sum_ns = now->sum_ns - before->sum_ns;
  *before = *now;
}

static uint64_t take_count(uint64_t *before, uint64_t now) {
  uint64_t more = now - *before;
  *before = now;
  return more;
}

static void begin(struct load_tally *tally, const struct load_books *books) {
  memset(tally, 0, sizeof *tally);
  tally->begin_ns = books->stats.begin_ns;
  tally->cpu_ns = books->cpu_begin_ns;
  tally->started = books->stats.requests.carried; /* these started before */
  tally->due = books->plan->warm_up_ns > 0 ? books->due.number : 0;
}

/* This worker's share of the requests that are due in that time. */
static double asked(const struct load_schedule *schedule, uint64_t begin_ns, uint64_t end_ns) {
  double begin = (double)(begin_ns - schedule->begin_ns),
         end = (double)(end_ns - schedule->begin_ns);
  double all =
      load_shape_place(schedule->shape, end / 1e9) - load_shape_place(schedule->shape, begin / 1e9);
  return all / schedule->step;
}

void load_second_take(struct load_tally *tally, const struct load_books *books,
                      struct load_second *second) {
  const struct load_stats *stats = &books->stats;
  const struct load_requests *counts = &stats->requests;
  memset(second, 0, sizeof *second);
  second->connections = stats->connections_opened - stats->connections_ended;
  if (!books->measuring) return;
  if (tally->begin_ns == 0) begin(tally, books);
  second->begin_ns = tally->begin_ns;
  second->end_ns = books->over ? stats->end_ns : clock_now_ns();
  if (second->end_ns < second->begin_ns) second->end_ns = second->begin_ns; /* not begun yet */
  uint64_t span_ns = take_count(&tally->begin_ns, second->end_ns);
  uint64_t cpu_now_ns = books->over ? books->cpu_begin_ns + stats->cpu_ns : clock_thread_cpu_ns();
  uint64_t cpu_ns = take_count(&tally->cpu_ns, cpu_now_ns);
  second->busy = span_ns ? (double)cpu_ns / (double)span_ns : 0;
  second->started = take_count(&tally->started, counts->started);
  second->done = take_count(&tally->done, counts->done);
  second->failed = take_count(&tally->failed, counts->failed);
  second->bytes_in = take_count(&tally->bytes_in, counts->wire_in);
  second->in_flight = counts->started - counts->done;
  second->backlog = books->over ? counts->unsent : load_books_backlog(books, second->end_ns);
  if (books->plan->options->replay)
    second->asked = (double)take_count(&tally->due, books->due.number + second->backlog);
  else if (books->scheduled)
    second->asked = asked(&books->due.schedule, second->begin_ns, second->end_ns);
  take_histogram(&tally->latency, &counts->latency, &second->latency);
  take_histogram(&tally->lateness, &books->self.lateness, &second->lateness);
}

void load_second_merge(struct load_second *sum, const struct load_second *from) {
  sum->connections += from->connections;
  sum->in_flight += from->in_flight;
  sum->backlog += from->backlog;
  if (from->end_ns == from->begin_ns) return;
  if (sum->end_ns == sum->begin_ns || from->begin_ns < sum->begin_ns)
    sum->begin_ns = from->begin_ns;
  if (from->end_ns > sum->end_ns) sum->end_ns = from->end_ns;
  sum->asked += from->asked;
  sum->started += from->started;
  sum->done += from->done;
  sum->failed += from->failed;
  sum->bytes_in += from->bytes_in;
  if (from->busy > sum->busy) sum->busy = from->busy;
  load_histogram_merge(&sum->latency, &from->latency);
  load_histogram_merge(&sum->lateness, &from->lateness);
}
