/*
 * files/cache.h - entries found by path, counted references, a bound on memory, a clock that evicts.
 *
 * The cache opens and reads nothing; files/files.c fills entries in. An entry is *listed* while its path
 * leads to it and *held* while there is a reference to it. Unlisting a held entry leaves it to its
 * holders, with all its bytes, and they still count against the bound until the last release.
 *
 * The hash is keyed with a seed from the kernel, so that no client can choose paths that collide.
 */
#ifndef WEIR_FILE_CACHE_H
#define WEIR_FILE_CACHE_H

#include "engine/base/machine.h"
#include "io/base/list.h"
#include "io/files/counters.h"
#include "io/files/disk.h"
#include "io/files/holders.h"
#include "io/files/proof.h"

enum file_kind {
  FILE_SMALL,     /* content in bytes */
  FILE_LARGE,     /* content through fd */
  FILE_DIRECTORY, /* no content */
  FILE_MISSING,   /* these two stay inside io/ and are remembered for a short while */
  FILE_FORBIDDEN,
};

/* One version of one file. Readers use the first three members. */
struct file {
  _Alignas(16) struct span bytes; /* the whole content, never changing; base NULL: files_read() */
  struct file_identity identity;
  bool directory; /* all else is then meaningless */

  bool listed;  /* its path leads to it */
  bool recent;  /* used since the clock's hand last passed */
  bool settled; /* false: the time stamps cannot vouch for it, load it again when it is stale */
  uint8_t kind; /* enum file_kind */
  int fd; /* FILE_LARGE: shared by all readers; -1 else, or when it was closed for another's */
  uint32_t reading;        /* reads of it that are with the ring: its descriptor stays open */
  uint32_t used_at;        /* when it was last found or read, on the cache's clock of seconds */
  struct list_node opened; /* in one of the cache's two lists, while it has a descriptor */
  /* Of those that use the descriptor, the client that is charged with it. */
  struct holder_item item;
  struct list_node windows; /* pieces of it that are in memory; see files/window.h */
  struct file_proof proof;  /* FILE_LARGE: that what its descriptor reads is still this version */
  uint32_t holders;         /* references; 0: only listed */
  uint32_t slot;            /* place on the clock, while listed */
  uint32_t path_len;
  uint8_t *path;       /* within this allocation */
  uint8_t *content;    /* FILE_SMALL: content_bytes of memory, at least 1; bytes.base in the end */
  size_t charge_bytes; /* what it counts against the bound */
  uint64_t fresh_until_ns;
  uint64_t hash;
  struct file *chain; /* next in the hash bucket, while listed */
  /* Then the user's bytes, aligned for anything (not for the last two kinds), then the path. */
};

_Static_assert(sizeof(struct file) % 16 == 0, "the user's bytes follow and are aligned");

struct file_cache {
  struct file **buckets;
  uint32_t bucket_mask;
  struct file **clock; /* listed entries in no order */
  uint32_t count;      /* entries listed */
  uint64_t unlisted;   /* how often one has ceased to be */
  uint32_t entries_max;
  uint32_t hand;
  size_t bytes, bytes_max; /* listed and held together */
  uint32_t descriptors, descriptors_max;
  uint32_t seconds;        /* that have passed, as file_cache_second() counts them */
  struct writes *writes;   /* to files with a descriptor; NULL: nobody looks out for them */
  struct list_node in_use; /* held entries with a descriptor; the one that was used last is last */
  /* The others with a descriptor, in the order in which they were let go. */
  struct list_node not_held;
  struct holders holders; /* of descriptors */
  /* Whether the path of an entry still leads to its file, so that it can be opened again. */
  bool (*leads_to)(void *ctx, const struct file *file);
  void *leads_to_ctx;
  uint64_t seed[2];
  struct files_counters *counters; /* the owner's */
  size_t user_bytes;
  void (*user_free)(void *ctx, struct file *file);
  void *user_ctx;
};

/* The bounds, the user's members and leads_to must be set, all else zero. False without memory or random
 * bytes. */
__attribute__((warn_unused_result)) bool file_cache_init(struct file_cache *cache);

/* No entry may be held any more (asserted). */
void file_cache_destroy(struct file_cache *cache);

uint64_t file_cache_hash(const struct file_cache *cache, struct span path);

/* The listed entry of that path, or NULL. */
struct file *file_cache_find(const struct file_cache *cache, struct span path, uint64_t hash);

/* A new entry, held once by the caller and not listed. A FILE_SMALL has room for `content_bytes`.
 * NULL when there is no room that eviction could make, or no memory. */
__attribute__((warn_unused_result)) struct file *file_cache_make(struct file_cache *cache,
                                                                 struct span path, uint64_t hash,
                                                                 enum file_kind kind,
                                                                 size_t content_bytes);

/* A held entry's user needs `bytes` more, until the entry is freed: counts them against the bound. False when there
 * is no room that eviction could make. */
__attribute__((warn_unused_result)) bool file_cache_charge(struct file_cache *cache,
                                                           struct file *file, size_t bytes);

/* Lists the entry, in place of the one that has its path. Evicts another one when there are too
 * many; when all of them are held the entry stays unlisted, which only means that the next lookup
 * loads it again. */
void file_cache_list(struct file_cache *cache, struct file *file);

/* Whether there is room for one more descriptor of that client; closes another one for it, if that may
 * be. */
__attribute__((warn_unused_result)) bool file_cache_has_room(struct file_cache *cache,
                                                             const void *client);

/* Gives a held entry its descriptor, for which there must be room (asserted). */
void file_cache_take_descriptor(struct file_cache *cache, struct file *file, int fd,
                                const void *client);

/* Closes a descriptor, so that `client` can have another one. files/cache.c says which. Its entry is then no
 * longer listed; if it is held, files/read.h opens it again. False when none may be closed. */
__attribute__((warn_unused_result)) bool file_cache_close_one(struct file_cache *cache,
                                                              const void *client);

/* Whether file_cache_has_room() would close none that is held. */
bool file_cache_has_spare(const struct file_cache *cache);

/* A held entry was found or is read by `client`: its descriptor, if it has one, is in use. Of all that use it,
 * one that has fewest others is charged with it. */
void file_cache_touch(struct file_cache *cache, struct file *file, const void *client);

/* Another second has passed. */
void file_cache_second(struct file_cache *cache);

/* The path leads to it no more; frees it unless held. The entry must be listed (asserted). */
void file_cache_unlist(struct file_cache *cache, struct file *file);

/* No path leads to an entry any more. */
void file_cache_clear(struct file_cache *cache);

/* Another reference. Returns `file`. */
struct file *file_retain(struct file *file);

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
