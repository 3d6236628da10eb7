/*
 * files/read.c - large files, piece by piece.
 *
 * A read takes a buffer from a list that grows to reads_max buffers. When the page cache has the
 * bytes they are there at once; else the ring reads, and the buffer stays with the ring until it
 * answers, even if the reader has gone meanwhile: the kernel may still write to it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "io/base/limits.h"
#include "io/files/parts.h"
#include "io/ring/loop.h"

struct files_read_job {
  struct loop_op op;
  struct files *files;
  struct files_read *read; /* NULL: the reader has gone */
  struct file *file;       /* held, so that its descriptor stays open */
  uint64_t offset;
  size_t max;
  unsigned attempts;
  bool under_way; /* with the ring */
  struct files_read_job *next;
  uint8_t buffer[FILES_READ_BYTES];
};

/* ---- buffers --------------------------------------------------------------------------------- */

static struct files_read_job *take_job(struct files *files) {
  struct files_read_job *job = files->spare;
  if (job) {
    files->spare = job->next;
  } else {
    if (files->job_count == files->reads_max) return NULL;
    job = malloc(sizeof *job);
    if (!job) return NULL;
    files->job_count++;
  }
  files->jobs_out++;
  if (files->jobs_out > files->jobs_peak) files->jobs_peak = files->jobs_out;
  return job;
}

static void give_job(struct files_read_job *job) {
  struct files *files = job->files;
  files_release(files, job->file);
  job->next = files->spare;
  files->spare = job;
  files->jobs_out--;
}

/* Frees spare buffers until no more than `keep` exist, those that are out included. */
static void free_spare(struct files *files, uint32_t keep) {
  while (files->spare && files->job_count > keep) {
    struct files_read_job *job = files->spare;
    files->spare = job->next;
    files->job_count--;
    free(job);
  }
}

void files_trim(struct files *files) {
  free_spare(files, files->jobs_peak);
  files->jobs_peak = files->jobs_out;
}

void files_read_free(struct files *files) {
  free_spare(files, 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Whether the bytes just read are still those of the path that was looked up: the file is neither
 * shrunk nor rewritten, and no other has taken its name (or it has none any more). ctime is not
 * compared, because it changes with a rename of the file itself, which leaves the bytes as they
 * were. */
static bool is_unchanged(const struct file *file) {
  struct stat status;
  if (fstat(file->fd, &status)) return false;
  struct file_identity identity = files_identity(&status);
  return status.st_nlink > 0 && identity.size_bytes == file->identity.size_bytes &&
         identity.mtime_ns == file->identity.mtime_ns;
}

/* What `got` bytes, or -errno, mean to the reader. */
static enum files_result conclude(struct files_read_job *job, ssize_t got) {
  if (got > 0 && is_unchanged(job->file)) {
    job->read->bytes = span_of(job->buffer, (size_t)got);
    return FILES_FOUND;
  }
  return FILES_FAILED;
}

static void read_done(struct loop_op *op, int got, unsigned flags);

static bool read_wait(struct files_read_job *job) {
  job->op = (struct loop_op){.done = read_done};
  struct io_uring_sqe *sqe = loop_sqe(job->files->loop, &job->op);
  if (!sqe) return false;
  io_uring_prep_read(sqe, job->file->fd, job->buffer, (unsigned)job->max, job->offset);
  job->under_way = true;
  counter_add(&job->files->counters.reads_waited, 1);
  return true;
}

static void read_done(struct loop_op *op, int got, unsigned flags) {
  struct files_read_job *job =
      (struct files_read_job *)((char *)op - offsetof(struct files_read_job, op));
  (void)flags;
  job->under_way = false;
  if (!job->read) {
    give_job(job);
    return;
  }
  if ((got == -EAGAIN || got == -EINTR) && job->attempts++ < FILES_ATTEMPTS && read_wait(job))
    return;
  job->read->done(job->read, conclude(job, got));
}

enum files_result files_read(struct files *files, struct file *file, uint64_t offset, size_t max,
                             struct files_read *read) {
  assert(file->kind == FILE_LARGE && max > 0);
  assert(offset < file->identity.size_bytes && max <= file->identity.size_bytes - offset);
  struct files_read_job *job = take_job(files);
  if (!job) return FILES_BUSY;
  job->files = files;
  job->read = read;
  job->file = file_retain(file);
  job->offset = offset;
  job->max = max < FILES_READ_BYTES ? max : FILES_READ_BYTES;
  job->attempts = 0;
  job->under_way = false;
  read->job = job;
  read->bytes = span_of(NULL, 0);
  ssize_t got = files_read_now(files, file->fd, job->buffer, job->max, offset);
  enum files_result result;
  if (got == -EAGAIN) {
    result = read_wait(job) ? FILES_PENDING : FILES_BUSY;
  } else {
    counter_add(&files->counters.reads_direct, 1);
    result = conclude(job, got);
  }
  if (result == FILES_BUSY || result == FILES_FAILED) give_job(job);
  return result;
}

void files_read_end(struct files *files, struct files_read *read) {
  struct files_read_job *job = read->job;
  assert(job && job->files == files);
  read->job = NULL;
  if (job->under_way)
    job->read = NULL; /* read_done() gives it back */
  else
    give_job(job);
}
