/*
 * worker/cpus.c - the affinity mask and the cgroup's cpu quota.
 */
#include "io/worker/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>

static uint64_t cores_of(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return ((uint64_t)quota + (uint64_t)period - 1) / (uint64_t)period;
}

/* cgroup version 2: "max 100000" or "150000 100000". */
static uint64_t quota_of_unified(const char *directory) {
  char line[128];
  if (!cgroup_read_line(directory, "cpu.max", line, sizeof line)) return 0;
  char *rest; /* "max" is no number: it stays whole, and the quota is 0, which means none */
  long long quota = strtoll(line, &rest, 10);
  return cores_of(quota, strtoll(rest, NULL, 10));
}

/* cgroup version 1: two files, a quota of -1 for none. */
static uint64_t quota_of_legacy(const char *directory) {
  char quota[128], period[128];
  if (!cgroup_read_line(directory, "cpu.cfs_quota_us", quota, sizeof quota)) return 0;
  if (!cgroup_read_line(directory, "cpu.cfs_period_us", period, sizeof period)) return 0;
  return cores_of(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static unsigned affinity_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  int count = CPU_COUNT(&set);
  return count < 1 ? 1 : (unsigned)count;
}

struct cpus cpus_find(const struct cgroup_files *files) {
  static const struct cgroup_limit cpu = {
      .controller = "cpu", .read_unified = quota_of_unified, .read_legacy = quota_of_legacy};
  struct cpus cpus = {.affinity = affinity_count()};
  uint64_t quota = cgroup_smallest(files, &cpu);
  cpus.quota = quota > UINT_MAX ? UINT_MAX : (unsigned)quota;
  cpus.workers = (unsigned)cgroup_smaller(cpus.affinity, cpus.quota);
  return cpus;
}

unsigned cpus_default_workers(void) {
  return cpus_find(&cgroup_files).workers;
}

void cpus_pin_to(int core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  sched_setaffinity(0, sizeof one, &one);
}

void cpus_pin(unsigned index) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) == 0) return;
  index %= (unsigned)CPU_COUNT(&allowed);
  int core = 0;
  while (!CPU_ISSET(core, &allowed) || index-- > 0)
    core++;
  cpus_pin_to(core);
}
