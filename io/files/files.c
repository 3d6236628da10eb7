/*
 * files/files.c - from a path to an entry: what is listed and still true, what has to be loaded.
 *
 *     find: listed? --no--> open with O_PATH, look, open for reading --> load --> list
 *             |yes                                                        ^
 *           fresh? --no--> same on disk? --no------------------------------+
 *             |yes             |yes
 *           found  <--------- fresh again
 *
 * A load that must wait for the disk goes on in load_done(); lookups of the same path meanwhile
 * join its waiters instead of loading again.
 */
#include "io/files/files.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/base/limits.h"
#include "io/files/opening.h"
#include "io/files/private.h"
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

/* False when it cannot wait. */
static bool enqueue(struct files *files, struct span path, struct files_lookup *lookup) {
  struct files_queue *queue = files->lacks_descriptor ? &files->descriptor_queue : &files->queue;
  return files->loop && files_queue_add(queue, path, files->now_ns, lookup);
}

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
    if (result == FILES_BUSY && enqueue(files, path, lookup)) continue;
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

/* ---- finding --------------------------------------------------------------------------------- */

static enum files_result hand_out(struct files *files, struct file *file,
                                  struct files_lookup *lookup) {
  if (file->kind == FILE_MISSING) return FILES_MISSING;
  if (file->kind == FILE_FORBIDDEN) return FILES_FORBIDDEN;
  lookup->file = file_retain(file);
  file_cache_touch(&files->cache, file, lookup->client);
  return FILES_FOUND;
}

/* A large file costs a system call for each piece anyway: one more tells at once that its name leads
 * elsewhere by now (its ctime changed, or it has no name), or that its bytes changed. */
static bool is_fresh(const struct file *file, uint64_t now_ns) {
  struct stat status;
  if (now_ns >= file->fresh_until_ns) return false;
  if (file->kind != FILE_LARGE) return true;
  if (file->proof.failed || fstat(file->fd, &status)) return false;
  struct file_identity identity = disk_identity(&status);
  return status.st_nlink > 0 && disk_is_same(&identity, &file->identity);
}

/* Whether a listed entry may be believed. Compares it with the disk once its time is over. */
static bool is_current(struct files *files, struct file *file, const char *path, uint64_t now_ns) {
  struct stat status;
  if (file->kind == FILE_LARGE && file->proof.failed) return false;
  if (file->kind == FILE_MISSING || file->kind == FILE_FORBIDDEN || !file->settled) return false;
  counter_add(&files->counters->revalidations, 1);
  /* This follows links anywhere, but can only confirm that it is the very file that was opened. */
  if (fstatat(files->beneath.root, path, &status, 0)) return false;
  struct file_identity identity = disk_identity(&status);
  if (!disk_is_same(&identity, &file->identity)) return false;
  file->fresh_until_ns = now_ns + FILES_FRESH_NS;
  return true;
}

/* Only which file it is matters: an open file that was written to is read on, as far as it may be. */
static bool leads_to(void *self, const struct file *file) {
  const struct files *files = self;
  struct stat status;
  char text[FILES_PATH_BYTES + 1];
  memcpy(text, file->path, file->path_len);
  text[file->path_len] = 0;
  return fstatat(files->beneath.root, text, &status, 0) == 0 &&
         status.st_dev == file->identity.device && status.st_ino == file->identity.inode;
}

static bool is_of(const struct files_load *load, struct span path, uint64_t hash) {
  return load->root_number == load->files->root_number && load->hash == hash &&
         load->path_len == path.len && memcmp(load->path, path.base, path.len) == 0;
}

static bool join(struct files *files, struct span path, uint64_t hash,
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

static enum files_result make_directory(struct files_load *load, const struct stat *status) {
  return make_file(load, FILE_DIRECTORY, status) ? FILES_FOUND : FILES_BUSY;
}

static enum files_result load_path(struct files_load *load, const char *text,
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

/* Finds the path, or says FILES_BUSY; files_find() without the queue. */
static enum files_result find_now(void *self, struct span path, uint64_t now_ns,
                                  struct files_lookup *lookup) {
  struct files *files = self;
  char text[FILES_PATH_BYTES + 1];
  lookup->file = NULL;
  lookup->load = NULL;
  files->lacks_descriptor = false;
  if (path.len == 0) path = span_of("", 0);
  uint64_t hash = file_cache_hash(&files->cache, path);
  struct file *file = file_cache_find(&files->cache, path, hash);
  if (file && is_fresh(file, now_ns)) {
    file->recent = true;
    counter_add(&files->counters->hits, 1);
    return hand_out(files, file, lookup);
  }
  if (path.len > FILES_PATH_BYTES || memchr(path.base, 0, path.len)) return FILES_MISSING;
  memcpy(text, path.len ? (const char *)path.base : ".", path.len ? path.len : 1);
  text[path.len ? path.len : 1] = 0;
  if (file && is_current(files, file, text, now_ns)) {
    file->recent = true;
    counter_add(&files->counters->hits, 1);
    return hand_out(files, file, lookup);
  }
  if (join(files, path, hash, lookup)) return FILES_PENDING;
  if (file) file_cache_unlist(&files->cache, file);
  counter_add(&files->counters->misses, 1);
  struct files_load load = {
      .files = files, .fd = -1, .now_ns = now_ns, .hash = hash, .root_number = files->root_number};
  load.client = lookup->client;
  load.path = (const char *)path.base;
  load.path_len = path.len;
  return load_path(&load, text, lookup);
}

enum files_result files_find(struct files *files, struct span path, uint64_t now_ns,
                             struct files_lookup *lookup) {
  files->now_ns = now_ns;
  lookup->queued = NULL;
  enum files_result result = find_now(files, path, now_ns, lookup);
  return result == FILES_BUSY && enqueue(files, path, lookup) ? FILES_PENDING : result;
}

/* None has left the list as long as the number stays the same. */
uint64_t files_listing(const struct files *files, const struct file *file) {
  return file->listed ? files->cache.unlisted + 1 : 0;
}

bool files_find_again(struct files *files, struct file *file, uint64_t listing, uint64_t now_ns,
                      const void *client) {
  files->now_ns = now_ns;
  if (listing != files->cache.unlisted + 1 || !is_fresh(file, now_ns)) return false;
  file->recent = true;
  counter_add(&files->counters->hits, 1);
  file_cache_touch(&files->cache, file_retain(file), client);
  return true;
}

void files_find_cancel(struct files_lookup *lookup) {
  files_queue_remove(lookup);
  if (!lookup->load) return;
  struct files_lookup **at = &lookup->load->waiters;
  while (*at != lookup)
    at = &(*at)->next;
  *at = lookup->next;
  lookup->load = NULL; /* the load goes on: the path will be asked for again */
}

void files_release(struct files *files, struct file *file) {
  file_cache_release(&files->cache, file);
  if (file_cache_has_spare(&files->cache))
    files_queue_go_on(&files->descriptor_queue, files->now_ns);
}

/* ---- reading: see files/read.h --------------------------------------------------------------- */

enum files_result files_read(struct files *files, struct file *file, uint64_t offset, size_t max,
                             struct file_piece *read) {
  return files_reads_begin(&files->reads, file, offset, max, read);
}

void files_read_end(struct files *files, struct file_piece *read) {
  files_reads_end(&files->reads, read);
}

struct span files_lend(struct files *files, struct file *file, uint64_t offset, bool may_read,
                       const void *client, struct file_view *view, uint32_t **loans) {
  return windows_lend(&files->windows, file, offset, may_read, client, view, loans);
}

/* Where the root's path leads to another directory by now, that one is served. */
static void look_up_root(struct files *files) {
  if (!beneath_follow(&files->beneath, files->root)) return;
  file_cache_clear(&files->cache);
  files->root_number++;
}

void files_trim(struct files *files, uint64_t now_ns) {
  files->now_ns = now_ns;
  file_cache_second(&files->cache);
  look_up_root(files);
  files_queue_run(&files->queue, now_ns);
  files_queue_run(&files->descriptor_queue, now_ns);
  files_reads_trim(&files->reads);
  windows_trim(&files->windows);
  if (files->loop) writes_look(&files->loop->writes);
}

/* Half of what small files may take. */
static uint32_t windows_of(const struct file_cache *cache) {
  size_t count = cache->bytes_max / 2 / FILES_WINDOW_BYTES;
  return count < FILES_WINDOWS_MAX ? (uint32_t)count : FILES_WINDOWS_MAX;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Shown at startup where openat2() is refused. */
static const char stepwise_note[] =
    "openat2 is refused: symbolic links in the served directory are not followed";

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
  return value ? value : otherwise;
}

/* A worker's share of what the process may open. */
static uint32_t descriptors_of(const struct files_settings *settings) {
  struct rlimit limit;
  if (settings->descriptors_max) return settings->descriptors_max;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return FILES_DESCRIPTORS_MIN;
  rlim_t share = limit.rlim_cur / FILES_DESCRIPTORS_PART / or_default(settings->workers, 1);
  if (share < FILES_DESCRIPTORS_MIN) return FILES_DESCRIPTORS_MIN;
  return share < FILES_DESCRIPTORS_MAX ? (uint32_t)share : FILES_DESCRIPTORS_MAX;
}

struct files *files_create(const struct files_settings *settings, const char **note,
                           struct io_error *error) {
  struct files *files = calloc(1, sizeof *files);
  if (!files) {
    io_error_set(error, ENOMEM, "cannot open %s: no memory", settings->root);
    return NULL;
  }
  files->loop = settings->loop;
  files->counters = settings->counters ? settings->counters : &files->own_counters;
  files->forbidden = settings->forbidden;
  files->user_ctx = settings->user_ctx;
  files->reads = (struct files_reads){
      .loop = settings->loop,
      .cache = &files->cache,
      .beneath = &files->beneath,
      .counters = files->counters,
      .buffers_max = or_default(settings->reads_max, FILES_READS_MAX),
  };
  files->cache = (struct file_cache){
      .entries_max = or_default(settings->entries_max, FILES_ENTRIES_MAX),
      .bytes_max = settings->cache_bytes_max ? settings->cache_bytes_max : FILES_CACHE_BYTES,
      .descriptors_max = descriptors_of(settings),
      .user_bytes = (settings->user_bytes + 15) & ~(size_t)15,
      .user_free = settings->user_free,
      .user_ctx = settings->user_ctx,
      .leads_to = leads_to,
      .leads_to_ctx = files,
      .counters = files->counters,
      .writes = settings->loop ? &settings->loop->writes : NULL,
  };
  files_reads_init(&files->reads);
  files_queue_init(&files->queue, settings->loop, find_now, files);
  files_queue_init(&files->descriptor_queue, settings->loop, find_now, files);
  bool opened = beneath_init(&files->beneath, settings->root, error);
  files->root = opened ? strdup(settings->root) : NULL;
  if (files->root && file_cache_init(&files->cache)) {
    windows_init(&files->windows, &files->cache, settings->loop ? &settings->loop->pages : NULL,
                 windows_of(&files->cache));
    if (note) *note = files->beneath.stepwise ? stepwise_note : NULL;
    return files;
  }
  if (opened) {
    io_error_set(error, ENOMEM, "cannot open %s: no memory for its cache", settings->root);
    beneath_close(&files->beneath);
  }
  free(files->root);
  free(files);
  return NULL;
}

bool files_are_idle(const struct files *files) {
  const struct files_queue *queue = &files->queue, *other = &files->descriptor_queue;
  return files->loads_count == 0 && files->reads.buffers_out == 0 && queue->count == 0 &&
         !queue->op_under_way && other->count == 0 && !other->op_under_way &&
         !windows_are_lent(&files->windows);
}

void files_destroy(struct files *files) {
  if (!files) return;
  assert(!files->loads && files->loads_count == 0);
  files_queue_destroy(&files->queue);
  files_queue_destroy(&files->descriptor_queue);
  files_reads_free(&files->reads);
  windows_destroy(&files->windows);
  file_cache_destroy(&files->cache);
  beneath_close(&files->beneath);
  free(files->root);
  free(files);
}

bool files_charge(struct files *files, struct file *file, size_t bytes) {
  return file_cache_charge(&files->cache, file, bytes);
}

const struct files_counters *files_counters(const struct files *files) {
  return files->counters;
}

struct files_gauges files_gauges(const struct files *files) {
  return (struct files_gauges){.entries = files->cache.count,
                               .bytes = files->cache.bytes,
                               .descriptors = files->cache.descriptors};
}
