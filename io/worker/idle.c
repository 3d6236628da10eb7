/*
 * worker/idle.c - see worker/idle.h.
 */
#include "io/worker/idle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "cpu3 user nice system idle iowait irq softirq steal ...". The fields after steal, guests, are
 * parts of user and nice. */
static void read_line(struct idle_reading *reading, const char *line) {
  enum { IDLE = 3, IOWAIT = 4, FIELDS = 8 };
  char *rest;
  if (strncmp(line, "cpu", 3) != 0 || line[3] < '0' || line[3] > '9') return;
  unsigned long core = strtoul(line + 3, &rest, 10);
  if (core >= CPU_SETSIZE) return;
  for (unsigned i = 0; i < FIELDS; i++) {
    uint64_t ticks = strtoull(rest, &rest, 10);
    reading->all[core] += ticks;
    if (i != IDLE && i != IOWAIT) reading->busy[core] += ticks;
  }
}

void idle_read(struct idle_reading *reading, const char *path) {
  char line[256];
  memset(reading, 0, sizeof *reading);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    read_line(reading, line);
  if (file) fclose(file);
}

unsigned idle_cores(const struct idle_reading *before, const struct idle_reading *after,
                    unsigned max, int *cores) {
  cpu_set_t allowed;
  unsigned count = 0;
  if (sched_getaffinity(0, sizeof allowed, &allowed)) return 0;
  for (int core = CPU_SETSIZE - 1; core >= 0 && count < max; core--) {
    if (!CPU_ISSET(core, &allowed)) continue;
    uint64_t busy = after->busy[core] - before->busy[core];
    uint64_t all = after->all[core] - before->all[core];
    if (2 * busy < all || all == 0) cores[count++] = core;
  }
  return count;
}
