/*
 * load/due.c - see load/due.h.
 */
#include "tools/load/due.h"

#include <assert.h>

void load_due_begin(struct load_due *due, const struct load_plan *plan,
                    const struct load_source *source, uint64_t begin_ns) {
  *due = (struct load_due){.begin_ns = begin_ns, .least_ns = begin_ns};
  if (!plan->options->replay) {
    load_schedule_begin(&due->schedule, &plan->shape, source->worker, plan->options->threads,
                        begin_ns);
    return;
  }
  due->source = source;
  load_spot_begin(&due->spot, source);
}

uint64_t load_due_of_recording(const struct load_due *due) {
  uint64_t since_ns;
  if (!load_spot_since_ns(&due->spot, due->source, &since_ns)) return UINT64_MAX;
  uint64_t due_ns = due->begin_ns + since_ns;
  return due_ns > due->least_ns ? due_ns : due->least_ns;
}

void load_due_next(struct load_due *due) {
  due->number++;
  if (!due->source) {
    load_schedule_next(&due->schedule);
    return;
  }
  due->least_ns = load_due_of_recording(due);
  assert(due->least_ns != UINT64_MAX);
  load_spot_next(&due->spot, due->source);
}

uint64_t load_due_backlog(const struct load_due *due, uint64_t now_ns) {
  struct load_due at = *due;
  uint64_t count = 0;
  for (; load_due_ns(&at) <= now_ns; load_due_next(&at))
    count++;
  return count;
}
