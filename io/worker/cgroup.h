/*
 * worker/cgroup.h - limits of the control groups that this process is in.
 *
 * A limit of a group binds all groups below it. So each level from the process's own group up to the
 * root is read, and the smallest limit counts. In a container the path that /proc/self/cgroup shows may
 * not be mounted; levels that do not exist are skipped.
 */
#ifndef WEIR_IO_CGROUP_H
#define WEIR_IO_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the groups are: "/sys/fs/cgroup" and "/proc/self/cgroup" but in tests. */
struct cgroup_files {
  const char *root, *self;
};

extern const struct cgroup_files cgroup_files;

/* How one limit is read from a group's directory; 0 is no limit. */
struct cgroup_limit {
  const char *controller;                          /* version 1: its name */
  uint64_t (*read_unified)(const char *directory); /* version 2 */
  uint64_t (*read_legacy)(const char *directory);  /* version 1 */
};

/* The smallest limit of this process's groups; 0: there is none. */
uint64_t cgroup_smallest(const struct cgroup_files *files, const struct cgroup_limit *limit);

/* The smaller of two limits. */
uint64_t cgroup_smaller(uint64_t a, uint64_t b);

/* Reads the first line of a file in `directory`; false when there is none. */
__attribute__((warn_unused_result)) bool cgroup_read_line(const char *directory, const char *file,
                                                          char *line, size_t bytes);

/* The memory that this process may use, in bytes (version 2 memory.max, version 1
 * memory.limit_in_bytes); 0: no limit. */
uint64_t cgroup_memory_bytes(const struct cgroup_files *files);

/* How often the quota of CPU time was used up before the period's end, and for how long the group
 * then waited: of the level where this happened most. Since the groups were made; zeros if there is
 * no quota. */
struct cgroup_throttling {
  uint64_t periods, ns;
};

struct cgroup_throttling cgroup_throttling(const struct cgroup_files *files);

#endif
