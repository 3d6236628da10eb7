/*
 * files/window.h - the most recently read pieces of large files, lent to all that read the same file.
 *
 * A window is a piece of FILES_WINDOW_BYTES, at a multiple of that in its file. It is read once, and its bytes
 * are sent from where they lie, by every reader that comes by. Readers keep a *view*, which remembers the
 * window that they are in, so that only the first bytes of a window cost a lookup and a check.
 *
 * Windows never make a reader wait or fail: where one cannot be had, files/read.h reads instead. That is so
 *   - while the file changed so lately that its time stamps cannot vouch for its bytes (files/proof.h). A window
 *     is lent only while the file has the ctime that it had, long settled, when the window was read; so its bytes
 *     are the file's;
 *   - when the bytes are not in the page cache;
 *   - when all windows are in use.
 *
 * A window in use is not read anew: while a reader's view is in it, for FILES_WINDOW_SECONDS after that reader's
 * last visit, and while bytes of it are lent, which its count of loans says. So clients that stop reading can
 * pin windows, and others then read without them.
 *
 * The bytes lie in the loop's pages (base/pages.h), as far as those suffice: links then send them by reference.
 *
 * Owner: one for each struct files. Memory: FILES_WINDOWS_MAX windows at most, or half of what its cache may take if
 * that is less. Each is allocated when it is needed and freed FILES_WINDOW_SECONDS after its last use.
 */
#ifndef WEIR_FILE_WINDOW_H
#define WEIR_FILE_WINDOW_H

#include "io/base/pages.h"
#include "io/files/cache.h"

struct file_window {
  struct list_node of_file; /* in its file's list; not linked: it holds nothing */
  struct list_node order;   /* among all, in the order of use */
  uint8_t *buffer;          /* FILES_WINDOW_BYTES, or NULL */
  uint64_t offset;          /* in the file */
  uint32_t len;
  uint32_t serial;  /* changes with its content */
  uint32_t readers; /* views that are in it */
  uint32_t loans;   /* pieces of it that are on their way to a client */
  uint32_t used_at; /* on the cache's clock of seconds */
  int64_t ctime_ns; /* of the file, before and after it was read */
};

struct file_windows {
  struct file_cache *cache;
  struct pages *pages;    /* of buffers that can be sent by reference; NULL: none can */
  struct file_window *at; /* `count` of them, or NULL: no window at all */
  uint32_t count;
  struct list_node order;
};

/* A reader's place. All zero at first. */
struct file_view {
  struct file_window *window; /* NULL: in none */
  uint32_t serial;            /* which it had */
  uint64_t refused_to;        /* bytes before this one are read without a window */
};

/* At most `count` windows, whose bytes lie in `pages` as far as those suffice; it may be NULL. Without memory for
 * them there are none, and nothing is ever lent. */
void windows_init(struct file_windows *windows, struct file_cache *cache, struct pages *pages,
                  uint32_t count);

/* No view may be in a window, and no loan may be out (asserted). */
void windows_destroy(struct file_windows *windows);

/* Bytes of a held FILE_LARGE at `offset`, up to the end of their window; empty if they cannot be lent now. A
 * window is read for them only if `may_read`. They stay as they are until the next call of this function, and
 * while the count at `*loans` is above what it was. `client` is as in files/holders.h. */
struct span windows_lend(struct file_windows *windows, struct file *file, uint64_t offset,
                         bool may_read, const void *client, struct file_view *view,
                         uint32_t **loans);

/* The reader is done, or goes elsewhere. */
void windows_leave(struct file_view *view);

/* Whether a loan is out. */
bool windows_are_lent(const struct file_windows *windows);

/* To be called once a second, after file_cache_second(). */
void windows_trim(struct file_windows *windows);

#endif
