/*
 * file_cache.h - entries found by path, counted references, a bound on memory, a clock that evicts.
 *
 * The cache opens and reads nothing; files.c fills entries in. An entry is *listed* while its path
 * leads to it and *held* while somebody has a reference. Unlisting a held entry leaves it to its
 * holders, with all its bytes, and they still count against the bound until the last release.
 *
 * The hash is keyed with a seed from the kernel, so that no client can choose paths that collide.
 */
#ifndef WEIR_FILE_CACHE_H
#define WEIR_FILE_CACHE_H

#include "engine/machine.h"

enum file_kind {
  FILE_SMALL,     /* content in bytes */
  FILE_LARGE,     /* content through fd */
  FILE_DIRECTORY, /* no content */
  FILE_MISSING,   /* these two stay inside io/ and are remembered for a short while */
  FILE_FORBIDDEN,
};

/* What tells one version of a file from another. */
struct file_identity {
  uint64_t device, inode, size_bytes;
  int64_t mtime_ns, ctime_ns; /* since 1970 */
};

/* One version of one file. Readers use the first three members. */
struct file {
  struct span bytes; /* the whole content, never changing; base NULL: use files_read() */
  struct file_identity identity;
  bool directory; /* all else is then meaningless */

  enum file_kind kind;
  bool listed;      /* its path leads to it */
  bool recent;      /* used since the clock's hand last passed */
  bool settled;     /* false: the time stamps cannot vouch for it, load it again when it is stale */
  int fd;           /* FILE_LARGE: shared by all readers; else -1 */
  uint32_t holders; /* references; 0: only listed */
  uint64_t fresh_until_ns;
  uint64_t hash;
  struct file *chain; /* next in the hash bucket */
  uint32_t slot;      /* place on the clock */
  uint32_t path_len;
  size_t charge_bytes; /* what it counts against the bound */
  /* Then the user's bytes, aligned for anything, then the path. */
};

struct file_cache {
  struct file **buckets;
  uint32_t bucket_mask;
  struct file **clock; /* listed entries in no order */
  uint32_t count, max; /* entries listed */
  uint32_t hand;
  size_t bytes, bytes_max; /* listed and held together */
  uint32_t descriptors, descriptors_max;
  uint64_t seed[2];
  uint64_t evictions;
  size_t user_bytes;
  void (*user_free)(void *ctx, struct file *file);
  void *user_ctx;
};

__attribute__((warn_unused_result)) bool file_cache_init(struct file_cache *cache,
                                                         uint32_t entries_max, size_t bytes_max,
                                                         uint32_t descriptors_max,
                                                         size_t user_bytes);

/* No entry may be held any more (asserted). */
void file_cache_destroy(struct file_cache *cache);

uint64_t file_cache_hash(const struct file_cache *cache, struct span path);

/* The listed entry of that path, or NULL. */
struct file *file_cache_find(const struct file_cache *cache, struct span path, uint64_t hash);

/* A new entry, listed, in place of the one that had its path. `content_bytes` of memory are
 * allocated for its content when it is FILE_SMALL (at least 1, so that base is not NULL). NULL when
 * there is no room that eviction could make, or no memory. */
__attribute__((warn_unused_result)) struct file *file_cache_add(struct file_cache *cache,
                                                                struct span path, uint64_t hash,
                                                                enum file_kind kind,
                                                                size_t content_bytes);

/* Evicts until one more descriptor fits; false when all are held. */
__attribute__((warn_unused_result)) bool file_cache_spare_descriptor(struct file_cache *cache);

/* Evicts everything that nobody holds and that has a descriptor. */
void file_cache_drop_descriptors(struct file_cache *cache);

/* The path leads to it no more; frees it unless held. */
void file_cache_unlist(struct file_cache *cache, struct file *file);

/* Ends one reference; frees the entry when it was the last and the entry is not listed. */
void file_cache_release(struct file_cache *cache, struct file *file);

/* The user's bytes of an entry (settings.user_bytes of them), and the way back. */
static inline void *file_user(struct file *file) {
  return file + 1;
}

static inline struct file *file_of_user(void *user) {
  return (struct file *)user - 1;
}

#endif
