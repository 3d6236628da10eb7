/*
 * load/bodies.c - see load/bodies.h.
 */
#include "tools/load/bodies.h"

#include <stdlib.h>
#include <string.h>

#include "tools/load/mapping.h"

/* The place of `path`, or where it belongs. */
static size_t place_of(const struct load_bodies *bodies, const char *path) {
  size_t low = 0, high = bodies->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (strcmp(bodies->at[middle].path, path) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool insert(struct load_bodies *bodies, size_t place, const char *path, struct span *out,
                   const struct failure *failure) {
  struct load_body_file file;
  if (bodies->count == LOAD_BODY_FILES_MAX)
    return failure_set(failure, "%s: more than %d files with bodies", path, LOAD_BODY_FILES_MAX);
  if (!bodies->at && !(bodies->at = calloc(LOAD_BODY_FILES_MAX, sizeof *bodies->at)))
    return failure_set(failure, "out of memory");
  if (!load_mapping_open(path, &file.bytes, failure)) return false;
  if (!(file.path = strdup(path))) {
    load_mapping_close(file.bytes);
    return failure_set(failure, "out of memory");
  }
  struct load_body_file *at = bodies->at + place;
  memmove(at + 1, at, (bodies->count - place) * sizeof *at);
  bodies->count++;
  *at = file;
  *out = file.bytes;
  return true;
}

bool load_bodies_open(struct load_bodies *bodies, struct span path, struct span *out,
                      const struct failure *failure) {
  char text[LOAD_PATH_BYTES_MAX];
  if (path.len >= sizeof text || memchr(path.base, 0, path.len))
    return failure_set(failure, "the path of a file with a body is too long");
  memcpy(text, path.base, path.len);
  text[path.len] = 0;
  size_t place = place_of(bodies, text);
  if (place == bodies->count || strcmp(bodies->at[place].path, text) != 0)
    return insert(bodies, place, text, out, failure);
  *out = bodies->at[place].bytes;
  return true;
}

void load_bodies_free(struct load_bodies *bodies) {
  for (size_t i = 0; i < bodies->count; i++) {
    load_mapping_close(bodies->at[i].bytes);
    free(bodies->at[i].path);
  }
  free(bodies->at);
  *bodies = (struct load_bodies){0};
}
