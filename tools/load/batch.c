/*
 * load/batch.c - see load/batch.h.
 */
#include "tools/load/batch.h"

/* A wait ends when all connections have something. */
static bool set(const struct load_books *books, unsigned us) {
  unsigned count = books->connections;
  if (count > LOAD_BATCH_CONNECTIONS_MAX) count = LOAD_BATCH_CONNECTIONS_MAX;
  return ring_batch(&books->io->loop.ring, us ? count : 0, us);
}

bool load_batch_begin(struct load_batch *batch, const struct load_books *books,
                      struct io_error *error) {
  const struct load_options *options = books->plan->options;
  const bool opening = options->requests_per_connection > 0 || options->connect_rate > 0;
  const double us = 1e6 * options->batch_wait_seconds;
  batch->follows = us < 0 && !books->open && !opening;
  if (us <= 0 || set(books, (unsigned)(us + 0.5))) return true;
  return io_error_set(error, 0, "--batch-wait needs io_uring, and Linux 6.12 or newer");
}

unsigned load_batch_us(uint64_t latency_ns) {
  const uint64_t us = (latency_ns >> (LOAD_HISTOGRAM_PART_BITS + 1)) / 1000;
  if (us < LOAD_BATCH_AUTO_US_MIN) return 0;
  return us < LOAD_BATCH_AUTO_US_MAX ? (unsigned)us : LOAD_BATCH_AUTO_US_MAX;
}

/* Whenever there are twice as many responses, so that this costs nothing in a long run. */
void load_batch_follow(struct load_batch *batch, const struct load_books *books) {
  const struct load_histogram *first_byte = &books->stats.requests.first_byte;
  if (!batch->follows || first_byte->count <= 2 * batch->known) return;
  batch->known = first_byte->count;
  batch->follows = set(books, load_batch_us(load_histogram_percentile(first_byte, 10)));
}
