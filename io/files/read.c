/*
 * files/read.c - read buffers, and what happens to one until its reader is told.
 */
#include "io/files/read.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/opening.h"
#include "io/ring/loop.h"

struct files_read_job {
  struct loop_op op;
  struct files_reads *reads;
  struct file_piece *read; /* NULL: the reader has gone */
  struct file *file;       /* held, so that its descriptor stays open */
  uint64_t offset;
  size_t max;
  unsigned attempts;
  bool under_way; /* with the ring */
  struct files_read_job *next;
  struct holder_item item; /* while it is out */
  uint8_t buffer[FILES_READ_BYTES];
};

/* ---- buffers --------------------------------------------------------------------------------- */

#ifdef WEIR_INVARIANTS
static void invariants(const struct files_reads *reads) {
  assert(reads->buffers_out <= reads->buffers);
  assert(reads->buffers <= reads->buffers_max);
  assert(reads->buffers_out <= reads->buffers_peak);
  assert((reads->spare == NULL) == (reads->buffers_out == reads->buffers));
}
#else
static void invariants(const struct files_reads *reads) {
  (void)reads;
}
#endif

/* Has the client's reader that holds a buffer longest give it up. */
static bool recover(struct holder *holder) {
  struct list_node *node = holder->items.next;
  for (unsigned i = 0; i < FILES_GIVE_TRIES && node != &holder->items; i++) {
    struct files_read_job *job = LIST_OWNER(node, struct files_read_job, item.node);
    struct file_piece *read = job->under_way ? NULL : job->read;
    if (read && read->give_up && read->give_up(read)) return true;
    node = node->next;
  }
  return false;
}

static bool has_room(struct files_reads *reads, const void *client) {
  uint32_t left = reads->buffers_max - reads->buffers_out;
  struct holder *own = holders_find(&reads->holders, client);
  if (left > 0 && (!own || own->count <= left)) return true;
  struct holder *most = left > 0 ? own : holders_most(&reads->holders);
  return most && recover(most);
}

static struct files_read_job *take_job(struct files_reads *reads, const void *client) {
  if (!has_room(reads, client)) return NULL;
  struct files_read_job *job = reads->spare;
  if (job) {
    reads->spare = job->next;
  } else {
    job = malloc(sizeof *job);
    if (!job) return NULL;
    reads->buffers++;
  }
  job->item = (struct holder_item){0};
  holders_add(&reads->holders, client, &job->item);
  reads->buffers_out++;
  if (reads->buffers_out > reads->buffers_peak) reads->buffers_peak = reads->buffers_out;
  invariants(reads);
  return job;
}

static void give_job(struct files_read_job *job) {
  struct files_reads *reads = job->reads;
  file_cache_release(reads->cache, job->file);
  holders_remove(&reads->holders, &job->item);
  job->next = reads->spare;
  reads->spare = job;
  reads->buffers_out--;
  invariants(reads);
}

/* Frees spare buffers until no more than `keep` exist, those that are out included. */
static void free_spare(struct files_reads *reads, uint32_t keep) {
  while (reads->spare && reads->buffers > keep) {
    struct files_read_job *job = reads->spare;
    reads->spare = job->next;
    reads->buffers--;
    free(job);
  }
}

void files_reads_trim(struct files_reads *reads) {
  free_spare(reads, reads->buffers_peak);
  reads->buffers_peak = reads->buffers_out;
}

void files_reads_free(struct files_reads *reads) {
  assert(reads->buffers_out == 0);
  free_spare(reads, 0);
  holders_destroy(&reads->holders);
}

void files_reads_init(struct files_reads *reads) {
  holders_init(&reads->holders);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What `got` bytes, or -errno, mean to the reader. */
static enum files_result conclude(struct files_read_job *job, ssize_t got) {
  struct file *file = job->file;
  if (got <= 0) file->proof.failed = true;
  if (!proof_holds(&file->proof, file->fd)) return FILES_FAILED;
  proof_keep(&file->proof, job->buffer, (size_t)got, job->offset);
  job->read->bytes = span_of(job->buffer, (size_t)got);
  return FILES_FOUND;
}

static void read_done(struct loop_op *op, int got, unsigned flags);

static bool read_wait(struct files_read_job *job) {
  job->op = (struct loop_op){.done = read_done};
  if (!loop_read(job->reads->loop, &job->op, job->file->fd, job->buffer, (unsigned)job->max,
                 job->offset))
    return false;
  job->under_way = true;
  job->file->reading++;
  counter_add(&job->reads->counters->reads_waited, 1);
  return true;
}

static void read_done(struct loop_op *op, int got, unsigned flags) {
  struct files_read_job *job =
      (struct files_read_job *)((char *)op - offsetof(struct files_read_job, op));
  (void)flags;
  job->under_way = false;
  job->file->reading--;
  if (!job->read) {
    give_job(job);
    return;
  }
  bool interrupted = got == -EAGAIN || got == -EINTR;
  if (interrupted && job->attempts++ < FILES_ATTEMPTS && read_wait(job)) return;
  job->read->done(job->read, interrupted ? FILES_BUSY : conclude(job, got));
}

/* Whether `fd` is the file that was looked up: the very version, or with bytes that prove it. An inode's
 * number alone may be another file's by now. */
static bool is_same_file(struct file *file, int fd) {
  struct stat status;
  if (fstat(fd, &status)) return false;
  struct file_identity identity = disk_identity(&status);
  if (disk_is_same(&identity, &file->identity)) return true;
  return identity.device == file->identity.device && identity.inode == file->identity.inode &&
         proof_has_sample(&file->proof) && proof_holds(&file->proof, fd);
}

/* Gives a file that had to do without a descriptor one again. */
static enum files_result reopen(struct files_reads *reads, struct file *file, const void *client) {
  char path[FILES_PATH_BYTES + 1];
  if (file->proof.failed) return FILES_FAILED;
  if (!file_cache_has_room(reads->cache, client)) return FILES_BUSY;
  memcpy(path, file->path, file->path_len);
  path[file->path_len] = 0;
  int fd = opening_regular(reads->beneath, reads->cache, path, client);
  if (fd < 0) return files_result_of(-fd) == FILES_BUSY ? FILES_BUSY : FILES_FAILED;
  if (is_same_file(file, fd)) {
    file_cache_take_descriptor(reads->cache, file, fd, client);
    return FILES_FOUND;
  }
  close(fd);
  return FILES_FAILED;
}

enum files_result files_reads_begin(struct files_reads *reads, struct file *file, uint64_t offset,
                                    size_t max, struct file_piece *read) {
  assert(file->kind == FILE_LARGE && max > 0);
  assert(offset < file->identity.size_bytes && max <= file->identity.size_bytes - offset);
  enum files_result opened = file->fd >= 0 ? FILES_FOUND : reopen(reads, file, read->client);
  if (opened != FILES_FOUND) return opened;
  file_cache_touch(reads->cache, file, read->client);
  struct files_read_job *job = take_job(reads, read->client);
  if (!job) return FILES_BUSY;
  job->reads = reads;
  job->read = read;
  job->file = file_retain(file);
  job->offset = offset;
  job->max = max < FILES_READ_BYTES ? max : FILES_READ_BYTES;
  job->attempts = 0;
  job->under_way = false;
  read->job = job;
  ssize_t got = disk_read(file->fd, job->buffer, job->max, offset, !reads->loop);
  enum files_result result;
  if (got == -EAGAIN) {
    result = read_wait(job) ? FILES_PENDING : FILES_BUSY;
  } else {
    counter_add(&reads->counters->reads_direct, 1);
    result = conclude(job, got);
  }
  if (result == FILES_BUSY || result == FILES_FAILED) give_job(job);
  return result;
}

void files_reads_end(struct files_reads *reads, struct file_piece *read) {
  struct files_read_job *job = read->job;
  assert(job && job->reads == reads);
  read->job = NULL;
  if (job->under_way)
    job->read = NULL; /* read_done() gives it back */
  else
    give_job(job);
}
