/*
 * load/batch.h - how long a worker waits for more answers, once there is one.
 *
 * A server that is slower than its client, and sends its responses one by one, wakes the client for each few of them, which
 * costs more than the responses do. A short wait saves most of that, and adds to the latencies that are measured.
 *
 * --batch-wait says how long. By default the wait is the 256th part of the time to the first byte that nine of ten responses
 * exceed, which is half of the width of the histogram's buckets: it does not show in the report. Where it would, nothing
 * waits unless it is told to: in an open loop, which would start requests late, and while connections are opened, which
 * takes less time than a response may. Nor does anything wait on epoll, or before Linux 6.12.
 */
#ifndef WEIR_LOAD_BATCH_H
#define WEIR_LOAD_BATCH_H

#include "tools/load/books.h"

struct load_batch {
  bool follows;   /* the latency */
  uint64_t known; /* how many responses there were when the wait was set */
};

/* False with error->text: what --batch-wait asks for cannot be done here. */
__attribute__((warn_unused_result)) bool
load_batch_begin(struct load_batch *batch, const struct load_books *books, struct io_error *error);

/* From time to time, between two turns. */
void load_batch_follow(struct load_batch *batch, const struct load_books *books);

/* The wait beside a latency, in microseconds; 0: none. */
unsigned load_batch_us(uint64_t latency_ns);

#endif
