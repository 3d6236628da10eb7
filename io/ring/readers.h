/*
 * ring/readers.h - a few threads that read files for one poller, where a disk has to be waited for.
 *
 * The first read starts the first thread; another starts while there are fewer than IO_READERS and all have
 * something to do. Jobs are served in the order in which they come. A job is the poller's again when it is taken back
 * (readers_take, readers_withdraw); until then nobody else touches it.
 *
 * Owner: the poller's thread, which alone calls what is below.
 */
#ifndef WEIR_IO_RING_READERS_H
#define WEIR_IO_RING_READERS_H

#include "io/ring/item.h"

struct readers;

/* `event_fd`: an eventfd that is written to when a job is done; borrowed until readers_close(). NULL without
 * memory. */
__attribute__((warn_unused_result)) struct readers *readers_open(int event_fd);

/* Reads job->item.len bytes at job->offset of job->fd. False when there is no thread and none can be had. */
__attribute__((warn_unused_result)) bool readers_read(struct readers *readers,
                                                      struct item_job *job);

/* Takes back a job that no thread has begun; false when one has. */
__attribute__((warn_unused_result)) bool readers_withdraw(struct readers *readers,
                                                          struct item_job *job);

/* Moves the jobs that are done to `list`: item.result is what read(2) returned, or -errno. */
void readers_take(struct readers *readers, struct list_node *list);

/* Waits for the threads, unless one still reads: then they end by themselves, and the job's memory and
 * descriptor must outlive its read. NULL is allowed. */
void readers_close(struct readers *readers);

#endif
