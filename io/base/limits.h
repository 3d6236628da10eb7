/*
 * base/limits.h - the bounds that all of io/ shares: unit, value and reason.
 *
 * A bound stands in the limits.h of the folder that enforces it: ring/ link/ files/ tls/ worker/ have one each.
 * Each bound is run into by a test, or its comment says why not ("Untested: ..."); tests/style checks that.
 */
#ifndef WEIR_IO_LIMITS_H
#define WEIR_IO_LIMITS_H

#include <stdint.h>

#define IO_MILLISECOND UINT64_C(1000000)    /* ns */
#define IO_SECOND      UINT64_C(1000000000) /* ns */

/* Bytes of an address as text: "[", IPv6 with its scope, "]:65535" and the final zero. */
#define ADDRESS_TEXT_BYTES 96

/* Messages on their way to one worker; a power of two. The sender is told when it is full. */
#define IO_MAILBOX_ENTRIES 256u

/* Pieces of memory that can be sent by reference, and bytes of one: a window of a large file (FILES_WINDOW_BYTES).
 * 128 MiB of addresses for each worker: the windows of four directories. More are sent as usual. */
#define PAGES_COUNT 1024
#define PAGES_BYTES (128 * 1024)

/* Lists of watched files, and events that are read at once: 4 KiB of them. Arbitrary: a worker watches some hundred
 * files, and few are written to. */
#define WRITES_BUCKETS 256u
#define WRITES_EVENTS  256

/* Reads of events at a time: as many as empty the kernel's queue (fs.inotify.max_queued_events is 16,384). */
#define WRITES_READS_MAX 64

/* Workers of one process: more than the cores of today's machines. */
#define IO_WORKERS_MAX 256u

#endif
