/*
 * load/so_far.c - see load/so_far.h.
 */
#include "tools/load/so_far.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/base/clock.h"
#include "tools/load/show.h"

void load_so_far_take(struct load_so_far *so_far, const struct load_books *books) {
  struct load_stats *stats = &so_far->stats;
  *stats = books->stats;
  so_far->self = books->self;
  so_far->taken = true;
  if (books->over) return;
  stats->end_ns = clock_now_ns();
  if (!books->measuring) stats->begin_ns = stats->end_ns;
  if (!books->measuring) return;
  stats->cpu_ns = clock_thread_cpu_ns() - books->cpu_begin_ns;
  stats->requests.unsent = load_books_backlog(books, stats->end_ns);
}

void load_so_far_print(const struct load_so_far *all, unsigned count,
                       const struct load_options *options, const char *command) {
  struct load_report *report = calloc(1, sizeof *report); /* too large for the stack */
  if (!report) return;
  report->options = options;
  report->command = command;
  report->so_far = true;
  for (unsigned i = 0; i < count; i++)
    if (all[i].taken) load_report_add(report, &all[i].stats, &all[i].self);
  uint64_t started = report->sum.requests.started;
  report->total = options->requests > started ? options->requests : started;
  load_text_write(report, stderr);
  fflush(stderr);
  free(report);
}
