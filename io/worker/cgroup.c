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

/* The smallest limit from `root``group` up to `root`. */
static uint64_t smallest_upwards(const char *root, const char *group,
                                 uint64_t (*read)(const char *directory)) {
  char directory[PATH_MAX];
  size_t root_len = strlen(root);
  if (snprintf(directory, sizeof directory, "%s%s", root, group) >= (int)sizeof directory) return 0;
  uint64_t smallest = read(directory);
  char *slash;
  while ((slash = strrchr(directory, '/')) && (size_t)(slash - directory) >= root_len) {
    *slash = 0;
    smallest = cgroup_smaller(smallest, read(directory));
  }
  return smallest;
}

/* Whether the comma-separated `list` holds `name`. */
static bool has_name(const char *list, const char *name) {
  size_t len = strlen(name);
  for (; *list; list += strcspn(list, ","), list += *list == ',')
    if (strcspn(list, ",") == len && strncmp(list, name, len) == 0) return true;
  return false;
}

/* One line "number:controllers:path" of /proc/self/cgroup. */
static uint64_t smallest_of_line(const char *root, char *line, const struct cgroup_limit *limit) {
  char mounted[PATH_MAX];
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group) return 0;
  *controllers++ = *group++ = 0;
  group[strcspn(group, "\n")] = 0;
  if (!*controllers) return smallest_upwards(root, group, limit->read_unified);
  if (!has_name(controllers, limit->controller)) return 0;
  snprintf(mounted, sizeof mounted, "%s/%s", root, controllers);
  uint64_t smallest = smallest_upwards(mounted, group, limit->read_legacy);
  snprintf(mounted, sizeof mounted, "%s/%s", root, limit->controller);
  return cgroup_smaller(smallest, smallest_upwards(mounted, group, limit->read_legacy));
}

uint64_t cgroup_smallest(const struct cgroup_files *files, const struct cgroup_limit *limit) {
  char line[PATH_MAX];
  uint64_t smallest = 0;
  FILE *self = fopen(files->self, "re");
  while (self && fgets(line, sizeof line, self))
    smallest = cgroup_smaller(smallest, smallest_of_line(files->root, line, limit));
  if (self) fclose(self);
  return smallest;
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
