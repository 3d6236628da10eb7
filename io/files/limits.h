/*
 * files/limits.h - the bounds of files: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_IO_FILES_LIMITS_H
#define WEIR_IO_FILES_LIMITS_H

#include "io/base/limits.h"

/* How long an entry is believed before it is compared with the file system again. */
#define FILES_FRESH_NS IO_SECOND

/* A file whose ctime is this near to its loading may be written again under the same time stamp:
 * some file systems count in seconds, FAT in two. */
#define FILES_SETTLE_NS (2 * IO_SECOND)

/* Bytes of the largest file that is held in memory: most pages, scripts and pictures. Larger files
 * gain little from it: they are few, and their transfers are long. */
#define FILES_SMALL_BYTES (256 * 1024)

/* Defaults of struct files_settings, for each worker: bytes of content and entries, entries, and buffers
 * of FILES_READ_BYTES. io/files/files.h says what happens beyond them. */
#define FILES_CACHE_BYTES (64 * 1024 * 1024)
#define FILES_ENTRIES_MAX 16384
#define FILES_READS_MAX   1024

/* Open large files of a worker: of the descriptors that the process may have, all workers together use
 * one in FILES_DESCRIPTORS_PART, since a connection needs one, too, and may ask for many files. At least
 * so few that a site still works where 64 are allowed; at most as many as there are entries. */
#define FILES_DESCRIPTORS_PART 4
#define FILES_DESCRIPTORS_MIN  16
#define FILES_DESCRIPTORS_MAX  FILES_ENTRIES_MAX

/* For how long a reader keeps its descriptor without reading, once descriptors run out, if its client has no
 * other: as long as a client may pause a response before nginx ends it. */
#define FILES_HOLD_SECONDS 60

/* Things of clients that have the most that are looked at to find one that can be given to another. */
#define FILES_GIVE_TRIES 16

/* Clients that hold descriptors, buffers or places in a queue are found in that many chains, and told apart by
 * what they hold up to that number: about as many streams as a connection has. */
#define FILES_HOLDER_BUCKETS 1024
#define FILES_HOLDER_RANKS   128

/* Files whose content is being waited for from the disk; lookups of more wait for their turn. They hold
 * at most FILES_SMALL_BYTES each. */
#define FILES_LOADS_MAX 256

/* Lookups that wait for their turn, of each worker, and for how long: a page's burst of requests on a
 * slow disk is over by then, and users do not wait longer for an error. Each holds a copy of its path;
 * more of them get FILES_BUSY. */
#define FILES_QUEUED_MAX 4096
#define FILES_QUEUED_NS  (10 * IO_SECOND)

/* Waiting lookups that are tried in one go: each may open and read a file. And clients without room, one after
 * the other, after which there is none for the next ones either. */
#define FILES_QUEUE_RUN    32
#define FILES_QUEUE_MISSES 4

/* Bytes of one read of a large file: as much as four TLS records hold. */
#define FILES_READ_BYTES (64 * 1024)

/* Bytes of a piece of a large file that is read once for all that read the file, and sent from where it lies.
 * Larger ones save little: copying them takes a hundred times as long as the system call. */
#define FILES_WINDOW_BYTES PAGES_BYTES

/* Such pieces of one worker, or fewer: 32 MiB, half of what it may hold of small files. Enough for as many large files
 * as are sent at once; readers of more read for themselves. */
#define FILES_WINDOWS_MAX 256

/* A piece that nobody used for this long is freed. A client that paused for this long does not keep one. */
#define FILES_WINDOW_SECONDS 2

/* Bytes of the longest path: what open() accepts, PATH_MAX without the final zero. */
#define FILES_PATH_BYTES 4095

/* Names that a directory's list has at most. Each costs a system call; all of them together about 2 ms, which is
 * as long as a loop may stand still for one client. */
#define FILES_LIST_NAMES_MAX 1000

/* Bytes of a large file's beginning, and of the last that were read of it, that are kept to see whether
 * it was rewritten in place. Another file, compressed or not, hardly has the same 64 bytes at the same
 * place. */
#define FILES_PROOF_BYTES 64

/* Attempts after the first when a file changes while it is loaded, or a read is interrupted; and
 * attempts in all when a rename races with RESOLVE_BENEATH. */
#define FILES_ATTEMPTS 4

#endif
