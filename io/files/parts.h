/*
 * files/parts.h - what files/files.c (finding and loading) and files/read.c (pieces of large files)
 * share. Private to these two.
 */
#ifndef WEIR_FILES_PARTS_H
#define WEIR_FILES_PARTS_H

#include <sys/stat.h>

#include "io/files/beneath.h"
#include "io/files/files.h"

struct files {
  struct file_cache cache;
  struct beneath beneath;
  struct loop *loop;
  struct files_load *loads;     /* contents that the ring is reading */
  struct files_read_job *spare; /* read buffers that are free */
  uint32_t job_count, jobs_out, reads_max;
  uint32_t jobs_peak; /* most that were out since the last trim */
  uint32_t loads_out;
  struct files_counters counters;
};

struct file_identity files_identity(const struct stat *status);

/* preadv2() at `offset`, not waiting for the disk unless there is no ring to wait with. Returns the
 * bytes, or -errno; -EAGAIN: the ring has to read. */
ssize_t files_read_now(const struct files *files, int fd, void *buffer, size_t len,
                       uint64_t offset);

/* Frees the read buffers; none may be in use. */
void files_read_free(struct files *files);

#endif
