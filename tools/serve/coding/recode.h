/*
 * serve/coding/recode.h - other codings of files, made once by a thread and kept with the file's entry: what
 * site_source_ops.recode() of serve/site.c is made of.
 *
 *     asked for --> made before? --yes--> found, or of no use
 *                     |no
 *                     v
 *                   a job for a thread (io/worker/jobs.h); requests that come meanwhile wait for the same job
 *
 * The entry of a file in the cache carries what was made of it: both are freed together, when the file has changed or
 * the cache needs the room. What is made counts against the bound of the cache, and is at most half of it: more could
 * not be kept, and each request would have it made again. Where a thread can't be had, or there is no room now, the
 * answer is SITE_BUSY, and the file is sent as it is.
 *
 * Owner: the worker. Each worker makes its own, as it has its own cache.
 */
#ifndef WEIR_TOOLS_SERVE_CODING_RECODE_H
#define WEIR_TOOLS_SERVE_CODING_RECODE_H

#include "engine/site/source.h"
#include "io/files/files.h"
#include "io/worker/jobs.h"

struct recode_made;

/* One writer; read with counter_get() from anywhere. */
struct recode_counters {
  uint64_t encoded;   /* files compressed */
  uint64_t decoded;   /* compressed siblings decoded */
  uint64_t useless;   /* would have been no smaller, or too large to keep */
  uint64_t failed;    /* damaged, changed meanwhile, or no memory */
  uint64_t busy;      /* too many waited, or the cache had no room */
  uint64_t bytes_in;  /* of what was compressed, */
  uint64_t bytes_out; /* and of what it became */
};

struct recode {
  struct files *files;
  struct jobs_desk *desk;
  struct recode_counters *counters;
  size_t bytes_max;   /* of what is made of one file */
  unsigned under_way; /* jobs that hold a file */
};

/* What the cache's entry of a file has in its user bytes: the site's entry, and what was made of it. */
struct recode_entry {
  struct site_entry entry; /* first */
  struct recode_made *made[CODING_COUNT];
};

/* As site_source_ops.recode() and recode_cancel(). */
__attribute__((warn_unused_result)) enum site_result recode_find(struct recode *recode,
                                                                 struct site_entry *entry,
                                                                 enum coding from, enum coding to,
                                                                 struct site_lookup *lookup);
void recode_cancel(struct site_lookup *lookup);

/* Ends a reference to an entry that recode_find() gave. */
void recode_release(struct recode *recode, struct site_entry *entry);

/* The cache frees a file: frees what was made of it. */
void recode_forget(struct recode_entry *entry);

#endif
