/*
 * worker/cpus.c - the affinity mask and the cgroup's cpu quota.
 *
 * The quota of a cgroup binds all groups below it, so every level from the process's own group up
 * to the root is read and the smallest counts. Inside a container the path that
 * /proc/self/cgroup shows may not be mounted; the levels that do not exist are skipped.
 */
#include "io/worker/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a small file's first line; false when there is none. */
static bool read_line(const char *path, char *line, size_t bytes) {
  FILE *file = fopen(path, "re");
  if (!file) return false;
  bool read = fgets(line, (int)bytes, file) != NULL;
  fclose(file);
  return read;
}

static unsigned cores_of(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  long long cores = (quota + period - 1) / period;
  return cores > UINT_MAX ? UINT_MAX : (unsigned)cores;
}

/* cgroup version 2: "max 100000" or "150000 100000". */
static unsigned quota_of_unified(const char *directory) {
  char path[PATH_MAX], line[128];
  if (snprintf(path, sizeof path, "%s/cpu.max", directory) >= (int)sizeof path) return 0;
  if (!read_line(path, line, sizeof line)) return 0;
  char *rest; /* "max" is no number: it stays whole, and the quota is 0, which means none */
  long long quota = strtoll(line, &rest, 10);
  return cores_of(quota, strtoll(rest, NULL, 10));
}

/* cgroup version 1: two files, a quota of -1 for none. */
static unsigned quota_of_legacy(const char *directory) {
  char path[PATH_MAX], quota[128], period[128];
  if (snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory) >= (int)sizeof path) return 0;
  if (!read_line(path, quota, sizeof quota)) return 0;
  if (snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory) >= (int)sizeof path) return 0;
  if (!read_line(path, period, sizeof period)) return 0;
  return cores_of(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static unsigned smaller_quota(unsigned a, unsigned b) {
  if (!a || !b) return a | b;
  return a < b ? a : b;
}

/* The smallest quota from `root``group` up to `root`. */
static unsigned quota_upwards(const char *root, const char *group,
                              unsigned (*quota_of)(const char *directory)) {
  char directory[PATH_MAX];
  size_t root_len = strlen(root);
  if (snprintf(directory, sizeof directory, "%s%s", root, group) >= (int)sizeof directory) return 0;
  unsigned quota = quota_of(directory);
  char *slash;
  while ((slash = strrchr(directory, '/')) && (size_t)(slash - directory) >= root_len) {
    *slash = 0;
    quota = smaller_quota(quota, quota_of(directory));
  }
  return quota;
}

/* Whether the comma-separated `list` holds "cpu". */
static bool names_cpu(const char *list) {
  for (const char *name = list; *name; name += strcspn(name, ","), name += *name == ',')
    if (strcspn(name, ",") == 3 && strncmp(name, "cpu", 3) == 0) return true;
  return false;
}

/* One line "number:controllers:path" of /proc/self/cgroup. */
static unsigned quota_of_line(const char *root, char *line) {
  char mounted[PATH_MAX];
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group) return 0;
  *controllers++ = *group++ = 0;
  group[strcspn(group, "\n")] = 0;
  if (!*controllers) return quota_upwards(root, group, quota_of_unified);
  if (!names_cpu(controllers)) return 0;
  snprintf(mounted, sizeof mounted, "%s/%s", root, controllers);
  unsigned quota = quota_upwards(mounted, group, quota_of_legacy);
  snprintf(mounted, sizeof mounted, "%s/cpu", root);
  return smaller_quota(quota, quota_upwards(mounted, group, quota_of_legacy));
}

static unsigned affinity_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set)) return 1;
  int count = CPU_COUNT(&set);
  return count < 1 ? 1 : (unsigned)count;
}

struct cpus cpus_find(const char *cgroup_root, const char *cgroup_self) {
  struct cpus cpus = {.affinity = affinity_count()};
  char line[PATH_MAX];
  FILE *file = fopen(cgroup_self, "re");
  while (file && fgets(line, sizeof line, file))
    cpus.quota = smaller_quota(cpus.quota, quota_of_line(cgroup_root, line));
  if (file) fclose(file);
  cpus.workers = smaller_quota(cpus.affinity, cpus.quota);
  return cpus;
}

unsigned cpus_default_workers(void) {
  return cpus_find("/sys/fs/cgroup", "/proc/self/cgroup").workers;
}

void cpus_pin(unsigned index) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) == 0) return;
  index %= (unsigned)CPU_COUNT(&allowed);
  int core = 0;
  while (!CPU_ISSET(core, &allowed) || index-- > 0)
    core++;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  sched_setaffinity(0, sizeof one, &one);
}
