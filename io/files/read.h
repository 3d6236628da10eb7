/*
 * files/read.h - large files, piece by piece.
 *
 * A read takes a buffer from a list that grows to `buffers_max` buffers. When the page cache has the
 * bytes they are there at once; else the ring reads, and the buffer stays with the ring until it
 * answers, even if the reader has gone meanwhile: the kernel may still write to it.
 *
 * A client has no more buffers than are left, so that some always are: of those that wait for a disk, a single
 * client gets half at most. One that may have no more exchanges one of its own, if its reader gives up bytes
 * that it holds and reads them again later. When all are out, the client that has most gives one up.
 *
 * A file that gave up its descriptor is opened again by its path. If that leads to another file by now, the
 * read fails. io/files/files.h says when that can be.
 */
#ifndef WEIR_FILES_READ_H
#define WEIR_FILES_READ_H

#include "io/files/cache.h"
#include "io/files/holders.h"
#include "io/files/result.h"

struct beneath;
struct loop;
struct files_read_job;

/* A piece of a file that is being read or was read; from begin to end. */
struct file_piece {
  void (*done)(struct file_piece *read, enum files_result result);
  /* Another read needs a buffer: ends this one, which was finished, and returns true; false if its bytes are
   * in use. NULL: always in use. */
  bool (*give_up)(struct file_piece *read);
  const void *client;         /* whose it is: see io/files/holders.h */
  void *user;                 /* the caller's */
  struct span bytes;          /* with FILES_FOUND: 1 .. max bytes, lent until the end */
  struct files_read_job *job; /* private */
};

/* One worker's reads. The first five members are set by the owner, the rest by files_reads_init(). */
struct files_reads {
  struct loop *loop; /* NULL: reads block */
  struct file_cache *cache;
  const struct beneath *beneath;
  struct files_counters *counters;
  uint32_t buffers_max;
  struct files_read_job *spare; /* buffers that are free */
  uint32_t buffers;             /* that exist */
  uint32_t buffers_out;         /* of these, in use by a reader or the ring */
  uint32_t buffers_peak;        /* most that were out since the last trim */
  struct holders holders;       /* of buffers */
};

void files_reads_init(struct files_reads *reads);

/* See files_read(), files_read_end() and files_trim() in files/files.h. */
__attribute__((warn_unused_result)) enum files_result files_reads_begin(struct files_reads *reads,
                                                                        struct file *file,
                                                                        uint64_t offset, size_t max,
                                                                        struct file_piece *read);
void files_reads_end(struct files_reads *reads, struct file_piece *read);
void files_reads_trim(struct files_reads *reads);

/* Frees the buffers; none may be out (asserted). */
void files_reads_free(struct files_reads *reads);

#endif
