/*
 * base/writes.h - which open files were written to, by inotify.
 *
 * A write and a touch set the same time stamps. inotify tells them apart, on local file systems: a write or a
 * truncation is IN_MODIFY, and touch, chmod, rename and unlink are not. (A change of mtime alone, as by `touch -m`,
 * is IN_MODIFY as well.) The event of a write() is there when the call returns. Writes through a mapping, and those
 * of other machines on a network file system, have no event.
 *
 * Events are read when somebody asks, and once a second, so that the kernel's queue of them does not overflow. A watch
 * that the kernel refuses (fs.inotify.max_user_watches, no /proc) sees nothing.
 *
 * Owner: one loop, whose files share one descriptor. All zero at first; the descriptor is opened for the first watch.
 */
#ifndef WEIR_IO_WRITES_H
#define WEIR_IO_WRITES_H

#include <stdbool.h>

#include "io/base/limits.h"
#include "io/base/list.h"

struct writes {
  bool tried;                               /* to open it */
  int inotify;                              /* once tried; -1: refused */
  struct list_node buckets[WRITES_BUCKETS]; /* of watches, by their descriptor */
};

/* Embedded in its owner, which does not move meanwhile. All zero: of no file. */
struct write_watch {
  struct list_node node;
  struct writes *writes; /* NULL: of no file */
  int descriptor;        /* the inode's: watches of one inode share it */
  bool seen;
};

/* Writes to that file from now on are seen. The watch must be of no file. */
void writes_watch(struct writes *writes, struct write_watch *watch, int fd);

/* Whether its file was written to since writes_watch(). */
__attribute__((warn_unused_result)) bool writes_seen(struct write_watch *watch);

/* Ends a watch, whose file must still be open; of no file is allowed. */
void writes_forget(struct write_watch *watch);

/* Reads the events that there are. */
void writes_look(struct writes *writes);

/* No watch may be left (asserted). */
void writes_close(struct writes *writes);

#endif
