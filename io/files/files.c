/*
 * files/files.c - from a path to an entry: what is listed and still true, what has to be loaded.
 *
 *     find: listed? --no--> load (files/load.h) --> found
 *             |yes
 *           fresh? --no--> same on disk? --no---> load
 *             |yes             |yes
 *           found  <--------- fresh again
 */
#include "io/files/files.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "io/base/error.h"
#include "io/files/limits.h"
#include "io/files/load.h"
#include "io/files/private.h"
#include "io/ring/loop.h"

/* ---- finding --------------------------------------------------------------------------------- */

/* The lookup is answered by what is listed. */
static enum files_result hit(struct files *files, struct file *file, struct files_lookup *lookup) {
  file->recent = true;
  counter_add(&files->counters->hits, 1);
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
  if (file && is_fresh(file, now_ns)) return hit(files, file, lookup);
  if (path.len > FILES_PATH_BYTES || memchr(path.base, 0, path.len)) return FILES_MISSING;
  memcpy(text, path.len ? (const char *)path.base : ".", path.len ? path.len : 1);
  text[path.len ? path.len : 1] = 0;
  if (file && is_current(files, file, text, now_ns)) return hit(files, file, lookup);
  if (files_load_join(files, path, hash, lookup)) return FILES_PENDING;
  if (file) file_cache_unlist(&files->cache, file);
  counter_add(&files->counters->misses, 1);
  return files_load_path(files, path, hash, text, now_ns, lookup);
}

enum files_result files_find(struct files *files, struct span path, uint64_t now_ns,
                             struct files_lookup *lookup) {
  files->now_ns = now_ns;
  lookup->queued = NULL;
  enum files_result result = find_now(files, path, now_ns, lookup);
  return result == FILES_BUSY && files_enqueue(files, path, lookup) ? FILES_PENDING : result;
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
  if (lookup->load) files_load_leave(lookup);
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

/* Half of what small files may take. */
static uint32_t windows_of(const struct file_cache *cache) {
  size_t count = cache->bytes_max / 2 / FILES_WINDOW_BYTES;
  return count < FILES_WINDOWS_MAX ? (uint32_t)count : FILES_WINDOWS_MAX;
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
