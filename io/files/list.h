/*
 * files/list.h - the names in a directory below a root.
 *
 * Reads the directory anew each time, by direct calls: like the names that lookups ask for, its blocks are in the
 * kernel's cache on all but the first use, and FILES_LIST_NAMES_MAX limits the time. Who asks often keeps the list.
 *
 * Listed are regular files and directories, and symbolic links to them that a lookup would follow. Of more than
 * FILES_LIST_NAMES_MAX names, those that the file system gives first are listed. They are sorted.
 */
#ifndef WEIR_FILES_LIST_H
#define WEIR_FILES_LIST_H

#include "engine/base/machine.h"
#include "io/files/result.h"

struct files;

struct files_name {
  struct span name; /* terminated by NUL */
  uint64_t size_bytes;
  int64_t mtime_ns;
  bool directory;
};

struct files_list {
  struct files_name *at; /* directories first, then in bytewise order */
  uint32_t count;
  bool more;   /* there are others, which are not listed */
  char *names; /* their bytes */
};

/* Lists the directory at `path`, as for files_find(). FILES_FOUND, FILES_MISSING (also of a file that is no directory),
 * FILES_FORBIDDEN, FILES_BUSY or FILES_FAILED; files_list_free() follows FILES_FOUND alone. */
__attribute__((warn_unused_result)) enum files_result
files_list(const struct files *files, struct span path, struct files_list *list);

void files_list_free(struct files_list *list);

#endif
