/*
 * files/opening.h - opening what a path below the root leads to, so that nothing is waited for.
 *
 * When the process has no descriptor left, the cache gives up its own, as it does for `client`, before a
 * lookup is turned away.
 */
#ifndef WEIR_FILES_OPENING_H
#define WEIR_FILES_OPENING_H

#include "io/files/beneath.h"
#include "io/files/cache.h"

struct stat;

/* What the path leads to, without touching it. Returns 0 or -errno. */
__attribute__((warn_unused_result)) int opening_look(const struct beneath *beneath,
                                                     struct file_cache *cache, const char *path,
                                                     const void *client, struct stat *status);

/* Opens a regular file for reading. Returns the descriptor, which is the caller's, or -errno: EPERM
 * for anything but a regular file. */
__attribute__((warn_unused_result)) int opening_regular(const struct beneath *beneath,
                                                        struct file_cache *cache, const char *path,
                                                        const void *client);

#endif
