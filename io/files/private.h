/*
 * files/private.h - struct files, for the sources of this folder and their tests.
 */
#ifndef WEIR_FILES_PRIVATE_H
#define WEIR_FILES_PRIVATE_H

#include "io/files/beneath.h"
#include "io/files/counters.h"
#include "io/files/queue.h"
#include "io/files/read.h"
#include "io/files/window.h"

struct files_load;

struct files {
  struct file_cache cache;
  struct beneath beneath;
  char *root;           /* its path */
  uint32_t root_number; /* how often it has led to another directory */
  struct files_reads reads;
  struct file_windows windows;
  struct loop *loop;        /* NULL: reads block */
  struct files_load *loads; /* contents that the ring is reading */
  uint32_t loads_count;
  uint64_t now_ns; /* of the latest call that brought the time */
  /* Lookups that wait until there is room for them: large files for a descriptor, all else for the
   * ring, an entry or memory. Two, so that large files hold up no others. */
  struct files_queue descriptor_queue, queue;
  bool lacks_descriptor; /* why the latest attempt was FILES_BUSY */
  void (*forbidden)(void *ctx, struct span path, int error); /* the settings', or NULL */
  void *user_ctx;
  struct files_counters *counters; /* the settings', or its own: */
  struct files_counters own_counters;
};

/* Has the lookup wait until there is room for it. False: it cannot wait. */
__attribute__((warn_unused_result)) static inline bool
files_enqueue(struct files *files, struct span path, struct files_lookup *lookup) {
  struct files_queue *queue = files->lacks_descriptor ? &files->descriptor_queue : &files->queue;
  return files->loop && files_queue_add(queue, path, files->now_ns, lookup);
}

#endif
