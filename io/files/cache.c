/*
 * files/cache.c - a hash table for finding, an array for the clock's hand, counts for the bounds.
 *
 * Eviction: the hand goes round the array. It passes over an entry that is held, spares once an entry
 * that was used since the last round, and frees the next. New entries start as not used, so that a
 * flood of paths that are asked for once does not push out paths that are asked for again.
 *
 * When descriptors run out, entries without a holder give theirs up first, the least recently used one
 * before others. Then the client that has most gives one up, if it has two more than the client that needs
 * it. Else that client exchanges one of its own, and if it has none, one that no reader used for
 * FILES_HOLD_SECONDS goes. The client that gives chooses the one that it used longest ago. It keeps a file to which
 * its path leads no more, because that could not be opened again.
 */
#include "io/files/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- invariants ------------------------------------------------------------------------------ */

#ifdef WEIR_INVARIANTS
static void invariants(const struct file_cache *cache) {
  assert(cache->count <= cache->entries_max);
  assert(cache->bytes <= cache->bytes_max);
  assert(cache->descriptors <= cache->descriptors_max);
  assert(cache->hand <= cache->entries_max);
}
#else
static void invariants(const struct file_cache *cache) {
  (void)cache;
}
#endif

/* ---- finding --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The last `len` bytes, fewer than 8, as a word. Loads of fixed lengths that overlap: a copy to
 * memory byte by byte would have to be waited for. */
static uint64_t load_tail(const uint8_t *at, size_t len) {
  uint32_t first, last;
  if (len < 4) return len ? (uint64_t)at[0] << 16 | (uint64_t)at[len / 2] << 8 | at[len - 1] : 0;
  memcpy(&first, at, sizeof first);
  memcpy(&last, at + len - sizeof last, sizeof last);
  return (uint64_t)first << 32 | last;
}

uint64_t file_cache_hash(const struct file_cache *cache, struct span path) {
  uint64_t hash = cache->seed[0] ^ path.len, word;
  const uint8_t *at = path.base;
  size_t left = path.len;
  for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
    memcpy(&word, at, sizeof word);
    hash = mix(hash ^ word, cache->seed[1]);
  }
  return mix(mix(hash ^ load_tail(at, left), cache->seed[1]), cache->seed[0] | 1);
}

static bool is_at(const struct file *file, struct span path, uint64_t hash) {
  return file->hash == hash && file->path_len == path.len &&
         memcmp(file->path, path.base, path.len) == 0;
}

struct file *file_cache_find(const struct file_cache *cache, struct span path, uint64_t hash) {
  if (path.len == 0) path.base = (const uint8_t *)"";
  struct file *file = cache->buckets[hash & cache->bucket_mask];
  while (file && !is_at(file, path, hash))
    file = file->chain;
  return file;
}

/* What takes a walk: looked at once, at the end. */
#ifdef WEIR_INVARIANTS
static void invariants_of_list(const struct file_cache *cache) {
  size_t bytes = 0;
  for (uint32_t slot = 0; slot < cache->count; slot++) {
    const struct file *file = cache->clock[slot];
    assert(file->listed && file->slot == slot);
    assert(file_cache_find(cache, span_of(file->path, file->path_len), file->hash) == file);
    bytes += file->charge_bytes;
  }
  assert(bytes <= cache->bytes);
}
#else
static void invariants_of_list(const struct file_cache *cache) {
  (void)cache;
}
#endif

/* ---- one entry ------------------------------------------------------------------------------- */

static bool has_user(const struct file *file) {
  return file->kind != FILE_MISSING && file->kind != FILE_FORBIDDEN;
}

static void close_descriptor(struct file_cache *cache, struct file *file) {
  if (file->fd < 0) return;
  assert(file->reading == 0);
  writes_forget(&file->proof.watch);
  close(file->fd);
  file->fd = -1;
  list_remove(&file->opened);
  holders_remove(&cache->holders, &file->item);
  cache->descriptors--;
}

static void free_file(struct file_cache *cache, struct file *file) {
  assert(!file->listed && file->holders == 0);
  if (has_user(file) && cache->user_free) cache->user_free(cache->user_ctx, file);
  close_descriptor(cache, file);
  while (list_take_first(&file->windows)) {
  }
  assert(cache->bytes >= file->charge_bytes);
  cache->bytes -= file->charge_bytes;
  free(file->content);
  free(file);
}

void file_cache_unlist(struct file_cache *cache, struct file *file) {
  assert(file->listed);
  struct file **at = &cache->buckets[file->hash & cache->bucket_mask];
  while (*at != file)
    at = &(*at)->chain;
  *at = file->chain;
  struct file *last = cache->clock[--cache->count];
  cache->clock[file->slot] = last;
  last->slot = file->slot;
  file->listed = false;
  cache->unlisted++;
  if (file->holders == 0) free_file(cache, file);
  invariants(cache);
}

struct file *file_retain(struct file *file) {
  assert(file->holders < UINT32_MAX);
  file->holders++;
  return file;
}

void file_cache_release(struct file_cache *cache, struct file *file) {
  assert(file->holders > 0);
  if (--file->holders > 0) return;
  if (!file->listed) {
    free_file(cache, file);
  } else if (file->fd >= 0) {
    list_remove(&file->opened);
    holders_remove(&cache->holders, &file->item);
    list_append(&cache->not_held, &file->opened);
  }
}

/* ---- eviction -------------------------------------------------------------------------------- */

/* Frees one entry; false when there is none to free. */
static bool evict(struct file_cache *cache) {
  /* Twice round: the first round may only have cleared the marks. */
  for (uint64_t steps = 2 * (uint64_t)cache->count; steps > 0; steps--) {
    if (cache->hand >= cache->count) cache->hand = 0;
    struct file *file = cache->clock[cache->hand];
    if (file->holders > 0) {
      cache->hand++;
    } else if (file->recent) {
      file->recent = false;
      cache->hand++;
    } else {
      file_cache_unlist(cache, file);
      cache->hand++; /* past the entry that took the slot: it was the last, perhaps just added */
      counter_add(&cache->counters->evictions, 1);
      return true;
    }
  }
  return false;
}

static bool make_room(struct file_cache *cache, size_t bytes) {
  if (bytes > cache->bytes_max) return false;
  while (cache->bytes > cache->bytes_max - bytes)
    if (!evict(cache)) return false;
  return true;
}

bool file_cache_charge(struct file_cache *cache, struct file *file, size_t bytes) {
  assert(file->holders > 0);
  if (!make_room(cache, bytes)) return false;
  cache->bytes += bytes;
  file->charge_bytes += bytes;
  return true;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

bool file_cache_has_spare(const struct file_cache *cache) {
  return cache->descriptors < cache->descriptors_max || !list_is_empty(&cache->not_held);
}

bool file_cache_has_room(struct file_cache *cache, const void *client) {
  while (cache->descriptors >= cache->descriptors_max)
    if (!file_cache_close_one(cache, client)) return false;
  return true;
}

void file_cache_take_descriptor(struct file_cache *cache, struct file *file, int fd,
                                const void *client) {
  assert(file->fd < 0 && fd >= 0 && file->holders > 0);
  assert(cache->descriptors < cache->descriptors_max);
  file->fd = fd;
  if (cache->writes) writes_watch(cache->writes, &file->proof.watch, fd);
  file->used_at = cache->seconds;
  list_append(&cache->in_use, &file->opened);
  holders_add(&cache->holders, client, &file->item);
  cache->descriptors++;
  invariants(cache);
}

/* The entry that a client has to give up. Those that the ring reads through are passed over. */
static struct file *find_given(struct file_cache *cache, const void *client) {
  struct holder *giver = holders_giver(&cache->holders, client);
  struct list_node *node = giver ? giver->items.next : NULL;
  for (unsigned i = 0; giver && i < FILES_GIVE_TRIES && node != &giver->items; i++) {
    struct file *file = LIST_OWNER(node, struct file, item.node);
    if (file->reading == 0 && cache->leads_to(cache->leads_to_ctx, file)) return file;
    node = node->next;
  }
  return NULL;
}

/* The held entry that was not used for longest, if that is long enough; those that the ring reads
 * through are passed over. */
static struct file *find_unused(struct file_cache *cache) {
  for (struct list_node *node = cache->in_use.next; node != &cache->in_use; node = node->next) {
    struct file *file = LIST_OWNER(node, struct file, opened);
    if (cache->seconds - file->used_at <= FILES_HOLD_SECONDS) return NULL;
    if (file->reading == 0) return file;
  }
  return NULL;
}

bool file_cache_close_one(struct file_cache *cache, const void *client) {
  if (!list_is_empty(&cache->not_held)) {
    file_cache_unlist(cache, LIST_OWNER(cache->not_held.next, struct file, opened));
    counter_add(&cache->counters->evictions, 1);
    return true;
  }
  struct file *file = find_given(cache, client);
  if (!file) file = find_unused(cache);
  if (!file) return false;
  close_descriptor(cache, file);
  if (file->listed) file_cache_unlist(cache, file);
  return true;
}

static void charge(struct file_cache *cache, struct file *file, const void *client) {
  const struct holder *holder = file->item.holder;
  bool same = holder && holder->client == client;
  if (same || (holder && holder->count <= holders_count(&cache->holders, client) + 1)) {
    holders_touch(&file->item);
    return;
  }
  holders_remove(&cache->holders, &file->item);
  holders_add(&cache->holders, client, &file->item);
}

void file_cache_touch(struct file_cache *cache, struct file *file, const void *client) {
  assert(file->holders > 0);
  if (file->fd < 0) return;
  file->used_at = cache->seconds;
  list_remove(&file->opened);
  list_append(&cache->in_use, &file->opened);
  charge(cache, file, client);
}

void file_cache_second(struct file_cache *cache) {
  cache->seconds++;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct file *file_cache_make(struct file_cache *cache, struct span path, uint64_t hash,
                             enum file_kind kind, size_t content_bytes) {
  bool small = kind == FILE_SMALL;
  size_t user_bytes = kind == FILE_MISSING || kind == FILE_FORBIDDEN ? 0 : cache->user_bytes;
  size_t bytes = sizeof(struct file) + user_bytes + path.len;
  size_t charge_bytes = bytes + (small ? content_bytes : 0);
  if (!make_room(cache, charge_bytes)) return NULL;
  struct file *file = aligned_alloc(16, (bytes + 15) & ~(size_t)15);
  if (!file) return NULL;
  memset(file, 0, bytes);
  if (small && !(file->content = malloc(content_bytes ? content_bytes : 1))) {
    free(file);
    return NULL;
  }
  file->kind = (uint8_t)kind;
  file->directory = kind == FILE_DIRECTORY;
  file->fd = -1;
  file->holders = 1;
  file->hash = hash;
  list_init(&file->windows);
  file->charge_bytes = charge_bytes;
  file->path = (uint8_t *)(file + 1) + user_bytes;
  file->path_len = (uint32_t)path.len;
  if (path.len) memcpy(file->path, path.base, path.len);
  cache->bytes += charge_bytes;
  return file;
}

void file_cache_list(struct file_cache *cache, struct file *file) {
  assert(!file->listed && file->holders > 0);
  struct file *old = file_cache_find(cache, span_of(file->path, file->path_len), file->hash);
  if (old) file_cache_unlist(cache, old);
  if (cache->count == cache->entries_max && !evict(cache)) return;
  struct file **bucket = &cache->buckets[file->hash & cache->bucket_mask];
  file->chain = *bucket;
  *bucket = file;
  file->slot = cache->count;
  cache->clock[cache->count++] = file;
  file->listed = true;
  invariants(cache);
}

bool file_cache_init(struct file_cache *cache) {
  assert(cache->entries_max > 0 && cache->entries_max <= UINT32_MAX / 4);
  uint32_t buckets = 16;
  while (buckets < cache->entries_max)
    buckets *= 2;
  list_init(&cache->in_use);
  list_init(&cache->not_held);
  holders_init(&cache->holders);
  cache->bucket_mask = buckets - 1;
  cache->buckets = calloc(buckets, sizeof(struct file *));
  cache->clock = calloc(cache->entries_max, sizeof(struct file *));
  if (cache->buckets && cache->clock &&
      getrandom(cache->seed, sizeof cache->seed, 0) == (ssize_t)sizeof cache->seed) {
    cache->seed[1] |= 1; /* a multiplier */
    return true;
  }
  free(cache->buckets);
  free(cache->clock);
  return false;
}

void file_cache_clear(struct file_cache *cache) {
  invariants_of_list(cache);
  while (cache->count > 0)
    file_cache_unlist(cache, cache->clock[0]);
}

void file_cache_destroy(struct file_cache *cache) {
  file_cache_clear(cache);
  assert(cache->bytes == 0 && cache->descriptors == 0);
  holders_destroy(&cache->holders);
  free(cache->buckets);
  free(cache->clock);
}
