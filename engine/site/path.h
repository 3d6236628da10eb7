/*
 * site/path.h - the path of a request target, decoded once, normalised, or refused.
 * Spec: RFC 3986 sections 2.1, 3.3, 5.2.4 and 6.2.2.
 *
 * A path that passes is relative to the root, names nothing above it, and has none of: NUL and
 * other control characters, backslash, encoded slash, an empty, "." or ".." segment. A segment that
 * begins with a dot is hidden, except for a first segment of ".well-known" (RFC 8615). Bytes above 0x7f
 * pass as they are, UTF-8 or not: a file's name on Linux is any bytes.
 *
 * A path that tries to leave the root, however it is encoded, gets the answer of a missing file, so
 * that probing tells nothing.
 */
#ifndef WEIR_SITE_PATH_H
#define WEIR_SITE_PATH_H

#include "engine/base/machine.h"

enum site_path_result {
  SITE_PATH_OK,
  SITE_PATH_BAD,     /* 400: not a path */
  SITE_PATH_NO_FILE, /* 404: hidden, above the root, or no possible name of a file */
  SITE_PATH_LONG,    /* 414: longer than the room */
};

struct site_path {
  struct span path;  /* in the room; no slash at either end; empty for the root */
  struct span query; /* in the target, with its "?"; visible ASCII or empty */
  bool directory;    /* the target ended with a slash, or named the root */
};

/* Borrows `target` (the :path of a request). Writes to `room`, at most `room_bytes`. */
__attribute__((warn_unused_result)) enum site_path_result
site_path_parse(struct span target, uint8_t *room, size_t room_bytes, struct site_path *out);

/* Whether a name in a directory belongs to paths that pass: not hidden, and of bytes that they may have. */
__attribute__((warn_unused_result)) bool site_path_shows(struct span name);

/* Writes `text`, a path or a name, so that it can stand in a target: percent-encoded, at most 3 * text.len bytes.
 * Returns the length. */
size_t site_path_encode(struct span text, uint8_t *room);

/* Writes the target that leads to the directory of that path below `prefix`, which is such a path, too: "/",
 * both percent-encoded, "/" and the query, which is what a redirect needs. It begins with exactly one slash, so
 * that it cannot name another authority. Returns the length, at most 3 * (prefix.len + path.len) + 3 +
 * query.len, or 0 when `room_bytes` is less than what is needed. */
size_t site_path_directory(struct span prefix, const struct site_path *path, uint8_t *room,
                           size_t room_bytes);

#endif
