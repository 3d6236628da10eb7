/*
 * files/load.c - see files/load.h.
 */
#include "io/files/load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/opening.h"
#include "io/ring/loop.h"

/* The making of one entry with content. On the stack until it has to wait. */
struct files_load {
  struct loop_op op;
  struct files *files;
  struct file *file; /* held by the load; NULL before fill_begin() */
  int fd;            /* until the entry has it, or the content is complete */
  size_t got;
  unsigned attempts;
  bool ended; /* the last read found the end of the file */
  uint64_t now_ns, hash;
  const void *client;   /* whose lookup began it */
  uint32_t root_number; /* of the root that it was opened below */
  const char *path;     /* the caller's; once the load has to wait, the copy behind this struct */
  size_t path_len;
  struct files_lookup *waiters;
  struct files_load *next;
};

/* ---- invariants ------------------------------------------------------------------------------ */

#ifdef WEIR_INVARIANTS
static void invariants(const struct files *files) {
  assert((files->loads == NULL) == (files->loads_count == 0));
  assert(files->loads_count <= FILES_LOADS_MAX);
}
#else
static void invariants(const struct files *files) {
  (void)files;
}
#endif

/* ---- entries without content ----------------------------------------------------------------- */

/* Remembers what is not a file. Without room for it, the next lookup asks the kernel again. */
static void remember(struct files_load *load, enum file_kind kind) {
  struct span path = span_of(load->path, load->path_len);
  struct file *file = file_cache_make(&load->files->cache, path, load->hash, kind, 0);
  if (!file) return;
  file->fresh_until_ns = load->now_ns + FILES_FRESH_NS;
  file_cache_list(&load->files->cache, file);
  file_cache_release(&load->files->cache, file);
}

static enum files_result refuse(struct files_load *load, int error) {
  enum files_result result = files_result_of(error);
  load->files->lacks_descriptor = error == EMFILE || error == ENFILE;
  if (result == FILES_MISSING) remember(load, FILE_MISSING);
  if (result != FILES_FORBIDDEN) return result;
  struct files *files = load->files;
  remember(load, FILE_FORBIDDEN);
  if (files->forbidden)
    files->forbidden(files->user_ctx, span_of(load->path, load->path_len), error);
  return result;
}

/* ---- loading --------------------------------------------------------------------------------- */

static void drop_file(struct files_load *load) {
  if (load->file) file_cache_release(&load->files->cache, load->file);
  load->file = NULL;
}

static void drop_fd(struct files_load *load) {
  if (load->fd >= 0) close(load->fd);
  load->fd = -1;
}

static bool make_file(struct files_load *load, enum file_kind kind, const struct stat *status) {
  struct span path = span_of(load->path, load->path_len);
  size_t bytes = kind == FILE_SMALL ? (size_t)status->st_size : 0;
  load->file = file_cache_make(&load->files->cache, path, load->hash, kind, bytes);
  if (!load->file) return false;
  load->file->identity = disk_identity(status);
  load->file->settled = true;
  return true;
}

/* An entry that is read through its descriptor. */
static enum files_result make_large(struct files_load *load, const struct stat *status) {
  struct files *files = load->files;
  if (!make_file(load, FILE_LARGE, status)) return FILES_BUSY;
  if (!file_cache_has_room(&files->cache, load->client)) {
    counter_add(&files->counters->no_descriptor, 1);
    files->lacks_descriptor = true;
    return FILES_BUSY;
  }
  file_cache_take_descriptor(&files->cache, load->file, load->fd, load->client);
  proof_begin(&load->file->proof, &load->file->identity, load->fd);
  load->fd = -1;
  return FILES_FOUND;
}

/* Begins an attempt. FILES_PENDING: there is content to fill in. */
static enum files_result fill_begin(struct files_load *load) {
  struct stat status;
  drop_file(load);
  load->got = 0;
  load->ended = false;
  if (fstat(load->fd, &status)) return files_result_of(errno);
  if (status.st_size <= FILES_SMALL_BYTES && make_file(load, FILE_SMALL, &status))
    return FILES_PENDING;
  if (status.st_size == 0) return FILES_BUSY;
  return make_large(load, &status);
}

/* Reads what is there without waiting. FILES_PENDING: the disk has to be waited for. */
static enum files_result fill(struct files_load *load) {
  struct file *file = load->file;
  while (load->got < file->identity.size_bytes && !load->ended) {
    ssize_t got =
        disk_read(load->fd, file->content + load->got,
                  (size_t)file->identity.size_bytes - load->got, load->got, !load->files->loop);
    if (got == -EAGAIN) return FILES_PENDING;
    if (got < 0) return files_result_of((int)-got);
    load->ended = got == 0;
    load->got += (size_t)got;
  }
  return FILES_FOUND;
}

/* Whether what was filled in is one version of the file. On the last attempt a file that keeps on
 * growing or changing is accepted as it was read, to be loaded again a second later. */
static bool is_whole(struct files_load *load) {
  struct file *file = load->file;
  struct stat status;
  if (load->got < file->identity.size_bytes || fstat(load->fd, &status)) return false;
  struct file_identity identity = disk_identity(&status);
  bool same = disk_is_same(&identity, &file->identity);
  if (!same && load->attempts < FILES_ATTEMPTS) return false;
  file->settled = same && disk_is_settled(&identity);
  file->bytes = span_of(file->content, load->got);
  return true;
}

/* Goes on until there is an entry, an error, or the disk to wait for. */
static enum files_result load_run(struct files_load *load) {
  for (;;) {
    enum files_result result = load->file ? FILES_PENDING : fill_begin(load);
    if (result != FILES_PENDING) return result;
    result = fill(load);
    if (result != FILES_FOUND || is_whole(load)) return result;
    if (load->attempts++ == FILES_ATTEMPTS) return FILES_FAILED;
    drop_file(load);
  }
}

/* Lists what was loaded. The load still holds it. */
static void load_end(struct files_load *load, enum files_result result) {
  drop_fd(load);
  if (result != FILES_FOUND) {
    drop_file(load);
    return;
  }
  if (load->root_number != load->files->root_number) return; /* below what was the root then */
  load->file->fresh_until_ns = load->now_ns + FILES_FRESH_NS;
  file_cache_list(&load->files->cache, load->file);
}

/* ---- loads that wait ------------------------------------------------------------------------- */

static void load_done(struct loop_op *op, int result, unsigned flags);

/* Has the ring read the rest; false when it takes no more work. */
static bool load_wait(struct files_load *load) {
  size_t left = (size_t)load->file->identity.size_bytes - load->got;
  if (!loop_read(load->files->loop, &load->op, load->fd, load->file->content + load->got,
                 (unsigned)left, load->got))
    return false;
  counter_add(&load->files->counters->reads_waited, 1);
  return true;
}

static void unlink_load(struct files_load *load) {
  struct files_load **at = &load->files->loads;
  while (*at != load)
    at = &(*at)->next;
  *at = load->next;
  load->files->loads_count--;
  invariants(load->files);
}

/* Tells every lookup that waits; without room, they wait in the queue. Their done() may look up, cancel
 * and release meanwhile. */
static void load_tell(struct files_load *load, enum files_result result) {
  struct files *files = load->files;
  struct span path = span_of(load->path, load->path_len);
  load_end(load, result);
  unlink_load(load);
  while (load->waiters) {
    struct files_lookup *lookup = load->waiters;
    load->waiters = lookup->next;
    lookup->load = NULL;
    if (result == FILES_BUSY && files_enqueue(files, path, lookup)) continue;
    if (result == FILES_FOUND) lookup->file = file_retain(load->file);
    lookup->done(lookup, result);
  }
  drop_file(load);
  free(load);
  files_queue_run(&files->queue, files->now_ns);
}

static void load_done(struct loop_op *op, int got, unsigned flags) {
  struct files_load *load = (struct files_load *)((char *)op - offsetof(struct files_load, op));
  enum files_result result = FILES_PENDING;
  (void)flags;
  load->files->lacks_descriptor = false;
  if (got >= 0) {
    load->got += (size_t)got;
    load->ended = got == 0;
    result = load_run(load);
  } else if ((got != -EAGAIN && got != -EINTR) || load->attempts++ == FILES_ATTEMPTS) {
    result = files_result_of(-got);
  }
  if (result == FILES_PENDING && load_wait(load)) return;
  load_tell(load, result == FILES_PENDING ? FILES_BUSY : result);
}

/* Moves the load from the stack to where it can wait. */
static enum files_result load_park(struct files_load *load, struct files_lookup *lookup) {
  struct files *files = load->files;
  bool allowed = files->loads_count < FILES_LOADS_MAX;
  struct files_load *parked = allowed ? malloc(sizeof *parked + load->path_len) : NULL;
  if (parked) {
    *parked = *load;
    parked->op = (struct loop_op){.done = load_done};
    parked->path = memcpy(parked + 1, load->path, load->path_len);
  }
  if (!parked || !load_wait(parked)) {
    free(parked);
    load_end(load, FILES_BUSY);
    return FILES_BUSY;
  }
  parked->next = files->loads;
  files->loads = parked;
  files->loads_count++;
  invariants(files);
  parked->waiters = lookup;
  lookup->next = NULL;
  lookup->load = parked;
  return FILES_PENDING;
}

/* ---- beginning, joining and leaving ---------------------------------------------------------- */

static enum files_result make_directory(struct files_load *load, const struct stat *status) {
  return make_file(load, FILE_DIRECTORY, status) ? FILES_FOUND : FILES_BUSY;
}

static enum files_result look_and_run(struct files_load *load, const char *text,
                                      struct files_lookup *lookup) {
  struct stat status;
  struct files *files = load->files;
  int error = -opening_look(&files->beneath, &files->cache, text, load->client, &status);
  if (!error && !S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) error = EPERM;
  if (!error && S_ISREG(status.st_mode)) {
    load->fd = opening_regular(&files->beneath, &files->cache, text, load->client);
    if (load->fd < 0) error = -load->fd;
  }
  if (error) return refuse(load, error);
  enum files_result result =
      S_ISDIR(status.st_mode) ? make_directory(load, &status) : load_run(load);
  if (result == FILES_PENDING) return load_park(load, lookup);
  load_end(load, result);
  /* The load's reference becomes the caller's. */
  if (result == FILES_FOUND) lookup->file = load->file;
  return result;
}

enum files_result files_load_path(struct files *files, struct span path, uint64_t hash,
                                  const char *text, uint64_t now_ns, struct files_lookup *lookup) {
  struct files_load load = {.files = files,
                            .fd = -1,
                            .now_ns = now_ns,
                            .hash = hash,
                            .client = lookup->client,
                            .root_number = files->root_number,
                            .path = (const char *)path.base,
                            .path_len = path.len};
  return look_and_run(&load, text, lookup);
}

static bool is_of(const struct files_load *load, struct span path, uint64_t hash) {
  return load->root_number == load->files->root_number && load->hash == hash &&
         load->path_len == path.len && memcmp(load->path, path.base, path.len) == 0;
}

bool files_load_join(struct files *files, struct span path, uint64_t hash,
                     struct files_lookup *lookup) {
  struct files_load *load = files->loads;
  while (load && !is_of(load, path, hash))
    load = load->next;
  if (!load) return false;
  lookup->next = load->waiters;
  lookup->load = load;
  load->waiters = lookup;
  return true;
}

void files_load_leave(struct files_lookup *lookup) {
  struct files_lookup **at = &lookup->load->waiters;
  while (*at != lookup)
    at = &(*at)->next;
  *at = lookup->next;
  lookup->load = NULL;
}
