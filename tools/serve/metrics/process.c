/*
 * serve/metrics/process.c - see serve/metrics/process.h.
 */
#include "tools/serve/metrics/process.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t time_ns(struct timeval time) {
  return ((uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec) * 1000;
}

static void cpu(struct metrics_text *text) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) < 0) return;
  metrics_family(text, "process_cpu_seconds", METRIC_COUNTER, "User and system CPU time.");
  metrics_seconds(text, NULL, time_ns(usage.ru_utime) + time_ns(usage.ru_stime));
}

/* Without the directory's own entries, and the descriptor that reads it. */
static void descriptors(struct metrics_text *text) {
  DIR *folder = opendir("/proc/self/fd");
  uint64_t count = 0;
  if (!folder) return;
  while (readdir(folder))
    count++;
  closedir(folder);
  metrics_family(text, "process_open_fds", METRIC_GAUGE, "Open file descriptors.");
  metrics_count(text, NULL, count > 3 ? count - 3 : 0);
}

static void memory(struct metrics_text *text) {
  uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
  char line[256], *rest;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return;
  if (fgets(line, sizeof line, file)) {
    metrics_family(text, "process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory.");
    metrics_count(text, NULL, strtoull(line, &rest, 10) * page_bytes);
    metrics_family(text, "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory.");
    metrics_count(text, NULL, strtoull(rest, NULL, 10) * page_bytes);
  }
  fclose(file);
}

static void limit(struct metrics_text *text, int resource, const char *name, const char *help) {
  struct rlimit limits;
  if (getrlimit(resource, &limits) < 0) return;
  metrics_family(text, name, METRIC_GAUGE, help);
  metrics_count(text, NULL, limits.rlim_cur);
}

void metrics_process(struct metrics_text *text, uint64_t start_ns) {
  cpu(text);
  descriptors(text);
  limit(text, RLIMIT_NOFILE, "process_max_fds", "Limit on open file descriptors.");
  memory(text);
  limit(text, RLIMIT_AS, "process_virtual_memory_max_bytes", "Limit on virtual memory.");
  metrics_family(text, "process_start_time_seconds", METRIC_GAUGE,
                 "When the process began, since 1970.");
  metrics_seconds(text, NULL, start_ns);
}
