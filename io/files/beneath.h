/*
 * files/beneath.h - opening paths that cannot lead out of a directory.
 *
 * The kernel resolves them: openat2() with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS refuses, at
 * every step and against concurrent renames, to leave the directory. Symbolic links that stay
 * inside are followed. The kernel refuses absolute links; if such a path leads inside nevertheless,
 * the place that it leads to is opened by its own path, under the same rules. Where openat2() itself
 * is refused (an old seccomp profile), the path is walked step by step, O_NOFOLLOW at each, and no
 * symbolic link is followed.
 */
#ifndef WEIR_BENEATH_H
#define WEIR_BENEATH_H

#include "engine/base/machine.h"

struct io_error;

struct beneath {
  int root;      /* O_PATH descriptor of the directory */
  bool stepwise; /* without openat2() */
};

/* False when `root` does not exist, is no directory, or may not be searched; `error` names it. */
__attribute__((warn_unused_result)) bool beneath_init(struct beneath *beneath, const char *root,
                                                      struct io_error *error);

/* Looks `root` up again. True: it leads to another directory, which is the root from now on. Where it
 * leads to none that may be searched, everything stays. */
__attribute__((warn_unused_result)) bool beneath_follow(struct beneath *beneath, const char *root);

void beneath_close(struct beneath *beneath);

/* Opens a relative path ("." for the root itself) with O_CLOEXEC | O_NOCTTY | O_NONBLOCK and
 * `flags`. Returns the descriptor, or -errno: EXDEV when the path leads outside, ELOOP when a link
 * may not be followed, EAGAIN when renames raced with it time and again. */
__attribute__((warn_unused_result)) int beneath_open(const struct beneath *beneath,
                                                     const char *path, int flags);

#endif
