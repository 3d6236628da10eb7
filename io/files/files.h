/*
 * files/files.h - files below one directory: found by path, cached while small, read in pieces when
 * large.
 *
 * What a lookup promises:
 *   - Never a byte from outside the root: paths are resolved by openat2() with RESOLVE_BENEATH and
 *     RESOLVE_NO_MAGICLINKS, so that neither "..", nor a symbolic link, nor a race between renames
 *     leads out. Links that stay inside are followed, absolute ones too. Other file systems mounted
 *     inside are served (RESOLVE_NO_XDEV is not used: containers mount sites in pieces). Where
 *     openat2() is refused, the path is walked step by step and no symbolic link is followed at all.
 *   - Never a hang: a path is first opened with O_PATH, which touches no device and waits for no
 *     FIFO, and only a regular file is then opened for reading, with O_NONBLOCK.
 *   - A hit costs one hash of the path and no system call. Every entry is compared with the file
 *     system (one fstatat) at the first lookup later than FILES_FRESH_NS after the last comparison,
 *     so that a change is seen within that time, whether made by rename or in place. Device, inode,
 *     size, mtime and ctime are compared; a file whose ctime was nearly the present when it was
 *     loaded is loaded once more, because another write may share its time stamp. Missing and
 *     forbidden paths are remembered for the same time.
 *
 * Content. Files of up to FILES_SMALL_BYTES are held in memory and their bytes never change: the
 * holder of a reference may lend them out. Larger files, and small ones when the memory bound is
 * reached by files in use, are read in pieces through a descriptor that all readers of the file
 * share. A file that is replaced by rename, unlinked, touched or appended to is read to the end that
 * it had when it was found; the next lookup finds what its path leads to now. Files are never mapped: a
 * truncated mapping would be a SIGBUS.
 *
 * Pieces that several readers want are read once, and sent from where they lie: files/window.h says when.
 *
 * After each piece the file is checked. Promised: a piece that ends beyond a new, earlier end of the file is never
 * handed out, and no piece is after a write that changed the file's first FILES_PROOF_BYTES or the last ones that
 * were read, nor, where inotify reports writes, after any write that left the file as long as it was. Not promised:
 * that a write in place elsewhere is noticed on network file systems, through a mapping, or when the file is appended
 * to as well. It sets the same time stamps as a touch does, and the kernel's change counter (STATX_CHANGE_COOKIE) is
 * not given to programs. So a response may mix two versions of such a file: replace files by rename, as deployments
 * do.
 *
 * Waiting. openat2() and fstatat() are called directly: their names are in the kernel's dentry
 * cache on all but the first use, where a completion through the ring would cost more than the
 * call, and io_uring would hand each of them to a kernel thread. Content is read with RWF_NOWAIT
 * first, which succeeds when it is in the page cache; else the loop's ring reads and done() is
 * called later.
 *
 * Ownership: one struct files a worker; nothing is locked. An entry (struct file) is reference
 * counted: lookups hand out a reference, file_release() ends it. When a file changes, its path
 * leads to a new entry and the old one lives on until its last release.
 *
 * Bounds: entries, bytes of content, descriptors and read buffers, each in struct files_settings;
 * entries without a holder are evicted by a clock sweep (one bit of recent use). A lookup that
 * finds a bound wholly in use waits in a queue for at most FILES_QUEUED_NS, and only then is the
 * answer FILES_BUSY; at once, where the queue is full or there is no loop.
 *
 * Fairness. Descriptors, buffers and places in the queue are shared between clients, which are connections:
 * when they run short, the client that has most gives way to one that has two fewer, at once. A client that
 * has as many as others exchanges its own.
 *
 * Descriptors. When they run short, a client that has most, or that needs another one itself, gives up the one that
 * it used longest ago, if the file's path still leads to it. A client's only one is not taken for another client
 * before it was not used for FILES_HOLD_SECONDS; then it may be, wherever the path leads to. The next read opens the
 * file again, and fails if the path leads to another file by then. So a replaced file is not read to its end in two
 * cases only, both while descriptors are short: it was replaced after its descriptor had been given up, or it was
 * not read for FILES_HOLD_SECONDS. If such descriptors were kept, clients that stop reading could keep all others
 * from every large file.
 */
#ifndef WEIR_FILES_H
#define WEIR_FILES_H

#include "io/files/counters.h"
#include "io/files/lookup.h"
#include "io/files/read.h"
#include "io/files/window.h"

struct io_error;
struct loop;

struct files_settings {
  const char *root;  /* directory; borrowed during files_create() */
  struct loop *loop; /* whose ring reads what is not in the page cache; NULL: reads block */
  /* Bytes of content and entries, with what the user adds; 0: FILES_CACHE_BYTES. Windows of large files may take half
   * as much besides (files/window.h). */
  size_t cache_bytes_max;
  uint32_t entries_max;     /* 0: FILES_ENTRIES_MAX */
  uint32_t descriptors_max; /* open large files; 0: its share of what the process may open */
  uint32_t workers;         /* that have such a share; 0: one */
  uint32_t reads_max;       /* read buffers of FILES_READ_BYTES; 0: FILES_READS_MAX */
  /* Kept. Several struct files, those of one worker, say, may count here together. NULL: they have their own. */
  struct files_counters *counters;
  size_t user_bytes; /* zeroed bytes that each entry carries for the user, file_user() */
  /* An entry is about to be freed: free what its user bytes own. They may be zero still, of an
   * entry that was never handed out. May be NULL. */
  void (*user_free)(void *ctx, struct file *file);
  void *user_ctx;
  /* A path is FILES_FORBIDDEN, for `error`: an errno value. Called whenever that is found out, which is
   * again once it has been forgotten. May be NULL. */
  void (*forbidden)(void *ctx, struct span path, int error);
};

/* NULL when the root cannot be opened or memory is refused, with one line in `error` that names the
 * root. `*note`, if not NULL, is set to NULL or to a line to show at startup (a fallback taken). */
__attribute__((warn_unused_result)) struct files *
files_create(const struct files_settings *settings, const char **note, struct io_error *error);

/* Whether the ring has answered everything that was asked of it, and no bytes of files_lend() are lent: they may be on
 * their way after the last reference was released. */
bool files_are_idle(const struct files *files);

/* All references, lookups, reads and loans must have ended, and the loop's ring must have answered every
 * read (asserted). NULL is allowed. */
void files_destroy(struct files *files);

/* Finds `path`, which is borrowed: relative to the root, no slash at either end, empty for the root
 * itself. A directory is found too (file->directory). All results but FILES_PENDING are final and
 * done() is not called. */
__attribute__((warn_unused_result)) enum files_result
files_find(struct files *files, struct span path, uint64_t now_ns, struct files_lookup *lookup);

/* When a file that was just found is listed: see files_find_again(); 0: it is not. */
uint64_t files_listing(const struct files *files, const struct file *file);

/* Finds a file again, as files_find() would that found it when files_listing() was `listing` (not 0): with a
 * reference. False: it may be gone, or is to be compared with the disk. */
__attribute__((warn_unused_result)) bool files_find_again(struct files *files, struct file *file,
                                                          uint64_t listing, uint64_t now_ns,
                                                          const void *client);

/* Forgets a pending lookup; its done() is not called any more. */
void files_find_cancel(struct files_lookup *lookup);

/* Reads 1 .. max bytes at `offset` of a file whose bytes.base is NULL. `offset` and `max` lie
 * within its size (asserted); at most FILES_READ_BYTES are read. FILES_FOUND, FILES_PENDING,
 * FILES_BUSY or FILES_FAILED; files_read_end() is called after FILES_FOUND and FILES_PENDING only.
 * The caller fills in done() first, and holds a reference to the file until files_read_end(). */
__attribute__((warn_unused_result)) enum files_result files_read(struct files *files,
                                                                 struct file *file, uint64_t offset,
                                                                 size_t max,
                                                                 struct file_piece *read);

/* Bytes of a file whose bytes.base is NULL, from where they lie in memory: see windows_lend(), and call
 * windows_leave() in the end. The caller holds a reference to the file while its view is in use. */
struct span files_lend(struct files *files, struct file *file, uint64_t offset, bool may_read,
                       const void *client, struct file_view *view, uint32_t **loans);

/* Gives the bytes of a finished read back, or forgets a pending one. */
void files_read_end(struct files *files, struct file_piece *read);

/* To be called about once a second, which is also how seconds are counted: looks up the root, so that
 * another directory that its path leads to by now is served, ends lookups that waited too long, and
 * frees the read buffers that the last second did not need. */
void files_trim(struct files *files, uint64_t now_ns);

/* Ends a reference; file_retain() makes another one. */
void files_release(struct files *files, struct file *file);

/* Counts what the user keeps for an entry that it holds: see file_cache_charge(). */
__attribute__((warn_unused_result)) bool files_charge(struct files *files, struct file *file,
                                                      size_t bytes);

const struct files_counters *files_counters(const struct files *files);
struct files_gauges files_gauges(const struct files *files);

#endif
