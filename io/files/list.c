/*
 * files/list.c - see files/list.h.
 */
#include "io/files/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"

enum { NAME_BYTES = 256 }; /* fixed by struct dirent: with NUL */

/* What is needed while a directory is read. */
struct reading {
  const struct files *files;
  const char *path; /* of the directory, terminated */
  int directory;
  struct files_list *list;
};

/* Follows the link as a lookup would. */
static bool follow(const struct reading *reading, const char *name, struct stat *status) {
  char path[FILES_PATH_BYTES + 1];
  int len = snprintf(path, sizeof path, "%s/%s", reading->path, name);
  if (len < 0 || (size_t)len >= sizeof path) return false;
  int fd = beneath_open(&reading->files->beneath, path, O_PATH);
  if (fd < 0) return false;
  bool known = fstat(fd, status) == 0;
  close(fd);
  return known;
}

/* Whether the name is one that is told. */
static bool look(const struct reading *reading, const char *name, struct stat *status) {
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
  if (fstatat(reading->directory, name, status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (S_ISLNK(status->st_mode) && !follow(reading, name, status)) return false;
  return S_ISREG(status->st_mode) || S_ISDIR(status->st_mode);
}

static void add(struct files_list *list, const char *name, const struct stat *status) {
  char *room = list->names + (size_t)list->count * NAME_BYTES;
  size_t len = strnlen(name, NAME_BYTES - 1);
  memcpy(room, name, len);
  room[len] = 0;
  list->at[list->count++] = (struct files_name){
      .name = {(const uint8_t *)room, len},
      .size_bytes = (uint64_t)status->st_size,
      .mtime_ns = (int64_t)status->st_mtim.tv_sec * (int64_t)IO_SECOND + status->st_mtim.tv_nsec,
      .directory = S_ISDIR(status->st_mode),
  };
}

static int compare(const void *a, const void *b) {
  const struct files_name *one = a, *other = b;
  if (one->directory != other->directory) return one->directory ? -1 : 1;
  return strcmp((const char *)one->name.base, (const char *)other->name.base);
}

/* Reads the whole directory, or as much as is told. Returns an errno value, or 0. */
static int read_names(const struct reading *reading, DIR *directory) {
  struct files_list *list = reading->list;
  struct stat status;
  errno = 0;
  for (const struct dirent *entry; !list->more && (entry = readdir(directory)); errno = 0) {
    if (list->count == FILES_LIST_NAMES_MAX)
      list->more = true;
    else if (look(reading, entry->d_name, &status))
      add(list, entry->d_name, &status);
  }
  return list->more ? 0 : errno;
}

/* Takes the descriptor. Returns an errno value, or 0. */
static int fill(const struct reading *reading, int fd) {
  struct files_list *list = reading->list;
  DIR *directory = fdopendir(fd);
  if (!directory) {
    int error = errno;
    close(fd);
    return error;
  }
  list->at = malloc(FILES_LIST_NAMES_MAX * sizeof *list->at);
  list->names = malloc((size_t)FILES_LIST_NAMES_MAX * NAME_BYTES);
  int error = list->at && list->names ? read_names(reading, directory) : ENOMEM;
  closedir(directory);
  return error;
}

enum files_result files_list(const struct files *files, struct span path, struct files_list *list) {
  char text[FILES_PATH_BYTES + 1] = ".";
  *list = (struct files_list){0};
  if (path.len > FILES_PATH_BYTES) return FILES_MISSING;
  if (path.len > 0) {
    memcpy(text, path.base, path.len);
    text[path.len] = 0;
  }
  int fd = beneath_open(&files->beneath, text, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return files_result_of(-fd);
  const struct reading reading = {.files = files, .path = text, .directory = fd, .list = list};
  int error = fill(&reading, fd);
  if (error) {
    files_list_free(list);
    return files_result_of(error);
  }
  qsort(list->at, list->count, sizeof *list->at, compare);
  return FILES_FOUND;
}

void files_list_free(struct files_list *list) {
  free(list->at);
  free(list->names);
  *list = (struct files_list){0};
}
