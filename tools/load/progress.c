/*
 * load/progress.c - see load/progress.h.
 */
#include "tools/load/progress.h"

#include <stdio.h>
#include <string.h>

#include "tools/load/units.h"

static double seconds_between(uint64_t from_ns, uint64_t to_ns) {
  return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

double load_progress_rate(const struct load_progress *progress) {
  const struct load_second *last = progress->last;
  double seconds = seconds_between(last->begin_ns, last->end_ns);
  return seconds > 0 ? (double)(last->done - last->failed) / seconds : 0;
}

void load_progress_add(struct load_progress *progress) {
  const struct load_second *last = progress->last;
  if (last->end_ns == last->begin_ns) return;
  if (progress->measured_ns == 0) progress->measured_ns = last->begin_ns;
  progress->done += last->done;
  progress->failed += last->failed;
  if (progress->spark_count == LOAD_SPARK_MAX) {
    size_t bytes = (LOAD_SPARK_MAX - 1) * sizeof progress->spark_rates[0];
    memmove(progress->spark_rates, progress->spark_rates + 1, bytes);
    memmove(progress->spark_p99s, progress->spark_p99s + 1, bytes);
    progress->spark_count--;
  }
  progress->spark_rates[progress->spark_count] = load_progress_rate(progress);
  progress->spark_p99s[progress->spark_count++] =
      (double)load_histogram_percentile(&last->latency, 99);
}

/* The warm-up counts as a part of a run with a duration. */
double load_progress_part(const struct load_progress *progress, double *left_seconds) {
  const struct load_options *options = progress->options;
  double whole = options->duration_seconds + options->warm_up_seconds, elapsed, part;
  if (options->requests > 0) {
    elapsed = seconds_between(progress->measured_ns, progress->now_ns);
    part = (double)progress->done / (double)options->requests;
    *left_seconds = part > 0 ? elapsed / part - elapsed : -1;
    return part < 1 ? part : 1;
  }
  elapsed = seconds_between(progress->run_begin_ns, progress->now_ns);
  if (progress->measured_ns)
    elapsed = options->warm_up_seconds + seconds_between(progress->measured_ns, progress->now_ns);
  *left_seconds = elapsed < whole ? whole - elapsed : 0;
  return elapsed < whole ? elapsed / whole : 1;
}

double load_progress_asked(const struct load_progress *progress) {
  const struct load_second *last = progress->last;
  double seconds = seconds_between(last->begin_ns, last->end_ns);
  return seconds > 0 ? last->asked / seconds : 0;
}

double load_progress_kept(const struct load_progress *progress) {
  const struct load_second *last = progress->last;
  return last->asked > 0 ? (double)last->started / last->asked : -1;
}

void load_progress_line(const struct load_progress *progress, char *line, size_t size) {
  const struct load_second *last = progress->last;
  char rate[LOAD_TEXT_BYTES], asked[LOAD_TEXT_BYTES], p50[LOAD_TEXT_BYTES], p99[LOAD_TEXT_BYTES];
  char late[LOAD_TEXT_BYTES];
  double elapsed = seconds_between(progress->run_begin_ns, progress->now_ns);
  if (progress->measured_ns == 0) {
    snprintf(line, size, "%4.0f s: %s, %llu connection%s", elapsed,
             progress->options->warm_up_seconds > 0 ? "warming up" : "connecting",
             (unsigned long long)last->connections, load_plural(last->connections));
    return;
  }
  load_number_text(load_progress_rate(progress), rate);
  asked[0] = 0;
  if (load_options_are_open(progress->options)) {
    char number[LOAD_TEXT_BYTES];
    snprintf(asked, sizeof asked, " of %.20s/s",
             load_number_text(load_progress_asked(progress), number));
  }
  load_time_text((double)load_histogram_percentile(&last->latency, 50), p50);
  load_time_text((double)load_histogram_percentile(&last->latency, 99), p99);
  load_time_text((double)load_histogram_percentile(&last->lateness, 99), late);
  snprintf(line, size,
           "%4.0f s: %s/s%s, p50 %s, p99 %s, %llu failed, %llu in flight, %llu due, "
           "%llu connection%s, own load %.0f%%, %s late",
           elapsed, rate, asked, last->latency.count ? p50 : "-", last->latency.count ? p99 : "-",
           (unsigned long long)last->failed, (unsigned long long)last->in_flight,
           (unsigned long long)last->backlog, (unsigned long long)last->connections,
           load_plural(last->connections), 100 * last->busy, late);
}
