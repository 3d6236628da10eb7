/*
 * worker/cgroup.c - walks up from the process's groups.
 */
#include "io/worker/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cgroup_files cgroup_files = {.root = "/sys/fs/cgroup", .self = "/proc/self/cgroup"};

bool cgroup_read_line(const char *directory, const char *file, char *line, size_t bytes) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", directory, file) >= (int)sizeof path) return false;
  FILE *opened = fopen(path, "re");
  if (!opened) return false;
  bool read = fgets(line, (int)bytes, opened) != NULL;
  fclose(opened);
  return read;
}

uint64_t cgroup_smaller(uint64_t a, uint64_t b) {
  if (!a || !b) return a | b;
  return a < b ? a : b;
}

static uint64_t greater(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* A walk through all levels: how numbers are read, and which of two stays. */
struct walk {
  const char *root;
  const struct cgroup_limit *limit;
  uint64_t (*choose)(uint64_t a, uint64_t b);
};

/* From `root``group` up to `root`. */
static uint64_t walk_upwards(const struct walk *walk, const char *root, const char *group,
                             uint64_t (*read)(const char *directory)) {
  char directory[PATH_MAX];
  size_t root_len = strlen(root);
  if (snprintf(directory, sizeof directory, "%s%s", root, group) >= (int)sizeof directory) return 0;
  uint64_t chosen = read(directory);
  char *slash;
  while ((slash = strrchr(directory, '/')) && (size_t)(slash - directory) >= root_len) {
    *slash = 0;
    chosen = walk->choose(chosen, read(directory));
  }
  return chosen;
}

/* Whether the comma-separated `list` holds `name`. */
static bool has_name(const char *list, const char *name) {
  size_t len = strlen(name);
  for (; *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == len && strncmp(list, name, len) == 0) return true;
  return false;
}

/* One line "number:controllers:path" of /proc/self/cgroup. */
static uint64_t walk_line(const struct walk *walk, char *line) {
  const struct cgroup_limit *limit = walk->limit;
  char mounted[PATH_MAX];
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group) return 0;
  *controllers++ = *group++ = 0;
  group[strcspn(group, "\n")] = 0;
  if (!*controllers) return walk_upwards(walk, walk->root, group, limit->read_unified);
  if (!has_name(controllers, limit->controller)) return 0;
  snprintf(mounted, sizeof mounted, "%s/%s", walk->root, controllers);
  uint64_t chosen = walk_upwards(walk, mounted, group, limit->read_legacy);
  snprintf(mounted, sizeof mounted, "%s/%s", walk->root, limit->controller);
  return walk->choose(chosen, walk_upwards(walk, mounted, group, limit->read_legacy));
}

static uint64_t walk_all(const struct walk *walk, const char *groups) {
  char line[PATH_MAX];
  uint64_t chosen = 0;
  FILE *self = fopen(groups, "re");
  while (self && fgets(line, sizeof line, self))
    chosen = walk->choose(chosen, walk_line(walk, line));
  if (self) fclose(self);
  return chosen;
}

uint64_t cgroup_smallest(const struct cgroup_files *files, const struct cgroup_limit *limit) {
  return walk_all(&(struct walk){files->root, limit, cgroup_smaller}, files->self);
}

/* As cgroup_smallest(), but the greatest number of all levels; for what has happened, not for limits. */
static uint64_t greatest(const struct cgroup_files *files, const struct cgroup_limit *limit) {
  return walk_all(&(struct walk){files->root, limit, greater}, files->self);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* "max" is no number: 0, which means none. Version 1 writes about 2^63 for none. */
static uint64_t memory_of(const char *directory, const char *file) {
  char line[128];
  if (!cgroup_read_line(directory, file, line, sizeof line)) return 0;
  long long bytes = strtoll(line, NULL, 10);
  return bytes > 0 && bytes < LLONG_MAX / 2 ? (uint64_t)bytes : 0;
}

static uint64_t memory_of_unified(const char *directory) {
  return memory_of(directory, "memory.max");
}

static uint64_t memory_of_legacy(const char *directory) {
  return memory_of(directory, "memory.limit_in_bytes");
}

uint64_t cgroup_memory_bytes(const struct cgroup_files *files) {
  static const struct cgroup_limit memory = {
      .controller = "memory", .read_unified = memory_of_unified, .read_legacy = memory_of_legacy};
  return cgroup_smallest(files, &memory);
}

/* ---- throttling ------------------------------------------------------------------------------ */

/* The number after `name` in a file of lines "name number". */
static uint64_t stat_of(const char *directory, const char *name) {
  char path[PATH_MAX], line[128];
  uint64_t number = 0;
  size_t len = strlen(name);
  if (snprintf(path, sizeof path, "%s/cpu.stat", directory) >= (int)sizeof path) return 0;
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, name, len) == 0 && line[len] == ' ') number = strtoull(line + len, NULL, 10);
  if (file) fclose(file);
  return number;
}

static uint64_t periods_of(const char *directory) {
  return stat_of(directory, "nr_throttled");
}

static uint64_t ns_of_unified(const char *directory) {
  return 1000 * stat_of(directory, "throttled_usec");
}

static uint64_t ns_of_legacy(const char *directory) {
  return stat_of(directory, "throttled_time");
}

struct cgroup_throttling cgroup_throttling(const struct cgroup_files *files) {
  static const struct cgroup_limit periods = {
      .controller = "cpu", .read_unified = periods_of, .read_legacy = periods_of};
  static const struct cgroup_limit ns = {
      .controller = "cpu", .read_unified = ns_of_unified, .read_legacy = ns_of_legacy};
  return (struct cgroup_throttling){.periods = greatest(files, &periods),
                                    .ns = greatest(files, &ns)};
}
