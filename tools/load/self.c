/*
 * load/self.c - see load/self.h.
 */
#include "tools/load/self.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/limits.h"
#include "tools/load/units.h"

void load_self_notice(struct load_self *self, uint64_t due_ns, uint64_t wake_ns, uint64_t now_ns) {
  uint64_t from_ns = due_ns > wake_ns ? due_ns : wake_ns;
  uint64_t late_ns = now_ns > from_ns ? now_ns - from_ns : 0;
  load_histogram_add(&self->lateness, late_ns);
  self->late += late_ns > LOAD_LATE_NS;
}

/* The thread's time in the queue of a core, since its start. 0 where the kernel does not count. */
static uint64_t run_delay_ns(void) {
  char line[3 * 21], *rest; /* three numbers of 64 bits */
  FILE *file = fopen("/proc/thread-self/schedstat", "re");
  if (!file) return 0;
  bool good = fgets(line, sizeof line, file);
  fclose(file);
  if (!good) return 0;
  strtoull(line, &rest, 10); /* the time on a core */
  return strtoull(rest, NULL, 10);
}

void load_self_begin(struct load_self *self) {
  memset(self, 0, sizeof *self);
  self->run_delay_ns = run_delay_ns();
}

void load_self_end(struct load_self *self) {
  self->run_delay_ns = run_delay_ns() - self->run_delay_ns;
}

void load_self_merge(struct load_self *sum, const struct load_self *from) {
  load_histogram_merge(&sum->lateness, &from->lateness);
  sum->late += from->late;
  sum->crowded += from->crowded;
  sum->input_ns += from->input_ns;
  sum->run_delay_ns += from->run_delay_ns;
  sum->throttled += from->throttled;
  sum->throttled_ns += from->throttled_ns;
}

bool load_self_is_late(const struct load_self *self) {
  return self->late * 100 > self->lateness.count;
}

const char *load_self_cause(const struct load_self *self, char *text, size_t size) {
  double late_ns = (double)self->lateness.max_ns, delay_ns = (double)self->run_delay_ns;
  *text = 0;
  if (self->throttled > 0)
    snprintf(text, size, "its cgroup's CPU quota was used up %" PRIu64 " time%s, for %.2f s",
             self->throttled, load_plural(self->throttled), (double)self->throttled_ns / 1e9);
  else if (delay_ns > late_ns / 2)
    snprintf(text, size, "other threads kept it from a core for %.2f s", delay_ns / 1e9);
  return text;
}
