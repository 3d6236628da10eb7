/*
 * serve/metrics/tally.c - see serve/metrics/tally.h.
 */
#include "tools/serve/metrics/tally.h"

void tally_init(struct tally *tally) {
  *tally = (struct tally){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static void add(struct serve_counts *sum, const struct tally_parts *parts) {
  if (!parts->engine) return;
  struct engine_counters engine = engine_counters(parts->engine);
  serve_counts_add(&sum->engine, &engine, sizeof engine);
  if (parts->tls) serve_counts_add(&sum->tls, parts->tls, sizeof sum->tls);
  if (parts->files) serve_counts_add(&sum->files, parts->files, sizeof sum->files);
  if (parts->recode) serve_counts_add(&sum->recode, parts->recode, sizeof sum->recode);
  if (parts->compress) serve_counts_add(&sum->compress, parts->compress, sizeof sum->compress);
  if (parts->rate) serve_counts_add(&sum->rate, parts->rate, sizeof sum->rate);
}

void tally_show(struct tally *tally, unsigned index, const struct tally_parts *parts) {
  pthread_mutex_lock(&tally->lock);
  tally->workers[index] = *parts;
  pthread_mutex_unlock(&tally->lock);
}

void tally_take_back(struct tally *tally, unsigned index) {
  pthread_mutex_lock(&tally->lock);
  const struct tally_parts *parts = &tally->workers[index];
  add(&tally->ended, parts);
  if (parts->requests)
    serve_counts_add(&tally->ended_requests, parts->requests, sizeof tally->ended_requests);
  tally->workers[index] = (struct tally_parts){0};
  pthread_mutex_unlock(&tally->lock);
}

struct serve_counts tally_sum(struct tally *tally) {
  pthread_mutex_lock(&tally->lock);
  struct serve_counts sum = tally->ended;
  for (unsigned i = 0; i < IO_WORKERS_MAX; i++)
    add(&sum, &tally->workers[i]);
  pthread_mutex_unlock(&tally->lock);
  return sum;
}

struct request_counts tally_requests(struct tally *tally) {
  pthread_mutex_lock(&tally->lock);
  struct request_counts sum = tally->ended_requests;
  for (unsigned i = 0; i < IO_WORKERS_MAX; i++)
    if (tally->workers[i].requests) serve_counts_add(&sum, tally->workers[i].requests, sizeof sum);
  pthread_mutex_unlock(&tally->lock);
  return sum;
}

struct serve_gauges tally_gauges(struct tally *tally) {
  struct serve_gauges sum = {0};
  pthread_mutex_lock(&tally->lock);
  for (unsigned i = 0; i < IO_WORKERS_MAX; i++)
    if (tally->workers[i].gauges) serve_counts_add(&sum, tally->workers[i].gauges, sizeof sum);
  pthread_mutex_unlock(&tally->lock);
  return sum;
}

void tally_set_gauges(struct serve_gauges *gauges, const struct serve_gauges *now) {
  uint64_t *to = (uint64_t *)gauges;
  const uint64_t *from = (const uint64_t *)now;
  for (size_t i = 0; i < sizeof *now / sizeof *to; i++)
    __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}
